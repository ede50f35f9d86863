package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/google/uuid"
)

// member is a user of w's organization who is not root, with a key; tags are ids.
func (w *who) member(name string, tags ...string) *who {
	w.t.Helper()
	return w.hire(name, m{"userEmail": name + "@members.test", "userTags": append([]string{}, tags...)})
}

// policy stores a policy and returns its id.
func (w *who) policy(effect, consensus, condition, moment string) string {
	w.t.Helper()
	p := m{"policyName": "policy " + uuid.NewString(), "effect": "EFFECT_" + effect, "consensus": consensus, "condition": condition, "notes": ""}
	if moment != "" {
		p["time"] = moment
	}
	return w.submit("CREATE_POLICY_V3", p).result("createPolicyResult").text("policyId")
}

func approvedBy(users ...*who) string {
	var parts []string
	for _, u := range users {
		parts = append(parts, "approvers.any(user, user.id == '"+u.user+"')")
	}
	return strings.Join(parts, " && ")
}

// wallet asks for a wallet, which nobody but root may do without a policy.
func (w *who) wallet() answer {
	w.t.Helper()
	return w.submit("CREATE_WALLET", m{"walletName": uuid.NewString(), "accounts": []m{}})
}

const createsWallets = "activity.resource == 'WALLET' && activity.action == 'CREATE'"

// deniedBy fails the test unless the answer is a denial with these outcomes, "id OUTCOME" each, to the letter.
func (a answer) deniedBy(outcomes ...string) {
	a.t.Helper()
	evaluations, ids := "[]", []string(nil)
	if len(outcomes) > 0 {
		var list []string
		for _, o := range outcomes {
			id, outcome, _ := strings.Cut(o, " ")
			list = append(list, `{"policyId":"`+id+`","outcome":"OUTCOME_`+outcome+`"}`)
			if outcome == "DENY_EXPLICIT" {
				ids = append(ids, id)
			}
		}
		evaluations = "[" + strings.Join(list, ",") + "]"
	}
	why := "No policies evaluated to outcome: Allow"
	if len(ids) > 0 {
		why = "The following policies denied this action: " + strings.Join(ids, ", ")
	}
	want := `{"code":7,"message":"You don't have sufficient permissions to take this action. Please add a policy granting this user permissions. Learn more at https://docs.turnkey.com/concepts/policies/quickstart.",` +
		`"details":[{"@type":"type.googleapis.com/errors.v1.PolicyEnginePermissionError","message":"` + why + `","policyEvaluations":` + evaluations + `}],"turnkeyErrorCode":"REQUEST_NOT_AUTHORIZED"}`
	if got := strings.TrimSpace(string(a.raw)); a.status != 403 || got != want {
		a.t.Errorf("status %d, body\n%s, want 403 and\n%s", a.status, got, want)
	}
}

func (a answer) is(want string) answer {
	a.t.Helper()
	if got := a.ok().text("activity", "status"); got != "ACTIVITY_STATUS_"+want {
		a.t.Fatalf("status %s, want %s: %s", got, want, a.raw)
	}
	return a
}

func (a answer) print() m { return m{"fingerprint": a.text("activity", "fingerprint")} }

