package sandbox

import (
	"fmt"
	"strings"
	"testing"
)

func TestTheAuthProxysSettings(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t, Options{StateDir: dir})
	b.root.query("get_auth_proxy_config", nil).refused(404, "REQUEST_INVALID", "auth proxy is not enabled")
	b.root.submit("UPDATE_AUTH_PROXY_CONFIG", m{"otpLength": 8}).refused(404, "REQUEST_INVALID", "auth proxy is not enabled")
	user := b.root.submit("ENABLE_AUTH_PROXY", m{}).result("enableAuthProxyResult").text("userId")
	b.root.submit("ENABLE_AUTH_PROXY", m{}).refused(409, "REQUEST_INVALID", "already enabled")
	config := func() answer { return b.root.query("get_auth_proxy_config", nil).ok() }

	first := config()
	if first.text("authProxyConfig", "userId") != user || fmt.Sprint(first.at("authProxyConfig", "allowedOrigins")) != "[*]" ||
		fmt.Sprint(first.at("walletKitConfig", "enabledProviders")) != "[email sms passkey wallet]" ||
		first.text("walletKitConfig", "otpLength") != "6" || first.text("walletKitConfig", "sessionExpirationSeconds") != "900" {
		t.Errorf("at first %s", first.raw)
	}
	if seen := b.root.seen(user); len(seen["apiKeys"].([]any)) != 1 {
		t.Errorf("the proxy's user is %v", seen)
	}
	updated := b.root.submit("UPDATE_AUTH_PROXY_CONFIG", m{"allowedOrigins": []string{"https://app.test"}, "allowedAuthMethods": []string{"email", "passkey"},
		"otpLength": 8, "otpAlphanumeric": true, "sessionExpirationSeconds": 3600, "captchaEnabled": true, "sendFromEmailAddress": "mail@app.test",
		"emailCustomizationParams": m{"appName": "App"}, "smsCustomizationParams": m{"template": "{{.OtpCode}}"},
		"walletKitSettings": m{"enabledSocialProviders": []string{"google"}, "oauthClientIds": m{"google": "an id"}, "oauthRedirectUrl": "https://app.test/back"}})
	id := updated.result("updateAuthProxyConfigResult").text("configId")
	b.root.query("get_activity", m{"activityId": updated.text("activity", "id")}).ok() // fits the description
	// What is not named stays.
	b.root.submit("UPDATE_AUTH_PROXY_CONFIG", m{"otpExpirationSeconds": 60}).result("updateAuthProxyConfigResult")
	check := func() {
		t.Helper()
		got := config()
		kit := got.at("walletKitConfig").(m)
		if got.text("authProxyConfig", "configId") != id || got.at("authProxyConfig", "otpExpirationSeconds") != 60.0 || got.at("authProxyConfig", "captchaEnabled") != true ||
			got.text("authProxyConfig", "emailCustomizationParams", "appName") != "App" || got.text("authProxyConfig", "organizationId") != b.root.org {
			t.Errorf("the settings are %s", got.raw)
		}
		want := m{"enabledProviders": []any{"email", "passkey", "google"}, "sessionExpirationSeconds": "3600", "organizationId": b.root.org,
			"oauthClientIds": m{"google": "an id"}, "oauthRedirectUrl": "https://app.test/back", "otpAlphanumeric": true, "otpLength": "8"}
		if fmt.Sprint(kit) != fmt.Sprint(want) {
			t.Errorf("the kit is told %v, want %v", kit, want)
		}
	}
	check()
	b.Close()
	clock := b.time
	b = newBox(t, Options{StateDir: dir, Now: clock.now})
	b.time = clock
	b.root.box = b
	check()

	b.root.submit("DISABLE_AUTH_PROXY", m{}).result("disableAuthProxyResult")
	b.root.query("get_user", m{"userId": user}).refused(404, "REQUEST_INVALID", "no user found")
	b.root.query("get_auth_proxy_config", nil).refused(404, "REQUEST_INVALID", "auth proxy is not enabled")
	b.root.submit("DISABLE_AUTH_PROXY", m{}).refused(404, "REQUEST_INVALID", "auth proxy is not enabled")
	if raw := string(b.root.query("get_organization_configs", nil).ok().raw); strings.Contains(raw, "AUTH_PROXY") {
		t.Errorf("the feature is on: %s", raw)
	}
	if got := len(b.root.query("list_policies", nil).ok().at("policies").([]any)); got != 0 {
		t.Errorf("%d policies are left", got)
	}
	b.root.submit("ENABLE_AUTH_PROXY", m{}).result("enableAuthProxyResult")
	check() // apps that carry the id work again
}

func TestTheAuthProxyIsTheParents(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	jane.submit("ENABLE_AUTH_PROXY", m{}).refused(400, "INVALID_ACTIVITY_CALLER", "parent organization")
	b.root.submit("ENABLE_AUTH_PROXY", m{}).result("enableAuthProxyResult")
	jane.query("get_auth_proxy_config", nil).refused(404, "REQUEST_INVALID", "auth proxy is not enabled")
}

