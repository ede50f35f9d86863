package sandbox

import "testing"

// verified are the sub-organizations where that contact was proven.
func (b *box) verified(kind, contact string) int {
	b.t.Helper()
	return len(b.root.query("list_verified_suborgs", m{"filterType": kind, "filterValue": contact}).ok().at("organizationIds").([]any))
}

func TestANewEmailIsVerifiedByItsTokenAlone(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	set := func(email, jwt string) answer {
		return jane.submit("UPDATE_USER_EMAIL", m{"userId": jane.user, "userEmail": email, "verificationToken": jwt})
	}
	set("new@doe.test", "").result("updateUserEmailResult")
	if b.verified("EMAIL", "new@doe.test") != 0 || b.verified("EMAIL", "jane@doe.test") != 0 {
		t.Error("an address is verified without a token")
	}
	if got := jane.seen(jane.user)["userEmail"]; got != "new@doe.test" {
		t.Errorf("Jane's address is %v", got)
	}
	jwt := b.root.verifyOTP("New@doe.test", newKey())
	set("new@doe.test", jwt).result("updateUserEmailResult")
	if b.verified("EMAIL", "new@doe.test") != 1 {
		t.Error("the token did not verify the address")
	}
	set("NEW@doe.test", "").result("updateUserEmailResult")
	if b.verified("EMAIL", "new@doe.test") != 1 {
		t.Error("the same address lost its proof")
	}
	set("other@doe.test", jwt).refused(400, "REQUEST_INVALID", "invalid verification token")
	set("", jwt).refused(400, "REQUEST_INVALID", "invalid verification token")
	set("new@doe.test", jwt+"x").refused(400, "REQUEST_INVALID", "invalid verification token")
	mallory := b.logIn("mallory@doe.test")
	theirs := mallory.verifyOTP("new@doe.test", newKey())
	set("new@doe.test", theirs).refused(400, "REQUEST_INVALID", "issued by another organization")

	set("", "").result("updateUserEmailResult")
	if got := jane.seen(jane.user)["userEmail"]; got != nil || b.verified("EMAIL", "new@doe.test") != 0 {
		t.Errorf("a removed address is still there: %v", got)
	}
	jane.submit("UPDATE_USER_EMAIL", m{"userId": jane.user}).refused(400, "REQUEST_INVALID", "missing field `userEmail`")
	set("no", "").refused(400, "INVALID_EMAIL", "invalid email address")
}

func TestANewPhoneNumberIsVerifiedByItsTokenAlone(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	const phone = "+4915112345678"
	set := func(phone, jwt string) answer {
		return jane.submit("UPDATE_USER_PHONE_NUMBER", m{"userId": jane.user, "userPhoneNumber": phone, "verificationToken": jwt})
	}
	set(phone, "").result("updateUserPhoneNumberResult")
	if b.verified("PHONE_NUMBER", phone) != 0 {
		t.Error("a number is verified without a token")
	}
	set(phone, b.root.verifyOTP("jane@doe.test", newKey())).refused(400, "REQUEST_INVALID", "invalid verification token")
	a := b.root.submit("INIT_OTP_V3", m{"otpType": "OTP_TYPE_SMS", "contact": phone, "appName": "x"}).result("initOtpResultV2")
	key := newKey()
	jwt := b.root.guess(a.text("otpId"), a.text("otpEncryptionTargetBundle"), b.newestCode(phone), key).result("verifyOtpResult").text("verificationToken")
	set(phone, jwt).result("updateUserPhoneNumberResult")
	if b.verified("PHONE_NUMBER", phone) != 1 {
		t.Error("the token did not verify the number")
	}
	// Whoever's number it is may now log in with it.
	session := newKey()
	b.root.in(jane.org).submit("OTP_LOGIN_V2", m{"verificationToken": jwt, "publicKey": session.PublicKey(),
		"clientSignature": b.signLogin(key, jwt, session.PublicKey())}).result("otpLoginResult")
	if got := jane.with(session).query("whoami", nil).ok().text("userId"); got != jane.user {
		t.Errorf("the session is of %s", got)
	}
	set("0151", "").refused(400, "REQUEST_INVALID", "invalid phone number")
	set("", "").result("updateUserPhoneNumberResult")
	if got := jane.seen(jane.user)["userPhoneNumber"]; got != nil {
		t.Errorf("a removed number is still there: %v", got)
	}
}
