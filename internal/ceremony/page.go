package ceremony

import (
	"crypto/sha256"
	"encoding/base64"
)

// The page is static: nothing of a request stands in it, and nothing on it runs or is fetched.

const pageStyle = `
:root { color-scheme: light dark; --page: light-dark(#FBFCFC, #141B1C); --raised: light-dark(#FFFFFF, #1B2324); --text: light-dark(#13201F, #E7EDED); --text-2: light-dark(#465558, #AEBABC); --line: light-dark(#DCE2E2, #283335); }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { box-sizing: border-box; max-width: 26rem; margin: 1.5rem; padding: 1.75rem; background: var(--raised); border: 1px solid var(--line); border-radius: 10px; }
h1 { margin: 0; font-size: 1.25rem; line-height: 1.75rem; font-weight: 620; letter-spacing: -.012em; }
p { margin: .5rem 0 0; color: var(--text-2); }
`

func page(title, text string) string {
	return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>` + title + ` – Latchkey</title><style>` + pageStyle + `</style></head>
<body><main><h1>` + title + `</h1><p>` + text + `</p></main></body></html>
`
}

var (
	pageDone    = page("Back to Latchkey", "Your answer has arrived. Latchkey goes on by itself; you can close this page.")
	pageRefused = page("Nobody was logged in", "The log-in ended without success. Latchkey says why, and you can try again there. You can close this page.")

	pagePolicy = func() string {
		sum := sha256.Sum256([]byte(pageStyle))
		return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	}()
)
