package login

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/turnkey"
)

// The ways in as a backend's configuration spells them, beside the names of the providers.
const (
	ByEmail   = "email" // a code or a key by e-mail
	BySMS     = "sms"
	ByPasskey = "passkey"
	ByWallet  = "wallet"
)

const (
	offersLife = time.Minute     // for which an answer is believed
	resendMost = 5 * time.Minute // what a backend may have a person wait for another code
	lengthMost = 9               // characters of a code that the service sends
)

// Offers is what the backend says that it offers. One that says nothing, as the servers of other kits do, is taken to offer
// everything.
type Offers struct {
	Said            bool     // by the backend itself
	Methods         []string // ByEmail, …, or a provider's name; nil is all
	OTPLength       int
	OTPAlphanumeric bool
	ResendAfter     time.Duration // between two codes
	SessionLength   time.Duration // of a session that asks for none; 0 is unknown
	CaptchaSiteKey  string        // of pages that send a code or sign up
}

// Allows reports whether a way in is offered.
func (o Offers) Allows(method string) bool {
	return o.Methods == nil || slices.Contains(o.Methods, method)
}

// offered is an answer that is still believed.
type offered struct {
	Offers
	by    string // the backend's address
	until time.Time
}

// Offers asks the backend what it offers, at most once a minute. Errors: fault.BackendDown, fault.Cancel.
func (d *Desk) Offers(ctx context.Context) (Offers, error) { return d.Backend.offers(ctx) }

// offering is Offers for a way in, which it refuses with fault.WayClosed where it is not offered.
func (d *Desk) offering(ctx context.Context, method string) (Offers, error) {
	o, err := d.Offers(ctx)
	if err == nil && !o.Allows(method) {
		err = fault.New(fault.WayClosed, fmt.Errorf("the backend does not allow log-ins by %s", method))
	}
	return o, err
}

// methodOf is the way in of a kind of code.
func methodOf(kind string) string {
	if kind == turnkey.OTPSMS {
		return BySMS
	}
	return ByEmail
}

func (b *Backend) offers(ctx context.Context) (Offers, error) {
	by := b.URL()
	b.mu.Lock()
	known := b.offered
	b.mu.Unlock()
	if known.by == by && time.Now().Before(known.until) {
		return known.Offers, nil
	}
	var reply struct {
		Methods        []string `json:"methods"`
		Length         int      `json:"otpLength"`
		Alphanumeric   bool     `json:"otpAlphanumeric"`
		Resend         int64    `json:"otpResendAfterSeconds"`
		Session        int64    `json:"sessionExpirationSeconds"`
		CaptchaSiteKey string   `json:"turnstileSiteKey"`
	}
	o := Offers{OTPLength: defaultLength, ResendAfter: resendPause}
	err := b.exchange(ctx, http.MethodGet, "/config", nil, "", &reply)
	switch code := fault.CodeOf(err); {
	case err == nil && reply.Methods != nil:
		o.Said, o.Methods, o.CaptchaSiteKey = true, reply.Methods, reply.CaptchaSiteKey
		if reply.Length > 0 && reply.Length <= lengthMost {
			o.OTPLength, o.OTPAlphanumeric = reply.Length, reply.Alphanumeric
		}
		if wait := time.Duration(reply.Resend) * time.Second; wait > 0 && wait <= resendMost {
			o.ResendAfter = wait
		}
		o.SessionLength = time.Duration(max(0, reply.Session)) * time.Second
	case code == fault.BackendDown, code == fault.Cancel:
		return Offers{}, fmt.Errorf("ask what is offered: %w", err)
	} // whatever else answers knows no such route
	b.mu.Lock()
	defer b.mu.Unlock()
	b.offered = offered{o, by, time.Now().Add(offersLife)}
	return o, nil
}
