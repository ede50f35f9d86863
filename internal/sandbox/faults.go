package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// mishap is one way in which requests to the API go wrong on purpose, as the owner wants it. All but Path is optional,
// and at least one of the things that can go wrong is given.
type mishap struct {
	Path           string   `json:"path"`                     // a glob, see globbed
	Rate           *float64 `json:"rate,omitempty"`           // how often, of 0 to 1; nil for always
	Status         int      `json:"status,omitempty"`         // the refusal's, instead of doing anything
	Code           int      `json:"code,omitempty"`           // the refusal's gRPC number
	Message        string   `json:"message,omitempty"`        // the refusal's
	LatencyMs      int64    `json:"latencyMs,omitempty"`      // how long the request waits before all else
	DropReply      bool     `json:"dropReply,omitempty"`      // it is done, and the connection breaks without an answer
	ActivityStatus string   `json:"activityStatus,omitempty"` // the activity's, instead of being done
	Times          *int64   `json:"times,omitempty"`          // how often it still happens; nil for without end
}

const (
	mishapsMax = 100
	latencyMax = 60 * time.Second // the server's own patience with one answer is 90 s
	globMax    = 200
	messageMax = 500
)

// mishaps are the faults in force. They live no longer than the process, and a reset clears them. It is safe for
// parallel use.
type mishaps struct {
	mu     sync.Mutex
	list   []mishap
	chance *choices // its own, so that ids are the same with faults and without
}

// newChances returns a stream of chances that follows from the seed and from what they are for.
func newChances(seed uint64, what string) *choices {
	return &choices{rng: rand.NewChaCha8([32]byte(derive(seed, what, 32)))}
}

// happens is true with that probability.
func (c *choices) happens(probability float64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return rand.New(c.rng).Float64() < probability
}

// clear takes all faults away and begins their chances anew.
func (f *mishaps) clear(seed uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list, f.chance = nil, newChances(seed, "faults")
}

// set puts a list that was checked in the place of the old one.
func (f *mishaps) set(list []mishap) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = list
}

// all returns the list as it is now, with what is left of each.
func (f *mishaps) all() []mishap {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]mishap{}, f.list...)
}

// strike returns the first fault of the list that this request meets, or nil. One that was to happen a number of times
// has happened once more, and leaves the list with its last time.
func (f *mishaps) strike(path string) *mishap {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, m := range f.list {
		if !m.meets(path) || m.Rate != nil && !f.chance.happens(*m.Rate) {
			continue
		}
		if m.Times != nil {
			left := *m.Times - 1
			f.list = slices.Clone(f.list)
			if f.list[i].Times = &left; left == 0 {
				f.list = slices.Delete(f.list, i, i+1)
			}
		}
		return &m
	}
	return nil
}

// holds reports whether some fault of the list would give an activity of that path a status.
func (f *mishaps) holds(path string) bool {
	return slices.ContainsFunc(f.all(), func(m mishap) bool { return m.ActivityStatus != "" && m.meets(path) })
}

// meets reports whether the fault is for requests of that path. One that gives activities a status is for those alone.
func (m mishap) meets(path string) bool {
	return globbed(m.Path, path) && (m.ActivityStatus == "" || isActivity(path))
}

// isActivity reports whether what is posted to path becomes an activity of its own, which votes do not.
func isActivity(path string) bool {
	return strings.HasPrefix(path, "/public/v1/submit/") && !strings.HasSuffix(path, "/approve_activity") && !strings.HasSuffix(path, "/reject_activity")
}

