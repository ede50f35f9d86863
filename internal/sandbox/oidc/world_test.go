package oidc

import (
	"context"
	"crypto/sha256"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// seeded is a seed of tests.
func seeded(name string) func(string, int) []byte {
	return func(label string, n int) []byte {
		var out []byte
		for sum := sha256.Sum256([]byte(name + "/" + label)); len(out) < n; sum = sha256.Sum256(sum[:]) {
			out = append(out, sum[:]...)
		}
		return out[:n]
	}
}

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// world is a Provider that listens, and a browser.
type world struct {
	*Provider
	t    testing.TB
	time *clock
	url  string
}

func newWorld(t testing.TB, change ...func(*Config)) *world {
	t.Helper()
	w := &world{t: t, time: &clock{t: time.Now().Truncate(time.Second)}}
	c := Config{Seed: seeded("one"), Now: w.time.now}
	for _, f := range change {
		f(&c)
	}
	w.Provider = New(c)
	server := httptest.NewServer(w.Provider)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// app is an app of the provider below that path, with the addresses that the provider's discovery would tell.
func (w *world) app(path, secret string, scopes ...string) *oauth2.Config {
	return &oauth2.Config{ClientID: "app", ClientSecret: secret, RedirectURL: "http://127.0.0.1:9/back", Scopes: scopes,
		Endpoint: oauth2.Endpoint{AuthURL: w.url + path + "/authorize", TokenURL: w.url + path + "/token", AuthStyle: oauth2.AuthStyleInParams}}
}

// page is what a browser got.
type page struct {
	status int
	header http.Header
	body   string
}

func (w *world) do(r *http.Request) page {
	w.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return page{res.StatusCode, res.Header, string(body)}
}

func (w *world) get(address string) page {
	w.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.do(r)
}

func (w *world) post(address string, form url.Values, change ...func(*http.Request)) page {
	w.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, f := range change {
		f(r)
	}
	return w.do(r)
}

var (
	actionOf = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
	hiddenOf = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
)

// form reads the form of a page.
func (p page) form(t testing.TB) (action string, fields url.Values) {
	t.Helper()
	a := actionOf.FindStringSubmatch(p.body)
	if a == nil {
		t.Fatalf("no form: status %d: %.300s", p.status, p.body)
	}
	fields = url.Values{}
	for _, f := range hiddenOf.FindAllStringSubmatch(p.body, -1) {
		fields.Add(html.UnescapeString(f[1]), html.UnescapeString(f[2]))
	}
	return html.UnescapeString(a[1]), fields
}

// answer is what comes back to the app, wherever it stands.
func (p page) answer(t testing.TB, redirect string) url.Values {
	t.Helper()
	if p.status == http.StatusOK {
		action, fields := p.form(t)
		if action != redirect {
			t.Fatalf("posts to %q", action)
		}
		return fields
	}
	to := p.header.Get("Location")
	rest, ok := strings.CutPrefix(to, redirect)
	if p.status != http.StatusSeeOther || !ok || rest == "" {
		t.Fatalf("status %d, to %q", p.status, to)
	}
	v, err := url.ParseQuery(rest[1:])
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// logIn opens the address in a browser, types an e-mail address, and returns what comes back to redirect.
func (w *world) logIn(address, email, redirect string) url.Values {
	w.t.Helper()
	action, fields := w.get(address).form(w.t)
	fields.Set("email", email)
	return w.post(w.url+action, fields, func(r *http.Request) {
		r.Header.Set("Origin", w.url)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}).answer(w.t, redirect)
}
