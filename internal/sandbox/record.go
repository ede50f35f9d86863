package sandbox

import (
	"crypto/ecdsa"
	"encoding/hex"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/google/uuid"

	"latchkey/internal/p256"
)

// Records are what the sandbox remembers. A record that was installed in the state is never changed: a change installs
// a new version, and its install method is the one place that keeps maps and indexes in step. So a handler that fails
// has changed nothing, and what a query found may be read after the lock is gone. The two exceptions, organization and
// wallet, are known by their address, and hold what is guarded by the state's lock.

// record is one thing to remember. install runs under the state's write lock, for changes and for what is read back
// at start alike; row says where it stands on disk, a nil value meaning nowhere any more.
type record interface {
	install(*state)
	row() row
}

// removable is a record that can be taken away again, of its newest version.
type removable interface {
	record
	uninstall(*state)
}

// gone takes a record away. It is staged like any other.
type gone struct{ removable }

func (g gone) install(s *state) { g.uninstall(s) }

func (g gone) row() row {
	r := g.removable.row()
	r.value = nil
	return r
}

// point is a public key: 33 bytes compressed, or edwards and the 32 bytes of an Ed25519 key.
type point [33]byte

// edwards is the first byte of a point that is an Ed25519 key. No compressed key begins so.
const edwards = 0xed

// String returns the key's hex as it travels.
func (p point) String() string {
	if p[0] == edwards {
		return hex.EncodeToString(p[1:])
	}
	return hex.EncodeToString(p[:])
}

// parsePoint reads a compressed P-256 key in hex, in either case, that lies on the curve.
func parsePoint(text string) (p point, ok bool) {
	if p, ok = hexPoint(text); !ok {
		return point{}, false
	}
	_, err := p256.ParsePublic(text)
	return p, err == nil
}

// hexPoint reads a compressed key of any curve, without the look at the curve, which costs a square root.
func hexPoint(text string) (p point, ok bool) {
	into := p[:]
	switch len(text) {
	case 64:
		p[0] = edwards
		into = p[1:]
	case 66:
	default:
		return point{}, false
	}
	n, err := hex.Decode(into, []byte(text))
	return p, err == nil && n == len(into) && (len(into) < len(p) || p[0] == 2 || p[0] == 3)
}

// organization is the parent or one of its sub-organizations.
type organization struct {
	id      uuid.UUID
	number  uint64        // the order of making: 0 for the parent
	parent  *organization // nil for the parent itself
	created int64         // ms, as all times here

	// Guarded by the state's lock.
	*settings
	users   []*user
	wallets []*wallet
	subs    []*organization // in the order of their making
	place   int             // in the parent's subs
	removed bool            // by delete_sub_organization
	more    *shelves        // what few organizations have; nil for none
}

// settings is what of an organization can change. A version is never changed: a record of type resettled replaces it.
type settings struct {
	name      string
	threshold int32       // how many root users must agree
	root      []uuid.UUID // the root users, of whom there is at least one
	features  []feature   // those that are on
}

// shelves holds an organization's records of the kinds that have no index of their own.
type shelves struct {
	profiles shelf[*sessionProfile]

	keys       shelf[*privateKey]
	imports    shelf[*importTarget]
	rules      shelf[*rule]
	factors    shelf[*mfaPolicy]
	interfaces shelf[*contractInterface]
	tags       shelf[*tag]
	oauth2     shelf[*oauth2Credential]
	proxies    shelf[*authProxy]
}

// shelf returns o's shelves to put something on. The caller holds the state's lock.
func (o *organization) shelf() *shelves {
	if o.more == nil {
		o.more = new(shelves)
	}
	return o.more
}

// shelved returns o's shelves to look at. The caller holds the state's lock.
func (o *organization) shelved() *shelves {
	if o.more == nil {
		return &emptyShelves
	}
	return o.more
}

var emptyShelves shelves

// identified is a record of a shelf: versions of one thing have one id.
type identified interface{ ident() uuid.UUID }

// shelf keeps an organization's records of one kind in the order of their making, the newest version of each.
type shelf[T identified] struct{ all []T }

// put adds v, or puts it in the place of its older version.
func (s *shelf[T]) put(v T) {
	if at := s.at(v.ident()); at >= 0 {
		s.all[at] = v
		return
	}
	s.all = append(s.all, v)
}

func (s *shelf[T]) drop(id uuid.UUID) {
	if at := s.at(id); at >= 0 {
		s.all = slices.Delete(s.all, at, at+1)
	}
}

