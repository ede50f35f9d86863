package sandbox

import (
	"errors"
	"slices"

	"github.com/google/uuid"

	"latchkey/internal/sandbox/passkey"
)

const authenticatorsMax = 10 // of one user, as the service documents

// authenticatorParams asks for an authenticator, in the form that all but the oldest activity have.
type authenticatorParams struct {
	AuthenticatorName string             `json:"authenticatorName" need:"text"`
	Challenge         string             `json:"challenge" need:"text"`
	Attestation       *attestationParams `json:"attestation,omitempty"` // its absence has words of its own
}

// attestationParams is passkey.Attestation as a request carries it.
type attestationParams struct {
	CredentialID      string   `json:"credentialId"`
	ClientDataJSON    string   `json:"clientDataJson"`
	AttestationObject string   `json:"attestationObject"`
	Transports        []string `json:"transports" need:"yes"`
}

// draw checks the attestation and returns the authenticator, but for its id and time.
func (p authenticatorParams) draw() (*authenticator, error) {
	var a passkey.Attestation // empty, which Register refuses in its own words
	if p.Attestation != nil {
		a = passkey.Attestation(*p.Attestation)
	}
	return drawAuthenticator(p.AuthenticatorName, p.Challenge, a)
}

func drawAuthenticator(name, challenge string, a passkey.Attestation) (*authenticator, error) {
	c, err := passkey.Register(challenge, a)
	if refused := (*passkey.Error)(nil); errors.As(err, &refused) {
		return nil, badAttestation(refused.Message, refused.Why)
	} else if err != nil {
		return nil, err
	}
	return &authenticator{Name: name, CredentialID: c.ID, PublicKey: c.Key.COSE(), AAGUID: c.AAGUID,
		AttestationType: c.AttestationType, Model: passkey.Model, Transports: c.Transports}, nil
}

func drawAuthenticators(wanted []authenticatorParams) ([]*authenticator, error) {
	if len(wanted) > authenticatorsMax {
		return nil, tooMany("user has exceeded maximum authenticators")
	}
	drawn := make([]*authenticator, len(wanted))
	for i, p := range wanted {
		var err error
		if drawn[i], err = p.draw(); err != nil {
			return nil, err
		}
	}
	return drawn, nil
}

// enroll adds new authenticators to u, a version that is not installed yet. others are users of the same organization.
func (t *tx) enroll(u *user, drawn []*authenticator, others []*user) error {
	u.authenticators = slices.Clone(u.authenticators)
	for _, a := range drawn {
		if u.passkey(a.CredentialID) != nil || slices.ContainsFunc(others, func(o *user) bool { return o.id != u.id && o.passkey(a.CredentialID) != nil }) {
			return exists("credential ID already exists in organization credentialId=%s", clip(a.CredentialID))
		}
		a.ID, a.Created = t.id(), t.now
		u.authenticators = append(u.authenticators, a)
	}
	if len(u.authenticators) > authenticatorsMax {
		return tooMany("user has exceeded maximum authenticators")
	}
	return nil
}

// createAuthenticators gives a user more authenticators; it is the second version.
type createAuthenticators struct {
	Authenticators []authenticatorParams `json:"authenticators" need:"yes"`
	UserID         string                `json:"userId" need:"text"`

	drawn []*authenticator
}

func (in *createAuthenticators) about(*call) uuid.UUID { return idOf(in.UserID) }

func (in *createAuthenticators) prepare(*call) (err error) {
	in.drawn, err = drawAuthenticators(in.Authenticators)
	return err
}

func (in *createAuthenticators) run(t *tx) (any, error) { return t.enrollTo(in.UserID, in.drawn) }

// createAuthenticatorsV1 has attestations in the Web API's own form.
type createAuthenticatorsV1 struct {
	Authenticators []authenticatorParamsV1 `json:"authenticators" need:"yes"`
	UserID         string                  `json:"userId" need:"text"`

	drawn []*authenticator
}

// authenticatorParamsV1 names the user once more, who must be the same.
type authenticatorParamsV1 struct {
	AuthenticatorName string                 `json:"authenticatorName" need:"text"`
	UserID            string                 `json:"userId" need:"text"`
	Attestation       *publicKeyCredentialV1 `json:"attestation,omitempty"`
	Challenge         string                 `json:"challenge" need:"text"`
}

// publicKeyCredentialV1 is passkey.PublicKeyCredential as a request carries it.
type publicKeyCredentialV1 struct {
	ID                      string `json:"id" need:"text"`
	Type                    string `json:"type" need:"text"`
	RawID                   string `json:"rawId" need:"text"`
	AuthenticatorAttachment string `json:"authenticatorAttachment,omitempty"`
	Response                struct {
		ClientDataJSON          string   `json:"clientDataJson"`
		AttestationObject       string   `json:"attestationObject"`
		Transports              []string `json:"transports,omitempty"`
		AuthenticatorAttachment string   `json:"authenticatorAttachment,omitempty"`
	} `json:"response" need:"yes"`
	ClientExtensionResults extensionResults `json:"clientExtensionResults" need:"yes"`
}

