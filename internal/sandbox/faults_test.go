package sandbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/stamp"
)

func (b *box) faulty(list ...m) answer {
	b.t.Helper()
	if list == nil {
		list = []m{}
	}
	return b.controlled("PUT", "/faults", list)
}

func TestAFaultRefusesInTheServicesShape(t *testing.T) {
	b := newBox(t, Options{})
	b.faulty(m{"path": "*/query/whoami", "status": 503, "code": 14, "message": "out to lunch"}).ok()
	a := b.root.query("whoami", nil)
	a.refused(503, "UNSPECIFIED", "out to lunch")
	if got := a.at("code"); got != 14.0 {
		t.Errorf("code %v", got)
	}
	b.root.query("list_users", nil).ok() // another path
	for _, c := range []struct {
		fault        m
		status, code int
	}{
		{m{"status": 429}, 429, 8},
		{m{"status": 418}, 418, 2},
		{m{"code": 14}, 503, 14},
		{m{"code": 16}, 401, 16},
	} {
		c.fault["path"] = "whoami"
		b.faulty(c.fault).ok()
		if a := b.root.query("whoami", nil); a.status != c.status || a.at("code") != float64(c.code) || a.text("message") == "" {
			t.Errorf("%v gave %d %s", c.fault, a.status, a.raw)
		}
	}
	seen := b.controlled("GET", "/requests", nil).ok()
	if seen.text("requests", "0", "refused", "check") != "fault" || seen.text("requests", "0", "fault", "path") != "whoami" {
		t.Errorf("its owner reads %s", seen.raw)
	}
	b.faulty().ok()
	b.root.query("whoami", nil).ok()
}

