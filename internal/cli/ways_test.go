//go:build unix

package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/login/logintest"
)

// way is one way in of the matrix: how it is asked for, and what a person does when the prompt comes. Each way has a row.
type way struct {
	name   string
	args   func(who string) []string
	prompt string                                                       // until which the command says what is to be done
	answer func(t *testing.T, s *seat, said, who string) (typed string) // what a person then types or pastes
	wrong  string                                                       // what he types first by mistake
	code   bool                                                         // another cannot be sent at once
	number bool                                                         // who is a phone number
}

var ways = []way{
	{name: "email", args: func(who string) []string { return []string{"--email", who} }, prompt: "Code: ", answer: fromInbox, wrong: "1", code: true},
	{name: "phone", args: func(who string) []string { return []string{"--phone", who} }, prompt: "Code: ", answer: fromInbox, wrong: "1", code: true, number: true},
	{name: "google", args: func(string) []string { return []string{"--google", "--paste"} }, prompt: "last page: ", answer: fromBrowser, wrong: "http://127.0.0.1:1/elsewhere"},
	{name: "oidc", args: func(string) []string { return []string{"--oidc", "--paste"} }, prompt: "last page: ", answer: fromBrowser, wrong: "http://127.0.0.1:1/elsewhere"},
}

// fromInbox is a person who reads the newest message.
func fromInbox(t *testing.T, s *seat, said, who string) string {
	t.Helper()
	inbox := s.inbox
	if inbox == "" {
		m := regexp.MustCompile(`The message is at (\S+)`).FindStringSubmatch(said)
		if m == nil {
			t.Fatalf("no inbox in %s", said)
		}
		inbox = m[1] + "/inbox"
	}
	ready, err := json.Marshal(map[string]string{"inboxUrl": inbox})
	if err != nil {
		t.Fatal(err)
	}
	code, err := mailed(string(ready), who)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// fromBrowser is a person who logs in on another computer and copies the address of the last page.
func fromBrowser(t *testing.T, _ *seat, said, who string) string {
	t.Helper()
	links := regexp.MustCompile(`(?m)^http\S+$`).FindAllString(said, -1)
	if len(links) == 0 {
		t.Fatalf("no link in %s", said)
	}
	to, err := logintest.Person{Email: who}.Stop(links[len(links)-1])
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// Every way in, by the real command, against the built-in sandbox and by a development profile against a second sandbox
// and a backend of its own.
func TestEveryWayInOnTheTerminal(t *testing.T) {
	var mu sync.Mutex
	cases := 0
	for _, profile := range []string{"sandbox", "development"} {
		t.Run(profile, func(t *testing.T) {
			s := newSeat(t, profile == "development")
			for _, w := range ways {
				t.Run(w.name, func(t *testing.T) {
					n := s.cases(t, w)
					mu.Lock()
					defer mu.Unlock()
					cases += n
				})
			}
		})
	}
	t.Logf("%d cases", cases)
}

// cases are what can happen to a log-in, each with people of its own.
func (s *seat) cases(t *testing.T, w way) (n int) {
	person := func(name string) string {
		if w.number {
			s.people++
			return "+1415555010" + string(rune('0'+s.people))
		}
		return name + "-" + w.name + "@example.org"
	}
	run := func(name string, story func(t *testing.T, begin func() *command, who string)) {
		n++
		t.Run(name, func(t *testing.T) {
			who := person(strings.ReplaceAll(name, " ", "-"))
			story(t, func() *command { return s.start(t, append([]string{"login", "--json"}, w.args(who)...)...) }, who)
		})
	}
	answered := func(t *testing.T, c *command, who string) string {
		t.Helper()
		c.say(w.answer(t, s, c.until(w.prompt), who))
		return c.organization()
	}
	again := func(t *testing.T, flag string) *command {
		args := []string{"login", "--json", flag}
		if !w.code {
			args = append(args, "--paste")
		}
		return s.start(t, args...)
	}
	run("sign-up and log-in again", func(t *testing.T, begin func() *command, who string) {
		first := answered(t, begin(), who)
		s.start(t, "logout").ends(0)
		if second := answered(t, begin(), who); second != first {
			t.Errorf("another account: %s, %s", first, second)
		}
		s.start(t, "logout").ends(0)
	})
	run("wrong input", func(t *testing.T, begin func() *command, who string) {
		c := begin()
		said := c.until(w.prompt)
		c.say(w.wrong)
		c.until(w.prompt + `(?s).+` + w.prompt) // it asks again
		c.say(w.answer(t, s, said, who))
		c.organization()
		s.start(t, "logout").ends(0)
	})
	run("cancelled", func(t *testing.T, begin func() *command, who string) {
		c := begin()
		c.until(w.prompt)
		c.say("")
		c.ends(1)
		if c = again(t, "--continue"); !strings.Contains(c.ends(1), "login.over") {
			t.Errorf("it goes on: %s", c.said.String())
		}
	})
	run("closed half-way", func(t *testing.T, begin func() *command, who string) {
		c := begin()
		c.until(w.prompt)
		c.kill()
		answered(t, again(t, "--continue"), who)
		s.start(t, "logout").ends(0)
	})
	run("resent", func(t *testing.T, begin func() *command, who string) {
		c := begin()
		late := w.answer(t, s, c.until(w.prompt), who)
		c.kill()    // and with it the sandbox, where it is this program's
		if w.code { // too early, and what was begun goes on
			if said := again(t, "--resend").ends(1); !strings.Contains(said, "otp.limited") {
				t.Errorf("sent again at once: %s", said)
			}
			answered(t, again(t, "--continue"), who)
		} else {
			c = again(t, "--resend")
			said := c.until(w.prompt)
			c.say(late) // of the round before: it counts no more
			c.until(w.prompt + `(?s).+` + w.prompt)
			c.say(w.answer(t, s, said, who))
			c.organization()
		}
		s.start(t, "logout").ends(0)
	})
	return n
}

// seat is one person's computer, with a profile.
type seat struct {
	program, home string
	env           []string
	inbox         string // of a sandbox that this program does not serve
	people        int
}

func newSeat(t *testing.T, development bool) *seat {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &seat{program: filepath.Join(dir, "latchkey"), home: filepath.Join(dir, "home")}
	if err := os.Symlink(self, s.program); err != nil { // testscript.Main takes it by its name
		t.Fatal(err)
	}
	words := filepath.Join(dir, "words")
	if err := os.WriteFile(words, []byte("correct horse battery staple\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.env = append(os.Environ(), "LATCHKEY_HOME="+s.home, "LATCHKEY_PASSPHRASE_FILE="+words, "LATCHKEY_KEYSTORE=passphrase",
		"XDG_RUNTIME_DIR="+dir+"/no-bus", "DBUS_SESSION_BUS_ADDRESS=")
	if !development {
		return s
	}
	envFile := filepath.Join(dir, "env")
	var box struct{ APIBaseURL, InboxURL string }
	s.start(t, "sandbox", "--listen", "127.0.0.1:0", "--env-file", envFile).ready(&box)
	text, err := os.ReadFile(envFile)
	if err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, strings.Fields(string(text))...)
	var back struct{ URL string }
	s.start(t, "backend", "--listen", "127.0.0.1:0").ready(&back)
	s.inbox = box.InboxURL
	s.env = append(s.env, "LATCHKEY_PROVIDERS_URL="+box.APIBaseURL, "LATCHKEY_GOOGLE_CLIENT_ID=latchkey-sandbox", "LATCHKEY_GOOGLE_CLIENT_SECRET=latchkey-sandbox",
		"LATCHKEY_OIDC_CLIENT_ID=latchkey-sandbox", "LATCHKEY_OIDC_ISSUER="+box.APIBaseURL+"/oidc/sandbox")
	s.start(t, "profile", "add", "acme", "--kind", "development", "--backend-url", back.URL, "--env-file", envFile, "--use").ends(0)
	return s
}

// command is the program while it runs.
type command struct {
	t         *testing.T
	c         *exec.Cmd
	in        io.WriteCloser
	out, said *heard
	done      chan struct{}
}

// start runs the program; it is killed with the test, if it still runs then.
func (s *seat) start(t *testing.T, args ...string) *command {
	t.Helper()
	c := &command{t: t, c: exec.Command(s.program, args...), out: &heard{}, said: &heard{}, done: make(chan struct{})}
	c.c.Args[0] = "latchkey"
	c.c.Env, c.c.Stdout, c.c.Stderr = s.env, c.out, c.said
	var err error
	if c.in, err = c.c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.c.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.done)
		_ = c.c.Wait() // how it ended, ProcessState says
	}()
	t.Cleanup(c.kill)
	return c
}

