package backend_test

import (
	"fmt"
	"strings"
	"testing"

	"latchkey/internal/backend"
)

// A device reads there what the kits read in wallet_kit_config, and no more than anybody may know.
func TestTheBackendSaysWhatItOffers(t *testing.T) {
	w := newWorld(t)
	const all = `{"methods":["email","sms","passkey","wallet","oidc","google","apple","facebook","x","discord"],"enabledProviders":["email","sms","passkey","wallet"],` +
		`"oauthClientIds":{},"oauthRedirectUrl":"","organizationId":"ORG","otpLength":6,"otpAlphanumeric":false,"otpExpiresInSeconds":300,"otpResendAfterSeconds":30,` +
		`"sessionExpirationSeconds":900}` + "\n"
	if r := w.visit("/config", ""); r.status != 200 || r.raw != strings.Replace(all, "ORG", w.facts.OrganizationID, 1) {
		t.Errorf("%d %s", r.status, r.raw)
	}
	w.config.AuthMethods, w.config.OAuthClientIDs = []string{"sms", "google"}, map[string]string{"google": "g.example", "x": "x.example"}
	w.config.OTPLength, w.config.OTPAlphanumeric, w.config.SessionSeconds = 8, true, 1200
	w.config.CaptchaSiteKey, w.config.CaptchaSecret = "site-key", backend.SecretOf("captcha-secret")
	w.restart()
	r := w.visit("/config", "")
	for _, want := range []string{`"methods":["sms","google"]`, `"enabledProviders":["sms","google"]`, `"otpLength":8,"otpAlphanumeric":true`,
		`"sessionExpirationSeconds":1200`, `"turnstileSiteKey":"site-key"`} {
		if !strings.Contains(r.raw, want) {
			t.Errorf("no %s in %s", want, r.raw)
		}
	}
	if strings.Contains(r.raw, "captcha-secret") {
		t.Errorf("a secret in %s", r.raw)
	}
	kit := w.proxy("wallet_kit_config", object{})
	for _, same := range []string{"enabledProviders", "oauthClientIds", "oauthRedirectUrl", "organizationId", "otpAlphanumeric"} {
		if got, want := fmt.Sprint(r.body[same]), fmt.Sprint(kit.body[same]); got != want {
			t.Errorf("%s: %s, and the kits hear %s", same, got, want)
		}
	}
}
