package login

import (
	"strings"
	"testing"

	"latchkey/internal/fault"
)

func TestEmail(t *testing.T) {
	for typed, want := range map[string]string{
		"ada@example.com":                        "ada@example.com",
		"  ada@example.com \n":                   "ada@example.com",
		"Ada.Lovelace+key@Example.COM":           "Ada.Lovelace+key@Example.COM",
		"root@localhost":                         "root@localhost",
		"用户@例え.jp":                               "用户@例え.jp",
		"o'brien@example.com":                    "o'brien@example.com",
		"ada":                                    "",
		"@example.com":                           "",
		"ada@":                                   "",
		"":                                       "",
		"ada@@example.com":                       "",
		"a@b@example.com":                        "",
		"ada lovelace@example.com":               "",
		"ada@exam ple.com":                       "",
		"ada@example..com":                       "",
		"ada@.com":                               "",
		"ada@example.com.":                       "",
		".ada@example.com":                       "",
		"Ada <ada@example.com>":                  "",
		"ada@example.com,eve@example.com":        "",
		"ada\r\nBcc:eve@example.com":             "",
		"ada\x00@example.com":                    "",
		strings.Repeat("a", 65) + "@example.com": "",
		"ada@" + strings.Repeat("a.", 126) + "example": "",
	} {
		got, err := Email(typed)
		if got != want || want == "" && fault.CodeOf(err) != fault.ContactInvalid {
			t.Errorf("Email(%q) = %q, %v, want %q", typed, got, err, want)
		}
	}
}

func TestTidyCodes(t *testing.T) {
	for typed, want := range map[string]string{
		"123456":             "123456",
		" 123 456\n":         "123456",
		"123-456":            "123456",
		"123–456":            "123456", // en dash
		"1\u00a02\u200b3456": "123456", // no-break and zero-width spaces
		"１２３４５６":             "123456", // full width
		"k7q-2xm-9ab":        "K7Q2XM9AB",
		"12345６":             "123456",
	} {
		if got := tidy(typed); got != want {
			t.Errorf("tidy(%q) = %q, want %q", typed, got, want)
		}
	}
	for _, c := range []struct {
		code         string
		length       int
		alphanumeric bool
		want         bool
	}{
		{"123456", 6, false, true}, {"12345", 6, false, false}, {"1234567", 6, false, false}, {"12345A", 6, false, false},
		{"12345A", 6, true, true}, {"12345É", 6, true, false}, {"", 6, false, false}, {"12345:", 6, true, false},
	} {
		if got := plausible(c.code, c.length, c.alphanumeric); got != c.want {
			t.Errorf("plausible(%q, %d, %v) = %v", c.code, c.length, c.alphanumeric, got)
		}
	}
}

// Numbers of the ranges that are kept free for fiction. Source: Ofcom (UK) and the North American numbering plan, 555-01XX.
func TestPhone(t *testing.T) {
	for typed, want := range map[string]string{
		"+44 20 7946 0018": "+442079460018", "+44-(20)-7946.0018": "+442079460018", "0044 20 7946 0018": "+442079460018",
		" +1 (202) 555‑0143\n": "+12025550143", "+12025550143": "+12025550143", "+491234": "",
		"020 7946 0018": "", "2025550143": "", "+0442079460018": "", "+": "", "": "", "++442079460018": "", "+44 20 CALL ME": "",
		"+1234567890123456": "", "+44 20 7946 0018;ext=1": "", "+٤٤٢٠٧٩٤٦": "", "ada@example.com": "", "00": "",
	} {
		got, err := Phone(typed)
		if got != want || want == "" && fault.CodeOf(err) != fault.PhoneInvalid {
			t.Errorf("Phone(%q) = %q, %v, want %q", typed, got, err, want)
		}
	}
}
