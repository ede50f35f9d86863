package backend

import (
	"cmp"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/uuid"

	"latchkey/internal/fault"
	"latchkey/internal/turnkey"
)

// Backend answers devices. It is safe for parallel use, and does nothing of itself: what goes on after an answer,
// [Backend.Finish] waits for.
type Backend struct {
	c      Config
	keys   keys
	api    *turnkey.Client
	guard  guard
	salt   []byte    // of every hash of a contact
	hashes sync.Pool // of hash.Hash, keyed by salt: a request takes seven

	probes  turns // whose only turn guards ready
	ready   readiness
	own     ownKey
	leaving atomic.Bool
	metrics metrics

	mailings *mailings

	table       map[string]endpoint
	description json.RawMessage // of the table

	tracer *tracer               // nil: no traces
	google *oidc.IDTokenVerifier // nil: no token of Google's vouches for an address

	verdicts *shelf[verdict]
	visits   turns // by session

	kept    *state
	proxies []netip.Prefix // whose word on a caller's address is taken
}

// New returns a backend. Errors: those of [Config.Check].
func New(c Config) (*Backend, error) {
	k, err := c.keys()
	if err != nil {
		return nil, err
	}
	c = c.filled()
	b := &Backend{
		c: c, keys: k,
		api: &turnkey.Client{
			BaseURL: func() string { return c.APIURL },
			HTTP:    c.HTTP, Now: c.Now,
		},
		verdicts: newShelf[verdict](c.Now, verdictLife, verdictsMost),
		proxies:  k.proxies,
		mailings: newMailings(),
	}
	b.own.set(k.own)
	b.api.Stamper, b.api.After = &b.own, b.asked
	if b.guard, err = newGuard(c); err != nil {
		return nil, err
	}
	// The same on every replica and after every restart, and known to nobody who does not have a secret of the backend's.
	if b.salt, err = hkdf.Key(sha256.New, []byte(cmp.Or(c.StateKey.reveal(), c.APIPrivateKey.reveal())), nil, "latchkey backend hash v1", 32); err != nil {
		return nil, err
	}
	b.kept = inMemory(c.Now, c.APIRate)
	if c.RedisURL.reveal() != "" {
		if b.kept, err = inRedis(c, b.hash, redisLimit); err != nil {
			return nil, err
		}
	}
	if b.kept.outbound != nil {
		h := *c.HTTP
		h.Transport = paced{b.kept.outbound, cmp.Or(h.Transport, http.DefaultTransport)}
		b.c.HTTP, b.api.HTTP = &h, &h
	}
	b.c.APIPrivateKey, b.c.RedisURL, b.c.StateKey = Secret{}, Secret{}, Secret{}
	b.google = newGoogle(c)
	b.tracer = newTracer(c.Traces, c.HTTP.Transport, &b.metrics.dropped)
	b.table = b.routes()
	if b.description, err = describeRoutes(b.table); err != nil {
		return nil, err
	}
	return b, nil
}

// Close ends what [Backend.Finish] has not waited for, each with a line in the log, and the connections to Redis, if there
// are any. Nobody may be served afterwards.
func (b *Backend) Close() error {
	b.mailings.cancel()
	_ = b.mailings.wait(context.Background()) // which has no end, and they have
	b.tracer.close()
	return b.kept.close()
}

// Format names the backend and tells none of its secrets, whatever the verb.
func (b *Backend) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(b.c.String())) }

