package app

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/internal/fault"
	"latchkey/internal/local"
)

// elsewhere is a developer's own backend in front of a sandbox.
func elsewhere(t *testing.T) (box local.Ready, backend string) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := local.StartSandbox(local.SandboxOptions{Listen: "127.0.0.1:0", Control: "127.0.0.1:0", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := local.BackendFor(s.Ready, log)
	if err != nil {
		t.Fatal(err)
	}
	b, err := local.StartBackend("127.0.0.1:0", c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return s.Ready, b.Ready.URL
}

// pinLines are the keys of a sandbox as its environment file names them.
func pinLines(r local.Ready) string {
	var b strings.Builder
	for _, v := range r.Environment() {
		if strings.HasPrefix(v[0], "LATCHKEY_") {
			fmt.Fprintf(&b, "%s=%s\n", v[0], v[1])
		}
	}
	return b.String()
}

// A key store that was chosen while one profile was shown is not opened for the next.
func TestAChoiceForAProfileThatWasLeftIsNoneForTheNext(t *testing.T) {
	a, w, _ := window(t)
	a.mu.Lock()
	left := a.client
	a.mu.Unlock()
	must(a.UseProfile("sandbox"))(t)
	waitFor(t, a, w, PhaseFirstRun)
	a.start(t.Context(), left, "memory")
	if s := must(a.State())(t); s.Phase != PhaseFirstRun {
		t.Errorf("it was opened: %s, %+v", s.Phase, s.Store)
	}
	must(a.Start("memory"))(t)
	waitFor(t, a, w, PhaseWays)
}

func TestAProfileIsSetUpTriedAndOpenedFromTheWindow(t *testing.T) {
	a, w, _ := window(t)
	box, backend := elsewhere(t)
	must(a.Start("memory"))(t)
	s := waitFor(t, a, w, PhaseWays)
	if s.Profile != (ProfileView{Name: "sandbox", Kind: "sandbox"}) || w.title.Load() != "Latchkey (SANDBOX)" {
		t.Errorf("opened %+v under the title %v", s.Profile, w.title.Load())
	}

	// What failed is named, and not saved; what cannot be is refused.
	out := must(a.SetUpProfile("development", "acme", backend, backend, "", "", pinLines(box), ""))(t)
	if out.Saved || len(out.Checks) != 5 || out.Checks[0].State != "failed" || out.Checks[0].Next == "" || out.Checks[2].State != "ok" {
		t.Errorf("an API that is none: %+v", out)
	}
	for what, c := range map[string]struct {
		args [8]string
		want fault.Code
	}{
		"a taken name":       {[8]string{"live", "sandbox", "https://b.example"}, fault.ProfileTaken},
		"a name that climbs": {[8]string{"live", "../x", "https://b.example"}, fault.ProfileBad},
		"a third kind":       {[8]string{"sandbox", "x", "https://b.example"}, fault.ProfileBad},
		"live in clear":      {[8]string{"live", "x", "http://127.0.0.1:1"}, fault.ProfileBad},
		"a private key":      {[8]string{"development", "x", backend, box.APIBaseURL, "", "", "TURNKEY_API_PRIVATE_KEY=canary", "anyway"}, fault.ProfileBad},
	} {
		x := c.args
		if _, err := a.SetUpProfile(x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]); fault.CodeOf(err) != c.want {
			t.Errorf("%s: %v", what, err)
		}
	}
	if rows := must(a.Profiles())(t); len(rows) != 1 || !rows[0].InUse {
		t.Errorf("profiles: %+v", rows)
	}
	out = must(a.SetUpProfile("development", "acme", backend, box.APIBaseURL, box.OrganizationID, "20m", pinLines(box), ""))(t)
	if !out.Saved || len(out.Checks) != 5 {
		t.Fatalf("all well: %+v", out)
	}

	// Opened, it is another place; nothing of the sandbox ends.
	s = must(a.BeginLogin("email", "robin@example.org"))(t)
	must(a.ContinueLogin(s.Attempt.ID, must(a.SandboxCode(s.Attempt.ID))(t)))(t)
	must(a.UseProfile("acme"))(t)
	s = waitFor(t, a, w, PhaseFirstRun)
	if s.Profile != (ProfileView{"acme", "development", backend}) || w.title.Load() != "Latchkey" {
		t.Errorf("opened %+v under the title %v", s.Profile, w.title.Load())
	}
	must(a.Start("memory"))(t)
	waitFor(t, a, w, PhaseWays)
	s = must(a.BeginLogin("email", "robin@example.org"))(t)
	if _, err := a.SandboxCode(s.Attempt.ID); fault.CodeOf(err) != fault.SandboxOnly {
		t.Errorf("the sandbox's code in another profile: %v", err)
	}
	s = must(a.ContinueLogin(s.Attempt.ID, inboxCode(t, box, "robin@example.org")))(t)
	if s.Phase != PhaseIn || s.Session.LengthSeconds != 1200 {
		t.Errorf("logged in: %+v", s)
	}
	if rows := must(a.Profiles())(t); len(rows) != 2 || rows[0].InUse || !rows[1].InUse {
		t.Errorf("profiles: %+v", rows)
	}
	if _, err := a.UseProfile("nobody"); fault.CodeOf(err) != fault.ProfileUnknown {
		t.Errorf("a profile that is not there: %v", err)
	}
	if s := must(a.State())(t); s.Phase != PhaseIn {
		t.Errorf("after that: %s", s.Phase)
	}
	if s := must(a.UseProfile("sandbox"))(t); s.Profile.Kind != "sandbox" {
		t.Errorf("back: %+v", s.Profile)
	}
}

// Settings that cannot be read are a failure of the window, with words, and claim no kind of profile.
func TestDamagedSettingsAreToldAndReadAgain(t *testing.T) {
	home := t.TempDir()
	t.Setenv("LATCHKEY_HOME", home)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	path := filepath.Join(home, "config", "config.toml")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("profil = 'x'"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := quiet(t)
	w := &listener{changes: make(chan struct{}, 64)}
	Attach(t.Context(), a, w)
	t.Cleanup(func() { Close(a) })
	if err := a.Ready(); err != nil {
		t.Fatal(err)
	}
	s := waitFor(t, a, w, PhaseFailed)
	if s.Failure.Code != "profile.invalid" || !strings.Contains(s.Failure.Detail, "config.toml:1") || s.Profile.Name != "" || s.Profile.Kind == "sandbox" {
		t.Errorf("%+v of %+v", s.Failure, s.Profile)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	must(a.CheckStores())(t)
	waitFor(t, a, w, PhaseFirstRun)
}

func inboxCode(t *testing.T, box local.Ready, contact string) string {
	t.Helper()
	resp, err := http.Get(box.InboxURL + "?wait=60&to=" + url.QueryEscape(contact))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var inbox struct{ Messages []struct{ Code string } }
	if err := json.NewDecoder(resp.Body).Decode(&inbox); err != nil || len(inbox.Messages) == 0 {
		t.Fatalf("no code: %v", err)
	}
	return inbox.Messages[0].Code
}
