package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/fault"
	"latchkey/internal/need"
)

// bound is the whole surface that a page can reach. A new method belongs here on purpose, or is a function.
var bound = []string{
	"Acknowledge", "BeginLogin", "CancelLogin", "CheckStores", "ChooseStores", "ContinueLogin", "Copy", "CopyLink", "CreateWallet", "Focus", "LogInByWalletFile", "LogOut",
	"OpenBrowser", "Profiles", "Ready", "RefreshSession", "ResendLogin", "SandboxCode", "SetUpProfile", "Start", "State", "UseProfile", "Wallets",
}

func TestThePageReachesTheseMethodsAlone(t *testing.T) {
	app := reflect.TypeFor[*App]()
	var got []string
	for i := range app.NumMethod() {
		m := app.Method(i)
		got = append(got, m.Name)
		for j := 1; j < m.Type.NumIn(); j++ {
			if in := m.Type.In(j); in.Kind() != reflect.String && in != reflect.TypeFor[[]string]() {
				t.Errorf("%s takes a %s: an argument of another type lands in the log when it is wrong", m.Name, in)
			}
		}
		if n := m.Type.NumOut(); n == 0 || m.Type.Out(n-1) != reflect.TypeFor[error]() {
			t.Errorf("%s returns no error", m.Name)
		}
	}
	if !slices.Equal(got, bound) {
		t.Errorf("bound methods:\n got %v\nwant %v", got, bound)
	}
}

// The page's gateway declares the same surface, name by name.
func TestTheGatewayNamesTheSameMethods(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(need.Root(t), "frontend", "src", "gateway.ts"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "export interface Bound {")
	body, _, _ := strings.Cut(rest, "\n}")
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^  ([A-Z]\w+)\(`).FindAllStringSubmatch(body, -1) {
		got = append(got, m[1])
	}
	slices.Sort(got)
	if !slices.Equal(got, bound) {
		t.Errorf("gateway.ts declares\n%v\nbound is\n%v", got, bound)
	}
}

func quiet(t *testing.T) *App {
	t.Helper()
	return New(Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
}

func TestR8_APanicIsARejectionWithoutArguments(t *testing.T) {
	var log strings.Builder
	a := New(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	_, err := call(a, "ContinueLogin", func(context.Context) (State, error) { panic("canary-4711") }, "canary-4711")
	if err == nil {
		t.Fatal("the panic was swallowed")
	}
	text, _ := FormatError(err).(string)
	for where, s := range map[string]string{"log": log.String(), "rejection": text} {
		if strings.Contains(s, "canary") {
			t.Errorf("the argument is in the %s: %s", where, s)
		}
	}
	if !strings.Contains(log.String(), "ContinueLogin") {
		t.Errorf("the log does not name the method: %s", &log)
	}
}

// Every bound method survives an App that is not ready, and 10 MB in every argument.
func TestR8_EveryMethodRejectsWhatItCannotDo(t *testing.T) {
	t.Setenv("LATCHKEY_HOME", t.TempDir())
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "") // whoever runs this keeps their own keychain to themselves
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	huge := strings.Repeat("x", 10<<20)
	app := reflect.ValueOf(quiet(t))
	for _, name := range bound {
		method := app.MethodByName(name)
		var in []reflect.Value
		for i := range method.Type().NumIn() {
			if method.Type().In(i).Kind() == reflect.String {
				in = append(in, reflect.ValueOf(huge))
			} else {
				in = append(in, reflect.ValueOf([]string{huge}))
			}
		}
		out := method.Call(in)
		err, _ := out[len(out)-1].Interface().(error)
		if len(in) > 0 && !errors.Is(err, fault.Invalid) {
			t.Errorf("%s took 10 MB: %v", name, err)
		}
	}
	Close(app.Interface().(*App))
}

func TestAFailureTellsWordsAndKeepsInternalsToTheLog(t *testing.T) {
	var f Failure
	text, _ := FormatError(errors.New("canary in an unforeseen error")).(string)
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		t.Fatal(err)
	}
	if f.Code != "internal" || f.Kind != "internal" || f.Detail != "" || strings.Contains(text, "canary") {
		t.Errorf("internal failure: %s", text)
	}
	wrong := &fault.Error{Kind: fault.Denied, Code: fault.OTPWrong, TriesLeft: 2}
	text, _ = FormatError(wrong).(string)
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		t.Fatal(err)
	}
	if f.Code != "otp.wrong" || f.TriesLeft != 2 || f.Title == "" || f.Next == "" {
		t.Errorf("wrong code: %s", text)
	}
}

func TestWailsMessagesAreCutBeforeWhatThePageSent(t *testing.T) {
	for _, message := range []string{
		`process message error: error parsing arguments: {"name":"app.App.ContinueLogin","args":["1","canary"]} -> wrong`,
		`method 'canary' not registered`,
		"C[\"canary\"]",
	} {
		if got := redact(message); strings.Contains(got, "canary") {
			t.Errorf("redact(%q) = %q", message, got)
		}
	}
}
