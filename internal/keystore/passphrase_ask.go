package keystore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"latchkey/internal/fault"
)

// maxAnswer is the most that a file with a passphrase may hold, in bytes.
const maxAnswer = 4096

// AskFile returns an Ask that reads the passphrase from a file: its bytes, without one line end at the end. The file is
// read each time. Errors: fault.PassphraseFile when it cannot be read, is empty or too large; fault.PassphraseWrong
// when its answer was wrong, since it will not change its mind.
func AskFile(path string) Ask {
	return func(_ context.Context, q Question) (string, error) {
		if q.Tries > 0 {
			return "", fault.New(fault.PassphraseWrong, fmt.Errorf("the one in %q", path))
		}
		f, err := os.Open(path)
		if err != nil {
			return "", fault.New(fault.PassphraseFile, err)
		}
		defer f.Close() //nolint:errcheck // it was only read
		data, err := io.ReadAll(io.LimitReader(f, maxAnswer+1))
		if err != nil {
			return "", fault.New(fault.PassphraseFile, err)
		}
		text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
		switch {
		case text == "":
			err = errors.New("it is empty")
		case len(data) > maxAnswer:
			err = fmt.Errorf("it is over %d bytes", maxAnswer)
		}
		if err != nil {
			return "", fault.New(fault.PassphraseFile, fmt.Errorf("%q: %w", path, err))
		}
		return text, nil
	}
}
