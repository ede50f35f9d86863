package sandbox

import (
	"fmt"
	"testing"

	"github.com/descope/virtualwebauthn"
)

// aUser is a user to make with one P-256 key.
func aUser(name string, key *keyOf, more m) m {
	u := m{"userName": name, "authenticators": []m{}, "oauthProviders": []m{}, "userTags": []string{}, "apiKeys": []m{}}
	if key != nil {
		u["apiKeys"] = []m{{"apiKeyName": name, "publicKey": key.PublicKey(), "curveType": "API_KEY_CURVE_P256"}}
	}
	for k, v := range more {
		u[k] = v
	}
	return u
}

// hire makes a user who is no root user, with a key, and returns who stamps.
func (w *who) hire(name string, more m) *who {
	w.t.Helper()
	key := newKey()
	r := w.submit("CREATE_USERS_V4", m{"users": []m{aUser(name, key, more)}}).result("createUsersResult")
	return &who{box: w.box, org: w.org, user: r.text("userIds", "0"), key: key}
}

// seen is the user as get_user shows him.
func (w *who) seen(id string) m {
	w.t.Helper()
	return w.query("get_user", m{"userId": id}).ok().at("user").(m)
}

func TestEveryVersionOfCreateUsers(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	tag := jane.submit("CREATE_USER_TAG", m{"userTagName": "t", "userIds": []string{}}).result("createUserTagResult").text("userTagId")
	for version := 1; version <= 4; version++ {
		suffix, intent := "", "createUsersIntent"
		if version > 1 {
			suffix = fmt.Sprint("_V", version)
			intent = fmt.Sprint("createUsersIntentV", version)
		}
		t.Run("V"+fmt.Sprint(version), func(t *testing.T) {
			key, phone := newKey(), newPhone(virtualwebauthn.KeyTypeEC2)
			more := m{"userEmail": "x@doe.test", "userPhoneNumber": "+4915112345678", "userTags": []string{tag},
				"accessType": "ACCESS_TYPE_API", "authenticators": []m{phone.register("phone")}}
			if version == 1 {
				more["authenticators"] = []m{phone.registerV1("phone", nowhere)}
			}
			u := aUser(fmt.Sprint("user ", version), key, more)
			a := jane.submit("CREATE_USERS"+suffix, m{"users": []m{u}})
			id := a.result("createUsersResult").text("userIds", "0")
			said := a.at("activity", "intent", intent, "users", "0").(m)
			if (said["userPhoneNumber"] != nil) != (version >= 3) || (said["accessType"] != nil) != (version == 1) || (said["oauthProviders"] != nil) != (version >= 3) {
				t.Errorf("the intent repeats %v", said)
			}
			seen := jane.seen(id)
			if seen["userName"] != u["userName"] || seen["userEmail"] != "x@doe.test" || fmt.Sprint(seen["userTags"]) != "["+tag+"]" ||
				(seen["userPhoneNumber"] != nil) != (version >= 3) || len(seen["apiKeys"].([]any)) != 1 || len(seen["authenticators"].([]any)) != 1 {
				t.Errorf("the user is %v", seen)
			}
			if got := jane.with(key).query("whoami", nil).ok().text("userId"); got != id {
				t.Errorf("the key is of %s", got)
			}
		})
	}
}

// A user who is no root user reads, tends his own credentials, and does nothing else.
func TestAUserWithoutRights(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	bob := jane.hire("Bob", nil)
	bob.query("list_wallets", nil).ok()
	key := func() []m {
		return []m{{"apiKeyName": "k", "publicKey": newKey().PublicKey(), "curveType": "API_KEY_CURVE_P256"}}
	}
	bob.submit("CREATE_API_KEYS_V2", m{"userId": bob.user, "apiKeys": key()}).result("createApiKeysResult")
	bob.submit("STAMP_LOGIN", m{"publicKey": newKey().PublicKey()}).result("stampLoginResult")
	for kind, p := range map[string]m{
		"CREATE_WALLET":               {"walletName": "w", "accounts": []m{}},
		"CREATE_USERS_V4":             {"users": []m{aUser("x", newKey(), nil)}},
		"CREATE_API_KEYS_V2":          {"userId": jane.user, "apiKeys": key()},
		"DELETE_USERS":                {"userIds": []string{bob.user}},
		"UPDATE_USER_NAME":            {"userId": jane.user, "userName": "Bob"},
		"UPDATE_ROOT_QUORUM":          {"threshold": 1, "userIds": []string{bob.user}},
		"CREATE_USER_TAG":             {"userTagName": "t", "userIds": []string{bob.user}},
		"SET_ORGANIZATION_FEATURE":    {"name": "FEATURE_NAME_WEBHOOK", "value": "https://hooks.test"},
		"UPDATE_ORGANIZATION_NAME":    {"organizationName": "x"},
		"DELETE_SUB_ORGANIZATION":     {"deleteWithoutExport": true},
		"UPDATE_USER_EMAIL":           {"userId": jane.user, "userEmail": ""},
		"UPDATE_USER_PHONE_NUMBER":    {"userId": jane.user, "userPhoneNumber": ""},
		"REMOVE_ORGANIZATION_FEATURE": {"name": "FEATURE_NAME_EMAIL_AUTH"},
	} {
		a := bob.submit(kind, p)
		if a.status != 403 || a.text("details", "0", "@type") != "type.googleapis.com/errors.v1.PolicyEnginePermissionError" {
			t.Errorf("%s by Bob: %s", kind, a.raw)
		}
	}
	if got := fmt.Sprint(jane.query("get_organization_configs", nil).ok().at("configs", "quorum", "userIds")); got != "["+jane.user+"]" {
		t.Errorf("the root users are %s", got)
	}
}

