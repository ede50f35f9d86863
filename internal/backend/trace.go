package backend

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/turnkey"
)

// Traces say where a backend sends what became of each request: spans, by OTLP over HTTP, as JSON. Source: the
// OpenTelemetry specification, protocol exporter and OTLP 1.x; traceparent: W3C Trace Context 1.
//
// It is written by hand, as the metrics are: OpenTelemetry's own exporter makes the program a quarter larger.
type Traces struct {
	Endpoint string  // the full address; "" sends none
	Headers  Secret  // name=value with commas between, percent-encoded: such as an authorization
	Service  string  // "" is latchkey-backend
	Ratio    float64 // of requests, 0 to 1
}

const (
	tracesQueue = 2048 // spans that wait; more are dropped and counted
	tracesBatch = 256
	tracesPause = 2 * time.Second  // at most, between a span and its sending
	tracesLimit = 10 * time.Second // for one sending
	tracesLast  = 3 * time.Second  // for all that is left at the end, a sending under way included
)

// span is one piece of work that is over. Its attributes are names of the program's own and numbers: nothing that a
// caller writes, except the id by which he follows it.
type span struct {
	trace, id, parent string // hex
	name              string
	kind              int // 2 is a server's, 3 a client's
	began, ended      time.Time
	failed            bool
	attributes        []attribute
}

type attribute struct {
	Key   string         `json:"key"`
	Value map[string]any `json:"value"`
}

func textOf(key, value string) attribute { return attribute{key, map[string]any{"stringValue": value}} }

// numberOf spells an integer as OTLP's JSON does: as text.
func numberOf(key string, value int) attribute {
	return attribute{key, map[string]any{"intValue": strconv.Itoa(value)}}
}

// tracer sends spans in the background. It never holds a request up: when the queue is full, spans are dropped. A nil
// tracer does nothing.
type tracer struct {
	to      Traces
	headers map[string]string
	http    *http.Client
	queue   chan span
	dropped *atomic.Uint64
	ended   chan struct{}
	closing sync.Once
	stop    chan struct{}
	cut     context.CancelFunc // ends a sending under way
}

func newTracer(t Traces, transport http.RoundTripper, dropped *atomic.Uint64) *tracer {
	if t.Endpoint == "" || t.Ratio <= 0 {
		return nil
	}
	headers, _ := t.headers() // which check has read
	tr := &tracer{to: t, headers: headers, dropped: dropped, http: &http.Client{Transport: transport, Timeout: tracesLimit, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		queue: make(chan span, tracesQueue), ended: make(chan struct{}), stop: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	tr.cut = cancel
	go tr.run(ctx)
	return tr
}

// begin returns the beginnings of a request's span: in the trace of its caller, where a traceparent says one, or in its
// own; nil for a request that is not among the sampled.
func (t *tracer) begin(r *http.Request, began time.Time) *span {
	if t == nil {
		return nil
	}
	s := &span{kind: 2, began: began, id: newID(8)}
	var whole bool
	if s.trace, s.parent, whole = parent(r.Header.Get("traceparent")); !whole {
		s.trace = newID(16)
	}
	low, err := hex.DecodeString(s.trace[16:])
	if err != nil || float64(binary.BigEndian.Uint64(low)>>1) >= t.to.Ratio*float64(math.MaxInt64) {
		return nil
	}
	return s
}

// parent reads a traceparent.
func parent(header string) (trace, id string, whole bool) {
	p := strings.Split(header, "-")
	if len(p) != 4 || len(p[0]) != 2 || len(p[3]) != 2 || p[0] == "ff" || !isLowerHex(p[1], 32) || !isLowerHex(p[2], 16) {
		return "", "", false
	}
	return p[1], p[2], true
}

// isLowerHex reports whether text is so many hex digits, not all of them zero.
func isLowerHex(text string, digits int) bool {
	return len(text) == digits && strings.Trim(text, "0123456789abcdef") == "" && strings.Trim(text, "0") != ""
}

// newID returns an id of so many random bytes, of which the last is never zero.
func newID(bytes int) string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], rand.Uint64())
	binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	id[bytes-1] |= 1
	return hex.EncodeToString(id[:bytes])
}

// served ends the span of a request.
func (t *tracer) served(c *call, method, route string, status int, err error, took time.Duration) {
	s := c.trail.span
	if t == nil || s == nil {
		return
	}
	s.name, s.ended, s.failed = method, s.began.Add(took), status >= 500
	s.attributes = []attribute{textOf("http.request.method", method), numberOf("http.response.status_code", status), textOf("latchkey.request_id", c.id)}
	if route != "" {
		s.name += " " + route
		s.attributes = append(s.attributes, textOf("http.route", route))
	}
	if err != nil {
		s.attributes = append(s.attributes, textOf("error.type", string(cmp.Or(fault.CodeOf(err), fault.Internal))))
	}
	t.end(*s)
}

// asked ends the span of a call to the API, under the one of a request.
func (t *tracer) asked(under *span, x turnkey.Exchange) {
	if t == nil || under == nil {
		return
	}
	s := span{trace: under.trace, id: newID(8), parent: under.id, name: "POST " + x.Path, kind: 3, began: x.Started, ended: x.Started.Add(x.Duration), failed: x.Err != nil,
		attributes: []attribute{textOf("http.request.method", http.MethodPost), textOf("url.path", x.Path), numberOf("http.request.resend_count", max(0, x.Tries-1))}}
	if x.Status != 0 {
		s.attributes = append(s.attributes, numberOf("http.response.status_code", x.Status))
	}
	if id := activityID(x.Response); id != "" {
		s.attributes = append(s.attributes, textOf("latchkey.activity_id", id))
	}
	if x.Err != nil {
		s.attributes = append(s.attributes, textOf("error.type", string(cmp.Or(fault.CodeOf(x.Err), fault.Internal))))
	}
	t.end(s)
}

