package ceremony

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"latchkey/internal/fault"
)

// Life is how long a round through the browser may take.
const Life = 5 * time.Minute

const (
	headerTime = 2 * time.Second // for a request's line and headers
	headerMost = 8 << 10         // bytes of them
	pageTime   = 2 * time.Second // for the browser to fetch its last page, once the answer is here
)

// Expect says what an answer must carry, and where it comes back to.
type Expect struct {
	State string // which the answer must repeat; required

	// Host is how the redirect URI names this machine: "127.0.0.1" (RFC 8252, section 8.3) if "", or "localhost" for
	// providers that take nothing else.
	Host string

	// Ports are those that may be used, in their order, for providers that compare redirect URIs as texts; none is any
	// free one. Path is where on them, "/" and more, for the same providers; "" is one that nobody can guess.
	Ports []int
	Path  string

	// Again is the redirect URI of a listener that was, which must be the same; "" for none. It counts before the others.
	Again string

	Expires time.Time        // when the wait ends; zero is [Life] from now
	Now     func() time.Time // nil is time.Now
}

// Listener waits on loopback for one answer. It is safe for parallel use.
type Listener struct {
	redirect string
	path     string
	hosts    []string
	state    [32]byte // SHA-256, so that a comparison tells nothing of it, its length included
	expires  time.Time
	now      func() time.Time

	server *http.Server
	work   sync.WaitGroup
	answer chan url.Values
	ended  chan struct{} // closed by Close

	mu     sync.Mutex
	closed bool
	taken  bool          // the answer is here
	good   bool          // and is no refusal
	shown  bool          // the browser has its last page
	page   chan struct{} // closed when it has
}

// Listen waits at a loopback address until Close. Errors: fault.PortsTaken, when every port that could be is taken.
func Listen(e Expect) (*Listener, error) {
	if e.State == "" {
		panic("ceremony: a listener that any answer without a state satisfies")
	}
	l := &Listener{
		path: e.Path, state: sha256.Sum256([]byte(e.State)), expires: e.Expires, now: e.Now,
		answer: make(chan url.Values, 1), ended: make(chan struct{}), page: make(chan struct{}),
	}
	if l.now == nil {
		l.now = time.Now
	}
	if l.expires.IsZero() {
		l.expires = l.now().Add(Life)
	}
	if l.path == "" {
		l.path = "/" + rand.Text()
	}
	host, ports := cmp.Or(e.Host, "127.0.0.1"), e.Ports
	if e.Again != "" {
		u, err := url.Parse(e.Again)
		if err != nil {
			return nil, fault.New(fault.BrowserLate, err)
		}
		port, err := strconv.Atoi(u.Port())
		if err != nil || u.Path == "" || !Loopback(u.Hostname()) {
			return nil, fault.New(fault.BrowserLate, errors.New("the round did not come back to this machine"))
		}
		host, ports, l.path = u.Hostname(), []int{port}, u.Path
	}
	listeners, err := bind(ports)
	if err != nil {
		return nil, err
	}
	port := strconv.Itoa(listeners[0].Addr().(*net.TCPAddr).Port)
	l.redirect = "http://" + net.JoinHostPort(host, port) + l.path
	l.hosts = []string{net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port), net.JoinHostPort("localhost", port)}
	l.server = &http.Server{
		Handler:           l,
		ReadHeaderTimeout: headerTime, ReadTimeout: headerTime, WriteTimeout: headerTime, IdleTimeout: headerTime,
		MaxHeaderBytes: headerMost - 4<<10, // net/http allows 4 KB over what it is told
		ErrorLog:       log.New(io.Discard, "", 0),
	}
	for _, n := range listeners {
		l.work.Go(func() { _ = l.server.Serve(n) }) // it ends with Close alone
	}
	return l, nil
}

// bind takes the first port that is free on both loopback addresses, or on IPv4 where there is no IPv6.
func bind(ports []int) ([]net.Listener, error) {
	anyPort := len(ports) == 0
	if anyPort {
		ports = make([]int, 8) // the free port of IPv4 may be taken on IPv6
	}
	var last error
	for _, port := range ports {
		four, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			last = err
			continue
		}
		at := four.Addr().(*net.TCPAddr).Port
		six, err := net.Listen("tcp6", net.JoinHostPort("::1", strconv.Itoa(at)))
		switch {
		case err == nil:
			return []net.Listener{four, six}, nil
		case !inUse(err): // this machine has no IPv6
			return []net.Listener{four}, nil
		}
		// Somebody else is there, where the browser may look first for "localhost".
		last = errors.Join(err, four.Close())
	}
	if anyPort {
		return nil, fault.New(fault.PortsTaken, last)
	}
	return nil, fault.New(fault.PortsTaken, fmt.Errorf("ports %s: %w", strings.Trim(fmt.Sprint(ports), "[]"), last))
}

