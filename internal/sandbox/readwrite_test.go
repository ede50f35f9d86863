package sandbox

import (
	"slices"
	"strings"
	"testing"
)

func TestAReadWriteSessionComesInABundle(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	for kind, c := range map[string]struct {
		params m
		result string
	}{
		"CREATE_READ_WRITE_SESSION":    {m{"email": "jane@doe.test"}, "createReadWriteSessionResult"},
		"CREATE_READ_WRITE_SESSION_V2": {m{"userId": jane.user, "invalidateExisting": true}, "createReadWriteSessionResultV2"},
	} {
		t.Run(kind, func(t *testing.T) {
			target := newKey()
			params := m{"targetPublicKey": target.PublicKey(), "expirationSeconds": "120"}
			for k, v := range c.params {
				params[k] = v
			}
			r := jane.submit(kind, params).result(c.result)
			for name, want := range map[string]string{"organizationId": jane.org, "organizationName": "of jane@doe.test", "userId": jane.user, "username": "jane@doe.test"} {
				if got := r.text(name); got != want {
					t.Errorf("%s is %q", name, got)
				}
			}
			key := b.open(target, r.text("credentialBundle"))
			jane.with(key).submit("CREATE_WALLET", m{"walletName": kind, "accounts": []m{}}).result("createWalletResult")
			stored := jane.query("get_api_key", m{"apiKeyId": r.text("apiKeyId")}).ok()
			if got := stored.text("apiKey", "credential", "type"); got != "CREDENTIAL_TYPE_READ_WRITE_SESSION_KEY_P256" {
				t.Errorf("type %s", got)
			}
			if got := stored.text("apiKey", "apiKeyName"); !strings.HasPrefix(got, "Read Write Session - ") {
				t.Errorf("name %q", got)
			}
			if got := stored.text("apiKey", "expirationSeconds"); got != "120" {
				t.Errorf("lasts %s", got)
			}
		})
	}
}

func TestAReadWriteSessionIsTheAskersUnlessItIsNamed(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	ask := func() { // with the parent's id, which stands for Jane's
		jane.in(b.root.org).submit("CREATE_READ_WRITE_SESSION_V2", m{"targetPublicKey": newKey().PublicKey(), "invalidateExisting": true}).result("createReadWriteSessionResultV2")
	}
	ask()
	ask()
	if got := jane.keyKinds(); !slices.Equal(got, []string{"CREDENTIAL_TYPE_LOGIN", "CREDENTIAL_TYPE_READ_WRITE_SESSION_KEY_P256"}) {
		t.Errorf("keys %v", got)
	}
}

// In a team of two who must agree, each opens sessions for the own user, and none for the other.
func TestNobodyOpensAnothersSessionAlone(t *testing.T) {
	b := newBox(t, Options{})
	team := b.team(2, 2)
	team[0].submit("CREATE_READ_WRITE_SESSION_V2", m{"targetPublicKey": newKey().PublicKey()}).result("createReadWriteSessionResultV2")
	target := newKey()
	asked := team[0].submit("CREATE_READ_WRITE_SESSION_V2", m{"targetPublicKey": target.PublicKey(), "userId": team[1].user}).ok()
	if got := asked.text("activity", "status"); got != "ACTIVITY_STATUS_CONSENSUS_NEEDED" {
		t.Fatalf("alone: %s", got)
	}
	done := team[1].submit("APPROVE_ACTIVITY", m{"fingerprint": asked.text("activity", "fingerprint")}).result("createReadWriteSessionResultV2")
	key := b.open(target, done.text("credentialBundle"))
	if got := team[1].with(key).query("whoami", nil).ok().text("userId"); got != team[1].user {
		t.Errorf("the key is of %s", got)
	}
	team[0].submit("CREATE_READ_WRITE_SESSION_V2", m{"targetPublicKey": target.PublicKey(), "userId": nowhere}).ok()
}
