package profile

import (
	"fmt"
	"strings"
)

// The names of the settings that this program looks up by itself. [Settings] has them all.
const (
	SettingProfile        = "profile"
	SettingKeyStore       = "key store"
	SettingPassphrase     = "passphrase file"
	SettingSessionLength  = "session length"
	SettingAPIURL         = "API address"
	SettingBackendURL     = "backend address"
	SettingOrganization   = "organization"
	SettingDebug          = "debug"
	SettingIssuer         = "OIDC issuer"
	SettingIssuerClient   = "OIDC client id"
	SettingGoogleClient   = "Google client id"
	SettingGoogleSecret   = "Google client secret"
	SettingGoogleOthers   = "Google other client ids"
	SettingAppleClient    = "Apple client id"
	SettingAppleOthers    = "Apple other client ids"
	SettingFacebookClient = "Facebook client id"
	SettingFacebookOthers = "Facebook other client ids"
	SettingDiscordClient  = "Discord client id"
	SettingXClient        = "X client id"
	SettingIssuerSecret   = "OIDC client secret"
	SettingIssuerOthers   = "OIDC other client ids"
	SettingOAuthPorts     = "OAuth ports"
	SettingProvidersURL   = "providers address"
)

// Setting is one thing that can be set, with every place where it can be.
type Setting struct {
	Name       string
	Flag       string // without its hyphens
	Variable   string // of the environment
	Key        string // in config.toml; of a profile, beneath [profiles.NAME]
	Default    string // in words
	For        string
	PerProfile bool
	Secret     bool // it is never shown, only whether it is set
	Server     bool // of `latchkey backend` and `request`, which read no config.toml; NAME_FILE names a file that holds it
}

