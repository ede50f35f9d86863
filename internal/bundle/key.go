package bundle

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"encoding/hex"
	"errors"
	"fmt"
)

// exported is the data of an export bundle.
type exported struct {
	sealed
	OrganizationID string `json:"organizationId"`
}

// SealExport encrypts plaintext (a phrase, or 32 bytes of a private key) to target and signs it with the enclave's
// signer, as an exportBundle.
func SealExport(signer *ecdsa.PrivateKey, target *ecdh.PublicKey, organizationID string, plaintext []byte) (string, error) {
	encapped, ciphertext, err := seal(target, plaintext)
	if err != nil {
		return "", fmt.Errorf("export bundle: %w", err)
	}
	return signText(signer, exported{sealed{hex.EncodeToString(encapped), hex.EncodeToString(ciphertext)}, organizationID})
}

// OpenExport decrypts an exportBundle that signer signed for organizationID. Errors: fault.BundleInvalid.
func OpenExport(key ecdh.KeyExchanger, bundle string, signer *ecdsa.PublicKey, organizationID string) ([]byte, error) {
	plaintext, err := openExport(key, bundle, signer, organizationID)
	if err != nil {
		return nil, invalid(fmt.Errorf("export bundle: %w", err))
	}
	return plaintext, nil
}

func openExport(key ecdh.KeyExchanger, bundle string, signer *ecdsa.PublicKey, organizationID string) ([]byte, error) {
	data, err := openSigned(signer, bundle)
	if err != nil {
		return nil, err
	}
	fields, err := readStrings(data, []string{"encappedPublic", "ciphertext", "organizationId"})
	if err != nil {
		return nil, err
	}
	if fields["organizationId"] != organizationID {
		return nil, errors.New("for another organization")
	}
	return openFields(key, fields)
}

// NewImportTarget returns an importBundle: the enclave signer's word that userID of organizationID may encrypt to key
// what is to be imported.
func NewImportTarget(signer *ecdsa.PrivateKey, key *ecdh.PublicKey, organizationID, userID string) (string, error) {
	return signText(signer, target{Public: hex.EncodeToString(key.Bytes()), OrganizationID: organizationID, UserID: userID})
}

// SealImport encrypts plaintext (a phrase, or 32 bytes of a private key) to the key of an importBundle that signer
// signed for exactly this organization and user, and returns an encryptedBundle. Errors: fault.BundleInvalid.
func SealImport(bundle string, signer *ecdsa.PublicKey, organizationID, userID string, plaintext []byte) (string, error) {
	text, err := sealImport(bundle, signer, organizationID, userID, plaintext)
	if err != nil {
		return "", invalid(fmt.Errorf("import bundle: %w", err))
	}
	return text, nil
}

func sealImport(bundle string, signer *ecdsa.PublicKey, organizationID, userID string, plaintext []byte) (string, error) {
	data, err := openSigned(signer, bundle)
	if err != nil {
		return "", err
	}
	fields, err := readStrings(data, []string{"targetPublic", "organizationId", "userId"})
	if err != nil {
		return "", err
	}
	if fields["organizationId"] != organizationID || fields["userId"] != userID {
		return "", errors.New("for another organization or user")
	}
	to, err := parseTarget(fields["targetPublic"])
	if err != nil {
		return "", err
	}
	return sealText(to, plaintext)
}

// OpenImport decrypts an encryptedBundle with the key of its target. Errors: fault.BundleInvalid.
func OpenImport(key ecdh.KeyExchanger, bundle string) ([]byte, error) {
	plaintext, err := openText(key, bundle)
	if err != nil {
		return nil, invalid(fmt.Errorf("imported bundle: %w", err))
	}
	return plaintext, nil
}