// extensionResults is taken and not used.
type extensionResults struct {
	AppID        *bool `json:"appid,omitempty"`
	AppIDExclude *bool `json:"appidExclude,omitempty"`
	CredProps    *struct {
		RK *bool `json:"rk,omitempty"`
	} `json:"credProps,omitempty"`
}

func (p authenticatorParamsV1) draw() (*authenticator, error) {
	if p.Attestation == nil {
		return drawAuthenticator(p.AuthenticatorName, p.Challenge, passkey.Attestation{})
	}
	older := passkey.PublicKeyCredential{ID: p.Attestation.ID, Type: p.Attestation.Type, RawID: p.Attestation.RawID}
	older.Response.ClientDataJSON, older.Response.AttestationObject = p.Attestation.Response.ClientDataJSON, p.Attestation.Response.AttestationObject
	older.Response.Transports = p.Attestation.Response.Transports
	a, ok := older.Attestation()
	if !ok {
		return nil, badAttestation("invalid authenticator attestation", "not one public key's")
	}
	return drawAuthenticator(p.AuthenticatorName, p.Challenge, a)
}

func (in *createAuthenticatorsV1) about(*call) uuid.UUID { return idOf(in.UserID) }

func (in *createAuthenticatorsV1) prepare(*call) error {
	if len(in.Authenticators) > authenticatorsMax {
		return tooMany("user has exceeded maximum authenticators")
	}
	in.drawn = nil
	for _, p := range in.Authenticators {
		if p.UserID != in.UserID {
			return invalid("authenticators must be of the user with the given ID userId=%s", clip(in.UserID))
		}
		a, err := p.draw()
		if err != nil {
			return err
		}
		in.drawn = append(in.drawn, a)
	}
	return nil
}

func (in *createAuthenticatorsV1) run(t *tx) (any, error) { return t.enrollTo(in.UserID, in.drawn) }

// authenticatorIDs is the answer to create_authenticators and delete_authenticators.
type authenticatorIDs struct {
	AuthenticatorIDs []string `json:"authenticatorIds"`
}

func (t *tx) enrollTo(userID string, drawn []*authenticator) (any, error) {
	u, err := t.findUser(userID)
	if err != nil {
		return nil, err
	}
	next := *u
	next.updated = t.now
	if err := t.enroll(&next, drawn, t.org.users); err != nil {
		return nil, err
	}
	ids := make([]string, len(drawn))
	for i, a := range drawn {
		ids[i] = a.ID.String()
	}
	t.stage(&next)
	return authenticatorIDs{ids}, nil
}

// deleteAuthenticators takes authenticators from a user, the one that stamps among them if it is named.
type deleteAuthenticators struct {
	UserID           string   `json:"userId" need:"text"`
	AuthenticatorIDs []string `json:"authenticatorIds" need:"yes"`
	nobody
}

func (in *deleteAuthenticators) about(*call) uuid.UUID { return idOf(in.UserID) }

func (in *deleteAuthenticators) run(t *tx) (any, error) {
	u, err := t.findUser(in.UserID)
	if err != nil {
		return nil, err
	}
	if len(in.AuthenticatorIDs) == 0 {
		return nil, invalid("no authenticator IDs provided")
	}
	next := *u
	next.authenticators, next.updated = slices.Clone(u.authenticators), t.now
	for _, id := range in.AuthenticatorIDs {
		at := slices.IndexFunc(next.authenticators, func(a *authenticator) bool { return a.ID.String() == id })
		if at < 0 {
			return nil, notFound("no authenticator found with the given ID", "authenticatorId", id)
		}
		next.authenticators = slices.Delete(next.authenticators, at, at+1)
	}
	t.stage(&next)
	return authenticatorIDs{in.AuthenticatorIDs}, nil
}

func getAuthenticators(c *call, in *userFilter) (any, error) {
	u, err := c.findUser(in.UserID)
	if err != nil {
		return nil, err
	}
	views := make([]authenticatorView, len(u.authenticators))
	for i, a := range u.authenticators {
		views[i] = a.view()
	}
	return struct {
		Authenticators []authenticatorView `json:"authenticators"`
	}{views}, nil
}

type authenticatorFilter struct {
	AuthenticatorID string `json:"authenticatorId" need:"text"`
}

func getAuthenticator(c *call, in *authenticatorFilter) (any, error) {
	for _, u := range c.org.users {
		for _, a := range u.authenticators {
			if a.ID.String() == in.AuthenticatorID {
				return struct {
					Authenticator authenticatorView `json:"authenticator"`
				}{a.view()}, nil
			}
		}
	}
	return nil, notFound("no authenticator found with the given ID", "authenticatorId", in.AuthenticatorID)
}
