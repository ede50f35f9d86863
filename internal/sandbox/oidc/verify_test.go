package oidc

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// foreign is an issuer that is not the sandbox's.
type foreign struct {
	*httptest.Server
	mu    sync.Mutex
	keys  []*signer
	asked int
	wrong func(w http.ResponseWriter, r *http.Request) bool // answers something else
}

func newForeign(t testing.TB, secure bool) *foreign {
	t.Helper()
	f := &foreign{keys: []*signer{newSigner("ES256", seeded("foreign"), "1")()}}
	start := httptest.NewServer
	if secure {
		start = httptest.NewTLSServer
	}
	f.Server = start(f)
	t.Cleanup(f.Close)
	return f
}

func (f *foreign) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	if f.wrong != nil && f.wrong(w, r) {
		return
	}
	if r.URL.Path == "/jwks" {
		list := []jwk{}
		for _, k := range f.keys {
			list = append(list, k.public)
		}
		writeJSON(w, http.StatusOK, map[string]any{"keys": list})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"issuer": f.URL, "jwks_uri": f.URL + "/jwks", "id_token_signing_alg_values_supported": []string{"ES256"}})
}

// count is how often it was asked.
func (f *foreign) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

func (f *foreign) rotate(keys ...*signer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = keys
}

// says is a token of the issuer with these claims changed or taken away (nil).
func says(t testing.TB, key *signer, now time.Time, issuer string, change map[string]any) string {
	t.Helper()
	c := map[string]any{"iss": issuer, "sub": "somebody", "aud": "app", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "nonce": "n"}
	for k, v := range change {
		c[k] = v
		if v == nil {
			delete(c, k)
		}
	}
	raw, err := key.sign(c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestATokenIsTakenOnlyIfItsIssuerSignedItAndItIsNotOver(t *testing.T) {
	w, f := newWorld(t), newForeign(t, false)
	v, key, now := NewVerifier(w.Provider), newSigner("ES256", seeded("foreign"), "1")(), w.time.now()
	hs := func(alg string) string {
		text := encode([]byte(`{"alg":"`+alg+`","typ":"JWT","kid":"`+key.kid+`"}`)) + "." + encode(mustJSON(map[string]any{"iss": f.URL, "sub": "s", "aud": "app", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}))
		mac := hmac.New(sha256.New, []byte(key.public.X))
		mac.Write([]byte(text))
		return text + "." + encode(mac.Sum(nil))
	}
	good := says(t, key, now, f.URL, nil)
	for name, c := range map[string]struct {
		raw  string
		want bool
	}{
		"as it is":                {good, true},
		"several audiences":       {says(t, key, now, f.URL, map[string]any{"aud": []string{"app", "web"}}), true},
		"issued within the slip":  {says(t, key, now, f.URL, map[string]any{"iat": now.Add(4 * time.Minute).Unix()}), true},
		"issued in the future":    {says(t, key, now, f.URL, map[string]any{"iat": now.Add(6 * time.Minute).Unix()}), false},
		"ended now":               {says(t, key, now, f.URL, map[string]any{"exp": now.Unix()}), false},
		"ended":                   {says(t, key, now, f.URL, map[string]any{"exp": now.Add(-time.Second).Unix()}), false},
		"without an end":          {says(t, key, now, f.URL, map[string]any{"exp": nil}), false},
		"not yet good":            {says(t, key, now, f.URL, map[string]any{"nbf": now.Add(time.Hour).Unix()}), false},
		"without a subject":       {says(t, key, now, f.URL, map[string]any{"sub": nil}), false},
		"a subject that is none":  {says(t, key, now, f.URL, map[string]any{"sub": 5}), false},
		"a huge subject":          {says(t, key, now, f.URL, map[string]any{"sub": strings.Repeat("x", 300)}), false},
		"without an audience":     {says(t, key, now, f.URL, map[string]any{"aud": nil}), false},
		"an empty audience":       {says(t, key, now, f.URL, map[string]any{"aud": []string{""}}), false},
		"another key":             {says(t, newSigner("ES256", seeded("foreign"), "2")(), now, f.URL, nil), false},
		"the issuer's other name": {says(t, key, now, f.URL+"/", nil), false},
		"another issuer":          {says(t, key, now, w.Issuer(w.url, Google), nil), false},
		"alg none":                {hs("none"), false},
		"alg HS256":               {hs("HS256"), false},
		"signature cut":           {good[:len(good)-4], false},
		"no signature":            {good[:strings.LastIndexByte(good, '.')+1], false},
		"four parts":              {good + ".x", false},
		"a claim changed":         {strings.Replace(good, ".eyJ", ".eyI", 1), false},
		"nothing":                 {"", false},
		"far too long":            {strings.Repeat("x", 1<<20), false},
		"JSON form":               {`{"payload":"e30","signatures":[]}`, false},
	} {
		got, err := v.Verify(context.Background(), c.raw)
		if (err == nil) != c.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if err != nil && len(c.raw) > 40 && strings.Contains(err.Error(), c.raw[len(c.raw)-40:]) {
			t.Errorf("%s: the error tells the token: %v", name, err)
		}
	}
	got, err := v.Verify(context.Background(), says(t, key, now, f.URL, map[string]any{"aud": []string{"app", "web"}, "email": "a@b.test", "email_verified": "true", "tknonce": "t"}))
	if err != nil || fmt.Sprint(got.Audience) != "[app web]" || got.Issuer != f.URL || got.Email != "a@b.test" || !got.EmailVerified || got.TKNonce != "t" || got.OfTurnkey {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestKeysAreFetchedOnceAndAgainWhenANewOneIsNamed(t *testing.T) {
	w, f := newWorld(t), newForeign(t, false)
	v, now := NewVerifier(w.Provider), w.time.now()
	one, two := newSigner("ES256", seeded("foreign"), "1")(), newSigner("RS256", seeded("foreign"), "2")()
	for range 5 {
		if _, err := v.Verify(context.Background(), says(t, one, now, f.URL, nil)); err != nil {
			t.Fatal(err)
		}
	}
	if f.count() != 2 { // discovery and keys
		t.Errorf("asked %d times", f.count())
	}
	forged := *two
	forged.kid, forged.alg, forged.key = one.kid, "ES256", newSigner("ES256", seeded("foreign"), "3")().key
	if _, err := v.Verify(context.Background(), says(t, &forged, now, f.URL, nil)); err == nil || f.count() != 2 {
		t.Errorf("a wrong signature: %v, asked %d times", err, f.count())
	}
	f.rotate(two)
	var all sync.WaitGroup
	for range 8 { // at once, as log-ins come
		all.Go(func() {
			if _, err := v.Verify(context.Background(), says(t, two, now, f.URL, nil)); err != nil {
				t.Errorf("after a rotation: %v", err)
			}
		})
	}
	all.Wait()
	if _, err := v.Verify(context.Background(), says(t, one, now, f.URL, nil)); err == nil {
		t.Error("the key that was taken away is still good")
	}
}

// A flood of tokens with keys that nobody has must not become a flood of requests at the issuer.
func TestAnIssuerIsNotAskedTooOften(t *testing.T) {
	w, f := newWorld(t), newForeign(t, false)
	v, now := NewVerifier(w.Provider), w.time.now()
	at := time.Now()
	v.reach.clock = func() time.Time { return at }
	stranger := newSigner("ES256", seeded("foreign"), "stranger")()
	for range 3 * askBurst {
		if _, err := v.Verify(context.Background(), says(t, stranger, now, f.URL, nil)); err == nil {
			t.Fatal("a stranger's token was taken")
		}
	}
	if f.count() > askBurst {
		t.Errorf("asked %d times", f.count())
	}
	two := newSigner("ES256", seeded("foreign"), "2")()
	f.rotate(two)
	if _, err := v.Verify(context.Background(), says(t, two, now, f.URL, nil)); err == nil {
		t.Error("asked once more")
	}
	at = at.Add(time.Minute)
	if _, err := v.Verify(context.Background(), says(t, two, now, f.URL, nil)); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

func TestIssuersThatMisbehaveAreRefused(t *testing.T) {
	w := newWorld(t)
	key, now := newSigner("ES256", seeded("foreign"), "1")(), w.time.now()
	var hits atomic.Int32
	victim := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer victim.Close()
	to := func(address string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, address, http.StatusFound)
			return true
		}
	}
	keysAt := func(address string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			writeJSON(w, http.StatusOK, map[string]any{"issuer": "http://" + r.Host, "jwks_uri": address})
			return true
		}
	}
	text := func(body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			_, _ = w.Write([]byte(body))
			return true
		}
	}
	for name, wrong := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"another issuer's discovery": func(w http.ResponseWriter, r *http.Request) bool {
			writeJSON(w, http.StatusOK, map[string]any{"issuer": "https://accounts.google.com", "jwks_uri": "http://" + r.Host + "/jwks"})
			return true
		},
		"round and round":      func(w http.ResponseWriter, r *http.Request) bool { return to(r.URL.Path)(w, r) },
		"to a private network": to("http://10.0.0.1/"),
		"to the network":       to("https://192.0.2.1/"),
		"keys in a network":    keysAt("https://169.254.169.254/latest"),
		"keys in a file":       keysAt("file:///etc/passwd"),
		"keys nowhere":         keysAt(""),
		"keys on the network":  keysAt("https://8.8.8.8/"),
		"endless":              text(`{"issuer":"` + strings.Repeat("x", 2*askSize)),
		"no JSON":              text("<html>"),
		"null":                 text("null"),
		"empty":                text(""),
	} {
		f := newForeign(t, false)
		f.wrong = wrong
		if _, err := NewVerifier(w.Provider).Verify(context.Background(), says(t, key, now, f.URL, nil)); err == nil {
			t.Errorf("%s: taken", name)
		}
		if f.count() > 2*askHops+2 {
			t.Errorf("%s: asked %d times", name, f.count())
		}
	}
	for _, issuer := range []string{"http://example.com", "http://10.0.0.1", "https://10.0.0.1", "https://192.168.1.1/x", "https://[fd00::1]", "https://169.254.169.254", "https://[::ffff:10.0.0.1]/",
		"https://0.0.0.0", "https://[::]", "https://100.64.1.1", "ftp://127.0.0.1", "file:///etc", victim.URL + "?x=1", victim.URL + "#x", "http://user@" + strings.TrimPrefix(victim.URL, "http://"), "x", "https://", "//127.0.0.1", "https:opaque", "accounts.google.com"} {
		v := NewVerifier(w.Provider)
		if _, err := v.Verify(context.Background(), says(t, key, now, issuer, nil)); err == nil {
			t.Errorf("%s: taken", issuer)
		}
		if len(v.reach.budgets) != 0 {
			t.Errorf("%s: was asked", issuer)
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("%d requests reached a stranger", n)
	}
}

// What an address answers that is no issuer is nobody's business: a token may name any port of this machine.
func TestWhatAnAddressSaysIsNotPassedOn(t *testing.T) {
	w := newWorld(t)
	f := newForeign(t, false)
	for path, status := range map[string]int{"/jwks": http.StatusNotFound, "/.well-known/openid-configuration": http.StatusForbidden} {
		f.wrong = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != path {
				return false
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte("secret"))
			return true
		}
		_, err := NewVerifier(w.Provider).Verify(context.Background(), says(t, f.keys[0], w.time.now(), f.URL, nil))
		if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), strconv.Itoa(status)) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Verifying by a key takes time that grows with its square, and an issuer may list many.
