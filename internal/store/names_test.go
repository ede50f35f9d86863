package store

import (
	"os"
	"slices"
	"testing"

	"latchkey/internal/fault"
)

func TestNamesAreThoseThatRead(t *testing.T) {
	d, _ := open(t)
	want := func(what string, names ...string) {
		t.Helper()
		if got, err := d.Names(); err != nil || !slices.Equal(got, names) {
			t.Errorf("%s: %q, %v; want %q", what, got, err, names)
		}
	}
	want("nothing was written")
	write(t, d, "b", "1")
	write(t, d, "b", "2")
	write(t, d, "a", "1")
	unlock, err := d.Lock(t.Context(), "only-a-lock")
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	want("two", "a", "b")
	if err := os.Remove(d.file("b")); err != nil { // its older generation is still there
		t.Fatal(err)
	}
	wantRead(t, d, "b", "1")
	want("one by its older generation", "a", "b")
	if err := d.Remove("b"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.file("a"), []byte("spoilt"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = d.Read("a")
	wantCode(t, "read", err, fault.StateCorrupt)
	want("what was set aside reads as never written")
	if err := os.RemoveAll(d.Path); err != nil {
		t.Fatal(err)
	}
	_, err = d.Names()
	wantCode(t, "without its folder", err, fault.DiskFailed)
}
