package keystore_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/keystore/keystoretest/secretservice"
	"latchkey/internal/p256"
)

// R5: whatever a keychain does wrong, nothing is reported saved that is not, nobody waits longer than they wanted, and
// the trouble has a code of its own. Each story has a provider of its own on the same bus.
func TestR5_ALyingKeychain(t *testing.T) {
	if !inSession(t) {
		return
	}
	startBefore := keystore.NewKeychain("dev.latchkey.test", "test").Health(t.Context())
	wantCode(t, "before anybody lies", startBefore.Err, fault.KeychainAbsent)
	misbehaviours, saved, falsely, codes := 0, 0, 0, map[fault.Code]int{}
	for _, story := range []struct {
		name string
		tell func(t *testing.T, l *liar, s keystore.Store)
	}{
		{"behaves", behaves},
		{"the question of a write is dismissed and it says saved", dismissedWrite},
		{"the question of an overwrite is dismissed and it says saved", dismissedOverwrite},
		{"says saved and keeps nothing", keepsNothing},
		{"keeps something else", keepsElse},
		{"gives something else back", givesElse},
		{"hangs while it writes", func(t *testing.T, l *liar, s keystore.Store) { hangs(t, l, s, "CreateItem") }},
		{"hangs while it reads", func(t *testing.T, l *liar, s keystore.Store) { hangs(t, l, s, "GetSecret") }},
		{"hangs while it searches", func(t *testing.T, l *liar, s keystore.Store) { hangs(t, l, s, "SearchItems") }},
		{"hangs while it greets", func(t *testing.T, l *liar, s keystore.Store) { hangs(t, l, s, "OpenSession") }},
		{"hangs at the first question", hangsAtOnce},
		{"saves too late", savesLate},
		{"dies while it writes", diesWriting},
		{"dies while it asks", diesAsking},
		{"the question to unlock is dismissed", dismissedUnlock},
		{"the question to unlock is never answered", unansweredUnlock},
		{"says unlocked and is not", stillLocked},
		{"locks each item by itself", lockedItem},
		{"locks itself between question and write", locksItself},
		{"says deleted and is not", dismissedDelete},
		{"answers in the wrong type", wrongType},
		{"repeats the secret in its error", repeatsSecret},
		{"refuses", refuses},
		{"loses what it kept", loses},
		{"hides the names of what it keeps", hidesNames},
		{"hangs while its names are read", hangsListing},
		{"deletes while its names are read", deletesListing},
		{"is asked for too much", tooMuch},
		{"gives another key when it is opened", givesAnotherKey},
		{"has lost its collection", hasNoCollection},
		{"is gone with its bus", goneWithItsBus},
	} {
		t.Run(story.name, func(t *testing.T) {
			w := &witness{Store: newKeychain(t), t: t, l: secretservice.Lie(t), codes: map[fault.Code]int{}}
			story.tell(t, w.l, w)
			if story.name == "behaves" {
				return
			}
			misbehaviours++
			if len(w.codes) == 0 {
				t.Error("it ended in no failure")
			}
			saved, falsely = saved+w.saved, falsely+w.falsely
			for code, n := range w.codes {
				codes[code] += n
			}
		})
	}
	said := map[string]fault.Code{}
	for code := range codes {
		words := fault.Tell(fault.New(code, nil))
		if other, twice := said[words.Happened]; twice || words.Next == "" || code.Kind() == "" || code == fault.Internal {
			t.Errorf("%s has no words, kind or next step of its own: as %s", code, other)
		}
		said[words.Happened] = code
	}
	t.Logf("R5: %d misbehaviours ended in %d codes, each with its own words; of %d writes reported saved, %d were not; %v",
		misbehaviours, len(codes), saved, falsely, slices.Sorted(maps.Keys(codes)))
	if misbehaviours < 12 || len(codes) < 12 || saved == 0 {
		t.Errorf("too few: %d misbehaviours, %d codes, %d writes", misbehaviours, len(codes), saved)
	}
}

