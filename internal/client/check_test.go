package client

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/login"
	"latchkey/internal/profile"
)

// tried runs a trial of a development profile that leads to s, changed as a person might have it.
func tried(t *testing.T, s service, change func(*Trial)) map[string]Check {
	t.Helper()
	p, err := profile.New(profile.At(t.TempDir()), profile.KindDevelopment, "acme")
	if err != nil {
		t.Fatal(err)
	}
	p.APIURL, p.BackendURL, p.OrganizationID = s.box.APIBaseURL, s.backend, s.box.OrganizationID
	p.Pins = profile.Pins{
		Notarizer: s.box.NotarizerPublicKey, TLSFetcher: s.box.TLSFetcherPublicKey, Signer: s.box.SignerPublicKey,
		TLSFetcherEncryption: s.box.TLSFetcherEncryptionPublicKey, LegacyToken: s.box.LegacyTokenPublicKey,
	}
	trial := Trial{Profile: p}
	change(&trial)
	found, told := map[string]Check{}, 0
	all := trial.Run(t.Context(), func(Check) { told++ })
	if told != len(Checks) || len(all) != len(Checks) {
		t.Errorf("told %d, returned %d of %d checks", told, len(all), len(Checks))
	}
	for i, c := range all {
		if c.What != Checks[i] || c.Says == "" {
			t.Errorf("check %d is %+v", i, c)
		}
		found[c.What] = c
	}
	return found
}