func TestCreateUsersRefuses(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	many := func(n int) []m {
		keys := make([]m, n)
		for i := range keys {
			keys[i] = m{"apiKeyName": "k", "publicKey": newKey().PublicKey(), "curveType": "API_KEY_CURVE_P256"}
		}
		return keys
	}
	phones := make([]m, 11)
	for i := range phones {
		phones[i] = newPhone(virtualwebauthn.KeyTypeEC2).register("phone")
	}
	crowd := make([]m, 100) // and Jane
	for i := range crowd {
		crowd[i] = aUser("x", nil, m{"userEmail": "x@doe.test"})
	}
	same := newKey()
	for _, c := range []struct {
		name    string
		users   any
		status  int
		code    string
		message string
	}{
		{"no users", []m{}, 400, "REQUEST_INVALID", "no users provided"},
		{"no credential", []m{aUser("x", nil, nil)}, 400, "REQUEST_INVALID", "user missing valid credential"},
		{"no name", []m{aUser("", newKey(), nil)}, 400, "REQUEST_INVALID", "missing field `users[0].userName`"},
		{"no tags", []m{{"userName": "x", "authenticators": []m{}, "oauthProviders": []m{}, "apiKeys": []m{}}}, 400, "REQUEST_INVALID", "missing field `users[0].userTags`"},
		{"email", []m{aUser("x", newKey(), m{"userEmail": "no"})}, 400, "INVALID_EMAIL", "invalid email address"},
		{"phone", []m{aUser("x", newKey(), m{"userPhoneNumber": "0151"})}, 400, "REQUEST_INVALID", "invalid phone number"},
		{"unknown tag", []m{aUser("x", newKey(), m{"userTags": []string{nowhere}})}, 404, "REQUEST_INVALID", "no user tag found"},
		{"Jane's key", []m{aUser("x", jane.key, nil)}, 409, "REQUEST_INVALID", "public key already exists"},
		{"one key twice", []m{aUser("x", same, nil), aUser("y", same, nil)}, 409, "REQUEST_INVALID", "public key already exists"},
		{"11 keys", []m{aUser("x", nil, m{"apiKeys": many(11)})}, 429, "UNSPECIFIED", "user has exceeded maximum long-lived api keys"},
		{"11 authenticators", []m{aUser("x", nil, m{"authenticators": phones})}, 429, "UNSPECIFIED", "user has exceeded maximum authenticators"},
		{"100 users", crowd, 429, "UNSPECIFIED", "organization has exceeded maximum users"},
	} {
		t.Run(c.name, func(t *testing.T) {
			jane.submit("CREATE_USERS_V4", m{"users": c.users}).refused(c.status, c.code, c.message)
		})
	}
	if got := len(jane.query("list_users", nil).ok().at("users").([]any)); got != 1 {
		t.Errorf("%d users after refusals", got)
	}
	jane.submit("CREATE_USERS_V4", m{"users": crowd[:99]}).result("createUsersResult")
	jane.submit("CREATE_USERS_V4", m{"users": crowd[:1]}).refused(429, "UNSPECIFIED", "organization has exceeded maximum users")

	// A contact is a way in only while the organization lets people in by it.
	john := b.logIn("john@doe.test")
	for _, name := range []string{"EMAIL_AUTH", "OTP_EMAIL_AUTH"} {
		john.submit("CREATE_USERS_V4", m{"users": []m{aUser(name, nil, m{"userEmail": "x@doe.test"})}}).result("createUsersResult")
		john.submit("REMOVE_ORGANIZATION_FEATURE", m{"name": "FEATURE_NAME_" + name}).result("removeOrganizationFeatureResult")
	}
	john.submit("CREATE_USERS_V4", m{"users": crowd[:1]}).refused(400, "REQUEST_INVALID", "user missing valid credential")
	john.submit("CREATE_USERS_V4", m{"users": []m{aUser("p", nil, m{"userPhoneNumber": "+4915112345678"})}}).result("createUsersResult")
}

