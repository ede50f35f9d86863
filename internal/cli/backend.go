package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/backend"
	"latchkey/internal/fault"
	"latchkey/internal/local"
	"latchkey/internal/profile"
)

// backendFlags are those by which a backend's settings are said, or found.
type backendFlags struct{ listen, admin, file string }

func (f *backendFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.listen, "listen", "", "where devices reach it (default 127.0.0.1:$PORT, else 127.0.0.1:3000; port 0 is a free one)")
	c.Flags().StringVar(&f.admin, "admin", "", "where /livez, /readyz and /metrics are (default a free port of loopback)")
	c.Flags().StringVar(&f.file, "config", "", "a file with settings, each under its variable's name in lower case")
}

// source is where a backend's settings come from. A file that was named and cannot be read is a wrong call.
func (t *terminal) source(f backendFlags) (backend.Source, error) {
	s := backend.Source{Getenv: t.getenv, Flags: map[string]backend.Flag{
		"LATCHKEY_LISTEN":       {Name: "--listen", Value: f.listen},
		"LATCHKEY_ADMIN_LISTEN": {Name: "--admin", Value: f.admin},
	}}
	if f.file == "" {
		return s, nil
	}
	var err error
	s.File, err = backend.ReadFile(f.file)
	if _, unread := errors.AsType[*fs.PathError](err); unread {
		return s, usage{fmt.Errorf("--config: %w", err)}
	}
	return s, err
}

// settled reads the settings of a backend and checks them, whose pins are production's where they say nothing else.
func settled(s backend.Source) (backend.Config, backend.Origins, error) {
	c, told, err := s.Read()
	c.Pins = c.Pins.Or(backend.Pins(profile.ProductionPins()))
	if err == nil {
		err = c.Check()
	}
	return c, told, told.Explain(err)
}

func (t *terminal) backend() *cobra.Command {
	var f backendFlags
	var behind sandboxBehind
	c := &cobra.Command{
		Use:   "backend",
		Short: "The auth backend as a server",
		Long: "Runs the auth backend until interrupted. It reads TURNKEY_API_URL, TURNKEY_ORGANIZATION_ID,\n" +
			"TURNKEY_API_PUBLIC_KEY, TURNKEY_API_PRIVATE_KEY, PORT and its other settings from the environment or --config.\n" +
			"SIGHUP makes it read its API key anew. With --sandbox it puts a sandbox behind itself, so that one command is a\n" +
			"whole local Turnkey; with --state or --seed, and fixed ports, an app stays logged in over a restart.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if behind.on {
				return t.backendOnSandbox(cmd, f, behind)
			}
			if err := behind.unused(cmd); err != nil {
				return err
			}
			from, err := t.source(f)
			if err != nil {
				return err
			}
			config, _, err := settled(from)
			if err != nil {
				return err
			}
			config.Log = t.jsonLog()
			b, err := local.StartBackend(address(config), config)
			if err != nil {
				return err
			}
			return t.serve(cmd, b, config, f, b.Ready)
		},
	}
	f.add(c)
	behind.add(c)
	c.AddCommand(t.backendCheck(), t.backendOAuth2())
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
	return c
}

// address is where a backend listens: what it was told, else the port on loopback, of which 0 is a free one.
func address(c backend.Config) string {
	return cmp.Or(c.Listen, net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port)))
}

// serve writes the ready line, tries the key, renews it at every SIGHUP and ends in order. A second signal ends the
// waiting. The key is tried beside the serving, so that a start waits for nobody: a key that Turnkey refuses ends the
// backend, and one that it cannot be asked about does not.
func (t *terminal) serve(cmd *cobra.Command, b *local.Backend, c backend.Config, f backendFlags, ready any) error {
	if err := json.NewEncoder(t.out).Encode(ready); err != nil {
		b.Close()
		return err
	}
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	trying, cancel := context.WithTimeout(cmd.Context(), checkLimit)
	defer cancel()
	tried := make(chan error, 1)
	go func() {
		if err := b.CheckState(trying); err != nil && trying.Err() == nil {
			c.Log.Warn("Redis could not be reached: until it answers, nobody is served", "reason", string(fault.CodeOf(err)), "err", err.Error())
		}
		_, err := backend.TryKey(trying, c)
		tried <- err
	}()
	for {
		select {
		case <-reload:
			t.renew(cmd.Context(), b, c.Log, f)
		case err := <-tried:
			switch {
			case err == nil:
				c.Log.Info("Turnkey knows the API key")
			case refused(err):
				b.Close()
				return fault.New(fault.BackendKey, err)
			case cmd.Context().Err() == nil:
				c.Log.Warn("Turnkey could not be asked about the API key: serving all the same", "reason", string(fault.CodeOf(err)), "err", err.Error())
			}
			tried = nil
		case <-cmd.Context().Done():
			ctx, stop := signal.NotifyContext(context.WithoutCancel(cmd.Context()), os.Interrupt, syscall.SIGTERM)
			defer stop()
			c.Log.Info("ending", "drainSeconds", c.DrainSeconds)
			b.Drain(ctx, time.Duration(c.DrainSeconds)*time.Second)
			if tried != nil {
				<-tried //nolint:errcheck // a check that was under way: its word came too late to matter
			}
			c.Log.Info("ended")
			return nil
		}
	}
}

// refused reports whether Turnkey will say the same of a key the next time.
func refused(err error) bool {
	switch fault.CodeOf(err) {
	case fault.SessionRejected, fault.SessionExpired, fault.APIRefused, fault.StampInvalid:
		return true
	}
	return false
}

// renewLimit is how long a new key may be tried.
const renewLimit = 15 * time.Second

// renew reads the settings again and takes the API key of them, or says why the old one stays.
func (t *terminal) renew(ctx context.Context, b *local.Backend, log *slog.Logger, f backendFlags) {
	ctx, cancel := context.WithTimeout(ctx, renewLimit)
	defer cancel()
	from, err := t.source(f)
	if err == nil {
		var c backend.Config
		if c, _, err = settled(from); err == nil {
			if err = b.Renew(ctx, c); err == nil {
				log.Info("the API key was read anew and is in use", "apiPublicKey", c.APIPublicKey)
				return
			}
		}
	}
	log.Error("the API key was not changed: the old one stays in use", "reason", string(fault.CodeOf(err)), "err", err.Error())
}

// jsonLog is the log of a server that machines read.
func (t *terminal) jsonLog() *slog.Logger {
	level := slog.LevelInfo
	if t.debug {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewJSONHandler(t.err, &slog.HandlerOptions{Level: level}))
}