// globbed reports whether a path fits a glob, in which * stands for any text and ? for any one byte. A glob without a
// slash is held against the last part of the path. It takes no more than the product of both lengths.
func globbed(glob, path string) bool {
	if !strings.Contains(glob, "/") {
		path = path[strings.LastIndexByte(path, '/')+1:]
	}
	g, p, star, mark := 0, 0, -1, 0
	for p < len(path) {
		switch {
		case g < len(glob) && glob[g] == '*':
			star, mark = g, p
			g++
		case g < len(glob) && (glob[g] == '?' || glob[g] == path[p]):
			g++
			p++
		case star >= 0: // the last star takes one byte more
			mark++
			g, p = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(glob[g:], "*") == ""
}

// sleep waits as long as the fault says. It is false when the client left meanwhile.
func (m *mishap) sleep(ctx context.Context) bool {
	if m.LatencyMs == 0 {
		return true
	}
	timer := time.NewTimer(time.Duration(m.LatencyMs) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// refusal is what the fault answers, or nil when it refuses nothing.
func (m *mishap) refusal() *refusal {
	if m.Status == 0 && m.Code == 0 {
		return nil
	}
	r := &refusal{http: m.Status, grpc: m.Code, message: m.Message, code: "UNSPECIFIED", check: "fault", expected: "", seen: m.Path}
	if r.http == 0 {
		r.http = statusOfGRPC(m.Code)
	}
	if r.grpc == 0 {
		r.grpc = grpcOfStatus(m.Status)
	}
	if r.grpc == grpcInternal {
		r.code = "INTERNAL"
	}
	if r.message == "" {
		r.message = strings.ToLower(http.StatusText(r.http)) + ", as the sandbox was told"
	}
	return r
}

// gRPC numbers and the HTTP statuses that the service gives them; of several with one status, the first is meant.
var grpcStatuses = []struct{ grpc, http int }{
	{grpcInvalid, 400}, {grpcUnauthenticated, 401}, {grpcDenied, 403}, {grpcNotFound, 404}, {grpcExists, 409}, {grpcExhausted, 429},
	{1, 499}, {grpcInternal, 500}, {grpcUnimplemented, 501}, {14, 503}, {4, 504},
	{2, 500}, {9, 400}, {grpcAborted, 409}, {11, 400}, {15, 500},
}

func statusOfGRPC(code int) int {
	for _, s := range grpcStatuses {
		if s.grpc == code {
			return s.http
		}
	}
	return http.StatusInternalServerError
}

func grpcOfStatus(status int) int {
	for _, s := range grpcStatuses {
		if s.http == status {
			return s.grpc
		}
	}
	return 2 // unknown
}

// readMishaps reads a list of faults and checks all of it.
func readMishaps(text []byte) ([]mishap, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var list []mishap
	if err := dec.Decode(&list); err != nil {
		return nil, badBody("want a list of faults: " + clip(err.Error()))
	}
	switch {
	case dec.More():
		return nil, badBody("want one list of faults")
	case list == nil:
		return nil, badBody("want a list of faults; an empty one takes all away")
	case len(list) > mishapsMax:
		return nil, invalid("at most %d faults", mishapsMax)
	}
	known := strings.Fields(paths)
	for i, m := range list {
		if why := m.wrong(known); why != "" {
			return nil, invalid("fault %d: %s", i, why)
		}
	}
	return list, nil
}

// forcible are the statuses that a fault can give to an activity.
var forcible = []string{statusPending, statusConsensus, statusAuthenticators, statusFailed, statusRejected}

// wrong says what is wrong with the fault, or "".
func (m mishap) wrong(known []string) string {
	refuses := m.Status != 0 || m.Code != 0
	switch {
	case m.Path == "":
		return "path: want a path of the API, in which * stands for any text, as in */submit/* or create_wallet"
	case len(m.Path) > globMax:
		return "path: too long"
	case m.Rate != nil && (math.IsNaN(*m.Rate) || *m.Rate < 0 || *m.Rate > 1):
		return "rate: want a number from 0 to 1"
	case m.Status != 0 && (m.Status < 400 || m.Status > 599):
		return "status: want an HTTP status from 400 to 599"
	case m.Code < 0 || m.Code > 16:
		return "code: want a gRPC number from 1 to 16"
	case len(m.Message) > messageMax:
		return "message: too long"
	case m.Message != "" && !refuses:
		return "message: goes with a status or a code"
	case m.LatencyMs < 0 || time.Duration(m.LatencyMs) > latencyMax/time.Millisecond:
		return "latencyMs: want 0 to 60000"
	case m.Times != nil && *m.Times < 1:
		return "times: want 1 or more; leave it out for without end"
	case m.ActivityStatus != "" && !slices.Contains(forcible, m.ActivityStatus):
		return "activityStatus: want one of " + strings.Join(forcible, ", ")
	case refuses && m.DropReply:
		return "status or code, or dropReply: a request is refused, or done without an answer"
	case refuses && m.ActivityStatus != "":
		return "status or code, or activityStatus: a request is refused, or becomes an activity"
	case !refuses && !m.DropReply && m.ActivityStatus == "" && m.LatencyMs == 0:
		return "want something to go wrong: status or code, latencyMs, dropReply or activityStatus"
	case !slices.ContainsFunc(known, m.meets) && m.ActivityStatus != "":
		return "path: no activity has such a path"
	case !slices.ContainsFunc(known, m.meets):
		return "path: the API has no such path"
	}
	return ""
}
