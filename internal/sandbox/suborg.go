package sandbox

import (
	"reflect"
	"slices"

	"latchkey/internal/token"
)

// usersMax is how many users an organization may have, as the service documents.
const usersMax = 100

// createSubOrganization are versions 2 to 8. What an older version does not have is ignored there, as any unknown
// field is.
type createSubOrganization struct {
	SubOrganizationName  string           `json:"subOrganizationName" need:"text"`
	RootUsers            []rootUserParams `json:"rootUsers" need:"yes"`
	RootQuorumThreshold  *integer         `json:"rootQuorumThreshold" need:"yes"`
	Wallet               *walletParams    `json:"wallet,omitempty"`               // from 4
	DisableEmailRecovery *bool            `json:"disableEmailRecovery,omitempty"` // from 4
	DisableEmailAuth     *bool            `json:"disableEmailAuth,omitempty"`     // from 4
	DisableSMSAuth       *bool            `json:"disableSmsAuth,omitempty"`       // from 7
	DisableOTPEmailAuth  *bool            `json:"disableOtpEmailAuth,omitempty"`  // from 7
	VerificationToken    string           `json:"verificationToken,omitempty"`    // from 7
	ClientSignature      *clientSignature `json:"clientSignature,omitempty"`      // from 7

	version int
	proof   *token.Verification
	ways    []waysIn // of each user
}

// waysIn are the credentials that a new user is to have.
type waysIn struct {
	keys           []*apiKey
	authenticators []*authenticator
	providers      []*oauthProvider
}

// rootUserParams is a user to make.
type rootUserParams struct {
	UserName        string                 `json:"userName" need:"text"`
	UserEmail       string                 `json:"userEmail,omitempty"`
	UserPhoneNumber string                 `json:"userPhoneNumber,omitempty"` // from 7
	APIKeys         []apiKeyParams         `json:"apiKeys" need:"yes"`        // with curves from 6
	Authenticators  []authenticatorParams  `json:"authenticators" need:"yes"`
	OAuthProviders  *[]oauthProviderParams `json:"oauthProviders,omitempty"` // from 5, with claims from 8
}

// createSubOrganizationOf reads one version.
func createSubOrganizationOf(version int) func([]byte) (params, error) {
	return func(raw []byte) (params, error) {
		in := &createSubOrganization{version: version}
		if err := decode(raw, in); err != nil {
			return nil, err
		}
		return in, in.complete()
	}
}

func (in *createSubOrganization) complete() error {
	for i := range in.RootUsers {
		u := &in.RootUsers[i]
		switch {
		case in.version >= 6:
			if err := curvesNamed(u.APIKeys); err != nil {
				return err
			}
		default:
			for j := range u.APIKeys {
				u.APIKeys[j].CurveType = ""
			}
		}
		switch {
		case in.version < 5:
			u.OAuthProviders = nil
		case u.OAuthProviders == nil:
			return missingField("oauthProviders")
		case in.version < 8:
			withoutClaims(*u.OAuthProviders)
		}
		if in.version < 7 {
			u.UserPhoneNumber = ""
		}
	}
	if in.version < 4 {
		in.Wallet, in.DisableEmailRecovery, in.DisableEmailAuth = nil, nil, nil
	}
	if in.version < 7 {
		in.DisableSMSAuth, in.DisableOTPEmailAuth, in.VerificationToken, in.ClientSignature = nil, nil, "", nil
	}
	return nil
}

func (in *createSubOrganization) prepare(c *call) (err error) {
	if len(in.RootUsers) > usersMax {
		return tooMany("organization has exceeded maximum users")
	}
	in.ways = make([]waysIn, len(in.RootUsers))
	for i, u := range in.RootUsers {
		if in.ways[i].keys, err = drawKeys(u.APIKeys); err != nil {
			return err
		}
		if in.ways[i].authenticators, err = drawAuthenticators(u.Authenticators); err != nil {
			return err
		}
		if in.ways[i].providers, err = drawProviders(c, u.providers()); err != nil {
			return err
		}
		if err := u.check(); err != nil {
			return err
		}
	}
	switch n := *in.RootQuorumThreshold; {
	case n < 1:
		return invalid("quorum threshold must be non-zero integer")
	case int(n) > len(in.RootUsers):
		return invalid("quorum users missing")
	}
	if err := in.prove(c); err != nil {
		return err
	}
	if in.Wallet != nil {
		return in.Wallet.prepare(c)
	}
	return nil
}

func (u rootUserParams) providers() []oauthProviderParams {
	if u.OAuthProviders == nil {
		return nil
	}
	return *u.OAuthProviders
}

func (u rootUserParams) check() error {
	if u.UserEmail != "" {
		if err := checkEmail(u.UserEmail); err != nil {
			return err
		}
	}
	if u.UserPhoneNumber != "" {
		if err := checkPhone(u.UserPhoneNumber); err != nil {
			return err
		}
	}
	if len(u.APIKeys)+len(u.Authenticators)+len(u.providers()) == 0 && u.UserEmail == "" && u.UserPhoneNumber == "" {
		return invalid("user missing valid credential")
	}
	return nil
}

