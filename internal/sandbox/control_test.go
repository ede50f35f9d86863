package sandbox

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestControlAnswersItsOwnerAlone(t *testing.T) {
	b := newBox(t, Options{})
	host := func(h string) func(*http.Request) { return func(r *http.Request) { r.URL.Host = h } }
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for _, c := range []struct {
		name   string
		method string
		change func(*http.Request)
		status int
	}{
		{"loopback", "GET", host("127.0.0.1:4000"), 200},
		{"another loopback address", "GET", host("127.8.9.1:4000"), 200},
		{"localhost", "GET", host("localhost:4000"), 200},
		{"IPv6", "GET", host("[::1]:4000"), 200},
		{"its own page", "GET", header("Origin", "http://127.0.0.1:4000"), 200},
		{"its own page, writing", "POST", header("Origin", "http://127.0.0.1:4000"), 200},
		{"a name that resolves here", "GET", host("evil.test:4000"), 403},
		{"a name that begins like it", "GET", host("localhost.evil.test"), 403},
		{"a name that begins like an address", "GET", host("127.0.0.1.evil.test"), 403},
		{"an address of the network", "GET", host("192.168.0.10:4000"), 403},
		{"all addresses", "GET", host("0.0.0.0:4000"), 403},
		{"no host", "GET", host(":4000"), 403},
		{"another page", "GET", header("Origin", "https://evil.test"), 403},
		{"another page, writing", "POST", header("Origin", "https://evil.test"), 403},
		{"another port", "POST", header("Origin", "http://127.0.0.1:3000"), 403},
		{"another scheme", "POST", header("Origin", "https://127.0.0.1:4000"), 403},
		{"a sandboxed frame", "POST", header("Origin", "null"), 403},
		{"a cross-site load", "GET", header("Sec-Fetch-Site", "cross-site"), 403},
		{"a form", "POST", header("Content-Type", "application/x-www-form-urlencoded"), 415},
		{"a text form", "POST", header("Content-Type", "text/plain"), 415},
		{"no type", "POST", func(r *http.Request) { r.Header.Del("Content-Type") }, 415},
		{"a cross-site frame", "GET", func(r *http.Request) {
			r.URL.Path = "/"
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Dest", "iframe")
		}, 403},
		{"a link on another page", "GET", func(r *http.Request) {
			r.URL.Path = "/"
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Dest", "document")
		}, 200},
		{"a link to a list", "GET", func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Dest", "document")
		}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			var body any
			if c.method == "POST" {
				body = m{"frozen": false}
			}
			if got := b.controlled(c.method, "/clock", body, c.change).status; got != c.status {
				t.Errorf("status %d, want %d", got, c.status)
			}
		})
	}
	for path, want := range map[string]int{"GET /nonsense": 404, "DELETE /clock": 405, "POST /inbox": 405, "GET /reset": 404, "POST /state": 405, "POST /faults": 405} {
		method, path, _ := strings.Cut(path, " ")
		if got := b.controlled(method, path, nil).status; got != want {
			t.Errorf("%s %s: %d, want %d", method, path, got, want)
		}
	}
}

func TestThePageRunsNothingThatIsNotItsOwn(t *testing.T) {
	b := newBox(t, Options{})
	a := b.controlled("GET", "/", nil)
	page := string(a.raw)
	policy := a.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %s", want)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(page, "<style") || strings.Contains(page, "style=") || strings.Contains(page, " on") && strings.Contains(page, "onclick") {
		t.Error("the page has something inline")
	}
	for path, kind := range map[string]string{"/": "text/html", "/page.css": "text/css", "/page.js": "text/javascript"} {
		a := b.controlled("GET", path, nil)
		if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), kind) || a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", path, a.status, a.header)
		}
		if path != "/" && !strings.Contains(page, `"`+path+`"`) {
			t.Errorf("the page does not load %s", path)
		}
	}
}

