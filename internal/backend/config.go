package backend

import (
	"crypto/ecdsa"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/p256"
)

// Config is all that a backend is told. The four TURNKEY settings and the pins Notarizer, TLSFetcher and LegacyToken
// are required; the rest has the default named beside it.
type Config struct {
	APIURL         string // TURNKEY_API_URL: "https://api.turnkey.com"
	OrganizationID string // TURNKEY_ORGANIZATION_ID: the parent's, a UUID
	APIPublicKey   string // TURNKEY_API_PUBLIC_KEY: compressed hex
	APIPrivateKey  Secret // TURNKEY_API_PRIVATE_KEY: the scalar in hex
	Pins           Pins

	AuthProxyConfigID string // what clients of the auth proxy must send; "" is the organization's id

	// AllowedHosts are the names in a request's Host besides loopback's. AllowedOrigins are the pages that may call,
	// as "https://app.example.com"; ":*" stands for any port and "*" for every page. Without any, pages of localhost
	// may call a backend that is called by a name of loopback, and no page any other.
	AllowedHosts, AllowedOrigins []string
	// Token, if set, must be sent as X-Latchkey-Token.
	Token string

	// AuthMethods are the ways in that are allowed, of email, sms, passkey, wallet, oidc, google, apple, facebook, x and
	// discord; none is all. OAuthClientIDs are announced by provider, with OAuthRedirectURL.
	AuthMethods      []string
	OAuthClientIDs   map[string]string
	OAuthRedirectURL string

	// CaptchaSiteKey is announced to kits, whose requests for messages and accounts must then bring a solved captcha;
	// CaptchaSecret asks the verifier, whose address is Turnstile's when CaptchaVerifyURL says none.
	CaptchaSiteKey, CaptchaVerifyURL string
	CaptchaSecret                    Secret

	// How messages look; "" is the service's choice. MagicLink has %s where the code goes, SMSTemplate {{.OtpCode}}.
	LogoURL, MagicLink, EmailTemplateID, SMSTemplate string

	OTPLength       int // characters of a code, 6 to 9; 0 is 6
	OTPAlphanumeric bool
	AppName         string // named in the messages; "" is Latchkey
	SessionSeconds  int    // length of a session that asks for none; 0 is 900
	Limits          Limits

	// RedisURL is the Redis that keeps the state of all replicas; none is the memory of this process. RedisCopies is how
	// many replicas of Redis must have a change before it counts.
	RedisURL    Secret
	RedisCopies int
	// StateKey is the secret under which contacts and addresses are hashed, the same on all replicas; none is derived from
	// APIPrivateKey, and changes with it.
	StateKey Secret
	// TrustedProxies are the addresses and networks whose X-Forwarded-For is believed.
	TrustedProxies []string
	// APIRate is how many requests a second the API takes from this address, shared by all replicas; 0 is any number.
	APIRate int

	Traces Traces

	// What a server that runs the backend does with it; the backend itself does not look at these.
	Port                int    // PORT, on loopback, where Listen says nothing; 0 is a free one, and DefaultPort what is read when nobody says
	Listen, AdminListen string // host:port of devices, and of whoever runs it; "" is the caller's choice
	DrainSeconds        int    // how long devices are still served after /readyz says that the end is near

	Now  func() time.Time // nil is time.Now
	Log  *slog.Logger     // nil discards
	HTTP *http.Client     // to the API; nil is one that keeps enough connections open
}

// DefaultPort is the port of a backend that is told none.
const DefaultPort = 3000

// Pins are the public keys that are trusted, in hex. Signer and TLSFetcherEncryption are kept for what a device asks.
type Pins struct {
	Notarizer            string // signs sessions
	TLSFetcher           string // signs verification tokens and encryption targets
	TLSFetcherEncryption string
	Signer               string
	LegacyToken          string // signs verification tokens of plain codes
}

// Or returns p with those of other where p has none.
func (p Pins) Or(other Pins) Pins {
	fill := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	fill(&p.Notarizer, other.Notarizer)
	fill(&p.TLSFetcher, other.TLSFetcher)
	fill(&p.TLSFetcherEncryption, other.TLSFetcherEncryption)
	fill(&p.Signer, other.Signer)
	fill(&p.LegacyToken, other.LegacyToken)
	return p
}

