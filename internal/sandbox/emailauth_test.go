package sandbox

import (
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/bundle"
	"latchkey/internal/p256"
)

// open opens a credential bundle with the target's key.
func (b *box) open(target *keyOf, sealed string) *keyOf {
	b.t.Helper()
	receiver, err := target.Private().ECDH()
	if err != nil {
		b.t.Fatal(err)
	}
	key, err := bundle.OpenCredential(receiver, sealed)
	if err != nil {
		b.t.Fatal(err)
	}
	return p256.NewKey(key)
}

// newestMessage is the newest message to a contact.
func (b *box) newestMessage(to string) answer {
	b.t.Helper()
	a := b.controlled("GET", "/inbox?to="+to, nil).ok()
	return answer{t: b.t, status: a.status, body: a.at("messages", "0").(m), raw: a.raw}
}

// keyKinds are the types of w's user's keys, oldest first.
func (w *who) keyKinds() (kinds []string) {
	w.t.Helper()
	for _, k := range w.query("get_api_keys", m{"userId": w.user}).ok().at("apiKeys").([]any) {
		kinds = append(kinds, k.(m)["credential"].(m)["type"].(string))
	}
	return kinds
}

func TestAnEmailedBundleHoldsAKeyOfTheUser(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	for kind, customization := range map[string]m{
		"EMAIL_AUTH": nil, "EMAIL_AUTH_V2": {}, "EMAIL_AUTH_V3": {"appName": "Tests"},
	} {
		t.Run(kind, func(t *testing.T) {
			target := newKey()
			params := m{"email": "Jane@Doe.test", "targetPublicKey": p256.Uncompressed(&target.Private().PublicKey), "emailCustomization": customization}
			sent := b.root.in(jane.org).submit(kind, params).result("emailAuthResult")
			if got := sent.text("userId"); got != jane.user {
				t.Errorf("user %s", got)
			}
			mail := b.newestMessage("jane@doe.test")
			for name, want := range map[string]string{"kind": "email_auth", "channel": "email", "to": "jane@doe.test", "organizationId": jane.org} {
				if got := mail.text(name); got != want {
					t.Errorf("the message's %s is %q", name, got)
				}
			}
			if !strings.HasSuffix(mail.text("link"), mail.text("bundle")) || !strings.Contains(mail.text("text"), mail.text("bundle")) {
				t.Errorf("the message does not show the bundle: %s", mail.raw)
			}
			if kind == "EMAIL_AUTH_V3" && !strings.Contains(mail.text("subject"), "Tests") {
				t.Errorf("subject %q", mail.text("subject"))
			}
			key := b.open(target, mail.text("bundle"))
			if got := jane.with(key).query("whoami", nil).ok().text("userId"); got != jane.user {
				t.Errorf("the key is of %s", got)
			}
			stored := jane.with(key).query("get_api_key", m{"apiKeyId": sent.text("apiKeyId")}).ok()
			if got := stored.text("apiKey", "credential", "publicKey"); got != key.PublicKey() {
				t.Errorf("another key is stored: %s", got)
			}
			if got := stored.text("apiKey", "credential", "type"); got != "CREDENTIAL_TYPE_EMAIL_AUTH_KEY_P256" {
				t.Errorf("type %s", got)
			}
			if got := stored.text("apiKey", "apiKeyName"); !strings.HasPrefix(got, "Email Auth - ") {
				t.Errorf("name %q", got)
			}
			if got := stored.text("apiKey", "expirationSeconds"); got != "900" {
				t.Errorf("lasts %s", got)
			}
		})
	}
}

func TestAnEmailedKeyEnds(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	target := newKey()
	b.root.in(jane.org).submit("EMAIL_AUTH_V3", m{"email": "jane@doe.test", "targetPublicKey": target.PublicKey(), "apiKeyName": "mine",
		"expirationSeconds": "60", "emailCustomization": m{"appName": "Tests"}}).result("emailAuthResult")
	key := b.open(target, b.newestMessage("jane@doe.test").text("bundle"))
	jane.with(key).submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).result("createWalletResult")
	b.time.advance(61 * time.Second)
	jane.with(key).query("whoami", nil).refused(401, "API_KEY_EXPIRED", "expired api key")
}

