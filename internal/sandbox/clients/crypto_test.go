package clients_test

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"latchkey/internal/bundle"
	"latchkey/internal/p256"
	"latchkey/internal/stamp"
	"latchkey/internal/token"
)

// Tokens, stamps and bundles are made by Go and read by @turnkey/crypto, and the other way round, without a server
// between them.
func TestR21_CryptoReadsWhatWeMakeAndWeReadWhatItMakes(t *testing.T) {
	const (
		organization = "11111111-2222-4333-8444-555555555555"
		user         = "99999999-8888-4777-8666-555555555555"
		phrase       = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
		body         = `{"organizationId":"11111111-2222-4333-8444-555555555555","note":"ünï & <b>"}`
	)
	notarizer, fetcher, signer, api := p256.Generate(), p256.Generate(), p256.Generate(), p256.Generate()
	key := p256.NewKey(api)
	target, err := ecdh.P256().GenerateKey(rand.Reader)
	must(t, err)

	session, err := token.IssueSession(notarizer, token.Session{PublicKey: key.PublicKey(), SessionType: "SESSION_TYPE_READ_WRITE",
		UserID: user, OrganizationID: organization, Expires: time.Now().Add(time.Hour)})
	must(t, err)
	proof := token.Verification{ID: "0d5f2d1c-6f0c-4b6e-9a53-1f0b9f7a4c11", OrganizationID: organization, VerificationType: "OTP_TYPE_EMAIL",
		Contact: "ada@example.com", PublicKey: key.PublicKey(), Expires: time.Now().Add(time.Hour)}
	verification, err := token.IssueVerification(fetcher, proof)
	must(t, err)
	proof.Expires = time.Now().Add(-time.Second)
	expired, err := token.IssueVerification(fetcher, proof)
	must(t, err)
	stamped, err := stamp.APIKey{Signer: key}.Stamp(t.Context(), []byte(body))
	must(t, err)
	otpTarget, err := bundle.NewOTPTarget(fetcher, target.PublicKey(), organization)
	must(t, err)
	credential, err := bundle.SealCredential(target.PublicKey(), api)
	must(t, err)
	exportedPhrase, err := bundle.SealExport(signer, target.PublicKey(), organization, []byte(phrase))
	must(t, err)
	scalar, err := hex.DecodeString(p256.PrivateHex(api))
	must(t, err)
	exportedKey, err := bundle.SealExport(signer, target.PublicKey(), organization, scalar)
	must(t, err)
	importTarget, err := bundle.NewImportTarget(signer, target.PublicKey(), organization, user)
	must(t, err)

	var back struct{ OTP, Node, PureJS, ImportedPhrase, ImportedKey string }
	out := node(t, "crypto.mjs", nil, map[string]any{
		"organization": organization, "user": user, "phrase": phrase, "body": body, "fingerprint": stamp.Fingerprint([]byte(body)),
		"notarizer": p256.Uncompressed(&notarizer.PublicKey), "fetcher": p256.Uncompressed(&fetcher.PublicKey), "signer": p256.Uncompressed(&signer.PublicKey),
		"apiPublicKey": key.PublicKey(), "apiPrivateKey": p256.PrivateHex(api), "targetPrivateKey": hex.EncodeToString(target.Bytes()),
		"session": session, "verification": verification, "expired": expired, "stamp": stamped.HeaderValue,
		"claims":    map[string]string{"id": proof.ID, "type": proof.VerificationType, "contact": proof.Contact, "organization": organization, "key": proof.PublicKey},
		"otpTarget": otpTarget, "credential": credential, "exportedPhrase": exportedPhrase, "exportedKey": exportedKey, "importTarget": importTarget,
	})
	must(t, json.Unmarshal(out, &back))

	for runtime, header := range map[string]string{"node": back.Node, "purejs": back.PureJS} {
		s, err := stamp.ParseAPI(header)
		must(t, err)
		if err := s.Verify([]byte(body)); err != nil || s.PublicKey != key.PublicKey() {
			t.Errorf("the stamp of %s: %v", runtime, err)
		}
		if err := s.Verify([]byte(body + " ")); err == nil {
			t.Errorf("the stamp of %s verifies over another body", runtime)
		}
	}
	code, public, err := bundle.OpenOTP(target, back.OTP)
	if err != nil || code != "  123456" || public != key.PublicKey() {
		t.Errorf("their OTP bundle: code %q, key %s, %v", code, public, err)
	}
	if got, err := bundle.OpenImport(target, back.ImportedPhrase); err != nil || string(got) != phrase {
		t.Errorf("their import of a phrase: %v", err)
	}
	if got, err := bundle.OpenImport(target, back.ImportedKey); err != nil || !sameScalar(got, api) {
		t.Errorf("their import of a key: %v", err)
	}
}

func sameScalar(raw []byte, key *ecdsa.PrivateKey) bool {
	return hex.EncodeToString(raw) == p256.PrivateHex(key)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
