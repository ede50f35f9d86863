// Package cli is the program from a terminal: commands, prompts and tables.
//
// Rules of the house: standard output carries answers and nothing else, one JSON line where a program reads it;
// what a person reads besides goes to standard error. Exit status 0 means done, 1 failed, 2 called wrongly. A failure
// is told in the words of the catalogue in package fault. Nothing here decides: client, local, backend and sandbox do.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/profile"
)

// terminal is what commands read and write. Tests put buffers in it.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
	version  string
	debug    bool
	flags    profile.Flags
	yes      bool // --yes, of commands that stamp
	work     int  // of scrypt, for a new passphrase file; 0 but in tests
}

// Main runs the command line with the process's own streams and returns the exit status.
func Main(args []string, version string) int {
	return (&terminal{version: version}).main(args)
}

// main runs the command line on the process's own streams.
func (t *terminal) main(args []string) int {
	if err := keystore.NoCoreDumps(); err != nil {
		fmt.Fprintln(os.Stderr, "latchkey: a crash could write keys to disk:", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	t.in, t.out, t.err, t.getenv = os.Stdin, os.Stdout, os.Stderr, os.Getenv
	return t.run(ctx, args)
}

func (t *terminal) run(ctx context.Context, args []string) int {
	t.flags = profile.Flags{}
	var showVersion bool
	root := &cobra.Command{
		Use:           "latchkey",
		Short:         "The desktop home of a Turnkey embedded wallet",
		Long:          "Without a command, latchkey opens its window. With no configuration everything runs offline against the sandbox.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if showVersion {
				_, err := fmt.Fprintln(t.out, "latchkey "+t.version)
				return err
			}
			return cmd.Help()
		},
	}
	// Not cobra's own: it wants a template to say the same, and with one the linker keeps every method of the program.
	root.Flags().BoolVarP(&showVersion, "version", "v", false, "which latchkey this is")
	root.SetArgs(args)
	root.SetIn(t.in)
	root.SetOut(t.out)
	root.SetErr(t.err)
	root.PersistentFlags().BoolVar(&t.debug, "debug", false, "log what happens, for developers")
	t.profileFlag(root)
	root.PersistentPreRun = func(*cobra.Command, []string) { t.debug = t.debug || t.debugging() }
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage{err} })
	root.AddCommand(t.sandbox(), t.backend(), t.journal(), t.versionCommand())
	root.AddCommand(t.chooses(t.request(), t.login(), t.openLink(), t.logout(), t.whoami())...)
	root.AddCommand(t.doctor())
	root.AddCommand(t.wallets())
	root.AddCommand(t.sessions(), t.credentials(), t.keys())
	root.AddCommand(t.profile(), t.config())
	root.AddCommand(t.rules(), t.sign())
	for _, c := range root.Commands() {
		wrapArgs(c)
	}
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case isUsage(err):
		fmt.Fprintf(t.err, "latchkey: %s\nSee latchkey --help.\n", err)
		return 2
	case errors.Is(err, errTold), errors.Is(err, fault.Cancelled), errors.Is(err, context.Canceled):
		return 1
	}
	t.tell(err)
	return 1
}

// tell writes a failure in words, its code, and its cause where the words point to it or --debug asks for it.
func (t *terminal) tell(err error) {
	w := fault.Tell(err)
	fmt.Fprintf(t.err, "%s (%s)\n  %s\n  %s\n  %s\n", w.Title, fault.CodeOf(err), w.Happened, w.Means, w.Next)
	if e, ok := errors.AsType[*fault.Error](err); ok && e.TriesLeft > 0 {
		fmt.Fprintf(t.err, "  Tries left: %d.\n", e.TriesLeft)
	}
	if t.debug || fault.KindOf(err) == fault.Invalid || strings.Contains(w.Next, "details") {
		fmt.Fprintf(t.err, "  Details: %s\n", err)
	}
}

// log returns the logger of a command: servers say what changes, other commands only with --debug.
func (t *terminal) log(server bool) *slog.Logger {
	switch {
	case t.debug:
		return slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: slog.LevelDebug}))
	case server:
		return slog.New(slog.NewTextHandler(t.err, nil))
	}
	return slog.New(slog.DiscardHandler)
}

// usage marks an error of how the program was called.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

// isUsage also knows cobra's own complaints, which have no type.
func isUsage(err error) bool {
	_, ok := errors.AsType[usage](err)
	return ok || strings.HasPrefix(err.Error(), "unknown command") || strings.HasPrefix(err.Error(), "required flag")
}

// wrapArgs marks complaints about a command's arguments as usage.
func wrapArgs(c *cobra.Command) {
	check := c.Args
	if check == nil {
		check = cobra.NoArgs
	}
	c.Args = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usage{err}
		}
		return nil
	}
}
