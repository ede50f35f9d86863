package backend_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// scrape returns what /metrics says.
func (w *world) scrape() string {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.b.Admin().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if rec.Code != 200 || rec.Header().Get("Content-Type") != "text/plain; version=0.0.4; charset=utf-8" {
		w.t.Fatalf("%d %v", rec.Code, rec.Header())
	}
	return rec.Body.String()
}

func TestMetricsAreWhatPrometheusReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where the waits between tries cost nothing
		w := newWorld(t)
		begun := w.begin("a@example.com", false)
		w.post("/otp/verify", object{"otpId": begun.text("otpId"), "otpCode": "000000"}).is(t, 422, "otp.wrong")
		w.post("/nobody's/%22route%0A", object{})
		w.network.setFault(func(string, []byte, func() *http.Response) (*http.Response, error) {
			return nil, errors.New("no route")
		})
		w.post("/otp/init", object{"contact": "b@example.com"}).is(t, 502, "api.unreachable")

		text := w.scrape()
		if problems, err := promlint.New(strings.NewReader(text)).Lint(); err != nil || len(problems) > 0 {
			t.Errorf("%v %v", problems, err)
		}
		parser := expfmt.NewTextParser(model.LegacyValidation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		// count returns how many requests a histogram has under these labels, and that all are in its last bucket.
		count := func(name string, labels map[string]string) uint64 {
			for _, m := range families[name].GetMetric() {
				got := map[string]string{}
				for _, l := range m.GetLabel() {
					got[l.GetName()] = l.GetValue()
				}
				if a, b := mustJSON(t, got), mustJSON(t, labels); a == b {
					h := m.GetHistogram()
					if last := h.GetBucket()[len(h.GetBucket())-1]; last.GetCumulativeCount() != h.GetSampleCount() || len(h.GetBucket()) != 15 {
						t.Errorf("%s: buckets %v", name, h.GetBucket())
					}
					return h.GetSampleCount()
				}
			}
			t.Errorf("%s has no %v:\n%s", name, labels, text)
			return 0
		}
		const server, client = "http_server_request_duration_seconds", "http_client_request_duration_seconds"
		for _, c := range []struct {
			name   string
			labels map[string]string
		}{
			{server, map[string]string{"http_request_method": "POST", "http_route": "/otp/init", "http_response_status_code": "200"}},
			{server, map[string]string{"http_request_method": "POST", "http_route": "/otp/init", "http_response_status_code": "502", "error_type": "api.unreachable"}},
			{server, map[string]string{"http_request_method": "POST", "http_route": "/otp/verify", "http_response_status_code": "422", "error_type": "otp.wrong"}},
			{server, map[string]string{"http_request_method": "POST", "http_response_status_code": "404", "error_type": "request.invalid"}},
			{client, map[string]string{"http_request_method": "POST", "url_template": "/public/v1/submit/init_otp", "http_response_status_code": "200"}},
			{client, map[string]string{"http_request_method": "POST", "url_template": "/public/v1/submit/init_otp", "error_type": "api.unreachable"}},
		} {
			if n := count(c.name, c.labels); n != 1 {
				t.Errorf("%s %v: %d", c.name, c.labels, n)
			}
		}
		for _, name := range []string{"http_server_active_requests", "go_goroutines", "go_memstats_heap_alloc_bytes"} {
			if len(families[name].GetMetric()) != 1 {
				t.Errorf("no %s", name)
			}
		}
	})
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestALogLineNamesRequestAndActivities(t *testing.T) {
	w := newWorld(t)
	begun := w.begin("a@example.com", false)
	var line struct {
		Msg, ID, Route string
		Activities     []string
	}
	if err := json.Unmarshal([]byte(strings.TrimSpace(w.log.String())), &line); err != nil {
		t.Fatalf("%v: %s", err, w.log)
	}
	if line.Msg != "request" || line.ID == "" || line.ID != begun.header.Get("X-Request-Id") || line.Route != "/otp/init" || len(line.Activities) != 1 {
		t.Fatalf("%+v", line)
	}
	// The service knows the activity by that id.
	var out struct {
		Activity struct{ ID, Type string }
	}
	err := w.parent().Query(t.Context(), "/public/v1/query/get_activity", object{"organizationId": w.facts.OrganizationID, "activityId": line.Activities[0]}, &out)
	if err != nil || !strings.HasPrefix(out.Activity.Type, "ACTIVITY_TYPE_INIT_OTP") {
		t.Errorf("%+v, %v", out, err)
	}
}
