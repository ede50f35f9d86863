package keystore_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/keystore/keystoretest"
	"latchkey/internal/store"
)

const words = "correct horse battery staple"

// place is where the folder of a profile can be made.
func place(t *testing.T) string { return filepath.Join(t.TempDir(), "profile") }

func folder(t *testing.T, path string) *store.Dir {
	t.Helper()
	dir, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// says is a person who always gives the same answer.
func says(passphrase string) keystore.Ask {
	return func(context.Context, keystore.Question) (string, error) { return passphrase, nil }
}

// passphraseFile is another start of the program on the folder at path.
func passphraseFile(t *testing.T, path string, ask keystore.Ask) *keystore.PassphraseFile {
	t.Helper()
	return keystore.WeakScrypt(keystore.NewPassphraseFile(folder(t, path), "test", ask))
}

func TestAPassphraseFileIsAStore(t *testing.T) {
	path := place(t)
	keystoretest.Run(t, func(t *testing.T) keystore.Store { return passphraseFile(t, path, says(words)) })
	if h := passphraseFile(t, path, says(words)).Health(t.Context()); h.State != keystore.Passphrase {
		t.Errorf("health %+v", h)
	}
}

func TestThePassphraseIsAskedForOncePerProcess(t *testing.T) {
	path := place(t)
	var asked []keystore.Question
	ask := func(_ context.Context, q keystore.Question) (string, error) {
		asked = append(asked, q)
		return words, nil
	}
	first := passphraseFile(t, path, ask)
	if _, err := first.Secret(t.Context(), "none"); fault.CodeOf(err) != fault.KeyMissing || len(asked) != 0 {
		t.Errorf("where nothing is, %v, and %d questions", err, len(asked))
	}
	key, err := first.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		first.Forget()
		if err := first.PutSecret(t.Context(), "a", []byte("b")); err != nil {
			t.Fatal(err)
		}
		if _, err := key.Sign(t.Context(), make([]byte, 32)); err != nil {
			t.Fatal(err)
		}
	}
	if len(asked) != 1 || !asked[0].New {
		t.Errorf("asked %+v", asked)
	}
	asked = nil
	second := passphraseFile(t, path, ask)
	for range 3 {
		if _, err := second.Open(t.Context(), key.PublicKey()); err != nil {
			t.Fatal(err)
		}
		if _, err := second.Create(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(asked) != 1 || asked[0].New {
		t.Errorf("at the next start asked %+v", asked)
	}
}

func TestAWrongPassphraseIsAskedForAgainAndChangesNothing(t *testing.T) {
	path := place(t)
	key, err := passphraseFile(t, path, says(words)).Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(path, "keys.sealed"))
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"correct horse battery stapl", "", strings.ToUpper(words), words + "\n"} {
		for what, err := range everyCall(t.Context(), passphraseFile(t, path, says(wrong))) {
			wantCode(t, what, err, fault.PassphraseWrong)
			if !errors.Is(err, fault.Locked) {
				t.Errorf("%s: kind %q", what, fault.KindOf(err))
			}
		}
	}
	after, err := os.ReadFile(filepath.Join(path, "keys.sealed"))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file changed, %v", err)
	}
	forgetful := func(_ context.Context, q keystore.Question) (string, error) {
		return []string{"no", "not this either", words}[q.Tries], nil
	}
	if _, err := passphraseFile(t, path, forgetful).Open(t.Context(), key.PublicKey()); err != nil {
		t.Errorf("right at the third try: %v", err)
	}
}

func TestWithoutAnAnswerTheFileStaysShut(t *testing.T) {
	path := place(t)
	s := passphraseFile(t, path, nil)
	_, err := s.Create(t.Context())
	wantCode(t, "create", err, fault.PassphraseNeeded)
	if h := s.Health(t.Context()); h.State != keystore.Locked || fault.CodeOf(h.Err) != fault.PassphraseNeeded {
		t.Errorf("health %+v", h)
	}
	_, err = passphraseFile(t, path, says("seven77")).Create(t.Context())
	wantCode(t, "create under a short one", err, fault.PassphraseShort)
	if files, err := filepath.Glob(filepath.Join(path, "keys*")); err != nil || len(files) != 0 {
		t.Errorf("a file was made: %v, %v", files, err)
	}
	silent := func(ctx context.Context, _ keystore.Question) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	}
	ctx, cancel := context.WithCancel(t.Context())
	waiting := passphraseFile(t, path, func(ctx context.Context, q keystore.Question) (string, error) {
		cancel()
		return silent(ctx, q)
	})
	_, err = waiting.Create(ctx)
	wantCode(t, "create, cancelled while asked", err, fault.Cancel)
}

