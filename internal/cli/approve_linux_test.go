package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"latchkey/internal/client"
	"latchkey/internal/keystore"
	"latchkey/internal/login"
	"latchkey/internal/profile"
)

// desk is a data folder with a session whose keys are under a passphrase, and the environment of commands on it.
type desk struct {
	t            *testing.T
	home         profile.Home
	organization string
	env          []string
	ahead        string // a line that is typed before a command starts
}

const deskWords = "correct horse battery"

func newDesk(t *testing.T) *desk {
	t.Helper()
	dir := t.TempDir()
	d := &desk{t: t, home: profile.At(filepath.Join(dir, "latchkey"))}
	if err := os.WriteFile(filepath.Join(dir, "words"), []byte(deskWords), 0o600); err != nil {
		t.Fatal(err)
	}
	d.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LATCHKEY_HOME=" + filepath.Join(dir, "latchkey"),
		"LATCHKEY_PASSPHRASE_FILE=" + filepath.Join(dir, "words"), "XDG_RUNTIME_DIR=" + dir}
	d.with(func(c *client.Client) {
		attempt, err := c.Login().OTP.Begin(t.Context(), "robin@example.org", login.Options{})
		if err != nil {
			t.Fatal(err)
		}
		code, err := c.SandboxCode(t.Context(), "robin@example.org")
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.Login().Continue(t.Context(), attempt.ID, code)
		if err != nil {
			t.Fatal(err)
		}
		d.organization = s.OrganizationID
	})
	return d
}

// with opens the desk in this process.
func (d *desk) with(f func(c *client.Client)) {
	d.t.Helper()
	c, err := client.New(client.Options{Home: d.home, ScryptWork: weak, Ask: func(context.Context, keystore.Question) (string, error) { return deskWords, nil }})
	if err != nil {
		d.t.Fatal(err)
	}
	if err := c.Open(d.t.Context(), client.Passphrase); err != nil {
		d.t.Fatal(err)
	}
	f(c)
	if err := c.Close(); err != nil {
		d.t.Fatal(err)
	}
}

// typing runs a command on a terminal of its own. what is said on the terminal, on stdout and on stderr comes back.
func (d *desk) typing(answers func(c *console), args ...string) (shown, out, said string, ok bool) {
	d.t.Helper()
	c, side := openConsole(d.t)
	if d.ahead != "" {
		c.typed(d.ahead)
		c.await(d.ahead+"\r\n", 1) // what is typed reaches a terminal by way of the kernel's queue: its echo says that it has
	}
	ctx, cancel := context.WithTimeout(d.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "latchkey", args...)
	cmd.Env = d.env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.ExtraFiles = []*os.File{side}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	if answers != nil {
		answers(c)
	}
	err := cmd.Wait()
	return c.text(), stdout.String(), stderr.String(), err == nil
}

// rename is a request that is asked for, with a name that would like to be something else.
func (d *desk) rename(name string) []string {
	return []string{"request", "/public/v1/submit/update_wallet", fmt.Sprintf(
		`{"type":"ACTIVITY_TYPE_UPDATE_WALLET","timestampMs":"%d","organizationId":%q,"parameters":{"walletId":"w","walletName":"%s"}}`, time.Now().UnixMilli(), d.organization, name)}
}

const stampIt = "Type yes, or anything else for no: "

// TestARequestIsShownOnTheTerminalAndAskedAbout: yes stamps it, everything else does not, and what stands in it is
// shown for what it is.
func TestARequestIsShownOnTheTerminalAndAskedAbout(t *testing.T) {
	d := newDesk(t)
	answer := func(line string) func(*console) { return func(c *console) { c.answer(stampIt, 1, line) } }
	shown, _, said, _ := d.typing(answer("yes"), d.rename(`%s%n\u202e\u001b[2J`)...)
	if !strings.Contains(shown, `walletName: “%s%n\u202e\u001b[2J”`) || !strings.Contains(shown, "Rename a wallet") || !strings.Contains(shown, "request: sha256 ") {
		t.Errorf("shown %q", shown)
	}
	if strings.Contains(said, "approval.") || !strings.Contains(said, "(") { // Turnkey knows no such wallet
		t.Errorf("after yes it said %q", said)
	}
	for _, no := range []string{"", "YES", "yes please"} {
		if _, out, said, ok := d.typing(answer(no), d.rename("x")...); ok || out != "" || !strings.Contains(said, "(approval.refused)") {
			t.Errorf("after %q: %q, %q", no, out, said)
		}
	}
	d.with(func(c *client.Client) {
		all, err := c.JournalEntries(t.Context(), client.JournalFilter{Type: "update_wallet"})
		if err != nil || len(all) != 4 {
			t.Fatalf("%d entries, %v", len(all), err)
		}
		for i, e := range all {
			if want := map[bool]string{true: "yes", false: "refused"}[i == 0]; e.Verdict != want || (e.PublicKey != "") != (i == 0) {
				t.Errorf("entry %d: %s by %q", i, e.Verdict, e.PublicKey)
			}
		}
	})
}

// What was typed while nothing was shown answers nothing: the question waits for what is typed after it.
func TestWhatIsTypedAheadIsNoAnswer(t *testing.T) {
	d := newDesk(t)
	d.ahead = "yes"
	shown, _, said, _ := d.typing(func(c *console) { c.answer(stampIt, 1, "no") }, d.rename("x")...)
	if !strings.Contains(said, "(approval.refused)") {
		t.Errorf("shown %q, said %q", shown, said)
	}
}

func TestARuleIsStatedAndAskedAbout(t *testing.T) {
	d := newDesk(t)
	add := []string{"rules", "add", "activity", "update_wallet", "--scope", "profile", "--for", "ever"}
	if _, _, said, ok := d.typing(func(c *console) { c.answer(stampIt, 1, "no") }, add...); ok || !strings.Contains(said, "(approval.refused)") {
		t.Errorf("after no it said %q", said)
	}
	const words = "Without asking: “Rename a wallet”, in every session of this profile, for ever."
	shown, out, said, ok := d.typing(func(c *console) { c.answer(stampIt, 1, "yes") }, add...)
	if !ok || !strings.Contains(shown, words) || !strings.Contains(out, words) {
		t.Errorf("shown %q, out %q, said %q", shown, out, said)
	}
	if shown, _, said, _ := d.typing(nil, d.rename("x")...); strings.Contains(shown, "Type yes") || strings.Contains(said, "approval.") {
		t.Errorf("with the rule: shown %q, said %q", shown, said)
	}
}
