package bundle

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

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
	fields, err := readStrings([]byte(text), "encappedPublic", "ciphertext")
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
	fields, err := readStrings([]byte(text), "data", "dataSignature", "enclaveQuorumPublic", "version?")
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

// readStrings reads text as one JSON object and returns the named members, which must be strings and must be there,
// except those marked with a question mark. Other members are passed over. encoding/json alone would take the last of two
// equal names, and names in any case.
func readStrings(text []byte, names ...string) (map[string]string, error) {
	if len(text) > sizeMax {
		return nil, fmt.Errorf("%d bytes, at most %d", len(text), sizeMax)
	}
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil, errors.New("not JSON")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	all := map[string]json.RawMessage{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, errors.New("not JSON")
		}
		if _, ok := all[name.(string)]; ok {
			return nil, fmt.Errorf("%.32q twice", name)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, errors.New("not JSON")
		}
		all[name.(string)] = value
	}
	if _, err := dec.Token(); err != nil {
		return nil, errors.New("not JSON")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("data after the JSON object")
	}
	got := map[string]string{}
	for _, name := range names {
		name, optional := optionalName(name)
		value, ok := all[name]
		if !ok && optional {
			continue
		}
		if len(value) == 0 || value[0] != '"' {
			return nil, fmt.Errorf("%s: want a string", name)
		}
		var s string
		if err := json.Unmarshal(value, &s); err != nil {
			return nil, fmt.Errorf("%s: not a string", name)
		}
		got[name] = s
	}
	return got, nil
}

func optionalName(name string) (string, bool) {
	if last := len(name) - 1; name[last] == '?' {
		return name[:last], true
	}
	return name, false
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
