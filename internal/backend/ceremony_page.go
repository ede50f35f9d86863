package backend

import (
	"embed"
	"io"
	"net/http"
)

// The page of ceremonies. It is the same for all: what it shows comes from /ceremony/open.
//
//go:embed pages
var pageFiles embed.FS

// file is something that a browser loads.
type file struct{ kind, text string }

var ceremonyFiles = map[string]file{
	"ceremony.html": pageFile("ceremony.html", "text/html; charset=utf-8"),
	"ceremony.js":   pageFile("ceremony.js", "text/javascript; charset=utf-8"),
	"ceremony.css":  pageFile("ceremony.css", "text/css; charset=utf-8"),
}

func pageFile(name, kind string) file {
	text, err := pageFiles.ReadFile("pages/" + name)
	if err != nil {
		panic(err)
	}
	return file{kind, string(text)}
}

// ceremonyPolicy lets the page run its own script and call its own origin, and nothing else; nobody frames it.
const ceremonyPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func (f file) write(w http.ResponseWriter, status int) {
	header := w.Header()
	header.Set("Content-Type", f.kind)
	header.Set("Content-Security-Policy", ceremonyPolicy)
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Permissions-Policy", "publickey-credentials-create=(self), publickey-credentials-get=(self)")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, f.text) // who went away is not told
}
