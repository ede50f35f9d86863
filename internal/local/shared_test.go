package local

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const childFolder = "LATCHKEY_TEST_JOIN"

// TestMain lets the test binary be the other process: it joins a folder, says where, and serves until it is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childFolder); dir != "" {
		s, err := Join(context.Background(), dir, slog.New(slog.DiscardHandler))
		if err == nil {
			err = json.NewEncoder(os.Stdout).Encode(s.Endpoints())
		}
		if err != nil {
			panic(err)
		}
		_, _ = io.Copy(io.Discard, os.Stdin) // until the test kills it, or ends itself
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// otherProcess starts one that serves the folder until the test kills it, and returns where.
func otherProcess(t *testing.T, dir string) (*exec.Cmd, Endpoints) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childFolder+"="+dir)
	hold, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = hold.Close() })
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var at Endpoints
	if err := json.Unmarshal(line, &at); err != nil {
		t.Fatal(err)
	}
	return child, at
}

func quiet(t *testing.T) *slog.Logger {
	t.Helper()
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

func TestWhenTheServingProcessIsKilledAnotherTakesOverWithTheSameOrganization(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	child, theirs := otherProcess(t, dir)

	mine, err := Join(t.Context(), dir, quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := mine.Close(); err != nil {
			t.Error(err)
		}
	}()
	if mine.Endpoints() != theirs {
		t.Fatalf("joined %v, served at %v", mine.Endpoints(), theirs)
	}

	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it says "killed"
	if err := mine.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	now := mine.Endpoints()
	if now.Token == theirs.Token || now.Sandbox.OrganizationID != theirs.Sandbox.OrganizationID || now.Sandbox.NotarizerPublicKey != theirs.Sandbox.NotarizerPublicKey {
		t.Errorf("after the kill: %v, before: %v", now, theirs)
	}
	resp, err := http.Get(now.Sandbox.ControlURL + "/clock")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("status %d", resp.StatusCode)
	}
}

func TestTheFileThatPointsToTheSandboxIsPrivateAndHoldsNoPrivateKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sandbox")
	s, err := Join(t.Context(), dir, quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	key := s.served.sandbox.Ready.APIPrivateKey
	if key == "" {
		t.Fatal("the sandbox has no parent key")
	}
	files, err := filepath.Glob(filepath.Join(dir, "local.json*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), key) {
			t.Errorf("%s holds the parent's private key", name)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := http.Get(s.Endpoints().BackendURL); err == nil {
		t.Error("the backend outlived Close")
	}
}

// R18: the backend inside the window answers only who has its token, by a loopback name, and no foreign page.
func TestR18_TheEmbeddedBackendAnswersThisUserAlone(t *testing.T) {
	s, err := Join(t.Context(), filepath.Join(t.TempDir(), "sandbox"), quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	at := s.Endpoints()
	post := func(change func(*http.Request)) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at.BackendURL+"/otp/init", strings.NewReader(`{"contact":"robin@example.org"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Latchkey-Token", at.Token)
		change(req)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := post(func(*http.Request) {}); got != http.StatusOK {
		t.Fatalf("with everything right: %d", got)
	}
	for name, change := range map[string]func(*http.Request){
		"no token":      func(r *http.Request) { r.Header.Del("X-Latchkey-Token") },
		"wrong token":   func(r *http.Request) { r.Header.Set("X-Latchkey-Token", at.Token+"x") },
		"rebound name":  func(r *http.Request) { r.Host = "attacker.example" },
		"foreign page":  func(r *http.Request) { r.Header.Set("Origin", "https://attacker.example") },
		"opaque origin": func(r *http.Request) { r.Header.Set("Origin", "null") },
	} {
		if got := post(change); got < 400 || got > 499 {
			t.Errorf("%s: %d", name, got)
		}
	}
}

func TestAFolderThatOthersCanReadIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if s, err := Join(t.Context(), dir, quiet(t)); err == nil {
		_ = s.Close()
		t.Error("joined a folder that others can read")
	}
}

// Who logged in by an identity provider of the sandbox is known by its issuer, which its address names.
func TestAFolderIsServedAtTheSameAddressesAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	serve := func() Endpoints {
		s, err := Join(t.Context(), dir, quiet(t))
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}()
		return s.Endpoints()
	}
	where := func(at Endpoints) [3]string {
		return [3]string{at.Sandbox.APIBaseURL, at.Sandbox.ControlURL, at.BackendURL}
	}
	first := serve()
	if again := serve(); where(again) != where(first) {
		t.Errorf("first %v, then %v", where(first), where(again))
	}
	stranger, err := net.Listen("tcp", strings.TrimPrefix(first.Sandbox.APIBaseURL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if at := serve(); at.Sandbox.APIBaseURL == first.Sandbox.APIBaseURL || at.BackendURL != first.BackendURL {
		t.Errorf("first %v, then, with its first port taken, %v", where(first), where(at))
	}
}

func TestAPortInUseIsSaid(t *testing.T) {
	box, err := StartSandbox(SandboxOptions{Listen: "127.0.0.1:0", Control: "127.0.0.1:0", Log: quiet(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	_, err = StartSandbox(SandboxOptions{Listen: strings.TrimPrefix(box.Ready.APIBaseURL, "http://"), Control: "127.0.0.1:0", Log: quiet(t)})
	if err == nil || !strings.Contains(err.Error(), "listen on") {
		t.Errorf("a second sandbox on the same port: %v", err)
	}
	if errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
