package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// team is a sub-organization of n root users of whom threshold must agree.
func (b *box) team(n, threshold int) []*who {
	b.t.Helper()
	var users []m
	var keys []*keyOf
	for i := range n {
		keys = append(keys, newKey())
		name := string(rune('a' + i))
		users = append(users, m{"userName": name, "authenticators": []m{}, "oauthProviders": []m{},
			"apiKeys": []m{{"apiKeyName": name, "publicKey": keys[i].PublicKey(), "curveType": "API_KEY_CURVE_P256"}}})
	}
	r := b.root.submit("CREATE_SUB_ORGANIZATION_V8", m{"subOrganizationName": "team", "rootQuorumThreshold": threshold, "rootUsers": users}).
		result("createSubOrganizationResultV8")
	team := make([]*who, n)
	for i := range team {
		team[i] = &who{box: b, org: r.text("subOrganizationId"), user: r.at("rootUserIds").([]any)[i].(string), key: keys[i]}
	}
	return team
}

func TestTheSecondApprovalRunsTheActivity(t *testing.T) {
	b := newBox(t, Options{StateDir: t.TempDir()})
	team := b.team(3, 2)
	asked := team[0].submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{ethereum(0)}}).ok()
	fingerprint := m{"fingerprint": asked.text("activity", "fingerprint")}

	if a := team[0].submit("APPROVE_ACTIVITY", fingerprint).ok(); a.text("activity", "status") != "ACTIVITY_STATUS_CONSENSUS_NEEDED" {
		t.Errorf("a second vote by the one who asked counts: %s", a.raw)
	}
	b.team(2, 1)[0].submit("APPROVE_ACTIVITY", fingerprint).refused(404, "REQUEST_INVALID", "No activity found with fingerprint")

	done := team[1].submit("APPROVE_ACTIVITY", fingerprint).ok()
	if done.text("activity", "status") != "ACTIVITY_STATUS_COMPLETED" || done.text("activity", "id") != asked.text("activity", "id") {
		t.Fatalf("after the second approval: %s", done.raw)
	}
	done.result("createWalletResult").text("walletId")
	if got := len(done.at("activity", "votes").([]any)); got != 2 {
		t.Errorf("%d votes", got)
	}
	if got := done.text("activity", "votes", "1", "message"); !strings.Contains(got, "APPROVE_ACTIVITY") {
		t.Errorf("the second vote's message is %q", got)
	}
	if got := len(team[2].query("list_wallets", nil).ok().at("wallets").([]any)); got != 1 {
		t.Errorf("%d wallets", got)
	}
	again := team[2].submit("APPROVE_ACTIVITY", fingerprint).ok()
	if got := len(again.at("activity", "votes").([]any)); got != 2 {
		t.Errorf("a vote after the end was counted: %s", again.raw)
	}
}

func TestARejectionEndsWhatCannotComeTogether(t *testing.T) {
	b := newBox(t, Options{})
	team := b.team(3, 2)
	asked := team[0].submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).ok()
	fingerprint := m{"fingerprint": asked.text("activity", "fingerprint")}
	first := team[1].submit("REJECT_ACTIVITY", fingerprint).ok()
	if first.text("activity", "status") != "ACTIVITY_STATUS_CONSENSUS_NEEDED" || first.text("activity", "votes", "1", "selection") != "VOTE_SELECTION_REJECTED" {
		t.Errorf("the third could still approve: %s", first.raw)
	}
	second := team[2].submit("REJECT_ACTIVITY", fingerprint).ok()
	if second.text("activity", "status") != "ACTIVITY_STATUS_REJECTED" {
		t.Errorf("nobody is left to approve: %s", second.raw)
	}
	if got := team[0].submit("APPROVE_ACTIVITY", fingerprint).ok().text("activity", "status"); got != "ACTIVITY_STATUS_REJECTED" {
		t.Errorf("a rejected activity is %s", got)
	}
}

// Approvals count for a day. After it the one who asked may vote anew.
func TestApprovalsLapse(t *testing.T) {
	b := newBox(t, Options{})
	team := b.team(2, 2)
	asked := team[0].submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).ok()
	fingerprint := m{"fingerprint": asked.text("activity", "fingerprint")}
	b.time.advance(25 * time.Hour)
	if got := team[1].submit("APPROVE_ACTIVITY", fingerprint).ok().text("activity", "status"); got != "ACTIVITY_STATUS_CONSENSUS_NEEDED" {
		t.Errorf("an approval of yesterday counts: %s", got)
	}
	if got := team[0].submit("APPROVE_ACTIVITY", fingerprint).ok().text("activity", "status"); got != "ACTIVITY_STATUS_COMPLETED" {
		t.Errorf("two fresh approvals: %s", got)
	}
}

