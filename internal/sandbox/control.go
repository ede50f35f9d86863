package sandbox

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// control is the owner's side of the sandbox. It shows secrets (codes, bodies) and changes the clock, so it answers
// nobody but this machine's owner: the Host must be loopback, which stops a page that points a name of its own at
// 127.0.0.1, and the Origin must be absent or its own, which stops every other page.
type control struct {
	s   *Sandbox
	mux *http.ServeMux
}

//go:embed page
var pageFiles embed.FS

// controlBodyMax bounds what is sent to control.
const controlBodyMax = 64 << 10

func newControl(s *Sandbox) *control {
	c := &control{s, http.NewServeMux()}
	c.mux.HandleFunc("GET /{$}", c.file("page/index.html", "text/html; charset=utf-8"))
	c.mux.HandleFunc("GET /page.css", c.file("page/page.css", "text/css; charset=utf-8"))
	c.mux.HandleFunc("GET /page.js", c.file("page/page.js", "text/javascript; charset=utf-8"))
	c.mux.HandleFunc("GET /inbox", c.json(c.inbox))
	c.mux.HandleFunc("GET /requests", c.json(c.requests))
	c.mux.HandleFunc("GET /clock", c.json(c.clock))
	c.mux.HandleFunc("POST /clock", c.json(c.setClock))
	c.mux.HandleFunc("POST /reset", c.json(c.reset))
	return c
}

func (c *control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	if err := admit(r); err != nil {
		writeJSON(w, err.http, err.body())
		return
	}
	if _, pattern := c.mux.Handler(r); pattern == "" {
		refused := noSuchPath(r.URL.Path)
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			refused = wrongMethod()
		}
		writeJSON(w, refused.http, refused.body())
		return
	}
	c.mux.ServeHTTP(w, r)
}

// admit lets in who may control the sandbox.
func admit(r *http.Request) *refusal {
	denied := func(why string) *refusal {
		return &refusal{http: http.StatusForbidden, grpc: grpcDenied, code: "FORBIDDEN", message: why}
	}
	if !loopback(r.Host) {
		return denied("the control port answers loopback hosts only")
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "http" || u.Host != r.Host {
			return denied("the control port answers its own pages only")
		}
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return denied("the control port answers its own pages only")
	}
	if r.Method == http.MethodPost {
		if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(kind), "application/json") {
			return &refusal{http: http.StatusUnsupportedMediaType, grpc: grpcInvalid, code: "REQUEST_INVALID", message: "want Content-Type: application/json"}
		}
	}
	return nil
}

// loopback reports whether a Host header names this machine.
func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func (c *control) file(name, kind string) http.HandlerFunc {
	text, err := pageFiles.ReadFile(name)
	if err != nil {
		panic("sandbox: " + err.Error())
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(text)
	}
}

// json turns what a handler returns into the answer.
func (c *control) json(run func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, controlBodyMax)
		out, err := run(r)
		if err == nil {
			writeJSON(w, http.StatusOK, out)
			return
		}
		refused, ok := err.(*refusal)
		if !ok {
			c.s.log.Error("control request failed", "path", r.URL.Path, "err", err)
			refused = internal()
		}
		writeJSON(w, refused.http, refused.body())
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	text, err := encode(v)
	if err != nil {
		panic("sandbox: " + err.Error())
	}
	_, _ = w.Write(text)
}

// waitMax is the longest that a request for the inbox waits.
const waitMax = 60 * time.Second

// inbox answers with the messages after an id; with wait, it answers as soon as there is one, or empty when the time
// is over.
func (c *control) inbox(r *http.Request) (any, error) {
	q := r.URL.Query()
	after, err := whole(q, "after", 0)
	if err != nil {
		return nil, err
	}
	wait, err := whole(q, "wait", 0)
	if err != nil {
		return nil, err
	}
	to := q.Get("to")
	if phone, ok := strings.CutPrefix(to, " "); ok {
		to = "+" + phone // a plus that was not escaped
	}
	ctx, cancel := context.WithTimeout(r.Context(), min(time.Duration(min(wait, 3600))*time.Second, waitMax))
	defer cancel()
	for {
		st := c.s.state.Load()
		found, more := st.inbox.since(after, to)
		if len(found) > 0 || wait == 0 || ctx.Err() != nil {
			return struct {
				Messages []*message `json:"messages"`
			}{found}, st.safe()
		}
		select {
		case <-more:
		case <-ctx.Done():
		}
	}
}

