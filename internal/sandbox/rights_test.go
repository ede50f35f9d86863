package sandbox

import (
	"strings"
	"testing"
)

func TestTheParentReadsItsSubOrganizations(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	parent := b.root.in(jane.org)
	if got := parent.query("get_user", m{"userId": jane.user}).ok().text("user", "userEmail"); got != "jane@doe.test" {
		t.Errorf("the parent sees %s", got)
	}
	parent.query("list_wallets", nil).ok()
	parent.query("list_users", nil).ok()
	if got := parent.query("whoami", nil).ok().text("organizationId"); got != b.root.org {
		t.Errorf("the parent is of %s", got)
	}
}

// The parent starts log-ins on a sub-organization's behalf, and does nothing else there.
func TestTheParentOnlyAuthenticatesInASubOrganization(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	parent := b.root.in(jane.org)
	ids := m{"userId": jane.user, "walletId": nowhere, "address": "0x", "apiKeyId": nowhere, "privateKeyId": nowhere}
	allowed := []string{"INIT_OTP", "VERIFY_OTP", "OTP_LOGIN", "EMAIL_AUTH", "OTP_AUTH", "INIT_USER_EMAIL_RECOVERY", "OAUTH_LOGIN"}
	for _, e := range endpoints() {
		kinds, _ := e.(submitOf)
		for kind, k := range kinds {
			if k.read == nil {
				continue
			}
			name := strings.TrimPrefix(kind, "ACTIVITY_TYPE_")
			if name == "APPROVE_ACTIVITY" || name == "REJECT_ACTIVITY" {
				continue // whoever asked for an activity has its votes
			}
			a := parent.submit(name, parametersFor(kind, ids))
			mismatch := a.status != 200 && a.text("turnkeyErrorCode") == "ORGANIZATION_MISMATCH"
			may := name == "OAUTH"
			for _, prefix := range allowed {
				may = may || strings.HasPrefix(name, prefix)
			}
			if mismatch == may {
				t.Errorf("%s by the parent: %s", name, a.raw)
			}
			if mismatch {
				a.refused(400, "ORGANIZATION_MISMATCH", `organization mismatch: request is targeting organization ("of jane@doe.test"), but voters are in organization ("Sandbox")`)
			}
		}
	}
}

// A sub-organization sees that its parent voted, by name, and not with which keys its parent's users stamp.
func TestTheParentsVoteShowsNoKeys(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	seen := func(w *who) answer {
		return w.query("list_activities", m{"filterByType": []string{"ACTIVITY_TYPE_OTP_LOGIN_V2"}}).ok()
	}
	if got := seen(jane).at("activities", "0", "votes", "0", "user").(m); len(got["apiKeys"].([]any)) != 0 || got["userName"] != "Root user" {
		t.Errorf("Jane sees %v", got)
	}
	jane.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).ok()
	own := b.root.in(jane.org).query("list_activities", m{"filterByType": []string{"ACTIVITY_TYPE_CREATE_WALLET"}}).ok()
	if got := own.at("activities", "0", "votes", "0", "user", "apiKeys").([]any); len(got) != 1 {
		t.Errorf("the parent, who may read Jane's organization, sees %v of her", got)
	}
	if got := seen(b.root.in(jane.org)).at("activities", "0", "votes", "0", "user", "apiKeys").([]any); len(got) != 1 {
		t.Errorf("the parent sees %v of itself", got)
	}
}

func TestASubOrganizationMakesNone(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	jane.submit("CREATE_SUB_ORGANIZATION_V8", parametersFor("ACTIVITY_TYPE_CREATE_SUB_ORGANIZATION_V8", m{})).
		refused(400, "INVALID_ACTIVITY_CALLER", "parent organization")
}

