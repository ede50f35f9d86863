package profile

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"latchkey/internal/fault"
)

// A pipe in the file's place would be waited for without an end, and no signal ends a program that opens one.
func TestAPipeInPlaceOfTheSettingsIsRefused(t *testing.T) {
	home := At(t.TempDir())
	if err := home.Make(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(home.Config, fileName), 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan error, 1)
	go func() {
		_, err := ReadFile(home)
		read <- err
	}()
	select {
	case err := <-read:
		if fault.CodeOf(err) != fault.ProfileBad {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it is waited for")
	}
}