// witness looks into the liar's own drawer after each write that was reported saved, and notes every failure.
type witness struct {
	keystore.Store
	t              *testing.T
	l              *liar
	codes          map[fault.Code]int
	saved, falsely int
}

// again starts the liar anew, after its death.
func again(t *testing.T, s keystore.Store) { s.(*witness).l = secretservice.Lie(t) }

func (w *witness) note(err error) error {
	if err != nil {
		w.codes[fault.CodeOf(err)]++
	}
	return err
}

// look counts a write that was reported saved, and tells when what is kept under its account is not it.
func (w *witness) look(account string, right func(value string) bool) {
	w.t.Helper()
	w.saved++
	kept := false
	w.l.Set(func() {
		for _, item := range w.l.Items {
			kept = kept || item.Attributes["username"] == account && right(string(item.Value))
		}
	})
	if !kept {
		w.falsely++
		w.t.Errorf("%s was reported saved, and is not", account)
	}
}

func (w *witness) Create(ctx context.Context) (keystore.Signer, error) {
	key, err := w.Store.Create(ctx)
	if err == nil {
		w.look("v1/test/key/"+key.PublicKey(), func(value string) bool {
			private, err := p256.ParsePrivate(strings.TrimPrefix(value, "v1:"))
			return err == nil && p256.Compressed(&private.PublicKey) == key.PublicKey()
		})
	}
	return key, w.note(err)
}

func (w *witness) PutSecret(ctx context.Context, name string, value []byte) error {
	err := w.Store.PutSecret(ctx, name, value)
	if err == nil {
		w.look("v1/test/"+name, func(kept string) bool { return kept == "v1:"+base64.RawStdEncoding.EncodeToString(value) })
	}
	return w.note(err)
}

func (w *witness) Open(ctx context.Context, publicKey string) (keystore.Signer, error) {
	key, err := w.Store.Open(ctx, publicKey)
	return key, w.note(err)
}

func (w *witness) Secret(ctx context.Context, name string) ([]byte, error) {
	value, err := w.Store.Secret(ctx, name)
	return value, w.note(err)
}

func (w *witness) Delete(ctx context.Context, publicKey string) error {
	return w.note(w.Store.Delete(ctx, publicKey))
}

func (w *witness) DeleteSecret(ctx context.Context, name string) error {
	return w.note(w.Store.DeleteSecret(ctx, name))
}

func (w *witness) List(ctx context.Context) ([]string, error) {
	keys, err := listed(ctx, w.Store)
	return keys, w.note(err)
}

// within returns a context that is long enough for a keychain that answers, and not for one that hangs.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// leaves repeats a call that nobody waits long for until it got as far as method, where the liar lets it hang. A busy
// machine may need more than one.
func leaves(t *testing.T, l *liar, method string, call func(ctx context.Context) error) {
	t.Helper()
	for before := l.Count(method); l.Count(method) == before && t.Context().Err() == nil; {
		wantCode(t, "while it hangs", call(within(t, 300*time.Millisecond)), fault.KeychainTimeout)
	}
}

func behaves(t *testing.T, l *liar, s keystore.Store) {
	key, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Forget()
	if _, err := s.Open(t.Context(), key.PublicKey()); err != nil {
		t.Error(err)
	}
	if h := s.Health(t.Context()); h.State != keystore.Protected || h.Name != "Secret Service" {
		t.Errorf("health %+v", h)
	}
	if err := s.Delete(t.Context(), key.PublicKey()); err != nil || len(l.Kept()) != 0 {
		t.Errorf("%v, %v", l.Kept(), err)
	}
}

// wantNotSaved checks that neither kind of write is reported saved.
func wantNotSaved(t *testing.T, s keystore.Store, code fault.Code) {
	t.Helper()
	_, err := s.Create(t.Context())
	wantCode(t, "create", err, code)
	wantCode(t, "put secret", s.PutSecret(t.Context(), "state-key", []byte("x")), code)
}

func dismissedWrite(t *testing.T, l *liar, s keystore.Store) {
	l.Set(func() { l.Asks["CreateItem"], l.Answer = true, "no" })
	wantNotSaved(t, s, fault.KeychainMismatch)
	if l.Count("Prompt") != 2 {
		t.Errorf("asked %d times", l.Count("Prompt"))
	}
	_, err := s.Secret(t.Context(), "state-key")
	wantCode(t, "secret", err, fault.KeyMissing)
}