// A refused request changes nothing.
func TestAFaultThatRefusesDoesNothing(t *testing.T) {
	b := newBox(t, Options{})
	b.faulty(m{"path": "create_wallet", "status": 500, "times": 1}).ok()
	body := b.root.envelope("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}})
	b.root.send("submit/create_wallet", body).refused(500, "INTERNAL", "")
	if got := b.root.query("list_wallets", nil).ok().at("wallets").([]any); len(got) != 0 {
		t.Errorf("%d wallets", len(got))
	}
	b.root.send("submit/create_wallet", body).result("createWalletResult") // the same bytes, done now
}

func TestAFaultHappensAsOftenAsToldAndIsGone(t *testing.T) {
	b := newBox(t, Options{})
	b.faulty(m{"path": "whoami", "status": 500, "times": 3}, m{"path": "whoami", "status": 503, "times": 1}).ok()
	var got []int
	for range 5 {
		got = append(got, b.root.query("whoami", nil).status)
	}
	if want := []int{500, 500, 500, 503, 200}; !slices.Equal(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
	if a := b.controlled("GET", "/faults", nil).ok(); string(a.raw) != "[]" {
		t.Errorf("the list is %s", a.raw)
	}
	a := b.faulty(m{"path": "whoami", "status": 500, "times": 2}).ok()
	b.root.query("whoami", nil)
	if left := b.controlled("GET", "/faults", nil).ok(); !strings.Contains(string(left.raw), `"times":1`) || !strings.Contains(string(a.raw), `"times":2`) {
		t.Errorf("the list was %s and is %s", a.raw, left.raw)
	}
}

// The same seed and the same requests meet the same faults; another seed meets others; and neither changes the ids.
func TestARateFollowsFromTheSeed(t *testing.T) {
	run := func(seed uint64, rate float64) (statuses []int, id string) {
		b := newBox(t, Options{Seed: seed})
		b.faulty(m{"path": "whoami", "rate": rate, "status": 503}).ok()
		for range 200 {
			statuses = append(statuses, b.root.query("whoami", nil).status)
		}
		id = b.root.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).result("createWalletResult").text("walletId")
		return statuses, id
	}
	once, id := run(1, 0.3)
	again, _ := run(1, 0.3)
	other, _ := run(2, 0.3)
	if !slices.Equal(once, again) || slices.Equal(once, other) {
		t.Error("the faults do not follow from the seed")
	}
	struck := len(once) - len(slices.DeleteFunc(slices.Clone(once), func(s int) bool { return s == 503 }))
	if struck < 30 || struck > 90 {
		t.Errorf("%d of 200 at a rate of 0.3", struck)
	}
	never, idWithout := run(1, 0)
	if slices.Contains(never, 503) {
		t.Error("a rate of 0 struck")
	}
	if id != idWithout {
		t.Error("faults changed the ids")
	}
}

// While a request waits others are served; it ends when its client leaves, with nothing done.
func TestALateRequestHoldsUpNobodyAndEndsWithItsClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Options{Now: time.Now})
		b.faulty(m{"path": "create_wallet", "latencyMs": 30_000}).ok()
		began := time.Now()
		done := make(chan answer)
		go func() { done <- b.root.submit("CREATE_WALLET", m{"walletName": "late", "accounts": []m{}}) }()
		synctest.Wait()
		b.root.query("whoami", nil).ok()
		if took := time.Since(began); took != 0 {
			t.Errorf("another request waited %s", took)
		}
		(<-done).result("createWalletResult")
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("it took %s", took)
		}

		ctx, leave := context.WithCancel(t.Context())
		began = time.Now()
		left := make(chan any)
		go func() {
			defer func() { left <- recover() }()
			body := b.root.envelope("CREATE_WALLET", m{"walletName": "never", "accounts": []m{}})
			s, _ := stamp.APIKey{Signer: b.root.key}.Stamp(t.Context(), body)
			r := httptest.NewRequestWithContext(ctx, "POST", "/public/v1/submit/create_wallet", bytes.NewReader(body))
			r.Header.Set(s.HeaderName, s.HeaderValue)
			b.API().ServeHTTP(httptest.NewRecorder(), r)
		}()
		synctest.Wait()
		time.Sleep(time.Second) // of the bubble
		leave()
		if cause, _ := (<-left).(error); !errors.Is(cause, http.ErrAbortHandler) || time.Since(began) != time.Second {
			t.Errorf("it ended with %v after %s", cause, time.Since(began))
		}
		if got := b.root.query("list_wallets", nil).ok().at("wallets").([]any); len(got) != 1 {
			t.Errorf("%d wallets", len(got))
		}
		if got := b.controlled("GET", "/requests?limit=2", nil).ok().text("requests", "1", "lost"); !strings.Contains(got, "nothing was done") {
			t.Errorf("its owner reads %q", got)
		}
	})
}

