package sandbox

import (
	"net/http"
	"sync"
)

// seenRequest is one request to the API as its owner may see it: what came, who sent it, what was answered, and, when
// it was refused, which check refused it and why. It holds what the client sent, and so never goes to a log.
type seenRequest struct {
	ID             uint64              `json:"id"`
	At             int64               `json:"at"` // unix ms, sandbox clock
	Method         string              `json:"method"`
	Path           string              `json:"path"`
	OrganizationID string              `json:"organizationId,omitempty"`
	UserID         string              `json:"userId,omitempty"`
	ActivityType   string              `json:"activityType,omitempty"`
	Status         int                 `json:"status"`
	Ms             float64             `json:"ms"`
	Headers        map[string][]string `json:"headers"`
	Body           string              `json:"body"`
	BodyCut        bool                `json:"bodyCut,omitempty"`
	Stamp          any                 `json:"stamp,omitempty"`
	Refused        *refusedCheck       `json:"refused,omitempty"`
	Fault          *mishap             `json:"fault,omitempty"` // that it met
	Lost           string              `json:"lost,omitempty"`  // why no answer left, then status is 0
}

// refusedCheck is the check that refused a request.
type refusedCheck struct {
	Check    string `json:"check"`
	Expected string `json:"expected,omitempty"`
	Seen     string `json:"seen,omitempty"`
	Message  string `json:"message"`
	Code     string `json:"turnkeyErrorCode"`
}

const (
	requestsMax = 256     // how many are kept
	bodyKept    = 8 << 10 // bytes of a body
)

// requests keeps the newest requests. It is safe for parallel use.
type requests struct {
	mu   sync.Mutex
	kept [requestsMax]*seenRequest // a ring: the request of id n is at n mod requestsMax
	last uint64
}

func newRequests() *requests { return &requests{} }

func (r *requests) add(s *seenRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	s.ID = r.last
	r.kept[r.last%requestsMax] = s
}

// after returns at most limit requests with a larger id, newest first.
func (r *requests) after(id uint64, limit int) []*seenRequest {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := []*seenRequest{}
	for n := r.last; n > id && len(found) < limit; n-- {
		s := r.kept[n%requestsMax]
		if s == nil || s.ID != n {
			break
		}
		found = append(found, s)
	}
	return found
}

func (r *requests) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.kept[:])
}

// keep copies what may be kept of a body and headers.
func (s *seenRequest) keep(header http.Header, body []byte) {
	s.Headers = header.Clone()
	s.BodyCut = len(body) > bodyKept
	s.Body = string(body[:min(len(body), bodyKept)])
}
