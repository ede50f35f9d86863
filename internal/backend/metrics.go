package backend

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/internal/fault"
)

// metrics counts what the backend does, and writes it in Prometheus' text format under OpenTelemetry's names. Its labels
// are names of the program's own: routes, paths of the API, statuses, codes. Nothing that a caller writes can become
// one, so their number is bounded and none tells a secret.
//
// It is written by hand: Prometheus' client adds 2.2 MB to the program and 1.4 MB to its memory, of which the whole
// backend may use 15. The tests read it with Prometheus' own parser and linter.
type metrics struct {
	active  atomic.Int64
	dropped atomic.Uint64 // spans that did not reach the collector

	mu     sync.Mutex
	served map[servedKey]*histogram
	asked  map[askedKey]*histogram
	mailed map[mailedKey]uint64
}

// servedKey is what tells requests of devices apart. Reason is the code of a refusal.
type servedKey struct {
	method, route string
	status        int
	reason        fault.Code
}

// askedKey is what tells requests to the API apart. Status 0 is no answer.
type askedKey struct {
	path   string
	status int
	reason fault.Code
}

// mailedKey is what became of an e-mail that was answered for before it was sent.
type mailedKey struct {
	outcome string
	reason  fault.Code
}

// bounds are those that OpenTelemetry names for the duration of HTTP requests, in seconds.
var bounds = [...]float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}

type histogram struct {
	buckets [len(bounds) + 1]uint64 // the last is all beyond
	sum     float64
}

func (h *histogram) observe(took time.Duration) {
	s := took.Seconds()
	i, _ := slices.BinarySearch(bounds[:], s)
	h.buckets[i]++
	h.sum += s
}

// observe adds one request to the histogram under key.
func observe[K comparable](m *metrics, all *map[K]*histogram, key K, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if *all == nil {
		*all = map[K]*histogram{}
	}
	h := (*all)[key]
	if h == nil {
		h = &histogram{}
		(*all)[key] = h
	}
	h.observe(took)
}

func (m *metrics) serve(method, route string, status int, err error, took time.Duration) {
	key := servedKey{method, route, status, ""}
	if err != nil {
		key.reason = cmp.Or(fault.CodeOf(err), fault.Internal)
	}
	observe(m, &m.served, key, took)
}

func (m *metrics) ask(path string, status int, err error, took time.Duration) {
	key := askedKey{path, status, ""}
	if err != nil {
		key.reason = cmp.Or(fault.CodeOf(err), fault.Internal)
	}
	observe(m, &m.asked, key, took)
}

func (m *metrics) mail(outcome string, err error) {
	key := mailedKey{outcome, ""}
	if err != nil {
		key.reason = cmp.Or(fault.CodeOf(err), fault.Internal)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mailed == nil {
		m.mailed = map[mailedKey]uint64{}
	}
	m.mailed[key]++
}

// ServeHTTP writes all of it.
func (m *metrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	var b bytes.Buffer
	m.write(&b)
	for _, g := range processGauges() {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n%s %s\n", g.name, g.help, g.name, g.kind, g.name, number(g.value))
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(b.Bytes()) // who went away is not told
}

func (m *metrics) write(b *bytes.Buffer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	const server, client = "http_server_request_duration_seconds", "http_client_request_duration_seconds"
	head(b, server, "How long requests of devices took.")
	for _, k := range slices.SortedFunc(maps.Keys(m.served), func(a, b servedKey) int {
		return cmp.Or(strings.Compare(a.route, b.route), strings.Compare(a.method, b.method), a.status-b.status, cmp.Compare(a.reason, b.reason))
	}) {
		m.served[k].write(b, server, labels("http_request_method", k.method, "http_route", k.route, "http_response_status_code", strconv.Itoa(k.status), "error_type", string(k.reason)))
	}
	head(b, client, "How long Turnkey's API took to answer, tries again included.")
	for _, k := range slices.SortedFunc(maps.Keys(m.asked), func(a, b askedKey) int {
		return cmp.Or(strings.Compare(a.path, b.path), a.status-b.status, cmp.Compare(a.reason, b.reason))
	}) {
		status := ""
		if k.status != 0 {
			status = strconv.Itoa(k.status)
		}
		m.asked[k].write(b, client, labels("http_request_method", http.MethodPost, "url_template", k.path, "http_response_status_code", status, "error_type", string(k.reason)))
	}
	const mails = "latchkey_emails_total"
	fmt.Fprintf(b, "# HELP %s E-mails with a key, by what became of them after the answer.\n# TYPE %s counter\n", mails, mails)
	for _, k := range slices.SortedFunc(maps.Keys(m.mailed), func(a, b mailedKey) int {
		return cmp.Or(strings.Compare(a.outcome, b.outcome), cmp.Compare(a.reason, b.reason))
	}) {
		fmt.Fprintf(b, "%s{%s} %d\n", mails, labels("outcome", k.outcome, "error_type", string(k.reason)), m.mailed[k])
	}
	const dropped = "latchkey_spans_dropped_total"
	fmt.Fprintf(b, "# HELP %s Spans that did not reach the collector of traces.\n# TYPE %s counter\n%s %d\n", dropped, dropped, dropped, m.dropped.Load())
	const active = "http_server_active_requests"
	fmt.Fprintf(b, "# HELP %s Requests of devices under way.\n# TYPE %s gauge\n%s %d\n", active, active, active, m.active.Load())
}

func head(b *bytes.Buffer, name, help string) {
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s histogram\n", name, help, name)
}

// labels are name and value in turn; an empty value is no label.
func labels(pairs ...string) string {
	var all []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			all = append(all, pairs[i]+"="+strconv.Quote(pairs[i+1]))
		}
	}
	return strings.Join(all, ",")
}

func (h *histogram) write(b *bytes.Buffer, name, labels string) {
	total := uint64(0)
	for i, n := range h.buckets {
		total += n
		upTo := "+Inf"
		if i < len(bounds) {
			upTo = number(bounds[i])
		}
		fmt.Fprintf(b, "%s_bucket{%s,le=%q} %d\n", name, labels, upTo, total)
	}
	fmt.Fprintf(b, "%s_sum{%s} %s\n%s_count{%s} %d\n", name, labels, number(h.sum), name, labels, total)
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
