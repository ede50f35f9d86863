package sandbox

import (
	"slices"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
)

// recoveryKey is what a recovery of Jane's sends her.
func (b *box) recoveryKey(jane *who, kind string, customization m) *keyOf {
	b.t.Helper()
	target := newKey()
	r := b.root.in(jane.org).submit(kind, m{"email": "jane@doe.test", "targetPublicKey": target.PublicKey(), "emailCustomization": customization}).
		result("initUserEmailRecoveryResult")
	if got := r.text("userId"); got != jane.user {
		b.t.Errorf("recovers %s", got)
	}
	mail := b.newestMessage("jane@doe.test")
	if mail.text("kind") != "recovery" || mail.text("link") == "" {
		b.t.Errorf("message %s", mail.raw)
	}
	return b.open(target, mail.text("bundle"))
}

func TestAMailedKeyRecoversAUser(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	for kind, customization := range map[string]m{"INIT_USER_EMAIL_RECOVERY": nil, "INIT_USER_EMAIL_RECOVERY_V2": {"appName": "Tests"}} {
		t.Run(kind, func(t *testing.T) {
			lost := jane.with(b.recoveryKey(jane, kind, customization))
			if got := jane.keyKinds(); !slices.Contains(got, "CREDENTIAL_TYPE_RECOVER_USER_KEY_P256") {
				t.Errorf("keys %v", got)
			}
			passkey := newPhone(virtualwebauthn.KeyTypeEC2)
			done := lost.submit("RECOVER_USER", m{"userId": jane.user, "authenticator": passkey.register("new")})
			r := done.result("recoverUserResult")
			found := jane.query("get_user", m{"userId": jane.user}).ok().at("user", "authenticators").([]any)
			if got := found[len(found)-1].(m)["authenticatorId"]; got != r.text("authenticatorId", "0") {
				t.Errorf("authenticators %v", found)
			}
			recovered := by{b, jane.org, passkey}
			if got := recovered.query("whoami", nil).ok().text("userId"); got != jane.user {
				t.Errorf("the passkey is of %s", got)
			}
			followed := lost.query("get_activity", m{"activityId": done.text("activity", "id")}).result("recoverUserResult")
			if got := followed.text("authenticatorId", "0"); got != r.text("authenticatorId", "0") {
				t.Errorf("the activity says %s", got)
			}
		})
	}
}

func TestARecoveryKeyDoesNothingElse(t *testing.T) {
	b := newBox(t, Options{})
	team := b.team(2, 1)
	jane := b.logIn("jane@doe.test")
	lost := jane.with(b.recoveryKey(jane, "INIT_USER_EMAIL_RECOVERY", nil))
	waiting := jane.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).ok()
	ids := m{"userId": jane.user, "walletId": nowhere, "address": "0x", "apiKeyId": nowhere}
	for _, name := range []string{"STAMP_LOGIN", "CREATE_API_KEYS", "CREATE_AUTHENTICATORS_V2", "CREATE_READ_ONLY_SESSION", "CREATE_READ_WRITE_SESSION_V2", "DELETE_API_KEYS", "CREATE_WALLET"} {
		lost.submit(name, parametersFor("ACTIVITY_TYPE_"+name, ids)).refused(403, "FORBIDDEN", "recovery credentials can only be used to recover a user")
	}
	lost.submit("APPROVE_ACTIVITY", m{"fingerprint": waiting.text("activity", "fingerprint")}).refused(403, "FORBIDDEN", "recovery credentials")
	lost.query("whoami", nil).refused(403, "FORBIDDEN", "recovery credentials")
	lost.query("list_wallets", nil).refused(403, "FORBIDDEN", "recovery credentials")
	lost.submit("RECOVER_USER", m{"userId": team[0].user, "authenticator": newPhone(virtualwebauthn.KeyTypeEC2).register("x")}).
		refused(404, "REQUEST_INVALID", "no user found")
	jane.submit("RECOVER_USER", m{"userId": jane.user, "authenticator": newPhone(virtualwebauthn.KeyTypeEC2).register("x")}).refused(403, "FORBIDDEN", "recovery credentials")
	lost.submit("RECOVER_USER", m{"userId": jane.user, "authenticator": m{"authenticatorName": "x", "challenge": "x"}}).refused(400, "REQUEST_INVALID", "attestation")

	b.time.advance(15 * time.Minute)
	lost.submit("RECOVER_USER", m{"userId": jane.user, "authenticator": newPhone(virtualwebauthn.KeyTypeEC2).register("x")}).refused(401, "API_KEY_EXPIRED", "expired api key")
}

func TestARecoveryReachesOneUserAlone(t *testing.T) {
	b := newBox(t, Options{})
	made := b.root.submit("CREATE_SUB_ORGANIZATION_V7", m{"subOrganizationName": "two", "rootQuorumThreshold": 1, "disableEmailRecovery": false, "rootUsers": []m{
		{"userName": "jane", "userEmail": "jane@doe.test", "apiKeys": []m{}, "authenticators": []m{}, "oauthProviders": []m{}},
		{"userName": "joe", "userEmail": "joe@doe.test", "apiKeys": []m{}, "authenticators": []m{}, "oauthProviders": []m{}}}}).result("createSubOrganizationResultV7")
	jane := &who{box: b, org: made.text("subOrganizationId"), user: made.text("rootUserIds", "0")}
	lost := jane.with(b.recoveryKey(jane, "INIT_USER_EMAIL_RECOVERY", nil))
	lost.submit("RECOVER_USER", m{"userId": made.text("rootUserIds", "1"), "authenticator": newPhone(virtualwebauthn.KeyTypeEC2).register("x")}).
		refused(400, "REQUEST_INVALID", "belongs to another user")

	off := b.root.submit("CREATE_SUB_ORGANIZATION_V7", m{"subOrganizationName": "off", "rootQuorumThreshold": 1, "disableEmailRecovery": true, "rootUsers": []m{
		{"userName": "a", "userEmail": "a@doe.test", "apiKeys": []m{}, "authenticators": []m{}, "oauthProviders": []m{}}}}).result("createSubOrganizationResultV7")
	b.root.in(off.text("subOrganizationId")).submit("INIT_USER_EMAIL_RECOVERY", m{"email": "a@doe.test", "targetPublicKey": newKey().PublicKey()}).
		refused(403, "FORBIDDEN", "disabled")
}
