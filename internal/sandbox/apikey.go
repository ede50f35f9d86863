package sandbox

import (
	"slices"

	"github.com/google/uuid"

	"latchkey/internal/stamp"
)

// Curves of API keys.
const (
	curveP256      = "API_KEY_CURVE_P256"
	curveSecp256k1 = "API_KEY_CURVE_SECP256K1"
	curveEd25519   = "API_KEY_CURVE_ED25519"
)

// apiKeyParams asks for an API key. The first version has no curve, and means P-256.
type apiKeyParams struct {
	APIKeyName        string  `json:"apiKeyName" need:"text"`
	PublicKey         string  `json:"publicKey" need:"text"`
	CurveType         string  `json:"curveType,omitempty"`
	ExpirationSeconds numeral `json:"expirationSeconds,omitempty"`
}

// draw checks the parameters and returns the key, but for its id and time.
func (p apiKeyParams) draw() (*apiKey, error) {
	curve, kind := stamp.P256, credentialP256
	switch p.CurveType {
	case "", curveP256:
	case curveSecp256k1:
		curve, kind = stamp.Secp256k1, credentialSecp256k1
	case curveEd25519:
		curve, kind = stamp.Ed25519, credentialEd25519
	default:
		return nil, invalid("invalid curve")
	}
	public, ok := hexPoint(p.PublicKey)
	if _, err := stamp.ParseKey(curve, p.PublicKey); err != nil || !ok {
		return nil, invalid("invalid public key")
	}
	lasts, ok := seconds(p.ExpirationSeconds, 0)
	if !ok {
		return nil, invalid("invalid api key expiration")
	}
	return &apiKey{name: p.APIKeyName, public: public, kind: kind, seconds: lasts}, nil
}

func drawKeys(wanted []apiKeyParams) ([]*apiKey, error) {
	if len(wanted) > longKeysMax+expiringKeysMax {
		return nil, tooMany("user has exceeded maximum long-lived api keys")
	}
	drawn := make([]*apiKey, len(wanted))
	for i, p := range wanted {
		var err error
		if drawn[i], err = p.draw(); err != nil {
			return nil, err
		}
	}
	return drawn, nil
}

// give adds new keys to u, a version that is not installed yet. others are users of the same organization.
func (t *tx) give(u *user, drawn []*apiKey, others []*user) error {
	for _, k := range drawn {
		if u.with(k.public) != nil || slices.ContainsFunc(others, func(o *user) bool { return o.id != u.id && o.with(k.public) != nil }) {
			return exists("public key already exists in organization publicKey=%s", k.public)
		}
		k.id, k.created = t.id(), t.now
		if k.seconds > 0 {
			u.addKey(k, t.now)
			continue
		}
		u.keys = append(u.keys, k)
		if lasting := slices.DeleteFunc(slices.Clone(u.keys), func(k *apiKey) bool { return k.seconds > 0 }); len(lasting) > longKeysMax {
			return tooMany("user has exceeded maximum long-lived api keys")
		}
	}
	return nil
}

// createAPIKeys gives a user more keys.
type createAPIKeys struct {
	APIKeys []apiKeyParams `json:"apiKeys" need:"yes"`
	UserID  string         `json:"userId" need:"text"`

	drawn []*apiKey
}

// complete leaves out what the first version does not have.
func (in *createAPIKeys) complete() error {
	for i := range in.APIKeys {
		in.APIKeys[i].CurveType = ""
	}
	return nil
}

// createAPIKeysV2 names the curve of each.
type createAPIKeysV2 struct{ createAPIKeys }

func (in *createAPIKeysV2) complete() error { return curvesNamed(in.APIKeys) }

func curvesNamed(keys []apiKeyParams) error {
	for _, k := range keys {
		if k.CurveType == "" {
			return missingField("curveType")
		}
	}
	return nil
}

func (in *createAPIKeys) about(*call) uuid.UUID { return idOf(in.UserID) }

func (in *createAPIKeys) prepare(*call) (err error) {
	in.drawn, err = drawKeys(in.APIKeys)
	return err
}

func (in *createAPIKeys) run(t *tx) (any, error) {
	u, err := t.findUser(in.UserID)
	if err != nil {
		return nil, err
	}
	next := *u
	next.keys, next.updated = slices.Clone(u.keys), t.now
	if err := t.give(&next, in.drawn, t.org.users); err != nil {
		return nil, err
	}
	ids := make([]string, len(in.drawn))
	for i, k := range in.drawn {
		ids[i] = k.id.String()
	}
	t.stage(&next)
	return apiKeyIDs{ids}, nil
}

// matter shows policies whose keys they are.
func (in *createAPIKeys) matter(*call) matter {
	return matter{params: map[string]any{"user_id": in.UserID}}
}

// apiKeyIDs is the answer to create_api_keys and delete_api_keys.
type apiKeyIDs struct {
	APIKeyIDs []string `json:"apiKeyIds"`
}

// deleteAPIKeys takes keys from a user, the one that stamps among them if it is named.
type deleteAPIKeys struct {
	UserID    string   `json:"userId" need:"text"`
	APIKeyIDs []string `json:"apiKeyIds" need:"yes"`
	nobody
}

func (in *deleteAPIKeys) about(*call) uuid.UUID { return idOf(in.UserID) }

func (in *deleteAPIKeys) run(t *tx) (any, error) {
	u, err := t.findUser(in.UserID)
	if err != nil {
		return nil, err
	}
	if len(in.APIKeyIDs) == 0 {
		return nil, invalid("no api key IDs provided")
	}
	next := *u
	next.keys, next.updated = slices.Clone(u.keys), t.now
	for _, id := range in.APIKeyIDs {
		at := slices.IndexFunc(next.keys, func(k *apiKey) bool { return k.id.String() == id })
		if at < 0 {
			return nil, notFound("no api key found with the given ID", "apiKeyId", id)
		}
		next.keys = slices.Delete(next.keys, at, at+1)
	}
	t.stage(&next)
	return apiKeyIDs{in.APIKeyIDs}, nil
}

// matter shows policies whose keys they are, and which.
func (in *deleteAPIKeys) matter(*call) matter {
	return matter{params: map[string]any{"user_id": in.UserID, "api_key_ids": in.APIKeyIDs}}
}

// findUser returns the organization's user of that id. The caller holds the lock.
func (c *call) findUser(id string) (*user, error) {
	parsed, ok := parseID(id)
	if !ok {
		return nil, invalid("malformed user ID provided")
	}
	if u := c.org.user(parsed); u != nil {
		return u, nil
	}
	return nil, notFound("no user found with the given ID", "userId", id)
}
