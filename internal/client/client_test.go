package client

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/login"
	"latchkey/internal/profile"
	"latchkey/internal/session"
)

// open returns a client on a data folder, with keys in memory.
func open(t *testing.T, home profile.Home) *Client {
	t.Helper()
	c, err := New(Options{Home: home, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))})
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
	return c
}

// logIn goes the whole way in by e-mail code.
func logIn(t *testing.T, c *Client, contact string) session.Session {
	t.Helper()
	attempt, err := c.Login().OTP.Begin(t.Context(), contact, login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	code, err := c.SandboxCode(t.Context(), contact)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Login().Continue(t.Context(), attempt.ID, code)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFromNothingToAWalletAndOut(t *testing.T) {
	c := open(t, profile.At(t.TempDir()))
	first := logIn(t, c, "robin@example.org")
	if first.Contact != "robin@example.org" {
		t.Errorf("contact %q", first.Contact)
	}
	if wallets, err := c.Wallets(t.Context()); err != nil || len(wallets) != 0 {
		t.Fatalf("a new organization has wallets %v, %v", wallets, err)
	}
	w, err := c.CreateWallet(t.Context(), "Everyday", []string{"ethereum", "solana", "bitcoin"})
	if err != nil {
		t.Fatal(err)
	}
	var tags []string
	for _, a := range w.Accounts {
		tags = append(tags, a.Chain)
	}
	if got := strings.Join(tags, " "); got != "ETH SOL BTC" || !strings.HasPrefix(w.Accounts[0].Address, "0x") {
		t.Errorf("accounts %v", w.Accounts)
	}

	refreshed, err := c.Sessions().RefreshNow(t.Context(), first.ID)
	if err != nil {
		t.Fatal(err)
	}
	if refreshed.Key.PublicKey == first.Key.PublicKey || refreshed.ID != first.ID {
		t.Errorf("refresh kept the key or lost the session: %v", refreshed)
	}
	who, err := c.Whoami(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if who.OrganizationID != first.OrganizationID {
		t.Errorf("whoami: %v", who)
	}

	result, err := c.LogOut(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !result.Revoked || !result.Deleted {
		t.Errorf("log-out: %+v", result)
	}
	if _, err := c.Wallets(t.Context()); !errors.Is(err, fault.NotFound) {
		t.Errorf("wallets after log-out: %v", err)
	}

	// The same contact finds the same organization again.
	if again := logIn(t, c, "robin@example.org"); again.OrganizationID != first.OrganizationID {
		t.Errorf("a second log-in led to %s, not %s", again.OrganizationID, first.OrganizationID)
	}
	if wallets, err := c.Wallets(t.Context()); err != nil || len(wallets) != 1 {
		t.Errorf("wallets after the second log-in: %v, %v", wallets, err)
	}
}

func TestASecondProgramUsesTheFirstOnesSandboxAndTakesOver(t *testing.T) {
	home := profile.At(t.TempDir())
	first, second := open(t, home), open(t, home)
	a, b := first.run.place.shared.Endpoints(), second.run.place.shared.Endpoints()
	if a != b {
		t.Fatalf("two sandboxes on one folder: %v and %v", a, b)
	}
	logIn(t, second, "robin@example.org")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	// The second takes over by itself, with the same organizations and keys.
	if _, err := second.Whoami(t.Context()); err != nil {
		t.Fatal(err)
	}
	if at := second.run.place.shared.Endpoints(); at.Token == a.Token {
		t.Error("the token outlived the process that made it")
	}
}

func TestARejectedSessionEndsWithThatReason(t *testing.T) {
	c := open(t, profile.At(t.TempDir()))
	s := logIn(t, c, "robin@example.org")
	signer, err := c.Sessions().Signer(t.Context(), s.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.run.revoke(t.Context(), s, signer, s.Key.PublicKey); err != nil { // as another device would
		t.Fatal(err)
	}
	if _, err := c.Wallets(t.Context()); !errors.Is(err, fault.Expired) {
		t.Fatalf("a revoked key: %v", err)
	}
	over, ok := c.Sessions().LastEnded()
	if !ok || over.Ended.Reason != session.Rejected {
		t.Errorf("the session ended as %+v", over.Ended)
	}
}

func TestARefusalForAnotherOrganizationEndsNoSession(t *testing.T) {
	c := open(t, profile.At(t.TempDir()))
	first := logIn(t, c, "ada@example.org")
	if _, err := c.LogOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	logIn(t, c, "robin@example.org")
	for name, organization := range map[string]string{"another user": first.OrganizationID, "nobody": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"} {
		if _, err := c.Request(t.Context(), "/public/v1/query/list_users", []byte(`{"organizationId":"`+organization+`"}`)); err == nil {
			t.Errorf("read the organization of %s", name)
		}
	}
	if got := c.Sessions().State(); got != session.Authenticated {
		t.Errorf("the session is %s", got)
	}
}

func TestASessionWhoseKeyIsGoneEnds(t *testing.T) {
	c := open(t, profile.At(t.TempDir()))
	s := logIn(t, c, "robin@example.org")
	if err := c.stores[Memory].Delete(t.Context(), s.Key.PublicKey); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Wallets(t.Context()); fault.CodeOf(err) != fault.KeyMissing {
		t.Errorf("wallets without a key: %v", err)
	}
	if over, ok := c.Sessions().LastEnded(); !ok || over.Ended.Reason != session.Revoked {
		t.Errorf("the session ended as %+v", over.Ended)
	}
}

func TestDamagedSettingsAskForTheChoiceAgain(t *testing.T) {
	home := profile.At(t.TempDir())
	c := open(t, home)
	for _, name := range []string{"settings.json", "settings.json.1"} {
		if err := os.WriteFile(filepath.Join(c.profile.Dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := New(Options{Home: home})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Chosen(); err != nil || got != "" {
		t.Errorf("Chosen = %q, %v", got, err)
	}
}

func TestAWalletNeedsANameAndAKnownChain(t *testing.T) {
	c := open(t, profile.At(t.TempDir()))
	for _, bad := range []struct {
		name   string
		chains []string
	}{{"", []string{"ethereum"}}, {strings.Repeat("x", 101), []string{"ethereum"}}, {"A", nil}, {"A", []string{"dogecoin"}}, {"A", []string{"solana", "solana"}}} {
		if _, err := c.CreateWallet(t.Context(), bad.name, bad.chains); !errors.Is(err, fault.Invalid) {
			t.Errorf("CreateWallet(%.10q, %v): %v", bad.name, bad.chains, err)
		}
	}
}

func TestTheChoiceOfAKeychainIsRememberedAndMemoryIsNot(t *testing.T) {
	home := profile.At(t.TempDir())
	open(t, home)
	c, err := New(Options{Home: home, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Chosen(); err != nil || got != "" {
		t.Errorf("Chosen = %q, %v", got, err)
	}
}
