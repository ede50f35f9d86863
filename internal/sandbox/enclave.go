package sandbox

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"sync"

	"github.com/google/uuid"

	"latchkey/internal/p256"
)

// enclave holds the keys that the vendor keeps in its enclaves, and the parent organization's own key. All of them
// follow from the seed, so that a sandbox of the same seed has the same pins.
type enclave struct {
	seed           uint64
	notarizer      *ecdsa.PrivateKey // signs session tokens
	fetcher        *ecdsa.PrivateKey // signs OTP targets and verification tokens
	fetcherEncrypt *ecdsa.PrivateKey // receives OAuth 2.0 client secrets
	signer         *ecdsa.PrivateKey // signs export and import bundles
	legacy         *ecdsa.PrivateKey // signs verification tokens of the older kind
	parentKey      *ecdsa.PrivateKey // the API key of the parent's root user
	parentID       uuid.UUID
	parentUserID   uuid.UUID
}

func newEnclave(seed uint64) *enclave {
	return &enclave{
		seed:           seed,
		notarizer:      deriveKey(seed, "notarizer"),
		fetcher:        deriveKey(seed, "tls fetcher, sign"),
		fetcherEncrypt: deriveKey(seed, "tls fetcher, encrypt"),
		signer:         deriveKey(seed, "signer"),
		legacy:         deriveKey(seed, "legacy verification token"),
		parentKey:      deriveKey(seed, "parent api key"),
		parentID:       version4([16]byte(derive(seed, "parent organization", 16))),
		parentUserID:   version4([16]byte(derive(seed, "parent root user", 16))),
	}
}

// derive returns n bytes that follow from seed and label (HKDF with SHA-256).
func derive(seed uint64, label string, n int) []byte {
	out, err := hkdf.Key(sha256.New, binary.BigEndian.AppendUint64(nil, seed), []byte("latchkey sandbox"), label, n)
	if err != nil {
		panic("sandbox: " + err.Error()) // only for an n far above any used here
	}
	return out
}

func deriveKey(seed uint64, label string) *ecdsa.PrivateKey {
	for { // all but one in 2^32 scalars are below the order
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), derive(seed, label, 32))
		if err == nil {
			return key
		}
		label += "'"
	}
}

// version4 turns 16 random bytes into a UUID.
func version4(b [16]byte) uuid.UUID {
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return b
}

// Facts is what a client must know to use the sandbox as it would use the vendor: the fields of the ready line but for
// its URLs. Keys are hex. APIPrivateKey is a secret of this sandbox.
type Facts struct {
	OrganizationID                string `json:"organizationId"`
	APIPublicKey                  string `json:"apiPublicKey"`
	APIPrivateKey                 string `json:"apiPrivateKey,omitempty"`
	NotarizerPublicKey            string `json:"notarizerPublicKey"`            // uncompressed, as are the next three
	TLSFetcherPublicKey           string `json:"tlsFetcherPublicKey"`           //
	SignerPublicKey               string `json:"signerPublicKey"`               //
	TLSFetcherEncryptionPublicKey string `json:"tlsFetcherEncryptionPublicKey"` //
	LegacyTokenPublicKey          string `json:"legacyTokenPublicKey"`          // compressed, as the vendor publishes it
}

func (e *enclave) facts() Facts {
	return Facts{
		OrganizationID:                e.parentID.String(),
		APIPublicKey:                  p256.Compressed(&e.parentKey.PublicKey),
		APIPrivateKey:                 p256.PrivateHex(e.parentKey),
		NotarizerPublicKey:            p256.Uncompressed(&e.notarizer.PublicKey),
		TLSFetcherPublicKey:           p256.Uncompressed(&e.fetcher.PublicKey),
		SignerPublicKey:               p256.Uncompressed(&e.signer.PublicKey),
		TLSFetcherEncryptionPublicKey: p256.Uncompressed(&e.fetcherEncrypt.PublicKey),
		LegacyTokenPublicKey:          p256.Compressed(&e.legacy.PublicKey),
	}
}

// choices is where everything random comes from: ids, codes, phrases, target keys. A seed fixes their order, so that a
// bad day can be replayed; a restart goes on with another part of the same stream. Signatures are not chosen here. It
// is safe for parallel use.
type choices struct {
	mu  sync.Mutex
	rng *rand.ChaCha8
}

// newChoices returns the choices of the n-th start of a sandbox with this seed.
func newChoices(seed uint64, start uint64) *choices {
	key := derive(seed, "choices "+string(binary.BigEndian.AppendUint64(nil, start)), 32)
	return &choices{rng: rand.NewChaCha8([32]byte(key))}
}

// Read fills p; it never fails.
func (c *choices) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rng.Read(p)
}

// below returns a number of [0, n).
func (c *choices) below(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return rand.New(c.rng).IntN(n)
}

// id returns a new UUID.
func (c *choices) id() uuid.UUID {
	var b [16]byte
	_, _ = c.Read(b[:])
	return version4(b)
}

// key returns a new P-256 key for one encryption.
func (c *choices) key() *ecdh.PrivateKey {
	for {
		var b [32]byte
		_, _ = c.Read(b[:])
		if key, err := ecdh.P256().NewPrivateKey(b[:]); err == nil {
			return key
		}
	}
}