func TestUpdateAuthProxyConfigRefuses(t *testing.T) {
	b := newBox(t, Options{})
	b.root.submit("ENABLE_AUTH_PROXY", m{}).result("enableAuthProxyResult")
	before := string(b.root.query("get_auth_proxy_config", nil).ok().raw)
	for _, c := range []struct {
		change  m
		code    string
		message string
	}{
		{m{"otpLength": 5}, "REQUEST_INVALID", "invalid OTP length"},
		{m{"otpLength": 10}, "REQUEST_INVALID", "invalid OTP length"},
		{m{"otpExpirationSeconds": 0}, "REQUEST_INVALID", "invalid OTP expiration"},
		{m{"otpExpirationSeconds": 601}, "REQUEST_INVALID", "invalid OTP expiration"},
		{m{"verificationTokenExpirationSeconds": 86401}, "REQUEST_INVALID", "invalid verification token expiration"},
		{m{"sessionExpirationSeconds": -1}, "REQUEST_INVALID", "invalid session expiration"},
		{m{"allowedOrigins": []string{"https://*.app.test"}}, "REQUEST_INVALID", "invalid allowed origins"},
		{m{"allowedOrigins": []string{"app.test"}}, "REQUEST_INVALID", "invalid allowed origins"},
		{m{"allowedAuthMethods": []string{"telepathy"}}, "REQUEST_INVALID", "invalid allowed auth methods"},
		{m{"allowedAuthMethods": []string{"sms", "sms"}}, "REQUEST_INVALID", "invalid allowed auth methods"},
		{m{"sendFromEmailAddress": "no"}, "INVALID_EMAIL", "invalid email address"},
		{m{"otpTemplateId": strings.Repeat("x", 4097)}, "REQUEST_INVALID", "too long"},
		{m{"walletKitSettings": m{"enabledSocialProviders": []string{"email"}}}, "REQUEST_INVALID", "invalid enabled social providers"},
		{m{"walletKitSettings": m{"oauthClientIds": []string{}}}, "REQUEST_INVALID", "want an object"},
		{m{"walletKitSettings": m{"oauthClientIds": m{"google": 1}}}, "REQUEST_INVALID", "want strings"},
		{m{"walletKitSettings": m{"oauthClientIds": m{"nobody": "x"}}}, "REQUEST_INVALID", "invalid OAuth client IDs"},
		{m{"walletKitSettings": m{"oauthRedirectUrl": "/back"}}, "REQUEST_INVALID", "invalid OAuth redirect URL"},
		{m{"captchaEnabled": "yes"}, "REQUEST_INVALID", "want true or false"},
	} {
		b.root.submit("UPDATE_AUTH_PROXY_CONFIG", c.change).refused(400, c.code, c.message)
	}
	if after := string(b.root.query("get_auth_proxy_config", nil).ok().raw); after != before {
		t.Errorf("a refusal changed the settings: %s", after)
	}
}

// The proxy's user may start log-ins and make sub-organizations, and nothing else. Whoever plays the proxy is given a
// key of this user.
func TestTheAuthProxysUserStartsLogIns(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	user := b.root.submit("ENABLE_AUTH_PROXY", m{}).result("enableAuthProxyResult").text("userId")
	key := newKey()
	b.root.submit("CREATE_API_KEYS_V2", m{"userId": user, "apiKeys": []m{{"apiKeyName": "backend", "publicKey": key.PublicKey(), "curveType": "API_KEY_CURVE_P256"}}}).
		result("createApiKeysResult")
	proxy := b.root.with(key)
	proxy.in(jane.org).initOTP("jane@doe.test")
	session := newKey()
	jwt := proxy.verifyOTP("jane@doe.test", session)
	proxy.in(jane.org).submit("OTP_LOGIN_V2", m{"verificationToken": jwt, "publicKey": session.PublicKey(),
		"clientSignature": b.signLogin(session, jwt, session.PublicKey())}).result("otpLoginResult")
	proxy.submit("CREATE_SUB_ORGANIZATION_V7", m{"subOrganizationName": "x", "rootQuorumThreshold": 1, "rootUsers": []m{rootUser("x", m{"userEmail": "x@doe.test"})}}).
		result("createSubOrganizationResultV7")
	for kind, p := range map[string]m{
		"CREATE_WALLET":            {"walletName": "w", "accounts": []m{}},
		"UPDATE_AUTH_PROXY_CONFIG": {"otpLength": 9},
		"DISABLE_AUTH_PROXY":       {},
		"CREATE_USERS_V4":          {"users": []m{aUser("x", newKey(), nil)}},
	} {
		if a := proxy.submit(kind, p); a.status != 403 {
			t.Errorf("%s by the proxy: %s", kind, a.raw)
		}
	}
}
