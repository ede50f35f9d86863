package backend

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"latchkey/internal/turnkey"
)

// KeyReport is what the service says about a backend's own key.
type KeyReport struct {
	UserID, UserName, OrganizationName string
	Root                               bool // the user is one of the root quorum, and no policy binds it
	Skew                               time.Duration
}

// TryKey asks the service who the key of c belongs to. Errors: fault.BackendConfig for settings that cannot be used;
// fault.APIRefused for the key of another organization; else what the service answered.
func TryKey(ctx context.Context, c Config) (KeyReport, error) {
	k, err := c.keys()
	if err != nil {
		return KeyReport{}, err
	}
	c = c.filled()
	own := &ownKey{}
	own.set(k.own)
	api := &turnkey.Client{BaseURL: func() string { return c.APIURL }, Stamper: own, HTTP: c.HTTP, Now: c.Now}
	if t, ok := c.HTTP.Transport.(*http.Transport); ok {
		defer t.CloseIdleConnections()
	}
	me, err := api.Whoami(ctx, c.OrganizationID)
	if err == nil && me.OrganizationID != c.OrganizationID {
		err = notParents()
	}
	if err != nil {
		return KeyReport{}, err
	}
	r := KeyReport{UserID: me.UserID, UserName: me.Username, OrganizationName: me.OrganizationName, Skew: api.Skew()}
	root, err := api.RootQuorum(ctx, c.OrganizationID)
	r.Root = slices.Contains(root.UserIDs, me.UserID)
	return r, err
}

// Policy is what `create_policy` takes.
type Policy struct {
	Name      string `json:"policyName"`
	Effect    string `json:"effect"`
	Consensus string `json:"consensus"`
	Condition string `json:"condition"`
	Notes     string `json:"notes"`
}

// LeastPolicy is the least that the user of a backend's key must be allowed: to send and check codes, to log in on
// behalf of a sub-organization and to make one. Reading needs no policy. Source: Turnkey's documentation, policy
// examples for authentication, and the table of resources.
func LeastPolicy(userID string) Policy {
	const is = "(activity.resource == '%s' && activity.action == '%s')"
	condition := ""
	for i, r := range [][2]string{{"AUTH", "CREATE"}, {"OTP", "CREATE"}, {"OTP", "VERIFY"}, {"ORGANIZATION", "CREATE"}} {
		if i > 0 {
			condition += " || "
		}
		condition += fmt.Sprintf(is, r[0], r[1])
	}
	return Policy{
		Name: "Auth backend", Effect: "EFFECT_ALLOW",
		Consensus: "approvers.any(user, user.id == '" + userID + "')",
		Condition: condition,
		Notes:     "What latchkey backend needs, and nothing else.",
	}
}

// String is the policy as JSON for a person to copy.
func (p Policy) String() string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // && is to be read
	enc.SetIndent("", "  ")
	if err := enc.Encode(p); err != nil {
		panic(err) // it has texts alone
	}
	return strings.TrimSpace(b.String())
}

// TryRedis asks the Redis of a configuration whether it can be used; without one there is nothing to ask. Errors:
// fault.BackendConfig for an address that cannot be read; fault.BackendState with what Redis says, never with its password.
func TryRedis(ctx context.Context, c Config) error {
	if c.RedisURL.reveal() == "" {
		return nil
	}
	s, err := inRedis(c.filled(), func(_, _ string) string { return strings.Repeat("0", 32) }, redisLimit)
	if err != nil {
		return err
	}
	err = s.check(ctx)
	if closed := s.close(); err == nil {
		err = closed
	}
	return err
}