func (t *tracer) end(s span) {
	select {
	case t.queue <- s:
	default:
		t.dropped.Add(1)
	}
}

// close sends what waits, for tracesLast at most, and ends.
func (t *tracer) close() {
	if t == nil {
		return
	}
	t.closing.Do(func() { close(t.stop) })
	patience := time.AfterFunc(tracesLast, t.cut)
	defer patience.Stop()
	<-t.ended
}

func (t *tracer) run(ctx context.Context) {
	defer close(t.ended)
	defer t.cut()
	tick := time.NewTicker(tracesPause)
	defer tick.Stop()
	var batch []span
	flush := func() {
		if len(batch) == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(ctx, tracesLimit)
		defer cancel()
		if err := t.send(ctx, batch); err != nil {
			t.dropped.Add(uint64(len(batch)))
		}
		batch = batch[:0]
	}
	for {
		select {
		case s := <-t.queue:
			if batch = append(batch, s); len(batch) >= tracesBatch {
				flush()
			}
		case <-tick.C:
			flush()
		case <-t.stop:
			for len(t.queue) > 0 {
				batch = append(batch, <-t.queue)
			}
			flush()
			return
		}
	}
}

// send posts spans. A collector that refuses or is away loses them: traces are no record.
func (t *tracer) send(ctx context.Context, batch []span) error {
	type status struct {
		Code int `json:"code"`
	}
	type wire struct {
		TraceID    string      `json:"traceId"`
		SpanID     string      `json:"spanId"`
		Parent     string      `json:"parentSpanId,omitempty"`
		Name       string      `json:"name"`
		Kind       int         `json:"kind"`
		Start      string      `json:"startTimeUnixNano"`
		End        string      `json:"endTimeUnixNano"`
		Attributes []attribute `json:"attributes,omitempty"`
		Status     *status     `json:"status,omitempty"`
	}
	spans := make([]wire, len(batch))
	for i, s := range batch {
		spans[i] = wire{s.trace, s.id, s.parent, s.name, s.kind, strconv.FormatInt(s.began.UnixNano(), 10), strconv.FormatInt(s.ended.UnixNano(), 10), s.attributes, nil}
		if s.failed {
			spans[i].Status = &status{2}
		}
	}
	body, err := json.Marshal(map[string]any{"resourceSpans": []any{map[string]any{
		"resource":   map[string]any{"attributes": []attribute{textOf("service.name", cmp.Or(t.to.Service, "latchkey-backend"))}},
		"scopeSpans": []any{map[string]any{"scope": map[string]any{"name": "latchkey"}, "spans": spans}},
	}}})
	if err != nil {
		return err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, t.to.Endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/json")
	for name, value := range t.headers {
		q.Header.Set(name, value)
	}
	reply, err := t.http.Do(q)
	if err != nil {
		return err
	}
	defer reply.Body.Close() //nolint:errcheck // nothing is kept in it
	_, _ = io.Copy(io.Discard, io.LimitReader(reply.Body, 64<<10))
	if reply.StatusCode/100 != 2 {
		return fmt.Errorf("the collector answered %d", reply.StatusCode)
	}
	return nil
}

// headers reads Headers.
func (t Traces) headers() (map[string]string, bool) {
	all := map[string]string{}
	for part := range strings.SplitSeq(t.Headers.reveal(), ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if name = strings.TrimSpace(name); !ok || name == "" || err != nil || strings.ContainsAny(name+value, "\r\n") {
			return nil, false
		}
		all[name] = value
	}
	return all, true
}

// traces reads the variables that OpenTelemetry's own exporters read.
func (e *environment) traces() Traces {
	t := Traces{Service: e.text("OTEL_SERVICE_NAME"), Headers: e.secret("OTEL_EXPORTER_OTLP_HEADERS"), Ratio: 1}
	base := e.text("OTEL_EXPORTER_OTLP_ENDPOINT")
	if t.Endpoint = e.text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"); t.Endpoint == "" && base != "" {
		t.Endpoint = strings.TrimSuffix(base, "/") + "/v1/traces"
	}
	argument := e.text("OTEL_TRACES_SAMPLER_ARG")
	switch strings.TrimPrefix(e.text("OTEL_TRACES_SAMPLER"), "parentbased_") {
	case "", "always_on":
	case "always_off":
		t.Ratio = 0
	case "traceidratio":
		if argument == "" {
			break
		}
		var err error
		if t.Ratio, err = strconv.ParseFloat(argument, 64); err != nil || !(t.Ratio >= 0 && t.Ratio <= 1) {
			e.fail("OTEL_TRACES_SAMPLER_ARG", "want a number from 0 to 1")
		}
	default:
		e.fail("OTEL_TRACES_SAMPLER", "want always_on, always_off or traceidratio, or one of these after parentbased_")
	}
	return t
}

// check reports what is wrong with the settings of traces.
func (t Traces) check() error {
	if t.Endpoint == "" {
		return nil
	}
	if _, ok := t.headers(); !ok {
		return wrong("OTEL_EXPORTER_OTLP_HEADERS", "want name=value, with commas between")
	}
	if u, err := url.Parse(t.Endpoint); err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return wrong("OTEL_EXPORTER_OTLP_ENDPOINT", "want an address with http or https, of a collector that takes OTLP over HTTP")
	}
	return nil
}
