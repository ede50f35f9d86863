package login

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"latchkey/internal/fault"
)

// nonceOf binds an id token to a key: the SHA-256 of the key's hex text, not of its bytes.
func nonceOf(publicKey string) string {
	sum := sha256.Sum256([]byte(publicKey))
	return hex.EncodeToString(sum[:])
}

const (
	providerPatience = 15 * time.Second
	providerMost     = 1 << 20 // bytes of one answer
)

// bounded reads no more of an answer than an honest provider sends, and notes where one did not come: the libraries
// keep only the words of that.
type bounded struct {
	http.RoundTripper
	unheard *error
}

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	reply, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		*b.unheard = err
		return nil, err
	}
	reply.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(reply.Body, providerMost), reply.Body}
	return reply, nil
}

// asking returns a context by which the libraries ask providers. Redirects are not followed: a code goes to the address
// that was named.
func (o *OAuth) asking(ctx context.Context) context.Context { return o.askingNoting(ctx, new(error)) }

func (o *OAuth) askingNoting(ctx context.Context, unheard *error) context.Context {
	by := http.DefaultTransport
	if o.Transport != nil {
		by = o.Transport
	}
	return oidc.ClientContext(ctx, &http.Client{
		Transport: bounded{by, unheard}, Timeout: providerPatience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})
}

// places returns where a provider's page and its token endpoint are.
func (o *OAuth) places(ctx context.Context, p Provider) (oauth2.Endpoint, error) {
	at := oauth2.Endpoint{AuthURL: p.authorize, TokenURL: p.token, AuthStyle: oauth2.AuthStyleInParams}
	if p.authorize != "" {
		return at, nil
	}
	found, err := oidc.NewProvider(o.asking(ctx), p.issuer)
	if err != nil {
		return at, undiscovered(ctx, err)
	}
	at.AuthURL, at.TokenURL = found.Endpoint().AuthURL, found.Endpoint().TokenURL
	return at, nil
}

// undiscovered gives the failure of a question to a provider its code.
func undiscovered(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fault.New(fault.Cancel, ctx.Err())
	}
	return fault.New(fault.ProviderDown, errors.New(clip(err.Error())))
}

// exchange trades a code at the provider for an id token.
func (o *OAuth) exchange(ctx context.Context, p Provider, k round) (string, error) {
	at, err := o.places(ctx, p)
	if err != nil {
		return "", err
	}
	c := oauth2.Config{ClientID: p.client.ClientID, ClientSecret: p.client.ClientSecret, Endpoint: at, RedirectURL: k.Redirect}
	token, err := c.Exchange(o.asking(ctx), k.Code, oauth2.VerifierOption(k.Verifier))
	if said, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		why := fmt.Errorf("%s: %q", said.Response.Status, clip(said.ErrorCode)) // never its text, which may repeat the code
		switch {
		case said.Response.StatusCode >= 500:
			return "", fault.New(fault.ProviderDown, why)
		case said.ErrorCode == "invalid_grant":
			return "", fault.New(fault.BrowserLate, why)
		}
		return "", fault.New(fault.ProviderRefused, why)
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return "", undiscovered(ctx, err)
	}
	if err != nil { // what answers is no token endpoint
		return "", fault.New(fault.ProviderRefused, errors.New("the answer is not the one that was expected"))
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return "", fault.New(fault.ProviderRefused, errors.New("the answer holds no id token"))
	}
	return raw, nil
}

// who is what a genuine id token says of somebody.
type who struct{ issuer, subject, name string }

// check believes an id token if the provider signed it, for this app and this key, and it is not over. Errors:
// fault.IdentityForeign; fault.BrowserLate for one that is over; fault.ProviderDown when its keys cannot be had.
func (o *OAuth) check(ctx context.Context, p Provider, raw, publicKey string) (who, error) {
	issuer := p.issuer
	if issuer == "" {
		issuer = issuerOf(raw)
		if !p.vouches(issuer) {
			return who{}, fault.New(fault.IdentityForeign, fmt.Errorf("issuer %q is not the service's", clip(issuer)))
		}
	}
	var unheard error
	asking := o.askingNoting(ctx, &unheard)
	found, err := oidc.NewProvider(asking, issuer)
	if err != nil {
		return who{}, undiscovered(ctx, err)
	}
	t, err := found.VerifierContext(asking, &oidc.Config{ClientID: p.client.ClientID, Now: o.now}).Verify(ctx, raw)
	if err != nil {
		if _, over := errors.AsType[*oidc.TokenExpiredError](err); over {
			return who{}, fault.New(fault.BrowserLate, errors.New("the id token has expired"))
		}
		if unheard != nil {
			return who{}, undiscovered(ctx, err)
		}
		return who{}, fault.New(fault.IdentityForeign, errors.New(clip(err.Error())))
	}
	var extra struct {
		TKNonce    string `json:"tknonce"`
		Authorized string `json:"azp"`
		Email      string `json:"email"`
		Name       string `json:"name"`
	}
	if err := t.Claims(&extra); err != nil {
		return who{}, fault.New(fault.IdentityForeign, errors.New("the claims cannot be read"))
	}
	want := nonceOf(publicKey)
	switch {
	case t.Nonce != want && extra.TKNonce != want && !(p.oauth2 != "" && t.Nonce == "" && extra.TKNonce == ""):
		return who{}, fault.New(fault.IdentityForeign, errors.New("the nonce is of another key"))
	case len(t.Audience) > 1 && extra.Authorized != p.client.ClientID:
		return who{}, fault.New(fault.IdentityForeign, errors.New("it was issued to another app"))
	case t.Subject == "":
		return who{}, fault.New(fault.IdentityForeign, errors.New("it names nobody"))
	}
	name := extra.Email
	if name == "" {
		name = extra.Name
	}
	return who{t.Issuer, t.Subject, name}, nil
}

// issuerOf reads whom an id token names as its issuer, and believes nothing.
func issuerOf(raw string) string {
	parts := strings.Split(raw, ".")
	var claims struct {
		Issuer string `json:"iss"`
	}
	if len(parts) == 3 {
		if payload, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
			_ = json.Unmarshal(payload, &claims) // what cannot be read is nobody
		}
	}
	return claims.Issuer
}