// hash names value for a purpose without telling it: 32 hex characters.
func (b *Backend) hash(purpose, value string) string {
	h, ok := b.hashes.Get().(hash.Hash)
	if !ok {
		h = hmac.New(sha256.New, b.salt)
	}
	defer b.hashes.Put(h)
	h.Reset()
	h.Write([]byte(purpose + "\x00" + value))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// callLimit ends every request, whatever the API does.
const callLimit = 25 * time.Second

// Server returns a server for handler with the time and size limits that a backend wants: whoever is slow or silent
// loses the connection, and an answer has longer than the handler takes at most.
func Server(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 2 * time.Second,
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      callLimit + 5*time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
}

// call is one request on its way through a handler.
type call struct {
	*http.Request
	id      string
	from    netip.Addr // whom it is counted by
	contact string     // hash of whom it is about, for the log
	private []string   // what must not stand in the log
	visitor Visitor    // of a route that a session token opens
	reply   http.Header
	trail   trail
	after   func() // done once the answer is on its way; nil for nothing
}

// about notes whom a call concerns.
func (b *Backend) about(c *call, contact string) {
	c.contact = b.hash("log", sameContact(contact))
	c.hide(contact, sameContact(contact))
}

// hide keeps values out of the log.
func (c *call) hide(values ...string) { c.private = append(c.private, values...) }

// handler answers a call with what is to be sent as JSON.
type handler func(ctx context.Context, c *call) (answer any, err error)

// Handler serves the routes for devices.
func (b *Backend) Handler() http.Handler { return http.HandlerFunc(b.serve) }

// serve is the one way through which every request goes: checks, handler, answer, log.
func (b *Backend) serve(w http.ResponseWriter, r *http.Request) {
	b.metrics.active.Add(1)
	defer b.metrics.active.Add(-1)
	began := time.Now()
	c := &call{Request: r, id: uuid.NewString(), from: b.caller(r)}
	c.trail.span = b.tracer.begin(r, began)
	route := strings.ReplaceAll(r.URL.Path, "//", "/") // some clients double one
	e, known := b.table[route]
	if !known {
		e.family = familyOf(route)
		route = "" // a stranger's path does not go into the log
	}
	header := w.Header()
	c.reply = header
	header.Set("X-Request-Id", c.id)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	r.Body = http.MaxBytesReader(w, r.Body, bodyMax)

	answer, err := b.answer(header, c, e)
	status := http.StatusOK
	switch {
	case err != nil:
		var f failure
		status, f = describe(err, c.id)
		b.log(c, route, status, err, time.Since(began))
		if e.page && c.Method == e.method {
			dead.write(w, status)
			return
		}
		b.refuse(w, status, f, e.family)
		return
	case answer == nil:
		status = http.StatusNoContent
	}
	b.log(c, route, status, err, time.Since(began))
	if status == http.StatusNoContent {
		w.WriteHeader(status)
		return
	}
	if page, ok := answer.(interface {
		write(w http.ResponseWriter, status int)
	}); ok {
		page.write(w, status)
		return
	}
	b.write(w, c.id, status, answer)
	if c.after != nil {
		_ = http.NewResponseController(w).Flush() // what cannot be sent any more holds nothing up
		c.after()
	}
}

// refuse writes a refusal in the words of a family.
func (b *Backend) refuse(w http.ResponseWriter, status int, f failure, who family) {
	header := w.Header()
	if f.RetryAfterSeconds > 0 {
		header.Set("Retry-After", strconv.Itoa(f.RetryAfterSeconds))
	}
	if status == http.StatusUnauthorized && who != proxied {
		header.Set("WWW-Authenticate", "Bearer")
	}
	b.write(w, f.RequestID, status, f.in(who, status))
}

func (b *Backend) write(w http.ResponseWriter, id string, status int, answer any) {
	raw, err := json.Marshal(answer)
	if err != nil {
		b.c.Log.Error("answer", "id", id, "err", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	raw = append(raw, '\n')
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(status)
	_, _ = w.Write(raw) // who went away is not told
}

// answer runs the checks and then the route, of which an unknown one has nobody to serve it. A nil answer without an
// error is one without a body.
func (b *Backend) answer(header http.Header, c *call, e endpoint) (answer any, err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			b.c.Log.Error("panic", "id", c.id, "value", scrubbed(fmt.Errorf("%v", p), c.private), "stack", string(debug.Stack()))
			answer, err = nil, errors.New("panic")
		}
	}()
	if err := b.guard.host(c.Request); err != nil {
		return nil, err
	}
	header.Add("Vary", "Origin")
	if e.page && c.Method == e.method {
		ctx, cancel := context.WithTimeout(c.trail.follow(c.Context()), callLimit)
		defer cancel()
		if err := b.mayCall(ctx, c.from); err != nil {
			return nil, err
		}
		return e.serve(ctx, c)
	}
	origin, err := b.guard.origin(c.Request)
	if err != nil {
		return nil, err
	}
	if origin != "" {
		header.Set("Access-Control-Allow-Origin", origin)
		header.Set("Access-Control-Expose-Headers", "Retry-After, X-Request-Id")
	}
	if c.Method == http.MethodOptions { // a browser's question, which carries no token
		return nil, preflight(header, c.Request, origin, e)
	}
	if !e.own || c.Method != e.method {
		if err := b.guard.secret(c.Request); err != nil {
			return nil, err
		}
	} else if _, err := siteOf(c.Request); err != nil {
		return nil, err
	}
	if e.serve == nil {
		return nil, &fault.Error{Kind: fault.NotFound, Code: fault.RequestInvalid, Err: show("no such route")}
	}
	if c.Method != e.method {
		header.Set("Allow", e.method+", OPTIONS")
		return nil, refuse(http.StatusMethodNotAllowed, "want "+e.method)
	}
	ctx, cancel := context.WithTimeout(c.trail.follow(c.Context()), callLimit)
	defer cancel()
	if e.rule == nil { // what a session opens is counted by whether it is one
		if err := b.mayCall(ctx, c.from); err != nil {
			return nil, err
		}
	}
	if e.family == proxied {
		if err := b.configured(c.Request); err != nil {
			return nil, err
		}
	}
	if e.personal {
		if err := b.person(ctx, c); err != nil {
			return nil, err
		}
	}
	if e.rule != nil {
		if c.visitor, err = b.admit(ctx, c, e.rule); err != nil {
			return nil, err
		}
	}
	return e.serve(ctx, c)
}

// preflight answers a browser that asks before it calls.
func preflight(header http.Header, r *http.Request, origin string, e endpoint) error {
	method := cmp.Or(e.method, http.MethodPost)
	header.Set("Allow", method+", OPTIONS")
	if origin == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return nil
	}
	header.Set("Access-Control-Allow-Methods", method)
	header.Set("Access-Control-Allow-Headers", "Content-Type, Authorization, Idempotency-Key, "+TokenHeader+", "+ConfigHeader+", "+CaptchaHeader)
	header.Set("Access-Control-Max-Age", "600")
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		header.Set("Access-Control-Allow-Private-Network", "true")
	}
	return nil
}

