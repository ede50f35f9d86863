package client

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"latchkey/internal/fault"
	"latchkey/internal/journal"
	"latchkey/internal/keystore"
	"latchkey/internal/profile"
	"latchkey/internal/session"
	"latchkey/internal/turnkey"
)

// stamped counts the requests that c stamps from now on.
func stamped(c *Client) *atomic.Int64 {
	var n atomic.Int64
	after := c.run.api.After
	c.run.api.After = func(ctx context.Context, x turnkey.Exchange) {
		if x.Stamp.HeaderName != "" {
			n.Add(1)
		}
		after(ctx, x)
	}
	return &n
}

// recorded waits for the journal, and returns its entries.
func recorded(t *testing.T, c *Client) []JournalEntry {
	t.Helper()
	if left := c.recorder.Flush(); left != 0 {
		t.Fatalf("%d requests are not recorded", left)
	}
	all, err := c.JournalEntries(t.Context(), JournalFilter{Bodies: true})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func intact(t *testing.T, c *Client) {
	t.Helper()
	r, err := c.VerifyJournal(t.Context())
	if err != nil || r.Err() != nil || len(r.Findings) != 0 {
		t.Errorf("the journal is %s: %+v, %v", r.Verdict, r.Findings, err)
	}
}

func TestEveryStampedRequestIsRecorded(t *testing.T) {
	c := open(t, profile.At(t.TempDir()))
	n := stamped(c)
	s := logIn(t, c, "robin@example.org")
	before := s.Key.PublicKey
	if _, err := c.CreateWallet(t.Context(), "Everyday", []string{"ethereum"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Request(t.Context(), "/public/v1/query/list_users", []byte(`{"organizationId":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"}`)); err == nil {
		t.Error("read another organization")
	}
	s, err := c.Sessions().RefreshNow(t.Context(), s.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.LogOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := recorded(t, c)
	if int64(len(all)) != n.Load() {
		t.Errorf("%d requests were stamped, and %d are recorded", n.Load(), len(all))
	}
	intact(t, c)
	whats, keys := map[string]JournalEntry{}, map[string]bool{}
	for _, e := range all {
		whats[e.What()] = e
		keys[e.PublicKey] = true
		if e.Session != s.ID || e.User != s.UserID || e.Organization == "" || len(e.Body()) != e.Size || e.Time == 0 || e.Tries == 0 {
			t.Errorf("entry %+v", e)
		}
	}
	for what, want := range map[string]struct{ status, code string }{
		"ACTIVITY_TYPE_CREATE_WALLET":   {"ACTIVITY_STATUS_COMPLETED", ""},
		"ACTIVITY_TYPE_STAMP_LOGIN":     {"ACTIVITY_STATUS_COMPLETED", ""},
		"ACTIVITY_TYPE_DELETE_API_KEYS": {"ACTIVITY_STATUS_COMPLETED", ""},
		"/public/v1/query/list_wallets": {"", ""},
		"/public/v1/query/whoami":       {"", ""},
		"/public/v1/query/list_users":   {"", string(fault.APIRefused)},
	} {
		e, ok := whats[what]
		if !ok || e.Status != want.status || e.Code != want.code {
			t.Errorf("%s: there %v, %s %s", what, ok, e.Status, e.Code)
		}
		if e.Activity == "" && want.status != "" {
			t.Errorf("%s: without its activity's id", what)
		}
	}
	if !keys[before] || !keys[s.Key.PublicKey] || len(keys) != 2 {
		t.Errorf("keys %v", keys)
	}
}

// openWith opens a client with keys in a file under a passphrase, which processes share as they share a keychain.
func openWith(t *testing.T, home profile.Home) *Client {
	t.Helper()
	c, err := New(Options{Home: home, ScryptWork: 6, Ask: func(context.Context, keystore.Question) (string, error) { return "correct horse battery", nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := c.Open(t.Context(), Passphrase); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWindowAndTerminalWriteOneJournal(t *testing.T) {
	home := profile.At(t.TempDir())
	window := openWith(t, home)
	logIn(t, window, "robin@example.org")
	terminal := openWith(t, home)
	a, b := stamped(window), stamped(terminal)
	before := len(recorded(t, window))
	var work sync.WaitGroup
	for _, c := range []*Client{window, terminal} {
		for range 10 {
			work.Go(func() {
				if _, err := c.Whoami(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
	work.Wait()
	recorded(t, window)
	if all := recorded(t, terminal); int64(len(all)-before) != a.Load()+b.Load() || a.Load()+b.Load() < 20 {
		t.Errorf("%d and %d stamped, %d recorded", a.Load(), b.Load(), len(all)-before)
	}
	intact(t, window)

	// Whoever only looks is told the same, and makes no key.
	if err := window.Close(); err != nil {
		t.Fatal(err)
	}
	reader, err := New(Options{Home: home, ScryptWork: 6, Ask: func(context.Context, keystore.Question) (string, error) { return "correct horse battery", nil }})
	if err != nil {
		t.Fatal(err)
	}
	intact(t, reader)
}

// TestR9_TheJournalHoldsNoSecretInClear: a code, tokens and whatever else a body may hold.
func TestR9_TheJournalHoldsNoSecretInClear(t *testing.T) {
	c := open(t, profile.At(t.TempDir()))
	s := logIn(t, c, "robin@example.org")
	token, err := c.Sessions().Token(t.Context(), s.ID)
	if err != nil {
		t.Fatal(err)
	}
	canaries := []string{token, "417302CANARY", "eyJCANARY.eyJCANARY.CANARY", "CANARYPRIVATEKEY"}
	for _, canary := range canaries {
		for _, path := range []string{"/public/v1/submit/otp_login", "/public/v1/query/" + strings.ToLower(canary[:4])} {
			for _, field := range []string{"otpCode", "organizationId", "type"} {
				_, _ = c.Request(t.Context(), path, []byte(`{"`+field+`":"`+canary+`"}`)) // refused, and recorded
			}
		}
	}
	all := recorded(t, c)
	if len(all) < 6*len(canaries) {
		t.Fatalf("%d entries", len(all))
	}
	files, err := filepath.Glob(filepath.Join(c.dir.Path, "journal*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, canary := range canaries {
			if bytes.Contains(raw, []byte(canary)) {
				t.Errorf("%s holds %.20q", filepath.Base(name), canary)
			}
		}
	}
}

func TestAJournalThatCannotBeWrittenCostsNoRequest(t *testing.T) {
	c := open(t, profile.At(t.TempDir()))
	if err := os.Mkdir(filepath.Join(c.dir.Path, "journal-000001.log"), 0o700); err != nil {
		t.Fatal(err)
	}
	logIn(t, c, "robin@example.org")
	for range 3 {
		if _, err := c.Whoami(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.recorder.Flush()
	}
	if err := c.JournalTrouble(); fault.CodeOf(err) != fault.JournalFailed {
		t.Errorf("trouble: %v", err)
	}
	if err := c.JournalTrouble(); err != nil {
		t.Errorf("told twice: %v", err)
	}
	if err := os.Remove(filepath.Join(c.dir.Path, "journal-000001.log")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Whoami(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all := recorded(t, c); len(all) < 4 {
		t.Errorf("%d entries after the disk was back", len(all))
	}
	intact(t, c)
}

// A key that is only looked at: nothing is made in the key store.
func TestToVerifyMakesNoStateKey(t *testing.T) {
	c, err := New(Options{Home: profile.At(t.TempDir())})
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.VerifyJournal(t.Context())
	if err != nil || r.Verdict != journal.Intact {
		t.Errorf("an empty journal: %+v, %v", r, err)
	}
	if _, err := session.ReadSealer(t.Context(), c.stores[Memory]); fault.CodeOf(err) != fault.KeyMissing {
		t.Errorf("a state key was made: %v", err)
	}
}
