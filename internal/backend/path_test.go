package backend_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"latchkey/internal/backend"
	"latchkey/internal/fault"
	"latchkey/internal/p256"
	"latchkey/internal/sandbox"
	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

func TestEncryptedCodeFromContactToSession(t *testing.T) {
	w := newWorld(t)
	key := newKey()
	begun := w.begin("ada@example.com", true)
	if begun.body["otpLength"] != 6.0 || begun.body["otpAlphanumeric"] != false || begun.body["expiresInSeconds"] != 300.0 || begun.body["maxTries"] != 3.0 {
		t.Errorf("init: %s", begun.raw)
	}
	verified := w.post("/otp/verify", object{"otpId": begun.text("otpId"),
		"encryptedOtpBundle": w.seal(begun, w.code("ada@example.com"), key.PublicKey())})
	verified.is(t, 200, "")
	if _, ok := verified.body["subOrganizationId"]; ok {
		t.Error("a stranger has an organization")
	}
	jwt := verified.text("verificationToken")

	w.post("/otp-login", w.login(jwt, key)).is(t, 404, "account.unknown")
	joined := w.post("/signup", w.signUp(jwt, key, "ada@example.com"))
	joined.is(t, 200, "")
	in := w.post("/otp-login", w.login(jwt, key))
	in.is(t, 200, "")

	org := joined.text("subOrganizationId")
	if org == "" || in.text("organizationId") != org || joined.text("organizationId") != org || in.text("userId") != joined.text("userId") {
		t.Errorf("sign-up %s\nlog-in %s", joined.raw, in.raw)
	}
	for _, name := range []string{"sessionToken", "token"} {
		if in.text(name) != in.text("session") {
			t.Errorf("%s differs from session", name)
		}
	}
	s := w.session(in.text("session"), key)
	if s.Expires.Sub(w.clock.now()) != 900*time.Second {
		t.Errorf("the session ends at %v", s.Expires)
	}
	w.works(t.Context(), key, org)

	again := w.prove("ada@example.com", newKey(), true)
	if again.text("subOrganizationId") != org {
		t.Errorf("the second time: %s", again.raw)
	}
}

