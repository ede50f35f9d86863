package sandbox

import (
	"crypto/ecdsa"
	"encoding/hex"
	"strings"
	"sync/atomic"

	"github.com/google/uuid"

	"latchkey/internal/p256"
)

// Records are what the sandbox remembers. A record that was installed in the state is never changed: a change installs
// a new version, and its install method is the one place that keeps maps and indexes in step. So a handler that fails
// has changed nothing, and what a query found may be read after the lock is gone. The two exceptions, organization and
// wallet, hold lists that are guarded by the state's lock.

// record is one thing to remember. install runs under the state's write lock, for changes and for what is read back
// at start alike; row says where it stands on disk, a nil value meaning nowhere any more.
type record interface {
	install(*state)
	row() row
}

// point is a public key: 33 bytes compressed. Ed25519 keys will have a first byte of their own.
type point [33]byte

func (p point) String() string { return hex.EncodeToString(p[:]) }

// parsePoint reads a compressed P-256 key in hex, in either case, that lies on the curve.
func parsePoint(text string) (p point, ok bool) {
	if p, ok = hexPoint(text); !ok {
		return point{}, false
	}
	_, err := p256.ParsePublic(text)
	return p, err == nil
}

// hexPoint is parsePoint without the look at the curve, which costs a square root.
func hexPoint(text string) (p point, ok bool) {
	if len(text) != 66 {
		return point{}, false
	}
	n, err := hex.Decode(p[:], []byte(text))
	return p, err == nil && n == len(p)
}

// organization is the parent or one of its sub-organizations.
type organization struct {
	id        uuid.UUID
	parent    *organization // nil for the parent itself
	name      string
	threshold int32 // how many root users must agree; every user is one so far
	disabled  disabled
	created   int64 // ms, as all times here

	// Guarded by the state's lock.
	users   []*user
	wallets []*wallet
	subs    []*organization // in the order of their making
	place   int             // in the parent's subs
}

// disabled is what create_sub_organization switched off.
type disabled uint8

const (
	noEmailRecovery disabled = 1 << iota
	noEmailAuth
	noSMSAuth
	noOTPEmailAuth
)

// user is one user with the ways in.
type user struct {
	id            uuid.UUID
	number        uint64 // the order of making, as for wallets and accounts
	org           *organization
	name          string
	email         string // "" for none, as written
	phone         string // "" for none
	emailVerified bool
	phoneVerified bool
	keys          []*apiKey
	created       int64
	updated       int64
}

// apiKey is an API key of a user; session keys are API keys of type credentialLogin.
type apiKey struct {
	id      uuid.UUID
	name    string
	public  point
	kind    credential
	seconds int64 // how long it lasts from created; 0 for ever
	created int64
	parsed  atomic.Pointer[ecdsa.PublicKey] // filled at first use: parsing costs a fifth of a verification
}

type credential uint8

const (
	credentialP256 credential = iota
	credentialLogin
)

// String returns the name on the wire.
func (c credential) String() string {
	return [...]string{"CREDENTIAL_TYPE_API_KEY_P256", "CREDENTIAL_TYPE_LOGIN"}[c]
}

// expires returns the end in ms; ok is false for a key without one.
func (k *apiKey) expires() (ms int64, ok bool) { return k.created + k.seconds*1000, k.seconds > 0 }

func (k *apiKey) expired(now int64) bool {
	end, ok := k.expires()
	return ok && now >= end
}

// key returns the parsed key. It lies on the curve, for nothing else was let in.
func (k *apiKey) key() *ecdsa.PublicKey {
	if pub := k.parsed.Load(); pub != nil {
		return pub
	}
	pub, err := p256.ParsePublic(k.public.String())
	if err != nil {
		panic("sandbox: a stored key is no point")
	}
	k.parsed.Store(pub)
	return pub
}

// with returns the key of u that p is, or nil.
func (u *user) with(p point) *apiKey {
	for _, k := range u.keys {
		if k.public == p {
			return k
		}
	}
	return nil
}

// wallet is a phrase and the accounts made of it.
type wallet struct {
	id      uuid.UUID
	number  uint64
	org     *organization
	name    string
	phrase  string // a secret of this sandbox
	seed    []byte // of the phrase, kept because making it takes a millisecond
	created int64
	updated int64

	accounts []*account // guarded by the state's lock
}

// account is one address of a wallet.
type account struct {
	id        uuid.UUID
	number    uint64
	wallet    *wallet
	name      string
	curve     string
	path      string
	format    string
	address   string
	publicKey string
	created   int64
}

// sameAddress is the spelling by which addresses are found: Ethereum's checksum is a matter of case.
func sameAddress(address string) string {
	if strings.HasPrefix(address, "0x") || strings.HasPrefix(address, "0X") {
		return strings.ToLower(address)
	}
	return address
}

// sameEmail is the spelling by which e-mail addresses are found.
func sameEmail(email string) string { return strings.ToLower(email) }
