package sandbox

import (
	"embed"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
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
	if !loopback(r.Host) {
		return notForYou("the control port answers loopback hosts only")
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "http" || u.Host != r.Host {
			return notForYou("the control port answers its own pages only")
		}
	}
	site := r.Header.Get("Sec-Fetch-Site")
	followed := r.URL.Path == "/" && r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Dest") == "document" // a link to the page
	if (site == "cross-site" || site == "same-site") && !followed {
		return notForYou("the control port answers its own pages only")
	}
	if r.Method == http.MethodPost {
		if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(kind), "application/json") {
			return wrongMedia()
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
		refused, ok := errors.AsType[*refusal](err)
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