// What fails when it runs at last is a failed activity with its reason, not a failed vote.
func TestAnApprovedActivityMayFail(t *testing.T) {
	b := newBox(t, Options{})
	team := b.team(2, 2)
	var fingerprints []m
	for range 2 {
		a := team[0].submit("CREATE_WALLET", m{"walletName": "the same", "accounts": []m{}}).ok()
		fingerprints = append(fingerprints, m{"fingerprint": a.text("activity", "fingerprint")})
	}
	team[1].submit("APPROVE_ACTIVITY", fingerprints[0]).result("createWalletResult")
	failed := team[1].submit("APPROVE_ACTIVITY", fingerprints[1]).ok()
	if failed.text("activity", "status") != "ACTIVITY_STATUS_FAILED" || failed.text("activity", "failure", "message") != "wallet label must be unique" {
		t.Errorf("the second wallet of that name: %s", failed.raw)
	}
}

// What happened to the one who asked, while another approved, is not undone by what the approval does.
func TestAnApprovalActsForTheNewestVersionOfWhoAsked(t *testing.T) {
	b := newBox(t, Options{})
	team := b.team(3, 1)
	b.faulty(m{"path": "create_read_write_session", "activityStatus": statusConsensus}).ok()
	for i := range 150 {
		waits := team[0].submit("CREATE_READ_WRITE_SESSION_V2", m{"targetPublicKey": newKey().PublicKey()}).ok().text("activity", "fingerprint")
		name := fmt.Sprint("name ", i)
		named := make(chan answer)
		go func() { named <- team[2].submit("UPDATE_USER_NAME", m{"userId": team[0].user, "userName": name}) }()
		team[1].submit("APPROVE_ACTIVITY", m{"fingerprint": waits}).result("createReadWriteSessionResultV2")
		(<-named).ok()
		if got := team[0].seen(team[0].user)["userName"]; got != name {
			t.Fatalf("%d: the user is called %v, and was named %s", i, got, name)
		}
	}
}

// When the quorum is lowered, an approval that was given already is enough once it is given again.
func TestALoweredQuorumLetsWaitingThingsHappen(t *testing.T) {
	b := newBox(t, Options{})
	team := b.team(2, 2)
	asked := team[0].submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).ok()
	lower := team[0].submit("UPDATE_ROOT_QUORUM", m{"threshold": 1, "userIds": []string{team[0].user}}).ok()
	team[1].submit("APPROVE_ACTIVITY", m{"fingerprint": lower.text("activity", "fingerprint")}).result("updateRootQuorumResult")
	fingerprint := m{"fingerprint": asked.text("activity", "fingerprint")}
	if got := team[0].submit("REJECT_ACTIVITY", fingerprint).ok().text("activity", "status"); got != "ACTIVITY_STATUS_CONSENSUS_NEEDED" {
		t.Fatalf("a no after one's own yes: %s", got)
	}
	done := team[0].submit("APPROVE_ACTIVITY", fingerprint).ok()
	done.result("createWalletResult")
	if got := len(done.at("activity", "votes").([]any)); got != 1 {
		t.Errorf("%d votes", got)
	}
}

func TestWhatADeletedUserAskedForFails(t *testing.T) {
	b := newBox(t, Options{})
	team := b.team(3, 2)
	asked := team[0].submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).ok()
	out := team[1].submit("DELETE_USERS", m{"userIds": []string{team[0].user}}).ok()
	team[2].submit("APPROVE_ACTIVITY", m{"fingerprint": out.text("activity", "fingerprint")}).result("deleteUsersResult")
	failed := team[1].submit("APPROVE_ACTIVITY", m{"fingerprint": asked.text("activity", "fingerprint")}).ok()
	if failed.text("activity", "status") != "ACTIVITY_STATUS_FAILED" || !strings.Contains(failed.text("activity", "failure", "message"), team[0].user) {
		t.Errorf("approved: %s", failed.raw)
	}
	if got := len(team[1].query("list_wallets", nil).ok().at("wallets").([]any)); got != 0 {
		t.Errorf("%d wallets", got)
	}
}
