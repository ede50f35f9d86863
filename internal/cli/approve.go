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

// approve asks whoever sits at the terminal that the program was started from, even when its input and output lead
// elsewhere. What was typed before the question was shown is no answer to it.
func (t *terminal) approve(ctx context.Context, q client.Question) (client.Answer, error) {
	if t.yes && q.FlagSuffices() {
		return q.Consent(client.Flag), nil
	}
	tty, err := openTerminal()
	if err != nil {
		return client.Answer{}, fault.New(fault.ApprovalNeeded, err)
	}
	defer tty.Close() //nolint:errcheck // nothing is kept in it
	out := io.Writer(tty)
	if runtime.GOOS == "windows" { // whose console has one name for reading and one for writing
		out = os.Stderr
	}
	if err := dropTyped(tty); err != nil {
		return client.Answer{}, fault.New(fault.ApprovalNeeded, err)
	}
	fmt.Fprintln(out)
	for _, l := range q.Summary.Shown() {
		fmt.Fprintln(out, "  "+l)
	}
	if q.EachTime() {
		fmt.Fprintln(out, "This is asked each time.")
	}
	text, err := readLine(ctx, tty, out, "Stamp it? Type yes, or anything else for no: ")
	if err != nil {
		return client.Answer{}, err
	}
	if text != "yes" {
		return client.Answer{}, nil
	}
	return q.Consent(client.Typed), nil
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
