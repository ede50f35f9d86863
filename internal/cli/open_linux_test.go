package cli

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"latchkey/internal/login"
)

// TestALinkGoesOnWithALogInThatAnotherProcessBegan: the message's link is opened by a second process, as the desktop
// does it, and the session is there for both.
func TestALinkGoesOnWithALogInThatAnotherProcessBegan(t *testing.T) {
	d := newDesk(t)
	_, said, _ := d.talk(func(c *dialogue) {
		defer c.in.Close() // nothing is pasted
		inbox := c.hears(`The message is at (\S+)`) + "/inbox?to=robin%40example.org"
		sealed := ""
		tick := time.NewTicker(20 * time.Millisecond) // it goes out after the answer
		defer tick.Stop()
		for range 6000 {
			var box struct {
				Messages []struct{ Kind, Bundle string }
			}
			reply, err := http.Get(inbox)
			if err != nil {
				t.Fatal(err)
			}
			err = json.NewDecoder(reply.Body).Decode(&box)
			reply.Body.Close()
			if err == nil && len(box.Messages) > 0 && box.Messages[0].Kind == "email_auth" {
				sealed = box.Messages[0].Bundle
				break
			}
			<-tick.C
		}
		out, said, ok := d.talk(nil, "open", "latchkey://mail?bundle="+sealed, "--json")
		if !ok || !strings.Contains(out, `"label":"by link"`) || !strings.Contains(out, d.organization) {
			t.Errorf("%q, %q", out, said)
		}
	}, "login", "--email-link", "robin@example.org", "--label", "by link")
	if out, _, _ := d.talk(nil, "sessions"); !strings.Contains(out, "by link") {
		t.Errorf("%q; the first said %q", out, said)
	}
}

// TestTheDesktopHandsLinksToACommandThatThereIs: what the desktop entry says is what the program understands.
func TestTheDesktopHandsLinksToACommandThatThereIs(t *testing.T) {
	text, err := os.ReadFile("../../build/linux/latchkey-link.desktop")
	if err != nil {
		t.Fatal(err)
	}
	name := strings.Fields((&terminal{}).openLink().Use)[0]
	for _, want := range []string{"\nMimeType=x-scheme-handler/" + login.LinkScheme + ";\n", "\nExec=latchkey-window " + name + " %u\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}
