package oidc

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// idTokenLife is how long an id token is good.
const idTokenLife = time.Hour

// claims is what an id token of a provider says.
type claims struct {
	Issuer         string `json:"iss"`
	Subject        string `json:"sub"`
	Audience       string `json:"aud"`
	Authorized     string `json:"azp,omitempty"`
	Expires        int64  `json:"exp"`
	IssuedAt       int64  `json:"iat"`
	AuthTime       int64  `json:"auth_time,omitempty"`
	Nonce          string `json:"nonce,omitempty"`
	NonceSupported bool   `json:"nonce_supported,omitempty"`
	TKNonce        string `json:"tknonce,omitempty"`
	AccessHash     string `json:"at_hash,omitempty"`
	CodeHash       string `json:"c_hash,omitempty"`
	profile
}

// profile is what is told of a person. What no scope asked for is absent.
type profile struct {
	Email    string `json:"email,omitempty"`
	Verified *bool  `json:"email_verified,omitempty"`
	Name     string `json:"name,omitempty"`
}

func (g *grant) profile() profile {
	var p profile
	if g.house.has(g.scope, "email") {
		p.Email = g.email
		if g.house.name != Facebook { // which tells addresses that it verified, and no others
			p.Verified = &g.verified
		}
	}
	if g.house.has(g.scope, "profile", "public_profile") {
		p.Name = g.name
	}
	return p
}

// idToken makes the id token of a grant, bound to the access token and code that go with it ("" for none).
func (p *Provider) idToken(g *grant, access, code string) (string, error) {
	now := p.Now()
	c := claims{Issuer: g.issuer, Subject: g.subject, Audience: g.client, Expires: now.Add(idTokenLife).Unix(), IssuedAt: now.Unix(), AuthTime: now.Unix(),
		Nonce: g.nonce, TKNonce: g.tknonce, AccessHash: halfHash(access), CodeHash: halfHash(code), profile: g.profile()}
	switch g.house.name {
	case Google:
		c.Authorized = g.client
	case Apple:
		c.NonceSupported = true
	}
	return p.signers[g.house.name]().sign(c)
}

// halfHash is at_hash and c_hash (OpenID Connect Core 1.0, section 3.1.3.6).
func halfHash(secret string) string {
	if secret == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(secret))
	return encode(sum[:16])
}

// tokens is the answer of a token endpoint.
type tokens struct {
	Access  string `json:"access_token"`
	Type    string `json:"token_type"`
	Expires int64  `json:"expires_in"`
	Scope   string `json:"scope,omitempty"`
	IDToken string `json:"id_token,omitempty"`
}

// token exchanges a code.
func (p *Provider) token(w http.ResponseWriter, r *http.Request, h *house) {
	if r.Method == http.MethodGet && !h.getToken {
		writeError(w, http.StatusMethodNotAllowed, oops{"invalid_request", "this method is not for this page"})
		return
	}
	if err := r.ParseForm(); err != nil {
		writeError(w, http.StatusBadRequest, oops{"invalid_request", "the form cannot be read"})
		return
	}
	form := r.PostForm
	if h.getToken && r.Method == http.MethodGet {
		form = r.Form
	}
	form, once := single(form)
	client, secret, basic, ok := clientOf(r, form)
	switch {
	case !once:
		writeError(w, http.StatusBadRequest, oops{"invalid_request", "a parameter is there more than once"})
		return
	case !ok:
		writeError(w, http.StatusBadRequest, oops{"invalid_request", "the client is named twice, or not readably"})
		return
	case form.Get("grant_type") != "authorization_code" && !(h.getToken && !form.Has("grant_type")):
		writeError(w, http.StatusBadRequest, oops{"unsupported_grant_type", "only authorization_code is supported"})
		return
	case client == "" || !p.knows(h, client, secret):
		if basic {
			w.Header().Set("WWW-Authenticate", `Basic realm="sandbox"`)
		}
		writeError(w, http.StatusUnauthorized, oops{"invalid_client", "the client is not known, or its secret is wrong"})
		return
	}
	g, access, bad := p.exchange(h, client, form.Get("code"), form.Get("redirect_uri"), form.Get("code_verifier"))
	if bad != nil {
		writeError(w, http.StatusBadRequest, *bad)
		return
	}
	out := tokens{Access: access, Type: "Bearer", Expires: h.life, Scope: strings.Join(g.scope, " ")}
	if h.alg != "" && h.has(g.scope, "openid") {
		var err error
		if out.IDToken, err = p.idToken(&g, access, ""); err != nil {
			writeError(w, http.StatusInternalServerError, oops{"server_error", "the id token could not be signed"})
			return
		}
	}
	writeJSON(w, http.StatusOK, out)
}

// clientOf reads who asks: by Basic, or in the form, and not by both.
func clientOf(r *http.Request, form url.Values) (client, secret string, basic, ok bool) {
	client, secret = form.Get("client_id"), form.Get("client_secret")
	if r.Header.Get("Authorization") == "" {
		return client, secret, false, true
	}
	user, password, ok := r.BasicAuth()
	if !ok || secret != "" {
		return "", "", true, false
	}
	user, err := url.QueryUnescape(user)
	if err != nil {
		return "", "", true, false
	}
	if password, err = url.QueryUnescape(password); err != nil {
		return "", "", true, false
	}
	if client != "" && client != user {
		return "", "", true, false
	}
	return user, password, true, true
}

// exchange takes a code and gives an access token. A code is burnt by whoever presents it, right or wrong.
func (p *Provider) exchange(h *house, client, code, redirect, verifier string) (grant, string, *oops) {
	now, access := p.Now(), p.random()
	g, stolen, ok := p.codes.use(code, access, now)
	if stolen != "" {
		p.access.drop(stolen)
	}
	switch {
	case !ok:
		return grant{}, "", &oops{"invalid_grant", "the code is unknown, used or over"}
	case g.house != h || g.client != client:
		return grant{}, "", &oops{"invalid_grant", "the code was issued to another client"}
	case g.redirect != redirect:
		return grant{}, "", &oops{"invalid_grant", "the redirect_uri is not that of the request"}
	case !g.proves(verifier):
		return grant{}, "", &oops{"invalid_grant", "the code_verifier does not fit"}
	}
	opened := g
	opened.secret, opened.expires = access, now.Add(time.Duration(h.life)*time.Second)
	p.access.put(&opened)
	return g, access, nil
}

// me tells who an access token is about.
func (p *Provider) me(w http.ResponseWriter, r *http.Request, h *house) {
	secret, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	g, ok := p.access.valid(secret, p.Now())
	if !bearer || !ok || g.house != h {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		writeError(w, http.StatusUnauthorized, oops{"invalid_token", "the access token is unknown or over"})
		return
	}
	switch h.name {
	case X:
		writeJSON(w, http.StatusOK, map[string]any{"data": map[string]string{"id": g.subject, "name": g.name, "username": g.handle()}})
	case Discord:
		out := map[string]any{"id": g.subject, "username": g.handle(), "global_name": g.name, "discriminator": "0", "avatar": nil}
		if h.has(g.scope, "email") {
			out["email"], out["verified"] = g.email, g.verified
		}
		writeJSON(w, http.StatusOK, out)
	default:
		writeJSON(w, http.StatusOK, struct {
			Subject string `json:"sub"`
			profile
		}{g.subject, g.profile()})
	}
}
