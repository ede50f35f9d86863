package sandbox

import (
	"slices"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/google/uuid"
)

// factor stores an MFA policy of a user's and returns its id. Each step is a list of types, or of "type id".
func (w *who) factor(user, condition string, order int, steps ...[]m) string {
	w.t.Helper()
	required := make([]m, len(steps))
	for i, s := range steps {
		required[i] = m{"any": s}
	}
	return w.submit("CREATE_MFA_POLICY", m{"userId": user, "mfaPolicyName": condition + " " + newKey().PublicKey(), "condition": condition, "order": order,
		"requiredAuthenticationMethods": required}).result("createMfaPolicyResult").text("mfaPolicyId")
}

func method(kind string) m { return m{"type": "AUTHENTICATION_TYPE_" + kind} }

// passkeyOf gives w's user a passkey and returns who stamps with it.
func (w *who) passkeyOf(p *phone) by {
	w.t.Helper()
	w.submit("CREATE_AUTHENTICATORS_V2", m{"userId": w.user, "authenticators": []m{p.register("passkey")}}).result("createAuthenticatorsResult")
	return by{w.box, w.org, p}
}

// What is wanted is asked of root users too, in any order, and the activity runs when all of it is there.
func TestMoreFactorsAreAskedFor(t *testing.T) {
	b := newBox(t, Options{StateDir: t.TempDir()})
	jane := b.logIn("jane@doe.test")
	passkey := jane.passkeyOf(newPhone(virtualwebauthn.KeyTypeEC2))
	id := jane.factor(jane.user, createsWallets, 0, []m{method("SESSION")}, []m{method("PASSKEY"), method("SMS_OTP")}, []m{method("EMAIL_OTP")})

	asked := jane.wallet().is("AUTHENTICATORS_NEEDED")
	state := func() (satisfied bool, methods []string) {
		t.Helper()
		s := jane.query("get_mfa_status", m{"activityId": asked.text("activity", "id")}).ok()
		if s.text("mfaStatuses", "0", "mfaPolicyId") != id || s.text("mfaStatuses", "0", "userId") != jane.user || len(s.at("mfaStatuses", "0", "requiredMethods").([]any)) != 3 {
			t.Errorf("status %s", s.raw)
		}
		for _, v := range s.at("mfaStatuses", "0", "satisfiedMethods").([]any) {
			methods = append(methods, v.(m)["type"].(string))
		}
		return s.at("mfaStatuses", "0", "satisfied").(bool), methods
	}
	if done, methods := state(); done || !slices.Equal(methods, []string{bySession}) {
		t.Errorf("after the request: %v %v", done, methods)
	}
	if got := jane.query("get_activity", m{"activityId": asked.text("activity", "id")}).ok(); got.at("activity", "canApprove") != true {
		t.Error("the one of whom more is wanted may not approve")
	}
	if got := jane.submit("APPROVE_ACTIVITY", asked.print()).is("AUTHENTICATORS_NEEDED"); len(got.at("activity", "votes").([]any)) != 1 {
		t.Error("the same session counts twice")
	}
	if got := passkey.submit("APPROVE_ACTIVITY", asked.print()).is("AUTHENTICATORS_NEEDED"); len(got.at("activity", "votes").([]any)) != 2 {
		t.Errorf("after the passkey: %s", got.raw)
	}
	if done, methods := state(); done || !slices.Equal(methods, []string{bySession, byPasskey}) {
		t.Errorf("after the passkey: %v %v", done, methods)
	}
	key := newKey()
	token := by{b, jane.org, attestedBy(key, b.root.verifyOTP("jane@doe.test", key))}
	token.submit("APPROVE_ACTIVITY", asked.print()).is("COMPLETED").result("createWalletResult").text("walletId")
	if done, methods := state(); !done || !slices.Equal(methods, []string{bySession, byPasskey, byEmailOTP}) {
		t.Errorf("at the end: %v %v", done, methods)
	}

	// Nothing is wanted for anything else, and a token alone is no approval.
	jane.submit("CREATE_POLICY_V3", m{"policyName": "p", "effect": "EFFECT_ALLOW", "notes": ""}).is("COMPLETED")
	b.team(2, 2)[0].wallet().is("CONSENSUS_NEEDED")
}

