package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/internal/p256"
	"latchkey/internal/token"
)

// keys lists the public keys of a user by type.
func (w *who) keys(kind string) []string {
	w.t.Helper()
	var found []string
	for _, k := range w.query("get_api_keys", m{"userId": w.user}).ok().at("apiKeys").([]any) {
		c := k.(m)["credential"].(m)
		if c["type"] == kind {
			found = append(found, c["publicKey"].(string))
		}
	}
	return found
}

func TestASessionLastsAsLongAsWasAsked(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	for _, c := range []struct {
		asked any
		want  time.Duration
	}{{nil, 900 * time.Second}, {"60", time.Minute}, {60, time.Minute}, {"100000", 100000 * time.Second}} {
		p := m{"publicKey": newKey().PublicKey()}
		if c.asked != nil {
			p["expirationSeconds"] = c.asked
		}
		s, err := token.ParseSession(jane.submit("STAMP_LOGIN", p).result("stampLoginResult").text("session"))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Expires.Sub(b.time.now().Truncate(time.Second)); got != c.want {
			t.Errorf("asked %v: lasts %s", c.asked, got)
		}
		if s.OrganizationID != jane.org || s.UserID != jane.user || s.SessionType != "SESSION_TYPE_READ_WRITE" || s.PublicKey != p["publicKey"] {
			t.Errorf("the session says %+v", s)
		}
	}
	for _, bad := range []any{"0", "-1", "soon", "1.5", "99999999999999999999", "9223372036854775807"} {
		jane.submit("STAMP_LOGIN", m{"publicKey": newKey().PublicKey(), "expirationSeconds": bad}).refused(400, "REQUEST_INVALID", "invalid api key expiration")
	}
	for _, bad := range []string{"02", strings.Repeat("0", 66), p256.Uncompressed(&newKey().Private().PublicKey), "xx" + newKey().PublicKey()[2:]} {
		jane.submit("STAMP_LOGIN", m{"publicKey": bad}).refused(400, "REQUEST_INVALID", "invalid public key")
	}
}

func TestARefreshIsStampedByTheSessionAndLeavesTheOldKey(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	next := newKey()
	jane.in(b.root.org).submit("STAMP_LOGIN", m{"publicKey": next.PublicKey()}).result("stampLoginResult") // the parent's id stands for Jane's
	jane.query("whoami", nil).ok()
	jane.with(next).query("whoami", nil).ok()
	jane.with(next).submit("STAMP_LOGIN", m{"publicKey": newKey().PublicKey(), "invalidateExisting": true}).result("stampLoginResult")
	jane.query("whoami", nil).refused(401, "PUBLIC_KEY_NOT_FOUND", "could not find public key in organization or its parent organization")
}

func TestInvalidateExistingSparesKeysThatAreNoSessions(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	lasting := newKey()
	jane.submit("CREATE_API_KEYS_V2", m{"userId": jane.user, "apiKeys": []m{{"apiKeyName": "lasting", "publicKey": lasting.PublicKey(), "curveType": "API_KEY_CURVE_P256"}}}).result("createApiKeysResult")
	only := newKey().PublicKey()
	jane.submit("STAMP_LOGIN", m{"publicKey": only, "invalidateExisting": true}).result("stampLoginResult")
	if got := jane.with(lasting).keys("CREDENTIAL_TYPE_LOGIN"); len(got) != 1 || got[0] != only {
		t.Errorf("sessions %v", got)
	}
	if got := jane.with(lasting).keys("CREDENTIAL_TYPE_API_KEY_P256"); len(got) != 1 {
		t.Errorf("other keys %v", got)
	}
}

