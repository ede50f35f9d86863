package sandbox

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/internal/p256"
	"latchkey/internal/stamp"
	"latchkey/internal/token"
)

// attestedBy is a key that a verification token names.
func attestedBy(key *p256.Key, jwt string) stamp.Attested {
	return stamp.Attested{Signer: key, Scheme: stamp.SchemeVerificationToken, Token: jwt}
}

// plainJSON sends the header of a stamper as JSON, as the service's documents have it, and not in base64url as its kits.
type plainJSON struct{ stamp.Stamper }

func (p plainJSON) Stamp(ctx context.Context, body []byte) (*stamp.Stamp, error) {
	s, err := p.Stamper.Stamp(ctx, body)
	if err != nil {
		return nil, err
	}
	text, err := base64.RawURLEncoding.DecodeString(s.HeaderValue)
	return &stamp.Stamp{HeaderName: s.HeaderName, HeaderValue: string(text)}, err
}

// What Turnkey's kit does after a one-time code: the key that the token names becomes the session's key, and the request
// names the sub-organization of a known user, or the parent after a fresh signup.
func TestAttestedLogIn(t *testing.T) {
	b := newBox(t, Options{})
	key := newKey()
	jwt := b.root.verifyOTP("jane@doe.test", key)
	org, userID := b.root.signUp(jwt, "jane@doe.test", key)
	notarizer, err := p256.ParsePublic(b.Facts().NotarizerPublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		named   string
		stamper stamp.Stamper
	}{
		"by the parent's id":           {b.root.org, attestedBy(key, jwt)},
		"by the sub-organization's id": {org, attestedBy(key, jwt)},
		"as plain JSON":                {org, plainJSON{attestedBy(key, jwt)}},
	} {
		a := (by{b, c.named, c.stamper}).submit("STAMP_LOGIN", m{"publicKey": key.PublicKey(), "expirationSeconds": "900"})
		session := a.result("stampLoginResult").text("session")
		if _, err := token.VerifySession(session, notarizer, token.Want{PublicKey: key.PublicKey(), OrganizationID: org, UserID: userID}, b.time.now()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if a.text("activity", "organizationId") != org || a.text("activity", "votes", "0", "scheme") != "STAMP_ATTESTED_SCHEME_P256_VERIFICATION_TOKEN" {
			t.Errorf("%s: %s", name, a.raw)
		}
		jane := &who{box: b, org: org, user: userID, key: key}
		if got := jane.query("whoami", nil).ok().text("userId"); got != userID {
			t.Errorf("%s: the session is %s's", name, got)
		}
	}
	if got := (by{b, b.root.org, attestedBy(key, jwt)}).query("whoami", nil).ok().text("organizationId"); got != org {
		t.Errorf("whoami by token: %s", got)
	}
	// A token starts sessions. It does nothing else: that takes a credential of the user's.
	for kind, params := range map[string]m{"CREATE_WALLET": {"walletName": "w", "accounts": []m{}},
		"CREATE_API_KEYS_V2": {"userId": userID, "apiKeys": []m{{"apiKeyName": "k", "publicKey": newKey().PublicKey(), "curveType": "API_KEY_CURVE_P256"}}}} {
		(by{b, org, attestedBy(key, jwt)}).submit(kind, params).refused(401, "SIGNATURE_MISSING", "cannot authenticate")
	}
}

func TestAttestedStampsAreRefused(t *testing.T) {
	b := newBox(t, Options{})
	key := newKey()
	jwt := b.root.verifyOTP("jane@doe.test", key)
	org, _ := b.root.signUp(jwt, "jane@doe.test", key)
	login := func(named string, s stamp.Stamper) answer {
		return (by{b, named, s}).submit("STAMP_LOGIN", m{"publicKey": newKey().PublicKey()})
	}
	login(org, attestedBy(newKey(), jwt)).refused(401, "UNAUTHENTICATED", "it names another public key")
	body := (&who{box: b, org: org}).envelope("STAMP_LOGIN", m{"publicKey": newKey().PublicKey()})
	header := (by{b, org, attestedBy(key, jwt)}).stamped(body)
	b.post("submit/stamp_login", append(body, ' '), header).refused(401, "SIGNATURE_INVALID", "could not verify attested signature")
	b.post("submit/stamp_login", body, http.Header{"X-Stamp-Attested": {"{}"}}).refused(401, "SIGNATURE_INVALID", "could not extract attested stamp")
	half := strings.LastIndex(jwt, ".") + 1
	login(org, attestedBy(key, jwt[:half]+strings.Repeat("A", len(jwt)-half))).refused(401, "UNAUTHENTICATED", "not a genuine token")

	// Somebody without an account, and one whose address was never proven, are nobody.
	stranger := newKey()
	login(b.root.org, attestedBy(stranger, b.root.verifyOTP("nobody@doe.test", stranger))).refused(401, "CREDENTIAL_NOT_FOUND", "verified contact could not be found")
	typed := b.suborg("typed", rootUser("Joan", m{"userEmail": "joan@doe.test"}))
	joan := newKey()
	login(typed, attestedBy(joan, b.root.verifyOTP("joan@doe.test", joan))).refused(401, "CREDENTIAL_NOT_FOUND", "verified contact could not be found in organization or its parent organization organizationId="+typed)

	// Mallory's own organization may prove a contact too, but only for itself.
	mallory := b.logIn("mallory@doe.test")
	forged := newKey()
	login(org, attestedBy(forged, mallory.verifyOTP("jane@doe.test", forged))).refused(401, "UNAUTHENTICATED", "it was issued by another organization")
	login(mallory.org, attestedBy(key, jwt)).refused(401, "CREDENTIAL_NOT_FOUND", "verified contact")

	// The same contact in a second sub-organization: the parent's id means neither.
	second := newKey()
	again := b.root.verifyOTP("jane@doe.test", second)
	other, _ := b.root.signUp(again, "jane@doe.test", second)
	login(b.root.org, attestedBy(second, again)).refused(401, "CREDENTIAL_CONFLICT", "more than one suborg")
	for _, named := range []string{org, other} {
		if got := login(named, attestedBy(second, again)).text("activity", "organizationId"); got != named {
			t.Errorf("in %s it is %s", named, got)
		}
	}
	b.time.advance(2 * time.Hour)
	login(org, attestedBy(key, jwt)).refused(401, "UNAUTHENTICATED", "it has expired")
}

// Wallets are credentials: the request is signed before the user exists, and sent once the sub-organization was made.
func TestAWalletSignsUpAndLogsIn(t *testing.T) {
	b := newBox(t, Options{})
	ethereum, err := stamp.ParseSecp256k1(stamp.SchemeEIP191, "20d1b7bd51ee7ff7a7849a055b176d2a4c19621d2511acb50c1786ec2b66828e")
	if err != nil {
		t.Fatal(err)
	}
	solana, err := stamp.ParseEd25519("6bbbd5b5810d9999c9a99cbc81c956221ec265ca5d86f8d19b9c083298cc94f0")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, curve, kind string
		key               stamp.PrivateKey
	}{
		{"Ethereum", "API_KEY_CURVE_SECP256K1", "CREDENTIAL_TYPE_API_KEY_SECP256K1", ethereum},
		{"Solana", "API_KEY_CURVE_ED25519", "CREDENTIAL_TYPE_API_KEY_ED25519", solana},
	} {
		t.Run(c.name, func(t *testing.T) {
			session, w := newKey(), by{b, b.root.org, c.key}
			kept := w.envelope("STAMP_LOGIN", m{"publicKey": session.PublicKey(), "expirationSeconds": "900"})
			stamped := w.stamped(kept)
			b.post("submit/stamp_login", kept, stamped).refused(401, "PUBLIC_KEY_NOT_FOUND", "publicKey="+c.key.PublicKey())
			filter := m{"filterType": "PUBLIC_KEY", "filterValue": c.key.PublicKey()}
			if got := b.root.query("list_suborgs", filter).ok().at("organizationIds").([]any); len(got) != 0 {
				t.Fatalf("found %v", got)
			}
			org := b.suborg(c.name, rootUser(c.name, m{"apiKeys": []m{{"apiKeyName": "wallet-auth:" + c.key.PublicKey(), "publicKey": c.key.PublicKey(), "curveType": c.curve}}}))
			b.time.advance(10 * time.Minute) // the user thinks
			if got := b.post("submit/stamp_login", kept, stamped).ok().text("activity", "organizationId"); got != org {
				t.Errorf("logged in to %s", got)
			}
			if got := (&who{box: b, org: org, key: session}).query("get_api_keys", nil).ok().at("apiKeys", "0", "credential").(m); got["type"] != c.kind || got["publicKey"] != c.key.PublicKey() {
				t.Errorf("credential %v", got)
			}
			if got := b.root.query("list_suborgs", filter).ok().text("organizationIds", "0"); got != org {
				t.Errorf("found %s", got)
			}
			made := w.in(org).submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}})
			made.result("createWalletResult")
			if got := made.at("activity", "votes", "0").(m); got["publicKey"] != c.key.PublicKey() {
				t.Errorf("vote %v", got)
			}
		})
	}
}