// The table of decisions: what policies of which effects, conditions and consensus make of one request.
func TestPoliciesDecide(t *testing.T) {
	const fails = "private_key.id == 'k'"
	type rule struct{ effect, consensus, condition, time, outcome string }
	for _, c := range []struct {
		name  string
		rules []rule
		want  string // COMPLETED, CONSENSUS_NEEDED or DENIED
	}{
		{"none", nil, "DENIED"},
		{"allow", []rule{{"ALLOW", "", createsWallets, "", "ALLOW"}}, "COMPLETED"},
		{"allow everything", []rule{{"ALLOW", "", "", "", "ALLOW"}}, "COMPLETED"},
		{"allow and deny", []rule{{"ALLOW", "", createsWallets, "", "ALLOW"}, {"DENY", "", createsWallets, "", "DENY_EXPLICIT"}}, "DENIED"},
		{"deny and allow", []rule{{"DENY", "", createsWallets, "", "DENY_EXPLICIT"}, {"ALLOW", "", createsWallets, "", "ALLOW"}}, "DENIED"},
		{"allow something else", []rule{{"ALLOW", "", "activity.resource == 'POLICY'", "", "DENY_IMPLICIT"}}, "DENIED"},
		{"deny something else", []rule{{"DENY", "", "activity.resource == 'POLICY'", "", "DENY_IMPLICIT"}}, "DENIED"},
		{"deny something else, allow this", []rule{{"DENY", "", "activity.resource == 'POLICY'", "", "DENY_IMPLICIT"}, {"ALLOW", "", "true", "", "ALLOW"}}, "COMPLETED"},
		{"an error", []rule{{"ALLOW", "", fails, "", "ERROR"}}, "DENIED"},
		{"an error behind a true side", []rule{{"ALLOW", "", "true || " + fails, "", "ERROR"}}, "DENIED"},
		{"a denial's error", []rule{{"DENY", "", fails, "", "ERROR"}, {"ALLOW", "", "", "", "ALLOW"}}, "COMPLETED"},
		{"consensus of one", []rule{{"ALLOW", "ONE", "", "", "ALLOW"}}, "COMPLETED"},
		{"consensus of both", []rule{{"ALLOW", "BOTH", "", "", "REQUIRES_CONSENSUS"}}, "CONSENSUS_NEEDED"},
		{"consensus of the other", []rule{{"ALLOW", "OTHER", "", "", "DENY_IMPLICIT"}}, "DENIED"},
		{"consensus of both, for something else", []rule{{"ALLOW", "BOTH", "false", "", "DENY_IMPLICIT"}}, "DENIED"},
		{"consensus of both, denied", []rule{{"ALLOW", "BOTH", "", "", "REQUIRES_CONSENSUS"}, {"DENY", "ONE", "", "", "DENY_EXPLICIT"}}, "DENIED"},
		{"consensus of both, or one", []rule{{"ALLOW", "BOTH", "", "", "REQUIRES_CONSENSUS"}, {"ALLOW", "ONE", "", "", "ALLOW"}}, "COMPLETED"},
		{"denial by both", []rule{{"DENY", "BOTH", "", "", "DENY_IMPLICIT"}, {"ALLOW", "", "", "", "ALLOW"}}, "COMPLETED"},
		{"consensus of strangers", []rule{{"ALLOW", "approvers.filter(u, u.tags.contains('" + nowhere + "')).count() >= 2", "", "", "DENY_IMPLICIT"}}, "DENIED"},
		{"a count", []rule{{"ALLOW", "approvers.count() >= 2", "", "", "REQUIRES_CONSENSUS"}}, "CONSENSUS_NEEDED"},
		{"by credential", []rule{{"ALLOW", "credentials.any(c, c.type == 'CREDENTIAL_TYPE_API_KEY_P256')", "", "", "ALLOW"}}, "COMPLETED"},
		{"by a passkey", []rule{{"ALLOW", "credentials.any(c, c.type == 'CREDENTIAL_TYPE_WEBAUTHN_AUTHENTICATOR')", "", "", "DENY_IMPLICIT"}}, "DENIED"},
		{"time over", []rule{{"ALLOW", "", "", "time.now < Timestamp('2020-01-01T00:00:00Z')", "TIME_INACTIVE"}}, "DENIED"},
		{"denial's time over", []rule{{"DENY", "", "", "time.now < Timestamp('2020-01-01T00:00:00Z')", "TIME_INACTIVE"}, {"ALLOW", "", "", "", "ALLOW"}}, "COMPLETED"},
		{"time now", []rule{{"ALLOW", "", "", "time.now > Timestamp('2020-01-01T00:00:00Z')", "ALLOW"}}, "COMPLETED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBox(t, Options{})
			one, other := b.root.member("one"), b.root.member("other")
			consensus := map[string]string{"ONE": approvedBy(one), "OTHER": approvedBy(other), "BOTH": approvedBy(one, other)}
			var outcomes []string
			for _, r := range c.rules {
				if long := consensus[r.consensus]; long != "" {
					r.consensus = long
				}
				outcomes = append(outcomes, b.root.policy(r.effect, r.consensus, r.condition, r.time)+" "+r.outcome)
			}
			a := one.wallet()
			if c.want == "DENIED" {
				a.deniedBy(outcomes...)
			} else {
				a.is(c.want)
			}
			list := b.root.query("list_activities", m{"filterByType": []string{"ACTIVITY_TYPE_CREATE_WALLET"}}).ok()
			id := list.text("activities", "0", "id")
			said := b.root.query("get_policy_evaluations", m{"activityId": id}).ok()
			if got := said.text("policyEvaluations", "0", "voteId"); got != list.text("activities", "0", "votes", "0", "id") {
				t.Errorf("the evaluation is of vote %s", got)
			}
			var want []any
			for _, o := range outcomes {
				id, outcome, _ := strings.Cut(o, " ")
				want = append(want, m{"policyId": id, "outcome": "OUTCOME_" + outcome})
			}
			if got := said.at("policyEvaluations", "0", "policyEvaluations"); fmt.Sprint(got) != fmt.Sprint(append([]any{}, want...)) {
				t.Errorf("evaluations %v, want %v", got, want)
			}
		})
	}
}

