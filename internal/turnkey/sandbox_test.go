package turnkey_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"latchkey/internal/bundle"
	"latchkey/internal/fault"
	"latchkey/internal/p256"
	"latchkey/internal/sandbox"
	"latchkey/internal/stamp"
	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

// inProcess carries requests to a handler.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Result(), nil
}

type sandboxed struct {
	box   *sandbox.Sandbox
	facts sandbox.Facts
	now   time.Time
}

func newSandboxed(t *testing.T) *sandboxed {
	t.Helper()
	s := &sandboxed{now: time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)}
	var err error
	if s.box, err = sandbox.New(sandbox.Options{Seed: 11, Now: func() time.Time { return s.now }}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.box.Close() })
	s.facts = s.box.Facts()
	return s
}

// client stamps with key, by a clock that is off.
func (s *sandboxed) client(key *p256.Key, off time.Duration) *turnkey.Client {
	return &turnkey.Client{
		BaseURL: func() string { return "http://sandbox.test" }, Stamper: stamp.APIKey{Signer: key},
		HTTP: &http.Client{Transport: inProcess{s.box.API()}}, Now: func() time.Time { return s.now.Add(off) },
	}
}

func (s *sandboxed) parent(t *testing.T) *turnkey.Client {
	t.Helper()
	key, err := p256.ParsePrivate(s.facts.APIPrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return s.client(p256.NewKey(key), 0)
}

func (s *sandboxed) code(t *testing.T, to string) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/inbox?to="+url.QueryEscape(to), nil)
	r.Host = "localhost"
	rec := httptest.NewRecorder()
	s.box.Control().ServeHTTP(rec, r)
	var in struct{ Messages []struct{ Code string } }
	if err := json.Unmarshal(rec.Body.Bytes(), &in); err != nil || len(in.Messages) == 0 {
		t.Fatalf("no message: %s", rec.Body)
	}
	return in.Messages[0].Code
}

