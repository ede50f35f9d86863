package turnkey

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/p256"
	"latchkey/internal/stamp"
)

// service is a stand-in for the network and what lies behind it: it answers each request by the next step, the last
// one for ever, and keeps what it was sent.
type service struct {
	mu    sync.Mutex
	steps []step
	sent  []sentRequest
}

type step func(r *http.Request) (*http.Response, error)

type sentRequest struct {
	path, body string
	header     http.Header
}

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.sent = append(s.sent, sentRequest{r.URL.Path, string(body), r.Header.Clone()})
	next := s.steps[min(len(s.sent), len(s.steps))-1]
	s.mu.Unlock()
	return next(r)
}

func (s *service) bodies() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, r := range s.sent {
		out = append(out, r.body)
	}
	return out
}

func answer(status int, body string, headers ...string) step {
	return func(r *http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i < len(headers); i += 2 {
			h.Set(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

func broken(err error) step {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// hangs answers nothing until the caller gives up.
func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// activity is the answer for an activity at a status, with the rest of its members given.
func activity(status Status, rest string) step {
	if rest != "" {
		rest = "," + rest
	}
	return answer(200, fmt.Sprintf(`{"activity":{"id":"act-1","organizationId":"org-1","fingerprint":"sha256:00","status":%q%s}}`, status, rest))
}

// newClient returns a client of a service that answers by steps.
func newClient(t testing.TB, steps ...step) (*Client, *service) {
	t.Helper()
	s := &service{steps: steps}
	return &Client{
		BaseURL: func() string { return "http://api.test/" },
		Stamper: stamp.APIKey{Signer: p256.NewKey(p256.Generate())},
		HTTP:    &http.Client{Transport: s},
	}, s
}

func member(t testing.TB, body, name string) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatal(err)
	}
	s, _ := m[name].(string)
	return s
}

// at returns a clock that stands still.
func at(now time.Time) func() time.Time { return func() time.Time { return now } }

type stamperFunc func(ctx context.Context, body []byte) (*stamp.Stamp, error)

func (f stamperFunc) Stamp(ctx context.Context, body []byte) (*stamp.Stamp, error) {
	return f(ctx, body)
}
