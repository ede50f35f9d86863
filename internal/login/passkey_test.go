package login_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/login"
	"latchkey/internal/login/logintest"
	"latchkey/internal/session"
)

// withPasskey sets a place up for log-ins by a passkey, and returns who has one.
func withPasskey(t *testing.T) (*place, *far, *logintest.Authenticator) {
	t.Helper()
	p := newPlace(t)
	f := &far{p: p}
	t.Cleanup(p.otp.Close)
	return p, f, logintest.NewAuthenticator(&http.Client{Transport: f, Timeout: time.Minute})
}

// touched logs in by a passkey; with a name, it is made.
func (p *place) touched(who *logintest.Authenticator, name string, options login.Options) (session.Session, error) {
	p.t.Helper()
	a, err := p.otp.Passkey.Begin(p.t.Context(), name, options)
	if err != nil {
		p.t.Fatal(err)
	}
	s, err := p.back(a, who.Go)
	if who.Match != a.Match || a.Match == "" {
		p.t.Errorf("the page shows %q, the device %q", who.Match, a.Match)
	}
	return s, err
}

func TestAPasskeySignsUpInOneTouchAndLogsInAgain(t *testing.T) {
	p, _, who := withPasskey(t)
	first, err := p.touched(who, "Robin's laptop", login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if first.Method != "passkey" || first.Contact != "Robin's laptop" {
		t.Errorf("%+v", first)
	}
	if _, err := p.api.Whoami(t.Context(), first.OrganizationID); err != nil {
		t.Error(err)
	}
	again, err := p.touched(who, "", login.Options{Label: "again", Length: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if again.OrganizationID != first.OrganizationID || again.UserID != first.UserID || again.Length != time.Hour {
		t.Errorf("another account, or length: %+v", again)
	}
	// Its session lives on without the passkey.
	p.advance(first.RefreshAt.Sub(p.now()) + time.Second)
	p.step()
	if s, err := p.otp.Sessions.Get(first.ID); err != nil || s.Key.PublicKey == first.Key.PublicKey || s.Ended != nil {
		t.Errorf("not refreshed: %+v, %v", s, err)
	}
	other, err := p.touched(logintest.NewAuthenticator(who.Client), "somebody else", login.Options{Label: "other"})
	if err != nil || other.OrganizationID == first.OrganizationID {
		t.Errorf("somebody else: %+v, %v", other, err)
	}
	if _, ok, err := p.otp.Pending(t.Context()); ok || err != nil {
		t.Errorf("an attempt is left: %v", err)
	}
}

func TestAPasskeyThatNoAccountHasLogsNobodyIn(t *testing.T) {
	p, _, who := withPasskey(t)
	a, err := p.otp.Passkey.Begin(t.Context(), "", login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var refusal *logintest.Refusal
	if _, err := who.Go(a.URL); !errors.As(err, &refusal) || refusal.Reason != "account.unknown" {
		t.Errorf("the page hears %v", err)
	}
	if _, err := who.Go(a.URL); !errors.As(err, &refusal) || refusal.Reason != "browser.late" {
		t.Errorf("the page opens twice: %v", err)
	}
}

func TestWhoTurnsAwayFromThePasskeysPageMayTryAgain(t *testing.T) {
	p, _, who := withPasskey(t)
	a, err := p.otp.Passkey.Begin(t.Context(), "Robin", login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.back(a, who.TurnAway); fault.CodeOf(err) != fault.PasskeyDenied {
		t.Errorf("turned away: %v", err)
	}
	if _, err := p.otp.Continue(t.Context(), a.ID, ""); fault.CodeOf(err) != fault.BrowserLate {
		t.Errorf("the round goes on: %v", err)
	}
	again, err := p.otp.Resend(t.Context(), a.ID)
	if err != nil || again.ID != a.ID || again.URL == a.URL || again.PublicKey != a.PublicKey {
		t.Fatalf("%+v, %v", again, err)
	}
	if _, err := p.back(again, who.Go); err != nil {
		t.Error(err)
	}
}

func TestAPastedAddressOfThePasskeysPage(t *testing.T) {
	p, _, who := withPasskey(t)
	a, err := p.otp.Passkey.Begin(t.Context(), "Robin", login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	address, err := who.Stop(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.otp.Continue(t.Context(), a.ID, strings.Replace(address, "state=", "state=x", 1)); fault.CodeOf(err) != fault.PasteWrong {
		t.Errorf("another address: %v", err)
	}
	if _, err := p.otp.Continue(t.Context(), a.ID, address); err != nil {
		t.Error(err)
	}
}

func TestACancelledPasskeyLeavesNothing(t *testing.T) {
	p, _, who := withPasskey(t)
	a, err := p.otp.Passkey.Begin(t.Context(), "Robin", login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.otp.Cancel(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := p.otp.Continue(t.Context(), a.ID, ""); fault.CodeOf(err) != fault.AttemptOver {
		t.Errorf("goes on: %v", err)
	}
	if _, err := who.Go(a.URL); err == nil {
		t.Error("somebody still listens")
	}
	if keys, err := p.keys.List(t.Context()); err != nil || len(keys) != 0 {
		t.Errorf("keys are left: %v, %v", keys, err)
	}
}

// Closed and opened again between the page and the session: the second process goes on where the first was.
func TestAPasskeyOutlivesARestart(t *testing.T) {
	for _, name := range []string{"Robin", ""} {
		p, _, who := withPasskey(t)
		if name == "" {
			if _, err := p.touched(who, "Robin", login.Options{}); err != nil {
				t.Fatal(err)
			}
		}
		a, err := p.otp.Passkey.Begin(t.Context(), name, login.Options{Label: "two"})
		if err != nil {
			t.Fatal(err)
		}
		p.otp.Close()
		p.otp = login.New(p.otp.Desk)
		t.Cleanup(p.otp.Close)
		pending, ok, err := p.otp.Pending(t.Context())
		if err != nil || !ok || pending.ID != a.ID || pending.URL != a.URL || pending.Match != a.Match {
			t.Fatalf("%+v, %v, %v", pending, ok, err)
		}
		address, err := who.Stop(pending.URL)
		if err != nil {
			t.Fatal(err)
		}
		comes := func(string) (logintest.Page, error) { // once somebody listens again
			for {
				reply, err := who.Client.Get(address)
				if err == nil {
					return logintest.Page{}, reply.Body.Close()
				}
				if t.Context().Err() != nil {
					return logintest.Page{}, err
				}
			}
		}
		if _, err := p.back(pending, comes); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// An answer that is lost on the way loses nothing: one account, one session, and at most one touch more.
func TestLostAnswersOfALogInByAPasskey(t *testing.T) {
	for _, path := range []string{"/ceremony/begin", "/ceremony/token", "/signup", "/public/v1/submit/stamp_login"} {
		for _, restart := range []bool{false, true} {
			p, _, who := withPasskey(t)
			lost := false
			lose := func(at string) bool {
				if at != path || lost {
					return false
				}
				lost = true
				return true
			}
			p.backend.lose = lose
			p.api.HTTP = &http.Client{Transport: &handler{Handler: p.box.API(), lose: lose}}
			a, err := p.otp.Passkey.Begin(t.Context(), "Robin", login.Options{})
			if path == "/ceremony/begin" {
				if err == nil {
					t.Fatalf("%s: nothing was lost", path)
				}
				if keys, err := p.keys.List(t.Context()); err != nil || len(keys) != 0 {
					t.Errorf("keys are left: %v, %v", keys, err)
				}
				if a, err = p.otp.Passkey.Begin(t.Context(), "Robin", login.Options{}); err != nil {
					t.Fatal(err)
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.back(a, who.Go)
			if !lost || err == nil && path != "/ceremony/begin" && path != "/public/v1/submit/stamp_login" { // which the client sends again by itself
				t.Fatalf("%s: nothing was lost", path)
			}
			if restart && err != nil {
				p.otp.Close()
				p.otp = login.New(p.otp.Desk)
				t.Cleanup(p.otp.Close)
			}
			for range 3 {
				if err == nil {
					break
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				_, err = p.otp.Continue(ctx, a.ID, "")
				cancel()
				if fault.CodeOf(err) == fault.BrowserLate {
					if a, err = p.otp.Resend(t.Context(), a.ID); err != nil {
						t.Fatal(err)
					}
					_, err = p.back(a, who.Go)
				}
			}
			if err != nil {
				t.Errorf("%s, restart %v: %v", path, restart, err)
				continue
			}
			s, ok := p.otp.Sessions.Active()
			if !ok {
				t.Errorf("%s: no session", path)
				continue
			}
			if ids, err := p.accounts(); err != nil || len(ids) != 1 || ids[0] != s.OrganizationID {
				t.Errorf("%s, restart %v: accounts %v, %v", path, restart, ids, err)
			}
		}
	}
}
