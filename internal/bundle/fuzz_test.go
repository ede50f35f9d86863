package bundle

import (
	"encoding/json"
	"maps"
	"testing"

	"latchkey/internal/p256"
)

// Whatever arrives, it is refused as invalid or it is a bundle that was sealed to this key: nobody else can make one.
func FuzzOpenOTP(f *testing.F) {
	enclave := exchange(f, enclavePrivate)
	for _, text := range []string{otpBundle, importedPhrase, otpTarget, exportedKey, credentialFixed, ``, `{}`, `{"encappedPublic":"04","ciphertext":""}`, `{"encappedPublic":1}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		code, publicKey, err := OpenOTP(enclave, text)
		switch {
		case err != nil && (!isInvalid(err) || code != "" || publicKey != ""):
			t.Fatalf("%q, %q, %v", code, publicKey, err)
		case err == nil && (code != "000000" || publicKey != clientPublic):
			t.Fatalf("opened %q, %q", code, publicKey)
		}
	})
}

func FuzzOpenCredential(f *testing.F) {
	target := exchange(f, targetPrivate)
	payload := decode(f, credentialPayload)
	for _, text := range []string{credentialFixed, credentialRandom, ``, `1`, check58(nil), check58(payload[:80]), check58(append(make([]byte, 33), payload[33:]...)), otpBundle} {
		f.Add(text, false)
	}
	f.Add(string(payload), true)
	f.Fuzz(func(t *testing.T, text string, wrap bool) {
		if wrap { // past the checksum
			text = check58([]byte(text))
		}
		key, err := OpenCredential(target, text)
		switch {
		case err != nil && (!isInvalid(err) || key != nil):
			t.Fatalf("%v, %v", key, err)
		case err == nil && p256.PrivateHex(key) != credentialPrivate:
			t.Fatal("opened another key")
		}
	})
}

// What an enclave must have signed cannot be made by anybody else.
func FuzzSealOTPTarget(f *testing.F) {
	fetcher, enclave := private(f, fetcherPrivate), exchange(f, enclavePrivate)
	for _, text := range []string{otpTarget, importTarget, exportedPhrase, otpBundle, ``, `{}`, `{"version":null,"data":"","dataSignature":"","enclaveQuorumPublic":""}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, target string) {
		sealed, err := SealOTP(target, &fetcher.PublicKey, "000000", clientPublic)
		if err != nil {
			if !isInvalid(err) || sealed != "" {
				t.Fatalf("%q, %v", sealed, err)
			}
			return
		}
		if _, _, err := OpenOTP(enclave, sealed); err != nil {
			t.Fatalf("sealed to another key: %v", err)
		}
	})
}

// Where our reader of JSON reads anything, encoding/json reads the same.
func FuzzReadStrings(f *testing.F) {
	for _, text := range []string{
		otpBundle, otpTarget, otpPlaintext, `{"a":"1","b":{"a":["}",1]},"c":[{"x":"\\\""}],"d":null}`, ` { "a" : "\u0061\"" , "z" : -1.5e3 } `, `{}`, ` {"a":true}`, `{"a":"1","\u0061":"2"}`,
		`{"":"","a":"\ud800"}`, `[]`, `"a"`, `{"a":"b","z":tru`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := readStrings(text, nil, "a", "b", "", "encappedPublic")
		if err != nil {
			return
		}
		var all map[string]json.RawMessage
		if err := json.Unmarshal(text, &all); err != nil {
			t.Fatalf("%q is not an object: %v", text, err)
		}
		want := map[string]string{}
		for _, name := range []string{"a", "b", "", "encappedPublic"} {
			if raw, ok := all[name]; ok {
				var s string
				if err := json.Unmarshal(raw, &s); err != nil {
					t.Fatalf("%q: %v", text, err)
				}
				want[name] = s
			}
		}
		if !maps.Equal(got, want) {
			t.Fatalf("%q: %q, want %q", text, got, want)
		}
	})
}
