package hd

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"latchkey/internal/fault"
)

// Source: trezor/python-mnemonic, vectors.json. Its seeds, made with the passphrase "TREZOR", are not used here: the
// vendor's passphrase is empty.
func TestPhrasesOfEntropy(t *testing.T) {
	for entropy, want := range map[string]string{
		"00000000000000000000000000000000":                                 abandon,
		"7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f":                                 legal,
		"80808080808080808080808080808080":                                 "letter advice cage absurd amount doctor acoustic avoid letter advice cage above",
		"ffffffffffffffffffffffffffffffff":                                 "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong",
		"000000000000000000000000000000000000000000000000":                 "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon agent",
		"6d9be1ee6ebd27a258115aad99b7317b9c8d28b6d76431c3":                 "horn tenant knee talent sponsor spell gate clip pulse soap slush warm silver nephew swap uncle crack brave",
		"8080808080808080808080808080808080808080808080808080808080808080": "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic bless",
		"f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f": "void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen patrol group space point ten exist slush involve unfold",
	} {
		raw, err := hex.DecodeString(entropy)
		if err != nil {
			t.Fatal(err)
		}
		got, err := NewMnemonic(len(raw)/4*3, bytes.NewReader(raw))
		if err != nil || got != want {
			t.Errorf("%s: %q, %v", entropy, got, err)
		}
		if err := Check(want); err != nil {
			t.Errorf("Check(%q) = %v", want, err)
		}
	}
}

func TestEveryLengthMakesAPhraseThatChecks(t *testing.T) {
	for _, words := range []int{12, 15, 18, 21, 24} {
		for range 50 {
			phrase, err := NewMnemonic(words, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(strings.Fields(phrase)); got != words {
				t.Errorf("%d words, want %d", got, words)
			}
			if err := Check(phrase); err != nil {
				t.Errorf("Check(%q) = %v", phrase, err)
			}
		}
	}
}

func TestOddLengthsAreInvalid(t *testing.T) {
	for _, words := range []int{-3, 0, 3, 11, 13, 27, 1 << 30} {
		if _, err := NewMnemonic(words, rand.Reader); fault.KindOf(err) != fault.Invalid {
			t.Errorf("NewMnemonic(%d) = %v", words, err)
		}
	}
	if _, err := NewMnemonic(12, strings.NewReader("short")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("with too little entropy: %v", err)
	}
}

func TestBadPhrasesAreInvalidAndNotRepeated(t *testing.T) {
	for _, phrase := range []string{
		"", "abandon", strings.Repeat("abandon ", 11) + "abandon", // checksum
		strings.Repeat("abandon ", 12) + "about", "  " + abandon, abandon + " ", strings.ReplaceAll(abandon, " ", "  "),
		strings.ToUpper(abandon), strings.Replace(abandon, "about", "abouz", 1), strings.ReplaceAll(abandon, " ", "\u3000"),
		strings.Repeat("a", 1<<20),
	} {
		err := Check(phrase)
		if fault.KindOf(err) != fault.Invalid || vendorText(err) != "invalid mnemonic" {
			t.Errorf("Check(%.40q) = %v", phrase, err)
		}
		if phrase != "" && strings.Contains(err.Error(), "abandon") {
			t.Errorf("the error repeats the phrase: %v", err)
		}
	}
}

// vendorText is what a server would pass on.
func vendorText(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Err != nil {
		return e.Err.Error()
	}
	return ""
}
