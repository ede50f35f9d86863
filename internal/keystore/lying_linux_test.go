package keystore_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
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
	} {
		t.Run(story.name, func(t *testing.T) { story.tell(t, lie(t), newKeychain(t)) })
	}
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
	for before := l.count(method); l.count(method) == before && t.Context().Err() == nil; {
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
	if err := s.Delete(t.Context(), key.PublicKey()); err != nil || len(l.kept()) != 0 {
		t.Errorf("%v, %v", l.kept(), err)
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
	l.set(func() { l.asks["CreateItem"], l.answer = true, "no" })
	wantNotSaved(t, s, fault.KeychainMismatch)
	if l.count("Prompt") != 2 {
		t.Errorf("asked %d times", l.count("Prompt"))
	}
	_, err := s.Secret(t.Context(), "state-key")
	wantCode(t, "secret", err, fault.KeyMissing)
}

func dismissedOverwrite(t *testing.T, l *liar, s keystore.Store) {
	if err := s.PutSecret(t.Context(), "state-key", []byte("old")); err != nil {
		t.Fatal(err)
	}
	l.set(func() { l.asks["CreateItem"], l.answer = true, "no" })
	wantCode(t, "put", s.PutSecret(t.Context(), "state-key", []byte("new")), fault.KeychainMismatch)
	if got, err := s.Secret(t.Context(), "state-key"); err != nil || string(got) != "old" {
		t.Errorf("%q, %v", got, err)
	}
}

func keepsNothing(t *testing.T, l *liar, s keystore.Store) {
	l.set(func() { l.keep = func([]byte) []byte { return nil } })
	wantNotSaved(t, s, fault.KeychainMismatch)
}

func keepsElse(t *testing.T, l *liar, s keystore.Store) {
	for _, keep := range []func([]byte) []byte{
		func([]byte) []byte { return []byte{} },
		func(v []byte) []byte { return v[:len(v)-1] },
		bytes.ToUpper,
		func(v []byte) []byte { return append(v, '\n') },
	} {
		l.set(func() { l.keep = keep })
		wantNotSaved(t, s, fault.KeychainMismatch)
	}
}

func givesElse(t *testing.T, l *liar, s keystore.Store) {
	other := p256.PrivateHex(p256.Generate())
	l.set(func() { l.give = func([]byte) []byte { return []byte("v1:" + other) } })
	wantNotSaved(t, s, fault.KeychainMismatch)
	if kept := l.kept(); len(kept) != 1 { // the secret, which may have been there before; the key was made for nothing
		t.Errorf("kept %d values", len(kept))
	}
}

// hangs tells of a method that never answers: the caller leaves in time, everybody after is told at once, health still
// speaks, and when the answer comes after all, the keychain works again.
func hangs(t *testing.T, l *liar, s keystore.Store, method string) {
	release := l.hang(method)
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
	release := l.hang("Collections")
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
	release := l.hang("CreateItem")
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
	if kept := l.kept(); len(kept) != 1 || l.count("Delete") != 1 { // the secret that working stored
		t.Errorf("kept %d values, deleted %d times", len(kept), l.count("Delete"))
	}
}

func diesWriting(t *testing.T, l *liar, s keystore.Store) {
	l.set(func() {
		l.before["CreateItem"] = func() *dbus.Error {
			_ = l.conn.Close()
			return dbus.NewError("never.Sent", nil)
		}
	})
	_, err := s.Create(t.Context())
	wantCode(t, "create", err, fault.KeychainFailed)
	_, err = s.Create(t.Context())
	wantCode(t, "create after its death", err, fault.KeychainAbsent)
	lie(t) // restarted
	if _, err := s.Create(t.Context()); err != nil {
		t.Error(err)
	}
}

func diesAsking(t *testing.T, l *liar, s keystore.Store) {
	l.set(func() { l.locked, l.asks["Unlock"], l.answer = true, true, "" })
	died := make(chan error, 1)
	go func() {
		for l.count("Prompt") == 0 && t.Context().Err() == nil {
		}
		for range 20 { // round trips, so that the answer to Prompt is out
			_ = l.conn.BusObject().Call("org.freedesktop.DBus.Peer.Ping", 0).Err
		}
		died <- l.conn.Close()
	}()
	_, err := s.Create(t.Context())
	wantCode(t, "create", err, fault.KeychainFailed)
	<-died
	lie(t)
	working(t, s)
}

func dismissedUnlock(t *testing.T, l *liar, s keystore.Store) {
	l.set(func() { l.locked, l.asks["Unlock"], l.answer = true, true, "no" })
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
	if got := l.count("CreateItem") + l.count("SearchItems"); got != 0 {
		t.Errorf("asked %d times for items of a locked collection", got)
	}
	if h := s.Health(t.Context()); h.State != keystore.Locked {
		t.Errorf("health %+v", h)
	}
	asked := l.count("Prompt")
	s.Health(t.Context())
	if l.count("Prompt") != asked {
		t.Error("health asked the user")
	}
	l.set(func() { l.answer = "yes" })
	working(t, s)
}

// unansweredUnlock: a question that nobody answers is taken off the screen, and does not block the next one.
func unansweredUnlock(t *testing.T, l *liar, s keystore.Store) {
	l.set(func() { l.locked, l.asks["Unlock"], l.answer = true, true, "" })
	leaves(t, l, "Prompt", func(ctx context.Context) error {
		_, err := s.Create(ctx)
		return err
	})
	for l.count("Dismiss") == 0 && t.Context().Err() == nil {
	}
	ctx, cancel := context.WithCancel(t.Context())
	asked := l.count("Prompt")
	go func() {
		for l.count("Prompt") == asked && t.Context().Err() == nil {
		}
		cancel()
	}()
	_, err := s.Create(ctx)
	wantCode(t, "create that is cancelled", err, fault.Cancel)
	l.set(func() { l.answer = "yes" })
	working(t, s)
	if len(l.kept()) != 1 {
		t.Errorf("kept %d values", len(l.kept()))
	}
}

func stillLocked(t *testing.T, l *liar, s keystore.Store) {
	l.set(func() { l.locked, l.asks["Unlock"], l.unlock = true, true, func(bool) bool { return true } })
	wantNotSaved(t, s, fault.KeychainLocked)
	l.set(func() { l.asks["Unlock"] = false })
	wantNotSaved(t, s, fault.KeychainLocked)
}

func lockedItem(t *testing.T, l *liar, s keystore.Store) {
	key, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Forget()
	l.set(func() { l.lockedItems, l.asks["Unlock"], l.answer = true, true, "no" })
	_, err = s.Open(t.Context(), key.PublicKey())
	wantCode(t, "without a display", err, fault.KeychainLocked)
	t.Setenv("DISPLAY", "nowhere")
	_, err = s.Open(t.Context(), key.PublicKey())
	wantCode(t, "dismissed", err, fault.KeychainDismissed)
	l.set(func() { l.answer = "yes" })
	if _, err = s.Open(t.Context(), key.PublicKey()); err != nil {
		t.Error(err)
	}
}

func locksItself(t *testing.T, l *liar, s keystore.Store) {
	l.set(func() {
		l.before["CreateItem"] = func() *dbus.Error { return dbus.NewError("org.freedesktop.Secret.Error.IsLocked", nil) }
	})
	wantNotSaved(t, s, fault.KeychainLocked)
}

func dismissedDelete(t *testing.T, l *liar, s keystore.Store) {
	key, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l.set(func() { l.asks["Delete"], l.answer = true, "no" })
	wantCode(t, "delete", s.Delete(t.Context(), key.PublicKey()), fault.KeychainDenied)
	if len(l.kept()) != 1 {
		t.Error("it is gone after all")
	}
	l.set(func() { l.answer = "yes" })
	if err := s.Delete(t.Context(), key.PublicKey()); err != nil {
		t.Error(err)
	}
}

// wrongType: the library would end the program.
func wrongType(t *testing.T, l *liar, s keystore.Store) {
	for _, forUsToo := range []bool{true, false} { // the library asks again after us
		first := l.count("Collections")
		l.set(func() {
			l.collections = func(call int) any {
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
	l.set(func() { l.collections = nil })
	working(t, s)
}

func repeatsSecret(t *testing.T, l *liar, s keystore.Store) {
	const canary = "canary-7f3a"
	for method, name := range map[string]string{"CreateItem": "org.example.Odd", "GetSecret": "org.freedesktop.DBus.Error.Failed", "Unlock": "org.freedesktop.DBus.Error.InvalidArgs"} {
		l.set(func() {
			clear(l.before)
			l.before[method] = func() *dbus.Error { return dbus.NewError(name, []any{"value " + canary + " refused"}) }
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
		l.set(func() {
			clear(l.before)
			l.before[method] = func() *dbus.Error { return dbus.NewError("org.freedesktop.DBus.Error.AccessDenied", nil) }
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
	l.set(func() { clear(l.items) })
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
	l.set(func() { l.locked, l.asks["Unlock"], l.answer = true, true, "yes" })
	if got, err := listed(t.Context(), s); err != nil || len(got) != 1 || got[0] != key.PublicKey() {
		t.Errorf("locked, with its names open: %v, %v", got, err)
	}
	l.set(func() { l.hides = true })
	_, err = listed(t.Context(), s)
	wantCode(t, "names hidden", err, fault.KeychainLocked)
	l.set(func() { clear(l.items) })
	_, err = listed(t.Context(), s)
	wantCode(t, "items hidden", err, fault.KeychainLocked)
	if n := l.count("Unlock"); n != 3 || l.count("Prompt") != 0 { // those of Create
		t.Errorf("unlocked %d times, asked %d times", n, l.count("Prompt"))
	}
}

// hangsListing: whoever lists leaves in time, and the keychain works again after it answered.
func hangsListing(t *testing.T, l *liar, s keystore.Store) {
	working(t, s)
	for _, method := range []string{"SearchItems", "Attributes", "Locked"} {
		release := l.hang(method)
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
	l.set(func() {
		l.before["Attributes"] = func() *dbus.Error {
			l.set(func() {
				maps.DeleteFunc(l.items, func(_ dbus.ObjectPath, item *stored) bool {
					return strings.HasSuffix(item.attributes["username"], keys[1])
				})
			})
			return nil
		}
	})
	want := slices.Sorted(slices.Values([]string{keys[0], keys[2]}))
	if got, err := listed(t.Context(), s); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	l.set(func() {
		l.before["Attributes"] = func() *dbus.Error { return dbus.NewError("org.example.Odd", nil) }
	})
	_, err := listed(t.Context(), s)
	wantCode(t, "unreadable", err, fault.KeychainFailed)
}

func tooMuch(t *testing.T, l *liar, s keystore.Store) {
	wantCode(t, "put", s.PutSecret(t.Context(), "state-key", make([]byte, keystore.MaxSecret+1)), fault.KeychainTooLarge)
	if l.count("OpenSession")+l.count("Collections") != 0 {
		t.Error("the keychain was asked")
	}
}
