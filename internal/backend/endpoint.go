package backend

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
)

// family is a kind of client: who calls a route decides how a refusal is spelt there.
type family int

// The families. Their routes stand in one table, [Backend.routes], so that none has a step of its own.
const (
	documents family = iota // the applications of Turnkey's documents
	swift                   // those of the Swift kit's example servers
	web                     // the web examples' pages
	proxied                 // every kit of Turnkey's that is told an authProxyUrl
)

// endpoint is one route: what a request and an answer look like, and who makes one of the other.
type endpoint struct {
	method   string
	family   family
	says     string // what it does, in one line
	personal bool   // with a captcha configured, a person must ask
	rule     Rule   // of a route that a session token opens; nil for one that is open
	in, out  reflect.Type
	serve    handler
	page     bool // a browser comes here by itself, from another's page: no Origin and no token says whose it is
	own      bool // a page of the backend's own calls it, which has no token
}

// ofPage makes of a route one that a page of the backend's own calls, and nobody else.
func ofPage(e endpoint) endpoint {
	e.own = true
	return e
}

// load makes a route of something that a browser loads.
func load(says string, what file) endpoint {
	return endpoint{method: http.MethodGet, family: documents, says: says, in: reflect.TypeFor[nothing](), out: reflect.TypeFor[nothing](), page: true,
		serve: func(context.Context, *call) (any, error) { return what, nil }}
}

// form makes a route that takes a form from another's page and answers with a page. In names the fields.
func form[In any](f family, says string, run func(context.Context, *call) (webPage, error)) endpoint {
	return endpoint{method: http.MethodPost, family: f, says: says, in: reflect.TypeFor[In](), out: reflect.TypeFor[nothing](), page: true,
		serve: func(ctx context.Context, c *call) (any, error) {
			answer, err := run(ctx, c)
			if err != nil {
				return nil, err
			}
			return answer, nil
		}}
}

// get makes a route of run that has no body, and that a session token opens if there is a rule.
func get[Out any](f family, says string, rule Rule, run func(context.Context, *call, nothing) (Out, error)) endpoint {
	e := post(f, says, run)
	e.method, e.rule = http.MethodGet, rule
	e.serve = func(ctx context.Context, c *call) (any, error) {
		answer, err := run(ctx, c, nothing{})
		if err != nil {
			return nil, err
		}
		return answer, nil
	}
	return e
}

// guarded makes of a route one that a session token opens.
func guarded(rule Rule, e endpoint) endpoint {
	e.rule = rule
	return e
}

// post makes a route of run, whose request is one JSON object. A request without fields may lack its body.
func post[In, Out any](f family, says string, run func(context.Context, *call, In) (Out, error)) endpoint {
	in, out := reflect.TypeFor[In](), reflect.TypeFor[Out]()
	return endpoint{method: http.MethodPost, family: f, says: says, in: in, out: out,
		serve: func(ctx context.Context, c *call) (any, error) {
			var body In
			if in.NumField() > 0 || c.ContentLength != 0 {
				if err := decode(c.Request, &body); err != nil {
					return nil, err
				}
			}
			answer, err := run(ctx, c, body)
			if err != nil {
				return nil, err
			}
			return answer, nil
		}}
}

