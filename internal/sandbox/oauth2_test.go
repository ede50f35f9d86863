package sandbox

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mr-tron/base58"

	"latchkey/internal/bundle"
	"latchkey/internal/p256"
	"latchkey/internal/sandbox/oidc"
)

// sealSecret seals a client secret the way clients do, to the key that the sandbox tells.
func (b *box) sealSecret(secret string) string {
	b.t.Helper()
	public, err := p256.ParsePublic(b.Facts().TLSFetcherEncryptionPublicKey)
	if err != nil {
		b.t.Fatal(err)
	}
	target, err := public.ECDH()
	if err != nil {
		b.t.Fatal(err)
	}
	sealed, err := bundle.SealClientSecret(target, secret)
	if err != nil {
		b.t.Fatal(err)
	}
	return sealed
}

// oauth2Code logs in at X or Discord and returns the code.
func (b *box) oauth2Code(provider, email string) string {
	b.t.Helper()
	return b.approve("/oauth2/"+provider, email, url.Values{"client_id": {"app"}, "redirect_uri": {appsOwn}, "state": {"s"}, "response_type": {"code"},
		"scope": {"identify email tweet.read users.read"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"}}).Get("code")
}

// payload reads the claims of a JWT.
func payload(t *testing.T, jwt string) m {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(jwt, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims m
	if err := json.Unmarshal(raw, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestSignUpAndLogInWithXAndDiscord(t *testing.T) {
	b := newBox(t, Options{})
	for provider, name := range map[string]string{"x": "OAUTH2_PROVIDER_X", "discord": "OAUTH2_PROVIDER_DISCORD"} {
		t.Run(provider, func(t *testing.T) {
			at := *b
			at.t = t
			root := *b.root
			root.box = &at
			at.root = &root
			id := at.root.submit("CREATE_OAUTH2_CREDENTIAL", m{"provider": name, "clientId": "app", "encryptedClientSecret": at.sealSecret("top-secret")}).
				result("createOauth2CredentialResult").text("oauth2CredentialId")
			key, target := newKey(), newKey()
			ask := func(change m) answer {
				p := m{"oauth2CredentialId": id, "authCode": at.oauth2Code(provider, "jane@doe.test"), "redirectUri": appsOwn, "codeVerifier": verifier, "nonce": oidc.Nonce(key.PublicKey())}
				for k, v := range change {
					p[k] = v
				}
				return at.root.submit("OAUTH2_AUTHENTICATE", p)
			}
			raw := ask(m{"bearerTokenTargetPublicKey": p256.Uncompressed(&target.Private().PublicKey)}).result("oauth2AuthenticateResult").text("oidcToken")
			claims := payload(t, raw)
			if claims["aud"] != "app" || !strings.HasPrefix(claims["sub"].(string), provider+":") || claims["nonce"] != oidc.Nonce(key.PublicKey()) {
				t.Errorf("claims %v", claims)
			}
			if sealed, err := base58.Decode(claims["encrypted_bearer_token"].(string)); err != nil || len(sealed) < 33+16+4 {
				t.Errorf("%d bytes of bearer token, %v", len(sealed), err)
			}
			jane := at.oauthSignUp("Jane of "+provider, raw, nil)
			jane.oauthLogIn(raw, key, nil).result("oauthLoginResult")
			jane.with(key).query("whoami", nil).ok()

			other := newKey() // Turnkey's older apps leave the nonce empty
			loose := ask(m{"nonce": ""}).result("oauth2AuthenticateResult").text("oidcToken")
			if payload(t, loose)["encrypted_bearer_token"] != nil {
				t.Error("a bearer token that nobody asked for")
			}
			jane.oauthLogIn(loose, other, nil).result("oauthLoginResult")
			jane.oauthLogIn(raw, newKey(), nil).refused(400, "INVALID_OIDC_TOKEN", "nonce")

			code := at.oauth2Code(provider, "jane@doe.test")
			ask(m{"authCode": code}).result("oauth2AuthenticateResult")
			ask(m{"authCode": code}).refused(400, "REQUEST_INVALID", "invalid_grant")
			ask(m{"redirectUri": appsOwn + "/"}).refused(400, "REQUEST_INVALID", "invalid_grant")
			ask(m{"codeVerifier": verifier + "x"}).refused(400, "REQUEST_INVALID", "invalid_grant")
			for field, words := range map[string]string{"oauth2CredentialId": "oauth2_credential_id must be set", "authCode": "auth_code must be set", "redirectUri": "redirect_uri must be set", "codeVerifier": "code_verifier must be set"} {
				ask(m{field: ""}).refused(400, "REQUEST_INVALID", words)
			}
			ask(m{"oauth2CredentialId": nowhere}).refused(404, "OAUTH2_CREDENTIAL_NOT_FOUND", "no OAuth 2.0 credential")
			ask(m{"bearerTokenTargetPublicKey": "02"}).refused(400, "REQUEST_INVALID", "invalid bearer token target")
			late := at.oauth2Code(provider, "jane@doe.test")
			at.time.advance(time.Minute)
			ask(m{"authCode": late}).refused(400, "REQUEST_INVALID", "invalid_grant")
		})
	}
}

func TestOAuth2CredentialsComeAndGo(t *testing.T) {
	b := newBox(t, Options{})
	sealed := b.sealSecret("top-secret")
	list := func() []any {
		return b.root.query("list_oauth2_credentials", nil).ok().at("oauth2Credentials").([]any)
	}
	make1 := func(p m) answer {
		all := m{"provider": "OAUTH2_PROVIDER_X", "clientId": "app", "encryptedClientSecret": sealed}
		for k, v := range p {
			all[k] = v
		}
		return b.root.submit("CREATE_OAUTH2_CREDENTIAL", all)
	}
	id := make1(nil).result("createOauth2CredentialResult").text("oauth2CredentialId")
	make1(m{"provider": "OAUTH2_PROVIDER_MYSPACE"}).refused(400, "INVALID_OAUTH2_PROVIDER", "invalid OAuth 2.0 provider")
	make1(m{"clientId": ""}).refused(400, "REQUEST_INVALID", "client_id must be set")
	make1(m{"encryptedClientSecret": sealed[:len(sealed)-2]}).refused(400, "REQUEST_INVALID", "invalid encrypted client secret")
	make1(m{"encryptedClientSecret": hex.EncodeToString([]byte("top-secret"))}).refused(400, "REQUEST_INVALID", "invalid encrypted client secret")

	again := b.sealSecret("another")
	b.root.submit("UPDATE_OAUTH2_CREDENTIAL", m{"oauth2CredentialId": id, "provider": "OAUTH2_PROVIDER_DISCORD", "clientId": "other", "encryptedClientSecret": again}).result("updateOauth2CredentialResult")
	got := b.root.query("get_oauth2_credential", m{"oauth2CredentialId": id}).ok().at("oauth2Credential").(m)
	if got["provider"] != "OAUTH2_PROVIDER_DISCORD" || got["clientId"] != "other" || got["encryptedClientSecret"] != again || got["organizationId"] != b.root.org || len(list()) != 1 {
		t.Errorf("%v", got)
	}
	jane := b.logIn("jane@doe.test")
	jane.query("get_oauth2_credential", m{"oauth2CredentialId": id}).refused(404, "OAUTH2_CREDENTIAL_NOT_FOUND", "")
	b.root.submit("DELETE_OAUTH2_CREDENTIAL", m{"oauth2CredentialId": id}).result("deleteOauth2CredentialResult")
	b.root.submit("DELETE_OAUTH2_CREDENTIAL", m{"oauth2CredentialId": id}).refused(404, "OAUTH2_CREDENTIAL_NOT_FOUND", "")
	if len(list()) != 0 {
		t.Errorf("still there: %v", list())
	}
}

func TestOAuthKeepsItsRecordsOverARestart(t *testing.T) {
	dir := t.TempDir()
	key := newKey()
	var id, org, raw string
	func() {
		b := newBox(t, Options{StateDir: dir})
		id = b.root.submit("CREATE_OAUTH2_CREDENTIAL", m{"provider": "OAUTH2_PROVIDER_X", "clientId": "app", "encryptedClientSecret": b.sealSecret("top-secret")}).
			result("createOauth2CredentialResult").text("oauth2CredentialId")
		raw = b.idToken("sandbox", "web", "jane@doe.test", key.PublicKey())
		org = b.oauthSignUp("Jane", raw, nil).org
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}()
	b := newBox(t, Options{StateDir: dir})
	b.root.query("get_oauth2_credential", m{"oauth2CredentialId": id}).ok()
	(&who{box: b, org: org}).oauthLogIn(raw, key, nil).result("oauthLoginResult") // its keys follow from the seed, too
}

// The older log-in: the key comes in a bundle, and the nonce names the key to which it is sealed.
func TestAnIDTokenBringsAKeyInABundle(t *testing.T) {
	b := newBox(t, Options{})
	target := newKey()
	public := p256.Uncompressed(&target.Private().PublicKey)
	raw := b.idToken("google", "web", "jane@doe.test", public)
	jane := b.oauthSignUp("Jane", raw, nil)
	parent := b.root.in(jane.org)
	r := parent.submit("OAUTH", m{"oidcToken": raw, "targetPublicKey": public, "expirationSeconds": "60"}).result("oauthResult")
	if r.text("userId") != jane.user {
		t.Errorf("user %s", r.text("userId"))
	}
	opener, err := target.Private().ECDH()
	if err != nil {
		t.Fatal(err)
	}
	private, err := bundle.OpenCredential(opener, r.text("credentialBundle"))
	if err != nil {
		t.Fatal(err)
	}
	jane = jane.with(p256.NewKey(private))
	if got := jane.query("whoami", nil).ok().text("userId"); got != jane.user {
		t.Errorf("whoami: %s", got)
	}
	own := jane.query("get_api_keys", nil).ok().at("apiKeys", "0").(m)
	if own["credential"].(m)["type"] != "CREDENTIAL_TYPE_OAUTH_KEY_P256" || !strings.HasPrefix(own["apiKeyName"].(string), "Oauth - ") || own["apiKeyId"] != r.text("apiKeyId") || own["expirationSeconds"] != "60" {
		t.Errorf("key %v", own)
	}
	parent.submit("OAUTH", m{"oidcToken": raw, "targetPublicKey": target.PublicKey()}).refused(400, "INVALID_OIDC_TOKEN", "nonce")
	parent.submit("OAUTH", m{"oidcToken": raw, "targetPublicKey": "04"}).refused(400, "INVALID_OIDC_TOKEN", "nonce")
	b.time.advance(time.Minute)
	jane.query("whoami", nil).refused(401, "API_KEY_EXPIRED", "expired api key")
}
