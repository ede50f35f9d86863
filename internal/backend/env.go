package backend

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// FromEnv reads a Config from the environment: the four variables that every Turnkey example reads, PORT, and the
// LATCHKEY ones. Each may be given as NAME_FILE instead, the path of a file that holds the value, as secret managers
// mount them. Pins that are not set stay empty, for the caller to fill with [Pins.Or]. The values are not judged
// beyond what reading needs; that is [Config.Check]. Errors: fault.BackendConfig, naming the variable.
func FromEnv(getenv func(string) string) (Config, error) {
	c, told, err := Source{Getenv: getenv}.Read()
	return c, told.Explain(err)
}

// Read reads a Config, and says where each setting came from. Errors: fault.BackendConfig, naming the variable; of what
// stands in the file, also path and line.
func (s Source) Read() (Config, Origins, error) {
	env := environment{from: s}
	c := Config{
		APIURL:         env.text("TURNKEY_API_URL"),
		OrganizationID: env.text("TURNKEY_ORGANIZATION_ID"),
		APIPublicKey:   env.text("TURNKEY_API_PUBLIC_KEY"),
		APIPrivateKey:  env.secret("TURNKEY_API_PRIVATE_KEY"),
		Pins: Pins{
			Notarizer:            env.text("LATCHKEY_NOTARIZER_PUBLIC_KEY"),
			TLSFetcher:           env.text("LATCHKEY_TLS_FETCHER_PUBLIC_KEY"),
			TLSFetcherEncryption: env.text("LATCHKEY_TLS_FETCHER_ENCRYPTION_PUBLIC_KEY"),
			Signer:               env.text("LATCHKEY_SIGNER_PUBLIC_KEY"),
			LegacyToken:          env.text("LATCHKEY_LEGACY_TOKEN_PUBLIC_KEY"),
		},
		AuthProxyConfigID: env.text("LATCHKEY_AUTH_PROXY_CONFIG_ID"),
		AllowedHosts:      env.list("LATCHKEY_ALLOWED_HOSTS"),
		AllowedOrigins:    env.list("LATCHKEY_ALLOWED_ORIGINS"),
		AuthMethods:       env.list("LATCHKEY_AUTH_METHODS"),
		OAuthClientIDs:    env.pairs("LATCHKEY_OAUTH_CLIENT_IDS"),
		OAuthRedirectURL:  env.text("LATCHKEY_OAUTH_REDIRECT_URL"),
		CaptchaSiteKey:    env.text("LATCHKEY_CAPTCHA_SITE_KEY"),
		CaptchaSecret:     env.secret("LATCHKEY_CAPTCHA_SECRET"),
		CaptchaVerifyURL:  env.text("LATCHKEY_CAPTCHA_VERIFY_URL"),
		LogoURL:           env.text("LATCHKEY_LOGO_URL"),
		MagicLink:         env.text("LATCHKEY_MAGIC_LINK"),
		EmailTemplateID:   env.text("LATCHKEY_EMAIL_TEMPLATE_ID"),
		SMSTemplate:       env.text("LATCHKEY_SMS_TEMPLATE"),
		OTPLength:         env.number("LATCHKEY_OTP_LENGTH"),
		OTPAlphanumeric:   env.boolean("LATCHKEY_OTP_ALPHANUMERIC"),
		AppName:           env.text("LATCHKEY_APP_NAME"),
		SessionSeconds:    env.number("LATCHKEY_SESSION_SECONDS"),
		RedisURL:          env.secret("LATCHKEY_REDIS_URL"),
		StateKey:          env.secret("LATCHKEY_STATE_KEY"),
		RedisCopies:       env.number("LATCHKEY_REDIS_COPIES"),
		TrustedProxies:    env.list("LATCHKEY_TRUSTED_PROXIES"),
		APIRate:           env.number("LATCHKEY_API_RATE"),
		Limits:            env.limits("LATCHKEY_LIMITS"),
		Traces:            env.traces(),
		Port:              env.numberOr("PORT", DefaultPort),
		Listen:            env.text("LATCHKEY_LISTEN"),
		AdminListen:       env.text("LATCHKEY_ADMIN_LISTEN"),
		DrainSeconds:      env.number("LATCHKEY_DRAIN_SECONDS"),
	}
	if c.APIURL == "" {
		c.APIURL = "https://api.turnkey.com"
	}
	if c.AuthProxyConfigID == "" {
		c.AuthProxyConfigID = c.OrganizationID
	}
	env.strangers()
	return c, env.told, env.err
}

func (e *environment) number(name string) int { return e.numberOr(name, 0) }

// numberOr reads a number that is unsaid when nobody says it.
func (e *environment) numberOr(name string, unsaid int) int {
	text := e.text(name)
	if text == "" {
		return unsaid
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		e.fail(name, "want a whole number")
	}
	return n
}

func (e *environment) boolean(name string) bool {
	text := e.text(name)
	if text == "" {
		return false
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		e.fail(name, "want true or false")
	}
	return b
}

func (e *environment) list(name string) []string {
	var all []string
	for part := range strings.SplitSeq(e.text(name), ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// pairs reads a list of name=value; nil when there is none.
func (e *environment) pairs(name string) map[string]string {
	var all map[string]string
	for _, part := range e.list(name) {
		key, value, ok := strings.Cut(part, "=")
		if key = strings.TrimSpace(key); !ok || all[key] != "" {
			e.fail(name, "want name=value, each name once, with commas between")
			return nil
		}
		if all == nil {
			all = map[string]string{}
		}
		all[key] = strings.TrimSpace(value)
	}
	return all
}

// limits reads a list of name=number.
func (e *environment) limits(name string) Limits {
	var l Limits
	names := limitNames(&l)
	for key, text := range e.pairs(name) {
		n, err := strconv.Atoi(text)
		if names[key] == nil || err != nil || n == 0 {
			e.fail(name, "want "+strings.Join(slices.Sorted(maps.Keys(names)), ", ")+", each with a number that is not 0")
			return Limits{}
		}
		*names[key] = n
	}
	return l
}

func (e *environment) fail(setting, why string) {
	if e.err == nil {
		e.err = wrong(setting, why)
	}
}