// Of several policies the first that applies counts, and no other. One that cannot be evaluated does not apply.
func TestOneMFAPolicyCounts(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	jane.factor(jane.user, "private_key.id == 'k'", 1, []m{method("PASSKEY"), method("EMAIL_OTP")})
	jane.factor(jane.user, "true", 5, []m{method("EMAIL_OTP")})
	jane.wallet().is("AUTHENTICATORS_NEEDED")
	key := newKey()
	token := by{b, jane.org, attestedBy(key, b.root.verifyOTP("jane@doe.test", key))}
	made := jane.submit("CREATE_MFA_POLICY", m{"userId": jane.user, "mfaPolicyName": "wallets by session", "condition": createsWallets, "order": 2,
		"requiredAuthenticationMethods": []m{{"any": []m{method("SESSION")}}}}).is("AUTHENTICATORS_NEEDED")
	id := token.submit("APPROVE_ACTIVITY", made.print()).result("createMfaPolicyResult").text("mfaPolicyId")
	jane.wallet().is("COMPLETED")
	gone := jane.submit("DELETE_MFA_POLICY", m{"userId": jane.user, "mfaPolicyId": id}).is("AUTHENTICATORS_NEEDED")
	token.submit("APPROVE_ACTIVITY", gone.print()).result("deleteMfaPolicyResult")
	jane.wallet().is("AUTHENTICATORS_NEEDED")
}

// First the one who asks proves who it is, then others are asked; and each of them proves it too.
func TestFactorsBeforeConsensus(t *testing.T) {
	b := newBox(t, Options{})
	team := b.team(2, 2)
	for i, w := range team {
		for _, change := range []answer{
			w.submit("CREATE_AUTHENTICATORS_V2", m{"userId": w.user, "authenticators": []m{}}),
			w.submit("CREATE_MFA_POLICY", m{"userId": w.user, "mfaPolicyName": "f", "condition": createsWallets, "order": i,
				"requiredAuthenticationMethods": []m{{"any": []m{method("SESSION")}}}}).is("CONSENSUS_NEEDED"),
		} {
			if change.status == 200 && change.text("activity", "status") == "ACTIVITY_STATUS_CONSENSUS_NEEDED" {
				team[1-i].submit("APPROVE_ACTIVITY", change.print()).is("COMPLETED")
			}
		}
	}
	session := func(w *who) *who {
		key := newKey()
		w.submit("STAMP_LOGIN", m{"publicKey": key.PublicKey()}).is("COMPLETED")
		return w.with(key)
	}
	first, second := session(team[0]), session(team[1])
	asked := team[0].wallet().is("AUTHENTICATORS_NEEDED")
	team[1].submit("APPROVE_ACTIVITY", asked.print()).deniedBy()
	first.submit("APPROVE_ACTIVITY", asked.print()).is("CONSENSUS_NEEDED")
	team[1].submit("APPROVE_ACTIVITY", asked.print()).is("AUTHENTICATORS_NEEDED")
	second.submit("APPROVE_ACTIVITY", asked.print()).is("COMPLETED")

	fast := first.wallet().is("CONSENSUS_NEEDED")
	second.submit("APPROVE_ACTIVITY", fast.print()).is("COMPLETED")
}