// Over a real connection: a client that leaves is noticed, and a dropped reply is a broken connection.
func TestADroppedReplyIsABrokenConnectionAndADoneActivity(t *testing.T) {
	b := newBox(t, Options{})
	server := httptest.NewServer(b.API())
	defer server.Close()
	post := func(ctx context.Context, body []byte) (int, error) {
		s, err := stamp.APIKey{Signer: b.root.key}.Stamp(t.Context(), body)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(ctx, "POST", server.URL+"/public/v1/submit/create_wallet", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(s.HeaderName, s.HeaderValue)
		res, err := server.Client().Do(r)
		if err != nil {
			return 0, err
		}
		defer res.Body.Close()
		_, err = io.ReadAll(res.Body)
		return res.StatusCode, err
	}
	b.faulty(m{"path": "*/submit/*", "dropReply": true, "times": 1}).ok()
	body := b.root.envelope("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}})
	if status, err := post(t.Context(), body); err == nil {
		t.Fatalf("it answered %d", status)
	}
	if got := b.root.query("list_wallets", nil).ok().at("wallets").([]any); len(got) != 1 {
		t.Errorf("%d wallets", len(got))
	}
	if status, err := post(t.Context(), body); err != nil || status != 200 {
		t.Errorf("the same bytes: %d %v", status, err)
	}
	if got := b.root.query("list_wallets", nil).ok().at("wallets").([]any); len(got) != 1 {
		t.Errorf("%d wallets after the same bytes", len(got))
	}
	seen := b.controlled("GET", "/requests", nil).ok()
	if got := seen.text("requests", "3", "lost"); !strings.Contains(got, "200") {
		t.Errorf("its owner reads %q", got)
	}

	b.faulty(m{"path": "create_wallet", "latencyMs": 60_000, "times": 1}).ok()
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := post(ctx, b.root.envelope("CREATE_WALLET", m{"walletName": "v", "accounts": []m{}}))
		ended <- err
	}()
	for string(b.controlled("GET", "/faults", nil).raw) != "[]" { // until the request has met its fault
		time.Sleep(time.Millisecond)
	}
	leave()
	<-ended
	for !strings.Contains(string(b.controlled("GET", "/requests?limit=1", nil).raw), "the client left") {
		time.Sleep(time.Millisecond)
	}
}

func TestAnActivityThatAFaultKeepsPendingGoesOnWithoutIt(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		t.Run(map[bool]string{true: "memory", false: "disk"}[dir == ""], func(t *testing.T) {
			b := newBox(t, Options{StateDir: dir})
			b.faulty(m{"path": "create_wallet", "activityStatus": statusPending, "times": 2}).ok()
			body := b.root.envelope("CREATE_WALLET", m{"walletName": "w", "accounts": []m{ethereum(0)}})
			a := b.root.send("submit/create_wallet", body).ok()
			if got := a.text("activity", "status"); got != statusPending || len(a.at("activity", "result").(m)) != 0 {
				t.Fatalf("it is %s: %s", got, a.raw)
			}
			id := m{"activityId": a.text("activity", "id")}
			for range 3 { // however often anybody looks
				if got := b.root.query("get_activity", id).ok().text("activity", "status"); got != statusPending {
					t.Fatalf("it is %s", got)
				}
			}
			b.root.send("submit/create_wallet", body).ok() // its second time, which is none: the same bytes are the same activity
			if got := b.root.query("list_wallets", nil).ok().at("wallets").([]any); len(got) != 0 {
				t.Errorf("%d wallets", len(got))
			}
			if dir != "" { // faults end with the process, and what they kept goes on
				if err := b.Close(); err != nil {
					t.Fatal(err)
				}
				again := newBox(t, Options{StateDir: dir, Now: b.time.now})
				again.time = b.time
				b = again
			} else {
				b.faulty(m{"path": "create_wallet", "activityStatus": statusPending}).ok()
				if got := b.root.query("get_activity", id).ok().text("activity", "status"); got != statusPending {
					t.Fatalf("it is %s while a fault holds it", got)
				}
				b.faulty(m{"path": "whoami", "status": 500}).ok()
			}
			done := b.root.query("get_activity", id).result("createWalletResult")
			if got := b.root.query("get_wallet", m{"walletId": done.text("walletId")}).ok().text("wallet", "walletName"); got != "w" {
				t.Errorf("the wallet is %q", got)
			}
			if got := b.root.send("submit/create_wallet", body).result("createWalletResult").text("walletId"); got != done.text("walletId") {
				t.Error("the same bytes made another wallet")
			}
			if n := len(b.state.Load().held); n != 0 {
				t.Errorf("%d are held", n)
			}
		})
	}
}

// What cannot be done any more by the time the fault is gone has failed, in the service's words.
func TestWhatWasPendingMayFailInTheEnd(t *testing.T) {
	b := newBox(t, Options{})
	b.faulty(m{"path": "create_wallet", "activityStatus": statusPending, "times": 1}).ok()
	id := b.root.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).ok().text("activity", "id")
	b.root.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).result("createWalletResult")
	b.faulty().ok()
	if a := b.root.query("get_activity", m{"activityId": id}).ok(); a.text("activity", "status") != statusFailed || a.at("activity", "failure") == nil {
		t.Errorf("it is %s", a.raw)
	}
}

