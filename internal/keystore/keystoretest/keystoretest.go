// Package keystoretest is the definition of a key store: what every backend must do, in one suite that each of them
// runs. It is imported by tests alone.
package keystoretest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/p256"
)

// Run runs the suite. Each test gets a store from newStore; when two stores are asked for within one test, they look
// at the same keys where the backend keeps any, as two starts of the program do.
func Run(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, newStore func(t *testing.T) keystore.Store)
	}{
		{"a key that was made signs", createOpenSign},
		{"keys differ", keysDiffer},
		{"a key has its name before it exists", createNamed},
		{"a deleted key is gone", deleteKey},
		{"what is missing is missing in every method", missing},
		{"a secret comes back as it was", secrets},
		{"a secret is the store's own copy", secretsAreCopies},
		{"odd names keep apart", oddNames},
		{"bad names are refused in every method", badNames},
		{"what is too large is refused", tooLarge},
		{"a digest has 32 bytes", digestSize},
		{"many may use it at once", parallel},
		{"an ended context ends every method", endedContext},
		{"a forgotten key still signs", forget},
		{"what is stored outlives the store", persistence},
		{"a list names the keys that open", list},
		{"a target key exchanges", targetExchanges},
		{"a target key has its name before it exists", targetNamed},
		{"a deleted target key is gone", targetGone},
		{"a target key is no signer, and a signer no target key", targetsAreNoSigners},
		{"a target key outlives the store", targetPersists},
		{"an imported key is as one made here", imports},
		{"a key that is imported twice stays", importsTwice},
		{"only a key of the curve is imported", importsNoOther},
		{"health and backend speak", health},
		{"printing tells no secret", printing},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newStore) })
	}
}

func createOpenSign(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	key := create(t, s)
	signs(t, key)
	opened, err := s.Open(t.Context(), key.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	if opened.PublicKey() != key.PublicKey() {
		t.Errorf("opened %s, asked for %s", opened.PublicKey(), key.PublicKey())
	}
	signs(t, opened)
}

func keysDiffer(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	a, b := create(t, s), create(t, s)
	if a.PublicKey() == b.PublicKey() {
		t.Fatal("two keys are the same")
	}
	if err := s.Delete(t.Context(), a.PublicKey()); err != nil {
		t.Fatal(err)
	}
	signs(t, b)
}

func createNamed(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	var name string
	key, err := s.CreateNamed(t.Context(), func(publicKey string) error {
		name = publicKey
		_, err := s.Open(t.Context(), publicKey)
		wantCode(t, "open before it exists", err, fault.KeyMissing)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Delete(context.Background(), key.PublicKey()) })
	if name != key.PublicKey() {
		t.Errorf("named %s, made %s", name, key.PublicKey())
	}
	signs(t, key)

	refusal := errors.New("cannot be written down")
	if _, err := s.CreateNamed(t.Context(), func(publicKey string) error { name = publicKey; return refusal }); !errors.Is(err, refusal) {
		t.Errorf("got %v, want the refusal", err)
	}
	_, err = s.Open(t.Context(), name)
	wantCode(t, "open after the refusal", err, fault.KeyMissing)
}

func deleteKey(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	key := create(t, s)
	if err := s.Delete(t.Context(), key.PublicKey()); err != nil {
		t.Fatal(err)
	}
	_, err := s.Open(t.Context(), key.PublicKey())
	wantCode(t, "open", err, fault.KeyMissing)
	wantCode(t, "delete again", s.Delete(t.Context(), key.PublicKey()), fault.KeyMissing)
	_, err = key.Sign(t.Context(), digest())
	wantCode(t, "sign with a signer from before", err, fault.KeyMissing)
}

func missing(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	never := p256.NewKey(p256.Generate()).PublicKey()
	for what, err := range everyMethod(t.Context(), s, never, "never-stored") {
		if slices.Contains([]string{"create", "put secret", "list", "create target", "list targets", "import"}, what) {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
			continue
		}
		wantCode(t, what, err, fault.KeyMissing)
		if fault.KindOf(err) != fault.NotFound {
			t.Errorf("%s: kind %q", what, fault.KindOf(err))
		}
	}
	for _, odd := range []string{"", "02", strings.Repeat("0", 66), strings.ToUpper(never), "../../etc", "state-key"} {
		_, err := s.Open(t.Context(), odd)
		wantCode(t, fmt.Sprintf("open %q", odd), err, fault.KeyMissing)
		wantCode(t, fmt.Sprintf("delete %q", odd), s.Delete(t.Context(), odd), fault.KeyMissing)
	}
}

func secrets(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, value := range [][]byte{all, {}, {0}, []byte("line\nline\n"), []byte("äöü 🔑"), bytes.Repeat([]byte{0xff}, keystore.MaxSecret), []byte("v1:")} {
		put(t, s, "state-key", value) // each over the one before
		got, err := s.Secret(t.Context(), "state-key")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, value) {
			t.Errorf("%d bytes came back as %d others", len(value), len(got))
		}
	}
	if err := s.DeleteSecret(t.Context(), "state-key"); err != nil {
		t.Fatal(err)
	}
	_, err := s.Secret(t.Context(), "state-key")
	wantCode(t, "secret after delete", err, fault.KeyMissing)
}

