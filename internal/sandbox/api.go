package sandbox

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// bodyMax bounds a request. The service documents no limit.
const bodyMax = 1 << 20

// paths lists every path that the service has, one on a line.
//
//go:embed paths.txt
var paths string

// api serves the public API: it reads the body, finds the endpoint, and writes whatever comes of it. What happens
// between is the endpoint's: ask or submit.
type api struct {
	s         *Sandbox
	endpoints map[string]endpoint // by path
}

func newAPI(s *Sandbox) *api { return &api{s, endpoints()} }

// ServeHTTP answers one request. Whatever fails, the answer is the service's kind of JSON.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	now := a.s.clock.now()
	header := w.Header()
	header.Set("Date", now.UTC().Format(http.TimeFormat))
	if isProviderPath(r.URL.Path) {
		a.s.serveProvider(w, r)
		return
	}
	openToAll(header, r)
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	seen := &seenRequest{At: now.UnixMilli(), Method: r.Method, Path: clip(r.URL.Path)}
	c := &call{s: a.s, state: a.s.state.Load(), now: now.UnixMilli(), header: r.Header, host: r.Host, seen: seen}
	answer, err := a.answer(c, w, r)
	status := http.StatusOK
	switch {
	case errors.Is(err, errLeft):
		status, seen.Lost = 0, "the client left while a fault kept it waiting; nothing was done"
	case err != nil:
		status, answer = a.refuse(c, err)
	}
	if seen.Fault != nil && seen.Fault.DropReply && status != 0 {
		seen.Lost = fmt.Sprintf("a fault dropped the answer, %d", status)
		status = 0
	}
	if status != 0 {
		header.Set("Content-Type", "application/json")
		header.Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(status)
		_, _ = w.Write(answer) // whoever hung up has no use for an error
	}
	seen.Status, seen.Ms = status, float64(time.Since(began).Microseconds())/1000
	seen.keep(r.Header, c.body)
	a.s.requests.add(seen)
	a.s.log.Debug("request", "path", seen.Path, "status", status, "organization", seen.OrganizationID, "ms", seen.Ms)
	if status == 0 {
		panic(http.ErrAbortHandler) // breaks the connection
	}
}

// errLeft: whoever asked is not there any more.
var errLeft = errors.New("the client left")

func (a *api) answer(c *call, w http.ResponseWriter, r *http.Request) (answer []byte, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	e, done := a.endpoints[r.URL.Path]
	switch {
	case !done && !slices.Contains(strings.Fields(paths), r.URL.Path):
		return nil, noSuchPath(r.URL.Path)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		return nil, wrongMethod()
	}
	if c.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax)); err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return nil, tooLarge()
		}
		return nil, badBody("it broke off")
	}
	if struck := a.s.faults.strike(r.URL.Path); struck != nil {
		c.seen.Fault = struck
		if !struck.sleep(r.Context()) { // the body was read: only then does the server notice who leaves
			return nil, errLeft
		}
		if refused := struck.refusal(); refused != nil {
			return nil, refused
		}
		c.forced = struck.ActivityStatus
	}
	if !done {
		return nil, unimplemented(r.URL.Path)
	}
	out, err := e.serve(c)
	if err != nil {
		return nil, err
	}
	return encode(out)
}

// refuse turns an error into an answer. What is no refusal is a fault of ours: it is logged whole and told as nothing.
func (a *api) refuse(c *call, err error) (status int, answer []byte) {
	r, ok := errors.AsType[*refusal](err)
	if !ok {
		a.s.log.Error("request failed", "path", c.seen.Path, "err", err)
		r = internal()
	}
	c.seen.Refused = &refusedCheck{Check: r.check, Expected: r.expected, Seen: r.seen, Message: r.message, Code: r.code}
	return r.http, mustJSON(r.body())
}

// openToAll lets any page call, as the service does: a stamp is what protects it.
func openToAll(header http.Header, r *http.Request) {
	header.Set("Access-Control-Allow-Origin", "*")
	if r.Method == http.MethodOptions {
		header.Set("Access-Control-Allow-Methods", "POST, OPTIONS")
		header.Set("Access-Control-Allow-Headers", "content-type, x-stamp, x-stamp-webauthn, x-stamp-attested, x-client-version, x-session")
		header.Set("Access-Control-Max-Age", "7200")
	}
}
