package sandbox

import "github.com/google/uuid"

// createReadWriteSession hands a key for a while to whoever asks, or to another user.
type createReadWriteSession struct {
	bundled
	UserID string `json:"userId,omitempty"`
}

// createReadWriteSessionV1 names the user by e-mail address and leaves older keys alone.
type createReadWriteSessionV1 struct {
	bundled
	Email string `json:"email" need:"text"`
}

func (in *createReadWriteSessionV1) complete() error {
	in.InvalidateExisting = nil
	return nil
}

// readWriteSession is the answer to both.
type readWriteSession struct {
	OrganizationID   string `json:"organizationId"`
	OrganizationName string `json:"organizationName"`
	UserID           string `json:"userId"`
	Username         string `json:"username"`
	APIKeyID         string `json:"apiKeyId"`
	CredentialBundle string `json:"credentialBundle"`
}

func (in *bundled) open(t *tx, u *user) readWriteSession {
	k := in.hand(t, u, credentialReadWrite, "Read Write Session")
	return readWriteSession{u.org.id.String(), u.org.name, u.id.String(), u.name, k.id.String(), in.sealed}
}

// whose is the user who gets the key.
func (in *createReadWriteSession) whose(c *call) (*user, error) {
	if in.UserID == "" {
		return c.user, nil
	}
	return c.findUser(in.UserID)
}

func (in *createReadWriteSession) about(c *call) uuid.UUID {
	u, err := in.whose(c)
	return aboutUser(u, err)
}

func (in *createReadWriteSession) run(t *tx) (any, error) {
	u, err := in.whose(t.call)
	if err != nil {
		return nil, err
	}
	return in.open(t, u), nil
}

func (in *createReadWriteSessionV1) about(c *call) uuid.UUID {
	u, err := c.mailbox(in.Email)
	return aboutUser(u, err)
}

func (in *createReadWriteSessionV1) run(t *tx) (any, error) {
	u, err := t.mailbox(in.Email)
	if err != nil {
		return nil, err
	}
	return in.open(t, u), nil
}

// aboutUser is nobody's id when no user was found; run says why.
func aboutUser(u *user, err error) uuid.UUID {
	if err != nil {
		return uuid.UUID{}
	}
	return u.id
}
