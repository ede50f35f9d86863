package keystore_test

import (
	"context"
	"crypto/ecdh"
	"testing"

	"latchkey/internal/bundle"
	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/p256"
)

// opensBundles shows that whatever is sealed to a target key of s opens with it, while its scalar stays in s, and that
// the key of a credential bundle becomes one of s.
func opensBundles(t *testing.T, s keystore.Store) {
	const organization, user = "8f7b6c5d-0000-4000-8000-000000000001", "8f7b6c5d-0000-4000-8000-000000000002"
	key, err := s.(keystore.Targets).CreateTarget(t.Context(), func(string) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	exchanger, err := keystore.Exchanger(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if exchanger.Curve() != ecdh.P256() || exchanger.PublicKey().Curve() != ecdh.P256() {
		t.Error("of another curve")
	}
	enclave := p256.Generate()
	sealed, err := bundle.SealExport(enclave, exchanger.PublicKey(), organization, []byte("twelve words"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := bundle.OpenExport(exchanger, sealed, &enclave.PublicKey, organization); err != nil || string(got) != "twelve words" {
		t.Errorf("export bundle: %q, %v", got, err)
	}
	target, err := bundle.NewImportTarget(enclave, exchanger.PublicKey(), organization, user)
	if err != nil {
		t.Fatal(err)
	}
	if sealed, err = bundle.SealImport(target, &enclave.PublicKey, organization, user, []byte("thirteen")); err != nil {
		t.Fatal(err)
	}
	if got, err := bundle.OpenImport(exchanger, sealed); err != nil || string(got) != "thirteen" {
		t.Errorf("import bundle: %q, %v", got, err)
	}
	credential := p256.Generate()
	if sealed, err = bundle.SealCredential(exchanger.PublicKey(), credential); err != nil {
		t.Fatal(err)
	}
	opened, err := bundle.OpenCredential(exchanger, sealed)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := s.(keystore.Importer).Import(t.Context(), opened)
	if err != nil {
		t.Fatal(err)
	}
	if signer.PublicKey() != p256.Compressed(&credential.PublicKey) {
		t.Errorf("imported %s", signer.PublicKey())
	}
	if _, err := signer.Sign(t.Context(), make([]byte, 32)); err != nil {
		t.Error(err)
	}

	// A store that cannot be asked says so in its own words: the bundle is as good as it was.
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	late, err := keystore.Exchanger(ended, key)
	if err != nil {
		t.Fatal(err)
	}
	_, err = bundle.OpenCredential(late, sealed)
	wantCode(t, "open while the store cannot be asked", err, fault.Cancel)
	if err := s.(keystore.Targets).DeleteTarget(t.Context(), key.PublicKey()); err != nil {
		t.Fatal(err)
	}
	_, err = bundle.OpenCredential(exchanger, sealed)
	wantCode(t, "open with a deleted key", err, fault.KeyMissing)
}

func TestBundlesOpenWithTargetKeys(t *testing.T) {
	t.Run("memory", func(t *testing.T) { opensBundles(t, keystore.NewMemory()) })
	t.Run("passphrase", func(t *testing.T) { opensBundles(t, passphraseFile(t, place(t), says(words))) })
}
