package cli

import (
	"bufio"
	"context"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"latchkey/internal/client"
	"latchkey/internal/keystore"
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
	// session EMAIL logs in, with keys under the passphrase of the file words.
	"session": func(ts *testscript.TestScript, _ bool, args []string) {
		words := strings.TrimSpace(ts.ReadFile("words"))
		c, err := client.New(client.Options{
			Home: profile.At(ts.Getenv(profile.HomeVariable)),
			Ask:  func(context.Context, keystore.Question) (string, error) { return words, nil },
		})
		ts.Check(err)
		ctx := context.Background()
		ts.Check(c.Open(ctx, client.Passphrase))
		attempt, err := c.Login().Begin(ctx, args[0])
		ts.Check(err)
		code, err := c.SandboxCode(ctx, args[0])
		ts.Check(err)
		_, err = c.Login().Continue(ctx, attempt.ID, code)
		ts.Check(err)
		ts.Check(c.Close())
	},
	// replace FILE OLD NEW changes the first OLD in a file.
	"replace": func(ts *testscript.TestScript, _ bool, args []string) {
		text := ts.ReadFile(args[0])
		if !strings.Contains(text, args[1]) {
			ts.Fatalf("%s has no %q", args[0], args[1])
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o600))
	},
	// whoami writes body.json, which asks who the parent is.
	"whoami": func(ts *testscript.TestScript, _ bool, _ []string) {
		body := `{"organizationId":"` + ts.Getenv("TURNKEY_ORGANIZATION_ID") + `"}`
		ts.Check(os.WriteFile(ts.MkAbs("body.json"), []byte(body), 0o600))
	},
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
