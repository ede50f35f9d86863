package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"latchkey/internal/backend"
)

// backendOAuth2 holds what a backend's owner does about X and Discord.
func (t *terminal) backendOAuth2() *cobra.Command {
	c := &cobra.Command{
		Use:   "oauth2",
		Short: "Apps at X and Discord",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(t.backendOAuth2Add())
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
	return c
}

func (t *terminal) backendOAuth2Add() *cobra.Command {
	var file, secretFile string
	var asJSON bool
	c := &cobra.Command{
		Use:   "add {x|discord} CLIENT-ID",
		Short: "Upload an app's client secret, sealed to Turnkey's enclave",
		Long: "Uploads the client secret of an app at X or Discord to the parent organization, sealed so that Turnkey's enclave\n" +
			"alone reads it. The secret is read from standard input or --secret-file, never from an argument. A secret that is\n" +
			"there for the client id is replaced. It reads the backend's settings, as latchkey backend does.",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if backend.OAuth2Providers[args[0]] == "" {
				return usage{fmt.Errorf("%q: want x or discord", args[0])}
			}
			secret, err := t.clientSecret(cmd.Context(), secretFile)
			if err != nil {
				return err
			}
			from, err := t.source(backendFlags{file: file})
			if err != nil {
				return err
			}
			config, _, err := settled(from)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), checkLimit)
			defer cancel()
			id, replaced, err := backend.AddOAuth2Credential(ctx, config, args[0], args[1], backend.SecretOf(secret))
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(t.out).Encode(map[string]any{"oauth2CredentialId": id, "replaced": replaced})
			}
			_, err = fmt.Fprintln(t.out, id)
			return err
		},
	}
	c.Flags().StringVar(&file, "config", "", "a file with the backend's settings")
	c.Flags().StringVar(&secretFile, "secret-file", "", "a file with the secret (default: standard input)")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// clientSecretMost is far above every client secret that a provider issues.
const clientSecretMost = 4 << 10

// clientSecret reads the one line of a secret; what is typed on a terminal is not shown.
func (t *terminal) clientSecret(ctx context.Context, path string) (string, error) {
	const question = "Client secret: "
	in := t.in
	if path != "" {
		f, err := os.Open(path)
		if err != nil {
			return "", usage{fmt.Errorf("--secret-file: %w", err)}
		}
		defer f.Close()
		in = f
	} else if tty, ok := in.(*os.File); ok && term.IsTerminal(int(tty.Fd())) {
		text, err := readHidden(ctx, tty, t.err, question)
		if err != nil {
			return "", err
		}
		in = strings.NewReader(text)
	} else {
		fmt.Fprint(t.err, question)
	}
	text, err := bufio.NewReader(io.LimitReader(in, clientSecretMost+1)).ReadString('\n')
	switch {
	case len(text) > clientSecretMost: // half of one would be uploaded
		return "", usage{fmt.Errorf("the secret is over %d bytes", clientSecretMost)}
	case strings.TrimSpace(text) == "":
		return "", usage{errors.Join(errors.New("the secret is empty"), ignoreEOF(err))}
	}
	return strings.TrimSpace(text), nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