func TestThePassphraseFromAFile(t *testing.T) {
	path, file := place(t), filepath.Join(t.TempDir(), "passphrase")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := passphraseFile(t, path, keystore.AskFile(file)).Create(t.Context())
	wantCode(t, "no such file", err, fault.PassphraseFile)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v does not tell why", err)
	}
	for _, bad := range []string{"", "\n", "\r\n", strings.Repeat("x", 5000)} {
		write(bad)
		_, err = passphraseFile(t, path, keystore.AskFile(file)).Create(t.Context())
		wantCode(t, "a file of "+bad[:min(len(bad), 5)], err, fault.PassphraseFile)
	}
	write(words + "\r\n")
	key, err := passphraseFile(t, path, keystore.AskFile(file)).Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := passphraseFile(t, path, says(words)).Open(t.Context(), key.PublicKey()); err != nil {
		t.Errorf("the same words by hand: %v", err)
	}
	write("something else")
	_, err = passphraseFile(t, path, keystore.AskFile(file)).Open(t.Context(), key.PublicKey())
	wantCode(t, "another file", err, fault.PassphraseWrong)
	if strings.Contains(err.Error(), "something") {
		t.Errorf("the error tells the passphrase: %v", err)
	}
}

// Damage of the disk is found by the store's own sum. What somebody wrote there on purpose has a right sum, and is
// refused too; the file is left alone.
func TestADamagedKeyFileIsToldAndLeftAlone(t *testing.T) {
	path := place(t)
	s := passphraseFile(t, path, says(words))
	if _, err := s.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir := folder(t, path)
	good, err := dir.Read("keys.sealed")
	if err != nil {
		t.Fatal(err)
	}
	other, err := store.Open(place(t))
	if err != nil {
		t.Fatal(err)
	}
	foreign := keystore.WeakScrypt(keystore.NewPassphraseFile(other, "another", says(words)))
	if _, err := foreign.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	stray, err := other.Read("keys.sealed")
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		data []byte
		code fault.Code
	}{
		"empty":             {nil, fault.KeysCorrupt},
		"cut":               {good[:len(good)/2], fault.KeysCorrupt},
		"no lock":           {[]byte(`{"version":1,"box":"AA=="}`), fault.KeysCorrupt},
		"a lock of nothing": {[]byte(`{"version":1,"lock":"AAAA","box":"AA=="}`), fault.KeysCorrupt},
		"no box":            {bytes.Replace(good, []byte(`"box"`), []byte(`"bex"`), 1), fault.KeysCorrupt},
		"another profile's": {stray, fault.KeysCorrupt},
		"a later version":   {bytes.Replace(good, []byte(`"version":1`), []byte(`"version":2`), 1), fault.StateTooNew},
	} {
		if err := dir.Write("keys.sealed", c.data); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*keystore.PassphraseFile{s, passphraseFile(t, path, says(words))} {
			s.Forget()
			for method, err := range everyCall(t.Context(), s) {
				wantCode(t, what+", "+method, err, c.code)
			}
		}
		if kept, err := dir.Read("keys.sealed"); err != nil || !bytes.Equal(kept, c.data) {
			t.Errorf("%s: the file was changed, %v", what, err)
		}
	}
	if err := dir.Write("keys.sealed", good); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(t.Context()); err != nil {
		t.Errorf("put back: %v", err)
	}
}

// Nothing of a key is in any file beside the sealed one, and nothing of a deleted key in any generation of that.
func TestADeletedKeyIsInNoGeneration(t *testing.T) {
	path := place(t)
	s := passphraseFile(t, path, says(words))
	stays, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	goes, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), goes.PublicKey()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(path, "keys.sealed.1"), filepath.Join(path, "keys.sealed")); err != nil {
		t.Fatal(err)
	}
	s = passphraseFile(t, path, says(words))
	_, err = s.Open(t.Context(), goes.PublicKey())
	wantCode(t, "open the deleted key in the older generation", err, fault.KeyMissing)
	if _, err := s.Open(t.Context(), stays.PublicKey()); err != nil {
		t.Error(err)
	}
}

// Two starts that both find nothing make one file, not two.
func TestTwoFirstStartsMakeOneFile(t *testing.T) {
	path := place(t)
	var asked atomic.Int32
	both := make(chan struct{})
	ask := func(context.Context, keystore.Question) (string, error) {
		if asked.Add(1) == 2 {
			close(both)
		}
		<-both // each has seen that there is no file
		return words, nil
	}
	type made struct {
		key keystore.Signer
		err error
	}
	results := make(chan made)
	for range 2 {
		s := passphraseFile(t, path, ask)
		go func() {
			key, err := s.Create(t.Context())
			results <- made{key, err}
		}()
	}
	third := passphraseFile(t, path, says(words))
	for range 2 {
		m := <-results
		if m.err != nil {
			t.Fatal(m.err)
		}
		defer func() {
			if _, err := third.Open(t.Context(), m.key.PublicKey()); err != nil {
				t.Error(err)
			}
		}()
	}
}
