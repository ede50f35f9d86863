package hd

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/big"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// Key is a private key with its public half. Private is a scalar of 32 bytes, for ed25519 the RFC 8032 seed. Printing
// or logging a Key shows the public half alone.
type Key struct {
	Curve   string
	Private []byte
	Public  []byte // 33 bytes compressed; ed25519: 32
}

// NewKey completes a private key that did not come from a path, such as an imported one.
func NewKey(curve string, private []byte) (Key, error) {
	c, err := checkPrivate(curve, private)
	if err != nil {
		return Key{}, err
	}
	return Key{curve, private, c.public(private)}, nil
}

func checkPrivate(name string, private []byte) (curve, error) {
	c, err := arithmetic(name)
	if err != nil {
		return nil, err
	}
	if len(private) != 32 || !c.valid(private) {
		return nil, invalid("invalid private key")
	}
	return c, nil
}

// Derive returns the key at path under seed (16 to 64 bytes): BIP-32 for secp256k1, SLIP-0010 for the others, which
// for ed25519 knows only hardened steps. It is pure and safe for parallel use.
func Derive(seed []byte, curve, path string) (Key, error) {
	c, err := arithmetic(curve)
	if err != nil {
		return Key{}, err
	}
	steps, err := parsePath(path)
	if err != nil {
		return Key{}, err
	}
	if curve == Ed25519 && !allHardened(steps) {
		return Key{}, errPath()
	}
	if len(seed) < 16 || len(seed) > 64 {
		return Key{}, invalid("invalid seed")
	}
	n := master(c, seed)
	for _, step := range steps {
		n = n.child(c, step)
	}
	return Key{curve, n.key, c.public(n.key)}, nil
}

// String never shows the private half.
func (k Key) String() string { return fmt.Sprintf("%s %x", k.Curve, k.Public) }

// Format never shows the private half, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.String()) }

// LogValue never shows the private half.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// node is an extended private key.
type node struct{ key, chain []byte }

// master and child retry where a hash is no valid scalar, as SLIP-0010 has it for every curve. BIP-32 would fail
// instead; for secp256k1 nobody will ever see the difference (2^-127), for P-256 there is a vector (2^-32).
func master(c curve, seed []byte) node {
	for {
		sum := hash([]byte(c.salt()), seed)
		if c.valid(sum[:32]) {
			return node{sum[:32], sum[32:]}
		}
		seed = sum
	}
}

func (n node) child(c curve, step uint32) node {
	data := make([]byte, 0, 37)
	if step >= hardened {
		data = append(append(data, 0), n.key...)
	} else {
		data = append(data, c.public(n.key)...)
	}
	for {
		sum := hash(n.chain, binary.BigEndian.AppendUint32(data, step))
		if key, ok := c.add(n.key, sum[:32]); ok {
			return node{key, sum[32:]}
		}
		data = append(append(data[:0], 1), sum[32:]...)
	}
}

func hash(key, data []byte) []byte {
	h := hmac.New(sha512.New, key)
	h.Write(data)
	return h.Sum(nil)
}

// curve is what differs between the curves. Scalars are 32 bytes, big-endian.
type curve interface {
	salt() string
	valid(key []byte) bool
	add(parent, tweak []byte) (key []byte, ok bool) // not ok: the tweak or the sum is no valid scalar
	public(key []byte) []byte                       // of a valid key
}

func arithmetic(name string) (curve, error) {
	switch name {
	case Secp256k1:
		return koblitz{}, nil
	case Ed25519:
		return edwards{}, nil
	case P256:
		return nist{}, nil
	}
	return nil, invalid("invalid curve")
}

type koblitz struct{}

func (koblitz) salt() string { return "Bitcoin seed" }

func (koblitz) valid(key []byte) bool {
	var s secp256k1.ModNScalar
	return !s.SetByteSlice(key) && !s.IsZero()
}

func (koblitz) add(parent, tweak []byte) ([]byte, bool) {
	var p, t secp256k1.ModNScalar
	p.SetByteSlice(parent)
	overflow := t.SetByteSlice(tweak)
	sum := t.Add(&p).Bytes()
	return sum[:], !overflow && !t.IsZero()
}

func (koblitz) public(key []byte) []byte {
	return secp256k1.PrivKeyFromBytes(key).PubKey().SerializeCompressed()
}

type nist struct{}

func (nist) salt() string { return "Nist256p1 seed" }

func (nist) valid(key []byte) bool {
	n := new(big.Int).SetBytes(key)
	return n.Sign() > 0 && n.Cmp(elliptic.P256().Params().N) < 0
}

func (nist) add(parent, tweak []byte) ([]byte, bool) {
	order := elliptic.P256().Params().N
	t := new(big.Int).SetBytes(tweak)
	fits := t.Cmp(order) < 0
	t.Add(t, new(big.Int).SetBytes(parent)).Mod(t, order)
	return t.FillBytes(make([]byte, 32)), fits && t.Sign() > 0
}

func (nist) public(key []byte) []byte {
	point, err := p256Key(key).PublicKey.Bytes() // 4 || x || y
	if err != nil {
		panic("hd: " + err.Error())
	}
	return append([]byte{2 + point[64]&1}, point[1:33]...)
}

// p256Key is for scalars that are known to be valid.
func p256Key(scalar []byte) *ecdsa.PrivateKey {
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		panic("hd: " + err.Error())
	}
	return key
}

// edwards takes every 32 bytes for a key, and a child's key is the hash itself.
type edwards struct{}

func (edwards) salt() string                       { return "ed25519 seed" }
func (edwards) valid([]byte) bool                  { return true }
func (edwards) add(_, tweak []byte) ([]byte, bool) { return tweak, true }
func (edwards) public(key []byte) []byte {
	return ed25519.NewKeyFromSeed(key).Public().(ed25519.PublicKey)
}