func TestTheEleventhExpiringKeyEvictsOneThatEndedElseTheOldest(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test") // the first, of 900 s
	lasting := newKey()
	jane.submit("CREATE_API_KEYS", m{"userId": jane.user, "apiKeys": []m{{"apiKeyName": "lasting", "publicKey": lasting.PublicKey()}}}).result("createApiKeysResult")
	jane = jane.with(lasting)
	var made []string
	login := func(seconds string) {
		t.Helper()
		k := newKey().PublicKey()
		made = append(made, k)
		jane.submit("STAMP_LOGIN", m{"publicKey": k, "expirationSeconds": seconds}).result("stampLoginResult")
	}
	for i := range 9 {
		login(map[bool]string{true: "10", false: "5000"}[i == 4])
	}
	first := jane.keys("CREDENTIAL_TYPE_LOGIN")
	if len(first) != 10 {
		t.Fatalf("%d sessions", len(first))
	}
	b.time.advance(time.Minute) // the fifth has ended
	login("5000")
	got := jane.keys("CREDENTIAL_TYPE_LOGIN")
	if len(got) != 10 || strings.Contains(fmt.Sprint(got), made[4]) || !strings.Contains(fmt.Sprint(got), first[0]) {
		t.Errorf("the ended one is still there, or the oldest is gone: %v", got)
	}
	login("5000")
	if got = jane.keys("CREDENTIAL_TYPE_LOGIN"); len(got) != 10 || strings.Contains(fmt.Sprint(got), first[0]) {
		t.Errorf("the oldest is still there: %v", got)
	}
	if got := jane.keys("CREDENTIAL_TYPE_API_KEY_P256"); len(got) != 1 {
		t.Errorf("a lasting key was evicted: %v", got)
	}
}

// A session key that logs in again gets a new end and stays one key; a long-lived key stays what it is.
func TestLoggingInWithAKeyThatIsThere(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	b.time.advance(10 * time.Minute)
	jane.submit("STAMP_LOGIN", m{"publicKey": jane.key.PublicKey()}).result("stampLoginResult")
	b.time.advance(10 * time.Minute)
	if got := jane.keys("CREDENTIAL_TYPE_LOGIN"); len(got) != 1 {
		t.Errorf("sessions %v", got)
	}
	lasting := newKey()
	jane.submit("CREATE_API_KEYS", m{"userId": jane.user, "apiKeys": []m{{"apiKeyName": "l", "publicKey": lasting.PublicKey()}}}).result("createApiKeysResult")
	jane.with(lasting).submit("STAMP_LOGIN", m{"publicKey": lasting.PublicKey()}).result("stampLoginResult")
	b.time.advance(time.Hour)
	jane.with(lasting).query("whoami", nil).ok()
}

// A client signature is judged by the text that was signed, then by what it says: every kit orders and escapes it in
// its own way. The shapes are those of the kits in Turnkey's languages.
func TestSignupMessagesOfEveryKitAreTaken(t *testing.T) {
	b := newBox(t, Options{})
	device := newKey().PublicKey()
	apiKey := `{"apiKeyName":"a/b","publicKey":"` + device + `","curveType":"API_KEY_CURVE_P256","expirationSeconds":"60"}`
	for i, c := range []struct {
		name    string
		version string
		keys    bool
		message string
		refused string
	}{
		{"TypeScript", "V8", false, `{"signupV2":{"apiKeys":[],"authenticators":[],"oauthProviders":[],"email":"%s"},"tokenId":"%s","type":"USAGE_TYPE_SIGNUP"}`, ""},
		{"Go, without empty lists", "V8", false, `{"signupV2":{"email":"%s"},"tokenId":"%s","type":"USAGE_TYPE_SIGNUP"}`, ""},
		{"Swift, another order and escaped slashes", "V8", true, `{"type":"USAGE_TYPE_SIGNUP","signupV2":{"email":"%s","apiKeys":[` + strings.ReplaceAll(apiKey, "a/b", `a\/b`) + `]},"tokenId":"%s"}`, ""},
		{"Kotlin, the first form", "V7", true, `{"signup":{"apiKeys":[` + apiKey + `],"authenticators":[],"email":"%s","oauthProviders":[]},"tokenId":"%s","type":"USAGE_TYPE_SIGNUP"}`, ""},
		{"the first form with version 8", "V8", true, `{"signup":{"apiKeys":[` + apiKey + `],"email":"%s"},"tokenId":"%s","type":"USAGE_TYPE_SIGNUP"}`, "does not agree"},
		{"a key that is not signed", "V8", true, `{"signupV2":{"email":"%s"},"tokenId":"%s","type":"USAGE_TYPE_SIGNUP"}`, "does not agree"},
		{"a signed key that is not asked for", "V8", false, `{"signupV2":{"email":"%s","apiKeys":[` + apiKey + `]},"tokenId":"%s","type":"USAGE_TYPE_SIGNUP"}`, "does not agree"},
		{"a signed provider that is not asked for", "V8", false, `{"signupV2":{"email":"%s","oauthProviders":[{"providerName":"x"}]},"tokenId":"%s","type":"USAGE_TYPE_SIGNUP"}`, "does not agree"},
		{"another address", "V8", false, `{"signupV2":{"email":"x%s"},"tokenId":"%s","type":"USAGE_TYPE_SIGNUP"}`, "does not agree"},
		{"another token", "V8", false, `{"signupV2":{"email":"%s"},"tokenId":"` + nowhere + `","type":"USAGE_TYPE_SIGNUP"}`, "another verification token"},
		{"a log-in", "V8", false, `{"login":{"publicKey":"%s"},"tokenId":"%s","type":"USAGE_TYPE_LOGIN"}`, "cannot be read"},
		{"no JSON", "V8", false, `%s%s`, "cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			contact, key := "jane"+strconv.Itoa(i)+"@doe.test", newKey()
			jwt := b.root.verifyOTP(contact, key)
			v, err := token.ParseVerification(jwt)
			if err != nil {
				t.Fatal(err)
			}
			message := c.message
			if strings.Count(message, "%s") == 2 {
				message = fmt.Sprintf(message, contact, v.ID)
			} else {
				message = fmt.Sprintf(message, contact)
			}
			keys := []m{}
			if c.keys {
				keys = append(keys, m{"apiKeyName": "a/b", "publicKey": device, "curveType": "API_KEY_CURVE_P256", "expirationSeconds": "60"})
			}
			a := b.root.submit("CREATE_SUB_ORGANIZATION_"+c.version, m{"subOrganizationName": "s", "rootQuorumThreshold": 1, "verificationToken": jwt,
				"clientSignature": b.signed(key, message),
				"rootUsers":       []m{{"userName": "u", "userEmail": contact, "apiKeys": keys, "authenticators": []m{}, "oauthProviders": []m{}}}})
			if c.refused != "" {
				a.refused(400, "REQUEST_INVALID", c.refused)
				return
			}
			org := a.result("createSubOrganizationResult" + c.version).text("subOrganizationId")
			if got := b.root.query("list_verified_suborgs", m{"filterType": "EMAIL", "filterValue": contact}).ok().text("organizationIds", "0"); got != org {
				t.Errorf("the contact is verified in %s", got)
			}
		})
	}
}

