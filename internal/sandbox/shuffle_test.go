package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"
)

// ids are the values of one field in a list of an answer.
func (a answer) ids(list, field string) (ids []string) {
	a.t.Helper()
	for _, v := range a.ok().at(list).([]any) {
		if field == "" {
			ids = append(ids, v.(string))
		} else {
			ids = append(ids, v.(m)[field].(string))
		}
	}
	return ids
}

// Lists without an order come in one of the seed: the same in every answer, another with another seed, and that of their
// making when nothing is shuffled.
func TestListsWithoutAnOrderAreShuffledBySeed(t *testing.T) {
	run := func(o Options) (wallets, keys []string) {
		b := newBox(t, o)
		for i := range 9 {
			b.root.submit("CREATE_WALLET", m{"walletName": fmt.Sprintf("w%02d", i), "accounts": []m{}}).result("createWalletResult")
			b.root.submit("CREATE_API_KEYS_V2", m{"userId": b.root.query("whoami", nil).ok().text("userId"), "apiKeys": []m{
				{"apiKeyName": fmt.Sprintf("k%02d", i), "publicKey": newKey().PublicKey(), "curveType": "API_KEY_CURVE_P256"}}}).ok()
		}
		wallets = b.root.query("list_wallets", nil).ids("wallets", "walletName")
		if again := b.root.query("list_wallets", nil).ids("wallets", "walletName"); !slices.Equal(again, wallets) {
			t.Errorf("the order was %v and is %v", wallets, again)
		}
		return wallets, b.root.query("get_api_keys", nil).ids("apiKeys", "apiKeyName")
	}
	made, _ := run(Options{})
	if !slices.IsSorted(made) {
		t.Errorf("without a shuffle the order is %v", made)
	}
	one, keys := run(Options{Seed: 1, Shuffle: true})
	again, _ := run(Options{Seed: 1, Shuffle: true})
	two, _ := run(Options{Seed: 2, Shuffle: true})
	if slices.IsSorted(one) || slices.IsSorted(keys) || !slices.Equal(one, again) || slices.Equal(one, two) {
		t.Errorf("the orders are %v, %v, %v and %v", one, again, two, keys)
	}
	if slices.Sort(two); !slices.Equal(two, made) {
		t.Errorf("something is missing in %v", two)
	}
}

// However the list is shuffled, its pages are its parts: nothing twice, nothing left out, forwards and backwards, also
// when something comes or goes meanwhile.
func TestPagesOfAShuffledListAreItsParts(t *testing.T) {
	b := newBox(t, Options{Shuffle: true})
	var made []string
	for range 70 {
		made = append(made, b.team(1, 1)[0].org)
	}
	page := func(limit int, fields m) []string {
		fields["limit"] = strconv.Itoa(limit)
		return b.root.query("list_suborgs", m{"paginationOptions": fields}).ids("organizationIds", "")
	}
	walk := func(limit int, between func()) (all []string) {
		for next := ""; ; between() {
			fields := m{}
			if next != "" {
				fields["after"] = next
			}
			got := page(limit, fields)
			if all = append(all, got...); len(got) == 0 || len(all) > 10*len(made) {
				return all
			}
			next = got[len(got)-1]
		}
	}
	whole := walk(100, func() {})
	if len(whole) != len(made) || slices.Equal(whole, made) {
		t.Fatalf("%d of %d, in the order of their making: %v", len(whole), len(made), slices.Equal(whole, made))
	}
	for _, limit := range []int{1, 7, 10, 69, 70} {
		if got := walk(limit, func() {}); !slices.Equal(got, whole) {
			t.Errorf("by %d: %v, want %v", limit, got, whole)
		}
	}
	for i, id := range whole[1:] {
		if got := page(3, m{"before": id}); !slices.Equal(got, whole[max(0, i+1-3):i+1]) {
			t.Errorf("before %d: %v", i+1, got)
		}
	}
	if got := walk(7, func() { b.team(1, 1) }); len(got) < len(whole) || !slices.Equal(slices.DeleteFunc(got, func(id string) bool { return !slices.Contains(made, id) }), whole) {
		t.Errorf("while others came it was %v", got)
	}

	b.time.advance(time.Minute)
	var accounts []m
	for i := range 25 {
		accounts = append(accounts, ethereum(i))
	}
	b.root.submit("CREATE_WALLET", m{"walletName": "w", "accounts": accounts}).result("createWalletResult")
	var paths []string
	for next := ""; len(paths) < 100; {
		a := b.root.query("list_wallet_accounts", m{"paginationOptions": m{"limit": "4", "after": next}})
		paths = append(paths, a.ids("accounts", "path")...)
		got := a.ids("accounts", "walletAccountId")
		if len(got) == 0 {
			break
		}
		next = got[len(got)-1]
	}
	if slices.IsSorted(paths) || len(slices.Compact(slices.Sorted(slices.Values(paths)))) != 25 {
		t.Errorf("the accounts are %v", paths)
	}
}

// Whoever renames a query finds its name in the list of those that are shuffled, too.
func TestWhatIsShuffledIsServed(t *testing.T) {
	served := endpoints()
	for name := range unordered {
		if served["/public/v1/query/"+name] == nil {
			t.Errorf("%s is shuffled, and is no query", name)
		}
	}
}
