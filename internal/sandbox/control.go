package sandbox

import (
	"embed"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"path"
	"strconv"
	"strings"
)

// control is the owner's side of the sandbox. It shows secrets (codes, bodies, the whole state) and changes the clock, so
// it answers nobody but this machine's owner: the Host must be loopback, which stops a page that points a name of its
// own at 127.0.0.1, and the Origin must be absent or its own, which stops every other page. What it cannot tell apart is
// another user of the same machine.
type control struct {
	s   *Sandbox
	mux *http.ServeMux
}

//go:embed page
var pageFiles embed.FS

// What is sent to control is small, but for a dump.
const (
	controlBodyMax = 64 << 10
	dumpMax        = 64 << 20
)

// route is one call of control.
type route struct {
	method, path string
	bodyMax      int64
	run          func(c *control, r *http.Request) (any, error)
}

// routes are all calls; the page's files stand beside them.
var routes = []route{
	{http.MethodGet, "/inbox", 0, (*control).inbox},
	{http.MethodGet, "/clock", 0, (*control).clock},
	{http.MethodPost, "/clock", controlBodyMax, (*control).setClock},
	{http.MethodGet, "/faults", 0, (*control).faults},
	{http.MethodPut, "/faults", controlBodyMax, (*control).setFaults},
	{http.MethodGet, "/organizations", 0, (*control).organizations},
	{http.MethodGet, "/requests", 0, (*control).requests},
	{http.MethodGet, "/state", 0, (*control).dump},
	{http.MethodPut, "/state", dumpMax, (*control).restore},
	{http.MethodPost, "/reset", controlBodyMax, (*control).reset},
}

// kindsOfFiles are those that the page consists of.
var kindsOfFiles = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

func newControl(s *Sandbox) *control {
	c := &control{s, http.NewServeMux()}
	for _, r := range routes {
		c.mux.HandleFunc(r.method+" "+r.path, c.json(r))
	}
	files, err := pageFiles.ReadDir("page")
	if err != nil {
		panic("sandbox: " + err.Error())
	}
	for _, f := range files {
		at := "/" + f.Name()
		if at == "/index.html" {
			at = "/{$}"
		}
		c.mux.HandleFunc("GET "+at, c.file("page/"+f.Name(), kindsOfFiles[path.Ext(f.Name())]))
	}
	return c
}

func (c *control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
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
	for _, origin := range r.Header.Values("Origin") {
		if origin != "http://"+r.Host { // a browser writes both in one way
			return notForYou("the control port answers its own pages only")
		}
	}
	followed := r.URL.Path == "/" && r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Dest") == "document" // a link to the page
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "same-origin" && site != "none" && !followed {
			return notForYou("the control port answers its own pages only")
		}
	}
	if len(r.Header.Values("Upgrade")) > 0 {
		return notForYou("the control port speaks HTTP alone")
	}
	if r.Method == http.MethodPost || r.Method == http.MethodPut { // no other method changes anything
		kinds := r.Header.Values("Content-Type")
		if len(kinds) != 1 {
			return wrongMedia()
		}
		if kind, _, _ := strings.Cut(kinds[0], ";"); !strings.EqualFold(strings.TrimSpace(kind), "application/json") {
			return wrongMedia()
		}
	}
	return nil
}

// loopback reports whether a Host header names this machine, as browsers and the programs of developers write it:
// localhost or an address of loopback, perhaps with a port.
func loopback(host string) bool {
	name, v6 := host, strings.HasPrefix(host, "[")
	if v6 && strings.HasSuffix(host, "]") {
		name = host[1 : len(host)-1]
	} else if strings.Contains(host, ":") {
		var port string
		var err error
		if name, port, err = net.SplitHostPort(host); err != nil {
			return false
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return false
		}
	}
	if strings.EqualFold(name, "localhost") {
		return !v6
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.Zone() == "" && ip.Is6() == v6 && ip.Unmap().IsLoopback()
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

// json turns what a route returns into the answer.
func (c *control) json(route route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		out, err := any(nil), error(tooLargeFor(route.bodyMax))
		if r.ContentLength <= route.bodyMax || route.bodyMax == 0 {
			r.Body = http.MaxBytesReader(w, r.Body, route.bodyMax)
			out, err = route.run(c, r)
		}
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
