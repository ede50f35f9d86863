package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"latchkey/internal/login/logintest"
)

// dialogue is a command that is talked to while it runs, by its input, on its terminal and in a browser.
type dialogue struct {
	*console
	in   io.WriteCloser
	mu   sync.Mutex
	said bytes.Buffer // on stderr
}

func (d *dialogue) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.said.Write(p)
}

// hears waits for what the command says, and returns what the pattern's group matches.
func (d *dialogue) hears(pattern string) string {
	d.t.Helper()
	want := regexp.MustCompile(pattern)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 12000 {
		d.mu.Lock()
		m := want.FindStringSubmatch(d.said.String())
		d.mu.Unlock()
		if m != nil {
			return m[1]
		}
		<-tick.C
	}
	d.t.Fatalf("it never said %q: %q", pattern, d.said.String())
	return ""
}

// copies the code that came for a contact.
func (d *dialogue) copies(contact string) {
	d.t.Helper()
	inbox := d.hears(`The message is at (\S+)`) + "/inbox?wait=60&to=" + url.QueryEscape(contact)
	reply, err := http.Get(inbox)
	if err != nil {
		d.t.Fatal(err)
	}
	defer reply.Body.Close()
	var box struct{ Messages []struct{ Code string } }
	if err := json.NewDecoder(reply.Body).Decode(&box); err != nil || len(box.Messages) == 0 {
		d.t.Fatalf("no message to %s: %v", contact, err)
	}
	if _, err := io.WriteString(d.in, box.Messages[0].Code+"\n"); err != nil {
		d.t.Fatal(err)
	}
}

// visits the page that the command names, and logs in there.
func (d *dialogue) visits() {
	d.t.Helper()
	link := d.hears(`at this link on this computer:\n(\S+)\n`)
	if _, err := (logintest.Person{Email: "robin@google.example"}).LogIn(link); err != nil {
		d.t.Error(err)
	}
}

func (d *dialogue) agrees() { d.t.Helper(); d.answer(stampIt, 1, "yes") }

// talk runs a command that is talked to, and returns its output, with what it said.
func (d *desk) talk(talk func(*dialogue), args ...string) (out, said string, ok bool) {
	d.t.Helper()
	c, side := openConsole(d.t)
	ctx, cancel := context.WithTimeout(d.t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "latchkey", args...)
	cmd.Env = append([]string{"BROWSER=false"}, d.env...)
	in, err := cmd.StdinPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	var stdout bytes.Buffer
	with := &dialogue{console: c, in: in}
	cmd.Stdout, cmd.Stderr = &stdout, with
	cmd.ExtraFiles = []*os.File{side}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	if talk != nil {
		talk(with)
	}
	err = cmd.Wait()
	return stdout.String(), with.said.String(), err == nil
}

// TestWhatIsLinkedOnTheTerminalLogsInToTheSameAccount: whoever signed up by e-mail adds a number and a provider, arrives
// by each at the same account, and by none of them once it is removed.
func TestWhatIsLinkedOnTheTerminalLogsInToTheSameAccount(t *testing.T) {
	const number = "+442079460018"
	d := newDesk(t)
	answer := func(talk func(*dialogue), args ...string) (line struct{ Kind, ID, OrganizationID string }) {
		t.Helper()
		out, said, ok := d.talk(talk, append(args, "--json")...)
		if err := json.Unmarshal([]byte(out), &line); err != nil || !ok {
			t.Fatalf("%s: %q, %q", strings.Join(args, " "), out, said)
		}
		return line
	}
	byCode := func(c *dialogue) { c.copies(number) }
	phone := answer(func(c *dialogue) { c.copies(number); c.agrees() }, "credentials", "add", "phone", number)
	google := answer(func(c *dialogue) { c.visits(); c.agrees() }, "credentials", "add", "google")
	if phone.Kind != "phone" || phone.ID != "phone" || google.Kind != "provider" || google.ID == "" {
		t.Errorf("%+v, %+v", phone, google)
	}
	for _, s := range []string{
		answer(byCode, "login", "--phone", number, "--label", "by phone").OrganizationID,
		answer((*dialogue).visits, "login", "--google", "--label", "by provider").OrganizationID,
	} {
		if s != d.organization {
			t.Errorf("arrived at %s, not at %s", s, d.organization)
		}
	}
	out, _, _ := d.talk(nil, "credentials")
	for _, want := range []string{`(?m)^email +robin@example\.org +- +email$`, `(?m)^phone +\+442079460018 +- +phone$`, `(?m)^provider +Google +https?://\S+ +` + google.ID + `$`, `(?m)^device +robin@example\.org +this device, until `} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("no %q in %q", want, out)
		}
	}
	if out, _, _ := d.talk(nil, "credentials", "devices", "--json"); strings.Count(out, `"thisDevice":true`) != 3 || strings.Contains(out, `"kind":"email"`) {
		t.Errorf("devices: %s", out)
	}
	for _, id := range []string{"phone", google.ID} {
		if out, said, ok := d.talk((*dialogue).agrees, "credentials", "remove", id, "--json"); !ok || out != `{"removed":"`+id+"\"}\n" {
			t.Errorf("remove %s: %q, %q", id, out, said)
		}
	}
	for _, s := range []string{
		answer(byCode, "login", "--phone", number, "--label", "other phone").OrganizationID,
		answer((*dialogue).visits, "login", "--google", "--label", "other provider").OrganizationID,
	} {
		if s == d.organization {
			t.Error("what was removed logs in")
		}
	}
	if _, said, ok := d.talk(nil, "credentials", "remove", "email"); ok || !strings.Contains(said, "(credential.last)") {
		t.Errorf("the last one: %q", said)
	}
}