// prove checks the verification token, if there is one: it is of the right generation, its contact is that of a user,
// and its key agreed to exactly that user.
func (in *createSubOrganization) prove(c *call) error {
	if in.VerificationToken == "" {
		return nil
	}
	v, err := c.proof(in.VerificationToken)
	if err != nil {
		return err
	}
	if v.Legacy && in.version >= 8 {
		return badToken("it was issued for ACTIVITY_TYPE_CREATE_SUB_ORGANIZATION_V7")
	}
	at := slices.IndexFunc(in.RootUsers, func(u rootUserParams) bool { return u.has(v) })
	if at < 0 {
		return badToken("its contact is none of the root users'")
	}
	usage, err := agreement(v, in.ClientSignature)
	if err != nil {
		return err
	}
	if usage != nil {
		signed := usage.SignupV2
		if signed == nil && in.version == 7 {
			signed = usage.Signup
		}
		if signed == nil || !in.RootUsers[at].is(*signed) {
			return badClientSignature("it does not agree to a signup of this user")
		}
	}
	in.proof = &v
	return nil
}

// has reports whether the proven contact is u's.
func (u rootUserParams) has(v token.Verification) bool {
	if v.VerificationType == otpSMS {
		return u.UserPhoneNumber == v.Contact
	}
	return u.UserEmail != "" && sameEmail(u.UserEmail) == sameEmail(v.Contact)
}

// is reports whether the signed parameters are those of u. They are compared as values, for every kit writes them its
// own way; an absent list is an empty one.
func (u rootUserParams) is(signed token.SignupUsage) bool {
	if signed.Email != u.UserEmail || signed.PhoneNumber != u.UserPhoneNumber || len(signed.APIKeys) != len(u.APIKeys) ||
		len(signed.Authenticators) != len(u.Authenticators) || len(signed.OAuthProviders) != len(u.providers()) {
		return false
	}
	for i, raw := range signed.Authenticators {
		var a authenticatorParams
		if err := decode(mustJSON(raw), &a); err != nil || !reflect.DeepEqual(a, u.Authenticators[i]) {
			return false
		}
	}
	for i, raw := range signed.OAuthProviders {
		var p oauthProviderParams
		if err := decode(mustJSON(raw), &p); err != nil || !reflect.DeepEqual(p, u.providers()[i]) {
			return false
		}
	}
	for i, raw := range signed.APIKeys {
		var k apiKeyParams
		if err := decode(mustJSON(raw), &k); err != nil || k != u.APIKeys[i] {
			return false
		}
	}
	return true
}

func (in *createSubOrganization) run(t *tx) (any, error) {
	org, ids, err := in.found(t)
	if err != nil {
		return nil, err
	}
	made := subOrganizationResult{SubOrganizationID: org.id.String(), RootUserIDs: ids}
	if in.Wallet != nil {
		w, err := in.Wallet.create(t, org)
		if err != nil {
			return nil, err
		}
		made.Wallet = &w
	}
	return made, nil
}

// found stages the organization with its users, and returns it with their ids.
func (in *createSubOrganization) found(t *tx) (*organization, []string, error) {
	org := &organization{id: t.id(), number: t.state.founded + 1, parent: t.org, created: t.now,
		settings: &settings{name: in.SubOrganizationName, threshold: int32(*in.RootQuorumThreshold), features: without(featuresAtFirst, in.off()...)}}
	t.stage(org)
	var users []*user
	ids := make([]string, len(in.RootUsers))
	for i, p := range in.RootUsers {
		u := &user{id: t.id(), number: t.number(), org: org, name: p.UserName, email: p.UserEmail, phone: p.UserPhoneNumber, created: t.now, updated: t.now}
		if err := t.give(u, in.ways[i].keys, users); err != nil {
			return nil, nil, err
		}
		if err := t.enroll(u, in.ways[i].authenticators, users); err != nil {
			return nil, nil, err
		}
		if err := t.attach(u, in.ways[i].providers, users...); err != nil {
			return nil, nil, err
		}
		if in.proof != nil && p.has(*in.proof) {
			u.emailVerified = in.proof.VerificationType == otpEmail
			u.phoneVerified = in.proof.VerificationType == otpSMS
		}
		users, ids[i] = append(users, u), u.id.String()
		org.root = append(org.root, u.id)
		t.stage(u)
	}
	return org, ids, nil
}

type subOrganizationResult struct {
	SubOrganizationID string        `json:"subOrganizationId"`
	Wallet            *walletResult `json:"wallet,omitempty"`
	RootUserIDs       []string      `json:"rootUserIds"`
}

// off are the features that the new organization is not to have.
func (in *createSubOrganization) off() (off []string) {
	for _, f := range []struct {
		disable *bool
		name    string
	}{{in.DisableEmailRecovery, featureEmailRecovery}, {in.DisableEmailAuth, featureEmailAuth},
		{in.DisableSMSAuth, featureSMSAuth}, {in.DisableOTPEmailAuth, featureOTPEmailAuth}} {
		if f.disable != nil && *f.disable {
			off = append(off, f.name)
		}
	}
	return off
}