func TestTheClockMovesStopsAndGoesOn(t *testing.T) {
	b := newBox(t, Options{})
	start := b.time.now()
	set := func(body m) (now time.Time, offset float64, frozen bool) {
		t.Helper()
		a := b.controlled("POST", "/clock", body).ok()
		return time.UnixMilli(int64(a.at("now").(float64))), a.at("offsetSeconds").(float64), a.at("frozen").(bool)
	}
	if now, offset, _ := set(m{"advanceSeconds": 1.5}); now.Sub(start) != 1500*time.Millisecond || offset != 1.5 {
		t.Errorf("advanced to %s, offset %v", now, offset)
	}
	if now, _, frozen := set(m{"frozen": true}); !frozen || now.Sub(start) != 1500*time.Millisecond {
		t.Errorf("frozen %v at %s", frozen, now)
	}
	b.time.advance(time.Hour)
	if got := b.clock.now().Sub(start); got != 1500*time.Millisecond {
		t.Errorf("a stopped clock went on by %s", got)
	}
	if now, _, frozen := set(m{"advanceSeconds": -1}); !frozen || now.Sub(start) != 500*time.Millisecond {
		t.Errorf("moved while stopped to %s", now)
	}
	if now, _, frozen := set(m{"frozen": false}); frozen || now.Sub(start) != 500*time.Millisecond {
		t.Errorf("going on from %s", now)
	}
	b.time.advance(time.Second)
	if got := b.clock.now().Sub(start); got != 1500*time.Millisecond {
		t.Errorf("it went on by %s", got)
	}
	if now, _, _ := set(m{"at": 1_900_000_000_000}); now.UnixMilli() != 1_900_000_000_000 {
		t.Errorf("set to %s", now)
	}
	for _, bad := range []any{m{}, m{"at": 1, "frozen": true}, m{"at": -1}, m{"advanceSeconds": 1e300}, m{"frozen": "yes"}, []int{1}, m{"advanceSeconds": 1e10}} {
		if got := b.controlled("POST", "/clock", bad); got.status != 400 {
			t.Errorf("%v: %d", bad, got.status)
		}
	}
	if got := b.controlled("GET", "/clock", nil).ok().at("frozen"); got != false {
		t.Errorf("the clock reads %v", got)
	}
}

func TestTheInboxWaitsForTheNextMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Options{Now: time.Now})
		b.root.plainOTP(m{"contact": "a@doe.test"}).result("initOtpResult")
		first := b.controlled("GET", "/inbox?to=a@doe.test", nil).ok().text("messages", "0", "id")

		came := make(chan answer)
		began := time.Now()
		go func() { came <- b.controlled("GET", "/inbox?to=A@doe.test&wait=30&after="+first, nil) }()
		synctest.Wait()
		b.root.plainOTP(m{"contact": "b@doe.test"}).result("initOtpResult") // somebody else's
		synctest.Wait()
		time.Sleep(5 * time.Second) // of the bubble
		b.root.plainOTP(m{"contact": "a@doe.test"}).result("initOtpResult")
		a := <-came
		if got := a.ok().at("messages").([]any); len(got) != 1 || a.text("messages", "0", "to") != "a@doe.test" || a.text("messages", "0", "id") == first {
			t.Errorf("the wait gave %s", a.raw)
		}
		if got := time.Since(began); got != 5*time.Second {
			t.Errorf("it took %s", got)
		}
		began = time.Now()
		if got := b.controlled("GET", "/inbox?after=99&wait=7", nil).ok().at("messages").([]any); len(got) != 0 || time.Since(began) != 7*time.Second {
			t.Errorf("an empty wait gave %v after %s", got, time.Since(began))
		}
	})
}

func TestTheInboxIsNewestFirstAndBounded(t *testing.T) {
	b := newBox(t, Options{StateDir: t.TempDir()})
	st := b.state.Load()
	st.mu.Lock()
	for range inboxMax + 5 {
		t := &tx{call: &call{state: st, org: st.parent}}
		(&initOTP{}).deliver(t, &otp{contact: "a@doe.test", kind: otpEmail, org: st.parent}, "x")
		st.commit(t.staged)
	}
	st.mu.Unlock()
	list := b.controlled("GET", "/inbox", nil).ok().at("messages").([]any)
	if len(list) != inboxMax || list[0].(m)["id"] != "1005" || list[inboxMax-1].(m)["id"] != "6" {
		t.Errorf("%d messages from %v to %v", len(list), list[0].(m)["id"], list[len(list)-1].(m)["id"])
	}
	if got := b.controlled("GET", "/inbox?after=1000", nil).ok().at("messages").([]any); len(got) != 5 {
		t.Errorf("%d messages after 1000", len(got))
	}
	if a := b.controlled("GET", "/inbox?after=x", nil); a.status != 400 {
		t.Errorf("after=x: %d", a.status)
	}
	value, err := b.disk.get(bucketMessage, number(5))
	if err != nil || len(value) != 0 {
		t.Errorf("a message that gave way is still on disk: %s %v", value, err)
	}
}

