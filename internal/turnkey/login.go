package turnkey

import "context"

// Activities that begin a session, and the one-time codes before them. Source of all shapes: Turnkey's API
// description (swagger), definitions of the types named.

// LoginParams asks for a session of PublicKey, the key that will stamp, compressed hex.
type LoginParams struct {
	PublicKey          string  `json:"publicKey"`
	ExpirationSeconds  Seconds `json:"expirationSeconds,omitzero"`
	InvalidateExisting bool    `json:"invalidateExisting,omitempty"`
	SessionProfileID   string  `json:"sessionProfileId,omitempty"`
}

// StampLogin begins a session of p.PublicKey for whoever stamps, and returns its JWT, unverified.
func (c *Client) StampLogin(ctx context.Context, organizationID string, p LoginParams) (session string, err error) {
	return c.login(ctx, stampLogin(organizationID, p))
}

func stampLogin(organizationID string, p LoginParams) Activity {
	return Activity{"/public/v1/submit/stamp_login", "ACTIVITY_TYPE_STAMP_LOGIN", organizationID, p, "stampLoginResult"}
}

// OTPLoginParams are [LoginParams] with the proof that the contact is the person's.
type OTPLoginParams struct {
	VerificationToken string `json:"verificationToken"`
	LoginParams
	ClientSignature *ClientSignature `json:"clientSignature,omitempty"`
}

// ClientSignature is the proof that a request comes from the key that a verification token names.
type ClientSignature struct {
	PublicKey string `json:"publicKey"`
	Scheme    string `json:"scheme"`
	Message   string `json:"message"`
	Signature string `json:"signature"`
}

// OTPLogin begins a session by an encrypted code (OTP_LOGIN_V2), stamped by the parent, in the sub-organization
// organizationID, and returns its JWT. p.ClientSignature is required.
func (c *Client) OTPLogin(ctx context.Context, organizationID string, p OTPLoginParams) (session string, err error) {
	return c.login(ctx, Activity{"/public/v1/submit/otp_login", "ACTIVITY_TYPE_OTP_LOGIN_V2", organizationID, p, "otpLoginResult"})
}

// OTPLoginPlain does the same by a plain code (OTP_LOGIN). p.ClientSignature is required only if the token names a key.
func (c *Client) OTPLoginPlain(ctx context.Context, organizationID string, p OTPLoginParams) (session string, err error) {
	return c.login(ctx, Activity{"/public/v1/submit/otp_login", "ACTIVITY_TYPE_OTP_LOGIN", organizationID, p, "otpLoginResult"})
}

func (c *Client) login(ctx context.Context, a Activity) (string, error) {
	var out struct {
		Session string `json:"session"`
	}
	_, err := c.Submit(ctx, a, &out)
	return out.Session, err
}

// InitOTPParams asks for a code to be sent. Zero values leave the choice to the service: nine characters, letters
// among them, five minutes.
type InitOTPParams struct {
	OTPType           string  `json:"otpType"` // OTPEmail or OTPSMS
	Contact           string  `json:"contact"`
	AppName           string  `json:"appName"`
	OTPLength         int     `json:"otpLength,omitempty"` // 6 to 9
	Alphanumeric      *bool   `json:"alphanumeric,omitempty"`
	UserIdentifier    string  `json:"userIdentifier,omitempty"` // who is limited
	ExpirationSeconds Seconds `json:"expirationSeconds,omitzero"`

	EmailCustomization *EmailCustomization `json:"emailCustomization,omitempty"`
	SMSCustomization   *SMSCustomization   `json:"smsCustomization,omitempty"`
}

// The kinds of contact.
const (
	OTPEmail = "OTP_TYPE_EMAIL"
	OTPSMS   = "OTP_TYPE_SMS"
)

// InitOTPResult names the code that was sent. EncryptionTarget is the bundle to seal the answer to, empty for a plain
// code; it is to be verified before use.
type InitOTPResult struct {
	OTPID            string `json:"otpId"`
	EncryptionTarget string `json:"otpEncryptionTargetBundle"`
}

// InitOTP sends a code that is answered encrypted (INIT_OTP_V3).
func (c *Client) InitOTP(ctx context.Context, organizationID string, p InitOTPParams) (InitOTPResult, error) {
	var out InitOTPResult
	_, err := c.Submit(ctx, Activity{"/public/v1/submit/init_otp", "ACTIVITY_TYPE_INIT_OTP_V3", organizationID, p, "initOtpResultV2"}, &out)
	return out, err
}

// InitOTPPlain sends a code that is answered in clear (INIT_OTP_V2).
func (c *Client) InitOTPPlain(ctx context.Context, organizationID string, p InitOTPParams) (InitOTPResult, error) {
	var out InitOTPResult
	_, err := c.Submit(ctx, Activity{"/public/v1/submit/init_otp", "ACTIVITY_TYPE_INIT_OTP_V2", organizationID, p, "initOtpResult"}, &out)
	return out, err
}

// VerifyOTPParams answers with a code sealed to the target bundle. ExpirationSeconds is the life of the token.
type VerifyOTPParams struct {
	OTPID              string  `json:"otpId"`
	EncryptedOTPBundle string  `json:"encryptedOtpBundle"`
	ExpirationSeconds  Seconds `json:"expirationSeconds,omitzero"`
}

// VerifyOTP trades a sealed code for a verification token (VERIFY_OTP_V2), unverified.
func (c *Client) VerifyOTP(ctx context.Context, organizationID string, p VerifyOTPParams) (verificationToken string, err error) {
	return c.verify(ctx, Activity{"/public/v1/submit/verify_otp", "ACTIVITY_TYPE_VERIFY_OTP_V2", organizationID, p, "verifyOtpResult"})
}

// VerifyOTPPlainParams answers with a code in clear. PublicKey, if set, is the one key that may use the token.
type VerifyOTPPlainParams struct {
	OTPID             string  `json:"otpId"`
	OTPCode           string  `json:"otpCode"`
	PublicKey         string  `json:"publicKey,omitempty"`
	ExpirationSeconds Seconds `json:"expirationSeconds,omitzero"`
}

// VerifyOTPPlain trades a code in clear for a verification token (VERIFY_OTP), unverified.
func (c *Client) VerifyOTPPlain(ctx context.Context, organizationID string, p VerifyOTPPlainParams) (verificationToken string, err error) {
	return c.verify(ctx, Activity{"/public/v1/submit/verify_otp", "ACTIVITY_TYPE_VERIFY_OTP", organizationID, p, "verifyOtpResult"})
}

func (c *Client) verify(ctx context.Context, a Activity) (string, error) {
	var out struct {
		VerificationToken string `json:"verificationToken"`
	}
	_, err := c.Submit(ctx, a, &out)
	return out.VerificationToken, err
}