func TestVeryLargeKeysAreLeftOut(t *testing.T) {
	w := newWorld(t)
	for bits, want := range map[int]int{bitsMax: 1, bitsMax + 8: 0} {
		f := newForeign(t, false)
		n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
		f.rotate(&signer{public: jwk{Kty: "RSA", N: encode(n.Add(n, big.NewInt(1)).Bytes()), E: "AQAB", Kid: "1", Use: "sig"}})
		keys, err := NewVerifier(w.Provider).reach.keys(context.Background(), f.URL)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := keys.fetch(context.Background()); err != nil || len(got) != want {
			t.Errorf("%d bits: %d keys, %v", bits, len(got), err)
		}
	}
}

// A name of the network that leads to this machine is caught when it is connected to, whatever it said before.
func TestAConnectionIsHeldAgainstTheAddressItReallyHas(t *testing.T) {
	f := newForeign(t, true)
	r, err := http.NewRequest(http.MethodGet, f.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(f.Certificate())
	if _, err := transport(false, roots).RoundTrip(r); err == nil || f.count() != 0 {
		t.Errorf("as an address of the network: %v, asked %d times", err, f.count())
	}
	res, err := transport(true, roots).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	w := newWorld(t)
	v := NewVerifier(w.Provider)
	if _, err := v.Verify(context.Background(), says(t, f.keys[0], w.time.now(), f.URL, nil)); err == nil {
		t.Error("taken from a server whose certificate nobody knows")
	}
	v.reach.roots = roots
	if _, err := v.Verify(context.Background(), says(t, f.keys[0], w.time.now(), f.URL, nil)); err != nil {
		t.Errorf("https on this machine: %v", err)
	}
}

func TestPublicAddresses(t *testing.T) {
	for text, want := range map[string]bool{"8.8.8.8": true, "2606:4700::1": true, "127.0.0.1": false, "::1": false, "10.1.1.1": false, "172.16.0.1": false, "192.168.0.1": false, "169.254.169.254": false, "100.64.0.1": false,
		"0.1.2.3": false, "224.0.0.1": false, "255.255.255.255": false, "fe80::1": false, "fc00::1": false, "ff02::1": false, "::": false, "64:ff9b::a00:1": false, "2002:a00:1::": false, "::10.0.0.1": false, "192.0.2.1": false} {
		if got := public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// The sandbox's own issuers are verified without a single request, whether anything listens or not.
func TestOwnTokensNeedNoNetwork(t *testing.T) {
	time := &clock{t: time.UnixMilli(1_767_225_600_000)}
	p := New(Config{Seed: seeded("one"), Now: time.now})
	v := NewVerifier(p)
	v.reach.slots = nil // whoever asks waits for ever
	for _, name := range []string{Google, Apple, Facebook, Plain, Turnkey} {
		raw := says(t, p.signers[name](), time.now(), "http://localhost:1/oidc/"+name, nil)
		got, err := v.Verify(context.Background(), raw)
		if err != nil || got.OfTurnkey != (name == Turnkey) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	done, cancel := context.WithCancel(context.Background())
	cancel()
	for issuer, key := range map[string]*signer{"http://localhost:1/oidc/google": p.signers[Apple](), "http://localhost:1/oidc/x": p.signers[Plain](), "https://sandbox.test/oidc/sandbox": p.signers[Plain]()} {
		if _, err := v.Verify(done, says(t, key, time.now(), issuer, nil)); err == nil {
			t.Errorf("%s: taken", issuer)
		}
	}
}

// Another sandbox on this machine has issuers of the same form and other keys: it is asked.
func TestAnotherSandboxIsAForeignIssuer(t *testing.T) {
	w, other := newWorld(t), newWorld(t, func(c *Config) { c.Seed = seeded("two") })
	raw := says(t, other.signers[Plain](), w.time.now(), other.Issuer(other.url, Plain), nil)
	if _, err := NewVerifier(w.Provider).Verify(context.Background(), raw); err != nil {
		t.Error(err)
	}
	if _, err := NewVerifier(w.Provider).Verify(context.Background(), says(t, other.signers[Plain](), w.time.now(), w.Issuer(w.url, Plain), nil)); err == nil {
		t.Error("another sandbox's key signs for this one")
	}
}

// Vectors: Turnkey's documents, and @turnkey/crypto 2.13.2.
func TestTheNonceIsTheHashOfTheKeysText(t *testing.T) {
	for key, want := range map[string]string{
		"03983818e66c3b431053083bc555b242979d9ac80634b1bb7ad94a5700e86ee77c": "7908794c60c4d8662f2eee6bf79d07a1d7796f78eb798f0efaa65a9db0f74e69",
		"0394e549c71fa99dd5cf752fba623090be314949b74e4cdf7ca72031dd638e281a": "1663bba492a323085b13895634a3618792c4ec6896f3c34ef3c26396df22ef82",
	} {
		if got := Nonce(key); got != want {
			t.Errorf("%s: %s", key, got)
		}
		for _, tok := range []Token{{Nonce: want}, {TKNonce: want}, {Nonce: "x", TKNonce: want}} {
			if !tok.Binds(key) {
				t.Errorf("%+v does not bind", tok)
			}
		}
		for _, tok := range []Token{{}, {Nonce: key}, {Nonce: strings.ToUpper(want)}} {
			if tok.Binds(key) {
				t.Errorf("%+v binds", tok)
			}
		}
	}
}

func FuzzR15_IDToken(f *testing.F) {
	at := &clock{t: time.UnixMilli(1_767_225_600_000)}
	p := New(Config{Seed: seeded("one"), Now: at.now})
	v := NewVerifier(p)
	closed, cancel := context.WithCancel(context.Background())
	cancel() // nothing is asked
	good := says(f, p.signers[Plain](), at.now(), "http://localhost/oidc/sandbox", nil)
	f.Add(good)
	f.Add(good[:60])
	f.Add("e30.e30.")
	f.Add(says(f, p.signers[Plain](), at.now(), "https://example.com", map[string]any{"aud": []string{}}))
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := v.Verify(closed, raw)
		if err == nil && (got.Subject != "somebody" || got.Issuer != "http://localhost/oidc/sandbox") {
			t.Errorf("taken: %+v", got)
		}
	})
}

// FuzzR15_Authorize sends queries to the authorize page of every house: nobody is led where a browser would run
// something, and nothing breaks.
func FuzzR15_Authorize(f *testing.F) {
	p := New(Config{Seed: seeded("one"), Now: time.Now})
	f.Add("client_id=a&redirect_uri=https://a.test&response_type=code&scope=openid", "a@b.test")
	f.Add("client_id=a&redirect_uri=javascript:x&response_type=code", "a@b.test")
	f.Fuzz(func(t *testing.T, query, email string) {
		for path, h := range p.houses {
			if !h.front || h.alg == "RS256" { // whose keys take long to make
				continue
			}
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				r := httptest.NewRequest(method, "http://localhost"+path+"/authorize", strings.NewReader(query+"&email="+url.QueryEscape(email)))
				r.URL.RawQuery = query
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				w := httptest.NewRecorder()
				p.ServeHTTP(w, r)
				to, _, _ := strings.Cut(strings.ToLower(w.Header().Get("Location")), ":")
				if w.Code >= 500 || to == "javascript" || to == "data" || to == "file" || w.Code == http.StatusSeeOther && to == "" {
					t.Errorf("%s %s: %d, to %q", method, path, w.Code, w.Header().Get("Location"))
				}
			}
		}
	})
}
