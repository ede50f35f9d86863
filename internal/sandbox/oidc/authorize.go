package oidc

import (
	"net/http"
	"net/url"
	"strings"
)

// authorize shows the log-in page, and answers the app when it is sent.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request, h *house, base string) {
	var in url.Values
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		in = r.URL.Query()
		if _, err := url.ParseQuery(r.URL.RawQuery); err != nil {
			p.tell(w, h, oops{"invalid_request", "the address cannot be read"})
			return
		}
	case http.MethodPost:
		if err := r.ParseForm(); err != nil {
			p.tell(w, h, oops{"invalid_request", "the form cannot be read"})
			return
		}
		in = r.PostForm
		if !samePage(r, base) {
			p.tell(w, h, oops{"access_denied", "the form was sent by another page"})
			return
		}
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		writeError(w, http.StatusMethodNotAllowed, oops{"invalid_request", "this method is not for this page"})
		return
	}
	req, bad := readRequest(h, base, in, p.mayUse(h))
	switch {
	case req == nil:
		p.tell(w, h, *bad)
		return
	case bad != nil:
		p.refuse(w, req, *bad)
		return
	case r.Method != http.MethodPost:
		showLogin(w, req, in, "")
		return
	case in.Get("cancel") != "":
		p.refuse(w, req, oops{h.denied, "the user turned away"})
		return
	}
	email := strings.TrimSpace(in.Get("email"))
	if !validEmail(email) {
		showLogin(w, req, in, "This is no e-mail address.")
		return
	}
	p.grant(w, req, h.accountOf(p.people, email, in.Get("unverified") == ""))
}

// samePage reports whether a form was sent by this provider's own page, or by no page at all. Otherwise any page could
// log its visitor in somewhere as somebody else.
func samePage(r *http.Request, base string) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return false
	}
	origin := r.Header.Get("Origin")
	return origin == "" || origin == base || origin == "http://"+strings.ToLower(r.Host)
}

// grant tells the app that somebody logged in.
func (p *Provider) grant(w http.ResponseWriter, req *request, who account) {
	g := &grant{request: *req, account: who, expires: p.Now().Add(codeLife)}
	answer := url.Values{}
	if req.code {
		g.secret = p.random()
		p.codes.put(g)
		answer.Set("code", g.secret)
	}
	if req.idToken {
		token, err := p.idToken(g, "", g.secret)
		if err != nil {
			p.refuse(w, req, oops{"server_error", "the id token could not be signed"})
			return
		}
		answer.Set("id_token", token)
	}
	if req.house.name == Apple && req.mode == "form_post" && req.house.has(req.scope, "name") {
		first, last, _ := strings.Cut(who.name, " ")
		answer.Set("user", string(mustJSON(map[string]any{"name": map[string]string{"firstName": first, "lastName": last}, "email": who.email})))
	}
	p.reply(w, req, answer)
}

// refuse tells the app that nobody logged in, and why.
func (p *Provider) refuse(w http.ResponseWriter, req *request, o oops) {
	p.reply(w, req, url.Values{"error": {o.code}, "error_description": {o.text}})
}

// reply sends the browser back to the app.
func (p *Provider) reply(w http.ResponseWriter, req *request, answer url.Values) {
	if req.state != "" {
		answer.Set("state", req.state)
	}
	if req.house.namesIssuer {
		answer.Set("iss", req.issuer)
	}
	to := req.redirect
	switch {
	case req.mode == "form_post":
		showPost(w, req, answer)
		return
	case req.mode == "fragment":
		to += "#" + answer.Encode()
	case strings.Contains(to, "?"):
		to += "&" + answer.Encode()
	default:
		to += "?" + answer.Encode()
	}
	pageHeader(w, req, "")
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}
