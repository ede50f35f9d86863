package sandbox

import (
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// authProxy is what a parent organization has settled about the Auth Proxy, the service that starts log-ins for apps
// without a backend. The proxy itself is no part of the sandbox: a backend that plays it reads its settings here. It
// stays when the proxy is switched off, so that apps that carry its id work again when it is on.
type authProxy struct {
	id       uuid.UUID // what apps send as X-Auth-Proxy-Config-ID
	number   uint64
	org      *organization
	on       bool
	user     uuid.UUID // who starts log-ins; zero while it is off
	policy   uuid.UUID // that allows it
	settings proxySettings
	created  int64
	updated  int64
}

// proxySettings is what can be set. Lists and structs in it are replaced and never changed.
type proxySettings struct {
	AllowedOrigins                            []string            `json:"allowedOrigins"`
	AllowedAuthMethods                        []string            `json:"allowedAuthMethods"`
	SendFromEmailAddress                      string              `json:"sendFromEmailAddress,omitempty"`
	SendFromEmailSenderName                   string              `json:"sendFromEmailSenderName,omitempty"`
	ReplyToEmailAddress                       string              `json:"replyToEmailAddress,omitempty"`
	EmailAuthTemplateID                       string              `json:"emailAuthTemplateId,omitempty"`
	OTPTemplateID                             string              `json:"otpTemplateId,omitempty"`
	EmailCustomizationParams                  *emailCustomization `json:"emailCustomizationParams,omitempty"`
	SMSCustomizationParams                    *smsTemplate        `json:"smsCustomizationParams,omitempty"`
	WalletKitSettings                         *walletKitSettings  `json:"walletKitSettings,omitempty"`
	OTPExpirationSeconds                      integer             `json:"otpExpirationSeconds"`
	VerificationTokenExpirationSeconds        integer             `json:"verificationTokenExpirationSeconds"`
	SessionExpirationSeconds                  integer             `json:"sessionExpirationSeconds"`
	OTPAlphanumeric                           bool                `json:"otpAlphanumeric"`
	OTPLength                                 integer             `json:"otpLength"`
	VerificationTokenRequiredForGetAccountPII bool                `json:"verificationTokenRequiredForGetAccountPii"`
	SocialLinkingClientIDs                    []string            `json:"socialLinkingClientIds"`
	CaptchaEnabled                            bool                `json:"captchaEnabled"`
}

// proxySettingsAtFirst are those that nobody has changed yet.
func proxySettingsAtFirst() proxySettings {
	return proxySettings{
		AllowedOrigins: []string{"*"}, AllowedAuthMethods: []string{"email", "sms", "passkey", "wallet"}, SocialLinkingClientIDs: []string{},
		OTPExpirationSeconds: otpDefault, VerificationTokenExpirationSeconds: 3600, SessionExpirationSeconds: sessionDefault, OTPLength: 6,
	}
}

func (p *authProxy) ident() uuid.UUID   { return p.id }
func (p *authProxy) install(s *state)   { p.org.shelf().proxies.put(p) }
func (p *authProxy) uninstall(s *state) { p.org.shelf().proxies.drop(p.id) }

// proxy returns the organization's record about the proxy, or nil. The caller holds the lock.
func (o *organization) proxy() *authProxy {
	if all := o.shelved().proxies.all; len(all) > 0 {
		return all[0]
	}
	return nil
}

type authProxyOnDisk struct {
	ID       uuid.UUID     `json:"id"`
	Org      uuid.UUID     `json:"org"`
	On       bool          `json:"on,omitempty"`
	User     uuid.UUID     `json:"user,omitzero"`
	Policy   uuid.UUID     `json:"policy,omitzero"`
	Settings proxySettings `json:"settings"`
	Created  int64         `json:"created"`
	Updated  int64         `json:"updated"`
}

const bucketAuthProxy = "authProxy" // by number

func (p *authProxy) row() row {
	return row{bucketAuthProxy, number(p.number), mustJSON(authProxyOnDisk{p.id, p.org.id, p.on, p.user, p.policy, p.settings, p.created, p.updated})}
}

func (s *state) readAuthProxy(key, value []byte) (record, error) {
	d := authProxyOnDisk{Settings: proxySettingsAtFirst()} // what an older version did not write
	n, org, err := s.owned(key, value, &d, &d.Org)
	if err != nil {
		return nil, err
	}
	if err := d.Settings.check(); err != nil {
		return nil, fmt.Errorf("auth proxy configuration %s: %w", d.ID, err)
	}
	return &authProxy{d.ID, n, org, d.On, d.User, d.Policy, d.Settings, d.Created, d.Updated}, nil
}

// enableAuthProxy makes the proxy's user, whom a policy allows to start log-ins and to make sub-organizations. Nobody
// is given the private half of the user's key, which is why it is not kept.
type enableAuthProxy struct{ nobody }

func (in *enableAuthProxy) run(t *tx) (any, error) {
	old := t.org.proxy()
	next := authProxy{id: t.id(), number: t.number(), org: t.org, settings: proxySettingsAtFirst(), created: t.now}
	if old != nil {
		next = *old
	}
	if next.on {
		return nil, exists("auth proxy is already enabled configId=%s", next.id)
	}
	if len(t.org.users) >= usersMax {
		return nil, tooMany("organization has exceeded maximum users")
	}
	u := &user{id: t.id(), number: t.number(), org: t.org, name: "Auth Proxy", created: t.now, updated: t.now}
	if err := t.give(u, []*apiKey{{name: "Auth Proxy", public: t.somePoint(), kind: credentialP256}}, t.org.users); err != nil {
		return nil, err
	}
	allow := new(rule)
	if err := allow.check(draft{name: "Auth Proxy " + u.id.String(), effect: "EFFECT_ALLOW",
		consensus: "approvers.any(user, user.id == '" + u.id.String() + "')",
		condition: "activity.resource in ['AUTH', 'OTP', 'ORGANIZATION'] && activity.action in ['CREATE', 'VERIFY']",
		notes:     "made with the Auth Proxy"}); err != nil {
		return nil, err
	}
	if err := t.addRules(allow); err != nil {
		return nil, err
	}
	next.on, next.user, next.policy, next.updated = true, u.id, allow.id, t.now
	t.stage(u, &next)
	t.setFeatures(with(t.org.features, feature{Name: featureAuthProxy}))
	return struct {
		UserID uuid.UUID `json:"userId"`
	}{u.id}, nil
}

// somePoint returns a key of which nobody has the private half.
func (t *tx) somePoint() (p point) {
	public := t.state.choices.key().PublicKey().Bytes() // 4, x, y
	p[0] = 2 | public[64]&1
	copy(p[1:], public[1:33])
	return p
}

// disableAuthProxy takes the proxy's user and policy away. The settings stay.
type disableAuthProxy struct{ nobody }

func (in *disableAuthProxy) run(t *tx) (any, error) {
	old, err := t.findProxy()
	if err != nil {
		return nil, err
	}
	settled := *t.org.settings
	settled.features = without(settled.features, featureAuthProxy)
	if err := t.removeUsers(map[uuid.UUID]bool{old.user: true}, &settled); err != nil {
		return nil, err
	}
	if allow, ok := t.org.shelved().rules.find(old.policy); ok {
		t.stage(gone{allow})
	}
	next := *old
	next.on, next.user, next.policy, next.updated = false, uuid.UUID{}, uuid.UUID{}, t.now
	t.stage(resettled{t.org, &settled}, &next)
	return struct{}{}, nil
}

// findProxy returns the organization's proxy if it is on.
func (c *call) findProxy() (*authProxy, error) {
	if p := c.org.proxy(); p != nil && p.on {
		return p, nil
	}
	return nil, notFound("auth proxy is not enabled", "organizationId", c.org.id.String())
}

// getAuthProxyConfig tells a backend that plays the proxy how, in the words of update_auth_proxy_config, and what to
// answer to apps that ask for wallet_kit_config.
func getAuthProxyConfig(c *call, _ *nothing) (any, error) {
	p, err := c.findProxy()
	if err != nil {
		return nil, err
	}
	type config struct {
		ConfigID       uuid.UUID `json:"configId"`
		OrganizationID uuid.UUID `json:"organizationId"`
		UserID         uuid.UUID `json:"userId"`
		proxySettings
		CreatedAt timestamp `json:"createdAt"`
		UpdatedAt timestamp `json:"updatedAt"`
	}
	return struct {
		Config    config        `json:"authProxyConfig"`
		WalletKit walletKitView `json:"walletKitConfig"`
	}{config{p.id, p.org.id, p.user, p.settings, stampTime(p.created), stampTime(p.updated)}, p.walletKit()}, nil
}

// walletKitView is the answer of wallet_kit_config.
type walletKitView struct {
	EnabledProviders         []string          `json:"enabledProviders"`
	SessionExpirationSeconds string            `json:"sessionExpirationSeconds"`
	OrganizationID           uuid.UUID         `json:"organizationId"`
	OAuthClientIDs           map[string]string `json:"oauthClientIds,omitempty"`
	OAuthRedirectURL         string            `json:"oauthRedirectUrl,omitempty"`
	OTPAlphanumeric          bool              `json:"otpAlphanumeric"`
	OTPLength                string            `json:"otpLength"`
}

func (p *authProxy) walletKit() walletKitView {
	v := walletKitView{EnabledProviders: slices.Clone(p.settings.AllowedAuthMethods), OrganizationID: p.org.id,
		SessionExpirationSeconds: fmt.Sprint(p.settings.SessionExpirationSeconds), OTPAlphanumeric: p.settings.OTPAlphanumeric, OTPLength: fmt.Sprint(p.settings.OTPLength)}
	if kit := p.settings.WalletKitSettings; kit != nil {
		for _, name := range kit.EnabledSocialProviders {
			if !slices.Contains(v.EnabledProviders, name) {
				v.EnabledProviders = append(v.EnabledProviders, name)
			}
		}
		v.OAuthClientIDs, v.OAuthRedirectURL = kit.clientIDs(), kit.OAuthRedirectURL
	}
	return v
}