func TestMFAPoliciesAreChecked(t *testing.T) {
	b := newBox(t, Options{StateDir: t.TempDir()})
	jane := b.logIn("jane@doe.test")
	create := func(change m) answer {
		p := m{"userId": jane.user, "mfaPolicyName": "f", "condition": "activity.action == 'SIGN'", "order": 3, "notes": "n",
			"requiredAuthenticationMethods": []m{{"any": []m{method("SESSION")}}}}
		for k, v := range change {
			p[k] = v
		}
		return jane.submit("CREATE_MFA_POLICY", p)
	}
	steps := func(methods ...m) m {
		return m{"requiredAuthenticationMethods": []m{{"any": append([]m{}, methods...)}}}
	}
	const invalid = "REQUEST_INVALID"
	create(steps(method("PASSKEY"))).refused(400, invalid, "user ("+jane.user+") cannot satisfy mfa policy requirement: mfa policy 'f' requires one of [\"Passkey\"] but user does not, or will not, have a matching credential")
	create(steps(method("PASSKEY"), method("OAUTH"))).refused(400, invalid, `requires one of ["Passkey", "Oauth"]`)
	create(steps(method("SMS_OTP"))).refused(400, invalid, "cannot satisfy")
	create(steps(method("API_KEY"))).refused(400, invalid, "cannot satisfy") // a session is none
	create(steps(m{"type": "AUTHENTICATION_TYPE_SESSION", "id": nowhere})).refused(400, invalid, "cannot satisfy")
	create(steps(m{"type": "AUTHENTICATION_TYPE_EMAIL_OTP", "id": nowhere})).refused(400, invalid, "cannot satisfy")
	create(steps(method("FACE"))).refused(400, invalid, "invalid authentication type")
	create(steps()).refused(400, invalid, "authentication methods")
	create(m{"requiredAuthenticationMethods": []m{}}).refused(400, invalid, "authentication methods")
	create(m{"condition": "wallet.nme == ''"}).refused(400, invalid, "invalid policy condition: Expression cannot be evaluated: field does not exist: nme")
	create(m{"userId": nowhere}).refused(404, invalid, "no user found")
	id := create(steps(m{"type": "AUTHENTICATION_TYPE_SESSION", "id": "00000000-0000-0000-0000-000000000000"}, method("PASSKEY"))).result("createMfaPolicyResult").text("mfaPolicyId")
	create(nil).refused(400, invalid, "mfa policy label must be unique")

	jane.submit("UPDATE_MFA_POLICY", m{"userId": jane.user, "mfaPolicyId": nowhere}).refused(404, invalid, "no mfa policy found")
	jane.submit("UPDATE_MFA_POLICY", m{"userId": jane.user, "mfaPolicyId": id, "condition": "nope"}).refused(400, invalid, "invalid policy condition")
	jane.submit("UPDATE_MFA_POLICY", m{"userId": jane.user, "mfaPolicyId": id, "order": 1763737200000, "mfaPolicyName": "g", "notes": "other"}).result("updateMfaPolicyResult")
	one := jane.query("get_mfa_policy", m{"userId": jane.user, "mfaPolicyId": id}).ok()
	if one.text("mfaPolicy", "mfaPolicyName") != "g" || one.at("mfaPolicy", "order") != 1763737200000.0 || one.text("mfaPolicy", "condition") != "activity.action == 'SIGN'" ||
		one.text("mfaPolicy", "requiredAuthenticationMethods", "0", "any", "1", "type") != byPasskey {
		t.Errorf("%s", one.raw)
	}
	if got := jane.query("get_mfa_policies", m{"userId": jane.user}).ok(); got.text("mfaPolicies", "0", "mfaPolicyId") != id {
		t.Errorf("%s", got.raw)
	}
	if got := jane.query("get_user", m{"userId": jane.user}).ok(); got.text("user", "mfaPolicies", "0", "mfaPolicyId") != id {
		t.Errorf("%s", got.raw)
	}
	jane.query("get_mfa_status", m{"activityId": nowhere}).refused(404, invalid, "no activity found")
	if got := jane.query("get_mfa_status", m{"activityId": create(m{"mfaPolicyName": "another"}).text("activity", "id")}).ok().at("mfaStatuses").([]any); len(got) != 0 {
		t.Errorf("factors were wanted of what needed none: %v", got)
	}
}

// A session with a profile does what the scope allows; votes are measured by what they are on.
func TestASessionStaysInItsScope(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	begin := func(w *who, scope string) *who {
		key := newKey()
		w.submit("STAMP_LOGIN", m{"publicKey": key.PublicKey(), "sessionProfileId": b.profile(newKey().PublicKey(), scope, nil)}).result("stampLoginResult")
		return w.with(key)
	}
	narrow, open, broken := begin(jane, createsWallets), begin(jane, "true"), begin(jane, "private_key.id == 'k'")
	narrow.wallet().is("COMPLETED")
	narrow.submit("CREATE_POLICY_V3", m{"policyName": "p", "effect": "EFFECT_ALLOW", "notes": ""}).deniedBy()
	narrow.query("list_wallets", nil).ok()
	open.submit("CREATE_POLICY_V3", m{"policyName": "p", "effect": "EFFECT_ALLOW", "notes": ""}).is("COMPLETED")
	broken.wallet().deniedBy()

	team := b.team(2, 2)
	voter := begin(team[1], createsWallets)
	wallet := team[0].wallet().is("CONSENSUS_NEEDED")
	rule := team[0].submit("CREATE_POLICY_V3", m{"policyName": "p", "effect": "EFFECT_ALLOW", "notes": ""}).is("CONSENSUS_NEEDED")
	voter.submit("APPROVE_ACTIVITY", rule.print()).deniedBy()
	voter.submit("APPROVE_ACTIVITY", wallet.print()).is("COMPLETED")
	team[1].submit("APPROVE_ACTIVITY", rule.print()).is("COMPLETED")
}

