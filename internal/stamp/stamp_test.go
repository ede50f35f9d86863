package stamp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
)

// fixed signs as RFC 6979 says, so that the same body gives the same stamp.
type fixed struct{ *p256.Key }

func (f fixed) Sign(_ context.Context, digest []byte) ([]byte, error) {
	return f.Private().Sign(nil, digest, crypto.SHA256)
}

func TestStampsEqualTheVendorsToTheByte(t *testing.T) {
	for _, v := range apiStamps {
		private, err := p256.ParsePrivate(v.private)
		if err != nil {
			t.Fatal(err)
		}
		made, err := APIKey{Signer: fixed{p256.NewKey(private)}}.Stamp(t.Context(), []byte(v.body))
		if err != nil {
			t.Fatal(err)
		}
		if made.HeaderName != "X-Stamp" || made.HeaderValue != v.header {
			t.Errorf("made %s: %s\nwant X-Stamp: %s", made.HeaderName, made.HeaderValue, v.header)
		}
		text, err := base64.RawURLEncoding.DecodeString(made.HeaderValue)
		if err != nil || string(text) != v.json { // pins the field order
			t.Errorf("JSON %s, %v", text, err)
		}
		if got := Fingerprint([]byte(v.body)); got != v.fingerprint {
			t.Errorf("fingerprint %s, want %s", got, v.fingerprint)
		}
	}
}