// With a quorum above one an activity waits, except that users may always log in and tend their own keys.
func TestAQuorumAboveOneWaits(t *testing.T) {
	b := newBox(t, Options{})
	one, two := newKey(), newKey()
	user := func(name string, key string) m {
		return m{"userName": name, "authenticators": []m{}, "oauthProviders": []m{}, "apiKeys": []m{{"apiKeyName": name, "publicKey": key, "curveType": "API_KEY_CURVE_P256"}}}
	}
	r := b.root.submit("CREATE_SUB_ORGANIZATION_V8", m{"subOrganizationName": "two", "rootQuorumThreshold": 2,
		"rootUsers": []m{user("one", one.PublicKey()), user("two", two.PublicKey())}}).result("createSubOrganizationResultV8")
	first := &who{box: b, org: r.text("subOrganizationId"), user: r.text("rootUserIds", "0"), key: one}
	second := first.with(two)

	a := first.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).ok()
	if got := a.text("activity", "status"); got != "ACTIVITY_STATUS_CONSENSUS_NEEDED" {
		t.Errorf("status %s", got)
	}
	if len(a.at("activity", "result").(m)) != 0 || a.at("activity", "canApprove") != false {
		t.Errorf("a waiting activity has a result, or its own voter may vote again: %s", a.raw)
	}
	if got := second.query("get_activity", m{"activityId": a.text("activity", "id")}).ok().at("activity", "canApprove"); got != true {
		t.Errorf("the other root user cannot approve")
	}
	if got := len(first.query("list_wallets", nil).ok().at("wallets").([]any)); got != 0 {
		t.Errorf("a waiting activity made %d wallets", got)
	}
	first.submit("STAMP_LOGIN", m{"publicKey": newKey().PublicKey()}).result("stampLoginResult")
	own := m{"userId": first.user, "apiKeys": []m{{"apiKeyName": "n", "publicKey": newKey().PublicKey(), "curveType": "API_KEY_CURVE_P256"}}}
	first.submit("CREATE_API_KEYS_V2", own).result("createApiKeysResult")
	if got := second.submit("CREATE_API_KEYS_V2", own).ok().text("activity", "status"); got != "ACTIVITY_STATUS_CONSENSUS_NEEDED" {
		t.Errorf("another's keys: %s", got)
	}
	if got := first.query("get_organization_configs", nil).ok().at("configs", "quorum", "threshold"); got != 2.0 {
		t.Errorf("quorum %v", got)
	}
}

// A token proves who somebody is to whoever asks, and gives whoever asks no right: without a policy a backend's user logs
// nobody in. Whom a token names may always log himself in.
func TestATokenGivesNobodyTheRightToLogAnotherIn(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	backend, bob := b.root.hire("backend", nil).in(jane.org), jane.hire("Bob", m{"userEmail": "bob@doe.test"})
	with := func(w *who, contact string) answer {
		key := newKey()
		jwt := b.root.verifyOTP(contact, key)
		return w.submit("OTP_LOGIN_V2", m{"verificationToken": jwt, "publicKey": key.PublicKey(), "clientSignature": b.signLogin(key, jwt, key.PublicKey())})
	}
	denied := func(a answer) {
		t.Helper()
		if a.status != 403 || a.text("turnkeyErrorCode") != "REQUEST_NOT_AUTHORIZED" {
			t.Errorf("without a policy: %s", a.raw)
		}
	}
	denied(with(backend, "jane@doe.test"))
	denied(with(bob, "jane@doe.test"))
	with(bob, "bob@doe.test").result("otpLoginResult")

	key := newKey()
	raw := b.idToken("google", "web", "joe@doe.test", key.PublicKey())
	joe := b.oauthSignUp("Joe", raw, nil)
	for kind, p := range map[string]m{
		"OAUTH_LOGIN": {"oidcToken": raw, "publicKey": key.PublicKey()},
		"OAUTH":       {"oidcToken": raw, "targetPublicKey": key.PublicKey()},
	} {
		denied(backend.in(joe.org).submit(kind, p))
	}
	b.root.policy("ALLOW", "approvers.any(user, user.id == '"+backend.user+"')", "activity.resource == 'AUTH'", "")
	with(backend, "jane@doe.test").result("otpLoginResult")
	backend.in(joe.org).submit("OAUTH_LOGIN", m{"oidcToken": raw, "publicKey": key.PublicKey()}).result("oauthLoginResult")
}
