package bundle

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"latchkey/internal/p256"
)

func TestExportVectors(t *testing.T) {
	target, signer := exchange(t, targetPrivate), private(t, signerPrivate)
	scalar, _ := hex.DecodeString(exportedScalar)
	for name, c := range map[string]struct {
		bundle string
		want   []byte
	}{"the phrase": {exportedPhrase, []byte(phrase)}, "a private key": {exportedKey, scalar}} {
		got, err := OpenExport(target, c.bundle, &signer.PublicKey, subOrganization)
		if err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("%s: %x, %v", name, got, err)
		}
		// By the book, the sealed part comes out to the byte.
		data, err := openSigned(&signer.PublicKey, c.bundle)
		if err != nil {
			t.Fatal(err)
		}
		ephemeral := exchange(t, ephemeralPrivate)
		ciphertext := hex.EncodeToString(from(t, ephemeral, target.PublicKey()).seal(t, c.want))
		want := `{"encappedPublic":"` + hex.EncodeToString(ephemeral.PublicKey().Bytes()) + `","ciphertext":"` + ciphertext + `","organizationId":"` + subOrganization + `"}`
		if string(data) != want {
			t.Errorf("%s: data %s\nwant %s", name, data, want)
		}
	}
}

func TestExportsOfOthersAreRefused(t *testing.T) {
	target, signer := exchange(t, targetPrivate), private(t, signerPrivate)
	if _, err := OpenExport(target, exportedPhrase, &signer.PublicKey, parentOrganization); !isInvalid(err) {
		t.Errorf("for another organization: %v", err)
	}
	if _, err := OpenExport(target, exportedPhrase, &signer.PublicKey, ""); !isInvalid(err) {
		t.Errorf("for no organization: %v", err)
	}
	if _, err := OpenExport(target, exportedPhrase, public(t, productionSigner), subOrganization); !isInvalid(err) {
		t.Errorf("under the production key: %v", err)
	}
	if _, err := OpenExport(exchange(t, enclavePrivate), exportedPhrase, &signer.PublicKey, subOrganization); !isInvalid(err) {
		t.Errorf("with another key: %v", err)
	}
	other := p256.Generate()
	forged, err := SealExport(other, target.PublicKey(), subOrganization, []byte(phrase))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenExport(target, forged, &signer.PublicKey, subOrganization); !isInvalid(err) {
		t.Errorf("signed by another: %v", err)
	}
	forged = strings.Replace(forged, p256.Uncompressed(&other.PublicKey), p256.Uncompressed(&signer.PublicKey), 1)
	if _, err := OpenExport(target, forged, &signer.PublicKey, subOrganization); !isInvalid(err) {
		t.Errorf("signed by another in our name: %v", err)
	}
	if _, err := OpenExport(target, importTarget, &signer.PublicKey, subOrganization); !isInvalid(err) {
		t.Errorf("an import target: %v", err)
	}
}

func TestWhatIsExportedOpens(t *testing.T) {
	target, signer := exchange(t, targetPrivate), p256.Generate()
	for _, want := range []string{phrase, phrase + "\npassphrase", "", strings.Repeat("x", 2048)} {
		bundle, err := SealExport(signer, target.PublicKey(), subOrganization, []byte(want))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := OpenExport(target, bundle, &signer.PublicKey, subOrganization); err != nil || string(got) != want {
			t.Errorf("%q came back as %q, %v", want, got, err)
		}
	}
}

func TestImportVectors(t *testing.T) {
	enclave, signer := exchange(t, enclavePrivate), private(t, signerPrivate)
	scalar, _ := hex.DecodeString(importedScalar)
	for name, c := range map[string]struct {
		bundle string
		want   []byte
	}{"the phrase": {importedPhrase, []byte(phrase)}, "a private key": {importedKey, scalar}} {
		if got, err := OpenImport(enclave, c.bundle); err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("%s: %x, %v", name, got, err)
		}
		sealed, err := SealImport(importTarget, &signer.PublicKey, subOrganization, user, c.want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := OpenImport(enclave, sealed); err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("%s, sealed by us: %x, %v", name, got, err)
		}
		if _, err := OpenImport(exchange(t, targetPrivate), sealed); !isInvalid(err) {
			t.Errorf("%s, with another key: %v", name, err)
		}
	}
}

// What is imported is a whole wallet, so its target must be the enclave's, for this organization and this user.
func TestImportTargetsOfOthersAreRefused(t *testing.T) {
	enclave, signer := exchange(t, enclavePrivate), private(t, signerPrivate)
	made, err := NewImportTarget(signer, enclave.PublicKey(), subOrganization, user)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := SealImport(made, &signer.PublicKey, subOrganization, user, []byte(phrase)); err != nil {
		t.Errorf("our own target: %v", err)
	}
	theirs, err := NewImportTarget(p256.Generate(), enclave.PublicKey(), subOrganization, user)
	if err != nil {
		t.Fatal(err)
	}
	nobody, err := NewImportTarget(signer, enclave.PublicKey(), subOrganization, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ target, organization, user string }{
		"another organization":          {importTarget, parentOrganization, user},
		"another user":                  {importTarget, subOrganization, parentOrganization},
		"another signer":                {theirs, subOrganization, user},
		"for nobody":                    {nobody, subOrganization, user},
		"for nobody, wanted for nobody": {nobody, subOrganization, ""},
		"an OTP target":                 {otpTarget, subOrganization, user},
		"an export":                     {exportedPhrase, subOrganization, user},
	} {
		if text, err := SealImport(c.target, &signer.PublicKey, c.organization, c.user, []byte(phrase)); !isInvalid(err) || text != "" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}
