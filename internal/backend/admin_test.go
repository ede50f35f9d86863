package backend_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/backend"
	"latchkey/internal/p256"
)

func (w *world) probe(path string) (int, map[string]string) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.b.Admin().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	var body map[string]string
	if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
		w.t.Fatalf("%q", rec.Body)
	}
	return rec.Code, body
}

func TestReadiness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		if status, body := w.probe("/readyz"); status != 200 || body["status"] != "ready" {
			t.Errorf("%d %v", status, body)
		}
		asked := w.network.count("/whoami")
		w.network.setFault(func(string, []byte, func() *http.Response) (*http.Response, error) {
			return nil, errors.New("no route")
		})
		if status, body := w.probe("/readyz"); status != 200 || body["status"] != "ready" || w.network.count("/whoami") != asked {
			t.Errorf("the last answer did not count: %d %v", status, body)
		}
		w.clock.advance(6 * time.Second)
		if status, body := w.probe("/readyz"); status != 200 || body["status"] != "degraded" || body["reason"] != "api.unreachable" {
			t.Errorf("%d %v", status, body)
		}
		if status, body := w.probe("/livez"); status != 200 || body["status"] != "live" {
			t.Errorf("%d %v", status, body)
		}
		w.network.setFault(nil)
		w.clock.advance(6 * time.Second)
		if status, body := w.probe("/readyz"); status != 200 || body["status"] != "ready" {
			t.Errorf("%d %v", status, body)
		}
	})
}

func TestAKeyThatTheServiceDoesNotKnowIsNotReady(t *testing.T) {
	key := newKey()
	w := newWorld(t)
	w.config.APIPublicKey, w.config.APIPrivateKey = key.PublicKey(), backend.SecretOf(p256.PrivateHex(key.Private()))
	w.restart()
	if status, body := w.probe("/readyz"); status != 503 || body["reason"] != "session.rejected" {
		t.Errorf("%d %v", status, body)
	}
	// A caller must not take it for the end of a session of his own.
	w.post("/otp/init", object{"contact": "a@example.com"}).is(t, 502, "api.refused")
}