// Settings returns every setting of the program: the one list that the README, the flags, the environment, the file and
// `latchkey config list` are held against. Within it, a place further left counts before one further right: flag,
// environment, file, default.
func Settings() []Setting {
	return []Setting{
		{Name: "home", Variable: HomeVariable, For: "all of Latchkey's folders, below one", Default: "the system's own places (XDG and their equals)"},
		{Name: SettingProfile, Flag: "profile", Variable: "LATCHKEY_PROFILE", Key: "profile", For: "which profile is opened", Default: "`sandbox`"},
		{Name: SettingKeyStore, Flag: "keystore", Variable: "LATCHKEY_KEYSTORE", Key: "keystore", PerProfile: true, For: "where keys live: `keychain`, `tpm`, `passphrase` or `memory`", Default: "as last time; the window asks, the terminal takes `keychain`"},
		{Name: SettingPassphrase, Variable: "LATCHKEY_PASSPHRASE_FILE", Key: "passphrase_file", PerProfile: true, For: "a file with the passphrase of the key store `passphrase`", Default: "the terminal asks"},
		{Name: SettingSessionLength, Flag: "session-length", Variable: "LATCHKEY_SESSION_LENGTH", Key: "session_length", PerProfile: true, For: "how long a session is asked for: `15m`, `12h`", Default: "`12h`; sandbox `15m`"},
		{Name: SettingAPIURL, Flag: "api-url", Variable: "LATCHKEY_API_URL", Key: "api_url", PerProfile: true, For: "Turnkey's API; not for the sandbox profile", Default: "`https://api.turnkey.com`"},
		{Name: SettingBackendURL, Flag: "backend-url", Variable: "LATCHKEY_BACKEND_URL", Key: "backend_url", PerProfile: true, For: "the log-in backend; not for the sandbox profile", Default: "required"},
		{Name: SettingOrganization, Flag: "organization", Variable: "LATCHKEY_ORGANIZATION_ID", Key: "organization_id", PerProfile: true, For: "the parent organization that log-ins must name; not for the sandbox profile", Default: "any"},
		{Name: "kind", Key: "kind", PerProfile: true, For: "`development` or `live`", Default: "required"},
		{Name: "pinned notarizer", Key: "pins.notarizer", PerProfile: true, For: "who signs sessions; development alone", Default: "production"},
		{Name: "pinned TLS fetcher", Key: "pins.tls_fetcher", PerProfile: true, For: "who signs verification tokens and code targets; development alone", Default: "production"},
		{Name: "pinned TLS fetcher encryption", Key: "pins.tls_fetcher_encryption", PerProfile: true, For: "who reads client secrets; development alone", Default: "production"},
		{Name: "pinned signer", Key: "pins.signer", PerProfile: true, For: "who signs exports; development alone", Default: "production"},
		{Name: "pinned legacy token", Key: "pins.legacy_token", PerProfile: true, For: "who signs the tokens of plain codes; development alone", Default: "production"},
		{Name: SettingGoogleClient, Variable: "LATCHKEY_GOOGLE_CLIENT_ID", Key: "google.client_id", PerProfile: true, For: "log-in by Google: the client id of a desktop app", Default: "none: not shown; sandbox: its own, as with the other providers"},
		{Name: SettingGoogleSecret, Variable: "LATCHKEY_GOOGLE_CLIENT_SECRET", Key: "google.client_secret", PerProfile: true, Secret: true, For: "what Google issues with it and wants to see; not confidential", Default: "none"},
		{Name: SettingGoogleOthers, Variable: "LATCHKEY_GOOGLE_OTHER_CLIENT_IDS", Key: "google.other_client_ids", PerProfile: true, For: "client ids of the same app elsewhere, as on the web, with commas: whoever signs up here is the same person there", Default: "none"},
		{Name: SettingAppleClient, Variable: "LATCHKEY_APPLE_CLIENT_ID", Key: "apple.client_id", PerProfile: true, For: "log-in by Apple: the services id. Its return URL is the backend's `/oauth/relay`", Default: "none: not shown"},
		{Name: SettingAppleOthers, Variable: "LATCHKEY_APPLE_OTHER_CLIENT_IDS", Key: "apple.other_client_ids", PerProfile: true, For: "as with Google", Default: "none"},
		{Name: SettingFacebookClient, Variable: "LATCHKEY_FACEBOOK_CLIENT_ID", Key: "facebook.client_id", PerProfile: true, For: "log-in by Facebook: the app id", Default: "none: not shown"},
		{Name: SettingFacebookOthers, Variable: "LATCHKEY_FACEBOOK_OTHER_CLIENT_IDS", Key: "facebook.other_client_ids", PerProfile: true, For: "as with Google", Default: "none"},
		{Name: SettingDiscordClient, Variable: "LATCHKEY_DISCORD_CLIENT_ID", Key: "discord.client_id", PerProfile: true, For: "log-in by Discord; its secret is uploaded by `latchkey backend oauth2 add`", Default: "none: not shown"},
		{Name: SettingXClient, Variable: "LATCHKEY_X_CLIENT_ID", Key: "x.client_id", PerProfile: true, For: "log-in by X; its secret is uploaded by `latchkey backend oauth2 add`", Default: "none: not shown"},
		{Name: SettingIssuer, Flag: "issuer", Variable: "LATCHKEY_OIDC_ISSUER", Key: "oidc.issuer", PerProfile: true, For: "log-in by any OpenID provider: its issuer", Default: "none: not shown; sandbox: its own provider"},
		{Name: SettingIssuerClient, Flag: "client-id", Variable: "LATCHKEY_OIDC_CLIENT_ID", Key: "oidc.client_id", PerProfile: true, For: "the client id there", Default: "none"},
		{Name: SettingIssuerSecret, Variable: "LATCHKEY_OIDC_CLIENT_SECRET", Key: "oidc.client_secret", PerProfile: true, Secret: true, For: "a secret, where the provider wants one of a desktop app; not confidential", Default: "none"},
		{Name: SettingIssuerOthers, Variable: "LATCHKEY_OIDC_OTHER_CLIENT_IDS", Key: "oidc.other_client_ids", PerProfile: true, For: "as with Google", Default: "none"},
		{Name: SettingOAuthPorts, Variable: "LATCHKEY_OAUTH_PORTS", Key: "oauth_ports", PerProfile: true, For: "ports of the addresses to register with Facebook (`http://localhost:PORT/oauth`), Discord and X (`http://127.0.0.1:PORT/oauth`)", Default: "`47851,47852,47853`"},
		{Name: SettingProvidersURL, Variable: "LATCHKEY_PROVIDERS_URL", Key: "providers_url", PerProfile: true, For: "where a sandbox plays Google, Apple, Facebook, Discord and X; development alone", Default: "the real ones"},
		{Name: SettingDebug, Flag: "debug", Variable: "LATCHKEY_DEBUG", Key: "debug", For: "the log, for developers", Default: "`false`: warnings alone"},

		{Name: "parent API address", Variable: "TURNKEY_API_URL", Server: true, For: "`backend`, `request`", Default: "`https://api.turnkey.com`"},
		{Name: "parent organization", Variable: "TURNKEY_ORGANIZATION_ID", Server: true, For: "`backend`: the parent organization", Default: "required"},
		{Name: "parent API public key", Variable: "TURNKEY_API_PUBLIC_KEY", Server: true, For: "`backend`, `request`", Default: "required by `backend`"},
		{Name: "parent API private key", Variable: "TURNKEY_API_PRIVATE_KEY", Server: true, Secret: true, For: "`backend`; with `request`, stamps instead of the session", Default: "required by `backend`"},
		{Name: "backend port", Variable: "PORT", Server: true, For: "`backend` without `--listen`; `0` is a free one", Default: "`3000`"},
		{Name: "backend listen", Flag: "listen", Variable: "LATCHKEY_LISTEN", Server: true, For: "`backend`: where devices reach it, as host:port", Default: "loopback, `PORT`"},
		{Name: "admin listen", Flag: "admin", Variable: "LATCHKEY_ADMIN_LISTEN", Server: true, For: "`backend`: where `/livez`, `/readyz` and `/metrics` are", Default: "a free port of loopback"},
		{Name: "drain seconds", Variable: "LATCHKEY_DRAIN_SECONDS", Server: true, For: "`backend`: how long it still serves after `/readyz` says that it ends", Default: "`0`"},
		{Name: "backend notarizer", Variable: "LATCHKEY_NOTARIZER_PUBLIC_KEY", Server: true, For: "`backend`: who signs sessions", Default: "production"},
		{Name: "backend TLS fetcher", Variable: "LATCHKEY_TLS_FETCHER_PUBLIC_KEY", Server: true, For: "`backend`: who signs verification tokens", Default: "production"},
		{Name: "backend TLS fetcher encryption", Variable: "LATCHKEY_TLS_FETCHER_ENCRYPTION_PUBLIC_KEY", Server: true, For: "`backend`: who reads client secrets", Default: "production"},
		{Name: "backend signer", Variable: "LATCHKEY_SIGNER_PUBLIC_KEY", Server: true, For: "`backend`: who signs exports", Default: "production"},
		{Name: "backend legacy token", Variable: "LATCHKEY_LEGACY_TOKEN_PUBLIC_KEY", Server: true, For: "`backend`: who signs the tokens of plain codes", Default: "production"},
		{Name: "auth proxy config id", Variable: "LATCHKEY_AUTH_PROXY_CONFIG_ID", Server: true, For: "`backend`: what clients of the auth proxy send", Default: "the organization's id"},
		{Name: "auth methods", Variable: "LATCHKEY_AUTH_METHODS", Server: true, For: "`backend`: ways in that are allowed, of `email`, `sms`, `passkey`, `wallet`, `oidc`, `google`, `apple`, `facebook`, `x`, `discord`", Default: "all"},
		{Name: "client ids", Variable: "LATCHKEY_OAUTH_CLIENT_IDS", Server: true, For: "`backend`: announced to kits, as `google=ID,apple=ID`", Default: "none"},
		{Name: "redirect url", Variable: "LATCHKEY_OAUTH_REDIRECT_URL", Server: true, For: "`backend`: announced to kits", Default: "none"},
		{Name: "captcha site key", Variable: "LATCHKEY_CAPTCHA_SITE_KEY", Server: true, For: "`backend`: announced to kits, which must then solve a captcha before a message is sent or an account made", Default: "none: no captcha"},
		{Name: "captcha secret", Variable: "LATCHKEY_CAPTCHA_SECRET", Server: true, Secret: true, For: "`backend`: by which it asks the captcha's verifier", Default: "none"},
		{Name: "captcha verifier", Variable: "LATCHKEY_CAPTCHA_VERIFY_URL", Server: true, For: "`backend`: the address of that verifier, as of hCaptcha", Default: "Cloudflare Turnstile's"},
		{Name: "logo", Variable: "LATCHKEY_LOGO_URL", Server: true, For: "`backend`: the picture in its e-mails", Default: "the service's"},
		{Name: "e-mail template", Variable: "LATCHKEY_EMAIL_TEMPLATE_ID", Server: true, For: "`backend`: the template of its e-mails", Default: "the service's"},
		{Name: "magic link", Variable: "LATCHKEY_MAGIC_LINK", Server: true, For: "`backend`: the link in its e-mails, with `%s` where the code goes", Default: "none"},
		{Name: "text message", Variable: "LATCHKEY_SMS_TEMPLATE", Server: true, For: "`backend`: its text messages, with `{{.OtpCode}}` in it", Default: "the service's"},
		{Name: "allowed hosts", Variable: "LATCHKEY_ALLOWED_HOSTS", Server: true, For: "`backend`: names it is called by besides loopback's, with commas", Default: "none"},
		{Name: "allowed origins", Variable: "LATCHKEY_ALLOWED_ORIGINS", Server: true, For: "`backend`: pages that may call it", Default: "pages of localhost, on loopback"},
		{Name: "code length", Variable: "LATCHKEY_OTP_LENGTH", Server: true, For: "`backend`: characters of a code, 6 to 9", Default: "`6`"},
		{Name: "code letters", Variable: "LATCHKEY_OTP_ALPHANUMERIC", Server: true, For: "`backend`: letters in codes", Default: "`false`"},
		{Name: "app name", Variable: "LATCHKEY_APP_NAME", Server: true, For: "`backend`: the name in its messages", Default: "`Latchkey`"},
		{Name: "Redis", Variable: "LATCHKEY_REDIS_URL", Server: true, Secret: true, For: "`backend`: the Redis that its replicas share, as `redis://user:password@host:6379/0`; `rediss://` for TLS", Default: "none: the memory of one process"},
		{Name: "state key", Variable: "LATCHKEY_STATE_KEY", Server: true, Secret: true, For: "`backend`: the secret under which contacts are hashed, the same on all replicas, 32 characters or more", Default: "derived from the parent's API key"},
		{Name: "Redis copies", Variable: "LATCHKEY_REDIS_COPIES", Server: true, For: "`backend`: how many replicas of that Redis must have a change before it counts", Default: "`0`"},
		{Name: "trusted proxies", Variable: "LATCHKEY_TRUSTED_PROXIES", Server: true, For: "`backend`: addresses and networks whose `X-Forwarded-For` is believed, with commas", Default: "none"},
		{Name: "limits", Variable: "LATCHKEY_LIMITS", Server: true, For: "`backend`: other limits than its own, as `contact-sends=3,address-sends=30`", Default: "see [the backend](#the-backend-on-one-machine-or-many)"},
		{Name: "API rate", Variable: "LATCHKEY_API_RATE", Server: true, For: "`backend`: requests a second that Turnkey takes from its address, shared by the replicas", Default: "any number"},
		{Name: "traces", Variable: "OTEL_EXPORTER_OTLP_ENDPOINT", Server: true, For: "`backend`: where its traces go, by OTLP over HTTP; `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` says the whole address", Default: "none: no traces"},
		{Name: "traces address", Variable: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", Server: true, For: "`backend`: the same, with its path", Default: "`/v1/traces` there"},
		{Name: "traces headers", Variable: "OTEL_EXPORTER_OTLP_HEADERS", Server: true, Secret: true, For: "`backend`: sent with them, as `authorization=…`, with commas", Default: "none"},
		{Name: "service name", Variable: "OTEL_SERVICE_NAME", Server: true, For: "`backend`: its name in traces", Default: "`latchkey-backend`"},
		{Name: "traces sampler", Variable: "OTEL_TRACES_SAMPLER", Server: true, For: "`backend`: `always_on`, `always_off` or `traceidratio`", Default: "`always_on`"},
		{Name: "traces ratio", Variable: "OTEL_TRACES_SAMPLER_ARG", Server: true, For: "`backend`: with `traceidratio`, the part of requests, 0 to 1", Default: "`1`"},
		{Name: "backend session seconds", Variable: "LATCHKEY_SESSION_SECONDS", Server: true, For: "`backend`: length of a session that asks for none", Default: "`900`"},
	}
}

// setting returns the setting of that name. One that does not exist is a mistake of the program.
func setting(name string) Setting {
	for _, s := range Settings() {
		if s.Name == name {
			return s
		}
	}
	panic("no setting " + name)
}

// Table is the settings as the README shows them, in Markdown.
func Table() string {
	var b strings.Builder
	b.WriteString("| flag | variable | `config.toml` | for | default |\n|---|---|---|---|---|\n")
	code := func(before, text string) string {
		if text == "" {
			return ""
		}
		return "`" + before + text + "`"
	}
	for _, s := range Settings() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", code("--", s.Flag), code("", s.Variable), code("", s.fullKey("NAME")), s.For, s.Default)
	}
	return b.String()
}

// fullKey is the setting's place in config.toml, for a profile.
func (s Setting) fullKey(profile string) string {
	if s.Key != "" && s.PerProfile {
		return "profiles." + profile + "." + s.Key
	}
	return s.Key
}
