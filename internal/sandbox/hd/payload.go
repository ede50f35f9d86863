package hd

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"latchkey/internal/chain"
)

// SignRawPayload does what the activity of that name does: payload is read as encoding says, hashed as hashFunction
// says, and signed by the scheme that the key's curve and the address's format name together: ed25519; BIP-340 Schnorr
// with the BIP-341 tweak for P2TR; ECDSA for all else. addressFormat may be empty for a key without an address.
//
// Ed25519 goes with HASH_FUNCTION_NOT_APPLICABLE and the others do not; typed data and authorizations, which are
// digests by themselves, go with HASH_FUNCTION_NO_OP and an ECDSA key of secp256k1.
func SignRawPayload(k Key, addressFormat, payload, encoding, hashFunction string) (r, s, v string, err error) {
	taproot := strings.HasPrefix(addressFormat, "ADDRESS_FORMAT_BITCOIN_") && strings.HasSuffix(addressFormat, "_P2TR")
	if strings.HasPrefix(addressFormat, "ADDRESS_FORMAT_SPARK_") {
		return "", "", "", errFormat()
	}
	message, digested, err := readPayload(payload, encoding)
	if err != nil {
		return "", "", "", err
	}
	if digested && (k.Curve != Secp256k1 || taproot) {
		return "", "", "", errEncoding()
	}
	if digested && hashFunction != "HASH_FUNCTION_NO_OP" {
		return "", "", "", errHash()
	}
	if message, err = applyHash(message, k.Curve, hashFunction); err != nil {
		return "", "", "", err
	}
	if !taproot {
		return SignDigest(k, message)
	}
	left, right, err := SignTaproot(k, message)
	if err != nil {
		return "", "", "", err
	}
	return spell(left, right, 0)
}

// readPayload returns the bytes that payload spells, and whether they are a digest already.
func readPayload(payload, encoding string) (raw []byte, digested bool, err error) {
	switch encoding {
	case "PAYLOAD_ENCODING_HEXADECIMAL":
		raw, err := hex.DecodeString(strings.TrimPrefix(payload, "0x"))
		if err != nil {
			return nil, false, invalid("payload is not hexadecimal")
		}
		return raw, false, nil
	case "PAYLOAD_ENCODING_TEXT_UTF8":
		return []byte(payload), false, nil
	case "PAYLOAD_ENCODING_EIP712":
		typed, err := chain.ParseTypedData([]byte(payload))
		if err != nil {
			return nil, false, err
		}
		digest, err := typed.Digest()
		return digest, true, err
	case "PAYLOAD_ENCODING_EIP7702_AUTHORIZATION":
		a, err := chain.ParseAuthorization([]byte(payload))
		if err != nil {
			return nil, false, err
		}
		return a.Digest(), true, nil
	}
	return nil, false, errEncoding()
}

// applyHash returns what is signed: 32 bytes, or with ed25519 the message itself.
func applyHash(message []byte, curve, hashFunction string) ([]byte, error) {
	if (curve == Ed25519) != (hashFunction == "HASH_FUNCTION_NOT_APPLICABLE") {
		return nil, errHash()
	}
	switch hashFunction {
	case "HASH_FUNCTION_NOT_APPLICABLE":
		return message, nil
	case "HASH_FUNCTION_NO_OP":
		if len(message) != 32 {
			return nil, errDigest()
		}
		return message, nil
	case "HASH_FUNCTION_SHA256":
		sum := sha256.Sum256(message)
		return sum[:], nil
	case "HASH_FUNCTION_KECCAK256":
		return chain.Keccak256(message), nil
	}
	return nil, errHash()
}

func errEncoding() error { return invalid("invalid payload encoding") }
func errHash() error     { return invalid("invalid hash function") }
