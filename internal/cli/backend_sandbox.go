package cli

import (
	"errors"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"latchkey/internal/local"
)

// sandboxBehind says how the sandbox is run that a backend puts behind itself.
type sandboxBehind struct {
	on      bool
	options local.SandboxOptions
}

// sandboxFlags are those that mean nothing without --sandbox.
var sandboxFlags = []string{"sandbox-listen", "sandbox-control", "state", "seed"}

func (s *sandboxBehind) add(c *cobra.Command) {
	c.Flags().BoolVar(&s.on, "sandbox", false, "puts a sandbox behind itself")
	c.Flags().StringVar(&s.options.Listen, "sandbox-listen", "127.0.0.1:0", "where the sandbox's API listens; port 0 takes a free one")
	c.Flags().StringVar(&s.options.Control, "sandbox-control", "127.0.0.1:0", "where the sandbox's inbox and clock are; loopback only")
	c.Flags().StringVar(&s.options.StateDir, "state", "", "folder that keeps the sandbox's state")
	c.Flags().Uint64Var(&s.options.Seed, "seed", 0, "the sandbox's: fixes choices and derived keys; on loopback only")
}

// unused refuses a flag that would do nothing.
func (s *sandboxBehind) unused(c *cobra.Command) error {
	for _, name := range sandboxFlags {
		if c.Flags().Changed(name) {
			return usage{fmt.Errorf("--%s is about the sandbox that --sandbox puts behind the backend", name)}
		}
	}
	return nil
}

// check refuses addresses that cannot be meant.
func (s *sandboxBehind) check() error {
	for name, at := range map[string]string{"--sandbox-listen": s.options.Listen, "--sandbox-control": s.options.Control} {
		if _, _, err := net.SplitHostPort(at); err != nil { // "" would be every address of this machine
			return usage{fmt.Errorf("%s %q must be a host and a port, such as 127.0.0.1:4000", name, at)}
		}
	}
	switch {
	case !local.Loopback(s.options.Control):
		return usage{errors.New("--sandbox-control must be on loopback: whoever reaches it reads every code")}
	case s.options.Seed != 0 && !local.Loopback(s.options.Listen):
		return usage{errors.New("--seed makes keys that anyone can compute, so it is refused with a --sandbox-listen beyond loopback")}
	}
	return nil
}

// backendOnSandbox runs both. The sandbox's own facts take the place of other settings, but for where to listen.
func (t *terminal) backendOnSandbox(cmd *cobra.Command, f backendFlags, behind sandboxBehind) error {
	if f.file != "" {
		return usage{errors.New("--config and --sandbox are two ways to say the same: where Turnkey is and by which key")}
	}
	from, err := t.source(f)
	if err != nil {
		return err
	}
	asked, told, err := from.Read()
	if err != nil {
		return told.Explain(err)
	}
	if err := behind.check(); err != nil {
		return err
	}
	beyond := !local.Loopback(address(asked))
	if behind.options.Seed != 0 && beyond {
		return usage{errors.New("--seed makes keys that anyone can compute, so it is refused with a --listen beyond loopback")}
	}
	log := t.jsonLog()
	behind.options.Log = log
	s, err := local.StartSandbox(behind.options)
	if err != nil {
		return err
	}
	if s.Seeded() && beyond { // the folder's own
		return errors.Join(usage{errors.New("--state names a sandbox that was made with --seed, whose keys anyone can compute, so it is refused with a --listen beyond loopback")}, s.Close())
	}
	config, err := local.BackendFor(s.Ready, log)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	config.Port, config.Listen, config.AdminListen, config.DrainSeconds = asked.Port, asked.Listen, asked.AdminListen, asked.DrainSeconds
	b, err := local.StartBackend(address(config), config)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	err = t.serve(cmd, b, config, backendFlags{}, struct {
		local.BackendReady
		Sandbox local.Ready `json:"sandbox"`
	}{b.Ready, s.Ready})
	return errors.Join(err, s.Close())
}