const patience = 2 * time.Minute

// until waits until standard error matches, and returns all of it.
func (c *command) until(pattern string) string {
	c.t.Helper()
	return c.wait(c.said, regexp.MustCompile(pattern))
}

func (c *command) wait(on *heard, want *regexp.Regexp) string {
	c.t.Helper()
	late, tick := time.After(patience), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for ended := false; ; {
		text := on.String()
		switch {
		case want.MatchString(text):
			return text
		case ended:
			c.t.Fatalf("it ended without %q: %s", want, c.said)
		}
		select {
		case <-tick.C:
		case <-c.done:
			ended = true
		case <-late:
			c.t.Fatalf("no %q in %s", want, c.said)
		}
	}
}

// ready reads the line that says that a server is ready.
func (c *command) ready(into any) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(c.wait(c.out, regexp.MustCompile(`\n`))), into); err != nil {
		c.t.Fatal(err)
	}
}

func (c *command) say(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

// ends waits for the end with an exit status, and returns what was said.
func (c *command) ends(status int) string {
	c.t.Helper()
	select {
	case <-c.done:
	case <-time.After(patience):
		c.t.Fatalf("it goes on: %s", c.said)
	}
	if got := c.c.ProcessState.ExitCode(); got != status {
		c.t.Fatalf("exit status %d, want %d: %s", got, status, c.said)
	}
	return c.said.String()
}

// organization waits for the session and returns whose it is.
func (c *command) organization() string {
	c.t.Helper()
	c.ends(0)
	var s struct{ OrganizationID string }
	if err := json.Unmarshal([]byte(c.out.String()), &s); err != nil || s.OrganizationID == "" {
		c.t.Fatalf("no session: %v, %s", err, c.out)
	}
	return s.OrganizationID
}

// kill ends it as a crash would.
func (c *command) kill() {
	_ = c.c.Process.Kill() // it may have ended
	<-c.done
}

// heard is what a process wrote so far.
type heard struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(p)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}