func TestEmailAuthEndsItsOlderKeysAlone(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	send := func(invalidate bool) {
		b.root.in(jane.org).submit("EMAIL_AUTH", m{"email": "jane@doe.test", "targetPublicKey": newKey().PublicKey(), "invalidateExisting": invalidate}).result("emailAuthResult")
	}
	const login, mailed = "CREDENTIAL_TYPE_LOGIN", "CREDENTIAL_TYPE_EMAIL_AUTH_KEY_P256"
	send(false)
	send(false)
	if got := jane.keyKinds(); !slices.Equal(got, []string{login, mailed, mailed}) {
		t.Errorf("keys %v", got)
	}
	send(true)
	if got := jane.keyKinds(); !slices.Equal(got, []string{login, mailed}) {
		t.Errorf("keys after the older ones were ended: %v", got)
	}
	for range 9 { // with the session that are eleven
		send(false)
	}
	if got := b.root.in(jane.org).query("get_api_keys", nil).ok().at("apiKeys").([]any); len(got) != 10 || got[0].(m)["credential"].(m)["type"] != mailed {
		t.Errorf("%d expiring keys, the oldest %v", len(got), got[0])
	}
}

func TestAMagicLinkHoldsTheBundle(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	b.root.in(jane.org).submit("EMAIL_AUTH_V3", m{"email": "jane@doe.test", "targetPublicKey": newKey().PublicKey(), "emailCustomization": m{
		"appName": "Tests", "magicLinkTemplate": "myapp://in/%s?a=1%20b", "templateVariables": `{"a":"b"}`, "templateId": "t", "logoUrl": "https://app.test/l.png"},
		"sendFromEmailAddress": "mail@app.test", "sendFromEmailSenderName": "App", "replyToEmailAddress": "help@app.test"}).result("emailAuthResult")
	mail := b.newestMessage("jane@doe.test")
	if got, want := mail.text("link"), "myapp://in/"+mail.text("bundle")+"?a=1%20b"; got != want {
		t.Errorf("link %q, want %q", got, want)
	}
	if got := mail.text("from"); got != "mail@app.test" {
		t.Errorf("from %q", got)
	}
}

func TestWhatEmailAuthRefuses(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	for _, c := range []struct {
		name    string
		change  m
		status  int
		code    string
		message string
	}{
		{"nobody's address", m{"email": "joe@doe.test"}, 404, "REQUEST_INVALID", "no user found with the given email"},
		{"no address", m{"email": "jane"}, 400, "INVALID_EMAIL", "invalid email address"},
		{"no target", m{"targetPublicKey": "02"}, 400, "REQUEST_INVALID", "invalid target public key"},
		{"a life of nothing", m{"expirationSeconds": "0"}, 400, "REQUEST_INVALID", "invalid api key expiration"},
		{"no app's name", m{"emailCustomization": m{}}, 400, "REQUEST_INVALID", "missing field `emailCustomization.appName`"},
		{"no customization", m{"emailCustomization": nil}, 400, "REQUEST_INVALID", "missing field `emailCustomization`"},
		{"a link without a place", m{"emailCustomization": m{"appName": "x", "magicLinkTemplate": "https://app.test"}}, 400, "REQUEST_INVALID", "invalid magic link template"},
		{"a link with two", m{"emailCustomization": m{"appName": "x", "magicLinkTemplate": "https://app.test/%s/%s"}}, 400, "REQUEST_INVALID", "invalid magic link template"},
		{"a link that runs", m{"emailCustomization": m{"appName": "x", "magicLinkTemplate": "JavaScript:alert('%s')"}}, 400, "REQUEST_INVALID", "invalid magic link template"},
		{"a link to nowhere", m{"emailCustomization": m{"appName": "x", "magicLinkTemplate": "/in/%s"}}, 400, "REQUEST_INVALID", "invalid magic link template"},
		{"variables that are none", m{"emailCustomization": m{"appName": "x", "templateVariables": "a=b"}}, 400, "REQUEST_INVALID", "failed to unmarshal template variables"},
		{"a bad sender", m{"sendFromEmailAddress": "app"}, 400, "INVALID_EMAIL", "invalid email address"},
		{"a bad address for replies", m{"sendFromEmailAddress": "a@app.test", "replyToEmailAddress": "app"}, 400, "INVALID_EMAIL", "invalid email address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			params := m{"email": "jane@doe.test", "targetPublicKey": newKey().PublicKey(), "emailCustomization": m{"appName": "Tests"}}
			for k, v := range c.change {
				params[k] = v
			}
			b.root.in(jane.org).submit("EMAIL_AUTH_V3", params).refused(c.status, c.code, c.message)
		})
	}
	if got := b.newestMessage("jane@doe.test").text("kind"); got != "otp" {
		t.Errorf("a refusal sent %s", got)
	}
}