// A policy's consensus is completed by those whom it names, and by nobody else; the denied activity stays visible.
func TestConsensusThroughAPolicy(t *testing.T) {
	b := newBox(t, Options{StateDir: t.TempDir()})
	one, two, three := b.root.member("one"), b.root.member("two"), b.root.member("three")
	id := b.root.policy("ALLOW", approvedBy(one, two), createsWallets, "")
	asked := one.wallet().is("CONSENSUS_NEEDED")

	three.wallet().deniedBy(id + " DENY_IMPLICIT")
	three.submit("APPROVE_ACTIVITY", asked.print()).deniedBy()
	three.submit("REJECT_ACTIVITY", asked.print()).deniedBy()
	may := func(w *who) bool {
		a := w.query("get_activity", m{"activityId": asked.text("activity", "id")}).ok()
		return a.at("activity", "canApprove").(bool) && a.at("activity", "canReject").(bool)
	}
	if may(one) || !may(two) || may(three) || !may(b.root) {
		t.Error("canApprove is not for those alone whose approval counts")
	}
	done := two.submit("APPROVE_ACTIVITY", asked.print()).is("COMPLETED")
	done.result("createWalletResult").text("walletId")
	said := b.root.query("get_policy_evaluations", m{"activityId": asked.text("activity", "id")}).ok()
	if got := said.text("policyEvaluations", "1", "policyEvaluations", "0", "outcome"); got != "OUTCOME_ALLOW" {
		t.Errorf("at the second vote: %s", got)
	}

	again := one.wallet().is("CONSENSUS_NEEDED")
	rejected := two.submit("REJECT_ACTIVITY", again.print()).is("REJECTED")
	said = b.root.query("get_policy_evaluations", m{"activityId": rejected.text("activity", "id")}).ok()
	if got := said.text("policyEvaluations", "1", "policyEvaluations", "0", "outcome"); got != "OUTCOME_REJECTED" {
		t.Errorf("after the rejection: %s", got)
	}
	one.wallet().is("CONSENSUS_NEEDED")
	b.root.submit("APPROVE_ACTIVITY", one.wallet().is("CONSENSUS_NEEDED").print()).is("COMPLETED") // the root quorum needs no policy
}

// A consensus of two with a tag is completed by whoever has it.
func TestConsensusByTag(t *testing.T) {
	b := newBox(t, Options{})
	tag := b.root.submit("CREATE_USER_TAG", m{"userTagName": "signers", "userIds": []string{}}).result("createUserTagResult").text("userTagId")
	tagged := []*who{b.root.member("a", tag), b.root.member("b", tag), b.root.member("c", tag)}
	plain := b.root.member("d")
	id := b.root.policy("ALLOW", "approvers.filter(user, user.tags.contains('"+tag+"')).count() >= 2", createsWallets, "")
	plain.wallet().deniedBy(id + " DENY_IMPLICIT")
	asked := tagged[2].wallet().is("CONSENSUS_NEEDED")
	plain.submit("APPROVE_ACTIVITY", asked.print()).deniedBy()
	tagged[0].submit("APPROVE_ACTIVITY", asked.print()).is("COMPLETED")
}

