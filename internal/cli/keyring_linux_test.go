package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"latchkey/internal/need"
)

// story runs inside one session bus with one real keyring. The first log-in reads its code from a pipe that the test
// writes to. $1 is a folder for what the commands say.
const story = `
printf ci | gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>&1 &
keyring=$!
trap 'kill $keyring' EXIT
# Whoever calls a service that is not there yet starts another one, which is locked: the bus is asked first, then the collection.
for i in $(seq 1200); do gdbus call --session -d org.freedesktop.DBus -o /org/freedesktop/DBus -m org.freedesktop.DBus.NameHasOwner org.freedesktop.secrets 2>/dev/null | grep -q true && break; sleep 0.1; done
for i in $(seq 1200); do gdbus call --session -d org.freedesktop.secrets -o /org/freedesktop/secrets -m org.freedesktop.Secret.Service.ReadAlias default 2>/dev/null | grep -q collection/login && break; sleep 0.1; done
cd "$1"
latchkey login --email robin@example.org --json <code >entered 2>login || exit 11
latchkey whoami --json >whoami || exit 12
organization=$(sed 's/.*"organizationId":"\([^"]*\)".*/\1/' whoami)
latchkey request /public/v1/query/list_wallets '{"organizationId":"'"$organization"'"}' >wallets || exit 13
echo 'correct horse battery staple' >words
export LATCHKEY_PASSPHRASE_FILE="$1/words"
latchkey keys move --to passphrase --json >move || exit 16
latchkey whoami --json >moved || exit 17
latchkey keys list --json >keys || exit 18
latchkey logout 2>logout || exit 14
latchkey keys list --json >left || exit 19
latchkey whoami 2>after && exit 15
exit 0
`

// TestLogInFromATerminalWithARealKeyring goes from nothing to a log-out, each command a process of its own: the
// session lives in the keyring and in the state file between them.
func TestLogInFromATerminalWithARealKeyring(t *testing.T) {
	need.Command(t, "dbus-run-session", "gnome-keyring-daemon", "gdbus", "mkfifo")
	home, err := os.MkdirTemp("", "latchkey-cli") // not t.TempDir: the path of a socket has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LATCHKEY_HOME=" + filepath.Join(home, "latchkey")}
	for variable, name := range map[string]string{"XDG_RUNTIME_DIR": "run", "XDG_DATA_HOME": "data", "XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache", "": "said"} {
		if err := os.Mkdir(filepath.Join(home, name), 0o700); err != nil {
			t.Fatal(err)
		}
		env = append(env, variable+"="+filepath.Join(home, name))
	}
	said := filepath.Join(home, "said")
	if err := syscall.Mkfifo(filepath.Join(said, "code"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "dbus-run-session", "--", "bash", "-c", story, "story", said)
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // its own group, and nothing else
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	typed := make(chan error, 1)
	go func() { typed <- typeCode(said) }()
	err = cmd.Wait()
	if typeErr := <-typed; typeErr != nil {
		t.Error(typeErr)
	}
	if err != nil {
		for _, name := range []string{"login", "entered", "whoami", "wallets", "move", "moved", "keys", "logout", "left", "after"} {
			t.Logf("%s: %s", name, read(said, name))
		}
		t.Fatal(err)
	}
	var who struct{ OrganizationID, Username string }
	if err := json.Unmarshal([]byte(read(said, "whoami")), &who); err != nil || who.Username == "" {
		t.Errorf("whoami: %s, %v", read(said, "whoami"), err)
	}
	for name, want := range map[string]string{
		"move": `"keyStore":"passphrase"`, "moved": `"keyStore":"passphrase"`, "keys": `"role":"retiring","keyStore":"keychain","presence":"here"`,
		"left":    `{"keys":[],"unlisted":`,
		"entered": `"label":"robin@example.org","active":true`,
		"login":   "Logged in.", "wallets": `"wallets":[]`, "logout": "revoked at Turnkey", "after": "session.none",
	} {
		if got := read(said, name); !strings.Contains(got, want) {
			t.Errorf("%s says %q, without %q", name, got, want)
		}
	}
}

var inboxAt = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// typeCode does what the person does: it reads the message and types the code, first a wrong one.
func typeCode(said string) error {
	pipe, err := os.OpenFile(filepath.Join(said, "code"), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer pipe.Close() //nolint:errcheck // the reader is gone by then
	var inbox string
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 6000 {
		if inbox = inboxAt.FindString(read(said, "login")); inbox != "" {
			break
		}
		<-tick.C
	}
	if inbox == "" {
		return fmt.Errorf("login never named the inbox: %q", read(said, "login"))
	}
	resp, err := http.Get(inbox + "/inbox?wait=5&to=" + url.QueryEscape("robin@example.org"))
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	var answer struct{ Messages []struct{ Code string } }
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&answer); err != nil || len(answer.Messages) == 0 {
		return fmt.Errorf("the inbox has %v, %v", answer, err)
	}
	code := answer.Messages[0].Code
	wrong := strings.Map(func(r rune) rune { return '0' + ('9' - r) }, code) // no digit is its own mirror
	_, err = fmt.Fprintf(pipe, "%s\n %s-%s \n", wrong, code[:3], code[3:])
	return err
}

func read(folder, name string) string {
	data, _ := os.ReadFile(filepath.Join(folder, name)) // what is not there yet says nothing
	return string(data)
}
