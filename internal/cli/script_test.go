package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"latchkey/internal/client"
	"latchkey/internal/keystore"
	"latchkey/internal/login"
	"latchkey/internal/login/logintest"
	"latchkey/internal/profile"
)

// commands are what the stories need besides testscript's own.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	// waitfor FILE waits until the file is there and has something in it.
	"waitfor": func(ts *testscript.TestScript, _ bool, args []string) {
		path := ts.MkAbs(args[0])
		eventually(ts, "file "+args[0], func() bool {
			info, err := os.Stat(path)
			return err == nil && info.Size() > 0
		})
	},
	// loadenv FILE puts NAME=value lines into the environment.
	"loadenv": func(ts *testscript.TestScript, _ bool, args []string) {
		lines := bufio.NewScanner(strings.NewReader(ts.ReadFile(args[0])))
		for lines.Scan() {
			if name, value, ok := strings.Cut(lines.Text(), "="); ok {
				ts.Setenv(name, value)
			}
		}
	},
	// backendurl FILE puts the address of a backend's ready line into the environment, as BACKEND.
	"backendurl": func(ts *testscript.TestScript, _ bool, args []string) {
		var ready struct {
			URL string `json:"url"`
		}
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &ready))
		ts.Setenv("BACKEND", ready.URL)
	},
	// session EMAIL [LABEL] logs in by the sandbox profile, with keys under the passphrase of the file words. With a label
	// the active session, if there is one, stays the active one.
	"session": func(ts *testscript.TestScript, _ bool, args []string) {
		logIn(ts, args, func(ctx context.Context, c *client.Client) (string, error) { return c.SandboxCode(ctx, args[0]) })
	},
	// login EMAIL logs in by the profile in use, with the code from the inbox of a sandbox whose ready line is the file
	// sandbox.
	"login": func(ts *testscript.TestScript, _ bool, args []string) {
		box := ts.ReadFile("sandbox")
		logIn(ts, args, func(context.Context, *client.Client) (string, error) { return mailed(box, args[0]) })
	},
	// mailed WHOM FILE writes the newest code for an address or a number into a file, from the inbox of the sandbox whose
	// ready line is the file sandbox.
	"mailed": func(ts *testscript.TestScript, _ bool, args []string) {
		code, err := mailed(ts.ReadFile("sandbox"), args[0])
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(code+"\n"), 0o600))
	},
	// browses EMAIL SEEN FILE logs in at the provider whose link stands in SEEN, on another computer: the address of the
	// last page, which does not load there, goes into a file.
	"browses": func(ts *testscript.TestScript, _ bool, args []string) {
		link := regexp.MustCompile(`(?m)^http\S+$`).FindString(ts.ReadFile(args[1]))
		to, err := logintest.Person{Email: args[0]}.Stop(link)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(to+"\n"), 0o600))
	},
	"keyof":  keyOf,
	"orphan": makeOrphan,
	// replace FILE OLD NEW changes the first OLD in a file.
	"replace": func(ts *testscript.TestScript, _ bool, args []string) {
		text := ts.ReadFile(args[0])
		if !strings.Contains(text, args[1]) {
			ts.Fatalf("%s has no %q", args[0], args[1])
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o600))
	},
	// stamping FILE TYPE PARAMETERS writes the body of an activity in the session's organization, of now.
	"stamping": func(ts *testscript.TestScript, _ bool, args []string) {
		body := fmt.Sprintf(`{"type":%q,"timestampMs":"%d","organizationId":%q,"parameters":%s}`,
			args[1], time.Now().UnixMilli(), ts.Getenv("SESSION_ORGANIZATION_ID"), args[2])
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(body), 0o600))
	},
	// waitline FILE PATTERN waits until a line of the file matches.
	"waitline": func(ts *testscript.TestScript, _ bool, args []string) {
		path, want := ts.MkAbs(args[0]), regexp.MustCompile(args[1])
		eventually(ts, "line "+args[1]+" in "+args[0], func() bool {
			text, err := os.ReadFile(path)
			return err == nil && want.Match(text)
		})
	},
	// fetch FILE FIELD PATH gets a path of the address that a ready line names, and writes status and body to answer.
	"fetch": func(ts *testscript.TestScript, _ bool, args []string) {
		var ready map[string]any
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &ready))
		base, _ := ready[args[1]].(string)
		resp, err := http.Get(base + args[2])
		ts.Check(err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs("answer"), fmt.Appendf(nil, "%d %s", resp.StatusCode, body), 0o600))
	},
	// post FILE PATH BODY sends JSON to the backend whose ready line is in a file, and writes status and body to answer.
	"post": func(ts *testscript.TestScript, _ bool, args []string) {
		var ready struct {
			URL string `json:"url"`
		}
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &ready))
		resp, err := http.Post(ready.URL+args[1], "application/json", strings.NewReader(args[2]))
		ts.Check(err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs("answer"), fmt.Appendf(nil, "%d %s", resp.StatusCode, body), 0o600))
	},
	// whoami writes body.json, which asks who the parent is.
	"whoami": func(ts *testscript.TestScript, _ bool, _ []string) {
		body := `{"organizationId":"` + ts.Getenv("TURNKEY_ORGANIZATION_ID") + `"}`
		ts.Check(os.WriteFile(ts.MkAbs("body.json"), []byte(body), 0o600))
	},
}

// mailed is the newest code for an address or a number, in the inbox of the sandbox with a ready line.
func mailed(ready, to string) (string, error) {
	var box struct {
		InboxURL string `json:"inboxUrl"`
	}
	if err := json.Unmarshal([]byte(ready), &box); err != nil {
		return "", err
	}
	resp, err := http.Get(box.InboxURL + "?wait=60&to=" + url.QueryEscape(to))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var inbox struct{ Messages []struct{ Code string } }
	if err := json.NewDecoder(resp.Body).Decode(&inbox); err != nil || len(inbox.Messages) == 0 {
		return "", fmt.Errorf("no message: %w", err)
	}
	return inbox.Messages[0].Code, nil
}

// logIn logs in by the profile that the script's settings choose: args are an address and perhaps a label.
func logIn(ts *testscript.TestScript, args []string, code func(context.Context, *client.Client) (string, error)) {
	words := strings.TrimSpace(ts.ReadFile("words"))
	c, err := client.New(client.Options{
		Home: profile.At(ts.Getenv(profile.HomeVariable)),
		Ask:  func(context.Context, keystore.Question) (string, error) { return words, nil }, ScryptWork: weak,
	})
	ts.Check(err)
	ctx := context.Background()
	ts.Check(c.Open(ctx, client.Passphrase))
	further := login.Options{}
	if len(args) > 1 {
		further = login.Options{Label: args[1], Stay: true}
	}
	attempt, err := c.Login().OTP.Begin(ctx, args[0], further)
	ts.Check(err)
	typed, err := code(ctx, c)
	ts.Check(err)
	s, err := c.Login().Continue(ctx, attempt.ID, typed)
	ts.Check(err)
	ts.Setenv("SESSION_ORGANIZATION_ID", s.OrganizationID)
	ts.Check(c.Close())
}

// eventually waits for what another process is about to do, with a bound.
func eventually(ts *testscript.TestScript, what string, done func() bool) {
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("no %s", what)
		}
	}
}
