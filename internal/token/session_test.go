package token

import (
	"errors"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
)

func TestOurTokensVerify(t *testing.T) {
	notarizer, key := p256.Generate(), p256.NewKey(p256.Generate())
	now := time.Unix(1_800_000_000, 0)
	jwt, err := IssueSession(notarizer, Session{
		PublicKey: key.PublicKey(), SessionType: "SESSION_TYPE_READ_WRITE", UserID: "99999999-8888-4777-8666-555555555555",
		OrganizationID: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", Expires: now.Add(900 * time.Second),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := VerifySession(jwt, &notarizer.PublicKey, Want{PublicKey: key.PublicKey()}, now); err != nil {
		t.Error(err)
	}
	if _, err := VerifySession(jwt, &notarizer.PublicKey, Want{PublicKey: key.PublicKey()}, now.Add(931*time.Second)); !errors.Is(err, fault.Expired) {
		t.Errorf("after its end: %v", err)
	}
	verification, err := IssueVerification(notarizer, Verification{
		ID: "5f0e4f4e-0000-4000-8000-000000000001", OrganizationID: "11111111-2222-4333-8444-555555555555",
		VerificationType: "OTP_TYPE_EMAIL", Contact: "user@example.com", PublicKey: key.PublicKey(), Expires: now.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyVerification(verification, &notarizer.PublicKey, nil, now); err != nil {
		t.Error(err)
	}
	signature, err := SignLogin(t.Context(), key, "5f0e4f4e-0000-4000-8000-000000000001", key.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	if err := signature.Verify(); err != nil {
		t.Error(err)
	}
	if u, err := signature.Usage(); err != nil || u.Login == nil || u.Login.PublicKey != key.PublicKey() {
		t.Errorf("usage %+v, %v", u, err)
	}
	signature, err = SignSignup(t.Context(), key, "5f0e4f4e-0000-4000-8000-000000000001", SignupUsage{Email: "user@example.com"})
	if err != nil || signature.Verify() != nil {
		t.Fatal(err)
	}
	if u, err := signature.Usage(); err != nil || u.SignupV2 == nil || u.SignupV2.Email != "user@example.com" {
		t.Errorf("usage %+v, %v", u, err)
	}
}
