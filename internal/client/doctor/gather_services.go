package doctor

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"latchkey/internal/client"
)

// cause is what went wrong with a call, without what was called.
func cause(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

func lookServices(p client.Patient) look {
	return func(ctx context.Context, tell func(found)) {
		ctx, cancel := part(ctx, 0.8)
		defer cancel()
		var both sync.WaitGroup
		both.Go(func() {
			s := call(ctx, p.Profile.APIURL)
			tell(func(f *Facts) { f.API = &s })
		})
		both.Go(func() {
			s := call(ctx, p.Profile.BackendURL)
			tell(func(f *Facts) { f.Backend = &s })
		})
		both.Wait()
	}
}

// call asks a server for its front page, with nothing of ours in the question. Any answer is a sign of life.
func call(ctx context.Context, address string) Service {
	s := Service{URL: address}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/", nil)
	if err != nil {
		s.Err = err
		return s
	}
	asker := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer asker.CloseIdleConnections()
	sent := time.Now().Round(0)
	resp, err := asker.Do(req)
	got := time.Now().Round(0)
	if err != nil {
		s.Err = err
		return s
	}
	_ = resp.Body.Close() // a GET whose body nobody reads
	s.Status = resp.StatusCode
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		// It is cut to whole seconds, and was written somewhere between.
		s.Least, s.Most, s.Dated = date.Sub(got), date.Add(time.Second).Sub(sent), true
	}
	return s
}

// lookPort looks at the port that latchkey backend takes without --listen.
func lookPort(p client.Patient) look {
	return func(ctx context.Context, tell func(found)) {
		one := Port{Text: os.Getenv("PORT")}
		if one.Text == "" {
			one.Text = "3000"
		}
		number, err := strconv.Atoi(one.Text)
		one.Valid = err == nil && number >= 0 && number < 1<<16
		one.Any = one.Valid && number == 0
		if one.Valid {
			address := net.JoinHostPort("127.0.0.1", one.Text)
			var trial net.ListenConfig
			switch listener, err := trial.Listen(ctx, "tcp", address); {
			case err == nil:
				_ = listener.Close() // nobody called
			case inUse(err):
				one.Taken = true
				at, here := localPort(p.Profile.BackendURL)
				one.Ours = here && at == one.Text
			default:
				one.Reason = err.Error()
			}
		}
		tell(func(f *Facts) { f.Port = &one })
	}
}

// localPort returns the port of an address on this machine, and whether it is one.
func localPort(address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1" && u.Hostname() != "::1" {
		return "", false
	}
	return u.Port(), true
}

const library = "libwebkit2gtk-4.1.so.0"

func lookLibrary(folders []string) look {
	return func(_ context.Context, tell func(found)) {
		l := Library{Needed: len(folders) > 0}
		for _, folder := range folders {
			if found, _ := filepath.Glob(filepath.Join(folder, library)); len(found) > 0 && l.Path == "" {
				l.Path = found[0]
			}
		}
		tell(func(f *Facts) { f.Library = &l })
	}
}

func lookDisplay(ctx context.Context, tell func(found)) {
	d := Display{Needed: hasDisplays}
	if d.Needed {
		d.Name, d.Err = findDisplay(ctx, os.Getenv)
	}
	tell(func(f *Facts) { f.Display = &d })
}

// findDisplay returns the name of the display that a window would open on, and why it does not answer.
func findDisplay(ctx context.Context, getenv func(string) string) (name string, err error) {
	if name = getenv("WAYLAND_DISPLAY"); name != "" {
		socket := name
		if !filepath.IsAbs(socket) {
			socket = filepath.Join(getenv("XDG_RUNTIME_DIR"), name)
		}
		if err = dial(ctx, "unix", socket); err == nil || getenv("DISPLAY") == "" {
			return name, err
		}
	}
	if name = getenv("DISPLAY"); name == "" {
		return "", nil
	}
	host, number, _ := strings.Cut(name, ":")
	number, _, _ = strings.Cut(number, ".")
	if host != "" && host != "unix" {
		n, err := strconv.Atoi(number)
		if err != nil {
			return name, err
		}
		return name, dial(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(6000+n)))
	}
	socket := "/tmp/.X11-unix/X" + number
	if err = dial(ctx, "unix", socket); err != nil && dial(ctx, "unix", "@"+socket) == nil {
		err = nil
	}
	return name, err
}

func dial(ctx context.Context, network, address string) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if err == nil {
		_ = c.Close() // nothing was said
	}
	return err
}