// log counts a request and writes one line on it: never a body, a token, a code or a contact.
func (b *Backend) log(c *call, route string, status int, err error, took time.Duration) {
	level := slog.LevelInfo
	method := c.Method
	if !slices.Contains([]string{http.MethodPost, http.MethodOptions, http.MethodGet, http.MethodHead}, method) {
		method = "other" // any text can stand there
	}
	b.metrics.serve(method, route, status, err, took)
	b.tracer.served(c, method, route, status, err, took)
	attrs := []slog.Attr{
		slog.String("id", c.id), slog.String("method", method), slog.String("route", route),
		slog.Int("status", status), slog.Duration("took", took),
	}
	if c.contact != "" {
		attrs = append(attrs, slog.String("contact", c.contact))
	}
	if ids := c.trail.seen(); len(ids) > 0 {
		attrs = append(attrs, slog.Any("activities", ids))
	}
	if err != nil {
		attrs = append(attrs, slog.String("reason", string(fault.CodeOf(err))))
		if v, ok := errors.AsType[*turnkey.VendorError](err); ok {
			attrs = append(attrs, slog.Int("apiStatus", v.HTTPStatus), slog.Int("apiCode", v.GRPC), slog.String("apiReason", v.TurnkeyCode))
		}
		if status >= 500 {
			level = slog.LevelError
			attrs = append(attrs, slog.String("err", scrubbed(err, c.private)))
		}
	}
	b.c.Log.LogAttrs(c.Context(), level, "request", attrs...)
}
