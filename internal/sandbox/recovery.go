package sandbox

import "github.com/google/uuid"

// initUserEmailRecovery sends a user a key that may recover the account and do nothing else.
type initUserEmailRecovery struct{ mailed }

// complete leaves out what other mailed bundles have.
func (in *initUserEmailRecovery) complete() error {
	in.APIKeyName, in.InvalidateExisting = "", nil
	return nil
}

// initUserEmailRecoveryV2 wants the app's name.
type initUserEmailRecoveryV2 struct{ initUserEmailRecovery }

func (in *initUserEmailRecoveryV2) complete() error {
	_ = in.initUserEmailRecovery.complete()
	return in.named()
}

func (in *initUserEmailRecovery) run(t *tx) (any, error) {
	u, _, err := in.deliver(t, byEmailRecovery)
	if err != nil {
		return nil, err
	}
	return struct {
		UserID string `json:"userId"`
	}{u.id.String()}, nil
}

// recoverUser gives the user who lost every other way in a new authenticator.
type recoverUser struct {
	Authenticator *authenticatorParams `json:"authenticator" need:"yes"`
	UserID        string               `json:"userId" need:"text"`

	drawn []*authenticator
}

func (in *recoverUser) about(*call) uuid.UUID { return idOf(in.UserID) }

func (in *recoverUser) prepare(*call) (err error) {
	in.drawn, err = drawAuthenticators([]authenticatorParams{*in.Authenticator})
	return err
}

func (in *recoverUser) run(t *tx) (any, error) {
	u, err := t.findUser(in.UserID)
	if err != nil {
		return nil, err
	}
	if u.id != t.user.id {
		return nil, invalid("the recovery credential belongs to another user")
	}
	next := *u
	next.updated = t.now
	if err := t.enroll(&next, in.drawn, t.org.users); err != nil {
		return nil, err
	}
	t.stage(&next)
	return struct {
		AuthenticatorID []string `json:"authenticatorId"`
	}{[]string{in.drawn[0].ID.String()}}, nil
}

// fitsRecovery refuses a recovery key whatever is not the recovery, votes too, and the recovery every other credential.
func (c *call) fitsRecovery(k kind) error {
	by, to := c.with.kind == credentialRecovery, k.rights&byRecovery != 0
	if by != to && !(to && c.onBehalf()) { // who may not act here at all is told so
		return recoveryOnly()
	}
	return nil
}

// mayRead refuses a recovery key every query but the one by which clients follow the recovery.
func (c *call) mayRead(query any) error {
	if _, follows := query.(*activityFilter); c.with.kind == credentialRecovery && !follows {
		return recoveryOnly()
	}
	return nil
}
