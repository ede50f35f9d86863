package sandbox

import (
	"strings"
	"testing"
	"time"

	"latchkey/internal/bundle"
	"latchkey/internal/p256"
	"latchkey/internal/token"
)

// plainOTP asks for a code of the plain generation.
func (w *who) plainOTP(more m) answer {
	w.t.Helper()
	p := m{"otpType": "OTP_TYPE_EMAIL", "contact": "jane@doe.test", "appName": "Tests"}
	for k, v := range more {
		p[k] = v
	}
	return w.submit("INIT_OTP_V2", p)
}

func (w *who) plainGuess(id, code string) answer {
	w.t.Helper()
	return w.submit("VERIFY_OTP", m{"otpId": id, "otpCode": code})
}

func TestAMessageCarriesTheCode(t *testing.T) {
	b := newBox(t, Options{})
	id := b.root.plainOTP(m{"otpLength": 6, "alphanumeric": false}).result("initOtpResult").text("otpId")
	a := b.controlled("GET", "/inbox", nil).ok()
	for name, want := range map[string]string{"to": "jane@doe.test", "channel": "email", "kind": "otp", "otpId": id, "organizationId": b.root.org, "subject": "Your code for Tests"} {
		if got := a.text("messages", "0", name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	code := a.text("messages", "0", "code")
	if len(code) != 6 || strings.Trim(code, "0123456789") != "" || !strings.Contains(a.text("messages", "0", "text"), code) {
		t.Errorf("code %q in %q", code, a.text("messages", "0", "text"))
	}
	if got, want := a.at("messages", "0", "at"), float64(b.time.now().UnixMilli()); got != want {
		t.Errorf("sent at %v, want %v", got, want)
	}
	for _, absent := range []string{"link", "bundle"} {
		if a.at("messages", "0").(m)[absent] != nil {
			t.Errorf("a code's message has a %s", absent)
		}
	}
}

func TestWhatACodeLooksLike(t *testing.T) {
	b := newBox(t, Options{})
	for _, c := range []struct {
		name   string
		params m
		length int
		digits bool
		code   string // "" for any
	}{
		{"the default", m{"contact": "a@doe.test"}, 9, false, ""},
		{"seven digits", m{"contact": "b@doe.test", "otpLength": 7, "alphanumeric": false}, 7, true, ""},
		{"a length as a string", m{"contact": "c@doe.test", "otpLength": "6"}, 6, false, ""},
		{"the test address", m{"contact": "user@example.com", "otpLength": 6, "alphanumeric": false}, 6, true, "000000"},
		{"the test phone", m{"contact": "+19999999999", "otpType": "OTP_TYPE_SMS", "otpLength": 6, "alphanumeric": false}, 6, true, "000000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.root.plainOTP(c.params).result("initOtpResult")
			code := b.newestCode(strings.ReplaceAll(c.params["contact"].(string), "+", "%2B"))
			alphabet := otpAlphabet
			if c.digits {
				alphabet = "0123456789"
			}
			if len(code) != c.length || strings.Trim(code, alphabet) != "" || c.code != "" && code != c.code {
				t.Errorf("code %q", code)
			}
		})
	}
}

func TestTextMessagesUseTheirTemplate(t *testing.T) {
	b := newBox(t, Options{})
	b.root.plainOTP(m{"contact": "+4915112345678", "otpType": "OTP_TYPE_SMS", "smsCustomization": m{"template": "Code: {{.OtpCode}}!"}}).result("initOtpResult")
	a := b.controlled("GET", "/inbox?to=+4915112345678", nil).ok() // an unescaped plus is a blank, and still found
	if got, want := a.text("messages", "0", "text"), "Code: "+a.text("messages", "0", "code")+"!"; got != want || a.text("messages", "0", "channel") != "sms" {
		t.Errorf("text %q, want %q", got, want)
	}
}

func TestInitOTPRefusesWhatItCannotSend(t *testing.T) {
	b := newBox(t, Options{})
	for _, c := range []struct {
		name   string
		params m
		code   string
		text   string
	}{
		{"no address", m{"contact": "nobody"}, "INVALID_EMAIL", "invalid email address"},
		{"a named address", m{"contact": "Jane <jane@doe.test>"}, "INVALID_EMAIL", "invalid email address"},
		{"an address with a line break", m{"contact": "jane@doe.test\r\nBcc: all@doe.test"}, "INVALID_EMAIL", "invalid email address"},
		{"no phone number", m{"contact": "0151 1234", "otpType": "OTP_TYPE_SMS"}, "REQUEST_INVALID", "phone"},
		{"no kind", m{"otpType": "OTP_TYPE_PIGEON"}, "REQUEST_INVALID", "otp type"},
		{"too short", m{"otpLength": 5}, "REQUEST_INVALID", "otp length"},
		{"too long", m{"otpLength": 10}, "REQUEST_INVALID", "otp length"},
		{"lasts too long", m{"expirationSeconds": "601"}, "REQUEST_INVALID", "expiration"},
		{"lasts no time", m{"expirationSeconds": "0"}, "REQUEST_INVALID", "expiration"},
		{"lasts nonsense", m{"expirationSeconds": "soon"}, "REQUEST_INVALID", "expiration"},
		{"no app", m{"appName": nil}, "REQUEST_INVALID", "missing field `appName`"},
		{"a long app", m{"appName": strings.Repeat("x", 4097)}, "REQUEST_INVALID", "a text is too long"},
		{"a long message", m{"smsCustomization": m{"template": strings.Repeat("x", 4097)}}, "REQUEST_INVALID", "a text is too long"},
		{"an empty app", m{"appName": ""}, "REQUEST_INVALID", "missing field `appName`"},
		{"no contact", m{"contact": nil}, "REQUEST_INVALID", "missing field `contact`"},
	} {
		t.Run(c.name, func(t *testing.T) { b.root.plainOTP(c.params).refused(400, c.code, c.text) })
	}
	if got := len(b.controlled("GET", "/inbox", nil).ok().at("messages").([]any)); got != 0 {
		t.Errorf("%d messages went out", got)
	}
	// The first version has no app name of its own.
	b.root.submit("INIT_OTP", m{"otpType": "OTP_TYPE_EMAIL", "contact": "jane@doe.test", "emailCustomization": m{"appName": "Older"}}).result("initOtpResult")
	if got := b.controlled("GET", "/inbox", nil).ok().text("messages", "0", "subject"); got != "Your code for Older" {
		t.Errorf("subject %q", got)
	}
}

func TestThreeWrongTriesLockACode(t *testing.T) {
	b := newBox(t, Options{})
	id, target := b.root.initOTP("jane@doe.test")
	right, key := b.newestCode("jane@doe.test"), newKey()
	for range 2 {
		b.root.guess(id, target, "WRONG0000", key).refused(400, "REQUEST_INVALID", "Invalid OTP code")
	}
	b.root.guess(id, target, "WRONG0000", key).refused(400, "REQUEST_INVALID", "Invalid OTP code")
	b.root.guess(id, target, right, key).refused(400, "REQUEST_INVALID", "Invalid OTP code: too many wrong attempts")
}

func TestTwoWrongTriesDoNot(t *testing.T) {
	b := newBox(t, Options{})
	id := b.root.plainOTP(nil).result("initOtpResult").text("otpId")
	for range 2 {
		b.root.plainGuess(id, "000").refused(400, "REQUEST_INVALID", "Invalid OTP code")
	}
	b.root.plainGuess(id, strings.ToLower(b.newestCode("jane@doe.test"))).result("verifyOtpResult") // case does not count
	b.root.plainGuess(id, b.newestCode("jane@doe.test")).refused(400, "REQUEST_INVALID", "Invalid OTP code: it was used already")
}

func TestACodeEnds(t *testing.T) {
	b := newBox(t, Options{})
	for _, c := range []struct {
		asked string
		life  time.Duration
	}{{"", 300 * time.Second}, {"600", 600 * time.Second}, {"1", time.Second}} {
		p := m{}
		if c.asked != "" {
			p["expirationSeconds"] = c.asked
		}
		id := b.root.plainOTP(p).result("initOtpResult").text("otpId")
		code := b.newestCode("jane@doe.test")
		b.time.advance(c.life - 2*time.Millisecond) // guessing takes one
		b.root.plainGuess(id, "wrong").refused(400, "REQUEST_INVALID", "Invalid OTP code")
		b.root.plainGuess(id, code).refused(400, "REQUEST_INVALID", "it has expired")
	}
}

func TestSendingCodesIsLimited(t *testing.T) {
	b := newBox(t, Options{})
	t.Run("three live codes of a contact", func(t *testing.T) {
		for range 3 {
			b.root.plainOTP(nil).result("initOtpResult")
		}
		b.root.plainOTP(nil).refused(400, "MAX_OTP_INITIATED", "Max number of OTPs have been initiated please wait and try again")
		b.root.plainOTP(m{"contact": "JANE@doe.test"}).refused(400, "MAX_OTP_INITIATED", "Max number of OTPs")
		b.root.plainOTP(m{"contact": "john@doe.test"}).result("initOtpResult")
		b.time.advance(5 * time.Minute)
		b.root.plainOTP(nil).result("initOtpResult")
	})
	t.Run("three sends of a userIdentifier in three minutes", func(t *testing.T) {
		send := func(contact string) answer {
			return b.root.plainOTP(m{"contact": contact, "userIdentifier": "10.0.0.1"})
		}
		for _, contact := range []string{"1@doe.test", "2@doe.test", "3@doe.test"} {
			send(contact).result("initOtpResult")
		}
		send("4@doe.test").refused(400, "MAX_OTP_INITIATED", "Max number of OTPs")
		b.root.plainOTP(m{"contact": "4@doe.test", "userIdentifier": "10.0.0.2"}).result("initOtpResult")
		b.time.advance(3 * time.Minute)
		send("5@doe.test").result("initOtpResult")
	})
	t.Run("a used code is not live", func(t *testing.T) {
		b.time.advance(time.Hour)
		for range 5 {
			id := b.root.plainOTP(nil).result("initOtpResult").text("otpId")
			b.root.plainGuess(id, b.newestCode("jane@doe.test")).result("verifyOtpResult")
		}
	})
}

func TestGenerationsOfOTPDoNotMix(t *testing.T) {
	b := newBox(t, Options{})
	key := newKey()
	sealedID, target := b.root.initOTP("jane@doe.test")
	code := b.newestCode("jane@doe.test")
	b.root.plainGuess(sealedID, code).refused(400, "REQUEST_INVALID", "VERIFY_OTP_V2")
	plainID := b.root.plainOTP(nil).result("initOtpResult").text("otpId")
	b.root.guess(plainID, target, code, key).refused(400, "REQUEST_INVALID", "ACTIVITY_TYPE_VERIFY_OTP")
	plain := b.root.plainGuess(plainID, b.newestCode("jane@doe.test")).result("verifyOtpResult").text("verificationToken")
	sealed := b.root.guess(sealedID, target, code, key).result("verifyOtpResult").text("verificationToken")

	user := []m{{"userName": "Jane", "userEmail": "jane@doe.test", "apiKeys": []m{}, "authenticators": []m{}, "oauthProviders": []m{}}}
	org := b.root.submit("CREATE_SUB_ORGANIZATION_V7", m{"subOrganizationName": "j", "rootQuorumThreshold": 1, "rootUsers": user}).
		result("createSubOrganizationResultV7").text("subOrganizationId")
	session := newKey().PublicKey()
	b.root.in(org).submit("OTP_LOGIN", m{"verificationToken": sealed, "publicKey": session}).refused(400, "REQUEST_INVALID", "invalid verification token")
	b.root.in(org).submit("OTP_LOGIN_V2", m{"verificationToken": plain, "publicKey": session, "clientSignature": b.signLogin(key, sealed, session)}).
		refused(400, "REQUEST_INVALID", "invalid verification token")
	b.root.submit("CREATE_SUB_ORGANIZATION_V8", m{"subOrganizationName": "j", "rootQuorumThreshold": 1, "rootUsers": user, "verificationToken": plain}).
		refused(400, "REQUEST_INVALID", "invalid verification token")
	b.root.submit("CREATE_SUB_ORGANIZATION_V7", m{"subOrganizationName": "j", "rootQuorumThreshold": 1, "rootUsers": user, "verificationToken": plain}).
		result("createSubOrganizationResultV7")
	b.root.in(org).submit("OTP_LOGIN", m{"verificationToken": plain, "publicKey": session}).result("otpLoginResult")
}

func TestTokensSayWhatWasProven(t *testing.T) {
	b := newBox(t, Options{})
	f := b.Facts()
	fetcher, err := p256.ParsePublic(f.TLSFetcherPublicKey)
	if err != nil {
		t.Fatal(err)
	}
	legacy, err := p256.ParsePublic(f.LegacyTokenPublicKey)
	if err != nil {
		t.Fatal(err)
	}
	key := newKey()
	sealed, err := token.VerifyVerification(b.root.verifyOTP("jane@doe.test", key), fetcher, nil, b.time.now())
	if err != nil {
		t.Fatal(err)
	}
	if sealed.Contact != "jane@doe.test" || sealed.PublicKey != key.PublicKey() || sealed.OrganizationID != b.root.org || sealed.VerificationType != otpEmail {
		t.Errorf("the token says %+v", sealed)
	}
	if got, want := sealed.Expires, b.time.now().Add(time.Hour); !got.Equal(want) {
		t.Errorf("it ends at %s, want %s", got, want)
	}
	for _, public := range []string{"", key.PublicKey()} {
		id := b.root.plainOTP(nil).result("initOtpResult").text("otpId")
		jwt := b.root.submit("VERIFY_OTP", m{"otpId": id, "otpCode": b.newestCode("jane@doe.test"), "publicKey": public, "expirationSeconds": "60"}).
			result("verifyOtpResult").text("verificationToken")
		plain, err := token.VerifyVerification(jwt, fetcher, legacy, b.time.now())
		if err != nil {
			t.Fatal(err)
		}
		if !plain.Legacy || plain.PublicKey != public || plain.Expires.Sub(b.time.now()).Round(time.Second) != time.Minute {
			t.Errorf("the older token says %+v", plain)
		}
	}
}

func TestABundleForAnotherTargetIsNoGuess(t *testing.T) {
	b := newBox(t, Options{})
	key := newKey()
	_, other := b.root.initOTP("john@doe.test")
	id, target := b.root.initOTP("jane@doe.test")
	fetcher, _ := p256.ParsePublic(b.Facts().TLSFetcherPublicKey)
	foreign, err := bundle.SealOTP(other, fetcher, "WRONG", key.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	for _, sealed := range []string{foreign, "{}", "nonsense", strings.Repeat("a", 5000)} {
		b.root.submit("VERIFY_OTP_V2", m{"otpId": id, "encryptedOtpBundle": sealed}).refused(400, "REQUEST_INVALID", "invalid encrypted OTP bundle")
	}
	b.root.guess(id, target, b.newestCode("jane@doe.test"), key).result("verifyOtpResult")
}

func TestOnlyWhoAskedForACodeMayGuessIt(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	id := b.root.plainOTP(m{"contact": "x@doe.test"}).result("initOtpResult").text("otpId")
	code := b.newestCode("x@doe.test")
	jane.plainGuess(id, code).refused(404, "REQUEST_INVALID", "no OTP found")
	b.root.plainGuess(nowhere, code).refused(404, "REQUEST_INVALID", "no OTP found")
	b.root.plainGuess("x", code).refused(404, "REQUEST_INVALID", "no OTP found")
	b.root.plainGuess(id, code).result("verifyOtpResult")
}

// A token of the parent is good in its sub-organizations; one of a sub-organization there alone, of either generation.
func TestWhereATokenIsGood(t *testing.T) {
	b := newBox(t, Options{})
	jane, mallory := b.logIn("jane@doe.test"), b.logIn("mallory@doe.test")
	login := func(org, jwt string) answer {
		return b.root.in(org).submit("OTP_LOGIN", m{"verificationToken": jwt, "publicKey": newKey().PublicKey()})
	}
	// Mallory's organization proves Jane's address for itself, which needs Jane's inbox but not her organization.
	id := mallory.plainOTP(nil).result("initOtpResult").text("otpId")
	jwt := mallory.plainGuess(id, b.newestCode("jane@doe.test")).result("verifyOtpResult").text("verificationToken")
	login(jane.org, jwt).refused(400, "REQUEST_INVALID", "issued by another organization")
	login(mallory.org, jwt).refused(404, "REQUEST_INVALID", "no user found")

	id = b.root.plainOTP(nil).result("initOtpResult").text("otpId")
	jwt = b.root.plainGuess(id, b.newestCode("jane@doe.test")).result("verifyOtpResult").text("verificationToken")
	login(jane.org, jwt).result("otpLoginResult")
	login(mallory.org, jwt).refused(404, "REQUEST_INVALID", "no user found")

	key := newKey()
	sealedID, target := mallory.initOTP("jane@doe.test")
	jwt = mallory.guess(sealedID, target, b.newestCode("jane@doe.test"), key).result("verifyOtpResult").text("verificationToken")
	b.root.in(jane.org).submit("OTP_LOGIN_V2", m{"verificationToken": jwt, "publicKey": key.PublicKey(), "clientSignature": b.signLogin(key, jwt, key.PublicKey())}).
		refused(400, "REQUEST_INVALID", "issued by another organization")
}

func TestOldCodesAreForgotten(t *testing.T) {
	b := newBox(t, Options{})
	for range 50 {
		id := b.root.plainOTP(nil).result("initOtpResult").text("otpId")
		b.root.plainGuess(id, b.newestCode("jane@doe.test")).result("verifyOtpResult")
		b.time.advance(time.Minute)
	}
	known := &b.state.Load().otps
	if n := len(known.byID); n > 15 || n != len(known.queue) || len(known.byContact) != 1 {
		t.Errorf("%d codes, %d in line, %d contacts", n, len(known.queue), len(known.byContact))
	}
}
