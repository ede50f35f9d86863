package app

import (
	"testing"

	"latchkey/internal/login"
)

// A log-in that a terminal began by a way that the window has no screen for does not ask for a code there.
func TestALogInOfTheTerminalsAsksForNoCodeHere(t *testing.T) {
	a, w, _ := window(t)
	must(a.Start("memory"))(t)
	waitFor(t, a, w, PhaseWays)
	if _, err := a.client.Login().Mail.Begin(t.Context(), "robin@example.org", login.Options{}); err != nil {
		t.Fatal(err)
	}
	if s := must(a.State())(t); s.Phase != PhaseWays || s.Attempt != nil {
		t.Errorf("phase %s, %+v", s.Phase, s.Attempt)
	}
	must(a.BeginLogin("email", "robin@example.org"))(t)
	if s := must(a.State())(t); s.Phase != PhaseCode || s.Attempt == nil {
		t.Errorf("phase %s", s.Phase)
	}
}
