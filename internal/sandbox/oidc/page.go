package oidc

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
)

const style = `
:root { color-scheme: light dark; --ground: light-dark(#f6f6f3, #151618); --sheet: light-dark(#fff, #1e2023); --text: light-dark(#1b1c1e, #ececea);
  --quiet: light-dark(#5a5d61, #a6a9ad); --line: light-dark(#d9d9d4, #34373b); --field: light-dark(#85888c, #74787d); --accent: light-dark(#8a4b00, #ffb454); --on: light-dark(#fff, #151618); --bad: light-dark(#a4161a, #ff8f8f); }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 26rem; background: var(--sheet); border: 1px solid var(--line); border-radius: 0.75rem; padding: 1.75rem; }
h1 { margin: 0; font-size: 1.375rem; letter-spacing: -0.01em; }
p { margin: 0.5rem 0 0; color: var(--quiet); font-size: 0.9375rem; }
form { display: grid; gap: 0.9rem; margin-top: 1.4rem; }
label { font-weight: 600; font-size: 0.9375rem; }
label.box { display: flex; gap: 0.5rem; align-items: center; font-weight: 400; color: var(--quiet); }
input[type=email] { font: inherit; width: 100%; margin-top: 0.3rem; padding: 0.6rem 0.75rem; color: inherit; background: var(--ground); border: 1px solid var(--field); border-radius: 0.45rem; }
.row { display: flex; gap: 0.6rem; }
button { font: inherit; font-weight: 600; flex: 1; padding: 0.6rem 1rem; border: 1px solid var(--accent); border-radius: 0.45rem; background: var(--accent); color: var(--on); cursor: pointer; }
button.plain { border-color: var(--field); background: none; color: inherit; }
input:focus-visible, button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
dl { margin: 1.4rem 0 0; padding-top: 1rem; border-top: 1px solid var(--line); font-size: 0.8125rem; color: var(--quiet); }
dt { float: left; margin-right: 0.4rem; }
dd { margin: 0 0 0.25rem; color: var(--text); overflow-wrap: anywhere; }
.bad { color: var(--bad); }
`

// send posts the answer without a click where scripts run. Where they do not, the page has a button.
const send = `document.forms[0].submit()`

// Pages are written by hand, each text through esc: html/template calls methods by their names, for which the linker
// keeps every exported method of the program, 3 MB of them.

// esc is a text as it may stand between tags and in quoted attributes.
var esc = html.EscapeString

// whole is a page: its title, and what stands beneath.
func whole(title, body string) string {
	return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>` + esc(title) + `</title><style>` + style + `</style></head>
<body><main><h1>` + esc(title) + `</h1>
` + body + `
</main></body></html>
`
}

// hidden are form fields that nobody sees.
func hidden(v url.Values, names []string) string {
	var b strings.Builder
	for _, name := range names {
		if v.Has(name) {
			b.WriteString(`<input type="hidden" name="` + esc(name) + `" value="` + esc(v.Get(name)) + `">` + "\n")
		}
	}
	return b.String()
}

// when is text if it is to be there.
func when(there bool, text string) string {
	if there {
		return text
	}
	return ""
}

// showLogin shows the page that asks who logs in.
func showLogin(w http.ResponseWriter, r *request, in url.Values, problem string) {
	email := in.Get("email")
	if problem == "" {
		email = r.hint
	}
	pageHeader(w, r, "")
	status := http.StatusOK
	if problem != "" {
		status = http.StatusUnprocessableEntity
	}
	title, scope := "Log in with "+r.house.title, strings.Join(r.scope, " ")
	show(w, status, whole(title, `<p>This is the sandbox’s stand-in. Any e-mail address logs in, without a password.</p>
<form method="post" action="`+esc(r.house.path()+"/authorize")+`">
`+hidden(in, known)+`<div><label for="email">E-mail address</label>
<input id="email" name="email" type="email" autocomplete="email" autofocus value="`+esc(email)+`"`+when(problem != "", ` aria-invalid="true" aria-describedby="problem"`)+`></div>
`+when(problem != "", `<p class="bad" id="problem" role="alert">`+esc(problem)+`</p>`)+`
<label class="box"><input type="checkbox" name="unverified" value="1"`+when(in.Get("unverified") != "", " checked")+`> The address is not verified</label>
<div class="row"><button>Log in</button><button class="plain" name="cancel" value="1">Cancel</button></div>
</form>
<dl><dt>App:</dt><dd>`+esc(r.client)+`</dd><dt>Leads to:</dt><dd>`+esc(r.redirect)+`</dd>`+when(scope != "", `<dt>Asks for:</dt><dd>`+esc(scope)+`</dd>`)+`</dl>`))
}

// showPost shows the page that posts the answer to the app.
func showPost(w http.ResponseWriter, r *request, answer url.Values) {
	pageHeader(w, r, send)
	show(w, http.StatusOK, whole("Log in with "+r.house.title, `<p>Back to `+esc(r.redirect)+`.</p>
<form method="post" action="`+esc(r.redirect)+`">
`+hidden(answer, []string{"code", "id_token", "state", "user", "iss", "error", "error_description"})+`<div class="row"><button>Go on</button></div>
</form><script>`+send+`</script>`)) // readRedirect let http and https through, and nothing that runs
}

// tell shows what is wrong to whoever sits in front of the browser.
func (p *Provider) tell(w http.ResponseWriter, h *house, o oops) {
	pageHeader(w, nil, "")
	show(w, http.StatusBadRequest, whole("This log-in does not work", `<p>The app sent a request that `+esc(h.title)+` would refuse. You were not sent back to it, because the request does not say safely where that is.</p>
<dl><dt>Error:</dt><dd>`+esc(o.code)+`</dd><dt>Because:</dt><dd>`+esc(o.text)+`</dd></dl>`))
}

// pageHeader lets a page do what it needs and no more. r is nil for a page that leads nowhere; script is the one that may run.
func pageHeader(w http.ResponseWriter, r *request, script string) {
	policy := "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src " + hashSource(style)
	if script != "" {
		policy += "; script-src " + hashSource(script)
	}
	if r == nil {
		policy += "; form-action 'none'"
	} else {
		policy += "; form-action 'self' " + source(r.target) // browsers hold the redirect after a form against it, too
	}
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("Referrer-Policy", "same-origin")
	w.Header().Set("X-Frame-Options", "DENY")
}

// source names an address as a content security policy does. It cannot name IPv6 addresses.
func source(u *url.URL) string {
	web := u.Scheme == "http" || u.Scheme == "https"
	if !web || strings.Trim(u.Host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:") != "" || strings.Count(u.Host, ":") > 1 {
		return u.Scheme + ":"
	}
	return u.Scheme + "://" + u.Host
}

func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func show(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // who went away is not told
}
