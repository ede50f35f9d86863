package chain

import (
	"bytes"
	"strings"
	"testing"
)

func TestAPersonalMessageIsReadAsItWasWritten(t *testing.T) {
	if got, want := PersonalMessage([]byte("Grüße")), "\x19Ethereum Signed Message:\n7Grüße"; string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
	for _, text := range []string{"", "hello", "1", "12", strings.Repeat("1", 10), strings.Repeat("9", 111), strings.Repeat("x", 100_000)} {
		got, ok := PersonalText(PersonalMessage([]byte(text)))
		if !ok || !bytes.Equal(got, []byte(text)) {
			t.Errorf("%d bytes: %d bytes, %v", len(text), len(got), ok)
		}
	}
	for _, raw := range []string{"", "hello", personal, personal + "5hell", personal + "05hello", personal + "+5hello", personal + " 5hello", "x" + personal + "5hello"} {
		if text, ok := PersonalText([]byte(raw)); ok {
			t.Errorf("%q passes for a personal message: %q", raw, text)
		}
	}
}
