//go:build linux

package windowtest

import (
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/need"
)

// program builds the production binary once for all stories, as make does, so that no older one is tested by mistake.
func program(t testing.TB) string {
	t.Helper()
	need.Command(t, "go", "pkg-config")
	if exec.Command("pkg-config", "--exists", "webkit2gtk-4.1", "gtk+-3.0").Run() != nil {
		need.Missing(t, "the headers of GTK 3 and WebKitGTK 4.1")
	}
	root := need.Root(t)
	if _, err := os.Stat(filepath.Join(root, "frontend", "dist", "index.html")); err != nil {
		need.Missing(t, "the built front end (make ui-build)")
	}
	path, err := built(root)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var buildOnce sync.Once

// built is what the one build came to, whoever asks.
func built(root string) (string, error) {
	buildOnce.Do(func() {
		dir, err := os.MkdirTemp("", "latchkey-window")
		if err != nil {
			buildErr = err
			return
		}
		binary = filepath.Join(dir, "latchkey-window")
		cmd := exec.Command("go", "build", "-trimpath", "-tags", "desktop,production,webkit2_41", "-ldflags", "-s -w", "-o", binary, ".")
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			buildErr = fmt.Errorf("build the window: %w\n%s", err, out)
		}
	})
	return binary, buildErr
}

var (
	binary   string
	buildErr error
)

func TestMain(m *testing.M) {
	status := m.Run()
	if binary != "" {
		_ = os.RemoveAll(filepath.Dir(binary))
	}
	os.Exit(status)
}

// window is the running program, and a person in front of it.
type window struct {
	desk   *desk
	cmd    *exec.Cmd
	tree   *tree
	log    *os.File
	began  time.Time
	clicks int
	last   *image.RGBA // what was on the screen when it was last looked at
}

// open starts the program and waits for its window.
func (d *desk) open(path string) *window {
	d.t.Helper()
	log, err := os.CreateTemp(d.home, "log")
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = log.Close() })
	w := &window{desk: d, cmd: exec.Command(path), log: log, began: time.Now()}
	w.cmd.Stdout, w.cmd.Stderr = log, log
	d.start(w.cmd)
	if w.tree, err = openTree(d.session); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(w.tree.close)
	d.t.Cleanup(func() {
		if d.t.Failed() {
			w.tell()
		}
	})
	w.see(page, "")
	w.last = w.shot()
	return w
}

// kill ends the program without warning, as a crash or the system would, and waits until all of it has gone.
func (w *window) kill() {
	w.desk.t.Helper()
	if err := w.cmd.Process.Kill(); err != nil {
		w.desk.t.Fatal(err)
	}
	_ = w.cmd.Wait() // says that it was killed
	within(w.desk.t, 2*time.Minute, "its page has ended too", func() error {
		for _, name := range w.desk.living() {
			if strings.HasPrefix(name, "WebKit") {
				return errors.New(name + " is running")
			}
		}
		return nil
	})
}

// look returns everything that the window holds now.
func (w *window) look() []control {
	w.desk.t.Helper()
	if w.cmd.ProcessState != nil {
		w.desk.t.Fatalf("the program has ended: %s\n%s", w.cmd.ProcessState, w.said())
	}
	all, err := w.tree.controls(uint32(w.cmd.Process.Pid))
	if err != nil {
		w.desk.t.Fatal(err)
	}
	return all
}

// see waits until a control of the role shows the words, and returns it.
func (w *window) see(what role, words string) control {
	w.desk.t.Helper()
	var found control
	within(w.desk.t, 2*time.Minute, fmt.Sprintf("%s %q is shown", what, words), func() (err error) {
		found, err = find(w.look(), what, words)
		return err
	})
	return found
}

// read waits until the words are shown anywhere, on controls of any role.
func (w *window) read(words string) {
	w.desk.t.Helper()
	within(w.desk.t, 2*time.Minute, fmt.Sprintf("%q is shown", words), func() error {
		if !strings.Contains(says(w.look()), words) {
			return errNotThere
		}
		return nil
	})
}

// says returns all words that are shown, in order, one control a line.
func says(all []control) string {
	var text strings.Builder
	for _, c := range all {
		if c.has(stateShowing) {
			fmt.Fprintln(&text, c.name, c.text)
		}
	}
	return text.String()
}

// press waits for a button that can be pressed, and presses it.
func (w *window) press(name string) {
	w.desk.t.Helper()
	within(w.desk.t, 2*time.Minute, fmt.Sprintf("the button %q can be pressed", name), func() error {
		for _, c := range w.look() {
			if c.role == button && c.has(stateShowing) && c.has(stateEnabled) && strings.HasPrefix(c.name, name) {
				return c.press()
			}
		}
		return errNotThere
	})
	w.clicks++
}

// write puts the keyboard into a field and types, as real key presses of the X server.
func (w *window) write(field, text string) {
	w.desk.t.Helper()
	w.keys(func() error {
		c, err := find(w.look(), entry, field)
		if err != nil {
			return err
		}
		if err := c.focus(); err != nil {
			return err
		}
		if c, err = find(w.look(), entry, field); err == nil && !c.has(stateFocused) {
			return errors.New("it has not got the keyboard yet")
		}
		return err
	}, "type", "--delay", "12", text)
}

// keys sends key presses when ready has no error any more: xdotool type TEXT, or xdotool key NAME.
func (w *window) keys(ready func() error, args ...string) {
	w.desk.t.Helper()
	// There is no window manager to give the window the keyboard.
	id := w.id()
	if _, err := w.desk.run("xdotool", "windowfocus", "--sync", id); err != nil {
		w.desk.t.Fatal(err)
	}
	within(w.desk.t, 2*time.Minute, "the keyboard is there", ready)
	if _, err := w.desk.run("xdotool", args...); err != nil {
		w.desk.t.Fatal(err)
	}
}

// id returns the X window of the program.
func (w *window) id() string {
	w.desk.t.Helper()
	var id string
	within(w.desk.t, 2*time.Minute, "the X server shows the window", func() error {
		out, err := w.desk.run("xdotool", "search", "--onlyvisible", "--name", "^Latchkey")
		if err != nil {
			return err
		}
		id, _, _ = strings.Cut(out, "\n")
		return nil
	})
	return id
}

// said returns what the program wrote to its standard output and error.
func (w *window) said() string {
	text, err := os.ReadFile(w.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// tell logs what the window held and said, for a story that failed.
func (w *window) tell() {
	w.desk.t.Logf("the program said:\n%s", w.said())
	all, err := w.tree.controls(uint32(w.cmd.Process.Pid))
	if err != nil {
		w.desk.t.Log(err)
		return
	}
	var text strings.Builder
	for _, c := range all {
		fmt.Fprintf(&text, "%s%s\n", strings.Repeat("  ", c.depth), c)
	}
	w.desk.t.Logf("the window held:\n%s", text.String())
	w.keep("failed-" + strings.ReplaceAll(w.desk.t.Name(), "/", "-"))
}