func TestTheWholeLifeOfAUser(t *testing.T) {
	s := newSandboxed(t)
	ctx, parent, org := t.Context(), s.parent(t), s.facts.OrganizationID
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	me, err := parent.Whoami(ctx, org)
	must(err)
	if me.OrganizationID != org || me.UserID == "" {
		t.Fatalf("whoami: %+v", me)
	}
	key := p256.NewKey(p256.Generate())
	fetcher, err := p256.ParsePublic(s.facts.TLSFetcherPublicKey)
	must(err)
	digits := false
	sent, err := parent.InitOTP(ctx, org, turnkey.InitOTPParams{OTPType: turnkey.OTPEmail, Contact: "a@example.com", AppName: "Test", OTPLength: 6, Alphanumeric: &digits})
	must(err)
	sealed, err := bundle.SealOTP(sent.EncryptionTarget, fetcher, "000001", key.PublicKey())
	must(err)
	if _, err := parent.VerifyOTP(ctx, org, turnkey.VerifyOTPParams{OTPID: sent.OTPID, EncryptedOTPBundle: sealed}); fault.CodeOf(err) != fault.OTPWrong {
		t.Fatalf("a wrong code: %v", err)
	}
	sealed, err = bundle.SealOTP(sent.EncryptionTarget, fetcher, s.code(t, "a@example.com"), key.PublicKey())
	must(err)
	jwt, err := parent.VerifyOTP(ctx, org, turnkey.VerifyOTPParams{OTPID: sent.OTPID, EncryptedOTPBundle: sealed})
	must(err)
	v, err := token.VerifyVerification(jwt, fetcher, nil, s.now)
	must(err)

	usage, err := token.SignSignup(ctx, key, v.ID, token.SignupUsage{Email: "a@example.com"})
	must(err)
	made, err := parent.CreateSubOrganization(ctx, org, turnkey.SubOrganizationParams{Name: "a's", RootQuorumThreshold: 1,
		RootUsers: []turnkey.RootUserParams{{UserName: "a", UserEmail: "a@example.com"}}, VerificationToken: jwt, ClientSignature: (*turnkey.ClientSignature)(&usage)})
	must(err)
	ids, err := parent.ListVerifiedSubOrgs(ctx, org, turnkey.SubOrgFilter{Type: "EMAIL", Value: "a@example.com", Limit: 100})
	must(err)
	if len(ids) != 1 || ids[0] != made.ID || len(made.RootUserIDs) != 1 {
		t.Fatalf("made %+v, listed %v", made, ids)
	}
	login, err := token.SignLogin(ctx, key, v.ID, key.PublicKey())
	must(err)
	session, err := parent.OTPLogin(ctx, made.ID, turnkey.OTPLoginParams{VerificationToken: jwt, ClientSignature: (*turnkey.ClientSignature)(&login),
		LoginParams: turnkey.LoginParams{PublicKey: key.PublicKey(), ExpirationSeconds: 600}})
	must(err)
	notarizer, err := p256.ParsePublic(s.facts.NotarizerPublicKey)
	must(err)
	got, err := token.VerifySession(session, notarizer, token.Want{PublicKey: key.PublicKey(), OrganizationID: made.ID}, s.now)
	must(err)

	user := s.client(key, 0)
	next := p256.NewKey(p256.Generate())
	_, err = user.StampLogin(ctx, made.ID, turnkey.LoginParams{PublicKey: next.PublicKey(), ExpirationSeconds: 600})
	must(err)
	keys, err := user.GetAPIKeys(ctx, made.ID, got.UserID)
	must(err)
	if len(keys) != 2 || keys[0].ExpirationSeconds != 600 || keys[0].Credential.Type != "CREDENTIAL_TYPE_LOGIN" || !keys[0].CreatedAt.Time().Equal(s.now) {
		t.Fatalf("keys %+v", keys)
	}
	wallet, err := user.CreateWallet(ctx, made.ID, turnkey.CreateWalletParams{WalletName: "w", Accounts: []turnkey.WalletAccountParams{
		{Curve: "CURVE_SECP256K1", PathFormat: "PATH_FORMAT_BIP32", Path: "m/44'/60'/0'/0/0", AddressFormat: "ADDRESS_FORMAT_ETHEREUM"}}})
	must(err)
	more, err := user.CreateWalletAccounts(ctx, made.ID, wallet.WalletID, turnkey.WalletAccountParams{
		Curve: "CURVE_ED25519", PathFormat: "PATH_FORMAT_BIP32", Path: "m/44'/501'/0'/0'", AddressFormat: "ADDRESS_FORMAT_SOLANA"})
	must(err)
	wallets, err := user.ListWallets(ctx, made.ID)
	must(err)
	accounts, err := user.ListWalletAccounts(ctx, made.ID, wallet.WalletID)
	must(err)
	if len(wallets) != 1 || len(accounts) != 2 || accounts[0].Address != wallet.Addresses[0] || accounts[1].Address != more[0] {
		t.Fatalf("wallets %+v, accounts %+v", wallets, accounts)
	}
	sig, err := user.SignRawPayload(ctx, made.ID, turnkey.SignRawPayloadParams{SignWith: wallet.Addresses[0], Payload: "0x00",
		Encoding: "PAYLOAD_ENCODING_HEXADECIMAL", HashFunction: "HASH_FUNCTION_KECCAK256"})
	must(err)
	if len(sig.R) != 64 || len(sig.S) != 64 || len(sig.V) != 2 {
		t.Fatalf("signature %+v", sig)
	}
	u, err := user.GetUser(ctx, made.ID, got.UserID)
	must(err)
	users, err := parent.ListUsers(ctx, made.ID)
	must(err)
	if u.UserEmail != "a@example.com" || len(u.APIKeys) != 2 || len(users) != 1 || users[0].UserID != u.UserID {
		t.Fatalf("user %+v, users %+v", u, users)
	}

	for _, k := range keys {
		if k.Credential.PublicKey == key.PublicKey() {
			gone, err := s.client(next, 0).DeleteAPIKeys(ctx, made.ID, got.UserID, k.APIKeyID)
			must(err)
			if len(gone) != 1 || gone[0] != k.APIKeyID {
				t.Fatalf("deleted %v", gone)
			}
		}
	}
	if _, err := user.Whoami(ctx, made.ID); fault.CodeOf(err) != fault.SessionRejected {
		t.Errorf("a deleted key: %v", err)
	}
	s.now = s.now.Add(601 * time.Second)
	if _, err := s.client(next, 0).Whoami(ctx, made.ID); fault.CodeOf(err) != fault.SessionExpired {
		t.Errorf("an expired key: %v", err)
	}
}

