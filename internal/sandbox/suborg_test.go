package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// lists are the empty lists that a root user must have.
func rootUser(name string, more m) m {
	u := m{"userName": name, "apiKeys": []m{}, "authenticators": []m{}, "oauthProviders": []m{}}
	for k, v := range more {
		u[k] = v
	}
	return u
}

// suborg makes a sub-organization without any proof and returns its id.
func (b *box) suborg(name string, users ...m) string {
	b.t.Helper()
	return b.root.submit("CREATE_SUB_ORGANIZATION_V7", m{"subOrganizationName": name, "rootQuorumThreshold": 1, "rootUsers": users}).
		result("createSubOrganizationResultV7").text("subOrganizationId")
}

// Every version answers under its own names, and ignores what only later ones have.
func TestEveryVersionOfCreateSubOrganization(t *testing.T) {
	b := newBox(t, Options{})
	for version := 4; version <= 8; version++ {
		v := fmt.Sprint("V", version)
		t.Run(v, func(t *testing.T) {
			key := m{"apiKeyName": "k", "publicKey": newKey().PublicKey()}
			if version >= 6 {
				key["curveType"] = "API_KEY_CURVE_P256"
			}
			user := rootUser("u", m{"userEmail": v + "@doe.test", "userPhoneNumber": "+4915112345678", "apiKeys": []m{key}})
			if version < 5 {
				delete(user, "oauthProviders")
			}
			a := b.root.submit("CREATE_SUB_ORGANIZATION_"+v, m{"subOrganizationName": v, "rootQuorumThreshold": 1, "rootUsers": []m{user}, "disableSmsAuth": true,
				"wallet": m{"walletName": "w", "accounts": []m{ethereum(0)}}})
			r := a.result("createSubOrganizationResult" + v)
			intent := a.at("activity", "intent", "createSubOrganizationIntent"+v).(m)
			if (intent["disableSmsAuth"] != nil) != (version >= 7) {
				t.Errorf("the intent repeats %v", intent["disableSmsAuth"])
			}
			org := b.root.in(r.text("subOrganizationId"))
			if got := org.query("list_wallet_accounts", nil).ok().text("accounts", "0", "address"); got != r.text("wallet", "addresses", "0") {
				t.Errorf("the wallet has %s", got)
			}
			u := org.query("get_user", m{"userId": r.text("rootUserIds", "0")}).ok().at("user").(m)
			if (u["userPhoneNumber"] != nil) != (version >= 7) || u["userEmail"] != v+"@doe.test" {
				t.Errorf("the user is %v", u)
			}
		})
	}
}

