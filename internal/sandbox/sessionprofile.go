package sandbox

import (
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"latchkey/internal/sandbox/policy"
	"latchkey/internal/token"
)

// sessionProfile narrows sessions: what its scope does not allow, a session that was begun with it may not do. The
// parent makes profiles for itself and all its sub-organizations, and nobody ever changes one.
type sessionProfile struct {
	id      uuid.UUID
	number  uint64
	org     *organization // a parent
	name    string
	scope   *policy.Expression
	seconds int64 // the longest that sessions last; 0 when it does not say
	notes   string
	created int64
}

// sessionProfilesMax bounds those of an organization. No source names the service's own limit.
const sessionProfilesMax = 100

// scopeMax bounds the JSON of name and scope, in bytes, for both stand in the token of every session.
const scopeMax = 2048

func (p *sessionProfile) ident() uuid.UUID { return p.id }
func (p *sessionProfile) install(*state)   { p.org.shelf().profiles.put(p) }
func (p *sessionProfile) uninstall(*state) { p.org.shelf().profiles.drop(p.id) }

type sessionProfileOnDisk struct {
	ID      uuid.UUID `json:"id"`
	Org     uuid.UUID `json:"org"`
	Name    string    `json:"name"`
	Scope   string    `json:"scope"`
	Seconds int64     `json:"seconds,omitempty"`
	Notes   string    `json:"notes,omitempty"`
	Created int64     `json:"created"`
}

const bucketSessionProfile = "sessionProfile" // by number

func (p *sessionProfile) row() row {
	return row{bucketSessionProfile, number(p.number), mustJSON(sessionProfileOnDisk{
		p.id, p.org.id, p.name, p.scope.String(), p.seconds, p.notes, p.created})}
}

func (s *state) readSessionProfile(key, value []byte) (record, error) {
	var d sessionProfileOnDisk
	n, org, err := s.owned(key, value, &d, &d.Org)
	if err != nil {
		return nil, err
	}
	return &sessionProfile{d.ID, n, org, d.Name, policy.Stored(policy.Condition, d.Scope), d.Seconds, d.Notes, d.Created}, nil
}

// sessionProfiles are those that sessions of o may have: the parent's. The caller holds the state's lock.
func (o *organization) sessionProfiles() *shelf[*sessionProfile] {
	if o.parent != nil {
		o = o.parent
	}
	return &o.shelved().profiles
}

// sessionProfile returns one of them. The caller holds the state's lock.
func (o *organization) sessionProfile(id string) (*sessionProfile, error) {
	parsed, ok := parseID(id)
	if p, found := o.sessionProfiles().find(parsed); ok && found {
		return p, nil
	}
	return nil, notFound("no session profile found with the given ID", "sessionProfileId", id)
}

// narrow makes a session that is about to begin one of the profile's, which lasts no longer than either says.
func (p *sessionProfile) narrow(k *apiKey, says *token.Session) {
	k.profile = p.id
	if p.seconds > 0 && (k.seconds == 0 || p.seconds < k.seconds) {
		k.seconds = p.seconds
	}
	says.SessionType, says.SessionProfileID, says.Scope = p.name, p.id.String(), p.scope.String()
}

// createSessionProfile makes one.
type createSessionProfile struct {
	SessionProfileName string  `json:"sessionProfileName" need:"text"`
	Scope              string  `json:"scope" need:"text"`
	ExpirationSeconds  numeral `json:"expirationSeconds,omitempty"`
	Notes              string  `json:"notes,omitempty"`

	scope *policy.Expression
}

func (in *createSessionProfile) prepare(*call) (err error) {
	switch {
	case strings.TrimSpace(in.Scope) == "":
		return invalid("invalid session profile scope: it is empty")
	case len(mustJSON([]string{in.SessionProfileName, in.Scope})) > scopeMax:
		return invalid("invalid session profile scope: it is too long")
	}
	if in.scope, err = policy.Compile(policy.Condition, in.Scope); err != nil {
		return invalid("invalid session profile scope: %v", err)
	}
	return nil
}

func (in *createSessionProfile) run(t *tx) (any, error) {
	lasts, ok := seconds(in.ExpirationSeconds, 0)
	if !ok {
		return nil, invalid("invalid session profile expiration")
	}
	there := t.org.sessionProfiles().all
	switch {
	case slices.ContainsFunc(there, func(p *sessionProfile) bool { return p.name == in.SessionProfileName }):
		return nil, invalid("session profile label must be unique")
	case len(there) >= sessionProfilesMax:
		return nil, tooMany("organization has exceeded maximum session profiles")
	}
	p := &sessionProfile{t.id(), t.number(), t.org, in.SessionProfileName, in.scope, lasts, in.Notes, t.now}
	t.stage(p)
	return struct {
		SessionProfileID uuid.UUID `json:"sessionProfileId"`
	}{p.id}, nil
}

type sessionProfileView struct {
	SessionProfileID   uuid.UUID `json:"sessionProfileId"`
	SessionProfileName string    `json:"sessionProfileName"`
	Scope              string    `json:"scope"`
	ExpirationSeconds  string    `json:"expirationSeconds,omitempty"`
	Notes              string    `json:"notes,omitempty"`
	CreatedAt          timestamp `json:"createdAt"`
	UpdatedAt          timestamp `json:"updatedAt"`
}

func (p *sessionProfile) view() sessionProfileView {
	v := sessionProfileView{SessionProfileID: p.id, SessionProfileName: p.name, Scope: p.scope.String(), Notes: p.notes,
		CreatedAt: stampTime(p.created), UpdatedAt: stampTime(p.created)}
	if p.seconds > 0 {
		v.ExpirationSeconds = strconv.FormatInt(p.seconds, 10)
	}
	return v
}

type sessionProfileFilter struct {
	SessionProfileID string `json:"sessionProfileId" need:"text"`
}

func getSessionProfile(c *call, in *sessionProfileFilter) (any, error) {
	p, err := c.org.sessionProfile(in.SessionProfileID)
	if err != nil {
		return nil, err
	}
	return struct {
		SessionProfile sessionProfileView `json:"sessionProfile"`
	}{p.view()}, nil
}

func getSessionProfiles(c *call, _ *nothing) (any, error) {
	views := []sessionProfileView{}
	for _, p := range c.org.sessionProfiles().all {
		views = append(views, p.view())
	}
	return struct {
		SessionProfiles []sessionProfileView `json:"sessionProfiles"`
	}{views}, nil
}