// A key signs in the ways of its own curve, secp256k1 in two, and the curve is part of what was registered.
func TestKeysOfEveryCurve(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t, Options{StateDir: dir})
	jane := b.logIn("jane@doe.test")
	const private = "fc266f87de75a4abe123cdde3b3fc309b0489047a4f15f697e5ec854e1372a8c"
	plain, err := stamp.ParseSecp256k1(stamp.SchemeSecp256k1, private)
	if err != nil {
		t.Fatal(err)
	}
	personal, _ := stamp.ParseSecp256k1(stamp.SchemeEIP191, private)
	create := func(key, curve string) answer {
		return jane.submit("CREATE_API_KEYS_V2", m{"userId": jane.user, "apiKeys": []m{{"apiKeyName": "k", "publicKey": key, "curveType": curve}}})
	}
	create(plain.PublicKey(), "API_KEY_CURVE_ED25519").refused(400, "REQUEST_INVALID", "invalid public key")
	create("02"+strings.Repeat("0", 63)+"5", "API_KEY_CURVE_SECP256K1").refused(400, "REQUEST_INVALID", "invalid public key")
	create(strings.Repeat("a", 66), "API_KEY_CURVE_ED25519").refused(400, "REQUEST_INVALID", "invalid public key")
	create(plain.PublicKey(), "API_KEY_CURVE_P384").refused(400, "REQUEST_INVALID", "invalid curve")
	create(strings.ToUpper(plain.PublicKey()), "API_KEY_CURVE_SECP256K1").result("createApiKeysResult")
	for name, s := range map[string]stamp.Stamper{"SHA-256": plain, "EIP-191": personal} {
		if got := (by{b, jane.org, s}).query("whoami", nil).ok().text("userId"); got != jane.user {
			t.Errorf("%s: %s", name, got)
		}
	}
	body := mustJSON(m{"organizationId": jane.org})
	header := (by{b, jane.org, personal}).stamped(body)
	b.post("query/whoami", append(body, ' '), header).refused(401, "SIGNATURE_INVALID", "could not verify api key signature")
	// The key of P-256 with the same bytes is another key.
	text, err := base64.RawURLEncoding.DecodeString(header.Get("X-Stamp"))
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(text), stamp.SchemeEIP191, stamp.SchemeP256, 1)
	b.post("query/whoami", body, http.Header{"X-Stamp": {base64.RawURLEncoding.EncodeToString([]byte(other))}}).refused(401, "SIGNATURE_INVALID", "could not verify api key signature")

	// All of it is still so after a restart.
	solana, err := stamp.ParseEd25519(private)
	if err != nil {
		t.Fatal(err)
	}
	create(solana.PublicKey(), "API_KEY_CURVE_ED25519").result("createApiKeysResult")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	again := newBox(t, Options{StateDir: dir, Now: b.time.now})
	for name, s := range map[string]stamp.Stamper{"SHA-256": plain, "EIP-191": personal, "Ed25519": solana} {
		if got := (by{again, again.root.org, s}).query("whoami", nil).ok().text("userId"); got != jane.user {
			t.Errorf("%s, after a restart: %s", name, got)
		}
	}
}

