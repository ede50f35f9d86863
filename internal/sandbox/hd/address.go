package hd

import (
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha3"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/ripemd160" //nolint:staticcheck // old, and what addresses are defined by

	"latchkey/internal/chain"
)

// Address spells the public half of key as format (ADDRESS_FORMAT_...) does. A format that is unknown or not done here
// is "invalid address format"; one that belongs to another curve is "invalid curve". Only key.Curve and key.Public are
// read.
func Address(format string, key Key) (string, error) {
	encode, err := encoding(format, key.Curve)
	if err != nil {
		return "", err
	}
	return encode(key.Public)
}

type encoder func(pub []byte) (string, error)

// encoding finds the encoder of format, after making sure that it belongs to curve.
func encoding(format, curve string) (encoder, error) {
	name, _ := strings.CutPrefix(format, "ADDRESS_FORMAT_")
	if name == format {
		return nil, errFormat()
	}
	var encode encoder
	home := Secp256k1
	switch name {
	case "COMPRESSED":
		return asHex, checkCurve(curve, Secp256k1, P256, Ed25519)
	case "UNCOMPRESSED":
		encode = secp256k1Uncompressed
		if curve == P256 {
			encode = p256Uncompressed
		}
		return encode, checkCurve(curve, Secp256k1, P256)
	case "ETHEREUM":
		encode = chain.EthereumAddress
	case "TRON":
		encode = tron
	case "COSMOS":
		encode = bech32Hash160("cosmos")
	case "SEI":
		encode = bech32Hash160("sei")
	case "XRP":
		encode = func(pub []byte) (string, error) { return base58Check(ripple(), 0, hash160(pub)), nil }
	case "DOGE_MAINNET":
		encode = p2pkh(0x1e)
	case "DOGE_TESTNET":
		encode = p2pkh(0x71)
	case "SOLANA":
		encode, home = chain.SolanaAddress, Ed25519
	case "SUI":
		encode, home = sui, Ed25519
	case "APTOS":
		encode, home = aptos, Ed25519
	case "XLM":
		encode, home = stellar, Ed25519
	default:
		if encode = bitcoin(name); encode == nil {
			return nil, errFormat()
		}
	}
	return encode, checkCurve(curve, home)
}

func checkCurve(curve string, homes ...string) error {
	if !slices.Contains(homes, curve) {
		return invalid("invalid curve")
	}
	return nil
}

func errFormat() error { return invalid("invalid address format") }

// bitcoin finds BITCOIN_<network>_<script>. Nil: unknown, or P2WSH.
func bitcoin(name string) encoder {
	rest, ok := strings.CutPrefix(name, "BITCOIN_")
	network, script, ok2 := strings.Cut(rest, "_")
	if !ok || !ok2 {
		return nil
	}
	keyVersion, scriptVersion, hrp := byte(0x6f), byte(0xc4), "tb" // signet has testnet's
	switch network {
	case "MAINNET":
		keyVersion, scriptVersion, hrp = 0, 5, "bc"
	case "REGTEST":
		hrp = "bcrt"
	case "TESTNET", "SIGNET":
	default:
		return nil
	}
	switch script {
	case "P2PKH":
		return p2pkh(keyVersion)
	case "P2SH":
		return p2sh(scriptVersion)
	case "P2WPKH":
		return func(pub []byte) (string, error) { return segwit(hrp, 0, hash160(pub)), nil }
	case "P2TR":
		return func(pub []byte) (string, error) {
			output, err := taprootOutput(pub)
			return segwit(hrp, 1, output), err
		}
	}
	return nil
}

func asHex(pub []byte) (string, error) { return hex.EncodeToString(pub), nil }

func secp256k1Uncompressed(pub []byte) (string, error) {
	key, err := secp256k1.ParsePubKey(pub)
	if err != nil {
		return "", errPublic()
	}
	return hex.EncodeToString(key.SerializeUncompressed()), nil
}

func p256Uncompressed(pub []byte) (string, error) {
	x, y := elliptic.UnmarshalCompressed(elliptic.P256(), pub)
	if x == nil {
		return "", errPublic()
	}
	point := make([]byte, 65)
	point[0] = 4
	x.FillBytes(point[1:33])
	y.FillBytes(point[33:])
	return hex.EncodeToString(point), nil
}

func errPublic() error { return invalid("invalid public key") }

func tron(pub []byte) (string, error) {
	text, err := chain.EthereumAddress(pub)
	if err != nil {
		return "", err
	}
	address, err := chain.ParseEthereumAddress(text)
	return base58Check(bitcoinAlphabet(), 0x41, address[:]), err
}

func bech32Hash160(hrp string) encoder {
	return func(pub []byte) (string, error) { return bech32(hrp, bech32Const, regroup(hash160(pub))), nil }
}

func p2pkh(version byte) encoder {
	return func(pub []byte) (string, error) { return base58Check(bitcoinAlphabet(), version, hash160(pub)), nil }
}

// p2sh hashes the P2PKH script: OP_DUP OP_HASH160 <hash> OP_EQUALVERIFY OP_CHECKSIG. The package comment says why.
func p2sh(version byte) encoder {
	return func(pub []byte) (string, error) {
		script := slices.Concat([]byte{0x76, 0xa9, 20}, hash160(pub), []byte{0x88, 0xac})
		return base58Check(bitcoinAlphabet(), version, hash160(script)), nil
	}
}

// sui hashes the flag of ed25519 and the key.
func sui(pub []byte) (string, error) {
	sum := blake2b.Sum256(append([]byte{0}, pub...))
	return "0x" + hex.EncodeToString(sum[:]), nil
}

// aptos hashes the key and the identifier of the single-signature scheme.
func aptos(pub []byte) (string, error) {
	sum := sha3.Sum256(append(slices.Clone(pub), 0))
	return "0x" + hex.EncodeToString(sum[:]), nil
}

// hash160 is RIPEMD-160 of SHA-256.
func hash160(b []byte) []byte {
	sum := sha256.Sum256(b)
	h := ripemd160.New()
	h.Write(sum[:])
	return h.Sum(nil)
}
