package stamp

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	k1ecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"golang.org/x/crypto/sha3"
)

// Signed is what a wallet that stands elsewhere, in a browser, has made of a body: its stamp, and whose it is.
type Signed struct {
	Stamp     *Stamp
	PublicKey string   // as API keys spell it
	Address   [20]byte // of Ethereum; zero for Solana
}

// OfEthereum makes the stamp of a personal message (EIP-191, version 0x45) that an Ethereum wallet has signed. The
// signature is the 65 bytes that wallets give back, R, S and V, from which the public key follows; whether the wallet is
// the one that was asked, its address tells. Source: EIP-191, EIP-1193's personal_sign.
func OfEthereum(body, signature []byte) (Signed, error) {
	if len(signature) != 65 {
		return Signed{}, errors.New("want 65 bytes of signature")
	}
	v := signature[64]
	if v >= 27 {
		v -= 27
	}
	if v > 1 { // 2 and 3 are for an R over the order, which no wallet makes
		return Signed{}, errors.New("the signature's V is neither 0 nor 1, 27 nor 28")
	}
	compact := append([]byte{27 + 4 + v}, signature[:64]...)
	pub, _, err := k1ecdsa.RecoverCompact(compact, secp256k1Digest(SchemeEIP191, body))
	if err != nil {
		return Signed{}, errors.New("no key has made this signature over this body")
	}
	var r, s secp256k1.ModNScalar
	if r.SetByteSlice(signature[:32]) || s.SetByteSlice(signature[32:64]) {
		return Signed{}, errors.New("the signature is over the order of the curve")
	}
	h := sha3.NewLegacyKeccak256()
	h.Write(pub.SerializeUncompressed()[1:])
	public := hex.EncodeToString(pub.SerializeCompressed())
	return Signed{walletStamp(public, SchemeEIP191, k1ecdsa.NewSignature(&r, &s).Serialize()), public, [20]byte(h.Sum(nil)[12:])}, nil
}

// OfSolana makes the stamp of a message that a Solana wallet has signed with the key that it names.
func OfSolana(body, publicKey, signature []byte) (Signed, error) {
	if len(publicKey) != ed25519.PublicKeySize || len(signature) != ed25519.SignatureSize || !ed25519.Verify(publicKey, body, signature) {
		return Signed{}, errors.New("the signature is not by this key over this body")
	}
	public := hex.EncodeToString(publicKey)
	return Signed{Stamp: walletStamp(public, SchemeEd25519, signature), PublicKey: public}, nil
}

func walletStamp(public, scheme string, signature []byte) *Stamp {
	text := `{"publicKey":"` + public + `","scheme":"` + scheme + `","signature":"` + hex.EncodeToString(signature) + `"}`
	return &Stamp{HeaderName: HeaderAPIKey, HeaderValue: base64.RawURLEncoding.EncodeToString([]byte(text))}
}
