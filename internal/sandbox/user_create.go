package sandbox

import (
	"slices"
)

// createUsers makes users who are no root users: besides tending their own credentials they may do what policies
// allow them. These are versions 2 to 4.
type createUsers struct {
	Users []userParams `json:"users" need:"yes"`

	version int
	ways    []waysIn // of each
}

// userParams is a user to make. What an older version does not have is ignored there.
type userParams struct {
	rootUserParams          // with phone number, curves and providers from 3
	UserTags       []string `json:"userTags" need:"yes"`
}

// createUsersOf reads one version.
func createUsersOf(version int) func([]byte) (params, error) {
	return func(raw []byte) (params, error) {
		in := &createUsers{version: version}
		if err := decode(raw, in); err != nil {
			return nil, err
		}
		return in, in.complete()
	}
}

func (in *createUsers) complete() error {
	for i := range in.Users {
		u := &in.Users[i]
		if in.version >= 3 {
			if u.OAuthProviders == nil {
				return missingField("oauthProviders")
			}
			if err := curvesNamed(u.APIKeys); err != nil {
				return err
			}
			if in.version < 4 {
				withoutClaims(*u.OAuthProviders)
			}
			continue
		}
		u.OAuthProviders, u.UserPhoneNumber = nil, ""
		for j := range u.APIKeys {
			u.APIKeys[j].CurveType = ""
		}
	}
	return nil
}

func (in *createUsers) prepare(c *call) (err error) {
	if err := someUsers(len(in.Users)); err != nil {
		return err
	}
	in.ways = make([]waysIn, len(in.Users))
	for i, u := range in.Users {
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
	return nil
}

func (in *createUsers) run(t *tx) (any, error) {
	wanted := make([]newcomer, len(in.Users))
	for i, u := range in.Users {
		wanted[i] = newcomer{u.UserName, u.UserEmail, u.UserPhoneNumber, u.UserTags, in.ways[i]}
	}
	return t.addUsers(wanted)
}

// createUsersV1 is the oldest version: it says how a user may come in, which the credentials say by themselves, and
// has authenticators in the Web API's own form.
type createUsersV1 struct {
	Users []userParamsV1 `json:"users" need:"yes"`

	ways []waysIn
}

type userParamsV1 struct {
	UserName       string                  `json:"userName" need:"text"`
	UserEmail      string                  `json:"userEmail,omitempty"`
	AccessType     string                  `json:"accessType" need:"text"`
	APIKeys        []apiKeyParams          `json:"apiKeys" need:"yes"`
	Authenticators []authenticatorParamsV1 `json:"authenticators" need:"yes"`
	UserTags       []string                `json:"userTags" need:"yes"`
}

var accessTypes = []string{"ACCESS_TYPE_WEB", "ACCESS_TYPE_API", "ACCESS_TYPE_ALL"}

func (in *createUsersV1) complete() error {
	for i, u := range in.Users {
		if !slices.Contains(accessTypes, u.AccessType) {
			return badBody("accessType: unknown value")
		}
		for j := range u.APIKeys {
			in.Users[i].APIKeys[j].CurveType = ""
		}
	}
	return nil
}

func (in *createUsersV1) prepare(*call) (err error) {
	if err := someUsers(len(in.Users)); err != nil {
		return err
	}
	in.ways = make([]waysIn, len(in.Users))
	for i, u := range in.Users {
		ways := &in.ways[i]
		if ways.keys, err = drawKeys(u.APIKeys); err != nil {
			return err
		}
		if len(u.Authenticators) > authenticatorsMax {
			return tooMany("user has exceeded maximum authenticators")
		}
		for _, p := range u.Authenticators {
			a, err := p.draw()
			if err != nil {
				return err
			}
			ways.authenticators = append(ways.authenticators, a)
		}
		if u.UserEmail != "" {
			if err := checkEmail(u.UserEmail); err != nil {
				return err
			}
		}
	}
	return nil
}

func (in *createUsersV1) run(t *tx) (any, error) {
	wanted := make([]newcomer, len(in.Users))
	for i, u := range in.Users {
		wanted[i] = newcomer{u.UserName, u.UserEmail, "", u.UserTags, in.ways[i]}
	}
	return t.addUsers(wanted)
}

func someUsers(n int) error {
	switch {
	case n == 0:
		return invalid("no users provided")
	case n > usersMax:
		return tooMany("organization has exceeded maximum users")
	}
	return nil
}

// newcomer is a user to be added to an organization.
type newcomer struct {
	name, email, phone string
	tags               []string
	ways               waysIn
}

// addUsers stages new users of the organization.
func (t *tx) addUsers(wanted []newcomer) (any, error) {
	if len(t.org.users)+len(wanted) > usersMax {
		return nil, tooMany("organization has exceeded maximum users")
	}
	users, made := slices.Clone(t.org.users), userIDs{}
	for _, n := range wanted {
		if !t.canEnter(n) {
			return nil, invalid("user missing valid credential")
		}
		tags, err := t.findTags(tagOfUser, n.tags)
		if err != nil {
			return nil, err
		}
		u := &user{id: t.id(), number: t.number(), org: t.org, name: n.name, email: n.email, phone: n.phone, tags: tags, created: t.now, updated: t.now}
		if err := t.give(u, n.ways.keys, users); err != nil {
			return nil, err
		}
		if err := t.enroll(u, n.ways.authenticators, users); err != nil {
			return nil, err
		}
		if err := t.attach(u, n.ways.providers, users...); err != nil {
			return nil, err
		}
		t.stage(u)
		users, made.UserIDs = append(users, u), append(made.UserIDs, u.id.String())
	}
	return made, nil
}

// canEnter reports whether there is a way in for n: a credential, or a contact by which the organization lets people
// in. The caller holds the lock.
func (c *call) canEnter(n newcomer) bool {
	on := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { _, on := c.org.feature(name); return on })
	}
	return len(n.ways.keys)+len(n.ways.authenticators)+len(n.ways.providers) > 0 ||
		n.email != "" && on(featureEmailAuth, featureOTPEmailAuth) || n.phone != "" && on(featureSMSAuth)
}

// userIDs is the answer to create_users and delete_users.
type userIDs struct {
	UserIDs []string `json:"userIds"`
}
