package backend

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"io"
	"net/http"
)

// webPage is an answer for a person's browser. Nothing on it runs or is fetched.
type webPage struct {
	title, text string
	onward      string // where it leads by itself, with a link for browsers that do not; "" for nowhere
}

// ahead is a page that leads on. It is no redirect: the page whose form led here may forbid that.
func ahead(to string) webPage {
	return webPage{title: "Back to Latchkey", text: "The log-in goes on in Latchkey on this computer.", onward: to}
}

// dead is what a browser is told where there is nothing.
var dead = webPage{title: "This page is over", text: "No log-in waits for it any more. Go back to Latchkey and start again there. You can close this page."}

const webPageStyle = `
:root { color-scheme: light dark; --page: light-dark(#FBFCFC, #141B1C); --raised: light-dark(#FFFFFF, #1B2324); --text: light-dark(#13201F, #E7EDED); --text-2: light-dark(#465558, #AEBABC); --line: light-dark(#DCE2E2, #283335); --accent: light-dark(#0B5C70, #7CC7DA); }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { box-sizing: border-box; max-width: 26rem; margin: 1.5rem; padding: 1.75rem; background: var(--raised); border: 1px solid var(--line); border-radius: 10px; }
h1 { margin: 0; font-size: 1.25rem; line-height: 1.75rem; font-weight: 620; letter-spacing: -.012em; }
p { margin: .5rem 0 0; color: var(--text-2); }
a { color: var(--accent); }
`

var webPagePolicy = func() string {
	sum := sha256.Sum256([]byte(webPageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

func (p webPage) write(w http.ResponseWriter, status int) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", webPagePolicy)
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	w.WriteHeader(status)
	lead, link := "", ""
	if p.onward != "" {
		to := html.EscapeString(p.onward)
		lead, link = `<meta http-equiv="refresh" content="0; url=`+to+`">`, `<p><a href="`+to+`">Go on</a></p>`
	}
	_, _ = io.WriteString(w, `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>`+html.EscapeString(p.title)+` – Latchkey</title><style>`+webPageStyle+`</style>`+lead+`</head>
<body><main><h1>`+html.EscapeString(p.title)+`</h1><p>`+html.EscapeString(p.text)+`</p>`+link+`</main></body></html>
`) // who went away is not told
}