// A condition sees the transaction that is signed, with the wallet and the account that sign it.
func TestPoliciesSeeWhatIsSigned(t *testing.T) {
	b := newBox(t, Options{})
	made := b.root.submit("CREATE_WALLET", m{"walletName": "Treasury", "accounts": []m{ethereum(0)}}).result("createWalletResult")
	wallet, address := made.text("walletId"), made.text("addresses", "0")
	one := b.root.member("one")
	sign := func() answer {
		return one.submit("SIGN_TRANSACTION_V2", m{"signWith": address, "type": "TRANSACTION_TYPE_ETHEREUM",
			"unsignedTransaction": "eb808504a817c8008252089478839f6054d7ed13918bae0473ba31b1ca9d726587038d7ea4c6800080018080"})
	}
	for _, c := range []struct{ condition, outcome string }{
		{"eth.tx.to == '0x78839F6054d7ed13918bAe0473BA31b1Ca9D7265' && eth.tx.value == 1000000000000000 && eth.tx.nonce == 0 && eth.tx.type == 'LEGACY'", "ALLOW"},
		{"eth.tx.gas == 21000 && eth.tx.gas_price == 20000000000 && eth.tx.chain_id == 1 && eth.tx.data == '0x'", "ALLOW"},
		{"eth.tx.from == wallet_account.address && wallet.id == '" + wallet + "' && wallet.label == 'Treasury' && !wallet.imported", "ALLOW"},
		{"activity.kind == 'SIGN_TRANSACTION' && activity.resource == 'PRIVATE_KEY' && activity.action == 'SIGN' && activity.params.type == 'TRANSACTION_TYPE_ETHEREUM'", "ALLOW"},
		{"eth.tx.value < 1000000000000000", "DENY_IMPLICIT"},
		{"eth.tx.to == '0x0000000000000000000000000000000000000000'", "DENY_IMPLICIT"},
		{"wallet.id == '" + wallet + "' || private_key.id == ''", "ERROR"},
		{"solana.tx.transfers.count() == 0", "ERROR"},
		{"activity.params.hash_function == ''", "ERROR"},
		{"wallet_account.path_indexes.count() == 5", "ERROR"},
		{"eth.tx.function_name == 'transfer'", "ERROR"},
	} {
		id := b.root.policy("ALLOW", approvedBy(one), c.condition, "")
		if a := sign(); c.outcome == "ALLOW" {
			a.is("COMPLETED")
		} else {
			a.deniedBy(id + " " + c.outcome)
		}
		b.root.submit("DELETE_POLICY", m{"policyId": id}).result("deletePolicyResult")
	}
	id := b.root.policy("ALLOW", "", "activity.kind == 'EXPORT_WALLET_ACCOUNT' && wallet_account.path_indexes[1] == 60 && wallet_account.path_indexes.count() == 5"+
		" && wallet_account.path_hardened[2] && !wallet_account.path_hardened[4] && activity.params.target_public_key != ''", "")
	export := func() answer {
		return one.submit("EXPORT_WALLET_ACCOUNT", m{"address": address, "targetPublicKey": newKey().PublicKey()})
	}
	export().is("COMPLETED")
	deny := b.root.policy("DENY", "", "activity.kind == 'EXPORT_WALLET_ACCOUNT' && wallet_account.path_indexes[1] == 60", "")
	export().deniedBy(id+" ALLOW", deny+" DENY_EXPLICIT")
}

