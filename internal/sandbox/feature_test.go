package sandbox

import (
	"fmt"
	"strings"
	"testing"
)

func TestFeaturesAreSetAndRemoved(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t, Options{StateDir: dir})
	jane := b.logIn("jane@doe.test")
	set := func(name, value string) answer {
		return jane.submit("SET_ORGANIZATION_FEATURE", m{"name": name, "value": value})
	}
	value := func(name string) any {
		for _, f := range jane.query("get_organization_configs", nil).ok().at("configs", "features").([]any) {
			if f := f.(m); f["name"] == name {
				return fmt.Sprint(f["value"])
			}
		}
		return nil
	}
	const origins = "https://app.example, http://localhost:3000"
	r := set("FEATURE_NAME_WEBAUTHN_ORIGINS", origins).result("setOrganizationFeatureResult")
	if got := r.at("features").([]any); len(got) != 5 {
		t.Errorf("the features are %v", got)
	}
	set("FEATURE_NAME_WEBHOOK", "https://hooks.test/1").result("setOrganizationFeatureResult")
	set("FEATURE_NAME_WEBHOOK", "https://hooks.test/2").result("setOrganizationFeatureResult")
	if value("FEATURE_NAME_WEBAUTHN_ORIGINS") != origins || value("FEATURE_NAME_WEBHOOK") != "https://hooks.test/2" {
		t.Errorf("origins %v, webhook %v", value("FEATURE_NAME_WEBAUTHN_ORIGINS"), value("FEATURE_NAME_WEBHOOK"))
	}
	jane.submit("REMOVE_ORGANIZATION_FEATURE", m{"name": "FEATURE_NAME_WEBHOOK"}).result("removeOrganizationFeatureResult")
	jane.submit("REMOVE_ORGANIZATION_FEATURE", m{"name": "FEATURE_NAME_WEBHOOK"}).result("removeOrganizationFeatureResult")
	b.Close()
	b = newBox(t, Options{StateDir: dir, Now: b.time.now})
	jane.box = b
	if value("FEATURE_NAME_WEBAUTHN_ORIGINS") != origins || value("FEATURE_NAME_WEBHOOK") != nil {
		t.Errorf("after a restart: origins %v, webhook %v", value("FEATURE_NAME_WEBAUTHN_ORIGINS"), value("FEATURE_NAME_WEBHOOK"))
	}
	if b.root.query("get_organization_configs", nil).ok(); strings.Contains(string(b.root.query("get_organization_configs", nil).raw), "WEBAUTHN") {
		t.Error("the parent has the sub-organization's feature")
	}
	for _, c := range []struct{ name, value, message string }{
		{"FEATURE_NAME_NONSENSE", "", "invalid feature name"},
		{"FEATURE_NAME_WEBAUTHN_ORIGINS", "", "invalid webauthn origins"},
		{"FEATURE_NAME_WEBAUTHN_ORIGINS", "*", "invalid webauthn origins"},
		{"FEATURE_NAME_WEBAUTHN_ORIGINS", "https://*.example.com", "invalid webauthn origins"},
		{"FEATURE_NAME_WEBAUTHN_ORIGINS", "https://app.example/path", "invalid webauthn origins"},
		{"FEATURE_NAME_WEBAUTHN_ORIGINS", "https://app.example,app.example", "invalid webauthn origins"},
		{"FEATURE_NAME_WEBAUTHN_ORIGINS", "javascript:alert(1)", "invalid webauthn origins"},
		{"FEATURE_NAME_WEBHOOK", "hooks.test", "invalid webhook"},
		{"FEATURE_NAME_WEBHOOK", "https://user:password@hooks.test", "invalid webhook"},
		{"FEATURE_NAME_SWAP_CONFIG", strings.Repeat("x", 4097), "too long"},
	} {
		set(c.name, c.value).refused(400, "REQUEST_INVALID", c.message)
	}
	jane.submit("SET_ORGANIZATION_FEATURE", m{"name": "FEATURE_NAME_WEBHOOK"}).refused(400, "REQUEST_INVALID", "missing field `value`")
	jane.submit("REMOVE_ORGANIZATION_FEATURE", m{"name": "x"}).refused(400, "REQUEST_INVALID", "invalid feature name")
}

// A feature that is off closes its way in, and one that is on again opens it.
func TestAFeatureClosesItsWayIn(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	again := func() answer {
		key := newKey()
		jwt := b.root.verifyOTP("jane@doe.test", key)
		return b.root.in(jane.org).submit("OTP_LOGIN_V2", m{"verificationToken": jwt, "publicKey": key.PublicKey(), "clientSignature": b.signLogin(key, jwt, key.PublicKey())})
	}
	jane.submit("REMOVE_ORGANIZATION_FEATURE", m{"name": "FEATURE_NAME_OTP_EMAIL_AUTH"}).result("removeOrganizationFeatureResult")
	again().refused(403, "FORBIDDEN", "disabled for the organization")
	jane.submit("SET_ORGANIZATION_FEATURE", m{"name": "FEATURE_NAME_OTP_EMAIL_AUTH", "value": ""}).result("setOrganizationFeatureResult")
	again().result("otpLoginResult")
}