func dismissedOverwrite(t *testing.T, l *liar, s keystore.Store) {
	if err := s.PutSecret(t.Context(), "state-key", []byte("old")); err != nil {
		t.Fatal(err)
	}
	l.Set(func() { l.Asks["CreateItem"], l.Answer = true, "no" })
	wantCode(t, "put", s.PutSecret(t.Context(), "state-key", []byte("new")), fault.KeychainMismatch)
	if got, err := s.Secret(t.Context(), "state-key"); err != nil || string(got) != "old" {
		t.Errorf("%q, %v", got, err)
	}
}

func keepsNothing(t *testing.T, l *liar, s keystore.Store) {
	l.Set(func() { l.Keep = func([]byte) []byte { return nil } })
	wantNotSaved(t, s, fault.KeychainMismatch)
}

func keepsElse(t *testing.T, l *liar, s keystore.Store) {
	for _, keep := range []func([]byte) []byte{
		func([]byte) []byte { return []byte{} },
		func(v []byte) []byte { return v[:len(v)-1] },
		bytes.ToUpper,
		func(v []byte) []byte { return append(v, '\n') },
	} {
		l.Set(func() { l.Keep = keep })
		wantNotSaved(t, s, fault.KeychainMismatch)
	}
}

func givesElse(t *testing.T, l *liar, s keystore.Store) {
	other := p256.PrivateHex(p256.Generate())
	l.Set(func() { l.Give = func([]byte) []byte { return []byte("v1:" + other) } })
	wantNotSaved(t, s, fault.KeychainMismatch)
	if kept := l.Kept(); len(kept) != 1 { // the secret, which may have been there before; the key was made for nothing
		t.Errorf("kept %d values", len(kept))
	}
}

// hangs tells of a method that never answers: the caller leaves in time, everybody after is told at once, health still
// speaks, and when the answer comes after all, the keychain works again.
func hangs(t *testing.T, l *liar, s keystore.Store, method string) {
	release := l.Hang(method)
	leaves(t, l, method, func(ctx context.Context) error { return s.PutSecret(ctx, "state-key", []byte("x")) })
	start := time.Now()
	const rounds = 4
	for range rounds {
		for what, err := range everyCall(t.Context(), s) { // with all the time in the world
			wantCode(t, what+" after", err, fault.KeychainTimeout)
		}
		_, err := listed(t.Context(), s)
		wantCode(t, "list after", err, fault.KeychainTimeout)
	}
	t.Logf("failing at once takes %v", time.Since(start)/(rounds*7)) // that it comes back at all before release shows it
	if h := s.Health(t.Context()); h.State != keystore.Protected {
		t.Errorf("health %+v", h)
	}
	release()
	working(t, s)
}

// working waits until the keychain works.
func working(t *testing.T, s keystore.Store) {
	t.Helper()
	for ctx := within(t, 2*time.Minute); ; {
		err := s.PutSecret(ctx, "state-key", []byte("again"))
		if err == nil {
			return
		}
		if ctx.Err() != nil || fault.CodeOf(err) != fault.KeychainTimeout {
			t.Fatal(err)
		}
	}
}

func hangsAtOnce(t *testing.T, l *liar, s keystore.Store) {
	release := l.Hang("Collections")
	ctx := within(t, 300*time.Millisecond)
	wantCode(t, "put", s.PutSecret(ctx, "state-key", []byte("x")), fault.KeychainTimeout)
	h := s.Health(within(t, 300*time.Millisecond))
	if h.State == keystore.Protected {
		t.Errorf("health %+v", h)
	}
	wantCode(t, "health", h.Err, fault.KeychainTimeout)
	release()
	working(t, s)
}

