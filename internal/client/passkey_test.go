package client

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/ceremony/browsertest"
	"latchkey/internal/fault"
	"latchkey/internal/login"
	"latchkey/internal/login/logintest"
	"latchkey/internal/profile"
	"latchkey/internal/session"
)

// inBrowser goes on with an attempt while somebody does something in a tab.
func inBrowser(t *testing.T, c *Client, a login.Attempt, do func()) (s session.Session, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var waiting sync.WaitGroup
	waiting.Go(func() { s, err = c.Login().Continue(ctx, a.ID, "") })
	do()
	waiting.Wait()
	return s, err
}

// A passkey in a real browser: it signs up in one touch and logs in again, on a page that says what it does and shows the
// number; who has none of it, turns away or is not recognized, is told so.
func TestAPasskeyInTheBrowser(t *testing.T) {
	tab := browsertest.Open(t)
	c := open(t, profile.At(t.TempDir()))
	authenticator := tab.Authenticator()
	begin := func(name, label string) login.Attempt {
		t.Helper()
		a, err := c.Login().Passkey.Begin(t.Context(), name, login.Options{Label: label})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	shows := func(a login.Attempt, title string) {
		t.Helper()
		tab.Until(`document.getElementById('actions') && !document.getElementById('actions').hidden`)
		if got := tab.Text("#title"); got != title {
			t.Errorf("the page's title is %q, want %q", got, title)
		}
		if got := tab.Text("#match"); got != a.Match {
			t.Errorf("the page shows %q, the device %q", got, a.Match)
		}
		if href := browsertest.Eval[string](tab, "location.href"); len(href) > 60 {
			t.Errorf("the ceremony is still in the address: %s", href)
		}
	}
	picture := func(name string) {
		if folder := os.Getenv("LATCHKEY_PICTURES"); folder != "" {
			tab.Picture(filepath.Join(folder, name+".png"))
		}
	}

	a := begin("Robin’s laptop", "")
	s, err := inBrowser(t, c, a, func() {
		tab.Go(a.URL)
		shows(a, "Create a passkey")
		picture("passkey-create")
		tab.Click("#go")
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(authenticator.Passkeys()); n != 1 || s.Method != "passkey" {
		t.Errorf("%d passkeys, %+v", n, s)
	}
	if _, err := c.Wallets(t.Context()); err != nil {
		t.Error(err)
	}

	again := begin("", "again")
	s2, err := inBrowser(t, c, again, func() {
		tab.Go(again.URL)
		shows(again, "Log in")
		picture("passkey-stamp")
		tab.Click("#go")
	})
	if err != nil || s2.OrganizationID != s.OrganizationID {
		t.Errorf("again: %+v, %v", s2, err)
	}

	// Not recognized, and then a second thought.
	away := begin("", "away")
	_, err = inBrowser(t, c, away, func() {
		tab.Go(away.URL)
		shows(away, "Log in")
		authenticator.Verifies(false)
		authenticator.Forget()
		tab.Click("#go")
		tab.Until(`document.getElementById('say').classList.contains('bad')`)
		picture("passkey-refused")
		tab.Click("#no")
	})
	if fault.CodeOf(err) != fault.PasskeyDenied {
		t.Errorf("turned away: %v", err)
	}

	// A page opens once.
	tab.Go(away.URL)
	tab.Until(`document.getElementById('title').textContent === 'This page is over'`)
	picture("passkey-over")
}

// One touch makes a session, and what is asked while it is good takes none; when it is over, each request takes one.
func TestASessionByAPasskeyAndWhatComesAfterIt(t *testing.T) {
	c := open(t, profile.At(t.TempDir()))
	who := logintest.NewAuthenticator(nil)
	a, err := c.Login().Passkey.Begin(t.Context(), "Robin", login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := inBrowser(t, c, a, func() {
		if _, err := who.Go(a.URL); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"organizationId":"` + s.OrganizationID + `"}`)
	touches := 0
	whoami := func(do func(link string) error) ([]byte, error) {
		return c.RequestOrTouch(t.Context(), "/public/v1/query/whoami", body, func(a login.Attempt) {
			touches++
			go func() {
				if err := do(a.URL); err != nil {
					t.Error(err)
				}
			}()
		})
	}
	touch := func(link string) error { _, err := who.Go(link); return err }
	for range 2 {
		if answer, err := whoami(touch); err != nil || !strings.Contains(string(answer), s.UserID) {
			t.Errorf("by the session: %s, %v", answer, err)
		}
	}
	if touches != 0 {
		t.Errorf("%d touches while the session was good", touches)
	}
	if _, err := c.LogOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if answer, err := whoami(touch); err != nil || !strings.Contains(string(answer), s.UserID) || touches != 1 {
		t.Errorf("after it: %s, %v, %d touches", answer, err, touches)
	}
	if _, err := whoami(func(link string) error { _, err := who.TurnAway(link); return err }); fault.CodeOf(err) != fault.PasskeyDenied {
		t.Errorf("turned away: %v", err)
	}
	// What must be asked about is asked about first: here nobody can be, so no page is opened.
	sign := []byte(`{"type":"ACTIVITY_TYPE_DELETE_SUB_ORGANIZATION","timestampMs":"1","organizationId":"` + s.OrganizationID + `","parameters":{"deleteWithoutExport":true}}`)
	if _, err := c.RequestOrTouch(t.Context(), "/public/v1/submit/delete_sub_organization", sign, func(login.Attempt) { touches++ }); fault.CodeOf(err) != fault.ApprovalNeeded || touches != 2 {
		t.Errorf("a deletion: %v, %d touches", err, touches)
	}
}