func (w *world) session(jwt string, key *p256.Key) token.Session {
	w.t.Helper()
	notarizer, err := p256.ParsePublic(w.facts.NotarizerPublicKey)
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := token.VerifySession(jwt, notarizer, token.Want{PublicKey: key.PublicKey()}, w.clock.now())
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func TestPlainCodeSignsUpAtLogin(t *testing.T) {
	w := newWorld(t)
	key := newKey()
	begun := w.begin("bo@example.com", false)
	if _, ok := begun.body["otpEncryptionTargetBundle"]; ok {
		t.Error("a plain attempt has a target")
	}
	jwt := w.prove("bo@example.com", key, false).text("verificationToken")
	first := w.post("/otp-login", object{"verificationToken": jwt, "publicKey": key.PublicKey(), "expirationSeconds": "3600"})
	first.is(t, 200, "")
	if s := w.session(first.text("session"), key); s.Expires.Sub(w.clock.now()) != time.Hour {
		t.Errorf("the session ends at %v", s.Expires)
	}
	w.works(t.Context(), key, first.text("organizationId"))

	other := newKey()
	jwt = w.prove("Bo@Example.com", other, false).text("verificationToken")
	second := w.post("/otp-login", object{"verificationToken": jwt, "publicKey": other.PublicKey(), "expirationSeconds": 60, "invalidateExisting": true})
	second.is(t, 200, "")
	if second.text("organizationId") != first.text("organizationId") || len(w.subOrgs("bo@example.com")) != 1 {
		t.Errorf("two organizations: %s, %s", first.raw, second.raw)
	}
	if _, err := w.as(key).Whoami(t.Context(), first.text("organizationId")); fault.KindOf(err) != fault.Expired {
		t.Errorf("the first session's key: %v", err)
	}
}

func TestPlainCodeThatNamesAKeyNeedsItsSignature(t *testing.T) {
	w := newWorld(t)
	key := newKey()
	begun := w.begin("cy@example.com", false)
	verified := w.post("/otp/verify", object{"otpId": begun.text("otpId"), "otpCode": w.code("cy@example.com"), "publicKey": key.PublicKey()})
	verified.is(t, 200, "")
	jwt := verified.text("verificationToken")
	w.post("/otp-login", object{"verificationToken": jwt, "publicKey": key.PublicKey()}).is(t, 403, "login.refused")
	w.post("/otp-login", w.login(jwt, key)).is(t, 404, "account.unknown")
	w.post("/signup", w.signUp(jwt, key, "cy@example.com")).is(t, 200, "")
	w.post("/otp-login", w.login(jwt, key)).is(t, 200, "")
}

func TestTextMessagesGoTheSameWay(t *testing.T) {
	w := newWorld(t)
	key := newKey()
	begun := w.post("/otp/init", object{"contact": "+1 (415) 555-0100", "otpType": "OTP_TYPE_SMS"})
	begun.is(t, 200, "")
	verified := w.post("/otp/verify", object{"otpId": begun.text("otpId"), "otpCode": w.code("+14155550100")})
	verified.is(t, 200, "")
	in := w.post("/otp-login", w.login(verified.text("verificationToken"), key))
	in.is(t, 200, "")
	w.works(t.Context(), key, in.text("organizationId"))
}

func TestTheDocumentsSignUpWithoutProof(t *testing.T) {
	w := newWorld(t)
	key := newKey()
	joined := w.post("/signup", object{"userEmail": "di@example.com", "apiKeys": []any{
		object{"apiKeyName": "device", "publicKey": key.PublicKey(), "curveType": "API_KEY_CURVE_P256"}}})
	joined.is(t, 200, "")
	org := joined.text("subOrganizationId")
	w.works(t.Context(), key, org)
	users, err := w.parent().ListUsers(t.Context(), org)
	if err != nil || len(users) != 1 || users[0].UserName != "di@example.com" || users[0].UserID != joined.text("userId") {
		t.Errorf("%+v, %v", users, err)
	}
	if wallets, err := w.parent().ListWallets(t.Context(), org); err != nil || len(wallets) != 0 {
		t.Errorf("%d wallets, %v", len(wallets), err)
	}
	ids, err := w.parent().ListVerifiedSubOrgs(t.Context(), w.facts.OrganizationID, turnkey.SubOrgFilter{Type: "EMAIL", Value: "di@example.com"})
	if err != nil || len(ids) != 0 {
		t.Errorf("verified without a proof: %v, %v", ids, err)
	}
	// With nothing to enter by, the organization waits for whoever proves the address.
	bare := w.post("/signup", object{"userEmail": "ed@example.com", "userName": "Ed"})
	bare.is(t, 200, "")
	jwt := w.prove("ed@example.com", key, false).text("verificationToken")
	fresh := newKey()
	in := w.post("/otp-login", object{"verificationToken": jwt, "publicKey": fresh.PublicKey()})
	in.is(t, 200, "")
	if in.text("organizationId") != bare.text("subOrganizationId") {
		t.Errorf("log-in %s, sign-up %s", in.raw, bare.raw)
	}
}

// A number stands in a sign-up as an address does, in whatever way it is spelt; one that is none is refused.
func TestTheDocumentsSignUpByNumber(t *testing.T) {
	w := newWorld(t)
	key := newKey()
	for _, proof := range []bool{false, true} {
		in := object{"userPhoneNumber": "+1 (415) 555-0100", "userName": "Fay", "apiKeys": apiKeys(key)}
		if proof {
			begun := w.ok(w.post("/otp/init", object{"contact": "+14155550100", "otpType": "OTP_TYPE_SMS"}))
			in["verificationToken"] = w.ok(w.post("/otp/verify", object{"otpId": begun.text("otpId"), "otpCode": w.code("+14155550100")})).text("verificationToken")
			in["userPhoneNumber"] = "+14155550101"
			w.post("/signup", in).is(t, 403, "signup.refused") // another's
			in["userPhoneNumber"] = "+14155550100"
		}
		if !proof {
			in["userEmail"] = "fay@example.com" // the documents' sign-up wants one where nothing is proven
		}
		org := w.ok(w.post("/signup", in)).text("subOrganizationId")
		if u, _ := w.only(org); u.UserPhoneNumber != "+14155550100" || u.UserName != "Fay" {
			t.Errorf("with a proof %v: %+v", proof, u)
		}
		ids, err := w.parent().ListVerifiedSubOrgs(t.Context(), w.facts.OrganizationID, turnkey.SubOrgFilter{Type: "PHONE_NUMBER", Value: "+14155550100"})
		if err != nil || len(ids) != map[bool]int{true: 1}[proof] {
			t.Errorf("with a proof %v: verified in %v, %v", proof, ids, err)
		}
		w.post("/signup", object{"userEmail": "x@example.com", "userPhoneNumber": "555"}).is(t, 400, "contact.invalid")
	}
}

func TestOrganizationsDoNotTellTheContact(t *testing.T) {
	w := newWorld(t)
	key := newKey()
	jwt := w.prove("flo@example.com", key, true).text("verificationToken")
	org := w.post("/signup", w.signUp(jwt, key, "flo@example.com")).text("subOrganizationId")
	w.post("/otp-login", w.login(jwt, key)).is(t, 200, "")
	me, err := w.as(key).Whoami(t.Context(), org)
	if err != nil || len(me.OrganizationName) != len("Latchkey ")+32 || me.OrganizationName[:9] != "Latchkey " || me.Username != "flo@example.com" {
		t.Errorf("%+v, %v", me, err)
	}
}

func TestWrongCodesAreCounted(t *testing.T) {
	for _, encrypted := range []bool{true, false} {
		w := newWorld(t)
		key := newKey()
		begun := w.begin("gil@example.com", encrypted)
		right := w.code("gil@example.com")
		wrong := "111111"
		if right == wrong {
			wrong = "222222"
		}
		spelt := strings.ToLower
		guess := func(code string) reply {
			in := object{"otpId": spelt(begun.text("otpId")), "otpCode": code}
			if encrypted {
				in = object{"otpId": spelt(begun.text("otpId")), "encryptedOtpBundle": w.seal(begun, code, key.PublicKey())}
			}
			return w.post("/otp/verify", in)
		}
		for left := 2.0; left > 0; left-- {
			r := guess(wrong)
			r.is(t, 422, "otp.wrong")
			if r.body["triesLeft"] != left {
				t.Errorf("triesLeft %v, want %v", r.body["triesLeft"], left)
			}
			spelt = strings.ToUpper // the same code
		}
		r := guess(wrong)
		r.is(t, 422, "otp.locked")
		if r.body["triesLeft"] != 0.0 {
			t.Errorf("triesLeft %v", r.body["triesLeft"])
		}
		before := w.network.count("/verify_otp")
		guess(right).is(t, 422, "otp.locked")
		if w.network.count("/verify_otp") != before {
			t.Error("a locked code was tried at the service")
		}
		w.restart() // which forgets the count, but the service does not
		guess(right).is(t, 422, "otp.locked")
	}
}

func TestARightCodeAfterAWrongOne(t *testing.T) {
	w := newWorld(t)
	begun := w.begin("hal@example.com", false)
	w.post("/otp/verify", object{"otpId": begun.text("otpId"), "otpCode": "nope"}).is(t, 422, "otp.wrong")
	w.post("/otp/verify", object{"otpId": begun.text("otpId"), "otpCode": w.code("hal@example.com")}).is(t, 200, "")
	w.post("/otp/verify", object{"otpId": begun.text("otpId"), "otpCode": w.code("hal@example.com")}).is(t, 422, "otp.expired")
}

func TestExpiredCodes(t *testing.T) {
	w := newWorld(t)
	begun := w.begin("ida@example.com", false)
	guess := object{"otpId": begun.text("otpId"), "otpCode": w.code("ida@example.com")}
	w.clock.advance(301 * time.Second)
	w.post("/otp/verify", guess).is(t, 422, "otp.expired")
	if w.network.count("/verify_otp") != 0 {
		t.Error("the service was asked")
	}
	w.restart()
	w.post("/otp/verify", guess).is(t, 422, "otp.expired") // by the service's own clock
}

func TestAnAttemptStaysInItsGeneration(t *testing.T) {
	w := newWorld(t)
	key := newKey()
	plain, sealed := w.begin("jo@example.com", false), w.begin("jo@example.com", true)
	bundled := w.seal(sealed, w.code("jo@example.com"), key.PublicKey())
	for _, guess := range []object{
		{"otpId": plain.text("otpId"), "encryptedOtpBundle": bundled},
		{"otpId": sealed.text("otpId"), "otpCode": w.code("jo@example.com")},
		{"otpId": sealed.text("otpId"), "otpCode": w.code("jo@example.com"), "encryptedOtpBundle": bundled},
	} {
		w.post("/otp/verify", guess).is(t, 400, "login.generation")
	}
	w.post("/otp/verify", object{"otpId": sealed.text("otpId"), "encryptedOtpBundle": bundled}).is(t, 200, "")
}

func TestCodesOutliveARestart(t *testing.T) {
	w := newWorld(t)
	key := newKey()
	begun := w.begin("kay@example.com", true)
	w.restart()
	r := w.post("/otp/verify", object{"otpId": begun.text("otpId"), "encryptedOtpBundle": w.seal(begun, "000001", key.PublicKey())})
	r.is(t, 422, "otp.wrong")
	if _, ok := r.body["triesLeft"]; ok {
		t.Error("a backend that has forgotten the attempt counts its tries")
	}
	w.post("/otp/verify", object{"otpId": begun.text("otpId"),
		"encryptedOtpBundle": w.seal(begun, w.code("kay@example.com"), key.PublicKey())}).is(t, 200, "")
}

func TestUnknownCodes(t *testing.T) {
	w := newWorld(t)
	r := w.post("/otp/verify", object{"otpId": "7f6f1a7e-3c5d-4a52-9b66-000000000000", "otpCode": "123456"})
	if r.status < 400 || r.status >= 500 {
		t.Errorf("%d %s", r.status, r.raw)
	}
}

func TestClientSignaturesOfAnotherMeaningAreRefused(t *testing.T) {
	w := newWorld(t)
	key, other := newKey(), newKey()
	jwt := w.prove("lou@example.com", key, true).text("verificationToken")
	v, err := token.ParseVerification(jwt)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(k *p256.Key, id, publicKey string) any {
		sig, err := token.SignLogin(t.Context(), k, id, publicKey)
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
	spoilt := sign(key, v.ID, key.PublicKey()).(token.ClientSignature)
	spoilt.Message = spoilt.Message[:len(spoilt.Message)-1] + " }"
	const strange = "7f6f1a7e-3c5d-4a52-9b66-000000000000"
	for name, sig := range map[string]any{
		"none":             nil,
		"another's":        sign(other, v.ID, key.PublicKey()),
		"for another key":  sign(key, v.ID, other.PublicKey()),
		"of another token": sign(key, strange, key.PublicKey()),
		"a changed text":   spoilt,
		"for a sign-up":    w.signUp(jwt, key, "lou@example.com")["clientSignature"],
	} {
		t.Run(name, func(t *testing.T) {
			w.post("/otp-login", object{"verificationToken": jwt, "publicKey": key.PublicKey(), "clientSignature": sig}).is(t, 403, "login.refused")
		})
	}
	signUp := func(change func(object)) object {
		in := w.signUp(jwt, key, "lou@example.com")
		change(in)
		return in
	}
	for name, in := range map[string]object{
		"none":            signUp(func(o object) { delete(o, "clientSignature") }),
		"for a log-in":    signUp(func(o object) { o["clientSignature"] = sign(key, v.ID, key.PublicKey()) }),
		"another address": signUp(func(o object) { o["userEmail"] = "eve@example.com" }),
		"one key more": signUp(func(o object) {
			o["apiKeys"] = []any{object{"apiKeyName": "x", "publicKey": other.PublicKey(), "curveType": "API_KEY_CURVE_P256"}}
		}),
	} {
		t.Run("sign-up: "+name, func(t *testing.T) {
			w.post("/signup", in).is(t, 403, "signup.refused")
		})
	}
	if n := w.network.count("/create_sub_organization") + w.network.count("/otp_login"); n != 0 {
		t.Errorf("the service was asked %d times", n)
	}
}

func TestTokensOfOthersAreRefused(t *testing.T) {
	w := newWorld(t)
	key := newKey()
	other := w.otherSandbox()
	now := w.clock.now()
	issue := func(k *p256.Key, v token.Verification) string {
		jwt, err := token.IssueVerification(k.Private(), v)
		if err != nil {
			t.Fatal(err)
		}
		return jwt
	}
	v := token.Verification{ID: "7f6f1a7e-3c5d-4a52-9b66-000000000000", OrganizationID: w.facts.OrganizationID,
		VerificationType: "OTP_TYPE_EMAIL", Contact: "mo@example.com", PublicKey: key.PublicKey(), Expires: now.Add(time.Hour)}
	legacy := v
	legacy.Legacy, legacy.OrganizationID, legacy.PublicKey = true, "", ""
	foreign := other.prove("mo@example.com", key, true).text("verificationToken")
	for name, c := range map[string]struct {
		jwt    string
		status int
		reason string
	}{
		"nobody's signature":      {issue(newKey(), v), 401, "token.invalid"},
		"a plain one of nobody's": {issue(newKey(), legacy), 401, "token.invalid"},
		"of another sandbox":      {foreign, 401, "token.invalid"},
		"not a token":             {"a.b.c", 400, "token.malformed"},
		"a session":               {w.anySession(), 401, "token.invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			w.post("/otp-login", object{"verificationToken": c.jwt, "publicKey": key.PublicKey()}).is(t, c.status, c.reason)
			w.post("/signup", object{"userEmail": "mo@example.com", "verificationToken": c.jwt}).is(t, c.status, c.reason)
		})
	}
	jwt := w.prove("mo@example.com", key, true).text("verificationToken")
	w.clock.advance(61 * time.Minute)
	w.post("/otp-login", w.login(jwt, key)).is(t, 401, "token.expired")
}

// otherSandbox is another vendor altogether: other keys, on the same clock.
func (w *world) otherSandbox() *world {
	w.t.Helper()
	box, err := sandbox.New(sandbox.Options{Seed: 8, Now: w.clock.now})
	if err != nil {
		w.t.Fatal(err)
	}
	o := &world{t: w.t, clock: w.clock, log: &lines{}, box: box, api: box.API(), control: box.Control(), facts: box.Facts(), network: &network{api: box.API()}}
	o.config = configFor(o.facts)
	o.config.Now, o.config.HTTP = w.clock.now, &http.Client{Transport: o.network}
	o.restart()
	return o
}

// anySession logs somebody in and returns the session's token.
func (w *world) anySession() string {
	w.t.Helper()
	key := newKey()
	jwt := w.prove("any@example.com", key, false).text("verificationToken")
	r := w.post("/otp-login", object{"verificationToken": jwt, "publicKey": key.PublicKey()})
	r.is(w.t, 200, "")
	return r.text("session")
}

// A token of the same vendor, made for another customer, is genuine and still not ours.
func TestGenuineTokensOfAnotherOrganizationAreForeign(t *testing.T) {
	w := newWorld(t)
	key := newKey()
	jwt := w.prove("nan@example.com", key, true).text("verificationToken")
	w.config.OrganizationID = "7f6f1a7e-3c5d-4a52-9b66-000000000000"
	w.restart()
	w.post("/otp-login", w.login(jwt, key)).is(t, 403, "token.foreign")
	w.post("/signup", w.signUp(jwt, key, "nan@example.com")).is(t, 403, "token.foreign")
}

func TestLimits(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.begin("oz@example.com", true)
	}
	r := w.post("/otp/init", object{"contact": " OZ@example.com "})
	r.is(t, 429, "otp.limited")
	if r.header.Get("Retry-After") != "180" || r.body["retryAfterSeconds"] != 180.0 {
		t.Errorf("%s %v", r.header.Get("Retry-After"), r.raw)
	}
	if w.network.count("/init_otp") != 3 {
		t.Error("the service was asked once too often")
	}
	w.begin("pat@example.com", true) // others are not held up
	w.clock.advance(179 * time.Second)
	r = w.post("/otp/init", object{"contact": "oz@example.com"})
	r.is(t, 429, "otp.limited")
	if r.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %s", r.header.Get("Retry-After"))
	}
	w.clock.advance(122 * time.Second) // past the codes' own end too: three live codes are the service's limit
	w.begin("oz@example.com", true)
}