// savesLate: a key that nobody waits for any more is not left behind.
func savesLate(t *testing.T, l *liar, s keystore.Store) {
	release := l.Hang("CreateItem")
	var first error
	leaves(t, l, "CreateItem", func(ctx context.Context) error {
		_, err := s.Create(ctx)
		if first == nil {
			first = err
		}
		return err
	})
	if !errors.Is(first, context.DeadlineExceeded) {
		t.Errorf("%v does not tell why", first)
	}
	release()
	working(t, s)
	if kept := l.Kept(); len(kept) != 1 || l.Count("Delete") != 1 { // the secret that working stored
		t.Errorf("kept %d values, deleted %d times", len(kept), l.Count("Delete"))
	}
}

func diesWriting(t *testing.T, l *liar, s keystore.Store) {
	l.Set(func() {
		l.Before["CreateItem"] = func() *dbus.Error {
			_ = l.Conn.Close()
			return dbus.NewError("never.Sent", nil)
		}
	})
	_, err := s.Create(t.Context())
	wantCode(t, "create", err, fault.KeychainFailed)
	_, err = s.Create(t.Context())
	wantCode(t, "create after its death", err, fault.KeychainAbsent)
	again(t, s)
	if _, err := s.Create(t.Context()); err != nil {
		t.Error(err)
	}
}

func diesAsking(t *testing.T, l *liar, s keystore.Store) {
	l.Set(func() { l.Locked, l.Asks["Unlock"], l.Answer = true, true, "" })
	died := make(chan error, 1)
	go func() {
		for l.Count("Prompt") == 0 && t.Context().Err() == nil {
		}
		for range 20 { // round trips, so that the answer to Prompt is out
			_ = l.Conn.BusObject().Call("org.freedesktop.DBus.Peer.Ping", 0).Err
		}
		died <- l.Conn.Close()
	}()
	_, err := s.Create(t.Context())
	wantCode(t, "create", err, fault.KeychainFailed)
	<-died
	again(t, s)
	working(t, s)
}

func dismissedUnlock(t *testing.T, l *liar, s keystore.Store) {
	l.Set(func() { l.Locked, l.Asks["Unlock"], l.Answer = true, true, "no" })
	for what, err := range everyCall(t.Context(), s) {
		wantCode(t, what+" without a display", err, fault.KeychainLocked)
	}
	for _, display := range []string{"DISPLAY", "WAYLAND_DISPLAY"} {
		t.Setenv(display, "nowhere")
		for what, err := range everyCall(t.Context(), s) {
			wantCode(t, what+" with "+display, err, fault.KeychainDismissed)
		}
		t.Setenv(display, "")
	}
	if got := l.Count("CreateItem") + l.Count("SearchItems"); got != 0 {
		t.Errorf("asked %d times for items of a locked collection", got)
	}
	if h := s.Health(t.Context()); h.State != keystore.Locked {
		t.Errorf("health %+v", h)
	}
	asked := l.Count("Prompt")
	s.Health(t.Context())
	if l.Count("Prompt") != asked {
		t.Error("health asked the user")
	}
	l.Set(func() { l.Answer = "yes" })
	working(t, s)
}

// unansweredUnlock: a question that nobody answers is taken off the screen, and does not block the next one.
func unansweredUnlock(t *testing.T, l *liar, s keystore.Store) {
	l.Set(func() { l.Locked, l.Asks["Unlock"], l.Answer = true, true, "" })
	leaves(t, l, "Prompt", func(ctx context.Context) error {
		_, err := s.Create(ctx)
		return err
	})
	for l.Count("Dismiss") == 0 && t.Context().Err() == nil {
	}
	ctx, cancel := context.WithCancel(t.Context())
	asked := l.Count("Prompt")
	go func() {
		for l.Count("Prompt") == asked && t.Context().Err() == nil {
		}
		cancel()
	}()
	_, err := s.Create(ctx)
	wantCode(t, "create that is cancelled", err, fault.Cancel)
	l.Set(func() { l.Answer = "yes" })
	working(t, s)
	if len(l.Kept()) != 1 {
		t.Errorf("kept %d values", len(l.Kept()))
	}
}