// A reset forgets everybody; without a seed the facts stay, so that clients that were told them go on.
func TestReset(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		t.Run(map[bool]string{true: "memory", false: "disk"}[dir == ""], func(t *testing.T) {
			b := newBox(t, Options{StateDir: dir})
			before := b.Facts()
			jane := b.logIn("jane@doe.test")
			b.controlled("POST", "/clock", m{"advanceSeconds": 60}).ok()
			last := b.controlled("GET", "/inbox", nil).ok().text("messages", "0", "id")

			a := b.controlled("POST", "/reset", m{}).ok()
			if got := a.text("organizationId"); got != before.OrganizationID || b.Facts() != before {
				t.Errorf("a plain reset changed the facts: %s", a.raw)
			}
			jane.query("whoami", nil).refused(404, "ORGANIZATION_NOT_FOUND", "no organization")
			b.root.query("whoami", nil).ok()
			if got := b.clock.now(); !got.Equal(b.time.now()) {
				t.Errorf("the clock is still at %s", got)
			}
			if got := b.controlled("GET", "/inbox", nil).ok().at("messages").([]any); len(got) != 0 {
				t.Errorf("%d messages are left", len(got))
			}
			b.root.plainOTP(nil).result("initOtpResult")
			if got := b.controlled("GET", "/inbox?after="+last, nil).ok().at("messages").([]any); len(got) != 1 {
				t.Error("who waits for what came after the last message misses the next one")
			}

			b.controlled("POST", "/reset", m{"seed": 99}).ok()
			if b.Facts() == before {
				t.Error("another seed left the facts as they were")
			}
			b.root.query("whoami", nil).refused(404, "ORGANIZATION_NOT_FOUND", "no organization")
			if dir != "" {
				facts := b.Facts()
				if err := b.Close(); err != nil {
					t.Fatal(err)
				}
				if got := newBox(t, Options{StateDir: dir}).Facts(); got != facts {
					t.Errorf("after a restart the facts are %v", got)
				}
			}
		})
	}
}

// Whoever chooses a seed knows every key of a sandbox that others can reach.
func TestNoSeedIsChosenWhileOthersCanReachTheAPI(t *testing.T) {
	b := newBox(t, Options{Exposed: true})
	before := b.Facts()
	b.controlled("POST", "/reset", m{"seed": 99}).refused(400, "REQUEST_INVALID", "seed")
	chosen := newBox(t, Options{Seed: 99}).controlled("GET", "/state", nil).ok()
	b.controlled("PUT", "/state", chosen.body).refused(400, "REQUEST_INVALID", "seed")
	b.controlled("POST", "/reset", m{}).ok()
	if b.Facts() != before {
		t.Error("the keys changed")
	}
	newBox(t, Options{}).controlled("POST", "/reset", m{"seed": 99}).ok()
}

// What a reset overtakes is refused, not done in the old state.
func TestARequestThatAResetOvertakes(t *testing.T) {
	b := newBox(t, Options{})
	c := &call{s: b.Sandbox, state: b.state.Load(), now: b.time.now().UnixMilli(), org: b.state.Load().parent, user: b.state.Load().parent.users[0]}
	b.controlled("POST", "/reset", m{}).ok()
	if _, err := c.execute("x", kind{}, &stampLogin{}, print{}); err == nil || !strings.Contains(err.Error(), "reset") {
		t.Errorf("it was done: %v", err)
	}
}

func TestAWaitEndsAtAReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, Options{Now: time.Now})
		came := make(chan answer)
		go func() { came <- b.controlled("GET", "/inbox?wait=30", nil) }()
		synctest.Wait()
		b.controlled("POST", "/reset", m{}).ok()
		synctest.Wait()
		b.root.plainOTP(nil).result("initOtpResult")
		if a := <-came; len(a.ok().at("messages").([]any)) != 1 {
			t.Errorf("the wait gave %s", a.raw)
		}
	})
}