// answering is a server with one answer to everything.
func answering(t *testing.T, status int, header, text string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if name, value, ok := strings.Cut(header, ": "); ok {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestATrialFindsWhatIsWrongAndNamesIt(t *testing.T) {
	s := serve(t)
	const page = "<!doctype html><title>Log in to the hotel's network</title>"
	for name, c := range map[string]struct {
		change func(*Trial)
		failed map[string]fault.Code // and every other is well, or skipped
	}{
		"all well":          {func(*Trial) {}, nil},
		"no organization":   {func(q *Trial) { q.Profile.OrganizationID = "" }, nil},
		"API on no port":    {func(q *Trial) { q.Profile.APIURL = "http://127.0.0.1:1" }, map[string]fault.Code{CheckAPI: fault.APIDown}},
		"API missing":       {func(q *Trial) { q.Profile.APIURL = "" }, map[string]fault.Code{CheckAPI: fault.ProfileBad}},
		"API in clear":      {func(q *Trial) { q.Profile.APIURL = "http://api.example" }, map[string]fault.Code{CheckAPI: fault.ProfileBad}},
		"a page for an API": {func(q *Trial) { q.Profile.APIURL = answering(t, 200, "", page) }, map[string]fault.Code{CheckAPI: fault.APIForeign}},
		"an API that sends us elsewhere": {func(q *Trial) {
			q.Profile.APIURL = answering(t, 307, "Location: "+s.box.APIBaseURL+whoamiPath, "")
		}, map[string]fault.Code{CheckAPI: fault.APIForeign}},
		"another service's refusal": {func(q *Trial) {
			q.Profile.APIURL = answering(t, 401, "", `{"code":16,"message":"token expired","details":[]}`)
		}, map[string]fault.Code{CheckAPI: fault.APIForeign}},
		"words like Turnkey's": {func(q *Trial) {
			q.Profile.APIURL = answering(t, 404, "", `{"code":5,"message":"no such stamp in the collection","details":[]}`)
		}, map[string]fault.Code{CheckAPI: fault.APIForeign}},
		"the backend for an API":  {func(q *Trial) { q.Profile.APIURL = s.backend }, map[string]fault.Code{CheckAPI: fault.APIForeign}},
		"an unknown organization": {func(q *Trial) { q.Profile.OrganizationID = nobody[:35] + "1" }, map[string]fault.Code{CheckOrganization: fault.OrganizationUnknown}},
		"backend on no port":      {func(q *Trial) { q.Profile.BackendURL = "http://127.0.0.1:1" }, map[string]fault.Code{CheckBackend: fault.BackendDown}},
		"the API for a backend":   {func(q *Trial) { q.Profile.BackendURL = s.box.APIBaseURL }, map[string]fault.Code{CheckBackend: fault.BackendForeign}},
		"a page for a backend":    {func(q *Trial) { q.Profile.BackendURL = answering(t, 200, "", page) }, map[string]fault.Code{CheckBackend: fault.BackendForeign}},
		"a backend that fails":    {func(q *Trial) { q.Profile.BackendURL = answering(t, 503, "", `{}`) }, map[string]fault.Code{CheckBackend: fault.BackendDown}},
		"a backend that refuses":  {func(q *Trial) { q.Profile.BackendURL = answering(t, 403, "", `{}`) }, map[string]fault.Code{CheckBackend: fault.BackendRefused}},
		"somebody's own backend":  {func(q *Trial) { q.Profile.BackendURL = answering(t, 400, "", `{"error":"contact"}`) }, nil},
		"production's keys":       {func(q *Trial) { q.Profile.Pins = profile.ProductionPins() }, map[string]fault.Code{CheckPins: fault.PinsForeign}},
		"half a key":              {func(q *Trial) { q.Profile.Pins.Signer = "04ab" }, map[string]fault.Code{CheckPins: fault.ProfileBad}},
		"two minutes slow": {func(q *Trial) {
			q.Now = func() time.Time { return time.Now().Add(-2 * time.Minute) }
		}, map[string]fault.Code{CheckClock: fault.ClockWrong}},
		"an hour fast": {func(q *Trial) {
			q.Now = func() time.Time { return time.Now().Add(time.Hour) }
		}, map[string]fault.Code{CheckClock: fault.ClockWrong}},
		"twenty seconds fast": {func(q *Trial) { q.Now = func() time.Time { return time.Now().Add(20 * time.Second) } }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			for what, check := range tried(t, s, c.change) {
				want, failed := c.failed[what]
				switch {
				case !failed && check.Err != nil:
					t.Errorf("%s: %v", what, check.Err)
				case failed && fault.CodeOf(check.Err) != want:
					t.Errorf("%s: %v (%s), want %s", what, check.Err, check.Says, want)
				}
			}
		})
	}
}

// Turnkey's own API goes with production's keys alone. Nothing is asked of it here.
func TestTurnkeysOwnAPIGoesWithProductionsKeys(t *testing.T) {
	for host, want := range map[string]fault.Code{"https://api.turnkey.com": fault.PinsForeign, "https://turnkey.com.example": ""} {
		p, err := profile.New(profile.At(t.TempDir()), profile.KindDevelopment, "acme")
		if err != nil {
			t.Fatal(err)
		}
		p.APIURL, p.Pins.Notarizer = host, p.Pins.Signer
		c := (&Trial{Profile: p}).pins()
		if want == "" && c.Err != nil || want != "" && fault.CodeOf(c.Err) != want {
			t.Errorf("%s: %+v", host, c)
		}
	}
}

// A trial stores nothing: it needs no folder, and makes none.
func TestATrialLeavesNothingBehind(t *testing.T) {
	s, home := serve(t), profile.At(filepath.Join(t.TempDir(), "home"))
	tried(t, s, func(q *Trial) { q.Profile.Dir = home.State })
	if _, err := os.Stat(home.State); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder was made: %v", err)
	}
	resp, err := http.Get(s.box.InboxURL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text := make([]byte, 64)
	n, _ := resp.Body.Read(text)
	if got := strings.TrimSpace(string(text[:n])); got != `{"messages":[]}` {
		t.Errorf("a trial had mail sent: %s", got)
	}
}

func TestAProfileWithSessionsIsNotRemoved(t *testing.T) {
	s, home := serve(t), profile.At(t.TempDir())
	configured(t, home, s.development("acme"))
	c := opened(t, Options{Home: home, Profile: "acme"})
	attempt, err := c.Login().OTP.Begin(t.Context(), "robin@example.org", login.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Login().Continue(t.Context(), attempt.ID, s.code(t, "robin@example.org")); err != nil {
		t.Fatal(err)
	}
	if err := RemoveProfile(t.Context(), home, "acme"); fault.CodeOf(err) != fault.ProfileInUse {
		t.Errorf("with a session: %v", err)
	}
	if _, err := c.LogOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := RemoveProfile(t.Context(), home, "acme"); err != nil {
		t.Errorf("without: %v", err)
	}
	if _, err := New(Options{Home: home, Profile: "acme"}); fault.CodeOf(err) != fault.ProfileUnknown {
		t.Errorf("after it was removed: %v", err)
	}
}