func stillLocked(t *testing.T, l *liar, s keystore.Store) {
	l.Set(func() { l.Locked, l.Asks["Unlock"], l.Effect = true, true, func(bool) bool { return true } })
	wantNotSaved(t, s, fault.KeychainLocked)
	l.Set(func() { l.Asks["Unlock"] = false })
	wantNotSaved(t, s, fault.KeychainLocked)
}

func lockedItem(t *testing.T, l *liar, s keystore.Store) {
	key, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Forget()
	l.Set(func() { l.LockedItems, l.Asks["Unlock"], l.Answer = true, true, "no" })
	_, err = s.Open(t.Context(), key.PublicKey())
	wantCode(t, "without a display", err, fault.KeychainLocked)
	t.Setenv("DISPLAY", "nowhere")
	_, err = s.Open(t.Context(), key.PublicKey())
	wantCode(t, "dismissed", err, fault.KeychainDismissed)
	l.Set(func() { l.Answer = "yes" })
	if _, err = s.Open(t.Context(), key.PublicKey()); err != nil {
		t.Error(err)
	}
}

func locksItself(t *testing.T, l *liar, s keystore.Store) {
	l.Set(func() {
		l.Before["CreateItem"] = func() *dbus.Error { return dbus.NewError("org.freedesktop.Secret.Error.IsLocked", nil) }
	})
	wantNotSaved(t, s, fault.KeychainLocked)
}

func dismissedDelete(t *testing.T, l *liar, s keystore.Store) {
	key, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l.Set(func() { l.Asks["Delete"], l.Answer = true, "no" })
	wantCode(t, "delete", s.Delete(t.Context(), key.PublicKey()), fault.KeychainDenied)
	if len(l.Kept()) != 1 {
		t.Error("it is gone after all")
	}
	l.Set(func() { l.Answer = "yes" })
	if err := s.Delete(t.Context(), key.PublicKey()); err != nil {
		t.Error(err)
	}
}

// wrongType: the library would end the program.
func wrongType(t *testing.T, l *liar, s keystore.Store) {
	for _, forUsToo := range []bool{true, false} { // the library asks again after us
		first := l.Count("Collections")
		l.Set(func() {
			l.Collections = func(call int) any {
				if (call-first)%2 == 1 && !forUsToo {
					return []dbus.ObjectPath{loginPath}
				}
				return "login"
			}
		})
		for what, err := range everyCall(t.Context(), s) {
			wantCode(t, what, err, fault.KeychainFailed)
		}
	}
	l.Set(func() { l.Collections = nil })
	working(t, s)
}

func repeatsSecret(t *testing.T, l *liar, s keystore.Store) {
	const canary = "canary-7f3a"
	for method, name := range map[string]string{"CreateItem": "org.example.Odd", "GetSecret": "org.freedesktop.DBus.Error.Failed", "Unlock": "org.freedesktop.DBus.Error.InvalidArgs"} {
		l.Set(func() {
			clear(l.Before)
			l.Before[method] = func() *dbus.Error { return dbus.NewError(name, []any{"value " + canary + " refused"}) }
		})
		err := s.PutSecret(t.Context(), "state-key", []byte(canary))
		wantCode(t, method, err, fault.KeychainFailed)
		if strings.Contains(err.Error(), canary) {
			t.Errorf("the error repeats the secret: %v", err)
		}
	}
}

func refuses(t *testing.T, l *liar, s keystore.Store) {
	for _, method := range []string{"Collections", "Unlock", "OpenSession", "CreateItem"} {
		l.Set(func() {
			clear(l.Before)
			l.Before[method] = func() *dbus.Error { return dbus.NewError("org.freedesktop.DBus.Error.AccessDenied", nil) }
		})
		_, err := s.Create(t.Context())
		wantCode(t, method, err, fault.KeychainDenied)
	}
}

func loses(t *testing.T, l *liar, s keystore.Store) {
	key, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l.Set(func() { clear(l.Items) })
	if _, err := key.Sign(t.Context(), make([]byte, 32)); err != nil {
		t.Errorf("in memory it is still there: %v", err)
	}
	s.Forget()
	_, err = key.Sign(t.Context(), make([]byte, 32))
	wantCode(t, "sign", err, fault.KeyMissing)
	wantCode(t, "delete", s.Delete(t.Context(), key.PublicKey()), fault.KeyMissing)
}