func TestCreateSubOrganizationRefuses(t *testing.T) {
	b := newBox(t, Options{})
	key := func(change m) m {
		k := m{"apiKeyName": "k", "publicKey": newKey().PublicKey(), "curveType": "API_KEY_CURVE_P256"}
		for name, v := range change {
			k[name] = v
		}
		return rootUser("u", m{"apiKeys": []m{k}})
	}
	same := key(nil)
	many := make([]m, 11)
	for i := range many {
		many[i] = m{"apiKeyName": "k", "publicKey": newKey().PublicKey(), "curveType": "API_KEY_CURVE_P256"}
	}
	for _, c := range []struct {
		name    string
		users   any
		quorum  any
		status  int
		code    string
		message string
	}{
		{"no quorum", []m{key(nil)}, 0, 400, "REQUEST_INVALID", "quorum threshold must be non-zero integer"},
		{"a quorum of more than all", []m{key(nil)}, 2, 400, "REQUEST_INVALID", "quorum users missing"},
		{"nobody", []m{}, 1, 400, "REQUEST_INVALID", "quorum users missing"},
		{"somebody without a way in", []m{rootUser("u", nil)}, 1, 400, "REQUEST_INVALID", "user missing valid credential"},
		{"no address", []m{rootUser("u", m{"userEmail": "x"})}, 1, 400, "INVALID_EMAIL", "invalid email address"},
		{"no phone number", []m{rootUser("u", m{"userPhoneNumber": "1"})}, 1, 400, "REQUEST_INVALID", "phone"},
		{"no name", []m{rootUser("", m{"userEmail": "a@doe.test"})}, 1, 400, "REQUEST_INVALID", "missing field `rootUsers[0].userName`"},
		{"no lists", []m{{"userName": "u"}}, 1, 400, "REQUEST_INVALID", "missing field `rootUsers[0].apiKeys`"},
		{"no providers", []m{{"userName": "u", "userEmail": "a@doe.test", "apiKeys": []m{}, "authenticators": []m{}}}, 1, 400, "REQUEST_INVALID", "missing field `oauthProviders`"},
		{"no point", []m{key(m{"publicKey": strings.Repeat("0", 66)})}, 1, 400, "REQUEST_INVALID", "invalid public key"},
		{"no curve", []m{key(m{"curveType": nil})}, 1, 400, "REQUEST_INVALID", "missing field `curveType`"},
		{"an unknown curve", []m{key(m{"curveType": "x"})}, 1, 400, "REQUEST_INVALID", "invalid curve"},
		{"a key of another curve", []m{key(m{"curveType": "API_KEY_CURVE_ED25519"})}, 1, 400, "REQUEST_INVALID", "invalid public key"},
		{"an end that is none", []m{key(m{"expirationSeconds": "-5"})}, 1, 400, "REQUEST_INVALID", "invalid api key expiration"},
		{"one key for two", []m{same, same}, 1, 409, "REQUEST_INVALID", "public key already exists"},
		{"too many keys", []m{rootUser("u", m{"apiKeys": many})}, 1, 429, "UNSPECIFIED", "user has exceeded maximum long-lived api keys"},
		{"an authenticator of nothing", []m{rootUser("u", m{"authenticators": []m{{}}})}, 1, 400, "REQUEST_INVALID", "missing field `rootUsers[0].authenticators[0].authenticatorName`"},
		{"no attestation", []m{rootUser("u", m{"authenticators": []m{{"authenticatorName": "a", "challenge": "AA"}}})}, 1, 400, "REQUEST_INVALID", "missing parameter: user authenticator attestation"},
		{"a provider", []m{rootUser("u", m{"oauthProviders": []m{{}}})}, 1, 400, "REQUEST_INVALID", "missing field `rootUsers[0].oauthProviders[0].providerName`"},
		{"a user who is null", []any{nil}, 1, 400, "REQUEST_INVALID", "bad request body"},
		{"a quorum that is none", []m{key(nil)}, "many", 400, "REQUEST_INVALID", "bad request body"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.root.submit("CREATE_SUB_ORGANIZATION_V8", m{"subOrganizationName": "s", "rootQuorumThreshold": c.quorum, "rootUsers": c.users}).refused(c.status, c.code, c.message)
		})
	}
	if got := b.root.query("list_suborgs", nil).ok().at("organizationIds").([]any); len(got) != 0 {
		t.Errorf("refusals made %d sub-organizations", len(got))
	}
}

