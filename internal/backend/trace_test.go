package backend_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"latchkey/internal/backend"
)

// collected is one span as a collector gets it.
type collected struct {
	TraceID, SpanID, ParentSpanID, Name string
	Kind                                int
	StartTimeUnixNano, EndTimeUnixNano  string
	Status                              struct{ Code int }
	Attributes                          []struct {
		Key   string
		Value map[string]any
	}
}

func (s collected) attribute(key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			for _, v := range a.Value {
				text, _ := v.(string)
				return text
			}
		}
	}
	return ""
}

// collector takes what a backend exports.
type collector struct {
	*httptest.Server
	mu     sync.Mutex
	raw    []string
	asked  []*http.Request
	status int
}

func newCollector(t *testing.T) *collector {
	c := &collector{status: http.StatusOK}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.raw, c.asked = append(c.raw, string(body)), append(c.asked, r)
		w.WriteHeader(c.status)
	}))
	t.Cleanup(c.Close)
	return c
}

// spans returns all that came, each body read by OpenTelemetry's own description of it first.
func (c *collector) spans(t *testing.T) (all []collected) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, raw := range c.raw {
		if err := protojson.Unmarshal([]byte(raw), &tracepb.TracesData{}); err != nil {
			t.Errorf("not OTLP: %v\n%s", err, raw)
		}
		var body struct {
			ResourceSpans []struct{ ScopeSpans []struct{ Spans []collected } }
		}
		if err := json.Unmarshal([]byte(raw), &body); err != nil {
			t.Fatal(err)
		}
		for _, r := range body.ResourceSpans {
			for _, s := range r.ScopeSpans {
				all = append(all, s.Spans...)
			}
		}
	}
	return all
}

func TestTracesTellOfEveryRequestAndOfNoSecret(t *testing.T) {
	c := newCollector(t)
	w := newWorld(t, func(cfg *backend.Config) {
		cfg.Traces = backend.Traces{Endpoint: c.URL + "/v1/traces", Headers: backend.SecretOf("authorization=Bearer%20trace-canary"), Service: "shop", Ratio: 1}
	})
	// The network of the test's world has the API alone, so traces get one of their own.
	api := w.network.api
	w.network.api = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/traces" {
			api.ServeHTTP(rw, r)
			return
		}
		q, err := http.NewRequestWithContext(r.Context(), r.Method, c.URL+r.URL.Path, r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		q.Header = r.Header.Clone()
		reply, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Error(err)
			return
		}
		defer reply.Body.Close()
		rw.WriteHeader(reply.StatusCode)
	})
	const trace, caller = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7" // the example of the recommendation
	if r := w.post("/otp/init", `{"otpType":"OTP_TYPE_EMAIL","contact":"canary@example.org"}`, "traceparent", "00-"+trace+"-"+caller+"-01"); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.raw)
	}
	w.post("/otp/verify", `{"otpId":"00000000-0000-4000-8000-000000000000","otpCode":"canary123"}`)
	w.post("/canary-path", `{}`)
	w.post("/otp/init", `{"otpType":"OTP_TYPE_EMAIL","contact":"canary@example.org"}`, "traceparent", "00-"+strings.Repeat("0", 32)+"-canary-01")
	if err := w.b.Close(); err != nil {
		t.Fatal(err)
	}
	spans := c.spans(t)
	var server, client int
	for _, s := range spans {
		if len(s.TraceID) != 32 || len(s.SpanID) != 16 || s.StartTimeUnixNano == "" || s.EndTimeUnixNano < s.StartTimeUnixNano {
			t.Errorf("%+v", s)
		}
		switch s.Kind {
		case 2:
			server++
		case 3:
			client++
		}
	}
	if server != 4 || client < 1 {
		t.Fatalf("%d spans of requests, %d of calls to the API", server, client)
	}
	first := spans[0]
	for _, s := range spans {
		if s.Kind == 2 && s.TraceID == trace {
			first = s
		}
	}
	if first.ParentSpanID != caller || first.Name != "POST /otp/init" || first.attribute("http.response.status_code") != "200" || first.attribute("latchkey.request_id") == "" {
		t.Errorf("the first request: %+v", first)
	}
	under := 0
	for _, s := range spans {
		if s.Kind == 3 && s.ParentSpanID == first.SpanID && s.TraceID == trace && s.attribute("latchkey.activity_id") != "" && s.Name == "POST /public/v1/submit/init_otp" {
			under++
		}
	}
	if under != 1 {
		t.Errorf("%d calls under the first request: %+v", under, spans)
	}
	for _, raw := range c.raw {
		if strings.Contains(raw, "canary") || !strings.Contains(raw, `"stringValue":"shop"`) {
			t.Errorf("exported: %s", raw)
		}
	}
	if got := c.asked[0].Header.Get("Authorization"); got != "Bearer trace-canary" {
		t.Errorf("authorization %q", got)
	}
	if strings.Contains(w.log.String(), "trace-canary") {
		t.Error("the header's secret is in the log")
	}
}

