package login_test

import (
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/login"
)

const robinsPhone = "+12025550143"

// A code by text message goes the same way: sign-up, log-in again, a wrong code, another code, another person.
func TestACodeByTextMessageFromContactToSession(t *testing.T) {
	p := newPlace(t)
	if _, err := p.otp.OTP.BeginPhone(t.Context(), "202 555 0143", login.Options{}); fault.CodeOf(err) != fault.PhoneInvalid {
		t.Errorf("without a country: %v", err)
	}
	a, err := p.otp.OTP.BeginPhone(t.Context(), "+1 (202) 555-0143", login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if a.Contact != robinsPhone || a.Length == 0 || a.TriesLeft != 3 {
		t.Errorf("%+v", a)
	}
	wrong := "000000"
	if p.code(robinsPhone) == wrong {
		wrong = "000001"
	}
	if _, err := p.otp.Continue(t.Context(), a.ID, wrong); fault.CodeOf(err) != fault.OTPWrong {
		t.Errorf("a wrong code: %v", err)
	}
	p.advance(31 * time.Second)
	if _, err := p.otp.Resend(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	first, err := p.otp.Continue(t.Context(), a.ID, p.code(robinsPhone))
	if err != nil {
		t.Fatal(err)
	}
	user, err := p.api.GetUser(t.Context(), first.OrganizationID, first.UserID)
	if err != nil || user.UserPhoneNumber != robinsPhone || user.UserEmail != "" {
		t.Errorf("the account: %+v, %v", user, err)
	}
	p.advance(time.Minute)
	a, err = p.otp.OTP.BeginPhone(t.Context(), robinsPhone, login.Options{Label: "again"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.otp.Continue(t.Context(), a.ID, p.code(robinsPhone))
	if err != nil || again.OrganizationID != first.OrganizationID || again.Contact != robinsPhone {
		t.Errorf("logged in again: %+v, %v", again, err)
	}
	other, err := p.otp.OTP.BeginPhone(t.Context(), "+12025550199", login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := p.otp.Continue(t.Context(), other.ID, p.code("+12025550199")); err != nil || s.OrganizationID == first.OrganizationID {
		t.Errorf("somebody else: %+v, %v", s, err)
	}
}
