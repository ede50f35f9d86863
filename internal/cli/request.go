package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/fault"
	"latchkey/internal/login"
	"latchkey/internal/p256"
	"latchkey/internal/stamp"
	"latchkey/internal/turnkey"
)

// apiPath is what a call's path looks like.
var apiPath = regexp.MustCompile(`^/public/v1/[a-z]+/[a-z0-9_]+$`)

// maxBody is what a request's body may measure.
const maxBody = 1 << 20

func (t *terminal) request() *cobra.Command {
	var touch bool
	c := t.stamps(&cobra.Command{
		Use:   "request PATH BODY",
		Short: "Stamp a request and send it",
		Long: "Stamps BODY, sends it to PATH of Turnkey's API and prints the answer. BODY is sent byte for byte: JSON text,\n" +
			"- for standard input, or @FILE. With TURNKEY_API_PRIVATE_KEY in the environment that key stamps, and\n" +
			"TURNKEY_API_URL says where to; otherwise the active session does.\n\n" +
			"What signs, deletes, exports or changes who may do what is shown and asked about on the terminal first, or\n" +
			"allowed by a rule (latchkey rules). A key from the environment belongs to no profile: it has no rules, nothing\n" +
			"is asked, and nothing is recorded.",
		Example: `  latchkey request /public/v1/query/whoami '{"organizationId":"…"}'
  latchkey request /public/v1/submit/create_wallet @wallet.json`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, body, err := t.readRequest(args)
			if err != nil {
				return err
			}
			var answer []byte
			if t.getenv("TURNKEY_API_PRIVATE_KEY") != "" {
				api, err := t.environmentClient()
				if err != nil {
					return err
				}
				answer, err = api.Post(cmd.Context(), path, body)
				if err != nil {
					return err
				}
			} else {
				c, err := t.open(cmd.Context())
				if err != nil {
					return err
				}
				defer t.close(c)
				if touch {
					answer, err = c.RequestOrTouch(cmd.Context(), path, body, func(a login.Attempt) { fmt.Fprintln(t.err, onThePage(a, "Use your passkey")) })
				} else {
					answer, err = c.Request(cmd.Context(), path, body)
				}
				if err != nil {
					return err
				}
			}
			_, err = fmt.Fprintln(t.out, strings.TrimRight(string(answer), "\n"))
			return err
		},
	})
	c.Flags().BoolVar(&touch, "passkey", false, "where there is no good session, a passkey stamps, in the browser")
	return c
}

// readRequest checks the path and reads the body from where the second argument says.
func (t *terminal) readRequest(args []string) (path string, body []byte, err error) {
	path = args[0]
	if !apiPath.MatchString(path) {
		return "", nil, usage{fmt.Errorf("PATH must begin with /public/v1/ and name one call, not %q", path)}
	}
	switch text := args[1]; {
	case text == "-":
		body, err = io.ReadAll(io.LimitReader(t.in, maxBody+1))
	case strings.HasPrefix(text, "@"):
		body, err = readFile(text[1:])
	default:
		body = []byte(text)
	}
	switch {
	case err != nil:
		return "", nil, fmt.Errorf("read the body: %w", err)
	case len(body) > maxBody:
		return "", nil, usage{fmt.Errorf("the body is over %d bytes", maxBody)}
	case !json.Valid(body):
		return "", nil, usage{fmt.Errorf("the body is not JSON")}
	}
	return path, body, nil
}

func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, usage{err}
	}
	defer file.Close() //nolint:errcheck // it was only read
	return io.ReadAll(io.LimitReader(file, maxBody+1))
}

// environmentClient stamps with the API key of the environment, as Turnkey's own examples do.
func (t *terminal) environmentClient() (*turnkey.Client, error) {
	key, err := p256.ParsePrivate(t.getenv("TURNKEY_API_PRIVATE_KEY"))
	if err != nil {
		return nil, fmt.Errorf("TURNKEY_API_PRIVATE_KEY: %w", fault.New(fault.ProfileBad, err))
	}
	signer := p256.NewKey(key)
	if want := t.getenv("TURNKEY_API_PUBLIC_KEY"); want != "" && !strings.EqualFold(want, signer.PublicKey()) {
		return nil, fmt.Errorf("TURNKEY_API_PUBLIC_KEY: %w", fault.New(fault.ProfileBad, fmt.Errorf("it is not the public half of TURNKEY_API_PRIVATE_KEY")))
	}
	url := strings.TrimRight(t.getenv("TURNKEY_API_URL"), "/")
	if url == "" {
		url = "https://api.turnkey.com"
	}
	return &turnkey.Client{
		BaseURL: func() string { return url },
		Stamper: stamp.APIKey{Signer: signer},
		HTTP:    &http.Client{Timeout: 30 * time.Second},
	}, nil
}
