package bundle

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"encoding/hex"
	"errors"
	"fmt"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
)

// codeMax is far above any one-time code (nine characters).
const codeMax = 64

// code is the plaintext of an OTP bundle, in this field order.
type code struct {
	Code      string `json:"otp_code"`
	PublicKey string `json:"public_key"`
}

// target is the data of a signed bundle that says where to encrypt to.
type target struct {
	Public         string `json:"targetPublic"` // uncompressed, hex
	OrganizationID string `json:"organizationId,omitempty"`
	UserID         string `json:"userId,omitempty"`
}

// NewOTPTarget returns an otpEncryptionTargetBundle: fetcher's word that codes may be encrypted to key.
func NewOTPTarget(fetcher *ecdsa.PrivateKey, key *ecdh.PublicKey, organizationID string) (string, error) {
	return signText(fetcher, target{Public: hex.EncodeToString(key.Bytes()), OrganizationID: organizationID})
}

// SealOTP encrypts a code, together with the compressed public key that is to use the verification token, to the key
// of targetBundle, and returns an encryptedOtpBundle. The target must be signed by fetcher, else the code would go to
// whoever made it. Errors: fault.BundleInvalid for the target; fault.RequestInvalid for a code or key of the wrong form.
func SealOTP(targetBundle string, fetcher *ecdsa.PublicKey, otp, publicKey string) (string, error) {
	if err := checkCode(otp, publicKey); err != nil {
		return "", fault.New(fault.RequestInvalid, err)
	}
	text, err := sealOTP(targetBundle, fetcher, otp, publicKey)
	if err != nil {
		return "", invalid(fmt.Errorf("OTP target: %w", err))
	}
	return text, nil
}

func sealOTP(targetBundle string, fetcher *ecdsa.PublicKey, otp, publicKey string) (string, error) {
	data, err := openSigned(fetcher, targetBundle)
	if err != nil {
		return "", err
	}
	fields, err := readStrings(data, []string{"targetPublic"})
	if err != nil {
		return "", err
	}
	to, err := parseTarget(fields["targetPublic"])
	if err != nil {
		return "", err
	}
	return sealText(to, []byte(marshal(code{otp, publicKey})))
}

// OpenOTP decrypts an encryptedOtpBundle with the target's key and returns the code as it was typed and the compressed
// public key. Errors: fault.BundleInvalid.
func OpenOTP(key ecdh.KeyExchanger, bundle string) (otp, publicKey string, err error) {
	plaintext, err := openText(key, bundle)
	if err != nil {
		return "", "", invalid(fmt.Errorf("OTP bundle: %w", err))
	}
	fields, err := readStrings(plaintext, []string{"otp_code", "public_key"})
	if err != nil {
		return "", "", invalid(errors.New("OTP bundle: sealed well, but not a code")) // never the cause, which may quote it
	}
	if err := checkCode(fields["otp_code"], fields["public_key"]); err != nil {
		return "", "", invalid(fmt.Errorf("OTP bundle: %w", err))
	}
	return fields["otp_code"], fields["public_key"], nil
}

func checkCode(otp, publicKey string) error {
	if otp == "" || len(otp) > codeMax {
		return fmt.Errorf("a code of %d characters", len(otp))
	}
	if len(publicKey) != 66 {
		return errors.New("the public key is not compressed")
	}
	if _, err := p256.ParsePublic(publicKey); err != nil {
		return err
	}
	return nil
}
