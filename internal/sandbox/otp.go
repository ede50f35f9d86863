package sandbox

import (
	"crypto/sha256"
	"fmt"
	"net/mail"
	"regexp"
	"strings"

	"latchkey/internal/bundle"
)

// Kinds of contact.
const (
	otpEmail = "OTP_TYPE_EMAIL"
	otpSMS   = "OTP_TYPE_SMS"
)

// Contacts that the service keeps for tests. Their code is all zeros.
const (
	testEmail = "user@example.com"
	testPhone = "+19999999999"
)

// The alphabet of alphanumeric codes: Crockford's base 32, as the API's schema says.
const otpAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

var phoneForm = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`) // E.164

// emailCustomization is how an e-mail looks. Of it the inbox shows the app's name and the link.
type emailCustomization struct {
	AppName           string `json:"appName,omitempty"` // version 1 only
	LogoURL           string `json:"logoUrl,omitempty"`
	MagicLinkTemplate string `json:"magicLinkTemplate,omitempty"`
	TemplateVariables string `json:"templateVariables,omitempty"`
	TemplateID        string `json:"templateId,omitempty"`
}

// smsTemplate is the text of a message, with {{.OtpCode}} in it.
type smsTemplate struct {
	Template string `json:"template,omitempty"`
}

// initOTP sends a code. The three versions differ in the field of the app's name and in what they answer.
type initOTP struct {
	OTPType            string              `json:"otpType" need:"text"`
	Contact            string              `json:"contact" need:"text"`
	OTPLength          *integer            `json:"otpLength,omitempty"`
	EmailCustomization *emailCustomization `json:"emailCustomization,omitempty"`
	SMSCustomization   *smsTemplate        `json:"smsCustomization,omitempty"`
	UserIdentifier     string              `json:"userIdentifier,omitempty"`
	Alphanumeric       *bool               `json:"alphanumeric,omitempty"`
	ExpirationSeconds  numeral             `json:"expirationSeconds,omitempty"`
	sender
	nobody
}

// initOTPNamed are versions 2 and 3, which want the app's name.
type initOTPNamed struct {
	AppName string `json:"appName" need:"text"`
	initOTP
}

// complete leaves out the place that the app's name had in version 1.
func (in *initOTPNamed) complete() error {
	if in.EmailCustomization != nil {
		in.EmailCustomization.AppName = ""
	}
	return nil
}

type initOTPEncrypted struct{ initOTPNamed }

// sentOTP is the answer to versions 1 and 2; version 3 has the target besides.
type sentOTP struct {
	OTPID  string `json:"otpId"`
	Target string `json:"otpEncryptionTargetBundle,omitempty"`
}

func (in *initOTP) run(t *tx) (any, error) {
	return in.send(t, in.EmailCustomization.app(), codePlain)
}

func (in *initOTPNamed) run(t *tx) (any, error)     { return in.send(t, in.AppName, codePlain) }
func (in *initOTPEncrypted) run(t *tx) (any, error) { return in.send(t, in.AppName, codeSealed) }

// What a code is good for.
const (
	codePlain  = iota // verify_otp
	codeSealed        // verify_otp, sealed to a target
	codeForKey        // otp_auth
)

// length is how long the code is.
func (in *initOTP) length() int {
	if in.OTPLength == nil {
		return 9
	}
	return int(*in.OTPLength)
}

func (in *initOTP) send(t *tx, app string, purpose int) (any, error) {
	for _, err := range []error{checkContact(in.OTPType, in.Contact), in.EmailCustomization.check(), in.check()} {
		if err != nil {
			return nil, err
		}
	}
	if long(app) || in.SMSCustomization != nil && long(in.SMSCustomization.Template) {
		return nil, longText()
	}
	length := in.length()
	if length < 6 || length > 9 {
		return nil, invalid("invalid otp length: must be between 6 and 9")
	}
	life, ok := seconds(in.ExpirationSeconds, otpDefault)
	if !ok || life > otpMost {
		return nil, invalid("invalid otp expiration: must be between 1 and %d seconds", otpMost)
	}
	o := &otp{id: t.id(), org: t.org, kind: in.OTPType, contact: in.Contact, forKey: purpose == codeForKey, created: t.now, expires: t.now + life*1000}
	if in.UserIdentifier != "" {
		o.bucket = print(sha256.Sum256([]byte(in.UserIdentifier))).String() // as short as any
	}
	known := &t.state.otps
	if known.liveFor(o.key(), t.now) >= liveMax {
		return nil, tooManyOTPs()
	}
	if o.bucket != "" && known.sentFor(contactKey{t.org.id, o.bucket}, t.now) >= sendsMax {
		return nil, tooManyOTPs()
	}
	o.code = t.state.choices.code(in.Contact, length, in.Alphanumeric == nil || *in.Alphanumeric)
	sent := sentOTP{OTPID: o.id.String()}
	if purpose == codeSealed {
		o.target = t.state.choices.key()
		var err error
		if sent.Target, err = bundle.NewOTPTarget(t.state.enclave.fetcher, o.target.PublicKey(), t.org.id.String()); err != nil {
			return nil, err
		}
	}
	for _, old := range known.stale(t.now) {
		t.stage(overOTP{old})
	}
	t.stage(o)
	in.deliver(t, o, app)
	return sent, nil
}

// deliver sends the code.
func (in *initOTP) deliver(t *tx, o *otp, app string) {
	m := &message{To: o.contact, From: in.SendFromEmailAddress, Channel: "email", Kind: "otp", Subject: "Your code for " + app,
		Text: fmt.Sprintf("Your code for %s is %s. It is valid until %s.", app, o.code, isoTime(o.expires)),
		Code: o.code, Link: in.EmailCustomization.link(o.code), OTPID: o.id.String(), OrganizationID: o.org.id.String()}
	if m.Link != "" {
		m.Kind = "magic_link"
	}
	if o.kind == otpSMS {
		m.Channel, m.Kind, m.Subject, m.From, m.Link = "sms", "otp", "", "", ""
		if sms := in.SMSCustomization; sms != nil && sms.Template != "" {
			m.Text = strings.ReplaceAll(sms.Template, "{{.OtpCode}}", o.code)
		}
	}
	t.send(m)
}

// code makes a code for contact.
func (c *choices) code(contact string, length int, alphanumeric bool) string {
	if sameEmail(contact) == testEmail || contact == testPhone {
		return strings.Repeat("0", length)
	}
	alphabet := otpAlphabet
	if !alphanumeric {
		alphabet = otpAlphabet[:10]
	}
	code := make([]byte, length)
	for i := range code {
		code[i] = alphabet[c.below(len(alphabet))]
	}
	return string(code)
}

func checkContact(kind, contact string) error {
	switch kind {
	case otpEmail:
		return checkEmail(contact)
	case otpSMS:
		return checkPhone(contact)
	}
	return invalid("invalid otp type: must be %s or %s", otpEmail, otpSMS)
}

func checkEmail(email string) error {
	if len(email) > 254 {
		return badContact()
	}
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email || parsed.Name != "" || strings.ContainsAny(email, " \t\r\n<>") {
		return badContact()
	}
	return nil
}

func checkPhone(phone string) error {
	if !phoneForm.MatchString(phone) {
		return invalid("invalid phone number: must be in E.164 format")
	}
	return nil
}

// seconds reads an expirationSeconds; absent, it is def.
func seconds(n numeral, def int64) (int64, bool) {
	if n == "" {
		return def, true
	}
	v, ok := n.int64()
	return v, ok && v > 0 && v <= lifeMax
}

// lifeMax bounds what is asked for in seconds, at a hundred years, so that no time overflows.
const lifeMax = 100 * 366 * 24 * 3600
