package backend

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/fault"
	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

// Visitor is who a request is from: somebody who is logged in, in one of the parent's own sub-organizations.
type Visitor struct {
	OrganizationID string
	UserID         string
	UserName       string
	Email, Phone   string // as they stand at the service, proven or not
	PublicKey      string // of the session, compressed hex
	SessionType    string
	Expires        time.Time
}

// Rule says what a request may be about, given who it is from. It is asked before the handler is. Errors are told to
// the caller by their kind; [OwnOnly] serves most routes.
type Rule func(r *http.Request, v Visitor) error

// OwnOnly refuses a request that names another organization or user than its visitor's, as organizationId or userId in
// its query or its path. What stands in a body is for the handler to compare. Errors: fault.TokenForeign.
func OwnOnly(r *http.Request, v Visitor) error {
	query := r.URL.Query()
	for name, own := range map[string]string{"organizationId": v.OrganizationID, "userId": v.UserID} {
		named := query[name]
		if in := r.PathValue(name); in != "" {
			named = append(named, in)
		}
		if slices.ContainsFunc(named, func(id string) bool { return !strings.EqualFold(id, own) }) {
			return fault.New(fault.TokenForeign, show(name+": not the session's own"))
		}
	}
	return nil
}

// own refuses an organization that a body names and that is not the visitor's. "" is no name.
func (v Visitor) own(organizationID string) error {
	if organizationID == "" || strings.EqualFold(organizationID, v.OrganizationID) {
		return nil
	}
	return fault.New(fault.TokenForeign, show("organizationId: not the session's own"))
}

type visitorKey struct{}

// VisitorOf returns who a request is from, inside a handler that [Backend.RequireSession] guards.
func VisitorOf(ctx context.Context) (Visitor, bool) {
	v, ok := ctx.Value(visitorKey{}).(Visitor)
	return v, ok
}

// RequireSession lets through to next only what comes with the session token of somebody who is logged in now, as
// "Authorization: Bearer …", and whatever rule allows:
//
//	mux.Handle("GET /orders", b.RequireSession(backend.OwnOnly, orders)) // in which VisitorOf(r.Context()) says whose
//
// Everybody else is answered here: 401 without a session that is good, 403 for one of another customer of Turnkey's or
// what the rule refuses, 503 while it cannot be found out. Host and Origin are for the caller to check.
func (b *Backend) RequireSession(rule Rule, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{Request: r, id: uuid.NewString()}
		v, err := b.admit(r.Context(), c, rule)
		if err != nil {
			status, f := describe(err, c.id)
			b.log(c, "", status, err, 0)
			b.refuse(w, status, f, documents)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitorKey{}, v)))
	})
}

// admit finds out who a call is from, and what the rule thinks of it.
func (b *Backend) admit(ctx context.Context, c *call, rule Rule) (Visitor, error) {
	v, err := b.visitor(ctx, c)
	if err == nil && rule != nil {
		err = rule(c.Request, v)
	}
	return v, err
}

// For how long an answer of the service about a session counts, and how many are kept: some 20 MB.
const (
	verdictLife  = time.Minute
	verdictsMost = 1 << 16
	verdictLimit = 8 * time.Second // of one look-up
	jwtMost      = 8 << 10
)

// verdict is what the service said of a session: whose it is, or that it is none of ours or over.
type verdict struct {
	at   time.Time // when it was asked
	user Visitor
	code fault.Code // "" for good
}