func TestEmailAuthNeedsOneUserAndItsFeature(t *testing.T) {
	b := newBox(t, Options{})
	made := b.root.submit("CREATE_SUB_ORGANIZATION_V7", m{"subOrganizationName": "off", "rootQuorumThreshold": 1, "disableEmailAuth": true, "rootUsers": []m{
		{"userName": "a", "userEmail": "a@doe.test", "apiKeys": []m{}, "authenticators": []m{}, "oauthProviders": []m{}}}}).result("createSubOrganizationResultV7")
	off := b.root.in(made.text("subOrganizationId"))
	off.submit("EMAIL_AUTH", m{"email": "a@doe.test", "targetPublicKey": newKey().PublicKey()}).refused(403, "FORBIDDEN", "disabled")

	twice := b.root.submit("CREATE_SUB_ORGANIZATION_V7", m{"subOrganizationName": "twice", "rootQuorumThreshold": 1, "rootUsers": []m{
		{"userName": "a", "userEmail": "a@doe.test", "apiKeys": []m{}, "authenticators": []m{}, "oauthProviders": []m{}},
		{"userName": "b", "userEmail": "A@doe.test", "apiKeys": []m{}, "authenticators": []m{}, "oauthProviders": []m{}}}}).result("createSubOrganizationResultV7")
	b.root.in(twice.text("subOrganizationId")).submit("EMAIL_AUTH", m{"email": "a@doe.test", "targetPublicKey": newKey().PublicKey()}).
		refused(400, "REQUEST_INVALID", "more than one user")
}

// One sub-organization's parent sends to another's users as little as a stranger does.
func TestEmailAuthStaysInItsOrganization(t *testing.T) {
	b := newBox(t, Options{})
	jane, joe := b.logIn("jane@doe.test"), b.logIn("joe@doe.test")
	joe.in(jane.org).submit("EMAIL_AUTH", m{"email": "jane@doe.test", "targetPublicKey": newKey().PublicKey()}).
		refused(401, "PUBLIC_KEY_NOT_FOUND", "could not find public key")
	b.root.in(joe.org).submit("EMAIL_AUTH", m{"email": "jane@doe.test", "targetPublicKey": newKey().PublicKey()}).
		refused(404, "REQUEST_INVALID", "no user found with the given email")
}

