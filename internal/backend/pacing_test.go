package backend_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/backend"
)

// Three replicas ask the API no faster together than it lets one address ask, and when there is not enough for all,
// whoever logs in is served, and whoever looks around is told to come back. Nothing here depends on how fast the machine
// is: what is asked of the API by a moment was let through before it.
func TestReplicasShareWhatOneAddressMayAsk(t *testing.T) {
	const rate, lookers, comers = 20, 300, 60
	server := backend.StartRedis(t)
	r := newReplicas(t, server.Addr, fmt.Sprintf("LATCHKEY_API_RATE=%d", rate))
	var mu sync.Mutex
	asked, tooMany := 0, ""
	var began time.Time
	r.network.setFault(func(path string, _ []byte, send func() *http.Response) (*http.Response, error) {
		if strings.HasSuffix(path, "/init_otp") || strings.HasSuffix(path, "/list_suborgs") {
			mu.Lock()
			asked++
			// A second's worth may go at once.
			if in := time.Since(began); float64(asked) > rate*(in.Seconds()+1)+1 {
				tooMany = fmt.Sprintf("%d requests in %v", asked, in)
			}
			mu.Unlock()
		}
		return send(), nil
	})
	var looked [600]atomic.Int64
	var wg sync.WaitGroup
	began = time.Now()
	for i := range lookers {
		wg.Go(func() {
			got := r.ask(r.any(), "203.0.113.1", "/v1/account", object{"filterType": "PUBLIC_KEY", "filterValue": newKey().PublicKey()}, backend.ConfigHeader, r.facts.OrganizationID)
			looked[got.status].Add(1)
			if got.status != 200 && (got.status != 429 || got.header.Get("Retry-After") == "") {
				t.Errorf("a look-up: %d %s", got.status, got.raw)
			}
		})
		if i%(lookers/comers) != 0 {
			continue
		}
		wg.Go(func() {
			if got := r.ask(r.any(), "203.0.113.2", "/otp/init", object{"contact": fmt.Sprintf("comer%d@example.com", i)}); got.status != 200 {
				t.Errorf("a log-in: %d %s", got.status, got.raw)
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	if tooMany != "" {
		t.Errorf("the API was asked more than %d times a second: %s", rate, tooMany)
	}
	if looked[429].Load() == 0 || looked[200].Load() == 0 {
		t.Errorf("of %d look-ups %d were answered and %d refused: nobody had to give way", lookers, looked[200].Load(), looked[429].Load())
	}
	t.Logf("over 3 replicas in %v the API was asked %d times, where %d a second are allowed: %d log-ins all served, %d look-ups served and %d told to come back",
		took.Round(time.Millisecond), asked, rate, comers, looked[200].Load(), looked[429].Load())
}
