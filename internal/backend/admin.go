package backend

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"latchkey/internal/fault"
)

// readiness remembers the last answer of the API for a moment, so that probes cost it nothing.
type readiness struct {
	at   time.Time
	code fault.Code // "" is well
}

const (
	readyFor = 5 * time.Second // how long an answer counts
	probeFor = 2 * time.Second // how long the API may take
)

// Admin serves /livez, /readyz and /metrics, for whoever runs the backend. It must not be reachable by devices.
//
// /livez answers 200 as long as the process serves. /readyz asks the API who we are: 200 "ready" when it knows us;
// 200 "degraded" when it cannot be reached, since another replica would fare no better; 503 when it refuses our key
// or our clock, and once [Backend.Leave] was called.
func (b *Backend) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { tell(w, http.StatusOK, "live", "") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if b.leaving.Load() {
			tell(w, http.StatusServiceUnavailable, "draining", "")
			return
		}
		switch code := b.state(r.Context()); {
		case code == "":
			tell(w, http.StatusOK, "ready", "")
		case code.Kind() == fault.Unavailable || code.Kind() == fault.Limited:
			tell(w, http.StatusOK, "degraded", code)
		default:
			tell(w, http.StatusServiceUnavailable, "not ready", code)
		}
	})
	mux.Handle("GET /metrics", &b.metrics)
	return mux
}

// state asks the API at most once in readyFor, for all who want to know.
func (b *Backend) state(ctx context.Context) fault.Code {
	done, err := b.probes.take(ctx, "")
	if err != nil {
		return fault.Cancel
	}
	defer done()
	now := b.c.Now()
	if age := now.Sub(b.ready.at); !b.ready.at.IsZero() && age >= 0 && age < readyFor {
		return b.ready.code
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeFor)
	defer cancel()
	b.ready.at, b.ready.code = now, ""
	me, err := b.api.Whoami(ctx, b.c.OrganizationID)
	if err == nil && me.OrganizationID != b.c.OrganizationID {
		err = notParents()
	}
	if err == nil {
		err = b.kept.check(ctx)
	}
	if err != nil {
		b.ready.code = fault.CodeOf(err)
	}
	return b.ready.code
}

func tell(w http.ResponseWriter, status int, word string, reason fault.Code) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct { // who asks may have gone
		Status string     `json:"status"`
		Reason fault.Code `json:"reason,omitempty"`
	}{word, reason})
}
