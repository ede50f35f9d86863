package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"golang.org/x/term"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
)

// person returns who can be asked for a passphrase: whoever sits at the terminal that the program was started from,
// even when its input and output lead elsewhere. nil: there is no terminal.
func person() keystore.Ask {
	tty, err := openTerminal()
	if err != nil {
		return nil
	}
	_ = tty.Close() // nothing was written
	return askPassphrase
}

func openTerminal() (*os.File, error) {
	name := "/dev/tty"
	if runtime.GOOS == "windows" {
		name = "CONIN$"
	}
	return os.OpenFile(name, os.O_RDWR, 0)
}

// askPassphrase asks on the terminal, without showing what is typed; for a new passphrase twice.
func askPassphrase(ctx context.Context, q keystore.Question) (string, error) {
	tty, err := openTerminal()
	if err != nil {
		return "", fault.New(fault.PassphraseNeeded, err)
	}
	defer tty.Close() //nolint:errcheck // nothing is kept in it
	out := io.Writer(tty)
	if runtime.GOOS == "windows" { // whose console has one name for reading and one for writing
		out = os.Stderr
	}
	if !q.New {
		if q.Tries > 0 {
			fmt.Fprintln(out, "That was not it.")
		}
		return readHidden(ctx, tty, out, "Passphrase of your keys: ")
	}
	fmt.Fprintln(out, "Your keys will be in a file under a passphrase. Nobody can open it without: choose one that you keep.")
	for {
		first, err := readHidden(ctx, tty, out, "New passphrase: ")
		if err != nil {
			return "", err
		}
		second, err := readHidden(ctx, tty, out, "Once more: ")
		if err != nil || first == second {
			return first, err
		}
		fmt.Fprintln(out, "The two differ.")
	}
}

// readHidden asks one question. A read cannot be interrupted, so it may outlive ctx; the command ends right after, and
// the terminal shows again what is typed.
func readHidden(ctx context.Context, tty *os.File, out io.Writer, question string) (string, error) {
	fd := int(tty.Fd())
	before, err := term.MakeRaw(fd) // which echoes nothing, so that a quick answer is not shown before the read begins
	if err != nil {
		return "", fault.New(fault.PassphraseNeeded, err)
	}
	fmt.Fprint(out, question)
	type answer struct {
		text []byte
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		answers <- answer{text, err}
	}()
	select {
	case a := <-answers:
		_ = term.Restore(fd, before) // it was set a moment ago
		fmt.Fprintln(out)
		switch {
		case errors.Is(a.err, io.EOF):
			return "", fault.New(fault.Cancel, a.err)
		case a.err != nil:
			return "", fault.New(fault.PassphraseNeeded, a.err)
		}
		return string(a.text), nil
	case <-ctx.Done():
		_ = term.Restore(fd, before) // the command ends, and says why
		fmt.Fprintln(out)
		return "", fault.New(fault.Cancel, ctx.Err())
	}
}