// The documented way to a session that takes two factors: the code's token begins the log-in, the passkey completes it.
// Signing then takes a session of one profile, and no other.
func TestTwoFactorsForASession(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	passkey := jane.passkeyOf(newPhone(virtualwebauthn.KeyTypeEC2))
	strong := b.profile("strong", "true", m{"expirationSeconds": "300"})
	jane.factor(jane.user, "activity.action == 'SIGN'", 1, []m{{"type": "AUTHENTICATION_TYPE_SESSION", "id": strong}})
	jane.factor(jane.user, "activity.resource == 'AUTH' && activity.params.session_profile_id == '"+strong+"'", 2,
		[]m{{"type": "AUTHENTICATION_TYPE_SESSION", "id": (uuid.UUID{}).String()}}, []m{method("PASSKEY")})
	jane.factor(jane.user, "activity.resource == 'AUTH'", 3, []m{method("EMAIL_OTP")}, []m{method("PASSKEY")})
	account := jane.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{ethereum(0)}}).result("createWalletResult").text("addresses", "0")

	key := newKey()
	token := by{b, jane.org, attestedBy(key, b.root.verifyOTP("jane@doe.test", key))}
	asked := token.submit("STAMP_LOGIN", m{"publicKey": key.PublicKey()}).is("AUTHENTICATORS_NEEDED")
	jane.with(key).query("whoami", nil).refused(401, "PUBLIC_KEY_NOT_FOUND", "could not find public key")
	done := passkey.submit("APPROVE_ACTIVITY", asked.print())
	done.result("stampLoginResult").text("session")
	session := jane.with(key)
	session.query("whoami", nil).ok()

	sign := m{"signWith": account, "payload": "00", "encoding": "PAYLOAD_ENCODING_HEXADECIMAL", "hashFunction": "HASH_FUNCTION_SHA256"}
	waiting := session.submit("SIGN_RAW_PAYLOAD_V2", sign).is("AUTHENTICATORS_NEEDED")
	upgraded := newKey()
	up := session.submit("STAMP_LOGIN", m{"publicKey": upgraded.PublicKey(), "sessionProfileId": strong}).is("AUTHENTICATORS_NEEDED")
	passkey.submit("APPROVE_ACTIVITY", up.print()).result("stampLoginResult").text("session")
	jane.with(upgraded).submit("APPROVE_ACTIVITY", waiting.print()).result("signRawPayloadResult").text("r")
	jane.with(upgraded).submit("SIGN_RAW_PAYLOAD_V2", sign).result("signRawPayloadResult").text("r")
}

// A token is a factor where factors are wanted, and no approval anywhere else. Factors lapse with the votes that showed
// them.
func TestATokenAloneApprovesNothing(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	bob := jane.hire("bob", nil)
	jane.policy("ALLOW", approvedBy(bob, jane), createsWallets, "")
	key := newKey()
	token := by{b, jane.org, attestedBy(key, b.root.verifyOTP("jane@doe.test", key))}
	asked := bob.wallet().is("CONSENSUS_NEEDED")
	token.submit("APPROVE_ACTIVITY", asked.print()).refused(401, "SIGNATURE_MISSING", "cannot authenticate")
	passkey := jane.passkeyOf(newPhone(virtualwebauthn.KeyTypeEC2))
	signing := jane.factor(jane.user, "activity.action == 'SIGN'", 0, []m{method("EMAIL_OTP")})
	token.submit("APPROVE_ACTIVITY", asked.print()).refused(401, "SIGNATURE_MISSING", "cannot authenticate")
	token.submit("REJECT_ACTIVITY", asked.print()).refused(401, "SIGNATURE_MISSING", "cannot authenticate")
	jane.submit("UPDATE_MFA_POLICY", m{"userId": jane.user, "mfaPolicyId": signing, "condition": createsWallets,
		"requiredAuthenticationMethods": []m{{"any": []m{method("EMAIL_OTP")}}, {"any": []m{method("PASSKEY")}}}}).is("COMPLETED")
	passkey.submit("APPROVE_ACTIVITY", asked.print()).is("AUTHENTICATORS_NEEDED")
	b.time.advance(25 * time.Hour)
	bob.submit("APPROVE_ACTIVITY", asked.print())
	fresh := newKey()
	token = by{b, jane.org, attestedBy(fresh, b.root.verifyOTP("jane@doe.test", fresh))}
	token.submit("APPROVE_ACTIVITY", asked.print()).is("AUTHENTICATORS_NEEDED")
	passkey.submit("APPROVE_ACTIVITY", asked.print()).is("COMPLETED")
}
