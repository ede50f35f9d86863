package ceremony

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"latchkey/internal/fault"
)

// openTime is how long the program that opens a browser may take. One that is the browser itself, and stays, is left
// running: it belongs to the person.
const openTime = 3 * time.Second

// OpenBrowser opens an address in the person's browser: by the programs that $BROWSER lists, else by the system's own.
// Errors: fault.BrowserUnopened, also for an address that is neither https nor http on loopback; then the person opens
// the link by hand.
func OpenBrowser(ctx context.Context, address string) error {
	if err := openable(address); err != nil {
		return fault.New(fault.BrowserUnopened, err)
	}
	var last error
	for _, line := range openers(os.Getenv("BROWSER")) {
		if last = run(ctx, withAddress(line, address)); last == nil {
			return nil
		}
	}
	return fault.New(fault.BrowserUnopened, last)
}

// openable refuses what a browser would do more with than show it, and what would leave in clear.
func openable(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '"' }):
		return errors.New("not an address that a browser opens")
	case u.Scheme == "https", u.Scheme == "http" && Loopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("scheme %q: want https, or http on loopback", u.Scheme)
}

// openers are the command lines to try. $BROWSER holds several, separated by colons, as other programs read it too.
func openers(browser string) [][]string {
	var all [][]string
	if runtime.GOOS != "windows" { // where a colon is part of a path, and the variable unknown
		for _, line := range strings.Split(browser, ":") {
			if words := strings.Fields(line); len(words) > 0 {
				all = append(all, words)
			}
		}
	}
	switch {
	case len(all) > 0:
		return all
	case runtime.GOOS == "windows":
		return [][]string{{"rundll32", "url.dll,FileProtocolHandler"}}
	case runtime.GOOS == "darwin":
		return [][]string{{"open"}}
	}
	return [][]string{{"xdg-open"}}
}

// withAddress puts the address where %s stands, else at the end. No shell reads it.
func withAddress(words []string, address string) []string {
	var out []string
	named := false
	for i, w := range words {
		out = append(out, strings.ReplaceAll(w, "%s", address))
		named = named || i > 0 && strings.Contains(w, "%s")
	}
	if !named {
		out = append(out, address)
	}
	return out
}

// run starts a program and waits a moment for its word. One that still runs then has not failed.
func run(ctx context.Context, line []string) error {
	c := exec.Command(line[0], line[1:]...) // not bound to ctx: the browser outlives this log-in
	if err := c.Start(); err != nil {
		return fmt.Errorf("start %q: %w", line[0], err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }() // it ends with the program, which the person closes
	patience := time.NewTimer(openTime)
	defer patience.Stop()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%q: %w", line[0], err)
		}
	case <-patience.C:
	case <-ctx.Done():
	}
	return nil
}
