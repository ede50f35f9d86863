package stamp

import "testing"

// Whatever a header holds, it is refused as malformed or is a stamp of the right form, which reads the same again.
func FuzzParseAPI(f *testing.F) {
	for _, v := range apiStamps {
		f.Add(v.header, []byte(v.body))
		f.Add(v.json, []byte{})
		f.Add(encodeHeader(v.json+" "), []byte(v.body))
	}
	for _, header := range otherSchemes {
		f.Add(header, []byte("body"))
	}
	f.Add(attestedHeader, []byte(attestedBody))
	f.Add(encodeHeader(`{"publicKey":"02`+attestedHeader[:64]+`","scheme":"`+SchemeP256+`","signature":"3006020101020101"}`), []byte{})
	genuine := map[string]string{} // by public key
	for _, v := range apiStamps {
		s, err := ParseAPI(v.header)
		if err != nil {
			f.Fatal(err)
		}
		genuine[s.PublicKey] = v.body
	}
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		s, err := ParseAPI(header)
		if err != nil {
			if !isMalformed(err) || s != (APIStamp{}) {
				t.Fatalf("%+v, %v", s, err)
			}
			return
		}
		if len(s.PublicKey) != publicKeyHex || !isHex(s.PublicKey) || !isHex(s.Signature) || s.Scheme != SchemeP256 {
			t.Fatalf("parsed %+v", s)
		}
		again, err := ParseAPI(encodeHeader(beforeKey + s.PublicKey + beforeSignature + s.Signature + end))
		if err != nil || again != s {
			t.Fatalf("%+v reads as %+v, %v", s, again, err)
		}
		switch err := s.Verify(body); {
		case err != nil && !isInvalid(err):
			t.Fatal(err)
		case err == nil && genuine[s.PublicKey] != "" && genuine[s.PublicKey] != string(body):
			t.Fatalf("a forgery over %q", body)
		}
	})
}
