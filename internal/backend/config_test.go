package backend_test

import (
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"latchkey/internal/backend"
	"latchkey/internal/fault"
	"latchkey/internal/p256"
	"latchkey/internal/sandbox"
)

func facts(t testing.TB) sandbox.Facts {
	t.Helper()
	box, err := sandbox.New(sandbox.Options{Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	return box.Facts()
}

func TestCheckNamesTheSetting(t *testing.T) {
	f := facts(t)
	if err := configFor(f).Check(); err != nil {
		t.Fatal(err)
	}
	other := p256.PrivateHex(p256.Generate())
	for setting, changes := range map[string][]func(*backend.Config){
		"TURNKEY_API_URL": {
			func(c *backend.Config) { c.APIURL = "" },
			func(c *backend.Config) { c.APIURL = "api.turnkey.com" },
			func(c *backend.Config) { c.APIURL = "ftp://api.turnkey.com" },
			func(c *backend.Config) { c.APIURL = "https://user:pass@api.turnkey.com" },
			func(c *backend.Config) { c.APIURL = "https://api.turnkey.com?x=1" },
			func(c *backend.Config) { c.APIURL = "https://" },
			func(c *backend.Config) { c.APIURL = "http://a b" },
		},
		"TURNKEY_ORGANIZATION_ID": {
			func(c *backend.Config) { c.OrganizationID = "" },
			func(c *backend.Config) { c.OrganizationID = strings.Repeat("a", 36) },
			func(c *backend.Config) { c.OrganizationID = "g" + c.OrganizationID[1:] },
		},
		"TURNKEY_API_PUBLIC_KEY": {func(c *backend.Config) { c.APIPublicKey = "" }, func(c *backend.Config) { c.APIPublicKey = f.NotarizerPublicKey }},
		"TURNKEY_API_PRIVATE_KEY": {
			func(c *backend.Config) { c.APIPrivateKey = backend.Secret{} },
			func(c *backend.Config) { c.APIPrivateKey = backend.SecretOf(other + "00") },
			func(c *backend.Config) { c.APIPrivateKey = backend.SecretOf(other) }, // another's
			func(c *backend.Config) { c.APIPublicKey = "02" + strings.Repeat("0", 64) },
		},
		"LATCHKEY_NOTARIZER_PUBLIC_KEY":              {func(c *backend.Config) { c.Pins.Notarizer = "" }, func(c *backend.Config) { c.Pins.Notarizer = "04" }},
		"LATCHKEY_TLS_FETCHER_PUBLIC_KEY":            {func(c *backend.Config) { c.Pins.TLSFetcher = "" }},
		"LATCHKEY_LEGACY_TOKEN_PUBLIC_KEY":           {func(c *backend.Config) { c.Pins.LegacyToken = "x" }},
		"LATCHKEY_TLS_FETCHER_ENCRYPTION_PUBLIC_KEY": {func(c *backend.Config) { c.Pins.TLSFetcherEncryption = "x" }},
		"LATCHKEY_AUTH_METHODS":                      {func(c *backend.Config) { c.AuthMethods = []string{"email", "pigeon"} }},
		"LATCHKEY_OAUTH_CLIENT_IDS": {func(c *backend.Config) { c.OAuthClientIDs = map[string]string{"shop": "x"} },
			func(c *backend.Config) { c.OAuthClientIDs = map[string]string{"google": ""} }},
		"LATCHKEY_SMS_TEMPLATE": {func(c *backend.Config) { c.SMSTemplate = "no code" }, func(c *backend.Config) { c.SMSTemplate = "{{.OtpCode}}" + strings.Repeat("x", 2048) }},
		"LATCHKEY_MAGIC_LINK":   {func(c *backend.Config) { c.MagicLink = "https://app.example.com" }, func(c *backend.Config) { c.MagicLink = "%s%s" }},
		"LATCHKEY_REDIS_URL": {func(c *backend.Config) { c.RedisURL = backend.SecretOf("http://" + other) },
			func(c *backend.Config) { c.RedisURL = backend.SecretOf("redis://:" + other + "@host:port/x") },
			func(c *backend.Config) { c.RedisURL = backend.SecretOf("redis://host:1/%zz" + other) }},
		"LATCHKEY_REDIS_COPIES":      {func(c *backend.Config) { c.RedisCopies = -1 }},
		"LATCHKEY_API_RATE":          {func(c *backend.Config) { c.APIRate = -1 }},
		"LATCHKEY_STATE_KEY":         {func(c *backend.Config) { c.StateKey = backend.SecretOf(other[:31]) }},
		"LATCHKEY_TRUSTED_PROXIES":   {func(c *backend.Config) { c.TrustedProxies = []string{"10.0.0.0/8", "proxy.example"} }},
		"LATCHKEY_SIGNER_PUBLIC_KEY": {func(c *backend.Config) { c.Pins.Signer = "x" }},
		"LATCHKEY_OTP_LENGTH":        {func(c *backend.Config) { c.OTPLength = 5 }, func(c *backend.Config) { c.OTPLength = 10 }},
		"LATCHKEY_SESSION_SECONDS":   {func(c *backend.Config) { c.SessionSeconds = 1 }, func(c *backend.Config) { c.SessionSeconds = 1 << 30 }, func(c *backend.Config) { c.SessionSeconds = -900 }},
		"LATCHKEY_APP_NAME":          {func(c *backend.Config) { c.AppName = strings.Repeat("x", 129) }},
		"PORT":                       {func(c *backend.Config) { c.Port = 65536 }, func(c *backend.Config) { c.Port = -1 }},
		"LATCHKEY_ALLOWED_HOSTS":     {func(c *backend.Config) { c.AllowedHosts = []string{"https://a.b"} }, func(c *backend.Config) { c.AllowedHosts = []string{"*"} }},
		"LATCHKEY_ALLOWED_ORIGINS": {
			func(c *backend.Config) { c.AllowedOrigins = []string{"a.b"} },
			func(c *backend.Config) { c.AllowedOrigins = []string{"https://a.b/"} },
			func(c *backend.Config) { c.AllowedOrigins = []string{"https://*.a.b"} },
			func(c *backend.Config) { c.AllowedOrigins = []string{"https://a.b", ""} },
			func(c *backend.Config) { c.AllowedOrigins = []string{"https://a.b:*:*"} },
		},
	} {
		for i, change := range changes {
			c := configFor(f)
			change(&c)
			err := c.Check()
			if fault.CodeOf(err) != fault.BackendConfig || !strings.Contains(err.Error(), setting+": ") {
				t.Errorf("%s, %d: %v", setting, i, err)
			}
			if err != nil && (strings.Contains(err.Error(), f.APIPrivateKey) || strings.Contains(err.Error(), other)) {
				t.Errorf("%s: the error tells the key", setting)
			}
			if b, err := backend.New(c); err == nil || b != nil {
				t.Errorf("%s, %d: a backend all the same", setting, i)
			}
		}
	}
}

// No port at all is the default one, and 0 is what it is everywhere: a free one.
func TestAPortOfZeroIsNoMissingPort(t *testing.T) {
	for said, want := range map[string]int{"": backend.DefaultPort, "0": 0, "4000": 4000} {
		c, err := backend.FromEnv(func(name string) string { return map[string]string{"PORT": said}[name] })
		if err != nil || c.Port != want {
			t.Errorf("PORT=%s: %d, %v", said, c.Port, err)
		}
	}
}

func TestFromEnvReadsEveryVariable(t *testing.T) {
	f := facts(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	if err := os.WriteFile(path, []byte(f.APIPrivateKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"TURNKEY_API_URL": "http://127.0.0.1:4000", "TURNKEY_ORGANIZATION_ID": f.OrganizationID, "TURNKEY_API_PUBLIC_KEY": f.APIPublicKey,
		"TURNKEY_API_PRIVATE_KEY_FILE": path, "PORT": "3100",
		"LATCHKEY_NOTARIZER_PUBLIC_KEY": f.NotarizerPublicKey, "LATCHKEY_TLS_FETCHER_PUBLIC_KEY": f.TLSFetcherPublicKey,
		"LATCHKEY_TLS_FETCHER_ENCRYPTION_PUBLIC_KEY": f.TLSFetcherEncryptionPublicKey, "LATCHKEY_SIGNER_PUBLIC_KEY": f.SignerPublicKey,
		"LATCHKEY_LEGACY_TOKEN_PUBLIC_KEY": f.LegacyTokenPublicKey, "LATCHKEY_AUTH_PROXY_CONFIG_ID": "cfg", "LATCHKEY_OTP_LENGTH": "8",
		"LATCHKEY_OTP_ALPHANUMERIC": "true", "LATCHKEY_APP_NAME": "Shop", "LATCHKEY_SESSION_SECONDS": "3600",
		"LATCHKEY_ALLOWED_HOSTS": "a.example, b.example:8080,", "LATCHKEY_ALLOWED_ORIGINS": "https://a.example",
		"LATCHKEY_REDIS_URL": "rediss://user:canary@redis.example:6380/3", "LATCHKEY_STATE_KEY": strings.Repeat("k", 32), "LATCHKEY_REDIS_COPIES": "2", "LATCHKEY_TRUSTED_PROXIES": "10.0.0.0/8, ::1",
		"LATCHKEY_LIMITS": "contact-sends=5, network-calls=-1", "LATCHKEY_API_RATE": "60",
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces", "OTEL_EXPORTER_OTLP_HEADERS": "a=b", "OTEL_SERVICE_NAME": "shop",
		"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5",
		"LATCHKEY_CAPTCHA_SITE_KEY": "site", "LATCHKEY_CAPTCHA_SECRET": "canary", "LATCHKEY_CAPTCHA_VERIFY_URL": "https://captcha.example/verify",
	}
	read := map[string]bool{}
	c, err := backend.FromEnv(func(name string) string { read[name] = true; return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
	for name := range env {
		if !read[name] {
			t.Errorf("%s was not read", name)
		}
	}
	want := configFor(f)
	want.APIURL, want.AuthProxyConfigID, want.OTPLength, want.OTPAlphanumeric = "http://127.0.0.1:4000", "cfg", 8, true
	want.AppName, want.SessionSeconds, want.Port = "Shop", 3600, 3100
	want.AllowedHosts, want.AllowedOrigins = []string{"a.example", "b.example:8080"}, []string{"https://a.example"}
	want.Limits, want.APIPrivateKey = backend.Limits{ContactSends: 5, NetworkCalls: -1}, c.APIPrivateKey
	want.Traces = backend.Traces{Endpoint: "http://collector:4318/v1/traces", Headers: backend.SecretOf("a=b"), Service: "shop", Ratio: 0.5}
	want.CaptchaSiteKey, want.CaptchaSecret, want.CaptchaVerifyURL = "site", backend.SecretOf("canary"), "https://captcha.example/verify"
	want.StateKey = backend.SecretOf(strings.Repeat("k", 32))
	want.RedisURL, want.RedisCopies, want.TrustedProxies, want.APIRate = backend.SecretOf(env["LATCHKEY_REDIS_URL"]), 2, []string{"10.0.0.0/8", "::1"}, 60
	if !reflect.DeepEqual(c, want) {
		t.Errorf("%#v", c)
	}
}

func TestFromEnvDefaultsAndErrors(t *testing.T) {
	c, err := backend.FromEnv(func(name string) string { return map[string]string{"TURNKEY_ORGANIZATION_ID": "o"}[name] })
	if err != nil || c.APIURL != "https://api.turnkey.com" || c.AuthProxyConfigID != "o" || !reflect.DeepEqual(c.Pins, backend.Pins{}) {
		t.Errorf("%+v, %v", c.Pins, err)
	}
	big := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(big, make([]byte, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, env := range map[string]map[string]string{
		"PORT":                         {"PORT": "x"},
		"LATCHKEY_OTP_LENGTH":          {"LATCHKEY_OTP_LENGTH": "6.5"},
		"LATCHKEY_OTP_ALPHANUMERIC":    {"LATCHKEY_OTP_ALPHANUMERIC": "perhaps"},
		"LATCHKEY_SESSION_SECONDS":     {"LATCHKEY_SESSION_SECONDS": "15m"},
		"LATCHKEY_LIMITS":              {"LATCHKEY_LIMITS": "contact-sends=3,sends=1"},
		"LATCHKEY_REDIS_COPIES":        {"LATCHKEY_REDIS_COPIES": "one"},
		"LATCHKEY_API_RATE":            {"LATCHKEY_API_RATE": "1.5"},
		"TURNKEY_API_PRIVATE_KEY":      {"TURNKEY_API_PRIVATE_KEY": "canary", "TURNKEY_API_PRIVATE_KEY_FILE": big},
		"TURNKEY_API_PRIVATE_KEY_FILE": {"TURNKEY_API_PRIVATE_KEY_FILE": filepath.Join(t.TempDir(), "none")},
		"TURNKEY_API_PUBLIC_KEY_FILE":  {"TURNKEY_API_PUBLIC_KEY_FILE": big},
	} {
		_, err := backend.FromEnv(func(n string) string { return env[n] })
		if fault.CodeOf(err) != fault.BackendConfig || !strings.Contains(err.Error(), name+": ") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPinsOr(t *testing.T) {
	all := backend.Pins{Notarizer: "a", TLSFetcher: "b", TLSFetcherEncryption: "c", Signer: "d", LegacyToken: "e"}
	if got := (backend.Pins{}).Or(all); got != all {
		t.Errorf("%+v", got)
	}
	if got := (backend.Pins{Signer: "x"}).Or(all); got.Signer != "x" || got.Notarizer != "a" {
		t.Errorf("%+v", got)
	}
}

func TestServerHasItsLimits(t *testing.T) {
	s := backend.Server(http.NotFoundHandler())
	if s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.WriteTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes > 16<<10 {
		t.Errorf("%+v", s)
	}
}
