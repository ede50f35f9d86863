package ceremony

import (
	"os"
	"strings"
	"testing"

	"latchkey/internal/fault"
)

func campaign() bool { return os.Getenv("LATCHKEY_CAMPAIGN") == "R16" }

func TestAPastedAddressIsCheckedLikeOneThatCame(t *testing.T) {
	const redirect = "http://127.0.0.1:4711/SECRETPATH"
	for _, text := range []string{redirect + "?code=x&state=right", "  http://127.0.0.1:4711/SECRETPATH?state=right&code=x&scope=openid\n"} {
		if answer, err := Pasted(text, redirect, "right"); err != nil || answer.Get("code") != "x" {
			t.Errorf("%q: %v, %v", text, answer, err)
		}
	}
	for _, text := range []string{
		"", "x", "SECRETCODE", redirect, redirect + "?code=SECRETCODE", redirect + "?code=SECRETCODE&state=wrong", redirect + "/?code=SECRETCODE&state=right",
		redirect + "?code=SECRETCODE&code=y&state=right", "https://127.0.0.1:4711/SECRETPATH?code=SECRETCODE&state=right",
		"http://127.0.0.1:4712/SECRETPATH?code=SECRETCODE&state=right", "http://attacker.example/SECRETPATH?code=SECRETCODE&state=right",
		"http://a@127.0.0.1:4711/SECRETPATH?code=SECRETCODE&state=right", redirect + "?state=right&code=" + strings.Repeat("x", 9<<10),
		"http://[::1?code=SECRETCODE", redirect + "#code=SECRETCODE&state=right",
	} {
		_, err := Pasted(text, redirect, "right")
		if fault.CodeOf(err) != fault.PasteWrong {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if strings.Contains(err.Error(), "SECRETCODE") {
			t.Errorf("the error tells the code: %v", err)
		}
	}
}
