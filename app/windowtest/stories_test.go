//go:build linux

package windowtest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const address = "ada@example.com"

// themes are the two looks. The page follows the system's, which GTK takes from a variable.
var themes = []struct{ name, gtk string }{{"light", ""}, {"dark", "Adwaita:dark"}}

// toCode goes from the first start to the screen that asks for the code.
func (w *window) toCode() {
	w.desk.t.Helper()
	w.press("Start in the sandbox")
	w.write("E-mail", address)
	w.press("Send a code")
	w.see(heading, "Enter the code")
}

// logIn goes from the first start to the wallets of a new account.
func (w *window) logIn() {
	w.desk.t.Helper()
	w.toCode()
	w.press("Fill it in")
	w.see(heading, "No wallets yet")
}

// makeWallet makes the wallet that the dialog proposes, and waits until it is shown.
func (w *window) makeWallet() {
	w.desk.t.Helper()
	w.press("New wallet")
	w.see(dialog, "New wallet")
	w.press("Make wallet")
	w.see(heading, "Wallet 1")
	w.see(button, "Copy the address of Ethereum")
}

// The main job, by somebody who has never seen it: from the first start to an address that can be given away.
func TestE1_FromFirstStartToACreatedWallet(t *testing.T) {
	path := program(t)
	for _, theme := range themes {
		t.Run(theme.name, func(t *testing.T) {
			d := openDesk(t, theme.gtk)
			d.startKeyring()
			w := d.open(path)
			w.see(heading, "Start in the sandbox")
			first := time.Since(w.began)
			w.toCode()
			w.press("Fill it in")
			w.see(heading, "No wallets yet")
			w.makeWallet()
			w.read("0x")
			t.Logf("E1: first start to a created wallet, %s: %.1f s (%.1f s to the first screen), %d clicks, 1 typed field",
				theme.name, time.Since(w.began).Seconds(), first.Seconds(), w.clicks)
			w.keep("wallet-" + theme.name)
		})
	}
}

// Each screen of that way as a person sees it, and everything on it that can be pressed or filled in has a name for
// those who cannot see it. Apart from the story above, whose seconds pictures would spoil.
func TestEveryScreenOfTheWayIsNamedAndKept(t *testing.T) {
	path := program(t)
	for _, theme := range themes {
		t.Run(theme.name, func(t *testing.T) {
			d := openDesk(t, theme.gtk)
			d.startKeyring()
			w := d.open(path)
			screen := func(name string) {
				t.Helper()
				w.named(name)
				w.keep(name + "-" + theme.name)
			}
			w.see(heading, "Start in the sandbox")
			screen("first-run")
			w.press("Start in the sandbox")
			w.see(heading, "Log in")
			screen("ways-in")
			w.write("E-mail", address)
			w.press("Send a code")
			w.see(heading, "Enter the code")
			screen("code")
			w.press("Fill it in")
			w.see(heading, "No wallets yet")
			screen("no-wallets")
			w.press("New wallet")
			w.see(dialog, "New wallet")
			screen("new-wallet")
			w.press("Make wallet")
			w.see(heading, "Wallet 1")
			screen("wallets")
		})
	}
}

// A crash is no log-out: the session, its key and the wallets are there again, and nobody is asked for a code.
func TestKilledWhenLoggedInItIsLoggedInAgain(t *testing.T) {
	path := program(t)
	d := openDesk(t, "")
	d.startKeyring()
	w := d.open(path)
	w.logIn()
	w.makeWallet()
	w.kill()

	w = d.open(path)
	w.see(heading, "Wallet 1")
	w.keep("after-kill")
	if w.clicks != 0 {
		t.Errorf("%d clicks to be logged in again", w.clicks)
	}
	t.Logf("back after a kill with the same wallet in %.1f s", time.Since(w.began).Seconds())
}

func TestAWrongCodeSaysSoAndTheRightOneStillWorks(t *testing.T) {
	path := program(t)
	for _, theme := range themes {
		t.Run(theme.name, func(t *testing.T) {
			d := openDesk(t, theme.gtk)
			d.startKeyring()
			w := d.open(path)
			w.toCode()
			w.typeCode("000000")
			w.read("It did not match. Two tries are left.")
			w.named("wrong code")
			w.keep("wrong-code-" + theme.name)
			w.press("Fill it in")
			w.see(heading, "No wallets yet")
		})
	}
}

func TestAnExpiredCodeSaysSo(t *testing.T) {
	path := program(t)
	for _, theme := range themes {
		t.Run(theme.name, func(t *testing.T) {
			d := openDesk(t, theme.gtk)
			d.startKeyring()
			w := d.open(path)
			w.toCode()
			w.control("POST", "/clock", `{"advanceSeconds":400}`)
			w.typeCode("000000")
			w.read("no longer valid")
			w.named("expired code")
			w.keep("expired-code-" + theme.name)
		})
	}
}

// A keychain that is locked when the program starts costs nobody a session: it says so, and the next step is to ask
// again.
func TestALockedKeychainSaysSoAndLosesNothing(t *testing.T) {
	path := program(t)
	for _, theme := range themes {
		t.Run(theme.name, func(t *testing.T) {
			d := openDesk(t, theme.gtk)
			d.startKeyring()
			w := d.open(path)
			w.logIn()
			w.kill()
			d.lockKeyring()

			w = d.open(path)
			w.see(heading, "locked")
			w.named("locked keychain")
			w.keep("keychain-locked-" + theme.name)
			w.kill()
			d.stopKeyring()
			d.startKeyring()

			w = d.open(path)
			w.see(heading, "No wallets yet")
		})
	}
}

// Without a keychain the choice says so, offers memory by its name, and takes nothing without being told.
func TestAnAbsentKeychainIsSaidAndNothingIsChosenSilently(t *testing.T) {
	path := program(t)
	for _, theme := range themes {
		t.Run(theme.name, func(t *testing.T) {
			d := openDesk(t, theme.gtk)
			w := d.open(path)
			w.read("No keychain is running.")
			w.read("Choose where keys will live.")
			w.named("absent keychain")
			w.keep("keychain-absent-" + theme.name)

			memory := w.see(radioButton, "Memory, until you quit")
			if memory.has(stateChecked) {
				t.Error("memory is chosen already")
			}
			if err := memory.press(); err != nil {
				t.Fatal(err)
			}
			w.logIn()
		})
	}
}

// typeCode types a code into the first box, from where the boxes hand the keyboard on by themselves.
func (w *window) typeCode(code string) {
	w.desk.t.Helper()
	w.write("Digit 1 of 6", code)
}

// named checks that everything that can be used has a name.
func (w *window) named(screen string) {
	w.desk.t.Helper()
	var blank []string
	for _, c := range w.look() {
		if c.has(stateShowing) && strings.TrimSpace(c.name) == "" &&
			(c.role == button || c.role == entry || c.role == checkBox || c.role == radioButton || c.role == link) {
			blank = append(blank, fmt.Sprint(c))
		}
	}
	if len(blank) > 0 {
		w.desk.t.Errorf("%s: without a name: %q", screen, blank)
	}
}
