package sandbox

import (
	"cmp"
	"fmt"
)

// mailed asks for a bundle that goes to a user of the organization by e-mail, and to nobody else.
type mailed struct {
	bundled
	sender
	Email              string              `json:"email" need:"text"`
	EmailCustomization *emailCustomization `json:"emailCustomization,omitempty"`
}

// named says that the newer versions want the app's name.
func (in *mailed) named() error {
	switch {
	case in.EmailCustomization == nil:
		return missingField("emailCustomization")
	case in.EmailCustomization.AppName == "":
		return missingField("emailCustomization.appName")
	}
	return nil
}

func (in *mailed) prepare(c *call) error {
	if err := checkEmail(in.Email); err != nil {
		return err
	}
	if err := in.EmailCustomization.check(); err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	return in.bundled.prepare(c)
}

// occasion is why a bundle is sent.
type occasion struct {
	feature string
	kind    credential
	title   string // begins the name of the key
	message string // the kind of message
	verb    string // what the bundle is for
}

var (
	byEmailAuth     = occasion{featureEmailAuth, credentialEmailAuth, "Email Auth", "email_auth", "log in to"}
	byEmailRecovery = occasion{featureEmailRecovery, credentialRecovery, "Recovery", "recovery", "recover your account at"}
)

// defaultLink is for mails without a template of their own: a page of one's own that is under development.
const defaultLink = "http://localhost:3000/%s?credentialBundle=%s"

// deliver gives the key to the user and sends the bundle.
func (in *mailed) deliver(t *tx, o occasion) (*user, *apiKey, error) {
	if _, on := t.org.feature(o.feature); !on {
		return nil, nil, switchedOff()
	}
	u, err := t.mailbox(in.Email)
	if err != nil {
		return nil, nil, err
	}
	k := in.hand(t, u, o.kind, o.title)
	app := in.EmailCustomization.app()
	link := cmp.Or(in.EmailCustomization.link(in.sealed), fmt.Sprintf(defaultLink, o.message, in.sealed))
	t.send(&message{To: u.email, From: in.SendFromEmailAddress, Channel: "email", Kind: o.message, Subject: fmt.Sprintf("Use this link to %s %s", o.verb, app),
		Text: fmt.Sprintf("To %s %s, follow %s or paste this code: %s. It is valid until %s.", o.verb, app, link, in.sealed, isoTime(t.now+in.lasts*1000)),
		Link: link, Bundle: in.sealed, OrganizationID: t.org.id.String()})
	return u, k, nil
}

// emailAuth sends a user a key for a while.
type emailAuth struct{ mailed }

// emailAuthV3 wants the app's name.
type emailAuthV3 struct{ emailAuth }

func (in *emailAuthV3) complete() error { return in.named() }

func (in *emailAuth) run(t *tx) (any, error) {
	u, k, err := in.deliver(t, byEmailAuth)
	if err != nil {
		return nil, err
	}
	return struct {
		UserID   string `json:"userId"`
		APIKeyID string `json:"apiKeyId"`
	}{u.id.String(), k.id.String()}, nil
}