// The root quorum asks no policy, and a root user below it may be allowed by one.
func TestRootUsersAndPolicies(t *testing.T) {
	b := newBox(t, Options{})
	b.root.policy("DENY", "", "true", "")
	b.root.wallet().is("COMPLETED")
	activities := b.root.query("list_activities", m{"filterByType": []string{"ACTIVITY_TYPE_CREATE_WALLET"}}).ok()
	if said := b.root.query("get_policy_evaluations", m{"activityId": activities.text("activities", "0", "id")}).ok().at("policyEvaluations").([]any); len(said) != 0 {
		t.Errorf("policies were asked about a root quorum's activity: %v", said)
	}

	team := b.team(2, 2)
	first := team[0].submit("CREATE_POLICY_V3", m{"policyName": "alone", "effect": "EFFECT_ALLOW", "condition": createsWallets,
		"consensus": approvedBy(team[0]), "notes": ""}).is("CONSENSUS_NEEDED")
	team[1].submit("APPROVE_ACTIVITY", first.print()).is("COMPLETED")
	team[0].wallet().is("COMPLETED")
	team[1].wallet().is("CONSENSUS_NEEDED")
}

// A backend's user who is no root user signs people up and logs them in by a policy of the parent, and does no more.
func TestABackendsUserNeedsAPolicy(t *testing.T) {
	b := newBox(t, Options{})
	jane, backend := b.logIn("jane@doe.test"), b.root.member("backend")
	init := func() answer {
		return backend.in(jane.org).submit("INIT_OTP_V3", m{"otpType": "OTP_TYPE_EMAIL", "contact": "jane@doe.test", "appName": "x"})
	}
	init().deniedBy()
	id := b.root.policy("ALLOW", approvedBy(backend), "activity.resource in ['AUTH', 'OTP', 'ORGANIZATION'] && activity.action in ['CREATE', 'VERIFY']", "")
	init().is("COMPLETED")
	backend.submit("CREATE_SUB_ORGANIZATION_V8", m{"subOrganizationName": "joe", "rootQuorumThreshold": 1, "rootUsers": []m{{"userName": "joe", "apiKeys": []m{{
		"apiKeyName": "k", "publicKey": newKey().PublicKey(), "curveType": "API_KEY_CURVE_P256"}}, "authenticators": []m{}, "oauthProviders": []m{}}}}).is("COMPLETED")
	backend.wallet().deniedBy(id + " DENY_IMPLICIT")
	backend.in(jane.org).wallet().refused(400, "ORGANIZATION_MISMATCH", "organization mismatch")
	backend.submit("UPDATE_ORGANIZATION_NAME", m{"organizationName": "mine"}).deniedBy() // the root quorum's alone
}

// A passkey can be asked for: the credential that stamps is what counts, and not what the user has besides.
func TestAPolicyMayWantAPasskey(t *testing.T) {
	b := newBox(t, Options{})
	one := b.root.member("one")
	passkey := one.passkeyOf(newPhone(virtualwebauthn.KeyTypeEC2))
	id := b.root.policy("ALLOW", approvedBy(one)+" && credentials.any(c, c.type == 'CREDENTIAL_TYPE_WEBAUTHN_AUTHENTICATOR' && c.credential_id != '' && c.user_id == '"+one.user+"')", "", "")
	one.wallet().deniedBy(id + " DENY_IMPLICIT")
	passkey.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).is("COMPLETED")
}

// A window opens and closes with the sandbox's clock.
func TestAPolicyHasItsHours(t *testing.T) {
	b := newBox(t, Options{}) // begins on Thursday, 1 January 2026, 00:00 UTC
	one := b.root.member("one")
	id := b.root.policy("ALLOW", "", "", "CronSpan('0 9 * * 1-5', '8h', 'America/New_York')")
	one.wallet().deniedBy(id + " TIME_INACTIVE")
	b.time.advance(14*time.Hour - b.time.now().Sub(time.UnixMilli(1_767_225_600_000)))
	one.wallet().is("COMPLETED")
	b.time.advance(8 * time.Hour)
	one.wallet().deniedBy(id + " TIME_INACTIVE")
	b.time.advance(3*24*time.Hour - 8*time.Hour) // Sunday
	one.wallet().deniedBy(id + " TIME_INACTIVE")
}