// routes is every route that a device may call.
func (b *Backend) routes() map[string]endpoint {
	return map[string]endpoint{
		"/otp/init":   post(documents, "Sends a code to a contact.", b.otpInit),
		"/otp/verify": post(documents, "Trades a code for a verification token.", b.otpVerify),
		"/otp-login":  post(documents, "Trades a verification token for a session of a key.", b.otpLogin),
		"/signup":     post(documents, "Makes a sub-organization with one root user.", b.signup),

		"/oauth-login":         post(documents, "Trades an id token for a session of a key.", b.oauthLogin),
		"/oauth2-authenticate": post(documents, "Trades the code of X or Discord for an id token.", b.oauth2Authenticate),
		"/oauth/relay/begin":   post(documents, "Begins a round by Apple, which comes back through /oauth/relay.", b.relayBegin),
		"/oauth/relay":         form[relayForm](documents, "Where Apple sends the browser; leads it on to the device.", b.relay),
		"/oauth/relay/token":   post(documents, "Trades what the browser took to the device for the id token.", b.relayToken),

		"/ceremony/begin":    post(documents, "Begins what a browser does for a device on the backend's page.", b.ceremonyBegin),
		"/ceremony/token":    post(documents, "Trades what the browser took to the device for what came of it.", b.ceremonyToken),
		"/ceremony/open":     ofPage(post(documents, "What the page shows, once.", b.ceremonyOpen)),
		"/ceremony/answer":   ofPage(post(documents, "What came of it.", b.ceremonyAnswer)),
		"/ceremony":          load("The page.", ceremonyFiles["ceremony.html"]),
		"/ceremony/page.js":  load("Its script.", ceremonyFiles["ceremony.js"]),
		"/ceremony/page.css": load("Its style.", ceremonyFiles["ceremony.css"]),

		openAPIPath: {method: http.MethodGet, family: documents, says: "This description.", in: reflect.TypeFor[nothing](), out: reflect.TypeFor[json.RawMessage](),
			serve: func(context.Context, *call) (any, error) { return b.description, nil }},

		configPath: get(documents, "Which ways in this backend offers, and how.", nil, b.offers),

		"/me":           get(documents, "Who is logged in.", OwnOnly, b.me),
		"/wallets":      get(documents, "The wallets of who is logged in, with their accounts.", OwnOnly, b.wallets),
		"/forward-auth": get(documents, "Tells a reverse proxy who a request is from.", forwarded, b.forwardAuth),

		"/auth/sendOtp":      post(swift, "Sends a code to a contact.", b.swiftSend),
		"/auth/verifyOtp":    post(swift, "Trades a code for a verification token, or with contact and publicKey for a session.", b.swiftVerify),
		"/auth/otp":          post(swift, "Trades a verification token for a session, signing up who is new.", b.swiftLogin),
		"/auth/oAuth":        post(swift, "Trades an id token for a session, signing up who is new.", b.swiftOAuth),
		"/auth/createSubOrg": post(swift, "Makes a sub-organization with a wallet.", b.swiftCreate),
		"/auth/getSubOrgId":  post(swift, "Finds an account by an identity; the parent's id stands for none.", b.swiftFind),

		"/api/initOtp":            post(web, "Sends a code that is answered sealed.", b.webInit),
		"/api/sendOtp":            post(web, "Sends a code that is answered sealed.", b.webInit),
		"/api/verifyOtp":          post(web, "Trades a code for a verification token.", b.webVerify),
		"/api/otpLogin":           post(web, "Trades a verification token for a session.", b.webLogin),
		"/api/oauthLogin":         post(web, "Trades an id token for a session.", b.webOAuth),
		"/api/getSuborgs":         post(web, "Finds accounts by an identity.", b.webFind),
		"/api/getVerifiedSuborgs": post(web, "Finds accounts by an identity.", b.webFind),
		"/api/createSuborg":       post(web, "Makes a sub-organization with a wallet.", b.webCreate),
		"/api/createSubOrg":       post(web, "Makes a sub-organization with a wallet.", b.webCreate),
		"/api/getOrCreateSuborg":  post(web, "Finds accounts by an identity, or makes one.", b.webGetOrCreate),
		"/api/auth":               post(web, "Sends a key to a person's mailbox, sealed to a page's.", b.webMail),
		"/api/sendCredential":     post(web, "Sends a key to a person's mailbox, sealed to a page's.", b.webMail),
		"/api/proxyRequest":       post(web, "Passes on a request that its person has stamped.", b.webRelay),

		"/api/getWallet":   guarded(OwnOnly, post(web, "The first wallet of who is logged in.", b.webWallet)),
		"/api/getUsers":    guarded(OwnOnly, post(web, "The users of an organization, for who is logged in to it.", b.webUsers)),
		"/api/getActivity": guarded(OwnOnly, post(web, "An activity of the organization of who is logged in.", b.webActivity)),

		"/v1/wallet_kit_config":        post(proxied, "What this configuration allows.", b.proxyConfig),
		"/v1/wallet_kit_client_params": post(proxied, "What a page needs for captchas.", b.proxyParams),
		"/v1/account":                  post(proxied, "Finds an account by an identity.", b.proxyAccount),
		"/v1/otp_init":                 personal(post(proxied, "Sends a code that is answered in clear.", b.proxyInit)),
		"/v1/otp_init_v2":              personal(post(proxied, "Sends a code that is answered sealed.", b.proxyInitV2)),
		"/v1/otp_verify":               post(proxied, "Trades a code in clear for a verification token.", b.proxyVerify),
		"/v1/otp_verify_v2":            post(proxied, "Trades a sealed code for a verification token.", b.proxyVerifyV2),
		"/v1/otp_login":                post(proxied, "Trades a verification token for a session.", b.proxyOTPLogin),
		"/v1/otp_login_v2":             post(proxied, "Trades a verification token for a session of any key.", b.proxyOTPLoginV2),
		"/v1/oauth_login":              post(proxied, "Trades an id token for a session.", b.proxyOAuthLogin),
		"/v1/oauth2_authenticate":      post(proxied, "Trades the code of X or Discord for an id token.", b.proxyOAuth2),
		"/v1/signup":                   personal(post(proxied, "Makes an account.", b.proxySignup)),
		"/v1/signup_v2":                personal(post(proxied, "Makes an account.", b.proxySignupV2)),
	}
}

// familyOf is whose a path would be, if it were one.
func familyOf(path string) family {
	if strings.HasPrefix(path, "/v1/") {
		return proxied
	}
	return documents
}
