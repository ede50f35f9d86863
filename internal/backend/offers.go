package backend

import (
	"context"
	"slices"
	"time"
)

// configPath is where a device asks what is offered, before it shows anything.
const configPath = "/config"

// resendAfter is how long a device lets a person wait for a code before it has another sent. More than three in three
// minutes are refused in any case.
const resendAfter = 30 * time.Second

// offersOut is what wallet_kit_config says, and what a device wants to know besides. Nothing in it is secret.
type offersOut struct {
	Methods            []string          `json:"methods"`          // that are allowed
	EnabledProviders   []string          `json:"enabledProviders"` // of them, those that a page of a kit's can show
	OAuthClientIDs     map[string]string `json:"oauthClientIds"`
	OAuthRedirectURL   string            `json:"oauthRedirectUrl"`
	OrganizationID     string            `json:"organizationId"`
	OTPLength          int               `json:"otpLength"`
	OTPAlphanumeric    bool              `json:"otpAlphanumeric"`
	ExpiresInSeconds   int               `json:"otpExpiresInSeconds"`
	ResendAfterSeconds int               `json:"otpResendAfterSeconds"`
	SessionSeconds     int               `json:"sessionExpirationSeconds"` // of a session that asks for none
	CaptchaSiteKey     string            `json:"turnstileSiteKey,omitempty"`
}

func (b *Backend) offers(context.Context, *call, nothing) (offersOut, error) {
	ids := b.c.OAuthClientIDs
	if ids == nil {
		ids = map[string]string{}
	}
	return offersOut{
		Methods: b.c.allowed(), EnabledProviders: b.c.announced(), OAuthClientIDs: ids, OAuthRedirectURL: b.c.OAuthRedirectURL,
		OrganizationID: b.c.OrganizationID, OTPLength: b.c.OTPLength, OTPAlphanumeric: b.c.OTPAlphanumeric,
		ExpiresInSeconds: int(codeLife.Seconds()), ResendAfterSeconds: int(resendAfter.Seconds()), SessionSeconds: b.c.SessionSeconds,
		CaptchaSiteKey: b.c.CaptchaSiteKey,
	}, nil
}

// allowed are the ways in that the configuration allows.
func (c Config) allowed() []string {
	if len(c.AuthMethods) == 0 {
		return slices.Clone(methods)
	}
	return slices.DeleteFunc(slices.Clone(methods), func(m string) bool { return !slices.Contains(c.AuthMethods, m) })
}
