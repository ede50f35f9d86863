package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/approve"
	"latchkey/internal/fault"
	"latchkey/internal/profile"
	"latchkey/internal/session"
)

// asked opens a client whose person is f, logs in, and returns a body that must be asked for.
func asked(t *testing.T, f func(ctx context.Context, q Question) (Answer, error), now func() time.Time) (*Client, session.Session) {
	t.Helper()
	c, err := New(Options{Home: profile.At(t.TempDir()), Approve: f, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := c.Open(t.Context(), Memory); err != nil {
		t.Fatal(err)
	}
	return c, logIn(t, c, "robin@example.org")
}

const (
	renamePath = "/public/v1/submit/update_wallet"
	exportPath = "/public/v1/submit/export_wallet"
)

func rename(c *Client, s session.Session, name string) []byte {
	return fmt.Appendf(nil, `{"type":"ACTIVITY_TYPE_UPDATE_WALLET","timestampMs":"%d","organizationId":%q,"parameters":{"walletId":"w","walletName":%q}}`,
		c.now().Add(c.Skew()).UnixMilli(), s.OrganizationID, name)
}

func export(c *Client, s session.Session) []byte {
	return fmt.Appendf(nil, `{"type":"ACTIVITY_TYPE_EXPORT_WALLET","timestampMs":"%d","organizationId":%q,"parameters":{"walletId":"w","targetPublicKey":"04"}}`,
		c.now().Add(c.Skew()).UnixMilli(), s.OrganizationID)
}

// verdicts are those of the journal's last entries.
func verdicts(t *testing.T, c *Client, last int) []string {
	t.Helper()
	all := recorded(t, c)
	var out []string
	for _, e := range all[max(0, len(all)-last):] {
		out = append(out, e.Verdict)
	}
	return out
}

func TestNobodyToAskMeansNo(t *testing.T) {
	c, s := asked(t, nil, nil)
	n := stamped(c)
	for path, body := range map[string][]byte{renamePath: rename(c, s, "x"), exportPath: export(c, s)} {
		if _, err := c.Request(t.Context(), path, body); fault.CodeOf(err) != fault.ApprovalNeeded {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := c.Request(t.Context(), exportPath, rename(c, s, "x")); fault.CodeOf(err) != fault.ApprovalUnclear {
		t.Errorf("another path: %v", err)
	}
	if n.Load() != 0 {
		t.Errorf("%d were stamped", n.Load())
	}
	all := recorded(t, c)
	for i, e := range all[len(all)-3:] {
		want := []string{"nobody", "nobody", "unclear"}[i]
		if e.Verdict != want || e.PublicKey != "" || e.Tries != 0 || e.HTTP != 0 || e.Session != s.ID || e.Code == "" || len(e.Body()) != e.Size {
			t.Errorf("entry %+v", e)
		}
	}
	intact(t, c)
}

// What the program does for its sessions is not asked, and is known by its context: the same bytes from elsewhere are.
func TestASessionLooksAfterItselfUnasked(t *testing.T) {
	c, s := asked(t, nil, nil)
	if _, err := c.Sessions().RefreshNow(t.Context(), s.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateWallet(t.Context(), "Everyday", []string{"ethereum"}); err != nil {
		t.Fatal(err)
	}
	all := recorded(t, c)
	at := slices.IndexFunc(all, func(e JournalEntry) bool { return e.Type == "ACTIVITY_TYPE_STAMP_LOGIN" })
	if at < 0 || all[at].Verdict != "own" {
		t.Fatalf("no refresh of its own: %+v", all)
	}
	if _, err := c.Request(t.Context(), all[at].Path, all[at].Body()); fault.CodeOf(err) != fault.ApprovalNeeded {
		t.Errorf("the refresh's own bytes: %v", err)
	}
	if got := verdicts(t, c, 1)[0]; got != "nobody" {
		t.Error(got)
	}
	if _, err := c.LogOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, e := range recorded(t, c) {
		if e.Type == "ACTIVITY_TYPE_DELETE_API_KEYS" && e.Verdict != "own" || e.Type == "ACTIVITY_TYPE_CREATE_WALLET" && e.Verdict != "free" {
			t.Errorf("%s: %s", e.Type, e.Verdict)
		}
	}
}

func TestAYesStampsAndANoDoesNot(t *testing.T) {
	var answer func(q Question) (Answer, error)
	c, s := asked(t, func(_ context.Context, q Question) (Answer, error) { return answer(q) }, nil)
	n := stamped(c)
	broken := errors.New("no dialog")
	for _, a := range []struct {
		answer  func(q Question) (Answer, error)
		path    string
		verdict string
		code    fault.Code
	}{
		{func(q Question) (Answer, error) { return q.Consent(Typed), nil }, renamePath, "yes", ""},
		{func(q Question) (Answer, error) { return q.Consent(Flag), nil }, renamePath, "--yes", ""},
		{func(q Question) (Answer, error) { return q.Consent(Typed), nil }, exportPath, "yes", ""},
		{func(q Question) (Answer, error) { return q.Consent(Flag), nil }, exportPath, "refused", fault.ApprovalRefused},
		{func(q Question) (Answer, error) { return Answer{}, nil }, renamePath, "refused", fault.ApprovalRefused},
		{func(q Question) (Answer, error) { return Answer{Yes: true, By: Typed, Digest: "other"}, nil }, renamePath, "refused", fault.ApprovalRefused},
		{func(q Question) (Answer, error) { return q.Consent("maybe"), nil }, renamePath, "refused", fault.ApprovalRefused},
		{func(q Question) (Answer, error) { return q.Consent(Typed), broken }, renamePath, "unasked", fault.Internal},
		{func(q Question) (Answer, error) { return Answer{}, fault.New(fault.ApprovalNeeded, nil) }, renamePath, "nobody", fault.ApprovalNeeded},
	} {
		before := n.Load()
		answer = a.answer
		body := rename(c, s, a.verdict)
		if a.path == exportPath {
			body = export(c, s)
		}
		_, err := c.Request(t.Context(), a.path, body)
		went := a.code == ""
		if !went && fault.CodeOf(err) != a.code || went && strings.HasPrefix(string(fault.CodeOf(err)), "approval.") || (n.Load() > before) != went {
			t.Errorf("%s: %v, %d stamped", a.verdict, err, n.Load()-before)
		}
		if got := verdicts(t, c, 1); got[0] != a.verdict {
			t.Errorf("%s is recorded as %s", a.verdict, got)
		}
	}
}

func TestALateYesIsVoid(t *testing.T) {
	var mu sync.Mutex
	ahead := time.Duration(0)
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return time.Now().Add(ahead) }
	move := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); ahead += d }
	c, s := asked(t, func(_ context.Context, q Question) (Answer, error) {
		move(approve.Patience + time.Second)
		return q.Consent(Typed), nil
	}, clock)
	n := stamped(c)
	if _, err := c.Request(t.Context(), renamePath, rename(c, s, "x")); fault.CodeOf(err) != fault.ApprovalLate || n.Load() != 0 {
		t.Errorf("%v, %d stamped", err, n.Load())
	}
	if got := verdicts(t, c, 1); got[0] != "late" {
		t.Error(got)
	}
}

// Whoever turned away is not waited for, and a yes to it stamps nothing.
func TestAQuestionEndsWithItsRequest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, s := asked(t, func(_ context.Context, q Question) (Answer, error) { cancel(); return q.Consent(Typed), nil }, nil)
	n := stamped(c)
	if _, err := c.Request(ctx, renamePath, rename(c, s, "x")); fault.CodeOf(err) != fault.Cancel || n.Load() != 0 {
		t.Errorf("%v, %d stamped", err, n.Load())
	}
	if got := verdicts(t, c, 1); got[0] != "cancelled" {
		t.Error(got)
	}
}

// One question at a time, each about its own request; the answer to one is none to the other, in whatever order.
func TestTwoRequestsAreTwoQuestions(t *testing.T) {
	var mu sync.Mutex
	open, most := 0, 0
	shown := map[string]int{}
	var first string
	c, s := asked(t, func(_ context.Context, q Question) (Answer, error) {
		mu.Lock()
		open++
		most = max(most, open)
		shown[q.Summary.Digest]++
		if first == "" {
			first = q.Summary.Digest
		}
		remembered := first
		mu.Unlock()
		time.Sleep(time.Millisecond) // room for the others, if they were let in
		mu.Lock()
		open--
		mu.Unlock()
		return Answer{Yes: true, By: Typed, Digest: remembered}, nil // always the first one's
	}, nil)
	n := stamped(c)
	var work sync.WaitGroup
	var refused sync.Map
	for i := range 6 {
		work.Go(func() {
			_, err := c.Request(t.Context(), renamePath, rename(c, s, fmt.Sprint(i)))
			refused.Store(i, fault.CodeOf(err) == fault.ApprovalRefused)
		})
	}
	work.Wait()
	no := 0
	refused.Range(func(_, v any) bool {
		if v == true {
			no++
		}
		return true
	})
	if most != 1 || len(shown) != 6 || no != 5 || n.Load() != 1 {
		t.Errorf("%d questions at once, %d requests shown, %d refused, %d stamped", most, len(shown), no, n.Load())
	}
}

func TestARuleAnswersForThePerson(t *testing.T) {
	questions := 0
	c, s := asked(t, func(_ context.Context, q Question) (Answer, error) { questions++; return Answer{}, nil }, nil)
	r, err := c.NewRule(Rule{Kind: RuleActivity, Name: "update_wallet", Session: s.ID})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddRule(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	_, err = c.Request(t.Context(), renamePath, rename(c, s, "a"))
	if questions != 0 || strings.HasPrefix(string(fault.CodeOf(err)), "approval.") {
		t.Errorf("%d questions, %v", questions, err)
	}
	if got := verdicts(t, c, 1); got[0] != "rule "+r.ID {
		t.Error(got)
	}
	if _, err := c.Request(t.Context(), exportPath, export(c, s)); fault.CodeOf(err) != fault.ApprovalRefused || questions != 1 {
		t.Errorf("%d questions, %v", questions, err)
	}
	if rules, err := c.Rules(t.Context()); err != nil || len(rules) != 1 || rules[0] != r {
		t.Errorf("%v, %v", rules, err)
	}
	if err := c.RemoveRule(t.Context(), "r-other"); fault.CodeOf(err) != fault.RuleUnknown {
		t.Errorf("%v", err)
	}
	if err := c.RemoveRule(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Request(t.Context(), renamePath, rename(c, s, "b")); fault.CodeOf(err) != fault.ApprovalRefused || questions != 2 {
		t.Errorf("after it was removed: %d questions, %v", questions, err)
	}
}

// A rules file that was changed, or that is another profile's or another key's, holds no rule, and that is told once.
func TestUnreadableRulesAreNone(t *testing.T) {
	c, s := asked(t, nil, nil)
	r, err := c.NewRule(Rule{Kind: RuleActivity, Name: "update_wallet"})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddRule(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(c.dir.Path, rulesName)
	whole, err := os.ReadFile(file)
	if err != nil || bytes.Contains(whole, []byte("update_wallet")) {
		t.Fatalf("%v: the rules stand in clear", err)
	}
	sealed, err := c.dir.Read(rulesName)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := asked(t, nil, nil)
	if err := other.dir.Write(rulesName, sealed); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Rules(t.Context()); fault.CodeOf(err) != fault.RulesUnread {
		t.Errorf("under another key: %v", err)
	}
	for what, spoil := range map[string]func() error{
		"changed": func() error { bad := slices.Clone(sealed); bad[40] ^= 1; return c.dir.Write(rulesName, bad) },
		"clear": func() error {
			return c.dir.Write(rulesName, []byte(`[{"id":"r","kind":"activity","activity":"update_wallet"}]`))
		},
		"empty": func() error { return c.dir.Write(rulesName, nil) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Request(t.Context(), renamePath, rename(c, s, what)); fault.CodeOf(err) != fault.ApprovalNeeded {
			t.Errorf("%s: %v", what, err)
		}
		if err := c.RulesTrouble(); fault.CodeOf(err) != fault.RulesUnread {
			t.Errorf("%s: told %v", what, err)
		}
		if err := c.RulesTrouble(); err != nil {
			t.Errorf("%s: told twice", what)
		}
		if err := c.AddRule(t.Context(), r); fault.CodeOf(err) != fault.RulesUnread {
			t.Errorf("%s: written over: %v", what, err)
		}
	}
	if err := c.RemoveRules(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rules, err := c.Rules(t.Context()); err != nil || len(rules) != 0 {
		t.Errorf("%v, %v", rules, err)
	}
	if err := c.AddRule(t.Context(), r); err != nil {
		t.Error(err)
	}
}

// When the newest file is damaged the store goes back by one; a rule that was taken away does not come back with it.
func TestARemovedRuleStaysAway(t *testing.T) {
	c, _ := asked(t, nil, nil)
	r, err := c.NewRule(Rule{Kind: RuleActivity, Name: "update_wallet"})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.AddRule(t.Context(), r), c.RemoveRule(t.Context(), r.ID)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.dir.Path, rulesName), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if rules, err := c.Rules(t.Context()); err != nil || len(rules) != 0 {
		t.Errorf("%v, %v", rules, err)
	}
}

// A yes was given for the session that was active when the request was shown; no other's key stamps it.
func TestAYesIsForTheSessionThatWasShown(t *testing.T) {
	var c *Client
	var other string
	c, s := asked(t, func(ctx context.Context, q Question) (Answer, error) {
		if err := c.Sessions().Select(ctx, other); err != nil {
			return Answer{}, err
		}
		return q.Consent(Typed), nil
	}, nil)
	other = logIn(t, c, "kim@example.org").ID
	if err := c.Sessions().Select(t.Context(), s.ID); err != nil {
		t.Fatal(err)
	}
	n := stamped(c)
	if _, err := c.Request(t.Context(), renamePath, rename(c, s, "x")); fault.CodeOf(err) != fault.ApprovalLate || n.Load() != 0 {
		t.Errorf("%v, %d stamped", err, n.Load())
	}
}

// Another process may make another session active while the request is shown. This one hears of it when it looks up the
// key, and must not take the other session's.
func TestAYesIsForTheSessionThatWasShownWhateverAnotherProcessDoes(t *testing.T) {
	var c, elsewhere *Client
	var other string
	var ahead time.Duration // by which the state file is looked at again
	c, s := asked(t, func(ctx context.Context, q Question) (Answer, error) {
		if err := elsewhere.Sessions().Select(ctx, other); err != nil {
			return Answer{}, err
		}
		ahead = 10 * time.Second
		return q.Consent(Typed), nil
	}, func() time.Time { return time.Now().Add(ahead) })
	other = logIn(t, c, "kim@example.org").ID
	if err := c.Sessions().Select(t.Context(), s.ID); err != nil {
		t.Fatal(err)
	}
	elsewhere, err := New(Options{Home: c.home})
	if err != nil {
		t.Fatal(err)
	}
	if err := elsewhere.Open(t.Context(), Memory); err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close() //nolint:errcheck // it kept nothing of its own
	_, err = c.Request(t.Context(), renamePath, rename(c, s, "x"))
	if now, ok := c.Sessions().Active(); !ok || now.ID != other {
		t.Errorf("the story went otherwise: %s is active, %v", now.ID, err)
	}
	all := recorded(t, c)
	at := slices.IndexFunc(all, func(e JournalEntry) bool { return e.Type == "ACTIVITY_TYPE_UPDATE_WALLET" })
	if at < 0 || all[at].Session != s.ID || all[at].PublicKey != s.Key.PublicKey {
		t.Errorf("%+v, want a stamp by %s of %s (%v)", all[max(at, 0)], s.Key.PublicKey, s.ID, err)
	}
}
