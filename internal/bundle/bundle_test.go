package bundle

import (
	"testing"

	"latchkey/internal/p256"
)

func TestWhatWeSealWeOpen(t *testing.T) {
	fetcher, key := p256.Generate(), p256.Generate()
	enclave, err := p256.Generate().ECDH()
	if err != nil {
		t.Fatal(err)
	}
	to, err := NewOTPTarget(fetcher, enclave.PublicKey(), "11111111-2222-4333-8444-555555555555")
	if err != nil {
		t.Fatal(err)
	}
	text, err := SealOTP(to, &fetcher.PublicKey, "000000", p256.Compressed(&key.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	code, public, err := OpenOTP(enclave, text)
	if err != nil || code != "000000" || public != p256.Compressed(&key.PublicKey) {
		t.Errorf("OpenOTP = %q, %q, %v", code, public, err)
	}
	credential, err := SealCredential(enclave.PublicKey(), key)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := OpenCredential(enclave, credential); err != nil || !got.Equal(key) {
		t.Errorf("OpenCredential: %v", err)
	}
}
