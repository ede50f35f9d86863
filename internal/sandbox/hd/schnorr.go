package hd

import (
	"crypto/sha256"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// taggedHash is BIP-340's hash: SHA-256 after the tag's own hash, twice.
func taggedHash(tag string, parts ...[]byte) []byte {
	t := sha256.Sum256([]byte(tag))
	h := sha256.New()
	h.Write(t[:])
	h.Write(t[:])
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// taprootTweak is the scalar that BIP-341 adds to a key without scripts; x is the key's 32-byte x coordinate. A hash
// over the group's order (2^-128) would have no such scalar; it is reduced.
func taprootTweak(x []byte) *secp256k1.ModNScalar {
	var t secp256k1.ModNScalar
	t.SetByteSlice(taggedHash("TapTweak", x))
	return &t
}

// taprootOutput is the x coordinate of the output key that belongs to pub.
func taprootOutput(pub []byte) ([]byte, error) {
	if len(pub) != 33 {
		return nil, errPublic()
	}
	even, err := secp256k1.ParsePubKey(append([]byte{2}, pub[1:]...))
	if err != nil {
		return nil, errPublic()
	}
	var point, tweak, sum secp256k1.JacobianPoint
	even.AsJacobian(&point)
	secp256k1.ScalarBaseMultNonConst(taprootTweak(pub[1:]), &tweak)
	secp256k1.AddNonConst(&point, &tweak, &sum)
	sum.ToAffine()
	return sum.X.Bytes()[:], nil
}

// taprootKey is the private key of the output: the one with even y, and the tweak.
func taprootKey(private []byte) *secp256k1.ModNScalar {
	d, x := evenKey(private)
	return d.Add(taprootTweak(x))
}

// SignTaproot signs a message as the owner of the P2TR address of k: BIP-340 with the key that BIP-341 tweaks, for an
// output without scripts. The auxiliary bytes are zeros, so that the same message always gets the same signature.
func SignTaproot(k Key, message []byte) (r, s []byte, err error) {
	if _, err := checkPrivate(k.Curve, k.Private); err != nil || k.Curve != Secp256k1 {
		return nil, nil, invalid("invalid curve")
	}
	key := taprootKey(k.Private).Bytes()
	r, s = signSchnorr(key[:], make([]byte, 32), message)
	return r, s, nil
}

// TaprootOutput returns the 32 bytes that a P2TR output of the key pub (33 bytes) holds.
func TaprootOutput(pub []byte) ([]byte, error) { return taprootOutput(pub) }

// evenKey returns the scalar whose point has an even y, and that point's x.
func evenKey(private []byte) (*secp256k1.ModNScalar, []byte) {
	var d secp256k1.ModNScalar
	d.SetByteSlice(private)
	pub := secp256k1.NewPrivateKey(&d).PubKey().SerializeCompressed()
	if pub[0] == 3 {
		d.Negate()
	}
	return &d, pub[1:]
}

// signSchnorr is BIP-340 over any message with the 32 auxiliary bytes of its choice: zeros make it repeatable.
func signSchnorr(private, aux, message []byte) (r, s []byte) {
	d, pub := evenKey(private)
	masked := d.Bytes()
	for i, b := range taggedHash("BIP0340/aux", aux) {
		masked[i] ^= b
	}
	nonce, point := evenKey(taggedHash("BIP0340/nonce", masked[:], pub, message))
	var e secp256k1.ModNScalar
	e.SetByteSlice(taggedHash("BIP0340/challenge", point, pub, message))
	sum := e.Mul(d).Add(nonce).Bytes()
	return point, sum[:]
}