func TestFindingSubOrganizations(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	address := jane.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{ethereum(0)}}).result("createWalletResult").text("addresses", "0")
	john := b.suborg("John & Sons", rootUser("John", m{"userEmail": "john@doe.test", "userPhoneNumber": "+4915112345678"}), rootUser("Joan", m{"userEmail": "JOHN@doe.test"}))
	for _, c := range []struct {
		filter, value string
		want          []string
	}{
		{"NAME", "John & Sons", []string{john}},
		{"NAME", "john & sons", nil},
		{"NAME", "Sandbox", nil},
		{"USERNAME", "Joan", []string{john}},
		{"USERNAME", "Root user", nil},
		{"EMAIL", "jane@doe.test", []string{jane.org}},
		{"EMAIL", "John@Doe.test", []string{john}},
		{"PHONE_NUMBER", "+4915112345678", []string{john}},
		{"PUBLIC_KEY", jane.key.PublicKey(), []string{jane.org}},
		{"PUBLIC_KEY", strings.ToUpper(jane.key.PublicKey()), []string{jane.org}},
		{"PUBLIC_KEY", b.root.key.PublicKey(), nil},
		{"PUBLIC_KEY", "nonsense", nil},
		{"WALLET_ACCOUNT_ADDRESS", address, []string{jane.org}},
		{"WALLET_ACCOUNT_ADDRESS", strings.ToLower(address), []string{jane.org}},
		{"CREDENTIAL_ID", "x", nil},
		{"", "", []string{jane.org, john}},
	} {
		t.Run(c.filter+" "+c.value, func(t *testing.T) {
			got := b.root.query("list_suborgs", m{"filterType": c.filter, "filterValue": c.value}).ok().at("organizationIds").([]any)
			if !slices.EqualFunc(got, c.want, func(a any, b string) bool { return a == b }) {
				t.Errorf("found %v, want %v", got, c.want)
			}
		})
	}
	b.root.query("list_suborgs", m{"filterType": "SHOE_SIZE", "filterValue": "44"}).refused(400, "REQUEST_INVALID", "invalid filter type")
	b.root.query("list_suborgs", m{"filterType": "OIDC_TOKEN", "filterValue": "x"}).refused(400, "INVALID_OIDC_TOKEN", "invalid OIDC token")
	b.root.query("list_suborgs", m{"filterType": "EMAIL"}).refused(400, "REQUEST_INVALID", "filterValue")
	b.root.query("list_verified_suborgs", m{"filterType": "NAME", "filterValue": "x"}).refused(400, "REQUEST_INVALID", "invalid filter type")
	verified := b.root.query("list_verified_suborgs", m{"filterType": "EMAIL", "filterValue": "john@doe.test"}).ok().at("organizationIds").([]any)
	if len(verified) != 0 {
		t.Errorf("an address that nobody proved is verified in %v", verified)
	}
	if got := jane.query("list_suborgs", nil).ok().at("organizationIds").([]any); len(got) != 0 {
		t.Errorf("a sub-organization has %v", got)
	}
}

// A session that ended, or a key that was deleted, is found no more; nor is a replaced one.
func TestIndexesFollowChanges(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	next := newKey()
	jane.submit("STAMP_LOGIN", m{"publicKey": next.PublicKey(), "invalidateExisting": true}).result("stampLoginResult")
	for key, want := range map[string]int{jane.key.PublicKey(): 0, next.PublicKey(): 1} {
		if got := b.root.query("list_suborgs", m{"filterType": "PUBLIC_KEY", "filterValue": key}).ok().at("organizationIds").([]any); len(got) != want {
			t.Errorf("%s is found in %v", key, got)
		}
	}
	st := b.state.Load()
	if len(st.byKey.one) != 2 || len(st.byEmail.one) != 1 || len(st.byUserName.one) != 2 || len(st.byKey.more)+len(st.byEmail.more)+len(st.byUserName.more) != 0 {
		t.Errorf("index entries are left: %d keys, %d addresses, %d names", len(st.byKey.one), len(st.byEmail.one), len(st.byUserName.one))
	}
}

func TestPagesOfSubOrganizations(t *testing.T) {
	b := newBox(t, Options{})
	var all []string
	for i := range 25 {
		all = append(all, b.suborg("same name", rootUser(fmt.Sprint("u", i), m{"userEmail": "same@doe.test"})))
	}
	for _, c := range []struct {
		name string
		page m
		want []string
	}{
		{"the default", nil, all[:10]},
		{"a limit", m{"limit": "3"}, all[:3]},
		{"a limit as a number", m{"limit": 3}, all[:3]},
		{"after", m{"after": all[9], "limit": "10"}, all[10:20]},
		{"the last", m{"after": all[19]}, all[20:]},
		{"before", m{"before": all[10], "limit": "4"}, all[6:10]},
		{"before the first", m{"before": all[0]}, nil},
		{"between", m{"after": all[3], "before": all[7]}, all[4:7]},
		{"crossed", m{"after": all[7], "before": all[3]}, nil},
		{"after nothing", m{"after": nowhere}, nil},
		{"before nothing", m{"before": nowhere}, nil},
		{"all", m{"limit": "100"}, all},
	} {
		for _, filter := range []m{{}, {"filterType": "NAME", "filterValue": "same name"}, {"filterType": "EMAIL", "filterValue": "same@doe.test"}} {
			t.Run(c.name+" "+fmt.Sprint(filter["filterType"]), func(t *testing.T) {
				q := m{"filterType": filter["filterType"], "filterValue": filter["filterValue"]}
				if c.page != nil {
					q["paginationOptions"] = c.page
				}
				got := b.root.query("list_suborgs", q).ok().at("organizationIds").([]any)
				if !slices.EqualFunc(got, c.want, func(a any, b string) bool { return a == b }) {
					t.Errorf("got %v, want %v", got, c.want)
				}
			})
		}
	}
	for _, bad := range []m{{"limit": "0"}, {"limit": "101"}, {"limit": "-1"}, {"limit": "x"}, {"after": "x"}, {"before": "x"}} {
		b.root.query("list_suborgs", m{"paginationOptions": bad}).refused(400, "REQUEST_INVALID", "pagination")
	}
}

