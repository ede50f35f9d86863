package sandbox

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// authCode asks for a code for otp_auth and returns its id and the code.
func (w *who) authCode(kind string, params m) (id, code string) {
	w.t.Helper()
	p := m{"otpType": "OTP_TYPE_EMAIL", "contact": "jane@doe.test", "appName": "Tests"}
	for k, v := range params {
		p[k] = v
	}
	result := "initOtpAuthResultV2"
	if kind == "INIT_OTP_AUTH" {
		result = "initOtpAuthResult"
	}
	id = w.submit(kind, p).result(result).text("otpId")
	return id, w.newestCode(p["contact"].(string))
}

func TestOTPAuthHandsOverAKey(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	for kind, length := range map[string]int{"INIT_OTP_AUTH": 9, "INIT_OTP_AUTH_V2": 6, "INIT_OTP_AUTH_V3": 6} {
		t.Run(kind, func(t *testing.T) {
			parent := b.root.in(jane.org)
			id, code := parent.authCode(kind, m{"otpLength": 6, "expirationSeconds": "500"})
			if len(code) != length {
				t.Errorf("code %q", code)
			}
			target := newKey()
			r := parent.submit("OTP_AUTH", m{"otpId": id, "otpCode": strings.ToLower(code), "targetPublicKey": target.PublicKey(), "invalidateExisting": true}).result("otpAuthResult")
			key := b.open(target, r.text("credentialBundle"))
			if got := jane.with(key).query("whoami", nil).ok().text("userId"); got != jane.user || r.text("userId") != jane.user {
				t.Errorf("the key is of %s", got)
			}
			stored := jane.with(key).query("get_api_key", m{"apiKeyId": r.text("apiKeyId")}).ok()
			if got := stored.text("apiKey", "apiKeyName"); !strings.HasPrefix(got, "OTP Auth - ") {
				t.Errorf("name %q", got)
			}
			if got := jane.with(key).keyKinds(); !slices.Contains(got, "CREDENTIAL_TYPE_OTP_AUTH_KEY_P256") || len(got) != 2 {
				t.Errorf("keys %v", got)
			}
			parent.submit("OTP_AUTH", m{"otpId": id, "otpCode": code, "targetPublicKey": target.PublicKey()}).refused(400, "REQUEST_INVALID", "Invalid OTP code")
		})
	}
}

func TestOTPAuthCountsWrongCodes(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	parent := b.root.in(jane.org)
	id, code := parent.authCode("INIT_OTP_AUTH_V2", nil)
	guess := func(code string) answer {
		return parent.submit("OTP_AUTH", m{"otpId": id, "otpCode": code, "targetPublicKey": newKey().PublicKey()})
	}
	for range 3 {
		guess("wrong").refused(400, "REQUEST_INVALID", "Invalid OTP code")
	}
	guess(code).refused(400, "REQUEST_INVALID", "Invalid OTP code: too many wrong attempts")
	if got := len(jane.keyKinds()); got != 1 {
		t.Errorf("%d keys", got)
	}
	id, code = parent.authCode("INIT_OTP_AUTH_V3", m{"expirationSeconds": "60"})
	b.time.advance(time.Minute)
	guess(code).refused(400, "REQUEST_INVALID", "Invalid OTP code: it has expired")
}

// A code is good for what it was sent for.
func TestCodesOfTheGenerationsAreNotMixed(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	parent := b.root.in(jane.org)
	id, code := parent.authCode("INIT_OTP_AUTH_V2", nil)
	parent.plainGuess(id, code).refused(400, "REQUEST_INVALID", "ACTIVITY_TYPE_OTP_AUTH")
	plain := parent.plainOTP(nil).result("initOtpResult").text("otpId")
	parent.submit("OTP_AUTH", m{"otpId": plain, "otpCode": b.newestCode("jane@doe.test"), "targetPublicKey": newKey().PublicKey()}).
		refused(400, "REQUEST_INVALID", "not initiated for ACTIVITY_TYPE_OTP_AUTH")
	sealed, target := parent.initOTP("jane@doe.test")
	parent.submit("OTP_AUTH", m{"otpId": sealed, "otpCode": b.newestCode("jane@doe.test"), "targetPublicKey": newKey().PublicKey()}).
		refused(400, "REQUEST_INVALID", "not initiated for ACTIVITY_TYPE_OTP_AUTH")
	parent.guess(id, target, code, newKey()).refused(400, "REQUEST_INVALID", "not initiated for encryption")
}

func TestOTPAuthIsForUsers(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	parent := b.root.in(jane.org)
	init := func(params m) answer {
		p := m{"otpType": "OTP_TYPE_EMAIL", "contact": "jane@doe.test"}
		for k, v := range params {
			p[k] = v
		}
		return parent.submit("INIT_OTP_AUTH_V2", p)
	}
	init(m{"contact": "joe@doe.test"}).refused(404, "REQUEST_INVALID", "no user found")
	init(m{"contact": "+4915112345678", "otpType": "OTP_TYPE_SMS"}).refused(404, "REQUEST_INVALID", "no user found")
	init(m{"contact": "x", "otpType": "OTP_TYPE_FAX"}).refused(400, "REQUEST_INVALID", "invalid otp type")
	init(m{"otpLength": 5}).refused(400, "REQUEST_INVALID", "invalid otp length")
	b.logIn("joe@doe.test").in(jane.org).submit("INIT_OTP_AUTH_V2", m{"otpType": "OTP_TYPE_EMAIL", "contact": "jane@doe.test"}).
		refused(401, "PUBLIC_KEY_NOT_FOUND", "could not find public key")
}

// A code's e-mail has a link when there is a template for one, and a text message never has.
func TestACodesMagicLink(t *testing.T) {
	b := newBox(t, Options{})
	customization := m{"magicLinkTemplate": "https://app.test/in?code=%s"}
	b.root.plainOTP(m{"emailCustomization": customization}).result("initOtpResult")
	mail := b.newestMessage("jane@doe.test")
	if got := mail.text("link"); got != "https://app.test/in?code="+mail.text("code") || mail.text("kind") != "magic_link" {
		t.Errorf("%s with the link %q", mail.text("kind"), got)
	}
	b.root.plainOTP(m{"otpType": "OTP_TYPE_SMS", "contact": "+4915112345678", "emailCustomization": customization}).result("initOtpResult")
	if sms := b.newestMessage("%2B4915112345678").body; sms["link"] != nil || sms["kind"] != "otp" {
		t.Errorf("text message %v", sms)
	}
	b.root.plainOTP(m{"emailCustomization": m{"magicLinkTemplate": "https://app.test"}}).refused(400, "REQUEST_INVALID", "invalid magic link template")
	b.root.plainOTP(m{"emailCustomization": m{"templateVariables": "[]"}}).refused(400, "REQUEST_INVALID", "failed to unmarshal template variables")
}

func TestACodeKeepsItsPurposeOverARestart(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t, Options{StateDir: dir})
	jane := b.logIn("jane@doe.test")
	id, code := b.root.in(jane.org).authCode("INIT_OTP_AUTH_V2", nil)
	b.Close()
	again := newBox(t, Options{StateDir: dir, Now: b.time.now})
	again.time = b.time
	parent := again.root.in(jane.org)
	parent.plainGuess(id, code).refused(400, "REQUEST_INVALID", "ACTIVITY_TYPE_OTP_AUTH")
	parent.submit("OTP_AUTH", m{"otpId": id, "otpCode": code, "targetPublicKey": newKey().PublicKey()}).result("otpAuthResult")
}