// A phone number is a contact like any; and a contact that two users of one organization have does not say who is meant.
func TestAttestedLogInByPhoneNumber(t *testing.T) {
	b := newBox(t, Options{})
	const number = "+4915112345678"
	key := newKey()
	a := b.root.submit("INIT_OTP_V3", m{"otpType": "OTP_TYPE_SMS", "contact": number, "appName": "x"}).result("initOtpResultV2")
	jwt := b.root.guess(a.text("otpId"), a.text("otpEncryptionTargetBundle"), b.root.newestCode(number), key).result("verifyOtpResult").text("verificationToken")
	signUp := func(users ...m) string {
		return b.root.submit("CREATE_SUB_ORGANIZATION_V8", m{"subOrganizationName": "s", "rootQuorumThreshold": 1, "rootUsers": users, "verificationToken": jwt,
			"clientSignature": b.signSignup(key, jwt, token.SignupUsage{PhoneNumber: number})}).result("createSubOrganizationResultV8").text("subOrganizationId")
	}
	one := rootUser("one", m{"userPhoneNumber": number})
	attested := by{b, b.root.org, attestedBy(key, jwt)}
	attested.in(b.suborg("typed", one)).query("whoami", nil).refused(401, "CREDENTIAL_NOT_FOUND", "verified contact could not be found")
	org := signUp(one)
	if got := attested.submit("STAMP_LOGIN", m{"publicKey": key.PublicKey()}).ok().text("activity", "organizationId"); got != org {
		t.Errorf("logged in to %s", got)
	}
	attested.in(signUp(one, rootUser("two", m{"userPhoneNumber": number}))).query("whoami", nil).refused(401, "CREDENTIAL_NOT_FOUND", "verified contact could not be found")
}