func (s *shelf[T]) find(id uuid.UUID) (v T, ok bool) {
	if at := s.at(id); at >= 0 {
		return s.all[at], true
	}
	return v, false
}

func (s *shelf[T]) at(id uuid.UUID) int {
	return slices.IndexFunc(s.all, func(v T) bool { return v.ident() == id })
}

// user is one user with the ways in.
type user struct {
	id             uuid.UUID
	number         uint64 // the order of making, as for wallets and accounts
	org            *organization
	name           string
	email          string // "" for none, as written
	phone          string // "" for none
	emailVerified  bool
	phoneVerified  bool
	keys           []*apiKey
	authenticators []*authenticator
	providers      []*oauthProvider
	tags           []uuid.UUID
	created        int64
	updated        int64
}

// isRoot reports whether u is one of its organization's root users. The caller holds the state's lock.
func (u *user) isRoot() bool { return slices.Contains(u.org.root, u.id) }

// apiKey is an API key of a user. Session keys are API keys of type credentialLogin.
type apiKey struct {
	id      uuid.UUID
	name    string
	public  point
	kind    credential
	seconds int64     // how long it lasts from created; 0 for ever
	profile uuid.UUID // the session profile; zero for none
	created int64
	parsed  atomic.Pointer[ecdsa.PublicKey] // of P-256; filled at first use: parsing costs a fifth of a verification
}

// authenticator is a passkey of a user.
type authenticator struct {
	ID              uuid.UUID `json:"id"`
	Name            string    `json:"name"`
	CredentialID    string    `json:"credentialId"` // base64url without padding
	PublicKey       []byte    `json:"publicKey"`    // COSE
	AAGUID          string    `json:"aaguid"`
	AttestationType string    `json:"attestationType"`
	Model           string    `json:"model,omitempty"`
	Transports      []string  `json:"transports,omitempty"`
	Created         int64     `json:"created"`
}

// oauthProvider is an identity at an OAuth provider that a user may log in with.
type oauthProvider struct {
	ID      uuid.UUID `json:"id"`
	Name    string    `json:"name"`
	Created int64     `json:"created"`
	identity
}

// identity is who somebody is to an OAuth provider.
type identity struct {
	Issuer   string `json:"issuer"`
	Audience string `json:"audience"`
	Subject  string `json:"subject"`
}

// credential is the type of a way to stamp.
type credential uint8

// The types, which stand on disk by name.
const (
	credentialP256 credential = iota
	credentialLogin
	credentialSecp256k1
	credentialEd25519
	credentialWebAuthn
	credentialRecovery
	credentialEmailAuth
	credentialOTPAuth
	credentialReadWrite
	credentialOAuth
)

var credentialNames = [...]string{
	"CREDENTIAL_TYPE_API_KEY_P256", "CREDENTIAL_TYPE_LOGIN", "CREDENTIAL_TYPE_API_KEY_SECP256K1", "CREDENTIAL_TYPE_API_KEY_ED25519",
	"CREDENTIAL_TYPE_WEBAUTHN_AUTHENTICATOR", "CREDENTIAL_TYPE_RECOVER_USER_KEY_P256", "CREDENTIAL_TYPE_EMAIL_AUTH_KEY_P256",
	"CREDENTIAL_TYPE_OTP_AUTH_KEY_P256", "CREDENTIAL_TYPE_READ_WRITE_SESSION_KEY_P256", "CREDENTIAL_TYPE_OAUTH_KEY_P256",
}

// String returns the name on the wire.
func (c credential) String() string { return credentialNames[c] }

// credentialNamed is the reverse of String.
func credentialNamed(name string) (credential, bool) {
	at := slices.Index(credentialNames[:], name)
	return credential(max(0, at)), at >= 0
}

// scheme is how stamps by a credential of the type are signed; secp256k1 keys may sign in another way besides.
func (c credential) scheme() string {
	switch c {
	case credentialSecp256k1:
		return "SIGNATURE_SCHEME_TK_API_SECP256K1"
	case credentialEd25519:
		return "SIGNATURE_SCHEME_TK_API_ED25519"
	case credentialWebAuthn:
		return ""
	default:
		return "SIGNATURE_SCHEME_TK_API_P256"
	}
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

// passkey returns the authenticator of u with that credential id, or nil.
func (u *user) passkey(credentialID string) *authenticator {
	for _, a := range u.authenticators {
		if a.CredentialID == credentialID {
			return a
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

	imported bool

	// Guarded by the state's lock, and so is name. A record of type changedWallet changes them.
	exported bool
	updated  int64
	accounts []*account
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
	exported  bool // by itself; guarded by the state's lock
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
