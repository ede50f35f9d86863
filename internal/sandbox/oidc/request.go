package oidc

import (
	"crypto/sha256"
	"net/url"
	"slices"
	"strings"
)

// request is a checked authorization request.
type request struct {
	house    *house
	issuer   string
	client   string
	redirect string   // as sent
	target   *url.URL // redirect, parsed
	code     bool     // response_type
	idToken  bool
	mode     string // query, fragment or form_post
	scope    []string
	state    string
	nonce    string
	tknonce  string // what Turnkey takes from providers that keep the nonce for themselves
	pkce     string // code_challenge
	hint     string // the e-mail address that the app expects
}

// oops is what is wrong with a request. While the redirect URI is not known to be harmless it is shown on a page, and
// later sent to the app.
type oops struct {
	code, text string
}

// known are the parameters that are read. Others are ignored, as OAuth demands.
var known = []string{"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "tknonce",
	"code_challenge", "code_challenge_method", "login_hint", "prompt", "request", "request_uri"}

// parameterMax bounds one parameter.
const parameterMax = 2048

// readRequest checks an authorization request. When it returns an oops and no request, nobody may be redirected; with
// both, the app is told.
func readRequest(h *house, base string, q url.Values, mayUse func(client string) bool) (*request, *oops) {
	for _, name := range known {
		switch v := q[name]; {
		case len(v) > 1:
			return nil, &oops{"invalid_request", name + " is there more than once"}
		case len(v) == 1 && len(v[0]) > parameterMax:
			return nil, &oops{"invalid_request", name + " is too long"}
		}
	}
	r := &request{house: h, issuer: base + h.path(), client: q.Get("client_id"), redirect: q.Get("redirect_uri"),
		state: q.Get("state"), nonce: q.Get("nonce"), tknonce: q.Get("tknonce"), pkce: q.Get("code_challenge"), hint: q.Get("login_hint")}
	switch {
	case r.client == "" || !printable(r.client):
		return nil, &oops{"invalid_request", "client_id is missing"}
	case !mayUse(r.client):
		return nil, &oops{"unauthorized_client", "the client is not known here"}
	}
	var why string
	if r.target, why = readRedirect(r.redirect); why != "" {
		return nil, &oops{"invalid_request", "redirect_uri " + why}
	}
	r.scope = strings.Fields(q.Get("scope"))
	return r, r.readType(q)
}

// readType reads what the app wants back. Where it wants a mode of answer that can be had, mistakes are told in it.
func (r *request) readType(q url.Values) *oops {
	words := strings.Fields(q.Get("response_type"))
	slices.Sort(words)
	kind := strings.Join(words, " ")
	r.code, r.idToken = slices.Contains(words, "code"), slices.Contains(words, "id_token")
	r.mode = "query"
	if r.idToken {
		r.mode = "fragment"
	}
	asked := q.Get("response_mode")
	web := r.target.Scheme == "http" || r.target.Scheme == "https"
	switch {
	case asked == "":
	case asked == "fragment", asked == "query" && !r.idToken, asked == "form_post" && web:
		r.mode = asked
	default:
		return &oops{"invalid_request", "this response_mode does not go with the response_type or the redirect_uri"}
	}
	h := r.house
	switch {
	case kind == "":
		return &oops{"invalid_request", "response_type is missing"}
	case !slices.Contains(h.types, kind):
		return &oops{"unsupported_response_type", "this response_type is not supported"}
	case h.post && len(r.scope) > 0 && r.mode != "form_post":
		return &oops{"invalid_request", "response_mode must be form_post when name or email scope is requested"}
	case r.idToken && !h.has(r.scope, "openid"):
		return &oops{"invalid_scope", "an id token needs the scope openid"}
	case r.idToken && h.nonce && r.nonce == "":
		return &oops{"invalid_request", "an id token in the answer needs a nonce"}
	case h.state && r.state == "":
		return &oops{"invalid_request", "state is missing"}
	case q.Get("request") != "" || q.Get("request_uri") != "":
		return &oops{"request_not_supported", "request objects are not supported"}
	case slices.Contains(strings.Fields(q.Get("prompt")), "none"):
		return &oops{"login_required", "nobody is logged in"}
	}
	return r.readPKCE(q.Get("code_challenge_method"))
}

func (r *request) readPKCE(method string) *oops {
	switch {
	case r.pkce == "" && method != "":
		return &oops{"invalid_request", "code_challenge is missing"}
	case r.pkce == "" && r.code && r.house.pkce:
		return &oops{"invalid_request", "code_challenge is needed"}
	case r.pkce == "":
		return nil
	case method != "S256": // absent means plain
		return &oops{"invalid_request", "code_challenge_method must be S256"}
	case len(r.pkce) != 43 || strings.Trim(r.pkce, base64url) != "":
		return &oops{"invalid_request", "code_challenge is no S256 challenge"}
	}
	return nil
}

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// proves reports whether verifier is what the challenge was made of. Where there was no challenge there must be no
// verifier, or an attacker could strip the one and send the other along.
func (r *request) proves(verifier string) bool {
	if r.pkce == "" {
		return verifier == ""
	}
	if len(verifier) < 43 || len(verifier) > 128 || strings.Trim(verifier, base64url+".~") != "" {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return encode(sum[:]) == r.pkce
}

// readRedirect checks where the answer goes: http, https or an app's own scheme, and never a scheme in which a browser
// would run or open what follows.
func readRedirect(text string) (u *url.URL, why string) {
	if text == "" {
		return nil, "is missing"
	}
	if !printable(text) || strings.ContainsAny(text, "\"<>\\^`{|}") {
		return nil, "holds characters that no address has"
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme == "":
		return nil, "is not an absolute address"
	case strings.Contains(text, "#"):
		return nil, "must have no fragment"
	case u.User != nil:
		return nil, "must name no user"
	case slices.Contains(badSchemes, u.Scheme):
		return nil, "has a scheme that is refused"
	case (u.Scheme == "http" || u.Scheme == "https") && (u.Hostname() == "" || u.Opaque != ""):
		return nil, "names no host"
	}
	return u, ""
}

var badSchemes = []string{"about", "blob", "chrome", "data", "devtools", "edge", "feed", "file", "filesystem", "ftp", "intent", "jar", "javascript",
	"mailto", "ms-settings", "resource", "search-ms", "shell", "sms", "ssh", "tel", "vbscript", "view-source", "wss", "ws"}

// printable reports whether s is ASCII without spaces and controls.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