func TestAPIKeysComeAndGo(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	lasting, short := newKey(), newKey()
	made := jane.submit("CREATE_API_KEYS_V2", m{"userId": jane.user, "apiKeys": []m{
		{"apiKeyName": "lasting", "publicKey": strings.ToUpper(lasting.PublicKey()), "curveType": "API_KEY_CURVE_P256"},
		{"apiKeyName": "short", "publicKey": short.PublicKey(), "curveType": "API_KEY_CURVE_P256", "expirationSeconds": 60},
	}}).result("createApiKeysResult")
	k := jane.query("get_api_key", m{"apiKeyId": made.text("apiKeyIds", "1")}).ok()
	if k.text("apiKey", "expirationSeconds") != "60" || k.text("apiKey", "apiKeyName") != "short" || k.text("apiKey", "credential", "publicKey") != short.PublicKey() {
		t.Errorf("the key is %s", k.raw)
	}
	jane.with(lasting).query("whoami", nil).ok()
	jane.with(short).query("whoami", nil).ok()

	remove := func(w *who, ids ...string) answer {
		return w.submit("DELETE_API_KEYS", m{"userId": jane.user, "apiKeyIds": append([]string{}, ids...)})
	}
	remove(jane, nowhere).refused(404, "REQUEST_INVALID", "no api key found")
	remove(jane, made.text("apiKeyIds", "0"), nowhere).refused(404, "REQUEST_INVALID", "no api key found") // all or none
	remove(jane).refused(400, "REQUEST_INVALID", "no api key IDs")
	jane.with(lasting).query("whoami", nil).ok()
	remove(jane.with(lasting), made.text("apiKeyIds", "0")).result("deleteApiKeysResult") // by itself
	jane.with(lasting).query("whoami", nil).refused(401, "PUBLIC_KEY_NOT_FOUND", "could not find public key")
	jane.query("get_api_key", m{"apiKeyId": made.text("apiKeyIds", "0")}).refused(404, "REQUEST_INVALID", "no api key found")

	jane.submit("CREATE_API_KEYS", m{"userId": jane.user, "apiKeys": []m{{"apiKeyName": "again", "publicKey": jane.key.PublicKey()}}}).refused(409, "REQUEST_INVALID", "public key already exists")
	jane.submit("CREATE_API_KEYS", m{"userId": nowhere, "apiKeys": []m{}}).refused(404, "REQUEST_INVALID", "no user found")
	jane.submit("CREATE_API_KEYS", m{"userId": "x", "apiKeys": []m{}}).refused(400, "REQUEST_INVALID", "malformed user ID")
	for i := range 11 {
		a := jane.submit("CREATE_API_KEYS", m{"userId": jane.user, "apiKeys": []m{{"apiKeyName": "n", "publicKey": newKey().PublicKey()}}})
		if i < 10 {
			a.result("createApiKeysResult")
		} else {
			a.refused(429, "UNSPECIFIED", "user has exceeded maximum long-lived api keys")
		}
	}
}
