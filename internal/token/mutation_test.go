package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"latchkey/internal/fault"
)

// 120,000 changes to genuine tokens, by seed: none yields a token that says anything else, and none a panic. The one
// change that may pass is S for n-S, the other spelling of the same signature, which changes no claim. Broken on
// purpose, by taking the single hash beside the double, by decoding base64 that is not strict, or by not looking at the
// signature, this test is red.
func TestR6_NoMutationIsAForgery(t *testing.T) {
	const workers, each = 4, 30_000
	for worker := range uint64(workers) {
		t.Run(fmt.Sprint(worker), func(t *testing.T) {
			t.Parallel()
			m := newMutator(t, worker)
			reached := 0 // the signature
			for tried := 0; tried < each; {
				was := m.genuine[m.IntN(len(m.genuine))]
				text := m.mutate(was.text)
				if text == was.text {
					continue
				}
				tried++
				err := was.verify(text)
				switch fault.CodeOf(err) {
				case fault.TokenInvalid:
					reached++
				case fault.TokenMalformed:
				default:
					if err == nil && otherSpelling(text, was.text) {
						continue
					}
					t.Errorf("%s: %v for\n%s\nmade of\n%s", was.name, err, text, was.text)
				}
			}
			t.Logf("seed %d: %d of %d reached the signature", worker, reached, each)
			if reached < each/10 || reached > each*9/10 {
				t.Errorf("only one kind of change was tried: %d of %d reached the signature", reached, each)
			}
		})
	}
}

// otherSpelling reports whether two tokens differ in nothing but S, which is n-S in the other.
func otherSpelling(a, b string) bool {
	one, errOne := readJWS(a)
	two, errTwo := readJWS(b)
	if errOne != nil || errTwo != nil || one.signed != two.signed || string(one.signature[:32]) != string(two.signature[:32]) {
		return false
	}
	s, other := new(big.Int).SetBytes(one.signature[32:]), new(big.Int).SetBytes(two.signature[32:])
	return s.Add(s, other).Cmp(elliptic.P256().Params().N) == 0
}

// genuine is a token that verifies, with its verifier.
type genuine struct {
	name, text string
	verify     func(text string) error
}

type mutator struct {
	*rand.Rand
	genuine []genuine
	scraps  []string // parts of tokens, to be put where they do not belong
}

