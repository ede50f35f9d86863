package backend

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// silent is a collector that takes a request and never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestACollectorThatHangsHoldsTheEndUpForAMomentOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dropped atomic.Uint64
		tr := newTracer(Traces{Endpoint: "http://collector.example/v1/traces", Ratio: 1}, silent{}, &dropped)
		tr.end(span{})
		time.Sleep(tracesPause + time.Millisecond) // its sending has begun
		tr.end(span{})
		began := time.Now()
		tr.close()
		if took := time.Since(began); took != tracesLast {
			t.Errorf("the end took %s of the bubble's time, want %s", took, tracesLast)
		}
		if dropped.Load() != 2 {
			t.Errorf("%d spans are counted as lost, want 2", dropped.Load())
		}
		tr.close() // again
	})
}