func TestEqualCallsInOneMillisecondAreTwo(t *testing.T) {
	s := newSandboxed(t)
	parent, org := s.parent(t), s.facts.OrganizationID
	params := turnkey.SubOrganizationParams{Name: "twin", RootQuorumThreshold: 1, RootUsers: []turnkey.RootUserParams{{UserName: "u", UserEmail: "u@example.com"}}}
	first, err := parent.CreateSubOrganizationV7(t.Context(), org, params)
	if err != nil {
		t.Fatal(err)
	}
	second, err := parent.CreateSubOrganizationV7(t.Context(), org, params)
	if err != nil || first.ID == second.ID {
		t.Errorf("%s, %s, %v", first.ID, second.ID, err)
	}
}

func TestAWrongClockIsFollowed(t *testing.T) {
	s := newSandboxed(t)
	for _, off := range []time.Duration{-2 * time.Hour, 2 * time.Hour} {
		key := p256.NewKey(p256.Generate())
		made, err := s.parent(t).CreateSubOrganization(t.Context(), s.facts.OrganizationID, turnkey.SubOrganizationParams{Name: "n", RootQuorumThreshold: 1,
			RootUsers: []turnkey.RootUserParams{{UserName: "u", APIKeys: []turnkey.APIKeyParams{{APIKeyName: "k", PublicKey: key.PublicKey(), CurveType: turnkey.CurveAPIKeyP256}}}}})
		if err != nil {
			t.Fatal(err)
		}
		user := s.client(key, off)
		// The very first call is refused for its time, and made again by the refusal's.
		if _, err := user.StampLogin(t.Context(), made.ID, turnkey.LoginParams{PublicKey: key.PublicKey()}); err != nil {
			t.Errorf("%v off: %v", off, err)
		}
		if d := user.Skew() + off; d.Abs() > 2*time.Second {
			t.Errorf("%v off: skew %v", off, user.Skew())
		}
	}
}

func TestAForgedStampIsNoEndOfASession(t *testing.T) {
	s := newSandboxed(t)
	key, err := p256.ParsePrivate(s.facts.APIPrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	c := s.client(p256.NewKey(key), 0)
	c.HTTP = &http.Client{Transport: tampered{inProcess{s.box.API()}}}
	_, err = c.Whoami(t.Context(), s.facts.OrganizationID)
	if fault.CodeOf(err) != fault.StampInvalid || errors.Is(err, fault.Expired) {
		t.Error(err)
	}
}

// tampered adds a space to every body on its way.
type tampered struct{ next http.RoundTripper }

func (n tampered) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Body = http.MaxBytesReader(nil, &spaced{r.Body, false}, 1<<20)
	r.ContentLength = -1
	return n.next.RoundTrip(r)
}

type spaced struct {
	rest interface {
		Read([]byte) (int, error)
		Close() error
	}
	begun bool
}

func (s *spaced) Read(p []byte) (int, error) {
	if !s.begun && len(p) > 0 {
		s.begun = true
		p[0] = ' '
		return 1, nil
	}
	return s.rest.Read(p)
}

func (s *spaced) Close() error { return s.rest.Close() }