// Secret is a text that never prints itself, not even from inside a struct whose methods fmt does not call: what is
// printed there is a pointer.
type Secret struct{ text *string }

// SecretOf hides text.
func SecretOf(text string) Secret { return Secret{&text} }

// reveal returns the text.
func (s Secret) reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

const redacted = "[redacted]"

// String, GoString, Format, LogValue and MarshalText all say that there may be something, and not what.
func (Secret) String() string               { return redacted }
func (Secret) GoString() string             { return redacted }
func (Secret) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte(redacted)) }
func (Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// String names the backend and tells no secret.
func (c Config) String() string {
	return fmt.Sprintf("backend of %s at %s by %s", c.OrganizationID, c.APIURL, c.APIPublicKey)
}

// Format writes String, whatever the verb: Token is a secret too.
func (c Config) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

// LogValue is String.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// filled returns c with the defaults.
func (c Config) filled() Config {
	number := func(n *int, value int) {
		if *n == 0 {
			*n = value
		}
	}
	number(&c.OTPLength, 6)
	number(&c.SessionSeconds, 900)
	c.Limits = c.Limits.filled()
	if c.AppName == "" {
		c.AppName = "Latchkey"
	}
	if c.AuthProxyConfigID == "" {
		c.AuthProxyConfigID = c.OrganizationID
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.HTTP == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConnsPerHost = 128 // one host gets all the traffic
		c.HTTP = &http.Client{Transport: transport}
	}
	return c
}

// sessionMost is the longest session that may be asked for, in seconds: 30 days.
const sessionMost = 30 * 24 * 60 * 60

// Check reports the first setting that cannot be used, by the name of its variable. It asks nobody. Errors:
// fault.BackendConfig.
func (c Config) Check() error {
	_, err := c.keys()
	return err
}

// keys are what the settings are once they are checked.
type keys struct {
	own                            *ecdsa.PrivateKey
	notarizer, fetcher, legacyOTPs *ecdsa.PublicKey
	proxies                        []netip.Prefix
}

func (c Config) keys() (keys, error) {
	var k keys
	c = c.filled()
	u, err := url.Parse(c.APIURL)
	switch {
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Host == "", u.User != nil, u.RawQuery != "", u.Fragment != "":
		return k, wrong("TURNKEY_API_URL", "want the address of the API, such as https://api.turnkey.com")
	case !isUUID(c.OrganizationID):
		return k, wrong("TURNKEY_ORGANIZATION_ID", "want the UUID of the parent organization")
	case len(c.APIPublicKey) != 66:
		return k, wrong("TURNKEY_API_PUBLIC_KEY", "want a compressed P-256 key, 66 hex characters")
	}
	if k.own, err = p256.ParsePrivate(c.APIPrivateKey.reveal()); err != nil {
		return k, wrong("TURNKEY_API_PRIVATE_KEY", "want a P-256 key, 64 hex characters")
	}
	if !strings.EqualFold(p256.Compressed(&k.own.PublicKey), c.APIPublicKey) {
		return k, wrong("TURNKEY_API_PRIVATE_KEY", "does not belong to TURNKEY_API_PUBLIC_KEY")
	}
	for _, pin := range []struct {
		name, value string
		to          **ecdsa.PublicKey // nil: not used yet, but to be readable if set
	}{
		{"LATCHKEY_NOTARIZER_PUBLIC_KEY", c.Pins.Notarizer, &k.notarizer},
		{"LATCHKEY_TLS_FETCHER_PUBLIC_KEY", c.Pins.TLSFetcher, &k.fetcher},
		{"LATCHKEY_LEGACY_TOKEN_PUBLIC_KEY", c.Pins.LegacyToken, &k.legacyOTPs},
		{"LATCHKEY_TLS_FETCHER_ENCRYPTION_PUBLIC_KEY", c.Pins.TLSFetcherEncryption, nil},
		{"LATCHKEY_SIGNER_PUBLIC_KEY", c.Pins.Signer, nil},
	} {
		pub, err := p256.ParsePublic(pin.value)
		switch {
		case pin.value == "" && pin.to == nil:
		case err != nil:
			return k, wrong(pin.name, "want a P-256 public key in hex")
		case pin.to != nil:
			*pin.to = pub
		}
	}
	switch {
	case c.OTPLength < 6 || c.OTPLength > 9:
		return k, wrong("LATCHKEY_OTP_LENGTH", "want 6 to 9")
	case c.SessionSeconds < 30 || c.SessionSeconds > sessionMost:
		return k, wrong("LATCHKEY_SESSION_SECONDS", fmt.Sprintf("want 30 to %d", sessionMost))
	case len(c.AppName) > 128:
		return k, wrong("LATCHKEY_APP_NAME", "want at most 128 bytes")
	case c.Port < 0 || c.Port > 65535:
		return k, wrong("PORT", "want 0 to 65535")
	case c.DrainSeconds < 0 || c.DrainSeconds > 600:
		return k, wrong("LATCHKEY_DRAIN_SECONDS", "want 0 to 600")
	}
	for _, at := range [][2]string{{"LATCHKEY_LISTEN", c.Listen}, {"LATCHKEY_ADMIN_LISTEN", c.AdminListen}} {
		if _, _, err := net.SplitHostPort(at[1]); at[1] != "" && err != nil {
			return k, wrong(at[0], "want a host and a port, such as 127.0.0.1:3000")
		}
	}
	for _, check := range []func() error{c.checkMethods, c.checkCaptcha, c.Traces.check} {
		if err := check(); err != nil {
			return k, err
		}
	}
	for _, text := range [][2]string{{"LATCHKEY_OAUTH_REDIRECT_URL", c.OAuthRedirectURL}, {"LATCHKEY_LOGO_URL", c.LogoURL}, {"LATCHKEY_MAGIC_LINK", c.MagicLink},
		{"LATCHKEY_EMAIL_TEMPLATE_ID", c.EmailTemplateID}, {"LATCHKEY_SMS_TEMPLATE", c.SMSTemplate}} {
		if len(text[1]) > 2048 {
			return k, wrong(text[0], "want at most 2048 bytes")
		}
	}
	switch {
	case c.SMSTemplate != "" && !strings.Contains(c.SMSTemplate, "{{.OtpCode}}"):
		return k, wrong("LATCHKEY_SMS_TEMPLATE", "want {{.OtpCode}} in it")
	case c.MagicLink != "" && strings.Count(c.MagicLink, "%s") != 1:
		return k, wrong("LATCHKEY_MAGIC_LINK", "want %s once, where the code goes")
	}
	if key := c.StateKey.reveal(); key != "" && len(key) < 32 {
		return k, wrong("LATCHKEY_STATE_KEY", "want at least 32 characters")
	}
	if url := c.RedisURL.reveal(); url != "" {
		if _, err := redisOptions(url, redisLimit); err != nil {
			return k, wrong("LATCHKEY_REDIS_URL", err.Error())
		}
	}
	switch {
	case c.RedisCopies < 0:
		return k, wrong("LATCHKEY_REDIS_COPIES", "want 0 or more")
	case c.APIRate < 0:
		return k, wrong("LATCHKEY_API_RATE", "want 0 or more")
	}
	for _, text := range c.TrustedProxies {
		p, err := parseProxy(text)
		if err != nil {
			return k, wrong("LATCHKEY_TRUSTED_PROXIES", fmt.Sprintf("%q is not an address or a network, such as 10.0.0.0/8", text))
		}
		k.proxies = append(k.proxies, p)
	}
	for _, host := range c.AllowedHosts {
		if host == "" || strings.ContainsAny(host, "/@*, ") {
			return k, wrong("LATCHKEY_ALLOWED_HOSTS", fmt.Sprintf("%q is not a host", host))
		}
	}
	for _, origin := range c.AllowedOrigins {
		if _, err := parseOriginPattern(origin); err != nil {
			return k, wrong("LATCHKEY_ALLOWED_ORIGINS", fmt.Sprintf("%q is not an origin, such as https://app.example.com", origin))
		}
	}
	return k, nil
}

func wrong(setting, why string) error {
	return fault.New(fault.BackendConfig, &settingError{setting: setting, why: why})
}