// visitor returns who a call is from. One key of the notarizer's signs for every customer of Turnkey's and a token names
// no audience, so a good signature says nothing about whose user this is, nor whether he has logged out since: the
// service is asked, with the parent's key, for the user, who must still have the token's key. Its answer counts for a
// minute. What cannot be asked is refused. Errors: fault.TokenMalformed, fault.TokenInvalid, fault.TokenExpired,
// fault.SessionRejected (all 401), fault.TokenForeign (403), fault.BackendBusy, and unchecked (503).
func (b *Backend) visitor(ctx context.Context, c *call) (Visitor, error) {
	s, err := b.bearer(c)
	if err != nil { // only guesses are counted: all visitors may come by one proxy's address
		if busy := b.mayCall(ctx, c.from); busy != nil {
			return Visitor{}, busy
		}
		return Visitor{}, err
	}
	name := b.hash("visitor", s.OrganizationID+"\x00"+s.UserID+"\x00"+s.PublicKey)
	done, err := b.visits.take(ctx, name) // who comes with many requests at once is looked up once
	if err != nil {
		return Visitor{}, noTurn(err)
	}
	defer done()
	known, ok := b.verdicts.get(name)
	if age := b.c.Now().Sub(known.at); !ok || age < 0 || age >= verdictLife {
		if err := b.mayCall(ctx, c.from); err != nil {
			return Visitor{}, err
		}
		if known, err = b.lookAt(ctx, s); err != nil {
			return Visitor{}, err
		}
		b.verdicts.put(name, known)
	}
	if known.code != "" {
		return Visitor{}, as(known.code, show(map[fault.Code]string{
			fault.TokenForeign:    "the session is of another organization's user",
			fault.SessionRejected: "the session is over",
		}[known.code]))
	}
	v := known.user
	v.SessionType, v.Expires = s.SessionType, s.Expires
	return v, nil
}

// bearer reads the session token of a call, and believes it as far as it is signed and not over.
func (b *Backend) bearer(c *call) (token.Session, error) {
	values := c.Header.Values("Authorization")
	scheme, jwt, _ := strings.Cut(strings.Join(values, ""), " ")
	c.hide(jwt)
	if len(values) != 1 || !strings.EqualFold(scheme, "Bearer") || jwt == "" || len(jwt) > jwtMost {
		return token.Session{}, unauthorized(fault.TokenMalformed, errors.New("want Authorization: Bearer, and a session token"))
	}
	s, err := token.VerifySessionSignature(jwt, b.keys.notarizer)
	if err == nil {
		s, err = token.VerifySession(jwt, b.keys.notarizer, token.Want{PublicKey: s.PublicKey}, b.c.Now())
	}
	if err != nil {
		return token.Session{}, unauthorized(fault.CodeOf(err), err)
	}
	return s, nil
}

// unauthorized is a refusal of whoever did not say well enough who he is.
func unauthorized(code fault.Code, err error) error {
	return fault.New(code, fmt.Errorf("%w: %w", shown{"want the token of a session that is good, as Authorization: Bearer", http.StatusUnauthorized}, err))
}

// unchecked is a refusal of whom nobody can vouch for just now.
func unchecked(err error) error {
	return fault.New(fault.APIDown, fmt.Errorf("%w: %w", shown{"the session cannot be checked now", http.StatusServiceUnavailable}, err))
}

// lookAt asks the service about a session. An error says that it could not be found out.
func (b *Backend) lookAt(ctx context.Context, s token.Session) (verdict, error) {
	v := verdict{at: b.c.Now()}
	ctx, cancel := context.WithTimeout(ctx, verdictLimit)
	defer cancel()
	u, err := b.api.GetUser(ctx, s.OrganizationID, s.UserID)
	switch {
	case err == nil && u.UserID == s.UserID:
		v.user = Visitor{OrganizationID: s.OrganizationID, UserID: u.UserID, UserName: u.UserName, Email: u.UserEmail, Phone: u.UserPhoneNumber, PublicKey: s.PublicKey}
		if !slices.ContainsFunc(u.APIKeys, func(k turnkey.APIKey) bool { return k.Credential.PublicKey == s.PublicKey }) {
			v.code = fault.SessionRejected
		}
		return v, nil
	case err == nil:
		return verdict{}, unchecked(errors.New("get_user answered with another user"))
	}
	said, spoken := errors.AsType[*turnkey.VendorError](err) // which may be a proxy's in between
	switch kind := fault.KindOf(err); {
	case !spoken || said.GRPC == 0 && said.TurnkeyCode == "" || kind == fault.Unavailable || kind == fault.Limited || kind == fault.Cancelled || kind == "":
		return verdict{}, unchecked(err)
	case said.GRPC == grpc[fault.NotFound]: // ours, and deleted
		v.code = fault.SessionRejected
		return v, nil
	}
	// The service will not tell us of that organization. Either it is not ours, or we are nobody to it at all.
	if code := b.state(ctx); code != "" {
		return verdict{}, unchecked(err)
	}
	v.code = fault.TokenForeign
	return v, nil
}
