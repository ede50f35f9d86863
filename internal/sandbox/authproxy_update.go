package sandbox

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"

	"github.com/google/uuid"
)

// updateAuthProxyConfig changes what is named.
type updateAuthProxyConfig struct {
	AllowedOrigins                            *[]string           `json:"allowedOrigins,omitempty"`
	AllowedAuthMethods                        *[]string           `json:"allowedAuthMethods,omitempty"`
	SendFromEmailAddress                      *string             `json:"sendFromEmailAddress,omitempty"`
	ReplyToEmailAddress                       *string             `json:"replyToEmailAddress,omitempty"`
	EmailAuthTemplateID                       *string             `json:"emailAuthTemplateId,omitempty"`
	OTPTemplateID                             *string             `json:"otpTemplateId,omitempty"`
	EmailCustomizationParams                  *emailCustomization `json:"emailCustomizationParams,omitempty"`
	SMSCustomizationParams                    *smsTemplate        `json:"smsCustomizationParams,omitempty"`
	WalletKitSettings                         *walletKitSettings  `json:"walletKitSettings,omitempty"`
	OTPExpirationSeconds                      *integer            `json:"otpExpirationSeconds,omitempty"`
	VerificationTokenExpirationSeconds        *integer            `json:"verificationTokenExpirationSeconds,omitempty"`
	SessionExpirationSeconds                  *integer            `json:"sessionExpirationSeconds,omitempty"`
	OTPAlphanumeric                           *bool               `json:"otpAlphanumeric,omitempty"`
	OTPLength                                 *integer            `json:"otpLength,omitempty"`
	SendFromEmailSenderName                   *string             `json:"sendFromEmailSenderName,omitempty"`
	VerificationTokenRequiredForGetAccountPII *bool               `json:"verificationTokenRequiredForGetAccountPii,omitempty"`
	SocialLinkingClientIDs                    *[]string           `json:"socialLinkingClientIds,omitempty"`
	CaptchaEnabled                            *bool               `json:"captchaEnabled,omitempty"`
	nobody
}

// walletKitSettings is about log-ins with social providers.
type walletKitSettings struct {
	EnabledSocialProviders []string        `json:"enabledSocialProviders,omitempty"`
	OAuthClientIDs         json.RawMessage `json:"oauthClientIds,omitempty"` // an object of strings, by provider
	OAuthRedirectURL       string          `json:"oauthRedirectUrl,omitempty"`
}

// The ways in that apps know. A social provider may stand among the methods too.
var (
	proxyMethods    = []string{"email", "sms", "passkey", "wallet"}
	socialProviders = []string{"google", "apple", "facebook", "x", "discord"}
)

const (
	proxyListMax = 100  // items
	textMax      = 4096 // bytes, of whatever a message repeats too
)

func (in *updateAuthProxyConfig) run(t *tx) (any, error) {
	old, err := t.findProxy()
	if err != nil {
		return nil, err
	}
	next := *old
	next.updated = t.now
	in.apply(&next.settings)
	if err := next.settings.check(); err != nil {
		return nil, err
	}
	t.stage(&next)
	return struct {
		ConfigID uuid.UUID `json:"configId"`
	}{next.id}, nil
}

// apply puts what is named in the place of what was.
func (in *updateAuthProxyConfig) apply(s *proxySettings) {
	change(&s.AllowedOrigins, in.AllowedOrigins)
	change(&s.AllowedAuthMethods, in.AllowedAuthMethods)
	change(&s.SendFromEmailAddress, in.SendFromEmailAddress)
	change(&s.SendFromEmailSenderName, in.SendFromEmailSenderName)
	change(&s.ReplyToEmailAddress, in.ReplyToEmailAddress)
	change(&s.EmailAuthTemplateID, in.EmailAuthTemplateID)
	change(&s.OTPTemplateID, in.OTPTemplateID)
	change(&s.OTPExpirationSeconds, in.OTPExpirationSeconds)
	change(&s.VerificationTokenExpirationSeconds, in.VerificationTokenExpirationSeconds)
	change(&s.SessionExpirationSeconds, in.SessionExpirationSeconds)
	change(&s.OTPAlphanumeric, in.OTPAlphanumeric)
	change(&s.OTPLength, in.OTPLength)
	change(&s.VerificationTokenRequiredForGetAccountPII, in.VerificationTokenRequiredForGetAccountPII)
	change(&s.SocialLinkingClientIDs, in.SocialLinkingClientIDs)
	change(&s.CaptchaEnabled, in.CaptchaEnabled)
	if in.EmailCustomizationParams != nil {
		s.EmailCustomizationParams = in.EmailCustomizationParams
	}
	if in.SMSCustomizationParams != nil {
		s.SMSCustomizationParams = in.SMSCustomizationParams
	}
	if in.WalletKitSettings != nil {
		s.WalletKitSettings = in.WalletKitSettings
	}
}

