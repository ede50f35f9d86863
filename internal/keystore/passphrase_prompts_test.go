package keystore_test

import (
	"context"
	"path/filepath"
	"testing"

	"latchkey/internal/keystore"
	"latchkey/internal/store"
)

// Whoever acts without being asked can know beforehand whether a person would be.
func TestAPassphraseFileSaysWhetherItWouldAsk(t *testing.T) {
	dir, err := store.Open(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	person := func(context.Context, keystore.Question) (string, error) {
		asked++
		return "correct horse battery", nil
	}
	first := keystore.NewPassphraseFile(dir, "test", person)
	if _, err := first.List(t.Context()); err != nil || first.Prompts() || asked != 0 {
		t.Errorf("without a file: %v, %v, asked %d times", err, first.Prompts(), asked)
	}
	if _, err := first.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	if first.Prompts() {
		t.Error("open, and it would ask")
	}
	second := keystore.NewPassphraseFile(dir, "test", person)
	if !second.Prompts() || asked != 1 {
		t.Errorf("not open: %v, asked %d times", second.Prompts(), asked)
	}
	if keys, err := second.List(t.Context()); err != nil || len(keys) != 1 || asked != 2 || second.Prompts() {
		t.Errorf("opened: %v, %v, asked %d times, %v", keys, err, asked, second.Prompts())
	}
	third := keystore.NewPassphraseFile(dir, "test", keystore.AskFile("words"))
	third.Unattended()
	if third.Prompts() {
		t.Error("its answer is in a file, and it would ask somebody")
	}
	if keystore.NewPassphraseFile(dir, "test", nil).Prompts() {
		t.Error("nobody can be asked, and it would ask")
	}
}
