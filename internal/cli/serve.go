package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"latchkey/internal/local"
	"latchkey/internal/sandbox/oidc"
)

func (t *terminal) sandbox() *cobra.Command {
	var o local.SandboxOptions
	var envFile string
	var pins bool
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "Turnkey's API, imitated, as a server",
		Long: "Runs Turnkey's API, imitated, until interrupted. One JSON line on standard output says that it is ready\n" +
			"and where; the log goes to standard error. Without --state it forgets everything at the end.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, _, err := net.SplitHostPort(o.Listen); err != nil { // "" would be every address of this machine
				return usage{fmt.Errorf("--listen %q must be a host and a port, such as 127.0.0.1:4000", o.Listen)}
			}
			if o.Seed != 0 && !local.Loopback(o.Listen) {
				return usage{errors.New("--seed makes keys that anyone can compute, so it is refused with a --listen beyond loopback")}
			}
			if !(o.PendingRate >= 0 && o.PendingRate <= 1) { // nor is it no number
				return usage{errors.New("--pending-rate must be a number from 0 to 1")}
			}
			if err := oidc.CheckBase(o.URL); err != nil {
				return usage{fmt.Errorf("--url: %w", err)}
			}
			if pins {
				return t.printPins(o)
			}
			o.Log = t.log(true)
			s, err := local.StartSandbox(o)
			if err != nil {
				return err
			}
			if envFile != "" {
				if err := writeEnvironment(envFile, s.Ready); err != nil {
					return errors.Join(usage{fmt.Errorf("--env-file %s cannot be written: %w", envFile, err)}, s.Close())
				}
			}
			if err := json.NewEncoder(t.out).Encode(s.Ready); err != nil {
				return errors.Join(err, s.Close())
			}
			<-cmd.Context().Done()
			return s.Close()
		},
	}
	c.Flags().StringVar(&o.Listen, "listen", "127.0.0.1:0", "where the API listens; port 0 takes a free one")
	c.Flags().StringVar(&o.Control, "control", "127.0.0.1:0", "where inbox and clock are; loopback only")
	c.Flags().StringVar(&o.StateDir, "state", "", "folder that keeps the sandbox's state")
	c.Flags().Uint64Var(&o.Seed, "seed", 0, "replays a run: fixes choices and derived keys")
	c.Flags().Float64Var(&o.PendingRate, "pending-rate", 0, "how often, of 0 to 1, an activity's first answer says pending, so that a client must ask again")
	c.Flags().BoolVar(&o.Shuffle, "shuffle", true, "lists whose order nobody promises come in an order of the seed, and not of their making")
	c.Flags().StringVar(&o.URL, "url", "", "where clients reach the API when that is not loopback: what the issuers of its identity providers begin with")
	c.Flags().StringVar(&envFile, "env-file", "", "writes the variables that Turnkey's examples read")
	c.Flags().BoolVar(&pins, "print-pins", false, "prints which key stands for which pinned one, and ends; with --seed or --state")
	c.PreRunE = func(*cobra.Command, []string) error {
		if !local.Loopback(o.Control) {
			return usage{errors.New("--control must be on loopback: whoever reaches it reads every code")}
		}
		return nil
	}
	return c
}

// writeEnvironment puts the whole file in place at once, for this user alone: whoever waits for it never reads a part,
// and whoever prepared a file or link of its name gets nothing.
func writeEnvironment(path string, r local.Ready) error {
	part, err := os.CreateTemp(filepath.Dir(path), ".env-*") // mode 0600, and a name that nobody could prepare
	if err != nil {
		return err
	}
	_, err = part.Write(environment(r))
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Rename(part.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	return nil
}

// environment is the text of an environment file, which shells and dotenv readers both accept.
func environment(r local.Ready) []byte {
	var b strings.Builder
	for _, v := range r.Environment() {
		fmt.Fprintf(&b, "%s=%s\n", v[0], v[1])
	}
	return []byte(b.String())
}

func (t *terminal) versionCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "version",
		Short: "Which latchkey this is",
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return json.NewEncoder(t.out).Encode(map[string]string{"version": t.version, "build": versionText(t.version)})
			}
			_, err := fmt.Fprintln(t.out, versionText(t.version))
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}
