package login

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"

	"latchkey/internal/fault"
	"latchkey/internal/session"
)

// LinkScheme is the scheme of the links by which an e-mail leads back to this program.
const LinkScheme = "latchkey"

// linkMost bounds what is looked at of a link, in bytes.
const linkMost = 2 << 10

// mailLink is the one form of a link that is followed: a sealed key, in base58, and nothing besides.
var mailLink = regexp.MustCompile(`^` + LinkScheme + `://mail/?\?bundle=([1-9A-HJ-NP-Za-km-z]{100,120})$`)

// ReadLink returns the sealed key that a link holds. Any page and any program can have a link opened, so whatever is not
// exactly of the one form is refused. Errors: fault.LinkInvalid.
func ReadLink(link string) (sealed string, err error) {
	if len(link) <= linkMost {
		if m := mailLink.FindStringSubmatch(link); m != nil {
			return m[1], nil
		}
	}
	return "", fault.New(fault.LinkInvalid, nil)
}

// Open follows the link of an e-mail: it goes on with the attempt that it belongs to, as Continue does. That is one that
// was begun here and still waits, and whose target the key is sealed to; where there is none, nothing is imported, sent
// or changed. Errors: fault.LinkInvalid; fault.LinkUnasked when no attempt waits for it; those of Continue.
func (m *Mail) Open(ctx context.Context, link string) (session.Session, error) {
	sealed, err := ReadLink(link)
	if err != nil {
		return session.Session{}, err
	}
	list, err := m.Sessions.Attempts(ctx)
	if err != nil {
		return session.Session{}, err
	}
	var trouble error // of a target that could not be tried
	for _, record := range slices.Backward(list) {
		var k awaited
		if record.Method != methodMail || json.Unmarshal(record.Data, &k) != nil {
			continue
		}
		switch _, err := m.open(ctx, k.Target, sealed); {
		case err == nil:
			return m.Continue(ctx, record.ID, sealed)
		case fault.CodeOf(err) != fault.MailWrong:
			trouble = err
		}
	}
	if trouble != nil {
		return session.Session{}, trouble
	}
	return session.Session{}, fault.New(fault.LinkUnasked, errors.New("no attempt has its target"))
}
