package cli

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

// Whoever waits for a silent backend hears what for, once, and nobody else hears anything.
func TestALongSilenceIsExplained(t *testing.T) {
	for took, want := range map[time.Duration]string{time.Second: "", 25 * time.Second: "Still waiting for the backend.\n"} {
		synctest.Test(t, func(t *testing.T) {
			var said bytes.Buffer
			got, err := meanwhile(&terminal{err: &said}, "Still waiting for the backend.", func() (int, error) {
				time.Sleep(took)
				return 7, nil
			})
			if got != 7 || err != nil || said.String() != want {
				t.Errorf("after %s: %d, %v, %q", took, got, err, said.String())
			}
		})
	}
}
