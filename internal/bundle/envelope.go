package bundle

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"latchkey/internal/p256"
)

// sizeMax is the longest bundle that is looked at. The largest real one, an exported phrase, has some 1,500
// characters.
const sizeMax = 16 << 10

const version = "v1.0.0"

// sealed is what only the holder of a target key can read.
type sealed struct {
	Encapped   string `json:"encappedPublic"` // uncompressed, hex
	Ciphertext string `json:"ciphertext"`     // hex
}

// sealText seals plaintext to target, as JSON text.
func sealText(target *ecdh.PublicKey, plaintext []byte) (string, error) {
	encapped, ciphertext, err := seal(target, plaintext)
	if err != nil {
		return "", err
	}
	return marshal(sealed{hex.EncodeToString(encapped), hex.EncodeToString(ciphertext)}), nil
}

// openText undoes sealText.
func openText(key ecdh.KeyExchanger, text string) ([]byte, error) {
	fields, err := readStrings([]byte(text), []string{"encappedPublic", "ciphertext"})
	if err != nil {
		return nil, err
	}
	return openFields(key, fields)
}

func openFields(key ecdh.KeyExchanger, fields map[string]string) ([]byte, error) {
	encapped, err := hex.DecodeString(fields["encappedPublic"])
	if err != nil {
		return nil, errors.New("encappedPublic: not hex")
	}
	ciphertext, err := hex.DecodeString(fields["ciphertext"])
	if err != nil {
		return nil, errors.New("ciphertext: not hex")
	}
	return open(key, encapped, ciphertext)
}

// signed is data that an enclave vouches for.
type signed struct {
	Version   string `json:"version"`
	Data      string `json:"data"`                // hex of JSON text
	Signature string `json:"dataSignature"`       // DER over the SHA-256 of the decoded data, hex
	Signer    string `json:"enclaveQuorumPublic"` // the enclave's key, uncompressed, hex
}

// signText signs the JSON of data with the enclave's key, as JSON text.
func signText(enclave *ecdsa.PrivateKey, data any) (string, error) {
	text := marshal(data)
	sum := sha256.Sum256([]byte(text))
	signature, err := ecdsa.SignASN1(rand.Reader, enclave, sum[:])
	if err != nil {
		return "", err
	}
	return marshal(signed{version, hex.EncodeToString([]byte(text)), hex.EncodeToString(signature), p256.Uncompressed(&enclave.PublicKey)}), nil
}

// openSigned returns the data of text if enclave signed it. The key that text names must be enclave, and is never
// used itself. A bundle without a version is taken, as Turnkey's own library does; one with another is not.
func openSigned(enclave *ecdsa.PublicKey, text string) ([]byte, error) {
	fields, err := readStrings([]byte(text), []string{"data", "dataSignature", "enclaveQuorumPublic"}, "version")
	if err != nil {
		return nil, err
	}
	if v, ok := fields["version"]; ok && v != version {
		return nil, fmt.Errorf("version %.16q, not %s", v, version)
	}
	if fields["enclaveQuorumPublic"] != p256.Uncompressed(enclave) {
		return nil, errors.New("signed by another enclave")
	}
	data, err := hex.DecodeString(fields["data"])
	if err != nil {
		return nil, errors.New("data: not hex")
	}
	signature, err := hex.DecodeString(fields["dataSignature"])
	if err != nil {
		return nil, errors.New("dataSignature: not hex")
	}
	sum := sha256.Sum256(data)
	if !ecdsa.VerifyASN1(enclave, sum[:], signature) {
		return nil, errors.New("the signature is not the enclave's")
	}
	return data, nil
}

// marshal is json.Marshal of our own structs, which cannot fail.
func marshal(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic("bundle: " + err.Error())
	}
	return string(text)
}

// parseTarget reads the uncompressed public key to which something is to be sealed.
func parseTarget(text string) (*ecdh.PublicKey, error) {
	pub, err := p256.ParsePublic(text)
	if err != nil {
		return nil, err
	}
	return pub.ECDH()
}