func newMutator(t *testing.T, seed uint64) *mutator {
	notarizer, fetcher, legacy := private(t, notarizerPrivate), private(t, fetcherPrivate), private(t, clientPrivate)
	older, err := IssueVerification(legacy, Verification{ID: tokenID, VerificationType: "OTP_TYPE_EMAIL", Contact: "user@example.com", Expires: vectorsEnd, Legacy: true})
	if err != nil {
		t.Fatal(err)
	}
	session := func(text string) error {
		_, err := VerifySession(text, &notarizer.PublicKey, Want{PublicKey: clientPublic, OrganizationID: subOrganization}, near)
		return err
	}
	verification := func(text string) error {
		_, err := VerifyVerification(text, &fetcher.PublicKey, nil, near)
		return err
	}
	olderOnly := func(text string) error {
		_, err := VerifyVerification(text, &fetcher.PublicKey, &legacy.PublicKey, near)
		return err
	}
	m := &mutator{Rand: rand.New(rand.NewPCG(6, seed)), genuine: []genuine{
		{"session", sessionJWT, session}, {"session", sessionJWT, session},
		{"verification token", verificationJWT, verification},
		{"older verification token", older, olderOnly},
	}}
	for _, g := range m.genuine {
		if err := g.verify(g.text); err != nil {
			t.Fatal(err)
		}
		m.scraps = append(m.scraps, strings.Split(g.text, ".")...)
	}
	m.scraps = append(m.scraps, strings.Split(forge(t, notarizer, once, sessionHeader, sessionPayload), ".")...)
	m.scraps = append(m.scraps, strings.Split(productionSession, ".")...)
	for _, key := range []*ecdsa.PrivateKey{notarizer, fetcher} {
		m.scraps = append(m.scraps, strings.Split(forge(t, key, twice, `{"alg":"none","typ":"JWT"}`, `{"exp":4102444801}`), ".")...)
	}
	return m
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// mutate changes text in one to three of the ways below.
func (m *mutator) mutate(text string) string {
	for range 1 + m.IntN(3) {
		if text == "" {
			return text
		}
		i := m.IntN(len(text))
		parts := strings.Split(text, ".")
		part := m.IntN(len(parts))
		switch m.IntN(14) {
		case 0, 1: // another character of the alphabet
			text = text[:i] + string(alphabet[m.IntN(len(alphabet))]) + text[i+1:]
		case 2: // any byte
			text = text[:i] + string([]byte{byte(m.Uint32())}) + text[i+1:]
		case 3: // a byte less
			text = text[:i] + text[i+1:]
		case 4: // a byte more, or white space and padding
			text = text[:i] + string([]byte{"=.\n\r \x00A"[m.IntN(7)]}) + text[i:]
		case 5: // cut short
			text = text[:i]
		case 6: // a run repeated
			j := i + m.IntN(min(32, len(text)-i))
			text = text[:j] + text[i:]
		case 7: // parts change places
			other := m.IntN(len(parts))
			parts[part], parts[other] = parts[other], parts[part]
			text = strings.Join(parts, ".")
		case 8, 9: // a part of another token
			parts[part] = m.scraps[m.IntN(len(m.scraps))]
			text = strings.Join(parts, ".")
		case 10, 11: // the JSON within
			parts[part%2%len(parts)] = m.inside(parts[part%2%len(parts)])
			text = strings.Join(parts, ".")
		case 12: // the bits of the last part
			last := len(parts) - 1
			if raw, err := strict.DecodeString(parts[last]); err == nil && len(raw) > 0 {
				raw[m.IntN(len(raw))] ^= 1 << m.IntN(8)
				parts[last] = strict.EncodeToString(raw)
				text = strings.Join(parts, ".")
			}
		case 13: // r and s as numbers
			last := len(parts) - 1
			if raw, err := strict.DecodeString(parts[last]); err == nil && len(raw) == 64 {
				parts[last] = strict.EncodeToString(m.numbers(raw))
				text = strings.Join(parts, ".")
			}
		}
	}
	return text
}

// inside changes the JSON of a part and encodes it again, so that only the signature can tell.
func (m *mutator) inside(part string) string {
	raw, err := strict.DecodeString(part)
	if err != nil || len(raw) == 0 {
		return part
	}
	text := string(raw)
	for _, swap := range [][2]string{
		{subOrganization, parentOrganization}, {user, tokenID}, {clientPublic, productionFetcher[:66]}, {"4102444800", "4102444801"},
		{"}", `,"kid":"1"}`}, {"ES256", "none"}, {"user@", "root@"}, {"{", `{"exp":4102444800,`}, {`"typ"`, `"typ":"JWT","typ"`}, {"READ_WRITE", "READ_ONLY"},
	} {
		if m.IntN(3) == 0 && strings.Contains(text, swap[0]) {
			return strict.EncodeToString([]byte(strings.Replace(text, swap[0], swap[1], 1)))
		}
	}
	raw[m.IntN(len(raw))] ^= 1 << m.IntN(8)
	return strict.EncodeToString(raw)
}

// numbers puts edges of the range in the place of r or s, or n-s in that of s.
func (m *mutator) numbers(raw []byte) []byte {
	n := elliptic.P256().Params().N
	half := raw[32*m.IntN(2):][:32]
	v := new(big.Int).SetBytes(half)
	switch m.IntN(6) {
	case 0:
		v.SetInt64(int64(m.IntN(3)))
	case 1:
		v.Add(n, big.NewInt(int64(m.IntN(3)-1)))
	case 2:
		v.Set(elliptic.P256().Params().P)
	case 3:
		v.Lsh(big.NewInt(1), 256).Sub(v, big.NewInt(1))
	case 4:
		v.Sub(n, v)
	case 5:
		copy(raw, append(append([]byte{}, raw[32:]...), raw[:32]...))
		return raw
	}
	if v.BitLen() <= 256 && v.Sign() >= 0 {
		v.FillBytes(half)
	}
	return raw
}

// The other spelling of a signature is no other session: it passes and says the same.
func TestTheOtherSpellingOfASignatureSaysTheSame(t *testing.T) {
	parts, err := readJWS(sessionJWT)
	if err != nil {
		t.Fatal(err)
	}
	s := new(big.Int).SetBytes(parts.signature[32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(parts.signature[32:])
	got, err := VerifySession(parts.signed+"."+strict.EncodeToString(parts.signature), public(t, notarizerPublic), Want{PublicKey: clientPublic}, near)
	if err != nil || got != ours {
		t.Errorf("%+v, %v", got, err)
	}
}