func TestDeletedUsersAreGone(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t, Options{StateDir: dir})
	jane := b.logIn("jane@doe.test")
	bob, eve := jane.hire("Bob", m{"userEmail": "bob@doe.test"}), jane.hire("Eve", nil)
	jane.submit("DELETE_USERS", m{"userIds": []string{bob.user, jane.user}}).refused(400, "REQUEST_INVALID", "quorum users missing")
	jane.submit("DELETE_USERS", m{"userIds": []string{nowhere}}).refused(404, "REQUEST_INVALID", "no user found")
	jane.submit("DELETE_USERS", m{"userIds": []string{}}).refused(400, "REQUEST_INVALID", "no user IDs provided")
	bob.query("whoami", nil).ok()
	jane.submit("CREATE_MFA_POLICY", m{"userId": bob.user, "mfaPolicyName": "p", "condition": "true", "order": 1,
		"requiredAuthenticationMethods": []m{{"any": []m{{"type": "AUTHENTICATION_TYPE_API_KEY"}}}}}).result("createMfaPolicyResult")
	r := jane.submit("DELETE_USERS", m{"userIds": []string{bob.user}}).result("deleteUsersResult")
	if r.text("userIds", "0") != bob.user {
		t.Errorf("the answer names %v", r.body)
	}
	gone := func(b *box) {
		t.Helper()
		jane := &who{box: b, org: jane.org, key: jane.key}
		jane.with(bob.key).query("whoami", nil).refused(401, "PUBLIC_KEY_NOT_FOUND", "could not find public key")
		jane.query("get_user", m{"userId": bob.user}).refused(404, "REQUEST_INVALID", "no user found")
		if got := b.root.query("list_suborgs", m{"filterType": "EMAIL", "filterValue": "bob@doe.test"}).ok().at("organizationIds").([]any); len(got) != 0 {
			t.Errorf("found by Bob's e-mail address: %v", got)
		}
		jane.with(eve.key).query("whoami", nil).ok()
		if left := b.state.Load().orgs[mustID(t, jane.org)].shelved().factors.all; len(left) != 0 {
			t.Errorf("%d of Bob's MFA policies are left", len(left))
		}
	}
	gone(b)
	b.Close()
	again := newBox(t, Options{StateDir: dir, Now: b.time.now})
	again.time = b.time
	gone(again)
}

// A root user may go while the others can still make the quorum, and counts no more.
func TestARootUserMayGo(t *testing.T) {
	b := newBox(t, Options{})
	team := b.team(3, 2)
	ask := func(id string) answer {
		asked := team[0].submit("DELETE_USERS", m{"userIds": []string{id}}).ok()
		return team[1].submit("APPROVE_ACTIVITY", m{"fingerprint": asked.text("activity", "fingerprint")}).ok()
	}
	ask(team[2].user).result("deleteUsersResult")
	if got := len(team[0].query("get_organization_configs", nil).ok().at("configs", "quorum", "userIds").([]any)); got != 2 {
		t.Errorf("%d root users", got)
	}
	if a := ask(team[1].user); a.text("activity", "status") != "ACTIVITY_STATUS_FAILED" {
		t.Errorf("the quorum lost its last users: %s", a.raw)
	}
}

