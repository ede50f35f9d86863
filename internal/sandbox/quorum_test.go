package sandbox

import (
	"fmt"
	"testing"
)

// The root quorum hands over: who comes in decides, who leaves does not.
func TestUpdateRootQuorum(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t, Options{StateDir: dir})
	jane := b.logIn("jane@doe.test")
	bob, eve := jane.hire("Bob", nil), jane.hire("Eve", nil)
	for _, c := range []struct {
		threshold any
		users     []string
		message   string
	}{
		{0, []string{bob.user}, "quorum threshold must be non-zero integer"},
		{-1, []string{bob.user}, "quorum threshold must be non-zero integer"},
		{2, []string{bob.user}, "quorum users missing"},
		{2, []string{bob.user, bob.user}, "quorum users missing"},
		{1, []string{}, "quorum users missing"},
		{1, []string{nowhere}, "quorum users missing"},
		{1, []string{"x"}, "malformed user ID"},
		{nil, []string{bob.user}, "missing field `threshold`"},
	} {
		jane.submit("UPDATE_ROOT_QUORUM", m{"threshold": c.threshold, "userIds": c.users}).refused(400, "REQUEST_INVALID", c.message)
	}
	jane.submit("UPDATE_ROOT_QUORUM", m{"threshold": 2, "userIds": []string{bob.user, eve.user}}).result("updateRootQuorumResult")
	check := func(b *box) {
		t.Helper()
		jane := &who{box: b, org: jane.org, user: jane.user, key: jane.key}
		quorum := jane.query("get_organization_configs", nil).ok().at("configs", "quorum").(m)
		if quorum["threshold"] != 2.0 || fmt.Sprint(quorum["userIds"]) != fmt.Sprint([]string{bob.user, eve.user}) {
			t.Errorf("the quorum is %v", quorum)
		}
		if a := jane.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}); a.status != 403 {
			t.Errorf("Jane, who left, may still: %s", a.raw)
		}
	}
	check(b)
	b.Close()
	b = newBox(t, Options{StateDir: dir, Now: b.time.now})
	b.time.advance(0)
	check(b)
	bob.box, eve.box = b, b
	asked := bob.submit("UPDATE_ROOT_QUORUM", m{"threshold": 1, "userIds": []string{bob.user}}).ok()
	if got := asked.text("activity", "status"); got != "ACTIVITY_STATUS_CONSENSUS_NEEDED" {
		t.Errorf("one of two alone: %s", got)
	}
	eve.submit("APPROVE_ACTIVITY", m{"fingerprint": asked.text("activity", "fingerprint")}).result("updateRootQuorumResult")
	bob.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).result("createWalletResult")
}

func TestAnOrganizationGetsAnotherName(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t, Options{StateDir: dir})
	jane := b.logIn("jane@doe.test")
	r := jane.submit("UPDATE_ORGANIZATION_NAME", m{"organizationName": "Acme"}).result("updateOrganizationNameResult")
	if r.text("organizationId") != jane.org || r.text("organizationName") != "Acme" {
		t.Errorf("the answer is %v", r.body)
	}
	b.root.submit("UPDATE_ORGANIZATION_NAME", m{"organizationName": "Vendor"}).result("updateOrganizationNameResult")
	b.Close()
	b = newBox(t, Options{StateDir: dir, Now: b.time.now})
	jane.box = b
	if jane.query("whoami", nil).ok().text("organizationName") != "Acme" || b.root.query("whoami", nil).ok().text("organizationName") != "Vendor" {
		t.Error("a name was forgotten")
	}
	for name, want := range map[string]int{"Acme": 1, "of jane@doe.test": 0} {
		if got := b.root.query("list_suborgs", m{"filterType": "NAME", "filterValue": name}).ok().at("organizationIds").([]any); len(got) != want {
			t.Errorf("%d are found by the name %s", len(got), name)
		}
	}
	jane.submit("UPDATE_ORGANIZATION_NAME", m{"organizationName": ""}).refused(400, "REQUEST_INVALID", "missing field `organizationName`")
}
