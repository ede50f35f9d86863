package keystoretest

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/p256"
)

// targets returns s as what keeps target keys, which every backend does.
func targets(t *testing.T, s keystore.Store) keystore.Targets {
	t.Helper()
	kept, ok := s.(keystore.Targets)
	if !ok {
		t.Fatalf("%T keeps no target keys", s)
	}
	return kept
}

func createTarget(t *testing.T, s keystore.Store) keystore.Decapsulator {
	t.Helper()
	key, err := targets(t, s).CreateTarget(t.Context(), func(string) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = targets(t, s).DeleteTarget(context.Background(), key.PublicKey()) })
	return key
}

// exchanges checks that the key shares with a stranger what the stranger shares with it.
func exchanges(ctx context.Context, key keystore.Decapsulator) error {
	public, err := p256.ParsePublic(key.PublicKey())
	if err != nil {
		return err
	}
	point, err := public.ECDH()
	if err != nil {
		return err
	}
	stranger, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	want, err := stranger.ECDH(point)
	if err != nil {
		return err
	}
	got, err := key.ECDH(ctx, stranger.PublicKey())
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return errors.New("the shared secret is another")
	}
	return nil
}

func targetExchanges(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	a, b := createTarget(t, s), createTarget(t, s)
	if a.PublicKey() == b.PublicKey() {
		t.Fatal("two keys are the same")
	}
	s.Forget()
	opened, err := targets(t, s).OpenTarget(t.Context(), a.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	if opened.PublicKey() != a.PublicKey() {
		t.Errorf("opened %s, asked for %s", opened.PublicKey(), a.PublicKey())
	}
	for range 8 { // one shared secret in 256 begins with a zero, which must not be left out
		for _, key := range []keystore.Decapsulator{a, b, opened} {
			if err := exchanges(t.Context(), key); err != nil {
				t.Error(err)
			}
		}
	}
	for _, curve := range []ecdh.Curve{ecdh.X25519(), ecdh.P384()} {
		foreign, err := curve.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.ECDH(t.Context(), foreign.PublicKey()); fault.KindOf(err) != fault.Invalid {
			t.Errorf("a peer of %v: %v", curve, err)
		}
	}
}

func targetNamed(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := targets(t, newStore(t))
	var name string
	key, err := s.CreateTarget(t.Context(), func(publicKey string) error {
		name = publicKey
		_, err := s.OpenTarget(t.Context(), publicKey)
		wantCode(t, "open before it exists", err, fault.KeyMissing)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if name != key.PublicKey() {
		t.Errorf("named %s, made %s", name, key.PublicKey())
	}
	if err := s.DeleteTarget(t.Context(), key.PublicKey()); err != nil {
		t.Fatal(err)
	}
	refusal := errors.New("cannot be written down")
	if _, err := s.CreateTarget(t.Context(), func(publicKey string) error { name = publicKey; return refusal }); !errors.Is(err, refusal) {
		t.Errorf("got %v, want the refusal", err)
	}
	_, err = s.OpenTarget(t.Context(), name)
	wantCode(t, "open after the refusal", err, fault.KeyMissing)
}

func targetGone(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	key := createTarget(t, s)
	kept := targets(t, s)
	if err := kept.DeleteTarget(t.Context(), key.PublicKey()); err != nil {
		t.Fatal(err)
	}
	_, err := kept.OpenTarget(t.Context(), key.PublicKey())
	wantCode(t, "open", err, fault.KeyMissing)
	wantCode(t, "delete again", kept.DeleteTarget(t.Context(), key.PublicKey()), fault.KeyMissing)
	wantCode(t, "exchange with a key from before", exchanges(t.Context(), key), fault.KeyMissing)
	for _, odd := range []string{"", "02", strings.Repeat("0", 66), strings.ToUpper(key.PublicKey()), "../../etc"} {
		_, err := kept.OpenTarget(t.Context(), odd)
		wantCode(t, fmt.Sprintf("open %q", odd), err, fault.KeyMissing)
		wantCode(t, fmt.Sprintf("delete %q", odd), kept.DeleteTarget(t.Context(), odd), fault.KeyMissing)
	}
}

// targetsAreNoSigners: neither kind is found, deleted or listed as the other, and no value has the methods of both.
func targetsAreNoSigners(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	s := newStore(t)
	signer, target := create(t, s), createTarget(t, s)
	kept := targets(t, s)
	if _, both := target.(keystore.Signer); both {
		t.Error("a target key signs")
	}
	if _, both := signer.(keystore.Decapsulator); both {
		t.Error("a signer exchanges")
	}
	for range 2 { // from memory, and from where it is stored
		_, err := s.Open(t.Context(), target.PublicKey())
		wantCode(t, "open a target key as a signer", err, fault.KeyMissing)
		_, err = kept.OpenTarget(t.Context(), signer.PublicKey())
		wantCode(t, "open a signer as a target key", err, fault.KeyMissing)
		s.Forget()
	}
	wantCode(t, "delete a target key as a signer", s.Delete(t.Context(), target.PublicKey()), fault.KeyMissing)
	wantCode(t, "delete a signer as a target key", kept.DeleteTarget(t.Context(), signer.PublicKey()), fault.KeyMissing)
	signs(t, signer)
	if err := exchanges(t.Context(), target); err != nil {
		t.Error(err)
	}
	signers, err := s.(keystore.Lister).List(t.Context())
	if err != nil || !slices.Contains(signers, signer.PublicKey()) || slices.Contains(signers, target.PublicKey()) {
		t.Errorf("signers: %v, %v", signers, err)
	}
	all, err := kept.ListTargets(t.Context())
	if err != nil || !slices.Contains(all, target.PublicKey()) || slices.Contains(all, signer.PublicKey()) {
		t.Errorf("target keys: %v, %v", all, err)
	}
	if got := fmt.Sprintf("%#v %s %d", target, target, target); strings.Count(got, "target key "+target.PublicKey()) != 3 {
		t.Errorf("a target key prints %q", got)
	}
}

func targetPersists(t *testing.T, newStore func(t *testing.T) keystore.Store) {
	first := newStore(t)
	key := createTarget(t, first)
	opened, err := targets(t, newStore(t)).OpenTarget(t.Context(), key.PublicKey())
	if first.Backend() == "memory" {
		wantCode(t, "open in another memory", err, fault.KeyMissing)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := exchanges(t.Context(), opened); err != nil {
		t.Error(err)
	}
}