// Own credentials need no policy, and one can forbid them.
func TestOwnCredentialsUnlessAPolicyDenies(t *testing.T) {
	b := newBox(t, Options{})
	one := b.root.member("one")
	add := func() answer {
		return one.submit("CREATE_API_KEYS_V2", m{"userId": one.user, "apiKeys": []m{{"apiKeyName": "k", "publicKey": newKey().PublicKey(), "curveType": "API_KEY_CURVE_P256"}}})
	}
	add().is("COMPLETED")
	id := b.root.policy("DENY", "approvers.any(user, user.id == '"+one.user+"')", "activity.resource == 'CREDENTIAL'", "")
	add().deniedBy(id + " DENY_EXPLICIT")
}

// What a policy says is checked when it is stored; the service's words are known for a field that does not exist.
func TestPoliciesAreChecked(t *testing.T) {
	b := newBox(t, Options{})
	create := func(change m) answer {
		p := m{"policyName": "p", "effect": "EFFECT_ALLOW", "notes": ""}
		for k, v := range change {
			p[k] = v
		}
		return b.root.submit("CREATE_POLICY_V3", p)
	}
	const invalid = "REQUEST_INVALID"
	create(m{"condition": "wallet_account.path == ''"}).refused(400, invalid, "invalid policy condition: Expression cannot be evaluated: field does not exist: path")
	create(m{"consensus": "approvers.any(u, u.nme == 'x')"}).refused(400, invalid, "invalid policy consensus: Expression cannot be evaluated: field does not exist: nme")
	create(m{"condition": "approvers.count() > 1"}).refused(400, invalid, "invalid policy condition: Expression cannot be evaluated: keyword does not exist: approvers")
	create(m{"condition": "true &&"}).refused(400, invalid, "invalid policy condition: Expression cannot be parsed: unexpected end at position 7")
	create(m{"time": "time.now"}).refused(400, invalid, "invalid policy time: ")
	create(m{"effect": "EFFECT_MAYBE"}).refused(400, invalid, "invalid policy effect")
	create(m{"policyName": ""}).refused(400, invalid, "policyName")
	create(nil).result("createPolicyResult")
	create(nil).refused(400, invalid, "policy label must be unique")
	b.root.submit("CREATE_POLICIES", m{"policies": []m{
		{"policyName": "q", "effect": "EFFECT_DENY", "notes": ""}, {"policyName": "q", "effect": "EFFECT_DENY", "notes": ""}}}).refused(400, invalid, "policy label must be unique")
	b.root.submit("CREATE_POLICIES", m{"policies": []m{}}).refused(400, invalid, "no policies provided")
	if got := len(b.root.query("list_policies", nil).ok().at("policies").([]any)); got != 1 {
		t.Errorf("%d policies", got)
	}
	b.root.submit("CREATE_POLICY", m{}).refused(501, "UNSPECIFIED", "ACTIVITY_TYPE_CREATE_POLICY")
}

