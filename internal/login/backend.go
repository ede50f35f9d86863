package login

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/token"
)

const (
	replyMax       = 1 << 20          // bytes of an answer that are looked at
	replyPatience  = 30 * time.Second // for one answer, if the caller has no shorter limit
	retryAfterMost = time.Hour        // what a backend may ask us to wait
	tokenHeader    = "X-Latchkey-Token"
	idempotencyKey = "Idempotency-Key"
)

// Backend speaks to the log-in backend. It is safe for parallel use.
type Backend struct {
	URL   func() string // without a slash at the end
	Token func() string // what the embedded backend wants to hear; nil or "": nothing
	HTTP  *http.Client  // nil: one of our own. Redirects are not followed in any case

	mu      sync.Mutex
	skew    time.Duration
	offered offered
}

// Skew is how far the backend's clock was ahead of ours at its last answer, to the second; 0 when unknown. For whoever
// has not heard from the API yet.
func (b *Backend) Skew() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.skew
}

// initReply answers /otp/init.
type initReply struct {
	OTPID        string `json:"otpId"`
	Target       string `json:"otpEncryptionTargetBundle"`
	Length       int    `json:"otpLength"`
	Alphanumeric bool   `json:"otpAlphanumeric"`
	Seconds      int64  `json:"expiresInSeconds"`
	MaxTries     int    `json:"maxTries"`
}

// initOTP has a code sent to a contact of a kind, to be answered encrypted.
func (b *Backend) initOTP(ctx context.Context, kind, contact string) (initReply, error) {
	var reply initReply
	err := b.post(ctx, "/otp/init", struct {
		Type      string `json:"otpType"`
		Contact   string `json:"contact"`
		Encrypted bool   `json:"encrypted"`
	}{kind, contact, true}, "", &reply)
	if err == nil && (reply.OTPID == "" || reply.Target == "") {
		err = incomplete("/otp/init")
	}
	return reply, err
}

// verifyReply answers /otp/verify.
type verifyReply struct {
	Verification   string `json:"verificationToken"`
	OrganizationID string `json:"subOrganizationId"` // "" when nobody has proven this contact before
}

func (b *Backend) verifyOTP(ctx context.Context, otpID, sealed string) (verifyReply, error) {
	var reply verifyReply
	err := b.post(ctx, "/otp/verify", struct {
		OTPID  string `json:"otpId"`
		Sealed string `json:"encryptedOtpBundle"`
	}{otpID, sealed}, "", &reply)
	if err == nil && reply.Verification == "" {
		err = incomplete("/otp/verify")
	}
	return reply, err
}

// signUp makes an account for a proven contact and returns its organization. One key makes one account, however often
// it is sent.
func (b *Backend) signUp(ctx context.Context, key string, usage token.SignupUsage, verification string, by token.ClientSignature) (string, error) {
	var reply struct {
		OrganizationID string `json:"subOrganizationId"`
	}
	err := b.post(ctx, "/signup", struct {
		Email          string                `json:"userEmail,omitempty"`
		Phone          string                `json:"userPhoneNumber,omitempty"`
		APIKeys        []any                 `json:"apiKeys"`
		Authenticators []any                 `json:"authenticators"`
		OAuthProviders []any                 `json:"oauthProviders"`
		Verification   string                `json:"verificationToken"`
		Signature      token.ClientSignature `json:"clientSignature"`
	}{usage.Email, usage.PhoneNumber, []any{}, []any{}, []any{}, verification, by}, key, &reply)
	if err == nil && reply.OrganizationID == "" {
		err = incomplete("/signup")
	}
	return reply.OrganizationID, err
}

// logIn asks for a session of publicKey and returns its token.
func (b *Backend) logIn(ctx context.Context, verification, publicKey string, by token.ClientSignature, length time.Duration, invalidate bool) (string, error) {
	var reply struct {
		Session string `json:"session"`
	}
	err := b.post(ctx, "/otp-login", struct {
		Verification string                `json:"verificationToken"`
		PublicKey    string                `json:"publicKey"`
		Signature    token.ClientSignature `json:"clientSignature"`
		Seconds      string                `json:"expirationSeconds"`
		Invalidate   bool                  `json:"invalidateExisting,omitempty"`
	}{verification, publicKey, by, strconv.FormatInt(int64(length/time.Second), 10), invalidate}, "", &reply)
	if err == nil && reply.Session == "" {
		err = incomplete("/otp-login")
	}
	return reply.Session, err
}

func incomplete(path string) error {
	return fault.New(fault.BackendRefused, fmt.Errorf("%s: the answer lacks what it must hold", path))
}

// post sends in and reads the answer into out; see exchange.
func (b *Backend) post(ctx context.Context, path string, in any, idempotency string, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return b.exchange(ctx, http.MethodPost, path, body, idempotency, out)
}

