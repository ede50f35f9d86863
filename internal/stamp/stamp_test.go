package stamp

import (
	"testing"

	"latchkey/internal/p256"
)

func TestOurStampVerifies(t *testing.T) {
	key := p256.NewKey(p256.Generate())
	body := []byte(`{"organizationId":"11111111-2222-4333-8444-555555555555"}`)
	made, err := APIKey{Signer: key}.Stamp(t.Context(), body)
	if err != nil {
		t.Fatal(err)
	}
	if made.HeaderName != HeaderAPIKey {
		t.Errorf("header %q", made.HeaderName)
	}
	read, err := ParseAPI(made.HeaderValue)
	if err != nil {
		t.Fatal(err)
	}
	if read.PublicKey != key.PublicKey() || read.Scheme != SchemeP256 {
		t.Errorf("read %+v", read)
	}
	if err := read.Verify(body); err != nil {
		t.Error(err)
	}
	if err := read.Verify(append(body, ' ')); err == nil {
		t.Error("one more space, and it still verifies")
	}
}
