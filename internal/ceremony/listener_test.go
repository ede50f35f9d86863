package ceremony

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"latchkey/internal/fault"
)

func listen(t *testing.T, e Expect) *Listener {
	t.Helper()
	l, err := Listen(e)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// follow calls an address as a browser does that comes back, and returns the page it ends on.
func follow(t *testing.T, address string) (*http.Response, string) {
	t.Helper()
	reply, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply, string(text)
}

func TestTheAnswerIsTakenOnceAndTheAddressIsCleanAfterwards(t *testing.T) {
	l := listen(t, Expect{State: "right"})
	reply, text := follow(t, l.RedirectURI()+"?code=4711&state=right&iss=https%3A%2F%2Fid.example")
	if reply.Request.URL.RawQuery != "" || reply.StatusCode != http.StatusOK || !strings.Contains(text, "Back to Latchkey") || strings.Contains(text, "4711") {
		t.Errorf("%s, %d: %s", reply.Request.URL, reply.StatusCode, text)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"} {
		if got := reply.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if policy := reply.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || strings.Contains(policy, "unsafe") || strings.Contains(text, "<script") {
		t.Errorf("policy %q", policy)
	}
	follow(t, l.RedirectURI()+"?code=4712&state=right") // the browser may ask twice; it is the first that counts
	answer, err := l.Wait(t.Context())
	if err != nil || answer.Get("code") != "4711" || answer.Get("iss") != "https://id.example" {
		t.Errorf("%v, %v", answer, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if again, err := l.Wait(ctx); fault.CodeOf(err) != fault.Cancel {
		t.Errorf("a second answer: %v, %v", again, err)
	}
}

func TestARefusalIsAnAnswerToo(t *testing.T) {
	l := listen(t, Expect{State: "right"})
	_, text := follow(t, l.RedirectURI()+"?error=access_denied&state=right")
	answer, err := l.Wait(t.Context())
	if err != nil || answer.Get("error") != "access_denied" || !strings.Contains(text, "Nobody was logged in") {
		t.Errorf("%v, %v: %s", answer, err, text)
	}
}

// hostile are requests that any page, process or person on this machine could send, and what each must be told: nothing.
func hostile(l *Listener) []*http.Request {
	at, err := url.Parse(l.RedirectURI())
	if err != nil {
		panic(err)
	}
	call := func(method, path string, change func(*http.Request)) *http.Request {
		r, err := http.NewRequest(method, "http://"+at.Host+path, nil)
		if err != nil {
			panic(err)
		}
		if change != nil {
			change(r)
		}
		return r
	}
	right := at.Path + "?code=stolen&state=right"
	all := []*http.Request{
		call("GET", right, func(r *http.Request) { r.Host = "attacker.example:" + at.Port() }), // a name that resolves to here
		call("GET", right, func(r *http.Request) { r.Host = "127.0.0.1" }),
		call("GET", right, func(r *http.Request) { r.Host = "127.0.0.1.attacker.example:" + at.Port() }),
		call("GET", at.Path+"/?code=x&state=right", nil),
		call("GET", at.Path+"/done", nil),
		call("GET", strings.ToLower(at.Path)+"?code=x&state=right", nil),
	}
	for _, method := range []string{"HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"} {
		all = append(all, call(method, right, nil))
	}
	for _, path := range []string{"/", "/callback", "/favicon.ico", "/" + strings.Repeat("A", 26), "/..", "//", "/%2e%2e" + at.Path} {
		all = append(all, call("GET", path+"?code=x&state=right", nil))
	}
	for _, query := range []string{
		"", "code=x", "state=right", "code=x&state=", "code=x&state=wrong", "code=x&state=righ", "code=x&state=rightt", "code=x&state=Right",
		"code=x&state=right&state=right", "code=x&code=y&state=right", "code=x&error=access_denied&state=right", "error=access_denied",
		"error=access_denied&state=wrong", "code=&state=right", "code=x;state=right", "code=%zz&state=right", "state=right&id_token=x",
		"code=" + strings.Repeat("x", 3000) + "&state=wrong",
	} {
		all = append(all, call("GET", at.Path+"?"+query, nil))
	}
	return all
}

func TestWhatIsNotTheAnswerIsIgnored(t *testing.T) {
	l := listen(t, Expect{State: "right"})
	for _, r := range hostile(l) {
		rec := httptest.NewRecorder()
		l.ServeHTTP(rec, r)
		if rec.Code != http.StatusNotFound || rec.Body.Len() != 0 || rec.Header().Get("Location") != "" {
			t.Errorf("%s %s of %s: %d %v", r.Method, r.URL, r.Host, rec.Code, rec.Header())
		}
	}
	select {
	case answer := <-l.answer:
		t.Errorf("taken: %v", answer)
	default:
	}
}

func TestOverLoopbackHeadersAreBoundedInSizeAndTime(t *testing.T) {
	l := listen(t, Expect{State: "right"})
	if s := l.server; s.ReadHeaderTimeout != 2*time.Second || s.MaxHeaderBytes+4096 != 8<<10 {
		t.Errorf("%v, %d", s.ReadHeaderTimeout, s.MaxHeaderBytes)
	}
	r, err := http.NewRequest("GET", l.RedirectURI()+"?code=x&state=right", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Much", strings.Repeat("x", 9<<10))
	if reply, err := http.DefaultClient.Do(r); err == nil {
		reply.Body.Close()
		if reply.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("9 KB of headers: %d", reply.StatusCode)
		}
	}
	// A silent connection is cut off, and holds nobody up.
	at, _ := url.Parse(l.RedirectURI())
	silent, err := net.Dial("tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if _, err := io.WriteString(silent, "GET / HTTP/1.1\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := silent.Read(make([]byte, 1)); err == nil {
		_, err = io.Copy(io.Discard, silent) // an answer, and then the end
		if err != nil {
			t.Error(err)
		}
	}
	follow(t, l.RedirectURI()+"?code=y&state=right")
	if answer, err := l.Wait(t.Context()); err != nil || answer.Get("code") != "y" {
		t.Errorf("%v, %v", answer, err)
	}
}

func TestBothLoopbackAddressesLeadBack(t *testing.T) {
	l := listen(t, Expect{State: "right", Host: "localhost"})
	if !strings.HasPrefix(l.RedirectURI(), "http://localhost:") {
		t.Fatal(l.RedirectURI())
	}
	at, _ := url.Parse(l.RedirectURI())
	for _, host := range []string{"127.0.0.1", "::1"} {
		if host == "::1" {
			if n, err := net.Listen("tcp6", "[::1]:0"); err != nil {
				t.Log("this machine has no IPv6 loopback address")
				continue
			} else {
				n.Close()
			}
		}
		reply, _ := follow(t, "http://"+net.JoinHostPort(host, at.Port())+at.Path+"?code=x&state=right")
		if reply.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", host, reply.StatusCode)
		}
	}
}

// free returns n ports that were free a moment ago.
func free(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

func TestOfFixedPortsTheFirstFreeOneIsTakenAndNoneIsSaid(t *testing.T) {
	e := Expect{State: "right", Ports: free(t, 3), Path: "/oauth"}
	for i := range 3 {
		l := listen(t, e)
		if want := "http://127.0.0.1:" + strconv.Itoa(e.Ports[i]) + "/oauth"; l.RedirectURI() != want {
			t.Errorf("%s, want %s", l.RedirectURI(), want)
		}
	}
	_, err := Listen(e)
	if fault.CodeOf(err) != fault.PortsTaken || !strings.Contains(err.Error(), strconv.Itoa(e.Ports[2])) {
		t.Errorf("%v", err)
	}
}

func TestAListenerThatWasIsTakenUpAgain(t *testing.T) {
	l := listen(t, Expect{State: "right"})
	where := l.RedirectURI()
	if _, err := Listen(Expect{State: "right", Again: where}); fault.CodeOf(err) != fault.PortsTaken {
		t.Errorf("beside the first: %v", err)
	}
	l.Close()
	next := listen(t, Expect{State: "right", Again: where})
	if next.RedirectURI() != where {
		t.Errorf("%s, was %s", next.RedirectURI(), where)
	}
	follow(t, where+"?code=x&state=right")
	if answer, err := next.Wait(t.Context()); err != nil || answer.Get("code") != "x" {
		t.Errorf("%v, %v", answer, err)
	}
	for _, bad := range []string{"http://192.0.2.1:1234/x", "http://127.0.0.1/x", "::", "http://attacker.example:80/x"} {
		if l, err := Listen(Expect{State: "right", Again: bad}); err == nil {
			l.Close()
			t.Errorf("%s", bad)
		}
	}
}

func TestTheWaitEndsWithItsTimeTheListenerOrTheCaller(t *testing.T) {
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	l := listen(t, Expect{State: "right", Now: func() time.Time { return now }})
	now = now.Add(Life)
	rec := httptest.NewRecorder()
	l.ServeHTTP(rec, httptest.NewRequest("GET", l.RedirectURI()+"?code=x&state=right", nil))
	if _, err := l.Wait(t.Context()); rec.Code != http.StatusNotFound || fault.CodeOf(err) != fault.BrowserLate {
		t.Errorf("after its time: %d, %v", rec.Code, err)
	}

	l = listen(t, Expect{State: "right"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Wait(ctx); fault.CodeOf(err) != fault.Cancel {
		t.Errorf("%v", err)
	}
	var waits sync.WaitGroup
	waits.Go(func() {
		if _, err := l.Wait(t.Context()); fault.CodeOf(err) != fault.BrowserLate {
			t.Errorf("closed: %v", err)
		}
	})
	l.Close()
	waits.Wait()
	at, _ := url.Parse(l.RedirectURI())
	if c, err := net.Dial("tcp", at.Host); err == nil {
		c.Close()
		t.Error("it still listens")
	}
}

// R16, the listener's part: during the wait for one answer, thousands of requests that are none come from everywhere;
// every one is told that there is nothing here, and the answer is still taken.
func TestR16_HostileRequestsEndNoWait(t *testing.T) {
	total := 400
	if campaign() {
		total = 10_000
	}
	l := listen(t, Expect{State: "right"})
	attacks := hostile(l)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var work sync.WaitGroup
	const workers = 8
	for w := range workers {
		work.Go(func() {
			for i := w; i < total; i += workers {
				if i%50 == 0 { // now and then one that is no HTTP
					if err := garbage(attacks[0].URL.Host); err != nil {
						t.Error(err)
					}
					continue
				}
				r := attacks[i%len(attacks)]
				r = r.Clone(t.Context())
				reply, err := client.Do(r)
				if err != nil {
					t.Errorf("%s %s: %v", r.Method, r.URL, err)
					continue
				}
				reply.Body.Close()
				if reply.StatusCode != http.StatusNotFound && reply.StatusCode != http.StatusBadRequest {
					t.Errorf("%s %s of %s: %d", r.Method, r.URL, r.Host, reply.StatusCode)
				}
			}
		})
	}
	work.Wait()
	follow(t, l.RedirectURI()+"?code=right&state=right")
	if answer, err := l.Wait(t.Context()); err != nil || answer.Get("code") != "right" {
		t.Errorf("%v, %v", answer, err)
	}
	t.Logf("%d hostile requests", total)
}

func garbage(host string) error {
	c, err := net.Dial("tcp", host)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := fmt.Fprint(c, "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n"); err != nil {
		return err
	}
	_, _ = bufio.NewReader(c).ReadString(0) // whatever it says, it ends
	return nil
}

func TestAListenerWithoutAStateIsNotMade(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a listener takes answers from anybody")
		}
	}()
	if l, err := Listen(Expect{}); err == nil {
		l.Close()
	}
}

// On Windows a port of IPv6 that somebody else holds is reported by a number that the syscall package has no name for.
func TestAPortThatIsTakenIsKnownOnEverySystem(t *testing.T) {
	for _, taken := range []error{syscall.EADDRINUSE, syscall.Errno(10048)} {
		if !inUse(&net.OpError{Op: "listen", Err: os.NewSyscallError("bind", taken)}) {
			t.Errorf("%#v passes for a machine without IPv6", taken)
		}
	}
	if inUse(&net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EADDRNOTAVAIL)}) {
		t.Error("a machine without IPv6 passes for a port that is taken")
	}
}