// An application's own API user sends e-mails for sub-organizations when a policy of the parent lets it, and does
// nothing else there.
func TestAPolicyLetsAnAPIUserLogOthersIn(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	key := newKey()
	id := b.root.submit("CREATE_USERS_V4", m{"users": []m{{"userName": "backend", "authenticators": []m{}, "oauthProviders": []m{}, "userTags": []string{},
		"apiKeys": []m{{"apiKeyName": "k", "publicKey": key.PublicKey(), "curveType": "API_KEY_CURVE_P256"}}}}}).result("createUsersResult").text("userIds", "0")
	backend := (&who{box: b, org: jane.org, user: id, key: key})
	send := func() answer {
		return backend.submit("EMAIL_AUTH", m{"email": "jane@doe.test", "targetPublicKey": newKey().PublicKey()})
	}
	if a := send(); a.status != 403 {
		t.Fatalf("without a policy: %s", a.raw)
	}
	b.root.submit("CREATE_POLICY_V3", m{"policyName": "p", "effect": "EFFECT_ALLOW", "notes": "", "consensus": "approvers.any(user, user.id == '" + id + "')",
		"condition": "activity.resource == 'AUTH' && activity.action == 'CREATE'"}).result("createPolicyResult")
	send().result("emailAuthResult")
	backend.submit("INIT_OTP_AUTH_V2", m{"otpType": "OTP_TYPE_EMAIL", "contact": "jane@doe.test"}).result("initOtpAuthResultV2")
	recovery := m{"email": "jane@doe.test", "targetPublicKey": newKey().PublicKey()}
	if a := backend.submit("INIT_USER_EMAIL_RECOVERY", recovery); a.status != 403 {
		t.Errorf("a recovery, which the policy does not name: %s", a.raw)
	}
	b.root.submit("CREATE_POLICY_V3", m{"policyName": "r", "effect": "EFFECT_ALLOW", "notes": "", "consensus": "approvers.any(user, user.id == '" + id + "')",
		"condition": "activity.resource == 'RECOVERY' && activity.action == 'CREATE'"}).result("createPolicyResult")
	recovery["targetPublicKey"] = newKey().PublicKey()
	backend.submit("INIT_USER_EMAIL_RECOVERY", recovery).result("initUserEmailRecoveryResult")

	// Policies see how long codes are, and which profile a log-in names.
	b.root.submit("CREATE_POLICY_V3", m{"policyName": "long codes", "effect": "EFFECT_DENY", "notes": "", "condition": "activity.type == 'ACTIVITY_TYPE_INIT_OTP_AUTH_V2' && activity.params.otp_length < 8"}).result("createPolicyResult")
	if a := backend.submit("INIT_OTP_AUTH_V2", m{"otpType": "OTP_TYPE_EMAIL", "contact": "jane@doe.test", "otpLength": 6}); a.status != 403 {
		t.Errorf("a short code: %s", a.raw)
	}
	backend.submit("INIT_OTP_AUTH_V2", m{"otpType": "OTP_TYPE_EMAIL", "contact": "jane@doe.test"}).result("initOtpAuthResultV2")
	b.root.submit("CREATE_POLICY_V3", m{"policyName": "profiles", "effect": "EFFECT_DENY", "notes": "", "condition": "activity.kind == 'STAMP_LOGIN' && activity.params.session_profile_id == ''"}).result("createPolicyResult")
	home := backend.in(b.root.org)
	if a := home.submit("STAMP_LOGIN", m{"publicKey": newKey().PublicKey()}); a.status != 403 {
		t.Errorf("a log-in without a profile: %s", a.raw)
	}
	home.submit("STAMP_LOGIN", m{"publicKey": newKey().PublicKey(), "sessionProfileId": b.profile("p", "true", nil)}).result("stampLoginResult")
}

// The scope is held against everything that the session asks for.
func TestAScopedSessionStaysInItsScope(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	key := newKey()
	jane.submit("STAMP_LOGIN", m{"publicKey": key.PublicKey(), "sessionProfileId": b.profile("wallets", "activity.resource == 'WALLET'", nil)}).result("stampLoginResult")
	scoped := jane.with(key)
	scoped.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).result("createWalletResult")
	for name, params := range map[string]m{
		"STAMP_LOGIN":                  {"publicKey": newKey().PublicKey()},
		"CREATE_READ_WRITE_SESSION_V2": {"targetPublicKey": newKey().PublicKey()},
		"CREATE_READ_ONLY_SESSION":     {},
	} {
		if a := scoped.submit(name, params); a.status != 403 {
			t.Errorf("%s: %s", name, a.raw)
		}
	}
	scoped.query("list_wallets", nil).ok()
}
