package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/p256"
	"latchkey/internal/stamp"
)

// keyOf is a key that a test stamps with.
type keyOf = p256.Key

func mustID(t testing.TB, text string) uuid.UUID {
	t.Helper()
	id, ok := parseID(text)
	if !ok {
		t.Fatalf("%q is no id", text)
	}
	return id
}

// fakeTime is a clock that tests move by hand.
type fakeTime struct {
	mu sync.Mutex
	t  time.Time
}

func newTime() *fakeTime { return &fakeTime{t: time.UnixMilli(1_767_225_600_000)} }

func (f *fakeTime) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.t
}

func (f *fakeTime) advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.t = f.t.Add(d)
}

// handlerTransport calls a handler as if it were a network, and holds every answer of the API against the service's
// own description.
type handlerTransport struct {
	t       testing.TB
	handler http.Handler
	check   bool
}

func (h handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	h.t.Helper()
	w := httptest.NewRecorder()
	r.Host = r.URL.Host
	if r.Body == nil {
		r.Body = http.NoBody
	}
	h.handler.ServeHTTP(w, r)
	res := w.Result()
	if h.check && r.Method != http.MethodOptions {
		fitsSwagger(h.t, r.URL.Path, res.StatusCode, w.Body.Bytes())
	}
	return res, nil
}

// box is a sandbox under test.
type box struct {
	*Sandbox
	t    testing.TB
	time *fakeTime
	http *http.Client
	root *who
}

func newBox(t testing.TB, o Options) *box {
	t.Helper()
	clock := newTime()
	if o.Now == nil {
		o.Now = clock.now
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	b := &box{Sandbox: s, t: t, time: clock, http: clientOf(t, s)}
	f := s.Facts()
	private, err := p256.ParsePrivate(f.APIPrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	b.root = &who{box: b, org: f.OrganizationID, key: p256.NewKey(private)}
	return b
}

// clientOf calls the API's handler. Outside of tests nothing is held against the description.
func clientOf(t testing.TB, s *Sandbox) *http.Client {
	_, outside := t.(*childTB)
	return &http.Client{Transport: handlerTransport{t, s.API(), !outside}}
}

// childTB lets the helpers of the tests work in a program that is none: whatever fails ends it.
type childTB struct{ testing.TB }

func (*childTB) Helper()                  {}
func (*childTB) Context() context.Context { return context.Background() }
func (*childTB) Fatal(args ...any)        { panic(fmt.Sprint(args...)) }
func (*childTB) Fatalf(f string, args ...any) {
	panic(fmt.Sprintf(f, args...))
}

// who is somebody who stamps for an organization.
type who struct {
	*box
	org  string
	user string
	key  *p256.Key
}

// in is the same key, naming another organization.
func (w *who) in(org string) *who { return &who{box: w.box, org: org, user: w.user, key: w.key} }

// with is another key for the same organization.
func (w *who) with(key *p256.Key) *who { return &who{box: w.box, org: w.org, user: w.user, key: key} }

// answer is what came back, decoded.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   map[string]any
	raw    []byte
}

type m = map[string]any

// send stamps body with w's key and posts it.
func (w *who) send(path string, body []byte) answer {
	w.t.Helper()
	s, err := stamp.APIKey{Signer: w.key}.Stamp(w.t.Context(), body)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.post(path, body, http.Header{s.HeaderName: {s.HeaderValue}})
}

func (b *box) post(path string, body []byte, header http.Header) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, "http://api.test/public/v1/"+path, bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for name, values := range header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	return b.do(b.http, r)
}

func (b *box) do(client *http.Client, r *http.Request) answer {
	b.t.Helper()
	res, err := client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	a := answer{t: b.t, status: res.StatusCode, header: res.Header, raw: raw}
	if len(raw) > 0 && raw[0] != '[' && strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(raw, &a.body); err != nil {
			b.t.Fatalf("%s: not JSON: %v: %.200s", r.URL.Path, err, raw)
		}
	}
	return a
}

// query asks with fields besides the organization.
func (w *who) query(name string, fields m) answer {
	w.t.Helper()
	body := m{"organizationId": w.org}
	for k, v := range fields {
		body[k] = v
	}
	return w.send("query/"+name, mustJSON(body))
}

// envelope is the body of a submission of now.
func (w *who) envelope(kind string, params m) []byte {
	return mustJSON(m{"type": "ACTIVITY_TYPE_" + kind, "timestampMs": strconv.FormatInt(w.clock.now().UnixMilli(), 10),
		"organizationId": w.org, "parameters": params})
}

// submit does an activity; the path follows from the type.
func (w *who) submit(kind string, params m) answer {
	w.t.Helper()
	path := strings.ToLower(kind)
	if at := strings.LastIndex(path, "_v"); at > 0 {
		path = path[:at]
	}
	w.time.advance(time.Millisecond) // so that no two submissions are the same
	return w.send("submit/"+path, w.envelope(kind, params))
}

// ok fails the test unless the answer is a success.
func (a answer) ok() answer {
	a.t.Helper()
	if a.status != http.StatusOK {
		a.t.Fatalf("status %d: %s", a.status, a.raw)
	}
	return a
}

// at walks to a value of the answer.
func (a answer) at(path ...string) any {
	a.t.Helper()
	var v any = a.body
	for _, name := range path {
		object, isObject := v.(m)
		if list, isList := v.([]any); isList {
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(list) {
				a.t.Fatalf("%v: no item %s in %s", path, name, a.raw)
			}
			v = list[i]
			continue
		}
		if !isObject || object[name] == nil {
			a.t.Fatalf("%v: no %s in %s", path, name, a.raw)
		}
		v = object[name]
	}
	return v
}

func (a answer) text(path ...string) string {
	a.t.Helper()
	s, ok := a.at(path...).(string)
	if !ok {
		a.t.Fatalf("%v: no text in %s", path, a.raw)
	}
	return s
}

// result is the one result of an activity.
func (a answer) result(name string) answer {
	a.t.Helper()
	a.ok()
	if got := a.text("activity", "status"); got != statusCompleted {
		a.t.Fatalf("status %s", got)
	}
	r, _ := a.at("activity", "result", name).(m)
	return answer{t: a.t, status: a.status, body: r, raw: a.raw}
}

// refused fails the test unless the answer is this refusal, with the code in both places.
func (a answer) refused(status int, code, message string) {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.raw)
	}
	if got := a.text("message"); !strings.Contains(got, message) {
		a.t.Errorf("message %q, want one with %q", got, message)
	}
	if got := a.text("turnkeyErrorCode"); got != code {
		a.t.Errorf("turnkeyErrorCode %q, want %q", got, code)
	}
	if got := a.text("details", "0", "turnkeyErrorCode"); got != code {
		a.t.Errorf("details: turnkeyErrorCode %q, want %q", got, code)
	}
}

// control calls the control handler, as its own page would.
func (b *box) controlled(method, path string, body any, change ...func(*http.Request)) answer {
	b.t.Helper()
	var text []byte
	if body != nil {
		text = mustJSON(body)
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, "http://127.0.0.1:4000"+path, bytes.NewReader(text))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost || method == http.MethodPut {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, f := range change {
		f(r)
	}
	return b.do(&http.Client{Transport: handlerTransport{b.t, b.Control(), false}}, r)
}
