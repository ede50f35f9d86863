package sandbox

import (
	"testing"

	"latchkey/internal/bundle"
	"latchkey/internal/p256"
	"latchkey/internal/token"
)

func TestTheParentKnowsItself(t *testing.T) {
	b := newBox(t, Options{})
	a := b.root.query("whoami", nil).ok()
	if got, want := a.text("organizationId"), b.Facts().OrganizationID; got != want {
		t.Errorf("organization %s, want %s", got, want)
	}
	if a.text("organizationName") == "" || a.text("username") == "" || a.text("userId") == "" {
		t.Error("somebody has no name")
	}
}

// newestCode is the code of the newest message to a contact.
func (b *box) newestCode(to string) string {
	b.t.Helper()
	return b.controlled("GET", "/inbox?to="+to, nil).ok().text("messages", "0", "code")
}

// initOTP asks for a code for encryption and returns its id and target.
func (w *who) initOTP(contact string) (id, target string) {
	w.t.Helper()
	r := w.submit("INIT_OTP_V3", m{"otpType": "OTP_TYPE_EMAIL", "contact": contact, "appName": "Tests"}).result("initOtpResultV2")
	return r.text("otpId"), r.text("otpEncryptionTargetBundle")
}

// verifyOTP proves contact for key and returns the token.
func (w *who) verifyOTP(contact string, key *p256.Key) string {
	w.t.Helper()
	id, target := w.initOTP(contact)
	return w.guess(id, target, w.newestCode(contact), key).result("verifyOtpResult").text("verificationToken")
}

func (w *who) guess(id, target, code string, key *p256.Key) answer {
	w.t.Helper()
	fetcher, err := p256.ParsePublic(w.Facts().TLSFetcherPublicKey)
	if err != nil {
		w.t.Fatal(err)
	}
	sealed, err := bundle.SealOTP(target, fetcher, code, key.PublicKey())
	if err != nil {
		w.t.Fatal(err)
	}
	return w.submit("VERIFY_OTP_V2", m{"otpId": id, "encryptedOtpBundle": sealed})
}

func newKey() *p256.Key { return p256.NewKey(p256.Generate()) }

// signLogin is the agreement of key to a session of the public key session.
func (b *box) signLogin(key *p256.Key, jwt, session string) m {
	b.t.Helper()
	v, err := token.ParseVerification(jwt)
	if err != nil {
		b.t.Fatal(err)
	}
	sig, err := token.SignLogin(b.t.Context(), key, v.ID, session)
	if err != nil {
		b.t.Fatal(err)
	}
	return m{"publicKey": sig.PublicKey, "scheme": sig.Scheme, "message": sig.Message, "signature": sig.Signature}
}

func (b *box) signSignup(key *p256.Key, jwt string, u token.SignupUsage) m {
	b.t.Helper()
	v, err := token.ParseVerification(jwt)
	if err != nil {
		b.t.Fatal(err)
	}
	sig, err := token.SignSignup(b.t.Context(), key, v.ID, u)
	if err != nil {
		b.t.Fatal(err)
	}
	return m{"publicKey": sig.PublicKey, "scheme": sig.Scheme, "message": sig.Message, "signature": sig.Signature}
}

// signUp makes a sub-organization for somebody who proved contact.
func (w *who) signUp(jwt, contact string, key *p256.Key) (org, user string) {
	w.t.Helper()
	r := w.submit("CREATE_SUB_ORGANIZATION_V8", m{
		"subOrganizationName": "of " + contact, "rootQuorumThreshold": 1, "verificationToken": jwt,
		"clientSignature": w.signSignup(key, jwt, token.SignupUsage{Email: contact}),
		"rootUsers":       []m{{"userName": contact, "userEmail": contact, "apiKeys": []m{}, "authenticators": []m{}, "oauthProviders": []m{}}},
	}).result("createSubOrganizationResultV8")
	return r.text("subOrganizationId"), r.text("rootUserIds", "0")
}

// logIn signs up and logs in, the whole encrypted way, and returns who stamps with the session.
func (b *box) logIn(contact string) *who {
	b.t.Helper()
	key := newKey()
	jwt := b.root.verifyOTP(contact, key)
	org, user := b.root.signUp(jwt, contact, key)
	session := b.root.in(org).submit("OTP_LOGIN_V2", m{"verificationToken": jwt, "publicKey": key.PublicKey(),
		"clientSignature": b.signLogin(key, jwt, key.PublicKey())}).result("otpLoginResult").text("session")
	notarizer, err := p256.ParsePublic(b.Facts().NotarizerPublicKey)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := token.VerifySession(session, notarizer, token.Want{PublicKey: key.PublicKey(), OrganizationID: org, UserID: user}, b.time.now()); err != nil {
		b.t.Fatal(err)
	}
	return &who{box: b, org: org, user: user, key: key}
}

func TestSomebodySignsUpLogsInAndMakesAWallet(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	if got := jane.query("whoami", nil).ok().text("userId"); got != jane.user {
		t.Errorf("user %s, want %s", got, jane.user)
	}
	made := jane.submit("CREATE_WALLET", m{"walletName": "First", "accounts": []m{
		{"curve": "CURVE_SECP256K1", "pathFormat": "PATH_FORMAT_BIP32", "path": "m/44'/60'/0'/0/0", "addressFormat": "ADDRESS_FORMAT_ETHEREUM"},
		{"curve": "CURVE_ED25519", "pathFormat": "PATH_FORMAT_BIP32", "path": "m/44'/501'/0'/0'", "addressFormat": "ADDRESS_FORMAT_SOLANA"},
	}}).result("createWalletResult")
	list := jane.query("list_wallet_accounts", m{"walletId": made.text("walletId"), "includeWalletDetails": true}).ok()
	for i, want := range []string{"0", "1"} {
		if got := list.text("accounts", want, "address"); got != made.text("addresses", want) {
			t.Errorf("account %d has the address %s", i, got)
		}
	}
	next := newKey()
	jane.submit("STAMP_LOGIN", m{"publicKey": next.PublicKey(), "expirationSeconds": "60"}).result("stampLoginResult")
	jane.with(next).query("whoami", nil).ok()
	if got := b.root.query("list_verified_suborgs", m{"filterType": "EMAIL", "filterValue": "Jane@Doe.test"}).ok().text("organizationIds", "0"); got != jane.org {
		t.Errorf("the contact belongs to %s", got)
	}
}
