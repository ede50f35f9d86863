package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"latchkey/internal/client"
	"latchkey/internal/fault"
)

// stamps gives a command that stamps the flag that consents beforehand.
func (t *terminal) stamps(c *cobra.Command) *cobra.Command {
	c.Flags().BoolVar(&t.yes, "yes", false, "consent without being asked; never to exports, deleted keys, credentials, users or policies")
	return c
}

// approve asks whether a request may be stamped.
func (t *terminal) approve(ctx context.Context, q client.Question) (client.Answer, error) {
	if t.yes && q.FlagSuffices() {
		return q.Consent(client.Flag), nil
	}
	var text strings.Builder
	for _, l := range q.Summary.Shown() {
		text.WriteString("  " + l + "\n")
	}
	if q.EachTime() {
		text.WriteString("This is asked each time.\n")
	}
	yes, err := agree(ctx, text.String(), "Stamp it?")
	if err != nil || !yes {
		return client.Answer{}, err
	}
	return q.Consent(client.Typed), nil
}

// agree shows text to whoever sits at the terminal that the program was started from, even when its input and output
// lead elsewhere, and reports whether the answer is yes. What was typed before the question was shown is no answer to it.
// Errors: fault.ApprovalNeeded when there is no terminal; fault.Cancel when ctx ends first.
func agree(ctx context.Context, text, question string) (bool, error) {
	tty, err := openTerminal()
	if err != nil {
		return false, fault.New(fault.ApprovalNeeded, err)
	}
	defer tty.Close() //nolint:errcheck // nothing is kept in it
	out := io.Writer(tty)
	if runtime.GOOS == "windows" { // whose console has one name for reading and one for writing
		out = os.Stderr
	}
	if err := dropTyped(tty); err != nil {
		return false, fault.New(fault.ApprovalNeeded, err)
	}
	fmt.Fprint(out, "\n", text)
	answer, err := readLine(ctx, tty, out, question+" Type yes, or anything else for no: ")
	return answer == "yes", err
}

// readLine asks one question. A read cannot be interrupted, so it may outlive ctx; the command ends right after.
func readLine(ctx context.Context, tty *os.File, out io.Writer, question string) (string, error) {
	fmt.Fprint(out, question)
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		text, err := bufio.NewReader(io.LimitReader(tty, 4096)).ReadString('\n')
		answers <- answer{text, err}
	}()
	select {
	case a := <-answers:
		switch {
		case errors.Is(a.err, io.EOF): // whatever came before it, nobody ended the line
			return "", nil
		case a.err != nil:
			return "", fault.New(fault.ApprovalNeeded, a.err)
		}
		return strings.TrimRight(a.text, "\r\n"), nil
	case <-ctx.Done():
		fmt.Fprintln(out)
		return "", fault.New(fault.Cancel, ctx.Err())
	}
}
