package turnkey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/stamp"
)

const (
	// callLimit ends a call, resending included, from the stamp on.
	callLimit = 30 * time.Second
	// answerLimit is the most that is read of an answer: a hundred users with all their keys are below 1 MB.
	answerLimit = 16 << 20
	// A request whose answer was lost is sent again this often, after 100, 200 and 400 ms.
	resends    = 3
	resendBase = 100 * time.Millisecond
)

// Client calls Turnkey's API. BaseURL and Stamper are required, the rest has a useful zero value. A Client is safe
// for parallel use once it is set up, and must not be copied.
type Client struct {
	BaseURL func() string // "https://api.turnkey.com"; asked at every call, since a sandbox may move
	Stamper stamp.Stamper
	HTTP    *http.Client     // nil: the default one. Its redirect rule is not used: redirects are refused
	Now     func() time.Time // nil: time.Now
	Poll    Poll

	// Before sees the exact bytes before they are stamped, and refuses them by an error, which the caller gets as
	// it is. It may take its time, and its verdict goes to After. After is told of every request, a refused one too,
	// once it is over. Both are given copies.
	Before func(ctx context.Context, r Request) (verdict string, err error)
	After  func(ctx context.Context, e Exchange)

	mu        sync.Mutex
	lastStamp int64         // the newest timestampMs given out
	skew      time.Duration // service minus local
}

// Request is what is about to be stamped.
type Request struct {
	Path string // "/public/v1/submit/create_wallet"
	Body []byte
}

// Exchange is a request that is over: what was stamped, how, and what came back. Stamp is empty when the request was
// refused before it was stamped, Status is 0 when no answer came.
type Exchange struct {
	Path     string
	Body     []byte
	Verdict  string // of Before
	Stamp    stamp.Stamp
	Tries    int // how often the bytes were sent
	Status   int // HTTP status of the last answer
	Response []byte
	Started  time.Time
	Duration time.Duration
	Err      error
}

// Post stamps body and sends exactly those bytes to path, and returns the answer's bytes. A request whose answer was
// lost (a network error, or a status from 500) is sent again, byte for byte: Turnkey knows an activity by the
// fingerprint of its body and does not do it twice. Sending ends with ctx, and after 30 s at the latest.
//
// Errors: those of Before and of the Stamper as they are; else a code of package fault, around a [VendorError] where
// the service answered: Unavailable when it cannot be reached, Limited with RetryAfter when it asks to wait, Expired
// when it no longer accepts the stamping key, Denied and Invalid as it says.
func (c *Client) Post(ctx context.Context, path string, body []byte) ([]byte, error) {
	body = bytes.Clone(body)
	x := Exchange{Path: path, Body: body, Started: c.now()}
	err := c.exchange(ctx, &x)
	if c.After != nil {
		told := x
		told.Body, told.Response = bytes.Clone(x.Body), bytes.Clone(x.Response)
		told.Duration, told.Err = c.now().Sub(x.Started), err
		c.After(context.WithoutCancel(ctx), told)
	}
	if err != nil {
		return nil, fmt.Errorf("post %s: %w", path, err)
	}
	return x.Response, nil
}

type stamperKey struct{}

// StampedBy returns a context whose requests are stamped by s in place of the Client's Stamper.
func StampedBy(ctx context.Context, s stamp.Stamper) context.Context {
	return context.WithValue(ctx, stamperKey{}, s)
}

func (c *Client) stamper(ctx context.Context) stamp.Stamper {
	if s, ok := ctx.Value(stamperKey{}).(stamp.Stamper); ok {
		return s
	}
	return c.Stamper
}

// exchange runs x to its end, and leaves in it whatever came back.
func (c *Client) exchange(ctx context.Context, x *Exchange) error {
	base := strings.TrimRight(c.BaseURL(), "/")
	if base == "" {
		return fault.New(fault.ProfileBad, errors.New("the API has no address"))
	}
	if c.Before != nil {
		var err error
		if x.Verdict, err = c.Before(ctx, Request{Path: x.Path, Body: bytes.Clone(x.Body)}); err != nil {
			return err
		}
	}
	s, err := c.stamper(ctx).Stamp(ctx, x.Body)
	if err != nil {
		return err
	}
	x.Stamp = *s
	// From here on, since an approval or a keychain may take longer than the network. The caller's own limit may be
	// for a person, and a service that keeps silent must not use it up.
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	for wait := resendBase; ; wait *= 2 {
		x.Tries++
		again, err := c.send(ctx, base, x)
		switch {
		case err == nil || !again:
			return err
		case x.Tries <= resends && sleep(ctx, wait):
		case errors.Is(ctx.Err(), context.Canceled): // the caller turned away
			return fault.New(fault.Cancel, context.Canceled)
		default:
			return err
		}
	}
}

// send makes one try, and reports whether another one makes sense.
func (c *Client) send(ctx context.Context, base string, x *Exchange) (again bool, err error) {
	x.Status, x.Response = 0, nil
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+x.Path, bytes.NewReader(x.Body))
	if err != nil {
		return false, fault.New(fault.ProfileBad, fmt.Errorf("the API's address cannot be used: %w", err))
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Client-Version", "latchkey")
	req.Header.Set(x.Stamp.HeaderName, x.Stamp.HeaderValue)
	sent := c.now()
	resp, err := c.http().Do(req)
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return false, err // refused on our side, before it was sent
	}
	if err != nil {
		return true, fault.New(fault.APIDown, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit+1))
	if err != nil {
		return true, fault.New(fault.APIDown, fmt.Errorf("read the answer: %w", err))
	}
	x.Status = resp.StatusCode
	if len(answer) > answerLimit {
		return false, fault.New(fault.APIDown, fmt.Errorf("the answer is over %d bytes", answerLimit))
	}
	x.Response = answer
	if resp.StatusCode == http.StatusOK && json.Valid(answer) {
		c.heard(sent, c.now(), resp.Header.Get("Date"))
		return false, nil
	}
	refusal := parseVendorError(resp.StatusCode, answer)
	if refusal.spoken() {
		c.heard(sent, c.now(), resp.Header.Get("Date"))
	}
	return resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented, refusal.fault(retryAfter(resp.Header.Get("Retry-After"), c.now()))
}

// http returns a client that follows no redirect: a stamp is for one path of one host.
func (c *Client) http() *http.Client {
	h := http.Client{}
	if c.HTTP != nil {
		h = *c.HTTP
	}
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &h
}

// Query asks path with body, encoded as JSON, and decodes the answer into out.
func (c *Client) Query(ctx context.Context, path string, body, out any) error {
	raw, err := encode(body)
	if err != nil {
		return err
	}
	answer, err := c.Post(ctx, path, raw)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fault.New(fault.APIDown, fmt.Errorf("the answer of %s is not of its kind: %w", path, err))
	}
	return nil
}

// encode writes v as compact JSON and leaves <, > and & as they are, so that a person can read what is stamped.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fault.New(fault.RequestInvalid, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// sleep waits for d, and reports whether ctx was still good at the end.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// retryAfter reads the header in both its forms, seconds and date. 0 means that it says nothing.
func retryAfter(value string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
