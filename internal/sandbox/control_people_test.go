package sandbox

import (
	"fmt"
	"strings"
	"testing"
)

func TestTheOwnerSeesOrganizationsUsersAndKeys(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("Jane@Doe.test")
	jane.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{ethereum(0), ethereum(1)}}).result("createWalletResult")
	address := jane.query("list_wallet_accounts", nil).ok().text("accounts", "1", "address")
	team := b.team(2, 2)
	list := func(query string) answer { return b.controlled("GET", "/organizations?"+query, nil).ok() }

	all := list("")
	if got := all.at("organizations").([]any); len(got) != 3 || all.at("total") != 3.0 || all.body["next"] != nil {
		t.Fatalf("it is %s", all.raw)
	}
	for i, want := range []string{b.Facts().OrganizationID, team[0].org, jane.org} { // the parent, then the newest
		if got := all.text("organizations", fmt.Sprint(i), "organizationId"); got != want {
			t.Errorf("%d is %s, want %s", i, got, want)
		}
	}
	if all.at("organizations", "0", "parent") != true || all.at("organizations", "1", "threshold") != 2.0 {
		t.Errorf("it is %s", all.raw)
	}
	one := list("q=jane@doe")
	user := answer{t: t, body: one.at("organizations", "0", "users", "0").(m), raw: one.raw}
	if user.text("email") != "Jane@Doe.test" || user.at("emailVerified") != true || user.at("root") != true || user.text("apiKeys", "0", "publicKey") != jane.key.PublicKey() {
		t.Errorf("it is %s", one.raw)
	}
	if got := one.text("organizations", "0", "wallets", "0", "accounts", "1", "address"); got != address {
		t.Errorf("the address is %s", got)
	}
	for q, want := range map[string]int{
		"": 3, "DOE.TEST": 1, jane.org: 1, jane.key.PublicKey()[3:40]: 1, strings.ToUpper(address): 1, "sandbox": 1, "nobody": 0, "%20jane%20": 1, "team": 1,
	} {
		if got := list("q=" + q).at("organizations").([]any); len(got) != want {
			t.Errorf("%q finds %d, want %d", q, len(got), want)
		}
	}

	jane.submit("CREATE_PRIVATE_KEYS_V2", m{"privateKeys": []m{{"privateKeyName": "cold store", "curve": "CURVE_SECP256K1", "privateKeyTags": []string{}, "addressFormats": []string{"ADDRESS_FORMAT_ETHEREUM"}}}}).ok()
	if a := list("q=cold+store"); a.text("organizations", "0", "privateKeys", "0", "addresses", "0", "address")[:2] != "0x" || strings.Contains(string(a.raw), "secret") {
		t.Errorf("it is %s", a.raw)
	}
	all = list("")

	b.time.advance(1000 * 60 * 60 * 1e9)
	if list("q=jane").at("organizations", "0", "users", "0", "apiKeys", "0", "expired") != true {
		t.Error("a session that is over is not said to be")
	}
	dump := string(b.controlled("GET", "/state", nil).ok().raw)
	for _, secret := range []string{`"phrase"`, `"seed":"`} {
		if !strings.Contains(dump, secret) || strings.Contains(string(all.raw), secret) {
			t.Errorf("%s is where it should not be", secret)
		}
	}
}

// Page by page everybody is seen once, also by a search that looks at more than one request may.
func TestTheOwnersListHasPages(t *testing.T) {
	b := newBox(t, Options{})
	for range 45 {
		b.team(1, 1)
	}
	for _, limit := range []int{1, 7, 20, 46, 100} {
		seen, next := map[string]bool{}, ""
		for range 60 {
			a := b.controlled("GET", fmt.Sprintf("/organizations?limit=%d&after=%s", limit, next), nil).ok()
			for _, o := range a.at("organizations").([]any) {
				id := o.(m)["organizationId"].(string)
				if seen[id] {
					t.Fatalf("limit %d: %s comes twice", limit, id)
				}
				seen[id] = true
			}
			if next, _ = a.body["next"].(string); next == "" {
				break
			}
		}
		if len(seen) != 46 || next != "" {
			t.Errorf("limit %d: %d are seen", limit, len(seen))
		}
	}
	for _, bad := range []string{"after=" + nowhere, "after=x", "limit=x", "limit=-1"} {
		if a := b.controlled("GET", "/organizations?"+bad, nil); a.status != 400 {
			t.Errorf("%s: %d", bad, a.status)
		}
	}
}