// inUse knows EADDRINUSE and Windows' WSAEADDRINUSE.
func inUse(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.Errno(10048))
}

// RedirectURI is where the browser is to come back to.
func (l *Listener) RedirectURI() string { return l.redirect }

// Wait returns the parameters of the one right answer, which may be a refusal. The next call gets none. Errors:
// fault.BrowserLate when the time is over or the listener closed; fault.Cancel when ctx ends first.
func (l *Listener) Wait(ctx context.Context) (url.Values, error) {
	for {
		left := l.expires.Sub(l.now())
		if left <= 0 {
			return nil, fault.New(fault.BrowserLate, nil)
		}
		look := time.NewTimer(min(left, time.Second)) // a sleeping machine stops timers: the clock decides
		select {
		case answer := <-l.answer:
			look.Stop()
			return answer, nil
		case <-l.ended:
			look.Stop()
			return nil, fault.New(fault.BrowserLate, nil)
		case <-ctx.Done():
			look.Stop()
			return nil, fault.New(fault.Cancel, ctx.Err())
		case <-look.C:
		}
	}
}

// Close stops listening. After an answer it first lets the browser fetch its last page, for a moment.
func (l *Listener) Close() {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	l.closed = true
	waits := l.taken && !l.shown
	l.mu.Unlock()
	close(l.ended)
	if waits {
		patience := time.NewTimer(pageTime)
		select {
		case <-l.page:
		case <-patience.C:
		}
		patience.Stop()
	}
	ctx, cancel := context.WithTimeout(context.Background(), pageTime)
	defer cancel()
	if err := l.server.Shutdown(ctx); err != nil {
		_ = l.server.Close() // whoever is still connected is cut off
	}
	l.work.Wait()
}

// ServeHTTP takes the answer, shows the page after it, and tells everybody else that there is nothing here.
func (l *Listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	for _, h := range [][2]string{
		{"Cache-Control", "no-store"}, {"Referrer-Policy", "no-referrer"}, {"X-Content-Type-Options", "nosniff"},
		{"X-Frame-Options", "DENY"}, {"Cross-Origin-Opener-Policy", "same-origin"}, {"Cross-Origin-Resource-Policy", "same-origin"},
		{"Content-Security-Policy", pagePolicy}, {"Connection", "close"},
	} {
		header.Set(h[0], h[1])
	}
	switch {
	case r.Method != http.MethodGet || !l.bound(r.Host) || r.URL.RawPath != "":
	case same(r.URL.Path, l.path):
		if l.take(r.URL.RawQuery) {
			header.Set("Location", l.path+"/done") // clean: the code stays out of the history
			w.WriteHeader(http.StatusFound)
			return
		}
	case same(r.URL.Path, l.path+"/done") && r.URL.RawQuery == "":
		if l.showPage(w) {
			return
		}
	}
	w.WriteHeader(http.StatusNotFound)
}

// bound reports whether a Host is one of the addresses that this listener is reached by: a page of another name that
// resolves to loopback is none.
func (l *Listener) bound(host string) bool {
	for _, h := range l.hosts {
		if strings.EqualFold(host, h) {
			return true
		}
	}
	return false
}

// take takes the first right answer. It reports whether the query is a right one: the browser may ask twice.
func (l *Listener) take(query string) bool {
	answer, ok := read(query, l.state)
	if !ok {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.taken:
		return true
	case l.closed || !l.now().Before(l.expires):
		return false
	}
	l.taken, l.good = true, answer.Get("error") == ""
	l.answer <- answer // it has room for one, and there is one
	return true
}

func (l *Listener) showPage(w http.ResponseWriter) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.taken {
		return false
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	text := pageDone
	if !l.good {
		text = pageRefused
	}
	_, _ = io.WriteString(w, text) // who went away is not told
	if !l.shown {
		l.shown = true
		close(l.page)
	}
	return true
}

// read reads an answer: every parameter once, the state right, and a code or an error. State is compared by its hash,
// in the same time however much of it is right.
func read(query string, state [32]byte) (url.Values, bool) {
	answer, err := url.ParseQuery(query)
	if err != nil {
		return nil, false
	}
	for _, v := range answer {
		if len(v) != 1 {
			return nil, false
		}
	}
	got := sha256.Sum256([]byte(answer.Get("state")))
	right := subtle.ConstantTimeCompare(got[:], state[:]) == 1
	return answer, right && (answer.Get("code") == "") != (answer.Get("error") == "")
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// Loopback reports whether a host, without a port, is this machine by one of the names that a listener has.
func Loopback(host string) bool {
	return host == "127.0.0.1" || host == "::1" || strings.EqualFold(host, "localhost")
}
