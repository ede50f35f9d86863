package bundle

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/hex"
	"strings"
	"testing"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
)

func TestOTPVector(t *testing.T) {
	enclave, fetcher := exchange(t, enclavePrivate), private(t, fetcherPrivate)
	code, publicKey, err := OpenOTP(enclave, otpBundle)
	if err != nil || code != "000000" || publicKey != clientPublic {
		t.Errorf("opened %q, %q, %v", code, publicKey, err)
	}
	sealed, err := SealOTP(otpTarget, &fetcher.PublicKey, "000000", clientPublic)
	if err != nil {
		t.Fatal(err)
	}
	plaintext, err := openText(enclave, sealed)
	if err != nil || string(plaintext) != otpPlaintext {
		t.Errorf("sealed %s, %v", plaintext, err)
	}
}

func TestAnOTPTravelsFromTargetToEnclave(t *testing.T) {
	fetcher, enclave := p256.Generate(), exchange(t, enclavePrivate)
	target, err := NewOTPTarget(fetcher, enclave.PublicKey(), parentOrganization)
	if err != nil {
		t.Fatal(err)
	}
	sealed := map[string]bool{}
	for range 3 {
		text, err := SealOTP(target, &fetcher.PublicKey, "A1B2C3D4E", clientPublic)
		if err != nil {
			t.Fatal(err)
		}
		sealed[text] = true
		code, publicKey, err := OpenOTP(enclave, text)
		if err != nil || code != "A1B2C3D4E" || publicKey != clientPublic {
			t.Errorf("opened %q, %q, %v", code, publicKey, err)
		}
		if _, _, err := OpenOTP(exchange(t, targetPrivate), text); !isInvalid(err) {
			t.Errorf("with another key: %v", err)
		}
	}
	if len(sealed) != 3 {
		t.Error("two seals of one code are equal")
	}
	// With no organization none is written.
	target, err = NewOTPTarget(fetcher, enclave.PublicKey(), "")
	if err != nil {
		t.Fatal(err)
	}
	data, err := openSigned(&fetcher.PublicKey, target)
	if err != nil || string(data) != `{"targetPublic":"`+hex.EncodeToString(enclave.PublicKey().Bytes())+`"}` {
		t.Errorf("data %s, %v", data, err)
	}
}