// signed is a client signature of key over any text.
func (b *box) signed(key *p256.Key, message string) m {
	b.t.Helper()
	sum := sha256.Sum256([]byte(message))
	der, err := key.Sign(b.t.Context(), sum[:])
	if err != nil {
		b.t.Fatal(err)
	}
	raw, err := p256.ToRaw(der)
	if err != nil {
		b.t.Fatal(err)
	}
	return m{"publicKey": key.PublicKey(), "scheme": token.SchemeClient, "message": message, "signature": hex.EncodeToString(raw)}
}

func TestALoginIsAgreedToByTheTokensKey(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	key, session := newKey(), newKey().PublicKey()
	jwt := b.root.verifyOTP("jane@doe.test", key)
	login := func(signature any) answer {
		return b.root.in(jane.org).submit("OTP_LOGIN_V2", m{"verificationToken": jwt, "publicKey": session, "clientSignature": signature})
	}
	good := b.signLogin(key, jwt, session)
	with := func(field string, value any) m {
		changed := m{}
		for k, v := range good {
			changed[k] = v
		}
		changed[field] = value
		return changed
	}
	login(nil).refused(400, "REQUEST_INVALID", "missing field `clientSignature`")
	login(with("publicKey", newKey().PublicKey())).refused(400, "REQUEST_INVALID", "not by the key that the verification token names")
	login(with("message", good["message"].(string)+" ")).refused(400, "REQUEST_INVALID", "does not verify")
	login(with("scheme", "other")).refused(400, "REQUEST_INVALID", "bad request body: clientSignature.scheme: unknown value")
	login(with("signature", "00")).refused(400, "REQUEST_INVALID", "does not verify")
	login(b.signLogin(key, jwt, newKey().PublicKey())).refused(400, "REQUEST_INVALID", "does not agree to a login with this public key")
	login(b.signSignup(key, jwt, token.SignupUsage{Email: "jane@doe.test"})).refused(400, "REQUEST_INVALID", "does not agree to a login")
	if got := len(jane.keys("CREDENTIAL_TYPE_LOGIN")); got != 1 {
		t.Errorf("%d sessions after refusals", got)
	}
	login(good).result("otpLoginResult")

	// The plain generation wants a signature only where the token names a key.
	id := b.root.plainOTP(nil).result("initOtpResult").text("otpId")
	jwt = b.root.submit("VERIFY_OTP", m{"otpId": id, "otpCode": b.newestCode("jane@doe.test"), "publicKey": key.PublicKey()}).result("verifyOtpResult").text("verificationToken")
	b.root.in(jane.org).submit("OTP_LOGIN", m{"verificationToken": jwt, "publicKey": session}).refused(400, "REQUEST_INVALID", "one is required")
	b.root.in(jane.org).submit("OTP_LOGIN", m{"verificationToken": jwt, "publicKey": session, "clientSignature": b.signLogin(key, jwt, session)}).result("otpLoginResult")
}