func TestACollectorThatIsAwayHoldsNothingUp(t *testing.T) {
	w := newWorld(t, func(cfg *backend.Config) {
		cfg.Traces = backend.Traces{Endpoint: "http://127.0.0.1:1/v1/traces", Ratio: 1}
	})
	w.network.setFault(func(path string, _ []byte, send func() *http.Response) (*http.Response, error) {
		if path == "/v1/traces" {
			return nil, errors.New("connection refused")
		}
		return send(), nil
	})
	for range 300 {
		if r := w.post("/otp/verify", `{}`); r.status != http.StatusBadRequest {
			t.Fatalf("%d %s", r.status, r.raw)
		}
	}
	if err := w.b.Close(); err != nil {
		t.Error(err)
	}
	rec := httptest.NewRecorder()
	w.b.Admin().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/metrics", nil))
	if !strings.Contains(rec.Body.String(), "\nlatchkey_spans_dropped_total 300\n") {
		t.Errorf("what was lost is not counted:\n%s", rec.Body)
	}
}

// A span says whether its request failed and how often a call was sent; a traceparent of a version that cannot be is none;
// what is not sampled is not told; and what a collector refuses is counted as lost.
func TestWhatASpanSays(t *testing.T) {
	run := func(ratio float64, status int, do func(w *world)) (spans []collected, metrics string) {
		t.Helper()
		c := newCollector(t)
		c.status = status
		w := newWorld(t, func(cfg *backend.Config) { cfg.Traces = backend.Traces{Endpoint: c.URL + "/v1/traces", Ratio: ratio} })
		fails := 0
		w.network.setFault(func(path string, body []byte, send func() *http.Response) (*http.Response, error) {
			switch {
			case path == "/v1/traces":
				return http.Post(c.URL+path, "application/json", strings.NewReader(string(body)))
			case strings.Contains(string(body), "twice@example.org") && fails == 0:
				fails++
				return nil, errors.New("connection reset")
			case strings.Contains(string(body), "never@example.org"):
				return &http.Response{StatusCode: http.StatusBadGateway, Header: http.Header{}, Body: http.NoBody}, nil
			}
			return send(), nil
		})
		do(w)
		if err := w.b.Close(); err != nil {
			t.Error(err)
		}
		rec := httptest.NewRecorder()
		w.b.Admin().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/metrics", nil))
		return c.spans(t), rec.Body.String()
	}
	const trace, caller = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	ask := func(contact string, headers ...string) func(w *world) {
		return func(w *world) {
			w.post("/otp/init", `{"otpType":"OTP_TYPE_EMAIL","contact":"`+contact+`"}`, headers...)
		}
	}
	spans, _ := run(1, http.StatusOK, ask("never@example.org", "traceparent", "ff-"+trace+"-"+caller+"-01"))
	failed := 0
	for _, s := range spans {
		if s.TraceID == trace {
			t.Errorf("in the trace of a version that cannot be: %+v", s)
		}
		if s.Status.Code == 2 {
			failed++
		}
	}
	if failed != 2 || len(spans) != 2 { // of the request and of its call
		t.Errorf("%d of %d spans failed", failed, len(spans))
	}
	spans, _ = run(1, http.StatusOK, ask("twice@example.org"))
	again := false
	for _, s := range spans {
		if s.Status.Code != 0 {
			t.Errorf("failed: %+v", s)
		}
		again = again || s.Kind == 3 && s.attribute("http.request.resend_count") == "1"
	}
	if !again {
		t.Errorf("no call was sent twice: %+v", spans)
	}
	if spans, _ = run(0, http.StatusOK, ask("robin@example.org")); len(spans) != 0 {
		t.Errorf("not sampled, and told: %+v", spans)
	}
	if _, metrics := run(1, http.StatusServiceUnavailable, ask("robin@example.org")); !strings.Contains(metrics, "\nlatchkey_spans_dropped_total 2\n") {
		t.Errorf("what the collector refused is not counted:\n%s", metrics)
	}
}

func TestTracesAreSetUpAsOpenTelemetrySays(t *testing.T) {
	for name, c := range map[string]struct {
		env      map[string]string
		endpoint string
		ratio    float64
		fails    string
	}{
		"none":        {nil, "", 1, ""},
		"base":        {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/"}, "http://collector:4318/v1/traces", 1, ""},
		"whole":       {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://b/x"}, "http://b/x", 1, ""},
		"ratio":       {map[string]string{"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"}, "", 0.25, ""},
		"off":         {map[string]string{"OTEL_TRACES_SAMPLER": "always_off"}, "", 0, ""},
		"bad ratio":   {map[string]string{"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "NaN"}, "", 0, "OTEL_TRACES_SAMPLER_ARG"},
		"bad sampler": {map[string]string{"OTEL_TRACES_SAMPLER": "jaeger_remote"}, "", 0, "OTEL_TRACES_SAMPLER"},
	} {
		got, err := backend.FromEnv(func(name string) string { return c.env[name] })
		switch {
		case c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails+": ")):
			t.Errorf("%s: %v", name, err)
		case c.fails == "" && (err != nil || got.Traces.Endpoint != c.endpoint || got.Traces.Ratio != c.ratio):
			t.Errorf("%s: %+v, %v", name, got.Traces, err)
		}
	}
	f := facts(t)
	for setting, traces := range map[string]backend.Traces{
		"OTEL_EXPORTER_OTLP_ENDPOINT": {Endpoint: "collector:4318"}, "OTEL_EXPORTER_OTLP_HEADERS": {Endpoint: "http://collector", Headers: backend.SecretOf("canary")},
	} {
		c := configFor(f)
		c.Traces = traces
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), setting+": ") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", setting, err)
		}
	}
}
