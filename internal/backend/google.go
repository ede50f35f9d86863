package backend

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"latchkey/internal/fault"
	"latchkey/internal/token"
	"latchkey/internal/turnkey"
)

// Google is the one provider whose word on an e-mail address counts, as it does at the service: it says in its tokens
// whether it has verified it. Source: docs, features/authentication/social-logins, social linking.
const (
	googleIssuer = "https://accounts.google.com"
	googleKeys   = "https://www.googleapis.com/oauth2/v3/certs"
	googleLimit  = 5 * time.Second // of one fetch of its keys
)

// newGoogle returns a verifier of Google's tokens for the configured client, or nil without one. It fetches Google's
// keys when the first token comes.
func newGoogle(c Config) *oidc.IDTokenVerifier {
	id := c.OAuthClientIDs["google"]
	if id == "" {
		return nil
	}
	h := http.Client{Transport: c.HTTP.Transport, Timeout: googleLimit}
	keys := oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), &h), googleKeys)
	return oidc.NewVerifier(googleIssuer, keySet{keys}, &oidc.Config{ClientID: id, Now: c.Now})
}

// keySet tells a token that is wrong from one that could not be judged: the verifier above it forgets the cause.
type keySet struct{ oidc.KeySet }

type unjudged struct{} // the key of a context's *error

func (k keySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.KeySet.VerifySignature(ctx, jwt)
	if _, ok := errors.AsType[*url.Error](err); ok || ctx.Err() != nil {
		*ctx.Value(unjudged{}).(*error) = err
	}
	return payload, err
}

// vouched reports whether Google says that the person of a token owns the address. Without a configured client nobody's
// token counts. Errors: fault.LoginRefused for a token that is not Google's, not for this client, or over;
// fault.APIDown when Google's keys cannot be had.
func (b *Backend) vouched(ctx context.Context, idToken, email string) (token.Verification, bool, error) {
	if b.google == nil || idToken == "" {
		return token.Verification{}, false, nil
	}
	var down error
	t, err := b.google.Verify(context.WithValue(ctx, unjudged{}, &down), idToken)
	if down != nil {
		return token.Verification{}, false, fault.New(fault.APIDown, fmt.Errorf("%w: %w", show("Google could not be asked"), down))
	}
	if err != nil {
		return token.Verification{}, false, fault.New(fault.LoginRefused, err)
	}
	var claims struct {
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
	}
	if err := t.Claims(&claims); err != nil || !claims.Verified || sameContact(claims.Email) != sameContact(email) {
		return token.Verification{}, false, as(fault.LoginRefused, err)
	}
	return token.Verification{VerificationType: turnkey.OTPEmail, Contact: claims.Email}, true, nil
}