func TestTokensThatAreNotGenuineOrOverAreRefused(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	key := newKey()
	jwt := b.root.verifyOTP("jane@doe.test", key)
	other := newBox(t, Options{Seed: 2})
	foreign := other.root.verifyOTP("jane@doe.test", key)
	login := func(jwt string) answer {
		return b.root.in(jane.org).submit("OTP_LOGIN_V2", m{"verificationToken": jwt, "publicKey": key.PublicKey(), "clientSignature": b.signLogin(key, jwt, key.PublicKey())})
	}
	login(foreign).refused(400, "REQUEST_INVALID", "not a genuine token")
	b.time.advance(time.Hour)
	login(jwt).refused(400, "REQUEST_INVALID", "it has expired")
	b.root.in(jane.org).submit("OTP_LOGIN", m{"verificationToken": "a.b.c", "publicKey": key.PublicKey()}).refused(400, "REQUEST_INVALID", "not a genuine token")
}

// A contact is verified by a log-in or sign-up with its token, and by nothing else.
func TestAContactIsVerifiedByUse(t *testing.T) {
	b := newBox(t, Options{})
	org := b.root.submit("CREATE_SUB_ORGANIZATION_V7", m{"subOrganizationName": "j", "rootQuorumThreshold": 1,
		"rootUsers": []m{{"userName": "Jane", "userPhoneNumber": "+4915112345678", "apiKeys": []m{}, "authenticators": []m{}, "oauthProviders": []m{}}}}).
		result("createSubOrganizationResultV7").text("subOrganizationId")
	verified := func() int {
		return len(b.root.query("list_verified_suborgs", m{"filterType": "PHONE_NUMBER", "filterValue": "+4915112345678"}).ok().at("organizationIds").([]any))
	}
	id := b.root.submit("INIT_OTP_V2", m{"otpType": "OTP_TYPE_SMS", "contact": "+4915112345678", "appName": "T"}).result("initOtpResult").text("otpId")
	jwt := b.root.plainGuess(id, b.newestCode("%2B4915112345678")).result("verifyOtpResult").text("verificationToken")
	if verified() != 0 {
		t.Error("proving alone verified the contact")
	}
	b.root.in(org).submit("OTP_LOGIN", m{"verificationToken": jwt, "publicKey": newKey().PublicKey()}).result("otpLoginResult")
	if verified() != 1 {
		t.Error("the log-in did not verify the contact")
	}
}

func TestASwitchedOffWayInIsClosed(t *testing.T) {
	b := newBox(t, Options{})
	org := b.root.submit("CREATE_SUB_ORGANIZATION_V7", m{"subOrganizationName": "j", "rootQuorumThreshold": 1, "disableOtpEmailAuth": true,
		"rootUsers": []m{{"userName": "Jane", "userEmail": "jane@doe.test", "apiKeys": []m{}, "authenticators": []m{}, "oauthProviders": []m{}}}}).
		result("createSubOrganizationResultV7").text("subOrganizationId")
	id := b.root.plainOTP(nil).result("initOtpResult").text("otpId")
	jwt := b.root.plainGuess(id, b.newestCode("jane@doe.test")).result("verifyOtpResult").text("verificationToken")
	b.root.in(org).submit("OTP_LOGIN", m{"verificationToken": jwt, "publicKey": newKey().PublicKey()}).refused(403, "FORBIDDEN", "disabled")
	features := string(b.root.in(org).query("get_organization_configs", nil).ok().raw)
	if strings.Contains(features, "OTP_EMAIL_AUTH") || !strings.Contains(features, "SMS_AUTH") {
		t.Errorf("features %s", features)
	}
}