// exchange sends a request and reads the answer into out. What keeps the answer from coming is fault.BackendDown; what the
// backend refuses keeps its reason.
func (b *Backend) exchange(ctx context.Context, method, path string, body []byte, idempotency string, out any) error {
	within, cancel := context.WithTimeout(ctx, replyPatience)
	defer cancel()
	q, err := http.NewRequestWithContext(within, method, b.URL()+path, bytes.NewReader(body))
	if err != nil {
		return fault.New(fault.BackendDown, err)
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Accept", "application/json")
	if idempotency != "" {
		q.Header.Set(idempotencyKey, idempotency)
	}
	if b.Token != nil && b.Token() != "" {
		q.Header.Set(tokenHeader, b.Token())
	}
	sent := time.Now()
	reply, err := b.client().Do(q)
	if err != nil {
		return unanswered(ctx, path, err)
	}
	defer reply.Body.Close()
	b.noteDate(reply.Header.Get("Date"), sent)
	text, err := io.ReadAll(io.LimitReader(reply.Body, replyMax+1))
	switch {
	case err != nil:
		return unanswered(ctx, path, err)
	case len(text) > replyMax:
		return fault.New(fault.BackendRefused, fmt.Errorf("%s: an answer of over %d bytes", path, replyMax))
	case reply.StatusCode != http.StatusOK:
		return refusal(path, reply, text)
	}
	if err := json.Unmarshal(text, out); err != nil { // never the cause, which may quote the text
		return fault.New(fault.BackendRefused, fmt.Errorf("%s: the answer is not the JSON that was expected", path))
	}
	return nil
}

// client returns HTTP without following redirects: a code or a token goes to the address that the profile names.
func (b *Backend) client() *http.Client {
	c := cmp.Or(b.HTTP, http.DefaultClient)
	return &http.Client{
		Transport: c.Transport, Timeout: c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (b *Backend) noteDate(header string, sent time.Time) {
	date, err := http.ParseTime(header)
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.skew = date.Sub(sent.Round(0)).Truncate(time.Second)
}

// unanswered gives the failure of a request its code. Whether it arrived is unknown.
func unanswered(ctx context.Context, path string, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fault.New(fault.Cancel, ctx.Err())
	}
	return fault.New(fault.BackendDown, fmt.Errorf("%s: %w", path, err))
}

// told lists the reasons that are believed when a backend names them. It has no say about our keychain or disk.
var told = []fault.Code{
	fault.ContactInvalid, fault.PhoneInvalid, fault.OTPWrong, fault.OTPExpired, fault.OTPLocked, fault.OTPLimited, fault.AccountUnknown,
	fault.LoginRefused, fault.SignUpRefused, fault.GenerationMix, fault.BackendDown, fault.BackendRefused,
	fault.BackendBusy, fault.APIDown, fault.APIRefused, fault.APILimited, fault.RequestInvalid, fault.ClockWrong,
	fault.TokenInvalid, fault.TokenMalformed, fault.TokenForeign, fault.TokenExpired, fault.BundleInvalid,
	fault.BrowserLate, fault.ActivityFailed, fault.ActivityLate, fault.ActivityPending, fault.ActivityRejected,
}

// refusal turns an answer that is not 200 into a fault: by its reason, else by its status.
func refusal(path string, reply *http.Response, text []byte) error {
	var why struct {
		Message    string     `json:"message"`
		Error      string     `json:"error"`
		Reason     fault.Code `json:"reason"`
		TriesLeft  *int       `json:"triesLeft"`
		RetryAfter float64    `json:"retryAfterSeconds"`
	}
	_ = json.Unmarshal(text, &why) // an answer from something that is not our backend says nothing
	code := why.Reason
	if !slices.Contains(told, code) {
		switch {
		case reply.StatusCode == http.StatusTooManyRequests:
			code = fault.BackendBusy
		case reply.StatusCode >= 500:
			code = fault.BackendDown
		default:
			code = fault.BackendRefused
		}
	}
	e := &fault.Error{Kind: code.Kind(), Code: code}
	e.Err = fmt.Errorf("%s: HTTP %d %q", path, reply.StatusCode, clip(cmp.Or(why.Message, why.Error)))
	switch {
	case why.TriesLeft != nil && *why.TriesLeft >= 0:
		e.TriesLeft = *why.TriesLeft
	case code == fault.OTPWrong:
		e.TriesLeft = untold
	}
	seconds := why.RetryAfter
	if header, err := strconv.ParseFloat(reply.Header.Get("Retry-After"), 64); seconds == 0 && err == nil {
		seconds = header
	}
	if e.Kind == fault.Limited && seconds > 0 {
		e.RetryAfter = time.Duration(min(seconds, retryAfterMost.Seconds()) * float64(time.Second))
	}
	return e
}

// untold stands for a number of tries that a backend kept to itself. It goes no further than this package.
const untold = -1

// clip keeps a backend's sentence short.
func clip(s string) string {
	const most = 200
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