func TestAVoteOnWhatAFaultKeepsPending(t *testing.T) {
	b := newBox(t, Options{})
	team := b.team(2, 1)
	b.faulty(m{"path": "create_wallet", "activityStatus": statusPending}).ok()
	a := team[0].submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).ok()
	print := a.text("activity", "fingerprint")
	if got := team[0].submit("APPROVE_ACTIVITY", m{"fingerprint": print}).ok().text("activity", "status"); got != statusPending {
		t.Errorf("who asked cannot let it go on by asking again: %s", got)
	}
	team[1].submit("APPROVE_ACTIVITY", m{"fingerprint": print}).result("createWalletResult")
	b.faulty().ok()
	if got := team[0].query("list_wallets", nil).ok().at("wallets").([]any); len(got) != 1 {
		t.Errorf("%d wallets", len(got))
	}
}

func TestStatusesThatFaultsGive(t *testing.T) {
	b := newBox(t, Options{})
	for _, status := range []string{statusConsensus, statusAuthenticators, statusFailed, statusRejected} {
		b.faulty(m{"path": "*", "activityStatus": status, "times": 1}).ok()
		b.root.query("whoami", nil).ok() // no activity, and not counted
		a := b.root.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).ok()
		if got := b.root.query("get_activity", m{"activityId": a.text("activity", "id")}).ok().text("activity", "status"); got != status || a.text("activity", "status") != status {
			t.Errorf("want %s: %s", status, a.raw)
		}
	}
	b.faulty().ok()
	if got := b.root.query("list_wallets", nil).ok().at("wallets").([]any); len(got) != 0 {
		t.Errorf("%d wallets", len(got))
	}
}

func TestAFaultThatMakesNoSenseIsRefusedAndChangesNothing(t *testing.T) {
	b := newBox(t, Options{})
	good := m{"path": "whoami", "status": 503}
	b.faulty(good).ok()
	for _, bad := range []any{
		m{"path": "whoami", "status": 503}, nil, "x", []any{1}, []any{nil}, []m{{}},
		[]m{good, {"status": 503}},
		[]m{{"path": "whoami"}},
		[]m{{"path": "nonsense", "status": 503}},
		[]m{{"path": "/query/whoami", "status": 503}},
		[]m{{"path": strings.Repeat("*", globMax+1), "status": 503}},
		[]m{{"path": "whoami", "status": 200}},
		[]m{{"path": "whoami", "status": 600}},
		[]m{{"path": "whoami", "status": -1}},
		[]m{{"path": "whoami", "code": 17}},
		[]m{{"path": "whoami", "code": -1}},
		[]m{{"path": "whoami", "status": 503, "rate": 1.1}},
		[]m{{"path": "whoami", "status": 503, "rate": -0.1}},
		[]m{{"path": "whoami", "status": 503, "rate": "often"}},
		[]m{{"path": "whoami", "status": 503, "times": 0}},
		[]m{{"path": "whoami", "status": 503, "times": 1.5}},
		[]m{{"path": "whoami", "latencyMs": -1}},
		[]m{{"path": "whoami", "latencyMs": 60_001}},
		[]m{{"path": "whoami", "message": "x", "latencyMs": 1}},
		[]m{{"path": "whoami", "status": 503, "dropReply": true}},
		[]m{{"path": "*", "status": 503, "activityStatus": statusPending}},
		[]m{{"path": "whoami", "activityStatus": statusPending}},
		[]m{{"path": "approve_activity", "activityStatus": statusPending}},
		[]m{{"path": "*", "activityStatus": statusCompleted}},
		[]m{{"path": "whoami", "status": 503, "delay": 1}},
		slices.Repeat([]m{good}, mishapsMax+1),
	} {
		a := b.controlled("PUT", "/faults", bad)
		if a.status != 400 || len(a.text("message")) < 15 {
			t.Errorf("%v: %d %s", bad, a.status, a.raw)
		}
	}
	if a := b.controlled("PUT", "/faults", strings.Repeat("x", controlBodyMax)); a.status != 413 {
		t.Errorf("a huge list: %d", a.status)
	}
	if a := b.controlled("GET", "/faults", nil).ok(); string(a.raw) != `[{"path":"whoami","status":503}]` {
		t.Errorf("the list is %s", a.raw)
	}
	b.controlled("POST", "/reset", m{}).ok()
	if a := b.controlled("GET", "/faults", nil).ok(); string(a.raw) != "[]" {
		t.Errorf("after a reset the list is %s", a.raw)
	}
	b.root.query("whoami", nil).ok()
}

