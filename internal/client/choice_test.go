package client

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/profile"
)

// at returns a client on a folder, not yet open, with a person who knows the words.
func at(t *testing.T, home profile.Home, words string) *Client {
	t.Helper()
	c, err := New(Options{Home: home, ScryptWork: 6, Ask: func(context.Context, keystore.Question) (string, error) { return words, nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestASessionLivesInAPassphraseFileOverStarts(t *testing.T) {
	home := profile.At(t.TempDir())
	first := at(t, home, "correct horse")
	if err := first.Open(t.Context(), Passphrase); err != nil {
		t.Fatal(err)
	}
	s := logIn(t, first, "robin@example.org")
	if s.Key.Backend != Passphrase {
		t.Errorf("the key is in %q", s.Key.Backend)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	stranger := at(t, home, "battery staple")
	if got, err := stranger.Choose(); err != nil || got != Passphrase {
		t.Fatalf("remembered %q, %v", got, err)
	}
	if err := stranger.Open(t.Context(), Passphrase); err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Whoami(t.Context()); fault.CodeOf(err) != fault.PassphraseWrong {
		t.Errorf("with other words: %v", err)
	}
	if err := stranger.Close(); err != nil {
		t.Fatal(err)
	}

	second := at(t, home, "correct horse")
	if err := second.Open(t.Context(), Passphrase); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Whoami(t.Context()); err != nil {
		t.Errorf("at the next start: %v", err)
	}
	if h, backend := second.Keys(t.Context()); h.State != keystore.Passphrase || backend != Passphrase {
		t.Errorf("keys are in %q, %+v", backend, h)
	}
	if _, err := second.LogOut(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestNobodyToAskIsToldBeforeAnythingIsOpened(t *testing.T) {
	c, err := New(Options{Home: profile.At(t.TempDir())})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Open(t.Context(), Passphrase); fault.CodeOf(err) != fault.PassphraseNeeded {
		t.Errorf("Open: %v", err)
	}
	if c.Sessions() != nil {
		t.Error("it is open")
	}
}

func TestTheKeyStoreIsThatOfTheFlagThenTheEnvironmentThenTheLastOne(t *testing.T) {
	home := profile.At(t.TempDir())
	before := at(t, home, "correct horse")
	if got, err := before.Choose(); err != nil || got != "" {
		t.Errorf("at first %q, %v", got, err)
	}
	if err := before.Open(t.Context(), Passphrase); err != nil {
		t.Fatal(err)
	}
	c := at(t, home, "")
	for _, want := range []struct{ flag, environment, backend string }{
		{"", "", Passphrase}, {"", "memory", Memory}, {"keychain", "memory", Keychain},
	} {
		t.Setenv("LATCHKEY_KEYSTORE", want.environment)
		c.from.Flags[profile.SettingKeyStore] = want.flag
		if got, err := c.Choose(); err != nil || got != want.backend {
			t.Errorf("%+v: %q, %v", want, got, err)
		}
	}
	for _, bad := range [][2]string{{"Keychain", ""}, {"", "floppy"}} {
		t.Setenv("LATCHKEY_KEYSTORE", bad[1])
		c.from.Flags[profile.SettingKeyStore] = bad[0]
		if got, err := c.Choose(); fault.CodeOf(err) != fault.ProfileBad {
			t.Errorf("%q: %q, %v", bad, got, err)
		}
	}
}

// A choice that cannot be read, or is of a newer version, is asked for again or refused: no store stands in for it.
func TestAnUnreadableChoiceIsNotReplaced(t *testing.T) {
	for what, spoil := range map[string]func(c *Client) error{
		"damaged": func(c *Client) error {
			return os.WriteFile(filepath.Join(c.profile.Dir, settingsName), []byte("x"), 0o600)
		},
		"not JSON":   func(c *Client) error { return c.dir.Write(settingsName, []byte("{")) },
		"of a later": func(c *Client) error { return c.dir.Write(settingsName, []byte(`{"keyStore":"chip"}`)) },
	} {
		home := profile.At(t.TempDir())
		if err := spoil(at(t, home, "")); err != nil {
			t.Fatal(err)
		}
		c := at(t, home, "")
		for range 2 {
			if got, err := c.Choose(); !errors.Is(err, fault.Invalid) || got != "" {
				t.Errorf("%s: Choose gives %q, %v", what, got, err)
			}
			if got, err := c.Chosen(); err != nil || got != "" {
				t.Errorf("%s: Chosen gives %q, %v", what, got, err)
			}
		}
		c.from.Flags[profile.SettingKeyStore] = Memory
		if got, err := c.Choose(); err != nil || got != Memory {
			t.Errorf("%s: Choose gives %q, %v", what, got, err)
		}
	}
}