func TestTheServicesOwnLimitIsToldOn(t *testing.T) {
	w := newWorld(t, func(c *backend.Config) { c.Limits.ContactSends = -1 })
	for range 3 {
		w.begin("qi@example.com", true)
	}
	r := w.post("/otp/init", object{"contact": "qi@example.com"})
	r.is(t, 429, "otp.limited")
	if r.header.Get("Retry-After") != "60" {
		t.Errorf("Retry-After %q", r.header.Get("Retry-After"))
	}
}

func TestLimitsByAddress(t *testing.T) {
	w := newWorld(t, func(c *backend.Config) { c.Limits = backend.Limits{AddressSends: 2, AddressCalls: 4} })
	post := func(path, body, remote string) reply {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.Host, r.RemoteAddr = "localhost", remote
		r.Header.Set("Content-Type", "application/json")
		return w.do(r)
	}
	post("/otp/init", `{"contact":"a@example.com"}`, "192.0.2.1:1").is(t, 200, "")
	post("/otp/init", `{"contact":"b@example.com"}`, "192.0.2.1:2").is(t, 200, "")
	post("/otp/init", `{"contact":"c@example.com"}`, "192.0.2.1:3").is(t, 429, "backend.limited")
	post("/otp/verify", `{}`, "192.0.2.1:4").is(t, 400, "request.invalid")
	post("/otp/verify", `{}`, "192.0.2.1:5").is(t, 429, "backend.limited")
	post("/otp/verify", `{}`, "192.0.2.2:5").is(t, 400, "request.invalid")
	for i, remote := range []string{"[2001:db8::1]:1", "[2001:db8::ff:2]:1", "[2001:db8::1:0:3]:1", "[2001:db8::7:0:0:3]:1"} { // one host
		if r := post("/otp/verify", `{}`, remote); r.status != 400 {
			t.Errorf("%d: %s", i, r.raw)
		}
	}
	post("/otp/verify", `{}`, "[2001:db8::9]:1").is(t, 429, "backend.limited")
	post("/otp/verify", `{}`, "[2001:db8:0:1::9]:1").is(t, 400, "request.invalid")
}