// The life of policies, through a restart, and the limit of them.
func TestPoliciesLiveAndGo(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t, Options{StateDir: dir})
	ids := b.root.submit("CREATE_POLICIES", m{"policies": []m{
		{"policyName": "first", "effect": "EFFECT_ALLOW", "notes": "of one", "condition": "true", "consensus": "true", "time": "time.now > Timestamp('2020-01-01T00:00:00Z')"},
		{"policyName": "second", "effect": "EFFECT_DENY", "notes": ""}}}).result("createPoliciesResult").at("policyIds").([]any)
	first, second := ids[0].(string), ids[1].(string)

	b.root.submit("UPDATE_POLICY_V2", m{"policyId": first, "policyName": "second"}).refused(400, "REQUEST_INVALID", "policy label must be unique")
	b.root.submit("UPDATE_POLICY_V2", m{"policyId": first, "policyCondition": "nope"}).refused(400, "REQUEST_INVALID", "invalid policy condition")
	b.root.submit("UPDATE_POLICY_V2", m{"policyId": nowhere}).refused(404, "REQUEST_INVALID", "no policy found")
	b.root.submit("UPDATE_POLICY_V2", m{"policyId": first, "policyName": "1", "policyCondition": "activity.action == 'SIGN'", "time": ""}).result("updatePolicyResultV2").text("policyId")
	b.root.submit("UPDATE_POLICY", m{"policyId": second, "policyEffect": "EFFECT_ALLOW", "policyNotes": "changed"}).result("updatePolicyResult").text("policyId")
	want := []string{`{"condition":"activity.action == 'SIGN'","consensus":"true","effect":"EFFECT_ALLOW","notes":"of one","policyName":"1"}`,
		`{"condition":"","consensus":"","effect":"EFFECT_ALLOW","notes":"changed","policyName":"second"}`}
	check := func(b *box) {
		t.Helper()
		for i, id := range []string{first, second} {
			p := b.root.query("get_policy", m{"policyId": id}).ok().at("policy").(m)
			if p["policyId"] != id || p["createdAt"] == nil || p["updatedAt"] == nil {
				t.Errorf("policy %v", p)
			}
			for _, k := range []string{"policyId", "createdAt", "updatedAt"} {
				delete(p, k)
			}
			if got, _ := json.Marshal(p); !strings.Contains(want[i], "") || string(mustJSON(p)) != want[i] {
				t.Errorf("policy %s, want %s", got, want[i])
			}
		}
	}
	check(b)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = newBox(t, Options{StateDir: dir})
	check(b)
	b.root.submit("DELETE_POLICY", m{"policyId": first}).result("deletePolicyResult").text("policyId")
	b.root.submit("DELETE_POLICIES", m{"policyIds": []string{second, nowhere}}).refused(404, "REQUEST_INVALID", "no policy found")
	b.root.submit("DELETE_POLICIES", m{"policyIds": []string{second, second}}).result("deletePoliciesResult")
	if got := len(b.root.query("list_policies", nil).ok().at("policies").([]any)); got != 0 {
		t.Errorf("%d policies are left", got)
	}

	many := make([]m, rulesMax)
	for i := range many {
		many[i] = m{"policyName": fmt.Sprint(i), "effect": "EFFECT_ALLOW", "notes": ""}
	}
	b.root.submit("CREATE_POLICIES", m{"policies": many}).result("createPoliciesResult")
	b.root.submit("CREATE_POLICY_V3", m{"policyName": "one more", "effect": "EFFECT_ALLOW", "notes": ""}).refused(429, "UNSPECIFIED", "policies")
}

// Every activity that policies can allow has a resource and an action, but for two that the service's list leaves out.
func TestEveryActivityHasAResource(t *testing.T) {
	for _, e := range endpoints() {
		kinds, _ := e.(submitOf)
		for name, k := range kinds {
			if k.read == nil || k.rights&quorumOnly != 0 || strings.HasSuffix(name, "_ACTIVITY") ||
				name == "ACTIVITY_TYPE_CREATE_READ_ONLY_SESSION" || name == "ACTIVITY_TYPE_RECOVER_USER" {
				continue
			}
			if kind, resource, action := described(name); kind == "" || resource == "" || action == "" {
				t.Errorf("%s: kind %q, resource %q, action %q", name, kind, resource, action)
			}
		}
	}
	for name, want := range map[string]string{
		"ACTIVITY_TYPE_SIGN_TRANSACTION_V2": "SIGN_TRANSACTION", "ACTIVITY_TYPE_CREATE_SUB_ORGANIZATION_V12": "CREATE_SUB_ORGANIZATION",
		"ACTIVITY_TYPE_DELETE_USERS": "DELETE_USERS", "ACTIVITY_TYPE_SOME_VALUE": "SOME_VALUE", "ACTIVITY_TYPE_X_V": "X_V",
	} {
		if kind, _, _ := described(name); kind != want && name != "ACTIVITY_TYPE_X_V" {
			t.Errorf("%s is of kind %s", name, kind)
		}
	}
}