func secretsAreCopies(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	value := []byte("secret")
	put(t, s, "copy", value)
	clear(value)
	for range 2 {
		got, err := s.Secret(t.Context(), "copy")
		if err != nil || string(got) != "secret" {
			t.Fatalf("got %q, %v", got, err)
		}
		clear(got)
	}
}

func oddNames(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	names := []string{"a", "a.", "a/b", "a/b/c", "a-b", "a_b", ".", "..", "-rf", "key", "key-", "keys/a", "0", strings.Repeat("x", 100)}
	for _, name := range names {
		put(t, s, name, []byte("of "+name))
	}
	for _, name := range names {
		if got, err := s.Secret(t.Context(), name); err != nil || string(got) != "of "+name {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
}

func badNames(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	for _, name := range []string{"", "/", "/a", "key/" + strings.Repeat("0", 66), "target/a", "a:b", "a b", "A", "ä", "a\nb", "a\x00b", "'", `"`, strings.Repeat("x", 101)} {
		_, get := s.Secret(t.Context(), name)
		for what, err := range map[string]error{"get": get, "put": s.PutSecret(t.Context(), name, []byte("x")), "delete": s.DeleteSecret(t.Context(), name)} {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("%s %q: %v", what, name, err)
			}
		}
	}
}

func tooLarge(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	put(t, s, "large", []byte("small"))
	wantCode(t, "put", s.PutSecret(t.Context(), "large", make([]byte, keystore.MaxSecret+1)), fault.KeychainTooLarge)
	if got, err := s.Secret(t.Context(), "large"); err != nil || string(got) != "small" {
		t.Errorf("what was there before: %q, %v", got, err)
	}
}

func digestSize(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	key := create(t, newStore(t))
	for _, size := range []int{0, 31, 33, 64} {
		if _, err := key.Sign(t.Context(), make([]byte, size)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func parallel(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	shared := create(t, s)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			name := fmt.Sprintf("parallel-%d", i)
			key, err := s.Create(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.PutSecret(t.Context(), name, []byte(name)); err != nil {
				t.Error(err)
			}
			if i%2 == 0 {
				s.Forget()
			}
			for _, signer := range []keystore.Signer{key, shared} {
				if err := verify(t.Context(), signer); err != nil {
					t.Error(err)
				}
			}
			if got, err := s.Secret(t.Context(), name); err != nil || string(got) != name {
				t.Errorf("%s: %q, %v", name, got, err)
			}
			if err := errors.Join(s.DeleteSecret(t.Context(), name), s.Delete(t.Context(), key.PublicKey())); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func endedContext(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	key := create(t, s)
	put(t, s, "kept", []byte("kept"))
	s.Forget()

	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancelLate := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancelLate()
	for _, c := range []struct {
		ctx  context.Context
		code fault.Code
	}{{cancelled, fault.Cancel}, {late, fault.KeychainTimeout}} {
		for what, err := range everyMethod(c.ctx, s, key.PublicKey(), "kept") {
			wantCode(t, what, err, c.code)
			if !errors.Is(err, c.ctx.Err()) {
				t.Errorf("%s: %v does not tell that %v", what, err, c.ctx.Err())
			}
		}
	}
	if got, err := s.Secret(t.Context(), "kept"); err != nil || string(got) != "kept" {
		t.Errorf("afterwards the secret is %q, %v", got, err)
	}
	signs(t, key)
}

func forget(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	key := create(t, s)
	s.Forget()
	signs(t, key)
	s.Forget()
	if _, err := s.Open(t.Context(), key.PublicKey()); err != nil {
		t.Error(err)
	}
}

func persistence(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	first := newStore(t)
	if first.Backend() == "memory" {
		_, err := newStore(t).Open(t.Context(), create(t, first).PublicKey())
		wantCode(t, "open in another memory", err, fault.KeyMissing)
		return
	}
	key := create(t, first)
	put(t, first, "lasting", []byte("1"))
	second := newStore(t)
	opened, err := second.Open(t.Context(), key.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	signs(t, opened)
	if got, err := second.Secret(t.Context(), "lasting"); err != nil || string(got) != "1" {
		t.Errorf("secret: %q, %v", got, err)
	}
	if err := second.Delete(t.Context(), key.PublicKey()); err != nil {
		t.Fatal(err)
	}
	first.Forget()
	_, err = first.Open(t.Context(), key.PublicKey())
	wantCode(t, "open what another deleted", err, fault.KeyMissing)
}

func list(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	lister, ok := s.(keystore.Lister)
	if !ok {
		t.Fatalf("%T cannot list", s)
	}
	names := func(what string) []string {
		t.Helper()
		all, err := lister.List(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) || all == nil {
			t.Errorf("%s: not sorted, or not each once: %v", what, all)
		}
		for _, key := range all {
			if _, err := s.Open(t.Context(), key); err != nil {
				t.Errorf("%s: listed, but %v", what, err)
			}
		}
		return all
	}
	before := names("at first") // a store of the suite may hold what others left
	a, b := create(t, s), create(t, s)
	put(t, s, "no-key", []byte("x"))
	put(t, s, "keys/"+a.PublicKey(), []byte("x"))
	want := append(slices.Clone(before), a.PublicKey(), b.PublicKey())
	slices.Sort(want)
	if got := names("with two more"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	s.Forget()
	if got := names("forgotten"); !slices.Equal(got, want) {
		t.Errorf("forgotten: got %v, want %v", got, want)
	}
	if err := errors.Join(s.Delete(t.Context(), a.PublicKey()), s.Delete(t.Context(), b.PublicKey())); err != nil {
		t.Fatal(err)
	}
	if got := names("with both deleted"); !slices.Equal(got, before) {
		t.Errorf("deleted: got %v, want %v", got, before)
	}
}

func health(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	h := s.Health(t.Context())
	if !slices.Contains([]keystore.State{keystore.Protected, keystore.Passphrase, keystore.InMemory}, h.State) || h.Name == "" || h.Err != nil {
		t.Errorf("a store that works says %+v", h)
	}
	if s.Backend() == "" {
		t.Error("no backend")
	}
}

// printing: fmt reads unexported fields, and follows pointers for verbs that do not fit them.
func printing(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	canary := []byte("canary-5d1c")
	put(t, s, "printed", canary)
	key := create(t, s)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%p", "%t"} {
		for _, value := range []any{s, key, [2]any{s, key}, struct{ Any any }{s}} {
			text := fmt.Sprintf(verb, value)
			for _, form := range []string{"%s", "%x", "%X", "%v"} {
				if strings.Contains(text, strings.Trim(fmt.Sprintf(form, canary), "[]")) {
					t.Errorf("%s of %T prints the secret", verb, value)
				}
			}
			if value == s && verb != "%p" && len(text) > 60 {
				t.Errorf("%s of a store prints %q", verb, text)
			}
			if value == key && verb != "%p" && text != "key "+key.PublicKey() {
				t.Errorf("%s of a signer prints %q", verb, text)
			}
		}
	}
}

// everyMethod calls every method that takes a context, and returns each error by the name of its method.
func everyMethod(ctx context.Context, s keystore.Store, publicKey, name string) map[string]error {
	_, create := s.Create(ctx)
	_, open := s.Open(ctx, publicKey)
	_, secret := s.Secret(ctx, name)
	_, list := s.(keystore.Lister).List(ctx)
	all := map[string]error{
		"create": create, "open": open, "secret": secret, "list": list,
		"delete":        s.Delete(ctx, publicKey),
		"put secret":    s.PutSecret(ctx, "written-by-every-method", []byte("x")),
		"delete secret": s.DeleteSecret(ctx, name),
	}
	maps.Copy(all, everyFurtherMethod(ctx, s, publicKey))
	return all
}

func create(t *testing.T, s keystore.Store) keystore.Signer {
	t.Helper()
	key, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Delete(context.Background(), key.PublicKey()) })
	return key
}

func put(t *testing.T, s keystore.Store, name string, value []byte) {
	t.Helper()
	if err := s.PutSecret(t.Context(), name, value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.DeleteSecret(context.Background(), name) })
}

func signs(t *testing.T, key keystore.Signer) {
	t.Helper()
	if err := verify(t.Context(), key); err != nil {
		t.Error(err)
	}
}

func verify(ctx context.Context, key keystore.Signer) error {
	pub, err := p256.ParsePublic(key.PublicKey())
	if err != nil {
		return err
	}
	d := digest()
	signature, err := key.Sign(ctx, d)
	if err != nil {
		return err
	}
	if !ecdsa.VerifyASN1(pub, d, signature) {
		return errors.New("the signature is not by the key's public half")
	}
	return nil
}

func digest() []byte {
	sum := sha256.Sum256([]byte(rand.Text()))
	return sum[:]
}

func wantCode(t *testing.T, what string, err error, want fault.Code) {
	t.Helper()
	if got := fault.CodeOf(err); got != want {
		t.Errorf("%s: got %v, want %s", what, err, want)
	}
}