func TestGlobs(t *testing.T) {
	for _, c := range []struct {
		glob, path string
		want       bool
	}{
		{"*", "/public/v1/query/whoami", true},
		{"whoami", "/public/v1/query/whoami", true},
		{"who*", "/public/v1/query/whoami", true},
		{"who", "/public/v1/query/whoami", false},
		{"?hoami", "/public/v1/query/whoami", true},
		{"*/query/*", "/public/v1/query/whoami", true},
		{"*/query/*", "/public/v1/submit/create_wallet", false},
		{"/public/v1/query/whoami", "/public/v1/query/whoami", true},
		{"/public/*/who*i", "/public/v1/query/whoami", true},
		{"/query/whoami", "/public/v1/query/whoami", false},
		{"*list_wallet", "/public/v1/query/list_wallets", false},
		{"", "/public/v1/query/whoami", false},
		{"whoami", "whoami", true},
	} {
		if got := globbed(c.glob, c.path); got != c.want {
			t.Errorf("%q on %q: %v", c.glob, c.path, got)
		}
	}
	globbed(strings.Repeat("*a", globMax/2), "/"+strings.Repeat("a", 16<<10)+"b") // must end
}

// With a pending rate, a first answer says pending now and then, and every next look says what was done.
func TestAClientMustAskAgain(t *testing.T) {
	run := func(seed uint64, rate float64) (pendings []bool) {
		b := newBox(t, Options{Seed: seed, PendingRate: rate})
		for range 40 {
			b.time.advance(time.Millisecond)
			body := b.root.envelope("CREATE_SUB_ORGANIZATION_V7", crashParams(newKey().PublicKey()))
			a := b.root.send("submit/create_sub_organization", body).ok()
			pending := a.text("activity", "status") == statusPending
			pendings = append(pendings, pending)
			if !pending {
				a.result("createSubOrganizationResultV7")
				continue
			}
			if len(a.at("activity", "result").(m)) != 0 {
				t.Fatalf("it has a result: %s", a.raw)
			}
			switch len(pendings) % 3 {
			case 0:
				b.root.query("get_activity", m{"activityId": a.text("activity", "id")}).result("createSubOrganizationResultV7")
			case 1:
				b.root.send("submit/create_sub_organization", body).result("createSubOrganizationResultV7")
			default:
				if got := b.root.query("list_activities", nil).ok().text("activities", "0", "status"); got != statusCompleted {
					t.Errorf("the list says %s", got)
				}
			}
		}
		return pendings
	}
	once, again, other := run(1, 0.5), run(1, 0.5), run(2, 0.5)
	if !slices.Equal(once, again) || slices.Equal(once, other) {
		t.Error("it does not follow from the seed")
	}
	if slices.Contains(run(1, 0), true) || slices.Contains(run(1, 1), false) {
		t.Error("never is not never, or always not always")
	}
	for _, bad := range []float64{-0.1, 1.1} {
		if _, err := New(Options{PendingRate: bad}); err == nil {
			t.Errorf("a rate of %v was taken", bad)
		}
	}
}