func TestUpdateUser(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	tag := jane.submit("CREATE_USER_TAG", m{"userTagName": "t", "userIds": []string{}}).result("createUserTagResult").text("userTagId")
	bob := jane.hire("Bob", m{"userEmail": "bob@doe.test"})
	before := jane.seen(bob.user)
	jane.submit("UPDATE_USER", m{"userId": bob.user, "userName": "Robert", "userTagIds": []string{tag, tag}, "userPhoneNumber": "+4915112345678"}).
		result("updateUserResult").text("userId")
	seen := jane.seen(bob.user)
	if seen["userName"] != "Robert" || seen["userEmail"] != "bob@doe.test" || seen["userPhoneNumber"] != "+4915112345678" || fmt.Sprint(seen["userTags"]) != "["+tag+"]" {
		t.Errorf("Bob is %v", seen)
	}
	if fmt.Sprint(seen["updatedAt"]) == fmt.Sprint(before["updatedAt"]) || fmt.Sprint(seen["createdAt"]) != fmt.Sprint(before["createdAt"]) {
		t.Errorf("updated %v, created %v", seen["updatedAt"], seen["createdAt"])
	}
	jane.submit("UPDATE_USER", m{"userId": bob.user, "userTagIds": []string{}, "userEmail": ""}).result("updateUserResult")
	if again := jane.seen(bob.user); fmt.Sprint(again["userTags"]) != "["+tag+"]" || again["userEmail"] != "bob@doe.test" {
		t.Errorf("what was not named changed: %v", again)
	}
	jane.submit("UPDATE_USER_NAME", m{"userId": bob.user, "userName": "Bobby"}).result("updateUserNameResult")
	if got := jane.with(bob.key).query("whoami", nil).ok().text("username"); got != "Bobby" {
		t.Errorf("Bob is called %s", got)
	}
	found := b.root.query("list_suborgs", m{"filterType": "USERNAME", "filterValue": "Bobby"}).ok().at("organizationIds").([]any)
	if len(found) != 1 || found[0] != jane.org {
		t.Errorf("found by the new name: %v", found)
	}
	jane.submit("UPDATE_USER_NAME", m{"userId": bob.user, "userName": ""}).refused(400, "REQUEST_INVALID", "missing field `userName`")
	jane.submit("UPDATE_USER", m{"userId": bob.user, "userEmail": "no"}).refused(400, "INVALID_EMAIL", "invalid email address")
	jane.submit("UPDATE_USER", m{"userId": nowhere, "userName": "x"}).refused(404, "REQUEST_INVALID", "no user found")
}

// A user may come in by an OAuth provider alone.
func TestAUserComesInByAProvider(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	session := newKey()
	claims := m{"iss": "https://accounts.google.com", "sub": "1", "aud": "another app"}
	for version, wanted := range map[string]m{
		"V3": {"providerName": "Google", "oidcToken": b.idToken("google", "googleV3.apps", "bob@doe.test", session.PublicKey()), "oidcClaims": claims},
		"V4": {"providerName": "Google", "oidcToken": b.idToken("google", "googleV4.apps", "bob@doe.test", session.PublicKey())},
	} {
		a := jane.submit("CREATE_USERS_"+version, m{"users": []m{aUser(version, nil, m{"oauthProviders": []m{wanted}})}})
		id := a.result("createUsersResult").text("userIds", "0")
		b.root.in(jane.org).submit("OAUTH_LOGIN", m{"oidcToken": wanted["oidcToken"], "publicKey": session.PublicKey()}).result("oauthLoginResult")
		if got := jane.with(session).query("whoami", nil).ok().text("userId"); got != id {
			t.Errorf("%s: the session is of %s, want %s", version, got, id)
		}
		again := m{"users": []m{aUser("again", nil, m{"oauthProviders": []m{{"providerName": "Google", "oidcToken": wanted["oidcToken"]}}})}}
		if a := jane.submit("CREATE_USERS_"+version, again); a.status == 200 || a.text("turnkeyErrorCode") != "OAUTH_PROVIDER_ALREADY_EXISTS" {
			t.Errorf("%s: one identity for two users: %s", version, a.raw)
		}
		jane.submit("DELETE_USERS", m{"userIds": []string{id}}).result("deleteUsersResult")
		b.root.in(jane.org).submit("OAUTH_LOGIN", m{"oidcToken": wanted["oidcToken"], "publicKey": newKey().PublicKey()}).refused(400, "INVALID_OIDC_TOKEN", "invalid OIDC token")
	}
	jane.submit("CREATE_USERS_V3", m{"users": []m{aUser("x", nil, m{"oauthProviders": []m{{"providerName": "Google", "oidcClaims": claims}}})}}).
		refused(400, "REQUEST_INVALID", "missing field")
	many := make([]m, 11)
	for i := range many {
		many[i] = m{"providerName": "p", "oidcClaims": claims}
	}
	jane.submit("CREATE_USERS_V4", m{"users": []m{aUser("x", nil, m{"oauthProviders": many})}}).refused(429, "UNSPECIFIED", "user has exceeded maximum oauth providers")
}