// safe waits until everything that happened is on disk.
func (s *state) safe() error {
	s.mu.RLock()
	version := s.version
	s.mu.RUnlock()
	return s.disk.flush(version)
}

func whole(q url.Values, name string, def uint64) (uint64, error) {
	text := q.Get(name)
	if text == "" {
		return def, nil
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, invalid("%s: want a whole number", name)
	}
	return n, nil
}

func (c *control) requests(r *http.Request) (any, error) {
	after, err := whole(r.URL.Query(), "after", 0)
	if err != nil {
		return nil, err
	}
	limit, err := whole(r.URL.Query(), "limit", 50)
	if err != nil {
		return nil, err
	}
	return struct {
		Requests []*seenRequest `json:"requests"`
	}{c.s.requests.after(after, int(min(limit, requestsMax)))}, nil
}

type clockView struct {
	Now           int64   `json:"now"` // unix ms
	OffsetSeconds float64 `json:"offsetSeconds"`
	Frozen        bool    `json:"frozen"`
}

func (c *control) clock(*http.Request) (any, error) {
	offset, frozen := c.s.clock.offsetFromReal()
	return clockView{c.s.clock.now().UnixMilli(), offset.Seconds(), frozen}, nil
}

// farthest is how far from the real time the clock may be put, in seconds either way.
const farthest = 100 * 365 * 24 * 3600

func (c *control) setClock(r *http.Request) (any, error) {
	var in struct {
		AdvanceSeconds *float64 `json:"advanceSeconds"`
		Frozen         *bool    `json:"frozen"`
		At             *int64   `json:"at"`
	}
	if err := readControl(r, &in); err != nil {
		return nil, err
	}
	given := 0
	if in.AdvanceSeconds != nil {
		given++
		if a := *in.AdvanceSeconds; a < -farthest || a > farthest {
			return nil, invalid("advanceSeconds: too far")
		}
	}
	if in.At != nil {
		given++
		if a := *in.At; a < 0 || a > (1<<33)*1000 {
			return nil, invalid("at: too far")
		}
	}
	if in.Frozen != nil {
		given++
	}
	if given != 1 {
		return nil, invalid("want one of advanceSeconds, frozen and at")
	}
	switch {
	case in.AdvanceSeconds != nil:
		c.s.clock.advance(time.Duration(*in.AdvanceSeconds * float64(time.Second)))
	case in.At != nil:
		c.s.clock.move(time.UnixMilli(*in.At))
	default:
		c.s.clock.freeze(*in.Frozen)
	}
	if err := c.s.keepClock(); err != nil {
		return nil, err
	}
	return c.clock(r)
}

// keepClock writes the clock's setting to the state folder.
func (s *Sandbox) keepClock() error {
	if s.disk == nil {
		return nil
	}
	st := s.state.Load()
	st.mu.Lock()
	st.version++
	s.disk.enqueue(st.version, []row{metaRow("clock", s.clock.state())})
	version := st.version
	st.mu.Unlock()
	return s.disk.flush(version)
}

// reset forgets everything. Without a seed the keys and the parent organization stay what they are, so that clients
// that were told the facts go on working.
func (c *control) reset(r *http.Request) (any, error) {
	in := struct {
		Seed uint64 `json:"seed"`
	}{}
	if err := readControl(r, &in); err != nil {
		return nil, err
	}
	if in.Seed == 0 {
		in.Seed = c.s.state.Load().enclave.seed
	}
	if err := c.s.begin(in.Seed); err != nil {
		return nil, err
	}
	c.s.log.Info("sandbox reset", "seed", in.Seed)
	return c.s.Facts(), nil
}

// readControl reads a small JSON object; an empty body is an empty object.
func readControl(r *http.Request, into any) error {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return badBody("it broke off or is too large")
	}
	if len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return badBody(fmt.Sprintf("%.80s", err.Error()))
	}
	return nil
}