func TestTheVendorsStampsVerify(t *testing.T) {
	half := new(big.Int).Rsh(elliptic.P256().Params().N, 1)
	for i, v := range apiStamps {
		s, err := ParseAPI(v.header)
		if err != nil {
			t.Fatal(err)
		}
		pub, err := p256.ParsePublic(s.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Verify([]byte(v.body)); err != nil {
			t.Errorf("stamp %d: %v", i+1, err)
		}
		if err := s.VerifyWith(pub, []byte(v.body)); err != nil {
			t.Errorf("stamp %d, key known: %v", i+1, err)
		}
		der, err := hex.DecodeString(s.Signature)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := p256.ToRaw(der)
		if err != nil || hex.EncodeToString(raw) != v.raw {
			t.Errorf("stamp %d: r||s %x, %v", i+1, raw, err)
		}
		if high := new(big.Int).SetBytes(raw[32:]).Cmp(half) > 0; high != v.highS {
			t.Errorf("stamp %d: high S %v", i+1, high)
		}
		for j, other := range apiStamps {
			if err := s.Verify([]byte(other.body)); j != i && !isInvalid(err) {
				t.Errorf("stamp %d over the body of %d: %v", i+1, j+1, err)
			}
			if key, _ := ParseAPI(other.header); j != i {
				pub, err := p256.ParsePublic(key.PublicKey)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.VerifyWith(pub, []byte(v.body)); !isInvalid(err) {
					t.Errorf("stamp %d by the key of %d: %v", i+1, j+1, err)
				}
			}
		}
	}
}

// The other half of every signature, n-S, is as good: nobody may take it for a forgery, nor a signature for an identity.
func TestBothSpellingsOfSVerify(t *testing.T) {
	order := elliptic.P256().Params().N
	for _, v := range apiStamps {
		s, err := ParseAPI(v.header)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := hex.DecodeString(v.raw)
		new(big.Int).Sub(order, new(big.Int).SetBytes(raw[32:])).FillBytes(raw[32:])
		der, err := p256.ToDER(raw)
		if err != nil {
			t.Fatal(err)
		}
		s.Signature = hex.EncodeToString(der)
		if err := s.Verify([]byte(v.body)); err != nil {
			t.Error(err)
		}
	}
}

func TestOneChangedByteOfTheBodyIsRefused(t *testing.T) {
	key := p256.NewKey(p256.Generate())
	body := []byte(`{"organizationId":"11111111-2222-4333-8444-555555555555"}`)
	made, err := APIKey{Signer: key}.Stamp(t.Context(), body)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseAPI(made.HeaderValue)
	if err != nil {
		t.Fatal(err)
	}
	if s.PublicKey != key.PublicKey() || s.Scheme != SchemeP256 {
		t.Errorf("read %+v", s)
	}
	if err := s.Verify(body); err != nil {
		t.Error(err)
	}
	for i := range body {
		changed := bytes.Clone(body)
		changed[i] ^= 1
		if err := s.Verify(changed); !isInvalid(err) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	for _, other := range [][]byte{nil, body[:len(body)-1], append(bytes.Clone(body), '\n')} {
		if err := s.Verify(other); !isInvalid(err) {
			t.Errorf("%d bytes: %v", len(other), err)
		}
	}
}

// An attested stamp carries the same signature in other fields; it is not an API stamp, and none may pass for one.
func TestAttestedStampIsNoAPIStamp(t *testing.T) {
	if _, err := ParseAPI(attestedHeader); !isMalformed(err) {
		t.Errorf("parsed as an API stamp: %v", err)
	}
	text, err := base64.RawURLEncoding.DecodeString(attestedHeader)
	if err != nil {
		t.Fatal(err)
	}
	field := func(name string) string {
		_, rest, _ := strings.Cut(string(text), `"`+name+`":"`)
		value, _, _ := strings.Cut(rest, `"`)
		return value
	}
	s := APIStamp{PublicKey: field("publicKey"), Scheme: SchemeP256, Signature: field("signature")}
	if err := s.Verify([]byte(attestedBody)); err != nil {
		t.Errorf("its signature: %v", err)
	}
	s.Scheme = field("scheme")
	if err := s.Verify([]byte(attestedBody)); !isInvalid(err) {
		t.Errorf("under its own scheme: %v", err)
	}
}

// A signer from elsewhere (a TPM, a keychain) is not trusted to give the right form back.
func TestAnOddSignerMakesNoStamp(t *testing.T) {
	good := p256.NewKey(p256.Generate())
	refused := errors.New("the keychain stayed locked")
	for name, signer := range map[string]odd{
		"its own error":    {public: good.PublicKey(), err: refused},
		"no signature":     {public: good.PublicKey()},
		"a long signature": {public: good.PublicKey(), der: make([]byte, 73)},
		"uncompressed key": {public: p256.Uncompressed(&good.Private().PublicKey), der: make([]byte, 70)},
		"a quote in it":    {public: good.PublicKey()[:65] + `"`, der: make([]byte, 70)},
		"no key":           {der: make([]byte, 70)},
	} {
		made, err := APIKey{Signer: signer}.Stamp(t.Context(), []byte("body"))
		if err == nil || made != nil {
			t.Errorf("%s: %v, %v", name, made, err)
		}
		if signer.err != nil && !errors.Is(err, refused) {
			t.Errorf("%s: the cause is lost: %v", name, err)
		}
	}
}

type odd struct {
	public string
	der    []byte
	err    error
}

func (o odd) PublicKey() string                            { return o.public }
func (o odd) Sign(context.Context, []byte) ([]byte, error) { return o.der, o.err }
func isMalformed(err error) bool                           { return fault.CodeOf(err) == fault.StampMalformed }
func isInvalid(err error) bool                             { return fault.CodeOf(err) == fault.StampInvalid }
func encodeHeader(text string) string                      { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// P1: at most 68 allocations for a stamp, of which the signature alone takes 59.
func TestP1_StampAllocations(t *testing.T) {
	const most = 68
	key := APIKey{Signer: p256.NewKey(p256.Generate())}
	for _, size := range []int{300, 10 << 10} {
		body := make([]byte, size)
		got := testing.AllocsPerRun(200, func() {
			if _, err := key.Stamp(t.Context(), body); err != nil {
				t.Fatal(err)
			}
		})
		if got > most {
			t.Errorf("%d bytes: %.0f allocations, at most %d", size, got, most)
		}
		t.Logf("%d bytes: %.0f allocations", size, got)
	}
}
