package oidc

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	coreos "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

func TestXAndDiscordTellWhoLoggedIn(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name, me string
		scopes   []string
		want     []string
	}{
		{X, "users/me", []string{"tweet.read", "users.read"}, []string{`"data"`, `"name":"Jane Doe"`, `"username":"janedoe`}},
		{Discord, "users/@me", []string{"identify", "email"}, []string{`"global_name":"Jane Doe"`, `"email":"jane.doe@example.com"`, `"verified":true`}},
		{Discord, "users/@me", []string{"identify"}, []string{`"global_name"`}},
	} {
		app := w.app("/oauth2/"+c.name, "secret", c.scopes...)
		app.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
		verifier := oauth2.GenerateVerifier()
		logIn := func() string {
			return w.logIn(app.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)), "jane.doe@example.com", app.RedirectURL).Get("code")
		}
		told, err := app.Exchange(context.Background(), logIn(), oauth2.VerifierOption(verifier))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if told.Extra("id_token") != nil {
			t.Errorf("%s issued an id token", c.name)
		}
		r, _ := http.NewRequest(http.MethodGet, w.url+"/oauth2/"+c.name+"/"+c.me, nil)
		if p := w.do(r); p.status != 401 {
			t.Errorf("%s: without a token: %d", c.name, p.status)
		}
		told.SetAuthHeader(r)
		p := w.do(r)
		for _, want := range c.want {
			if !strings.Contains(p.body, want) {
				t.Errorf("%s %v: no %s in %s", c.name, c.scopes, want, p.body)
			}
		}
		if c.name == Discord && len(c.scopes) == 1 && strings.Contains(p.body, "example.com") {
			t.Errorf("Discord told an address that nobody asked for: %s", p.body)
		}
		a, err := w.Exchange(c.name, "app", "secret", logIn(), app.RedirectURL, verifier)
		if err != nil || !strings.HasPrefix(a.Subject, c.name+":") || !strings.Contains(p.body, strings.TrimPrefix(a.Subject, c.name+":")) || a.AccessToken == "" {
			t.Errorf("%s in process: %+v, %v", c.name, a, err)
		}
		for why, args := range map[string][5]string{
			"no secret":        {"app", "", logIn(), app.RedirectURL, verifier},
			"another client":   {"other", "secret", logIn(), app.RedirectURL, verifier},
			"another address":  {"app", "secret", logIn(), "http://127.0.0.1:9/", verifier},
			"another verifier": {"app", "secret", logIn(), app.RedirectURL, oauth2.GenerateVerifier()},
			"no verifier":      {"app", "secret", logIn(), app.RedirectURL, ""},
			"no such code":     {"app", "secret", "code", app.RedirectURL, verifier},
		} {
			if _, err := w.Exchange(c.name, args[0], args[1], args[2], args[3], args[4]); err == nil {
				t.Errorf("%s: %s: taken", c.name, why)
			}
		}
	}
	if _, err := w.Exchange(Google, "app", "s", "c", "r", "v"); err == nil {
		t.Error("Google is no OAuth 2.0 twin")
	}
}

func TestTurnkeysOwnIDTokenIsVerifiedByItsDiscovery(t *testing.T) {
	w := newWorld(t)
	raw, err := w.IssueTurnkey(w.url, "client of X", "x:123", "n0", "sealed")
	if err != nil {
		t.Fatal(err)
	}
	token, err := w.discovered(Turnkey).Verifier(&coreos.Config{ClientID: "client of X", Now: w.time.now, SupportedSigningAlgs: []string{"ES256"}}).Verify(context.Background(), raw)
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Bearer string `json:"encrypted_bearer_token"`
	}
	if err := token.Claims(&c); err != nil || c.Bearer != "sealed" || token.Subject != "x:123" || token.Nonce != "n0" {
		t.Errorf("%+v, %+v, %v", token, c, err)
	}
	var d map[string]any
	if err := json.Unmarshal([]byte(w.get(w.url+"/oidc/turnkey/.well-known/openid-configuration").body), &d); err != nil || d["authorization_endpoint"] != nil {
		t.Errorf("one could log in at Turnkey's issuer: %v, %v", d, err)
	}
	own, err := NewVerifier(w.Provider).Verify(context.Background(), raw)
	if err != nil || !own.OfTurnkey || own.Subject != "x:123" {
		t.Errorf("%+v, %v", own, err)
	}
}