func change[T any](what *T, to *T) {
	if to != nil {
		*what = *to
	}
}

// check refuses settings that no proxy could follow.
func (s *proxySettings) check() error {
	within := func(v integer, least, most integer) bool { return least <= v && v <= most }
	switch {
	case !within(s.OTPLength, 6, 9):
		return invalid("invalid OTP length: must be between 6 and 9")
	case !within(s.OTPExpirationSeconds, 1, otpMost):
		return invalid("invalid OTP expiration: must be between 1 and %d seconds", otpMost)
	case !within(s.VerificationTokenExpirationSeconds, 1, 86400):
		return invalid("invalid verification token expiration: must be between 1 and 86400 seconds")
	case s.SessionExpirationSeconds < 1:
		return invalid("invalid session expiration: must be positive")
	case len(s.AllowedOrigins) > proxyListMax || slices.ContainsFunc(s.AllowedOrigins, func(o string) bool { return o != "*" && !isOrigin(o) }):
		return invalid("invalid allowed origins: want * or exact URLs such as https://www.example.com, at most %d", proxyListMax)
	case !known(s.AllowedAuthMethods, proxyMethods, socialProviders):
		return invalid("invalid allowed auth methods")
	case len(s.SocialLinkingClientIDs) > proxyListMax || slices.ContainsFunc(s.SocialLinkingClientIDs, long):
		return invalid("invalid social linking client IDs")
	}
	texts := []string{s.SendFromEmailSenderName, s.EmailAuthTemplateID, s.OTPTemplateID}
	if e := s.EmailCustomizationParams; e != nil {
		texts = append(texts, e.AppName, e.LogoURL, e.MagicLinkTemplate, e.TemplateVariables, e.TemplateID)
	}
	if m := s.SMSCustomizationParams; m != nil {
		texts = append(texts, m.Template)
	}
	if slices.ContainsFunc(texts, long) {
		return longText()
	}
	for _, email := range []string{s.SendFromEmailAddress, s.ReplyToEmailAddress} {
		if email != "" {
			if err := checkEmail(email); err != nil {
				return err
			}
		}
	}
	return s.WalletKitSettings.check()
}

func long(text string) bool { return len(text) > textMax }

// longText refuses what a message would repeat: the inbox keeps a thousand messages, whatever their length.
func longText() *refusal { return invalid("a text is too long: at most %d bytes", textMax) }

// known reports whether names are all in the lists, none twice.
func known(names []string, lists ...[]string) bool {
	all := slices.Concat(lists...)
	for i, name := range names {
		if !slices.Contains(all, name) || slices.Contains(names[:i], name) {
			return false
		}
	}
	return true
}

func (k *walletKitSettings) check() error {
	if k == nil {
		return nil
	}
	if !known(k.EnabledSocialProviders, socialProviders) {
		return invalid("invalid enabled social providers")
	}
	if k.OAuthRedirectURL != "" {
		if u, err := url.Parse(k.OAuthRedirectURL); err != nil || !u.IsAbs() || long(k.OAuthRedirectURL) {
			return invalid("invalid OAuth redirect URL")
		}
	}
	if len(k.OAuthClientIDs) == 0 {
		return nil
	}
	if k.OAuthClientIDs[0] != '{' {
		return badBody("walletKitSettings.oauthClientIds: want an object")
	}
	var names []string
	for _, m := range split(k.OAuthClientIDs) {
		if value := bytes.TrimSpace(m.value); value[0] != '"' || long(string(value)) {
			return badBody("walletKitSettings.oauthClientIds: want strings")
		}
		names = append(names, m.name)
	}
	if !known(names, socialProviders) {
		return invalid("invalid OAuth client IDs")
	}
	return nil
}

// clientIDs are the apps' ids at the providers.
func (k *walletKitSettings) clientIDs() map[string]string {
	if len(k.OAuthClientIDs) == 0 {
		return nil
	}
	ids := map[string]string{}
	for _, m := range split(k.OAuthClientIDs) {
		ids[m.name] = unquote(bytes.TrimSpace(m.value))
	}
	return ids
}