// The code goes to whoever holds the target's key, so a target that the pinned enclave did not sign must get none.
func TestOTPTargetsOfOthersAreRefused(t *testing.T) {
	fetcher, mallory := private(t, fetcherPrivate), p256.Generate()
	malloryKey, err := mallory.ECDH()
	if err != nil {
		t.Fatal(err)
	}
	own, err := NewOTPTarget(mallory, malloryKey.PublicKey(), "")
	if err != nil {
		t.Fatal(err)
	}
	swap := func(old, new string) string {
		if !strings.Contains(otpTarget, old) {
			t.Fatalf("%q is not in the target", old)
		}
		return strings.Replace(otpTarget, old, new, 1)
	}
	fetcherHex := p256.Uncompressed(&fetcher.PublicKey)
	odd := func(data any) string {
		text, err := signText(fetcher, data)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for name, target := range map[string]string{
		"empty":                         ``,
		"null":                          `null`,
		"a list":                        `[` + otpTarget + `]`,
		"two of them":                   otpTarget + otpTarget,
		"signed by another":             own,
		"another, named as ours":        strings.Replace(own, p256.Uncompressed(&mallory.PublicKey), fetcherHex, 1),
		"our data, another's name":      swap(fetcherHex, p256.Uncompressed(&mallory.PublicKey)),
		"our name, compressed":          swap(fetcherHex, p256.Compressed(&fetcher.PublicKey)),
		"our name in capitals":          swap(fetcherHex, strings.ToUpper(fetcherHex)),
		"no name":                       swap(fetcherHex, ``),
		"one digit of the data changed": swap(`7b2274`, `7b2275`),
		"data in capitals, half a byte": swap(`7d","dataSignature`, `7","dataSignature`),
		"no data":                       swap(`"data":`, `"date":`),
		"data twice":                    swap(`{`, `{"data":"7b7d",`),
		"Data beside data":              swap(`"data":`, `"Data":`),
		"the signature cut short":       swap(`426cd"`, `426"`),
		"no signature":                  swap(`"dataSignature":"3044`, `"dataSignature":"","x":"3044`),
		"a signature that is a number":  swap(`"dataSignature":"3044`, `"dataSignature":3044,"x":"3044`),
		"another version":               swap(`v1.0.0`, `v2.0.0`),
		"a version that is a number":    swap(`"v1.0.0"`, `1`),
		"the target of something else":  exportedPhrase,
		"too long":                      swap(`{`, `{`+strings.Repeat(" ", sizeMax)),
		"signed well, no target":        odd(map[string]any{}),
		"signed well, an empty target":  odd(map[string]any{"targetPublic": ""}),
		"signed well, not a point":      odd(map[string]any{"targetPublic": "04" + strings.Repeat("11", 64)}),
		"signed well, infinity":         odd(map[string]any{"targetPublic": "00"}),
		"signed well, a list":           odd([]string{"04"}),
	} {
		if text, err := SealOTP(target, &fetcher.PublicKey, "000000", clientPublic); !isInvalid(err) || text != "" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	if _, err := SealOTP(otpTarget, public(t, productionFetcher), "000000", clientPublic); !isInvalid(err) {
		t.Errorf("a sandbox's target under the production key: %v", err)
	}
	if _, err := SealOTP(swap(`"version":"v1.0.0",`, ``), &fetcher.PublicKey, "000000", clientPublic); err != nil {
		t.Errorf("without a version, which Turnkey's own package takes: %v", err)
	}
}

func TestCodesAndKeysOfAnotherFormAreNotSealed(t *testing.T) {
	fetcher := private(t, fetcherPrivate)
	for name, c := range map[string][2]string{
		"no code":             {"", clientPublic},
		"a code too long":     {strings.Repeat("0", codeMax+1), clientPublic},
		"no key":              {"000000", ""},
		"an uncompressed key": {"000000", productionFetcher},
		"not a point":         {"000000", "02" + strings.Repeat("f", 64)},
	} {
		if _, err := SealOTP(otpTarget, &fetcher.PublicKey, c[0], c[1]); fault.CodeOf(err) != fault.RequestInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMalformedOTPBundlesAreRefused(t *testing.T) {
	enclave := exchange(t, enclavePrivate)
	swap := func(old, new string) string {
		if !strings.Contains(otpBundle, old) {
			t.Fatalf("%q is not in the bundle", old)
		}
		return strings.Replace(otpBundle, old, new, 1)
	}
	seal := func(plaintext string) string {
		text, err := sealText(enclave.PublicKey(), []byte(plaintext))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	const canary = "937114"
	for name, text := range map[string]string{
		"empty":                     ``,
		"null":                      `null`,
		"a string":                  `"x"`,
		"no members":                `{}`,
		"data after it":             otpBundle + `{}`,
		"no ephemeral key":          swap(`encappedPublic`, `encapped`),
		"no ciphertext":             swap(`ciphertext`, `cipher`),
		"an empty ciphertext":       swap(`"ciphertext":"`, `"ciphertext":"","x":"`),
		"ciphertext twice":          swap(`{`, `{"ciphertext":"00",`),
		"ciphertext that is a list": swap(`"ciphertext":"`, `"ciphertext":[],"x":"`),
		"one digit changed":         swap(`46314c`, `46314d`),
		"cut by a byte":             strings.TrimSuffix(otpBundle, `bc"}`) + `"}`,
		"cut by half a byte":        strings.TrimSuffix(otpBundle, `c"}`) + `"}`,
		"not hex":                   swap(`46314c`, `4g314c`),
		"a compressed key":          swap(`04d55a`, `03d55a`),
		"off the curve":             swap(`04d55a`, `04d55b`),
		"too long":                  swap(`{`, `{`+strings.Repeat(" ", sizeMax)),
		"sealed well, not JSON":     seal(canary),
		"sealed well, no key":       seal(`{"otp_code":"` + canary + `"}`),
		"sealed well, no code":      seal(`{"public_key":"` + clientPublic + `"}`),
		"sealed well, code twice":   seal(`{"otp_code":"` + canary + `","otp_code":"` + canary + `","public_key":"` + clientPublic + `"}`),
		"sealed well, empty code":   seal(`{"otp_code":"","public_key":"` + clientPublic + `"}`),
		"sealed well, odd key":      seal(`{"otp_code":"` + canary + `","public_key":"02"}`),
		"sealed well, a number":     seal(`{"otp_code":` + canary + `,"public_key":"` + clientPublic + `"}`),
		"sealed well, nothing":      seal(``),
	} {
		code, publicKey, err := OpenOTP(enclave, text)
		if !isInvalid(err) || code != "" || publicKey != "" {
			t.Errorf("%s: %q, %q, %v", name, code, publicKey, err)
		} else if strings.Contains(err.Error(), canary) {
			t.Errorf("%s: the error tells the code: %v", name, err)
		}
	}
}

func TestKeysOfOtherCurvesAreErrors(t *testing.T) {
	for _, curve := range []ecdh.Curve{ecdh.X25519(), ecdh.P384()} {
		key, err := curve.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := OpenOTP(key, otpBundle); !isInvalid(err) {
			t.Errorf("%v: %v", curve, err)
		}
		if _, err := SealCredential(key.PublicKey(), p256.Generate()); err == nil {
			t.Errorf("sealed to %v", curve)
		}
		if _, err := SealExport(p256.Generate(), key.PublicKey(), "", nil); err == nil {
			t.Errorf("exported to %v", curve)
		}
	}
}

func isInvalid(err error) bool { return fault.CodeOf(err) == fault.BundleInvalid }
