package keystoretest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"slices"
	"testing"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/p256"
)

func importKey(t *testing.T, s keystore.Store, key *ecdsa.PrivateKey) keystore.Signer {
	t.Helper()
	importer, ok := s.(keystore.Importer)
	if !ok {
		t.Fatalf("%T imports nothing", s)
	}
	signer, err := importer.Import(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Delete(context.Background(), signer.PublicKey()) })
	return signer
}

// imports: a key that came in a credential bundle is as one of our own, from then on and in the next start.
func imports(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	private := p256.Generate()
	want := p256.Compressed(&private.PublicKey)
	signer := importKey(t, s, private)
	if signer.PublicKey() != want {
		t.Fatalf("imported %s as %s", want, signer.PublicKey())
	}
	signs(t, signer)
	s.Forget()
	signs(t, signer)
	next := s
	if s.Backend() != "memory" {
		next = newStore(t)
	}
	opened, err := next.Open(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	signs(t, opened)
	if all, err := s.(keystore.Lister).List(t.Context()); err != nil || !slices.Contains(all, want) {
		t.Errorf("listed: %v, %v", all, err)
	}
	_, err = targets(t, s).OpenTarget(t.Context(), want)
	wantCode(t, "as a target key", err, fault.KeyMissing)
	if err := s.Delete(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	_, err = signer.Sign(t.Context(), digest())
	wantCode(t, "sign with what was deleted", err, fault.KeyMissing)
}

// importsTwice: a bundle that is opened again, after a crash or by a second click, takes nothing away.
func importsTwice(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	private := p256.Generate()
	first := importKey(t, s, private)
	second := importKey(t, s, private)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.(keystore.Importer).Import(cancelled, private)
	wantCode(t, "cancelled", err, fault.Cancel)
	for _, key := range []keystore.Signer{first, second} {
		signs(t, key)
	}
	s.Forget()
	signs(t, first)
}

func importsNoOther(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for what, key := range map[string]*ecdsa.PrivateKey{"no key": nil, "another curve": other} {
		if _, err := s.(keystore.Importer).Import(t.Context(), key); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// everyFurtherMethod calls every method of Targets and Importer that takes a context, and leaves nothing behind.
func everyFurtherMethod(ctx context.Context, s keystore.Store, publicKey string) map[string]error {
	kept := s.(keystore.Targets)
	key, createTarget := kept.CreateTarget(ctx, func(string) error { return nil })
	_, open := kept.OpenTarget(ctx, publicKey)
	_, list := kept.ListTargets(ctx)
	signer, imported := s.(keystore.Importer).Import(ctx, p256.Generate())
	var left error
	if createTarget == nil {
		left = kept.DeleteTarget(context.Background(), key.PublicKey())
	}
	if imported == nil {
		left = errors.Join(left, s.Delete(context.Background(), signer.PublicKey()))
	}
	if left != nil {
		createTarget = left
	}
	return map[string]error{"create target": createTarget, "open target": open, "list targets": list, "import": imported,
		"delete target": kept.DeleteTarget(ctx, publicKey)}
}
