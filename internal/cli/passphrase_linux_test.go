package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"latchkey/internal/need"
)

// console is a terminal of a child's own, and what was shown on it.
type console struct {
	t      *testing.T
	master *os.File
	mu     sync.Mutex
	shown  bytes.Buffer
}

// openConsole returns a new terminal, and the side that a child gets.
func openConsole(t *testing.T) (*console, *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		need.Missing(t, "/dev/ptmx")
	}
	t.Cleanup(func() { _ = master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	side, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = side.Close() })
	c := &console{t: t, master: master}
	go func() {
		buffer := make([]byte, 1024)
		for {
			n, err := master.Read(buffer)
			c.mu.Lock()
			c.shown.Write(buffer[:n])
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return c, side
}

func (c *console) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shown.String()
}

// answer types a line once the question was put for the nth time.
func (c *console) answer(question string, nth int, line string) {
	c.t.Helper()
	c.await(question, nth)
	c.typed(line)
}

func (c *console) typed(line string) {
	c.t.Helper()
	if _, err := c.master.WriteString(line + "\n"); err != nil {
		c.t.Fatal(err)
	}
}

// await waits until text was shown for the nth time.
func (c *console) await(text string, nth int) {
	c.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 18000 { // scrypt is slow by design, and slower still under the race detector on a busy machine
		if strings.Count(c.text(), text) >= nth {
			return
		}
		<-tick.C
	}
	c.t.Fatalf("never shown %q: %q", text, c.text())
}

// TestThePassphraseIsAskedForOnTheTerminal: twice when it is new, again when it was wrong, and never shown; although
// input and output of the command lead elsewhere.
func TestThePassphraseIsAskedForOnTheTerminal(t *testing.T) {
	home := t.TempDir()
	begin := func(side *os.File) (*exec.Cmd, *bytes.Buffer) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		t.Cleanup(cancel)
		cmd := exec.CommandContext(ctx, "latchkey", "login", "--email", "robin@example.org", "--keystore", "passphrase")
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LATCHKEY_HOME=" + filepath.Join(home, "latchkey")}
		said := &bytes.Buffer{}
		cmd.Stdout, cmd.Stderr = said, said
		cmd.ExtraFiles = []*os.File{side}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd, said
	}

	c, side := openConsole(t)
	cmd, said := begin(side)
	c.answer("New passphrase: ", 1, "correct horse battery")
	c.answer("Once more: ", 1, "correct house battery")
	c.answer("New passphrase: ", 2, "correct horse battery")
	c.answer("Once more: ", 2, "correct horse battery")
	_ = cmd.Wait() // its input is empty, so the log-in is cancelled
	if !strings.Contains(said.String(), "A code was sent") {
		t.Errorf("it said %q", said)
	}
	if strings.Contains(c.text()+said.String(), "battery") {
		t.Errorf("the passphrase was shown: %q", c.text())
	}

	c, side = openConsole(t)
	cmd, said = begin(side)
	c.answer("Passphrase of your keys: ", 1, "wrong")
	c.answer("Passphrase of your keys: ", 2, "correct horse battery")
	_ = cmd.Wait()
	if !strings.Contains(said.String(), "A code was sent") || !strings.Contains(c.text(), "That was not it.") {
		t.Errorf("it said %q, and on the terminal %q", said, c.text())
	}
}
