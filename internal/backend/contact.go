package backend

import (
	"net/mail"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/turnkey"
)

// contactOf reads an e-mail address or a phone number. kind may be empty, and is then read from the contact. Errors:
// fault.ContactInvalid, fault.RequestInvalid.
func contactOf(contact, kind string) (string, string, error) {
	contact = strings.TrimSpace(contact)
	read := turnkey.OTPSMS
	if strings.Contains(contact, "@") {
		read = turnkey.OTPEmail
	}
	if kind == "" {
		kind = read
	}
	switch {
	case kind != turnkey.OTPEmail && kind != turnkey.OTPSMS:
		return "", "", bad("otpType: want %s or %s", turnkey.OTPEmail, turnkey.OTPSMS)
	case kind != read:
		return "", "", fault.New(fault.ContactInvalid, show("the contact is not of the type otpType"))
	case kind == turnkey.OTPEmail:
		return contact, kind, checkEmail(contact)
	default:
		phone, err := phoneNumber(contact)
		return phone, kind, err
	}
}

// checkEmail refuses what is not a bare address of at most 254 bytes (RFC 5321, section 4.5.3.1).
func checkEmail(email string) error {
	a, err := mail.ParseAddress(email)
	at := strings.LastIndexByte(email, '@')
	if err != nil || len(email) > 254 || a.Name != "" || a.Address != email || at < 1 || at > 64 || strings.ContainsAny(email, " \"<>()[],;:\\\r\n\t") {
		return fault.New(fault.ContactInvalid, show("want an e-mail address"))
	}
	return nil
}

// phoneNumber returns a number in E.164, without the signs that people put between the digits.
func phoneNumber(text string) (string, error) {
	digits := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "").Replace(text)
	rest, ok := strings.CutPrefix(digits, "+")
	if !ok || len(rest) < 7 || len(rest) > 15 || rest[0] == '0' || strings.Trim(rest, "0123456789") != "" {
		return "", fault.New(fault.ContactInvalid, show("want an e-mail address, or a phone number with + and its country"))
	}
	return digits, nil
}

// sameContact is equal for two spellings of one contact.
func sameContact(contact string) string { return strings.ToLower(strings.TrimSpace(contact)) }

// filterFor is the look-up filter of a type of code.
func filterFor(otpType string) string {
	if otpType == turnkey.OTPSMS {
		return "PHONE_NUMBER"
	}
	return "EMAIL"
}

// isKey reports whether s is a public key as sessions have it: compressed P-256 in lower-case hex. Whether it is a
// point of the curve is for the service to say.
func isKey(s string) bool {
	return len(s) == 66 && s[0] == '0' && (s[1] == '2' || s[1] == '3') && strings.Trim(s, "0123456789abcdef") == ""
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		switch hyphen := i == 8 || i == 13 || i == 18 || i == 23; {
		case hyphen != (c == '-'):
			return false
		case !hyphen && !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)):
			return false
		}
	}
	return true
}
