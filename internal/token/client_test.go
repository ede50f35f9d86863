package token

import (
	"context"
	"crypto"
	"errors"
	"reflect"
	"strings"
	"testing"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
)

// fixed signs as RFC 6979 says, so that the same message gives the same signature.
type fixed struct{ *p256.Key }

func (f fixed) Sign(_ context.Context, digest []byte) ([]byte, error) {
	return f.Private().Sign(nil, digest, crypto.SHA256)
}

func TestClientSignaturesEqualTheVendorsToTheByte(t *testing.T) {
	signer := fixed{p256.NewKey(private(t, clientPrivate))}
	login, err := SignLogin(t.Context(), signer, tokenID, clientPublic)
	if err != nil || login != clientSignatures["login"] {
		t.Errorf("%+v, %v", login, err)
	}
	signup, err := SignSignup(t.Context(), signer, tokenID, SignupUsage{Email: "user@example.com"})
	if err != nil || signup != clientSignatures["signup"] {
		t.Errorf("%+v, %v", signup, err)
	}
}

func TestTheVendorsClientSignaturesVerify(t *testing.T) {
	empty := &SignupUsage{APIKeys: []any{}, Authenticators: []any{}, OAuthProviders: []any{}, Email: "user@example.com"}
	for name, want := range map[string]Usage{
		"login":               {TokenID: tokenID, Type: UsageLogin, Login: &LoginUsage{PublicKey: clientPublic}},
		"signup":              {TokenID: tokenID, Type: UsageSignup, SignupV2: empty},
		"signup of version 1": {TokenID: tokenID, Type: UsageSignup, Signup: empty},
	} {
		c := clientSignatures[name]
		if err := c.Verify(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := c.Usage(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		for other, d := range clientSignatures {
			if d.Message = c.Message; other == name {
				continue
			}
			if err := d.Verify(); fault.CodeOf(err) != fault.TokenInvalid {
				t.Errorf("the message of %s with the signature of %s: %v", name, other, err)
			}
		}
	}
}

func TestWhatAClientSignsIsWhatTheServerReads(t *testing.T) {
	key := p256.NewKey(p256.Generate())
	type apiKey struct {
		Name      string `json:"apiKeyName"`
		PublicKey string `json:"publicKey"`
		Expires   string `json:"expirationSeconds,omitempty"`
	}
	asked := SignupUsage{
		APIKeys:        []any{apiKey{"<laptop> & co", key.PublicKey(), "900"}},
		OAuthProviders: []any{map[string]any{"providerName": "google", "claims": map[string]any{"n": 1}}},
		PhoneNumber:    "+19999999999",
	}
	c, err := SignSignup(t.Context(), key, tokenID, asked)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Verify(); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(c.Message, `{"signupV2":{"apiKeys":[{"apiKeyName":"<laptop> & co",`) || !strings.Contains(c.Message, `"authenticators":[]`) || strings.Contains(c.Message, "email") {
		t.Errorf("message %s", c.Message)
	}
	u, err := c.Usage()
	if err != nil || u.SignupV2 == nil || u.TokenID != tokenID {
		t.Fatalf("%+v, %v", u, err)
	}
	if !u.SignupV2.Equal(asked) || !asked.Equal(*u.SignupV2) {
		t.Errorf("read %+v", *u.SignupV2)
	}
	for name, change := range map[string]func(*SignupUsage){
		"one key more":         func(s *SignupUsage) { s.APIKeys = append(s.APIKeys, apiKey{}) },
		"no key":               func(s *SignupUsage) { s.APIKeys = nil },
		"another key":          func(s *SignupUsage) { s.APIKeys = []any{apiKey{"<laptop> & co", clientPublic, "900"}} },
		"longer":               func(s *SignupUsage) { s.APIKeys = []any{apiKey{"<laptop> & co", key.PublicKey(), "901"}} },
		"without end":          func(s *SignupUsage) { s.APIKeys = []any{apiKey{"<laptop> & co", key.PublicKey(), ""}} },
		"an authenticator":     func(s *SignupUsage) { s.Authenticators = []any{map[string]any{}} },
		"another provider":     func(s *SignupUsage) { s.OAuthProviders = []any{map[string]any{"providerName": "apple"}} },
		"an e-mail address":    func(s *SignupUsage) { s.Email = "user@example.com" },
		"no telephone":         func(s *SignupUsage) { s.PhoneNumber = "" },
		"what JSON cannot say": func(s *SignupUsage) { s.APIKeys = []any{func() {}} },
	} {
		other := asked
		change(&other)
		if u.SignupV2.Equal(other) || other.Equal(*u.SignupV2) {
			t.Errorf("%s makes no difference", name)
		}
	}
}

// Every client writes the message its own way: what counts is what it says.
func TestEverySpellingOfAMessageIsRead(t *testing.T) {
	for name, message := range map[string]string{
		"the Go SDK: empty lists omitted":   `{"signupV2":{"email":"user@example.com"},"tokenId":"` + tokenID + `","type":"USAGE_TYPE_SIGNUP"}`,
		"Kotlin: other order":               `{"signupV2":{"apiKeys":[],"authenticators":[],"email":"user@example.com","oauthProviders":[]},"tokenId":"` + tokenID + `","type":"USAGE_TYPE_SIGNUP"}`,
		"Swift: any order, slashes escaped": `{"type":"USAGE_TYPE_SIGNUP","tokenId":"` + tokenID + `","signupV2":{"authenticators":[],"email":"user\u0040example.com"}}`,
		"lists that are null":               `{"signupV2":{"apiKeys":null,"email":"user@example.com"},"login":null,"tokenId":"` + tokenID + `","type":"USAGE_TYPE_SIGNUP"}`,
	} {
		u, err := ClientSignature{Message: message}.Usage()
		if err != nil || u.SignupV2 == nil || !u.SignupV2.Equal(SignupUsage{Email: "user@example.com"}) {
			t.Errorf("%s: %+v, %v", name, u, err)
		}
	}
}

func TestMalformedMessagesAreRefused(t *testing.T) {
	login := clientSignatures["login"].Message
	swap := func(old, new string) string {
		if !strings.Contains(login, old) {
			t.Fatalf("%q is not in the message", old)
		}
		return strings.Replace(login, old, new, 1)
	}
	for name, message := range map[string]string{
		"empty":                    ``,
		"text":                     `log me in`,
		"null":                     `null`,
		"no usage":                 `{"tokenId":"` + tokenID + `","type":"USAGE_TYPE_LOGIN"}`,
		"two usages":               swap(`{`, `{"signupV2":{},`),
		"two sign-ups":             `{"signup":{},"signupV2":{},"tokenId":"` + tokenID + `","type":"USAGE_TYPE_SIGNUP"}`,
		"login twice":              swap(`{`, `{"login":{"publicKey":"`+clientPublic+`"},`),
		"a key twice":              swap(`{"publicKey"`, `{"publicKey":"02","publicKey"`),
		"another type":             swap(UsageLogin, UsageSignup),
		"an unknown type":          swap(UsageLogin, `USAGE_TYPE_EXPORT`),
		"no type":                  swap(`,"type":"USAGE_TYPE_LOGIN"`, ``),
		"no token id":              swap(`"tokenId":"`+tokenID+`",`, ``),
		"a token id that is empty": swap(tokenID, ``),
		"no key":                   swap(clientPublic, ``),
		"a login in capitals":      swap(`login`, `Login`),
		"a login that is a list":   swap(`{"publicKey":"`+clientPublic+`"}`, `[]`),
		"lists that are objects":   `{"signupV2":{"apiKeys":{}},"tokenId":"` + tokenID + `","type":"USAGE_TYPE_SIGNUP"}`,
		"an e-mail that is a list": `{"signupV2":{"email":[]},"tokenId":"` + tokenID + `","type":"USAGE_TYPE_SIGNUP"}`,
		"data after it":            login + login,
		"too long":                 swap(`{`, `{`+strings.Repeat(" ", messageMax)),
	} {
		if u, err := (ClientSignature{Message: message}).Usage(); fault.CodeOf(err) != fault.TokenMalformed || !reflect.DeepEqual(u, Usage{}) {
			t.Errorf("%s: %+v, %v", name, u, err)
		}
	}
}

func TestClientSignaturesOfAnotherFormAreRefused(t *testing.T) {
	good := clientSignatures["login"]
	for name, c := range map[string]struct {
		change func(*ClientSignature)
		want   fault.Code
	}{
		"no scheme":             {func(c *ClientSignature) { c.Scheme = "" }, fault.TokenMalformed},
		"the scheme of a stamp": {func(c *ClientSignature) { c.Scheme = "SIGNATURE_SCHEME_TK_API_P256" }, fault.TokenMalformed},
		"no key":                {func(c *ClientSignature) { c.PublicKey = "" }, fault.TokenMalformed},
		"an uncompressed key":   {func(c *ClientSignature) { c.PublicKey = fetcherPublic }, fault.TokenMalformed},
		"a key off the curve":   {func(c *ClientSignature) { c.PublicKey = "02" + strings.Repeat("f", 64) }, fault.TokenMalformed},
		"no signature":          {func(c *ClientSignature) { c.Signature = "" }, fault.TokenMalformed},
		"a DER signature":       {func(c *ClientSignature) { c.Signature = "3045" + c.Signature }, fault.TokenMalformed},
		"not hex":               {func(c *ClientSignature) { c.Signature = "x" + c.Signature[1:] }, fault.TokenMalformed},
		"a message too long":    {func(c *ClientSignature) { c.Message += strings.Repeat(" ", messageMax) }, fault.TokenMalformed},
		"all zero":              {func(c *ClientSignature) { c.Signature = strings.Repeat("0", 128) }, fault.TokenInvalid},
		"another key":           {func(c *ClientSignature) { c.PublicKey = "02" + c.PublicKey[2:] }, fault.TokenInvalid},
		"one space more":        {func(c *ClientSignature) { c.Message += " " }, fault.TokenInvalid},
		"no message":            {func(c *ClientSignature) { c.Message = "" }, fault.TokenInvalid},
	} {
		changed := good
		c.change(&changed)
		if err := changed.Verify(); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestASignerThatFailsSignsNothing(t *testing.T) {
	refused := errors.New("the keychain stayed locked")
	if c, err := SignLogin(t.Context(), odd{err: refused}, tokenID, clientPublic); !errors.Is(err, refused) || c != (ClientSignature{}) {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := SignLogin(t.Context(), odd{der: []byte("not DER")}, tokenID, clientPublic); err == nil || c != (ClientSignature{}) {
		t.Errorf("%+v, %v", c, err)
	}
}

type odd struct {
	der []byte
	err error
}

func (o odd) PublicKey() string                            { return clientPublic }
func (o odd) Sign(context.Context, []byte) ([]byte, error) { return o.der, o.err }