// hidesNames: a locked keychain is not unlocked to be listed, nobody is asked, and there is no list with gaps.
func hidesNames(t *testing.T, l *liar, s keystore.Store) {
	key, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l.Set(func() { l.Locked, l.Asks["Unlock"], l.Answer = true, true, "yes" })
	if got, err := listed(t.Context(), s); err != nil || len(got) != 1 || got[0] != key.PublicKey() {
		t.Errorf("locked, with its names open: %v, %v", got, err)
	}
	l.Set(func() { l.Hides = true })
	_, err = listed(t.Context(), s)
	wantCode(t, "names hidden", err, fault.KeychainLocked)
	l.Set(func() { clear(l.Items) })
	_, err = listed(t.Context(), s)
	wantCode(t, "items hidden", err, fault.KeychainLocked)
	if n := l.Count("Unlock"); n != 3 || l.Count("Prompt") != 0 { // those of Create
		t.Errorf("unlocked %d times, asked %d times", n, l.Count("Prompt"))
	}
}

// hangsListing: whoever lists leaves in time, and the keychain works again after it answered.
func hangsListing(t *testing.T, l *liar, s keystore.Store) {
	working(t, s)
	for _, method := range []string{"SearchItems", "Attributes", "Locked"} {
		release := l.Hang(method)
		_, err := listed(within(t, 300*time.Millisecond), s)
		wantCode(t, method, err, fault.KeychainTimeout)
		release()
		working(t, s)
	}
}

// deletesListing: an item that goes while the names are read is no trouble; one that stays unreadable is.
func deletesListing(t *testing.T, l *liar, s keystore.Store) {
	var keys []string
	for range 3 {
		key, err := s.Create(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key.PublicKey())
	}
	l.Set(func() {
		l.Before["Attributes"] = func() *dbus.Error {
			l.Set(func() {
				maps.DeleteFunc(l.Items, func(_ dbus.ObjectPath, item *secretservice.Item) bool {
					return strings.HasSuffix(item.Attributes["username"], keys[1])
				})
			})
			return nil
		}
	})
	want := slices.Sorted(slices.Values([]string{keys[0], keys[2]}))
	if got, err := listed(t.Context(), s); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	l.Set(func() {
		l.Before["Attributes"] = func() *dbus.Error { return dbus.NewError("org.example.Odd", nil) }
	})
	_, err := listed(t.Context(), s)
	wantCode(t, "unreadable", err, fault.KeychainFailed)
}

func givesAnotherKey(t *testing.T, l *liar, s keystore.Store) {
	key, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Forget()
	l.Set(func() { l.Give = func([]byte) []byte { return []byte("v1:" + p256.PrivateHex(p256.Generate())) } })
	_, err = s.Open(t.Context(), key.PublicKey())
	wantCode(t, "open", err, fault.KeyCorrupt)
	_, err = key.Sign(t.Context(), make([]byte, 32))
	wantCode(t, "sign", err, fault.KeyCorrupt)
}

func hasNoCollection(t *testing.T, l *liar, s keystore.Store) {
	l.Set(func() { l.Empty = true })
	for what, err := range everyCall(t.Context(), s) {
		wantCode(t, what, err, fault.KeychainEmpty)
	}
	l.Set(func() { l.Empty = false })
	working(t, s)
}

func goneWithItsBus(t *testing.T, _ *liar, s keystore.Store) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+t.TempDir()+"/bus")
	for what, err := range everyCall(t.Context(), s) {
		wantCode(t, what, err, fault.KeychainNoBus)
	}
}

func tooMuch(t *testing.T, l *liar, s keystore.Store) {
	wantCode(t, "put", s.PutSecret(t.Context(), "state-key", make([]byte, keystore.MaxSecret+1)), fault.KeychainTooLarge)
	if l.Count("OpenSession")+l.Count("Collections") != 0 {
		t.Error("the keychain was asked")
	}
}
