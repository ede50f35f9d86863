// Package sessiontest holds small stand-ins for tests of session and login: a service that knows keys and issues
// session tokens, in this process or over HTTP, and a key store in a folder that outlives the process.
//
// It is imported by tests alone, and does not import session, whose own tests use it.
package sessiontest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/p256"
	"latchkey/internal/token"
)

// Ids that tests use.
const (
	Organization = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
	User         = "99999999-8888-4777-8666-555555555555"
	Parent       = "11111111-2222-4333-8444-555555555555"
)

// What a key may ask for.
const (
	OpLogin      = "login" // stands for a log-in that the backend vouches for: no key stamps it
	OpStamp      = "stamp_login"
	OpStampAlone = "stamp_login, invalidateExisting" // and every other key of the organization is forgotten
	OpRevoke     = "delete_api_keys"
	OpWhoami     = "whoami"
)

// Request is one request, stamped by By unless it is a log-in.
type Request struct {
	Op             string
	OrganizationID string
	PublicKey      string // the new key, or the one to forget
	Seconds        int64
	By             string
	Signature      []byte
}

// Reply is its answer.
type Reply struct {
	JWT  string
	Code fault.Code // "" when it was done
}

// Key is one key that the service knows.
type Key struct {
	PublicKey      string
	OrganizationID string
	Expires        time.Time
}

// Vendor is the service. It is safe for parallel use.
type Vendor struct {
	Notarizer *ecdsa.PrivateKey
	Now       func() time.Time

	// Says is what tokens say of the rights of a session; a zero SessionType is read and write.
	Says token.Session

	// Before may fail a request before it has any effect; After, when it had its effect, so that the answer is lost.
	Before, After Hook

	mu     sync.Mutex
	keys   map[string]Key
	counts map[string]int
	most   int // live keys at one time
}

// Hook is a function that a test sets and changes while the service runs. It returns nil or what the client gets.
type Hook struct {
	f atomic.Pointer[func(Request) error]
}

// Set makes f the hook; nil makes it none.
func (h *Hook) Set(f func(Request) error) {
	if f == nil {
		h.f.Store(nil)
		return
	}
	h.f.Store(&f)
}

func (h *Hook) call(q Request) error {
	if f := h.f.Load(); f != nil {
		return (*f)(q)
	}
	return nil
}

// NewVendor returns a service with a notarizer of its own.
func NewVendor(now func() time.Time) *Vendor {
	return &Vendor{Notarizer: p256.Generate(), Now: now, keys: map[string]Key{}, counts: map[string]int{}}
}

// Count returns how often op was done.
func (v *Vendor) Count(op string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.counts[op]
}

// Most returns how many keys were alive at one time, at most.
func (v *Vendor) Most() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.most
}

// Live returns the keys that the service accepts now.
func (v *Vendor) Live() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var live []string
	for _, k := range v.keys {
		if v.Now().Before(k.Expires) {
			live = append(live, k.PublicKey)
		}
	}
	slices.Sort(live)
	return live
}

// Knows returns what the service knows of a key.
func (v *Vendor) Knows(publicKey string) (Key, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k, ok := v.keys[publicKey]
	return k, ok && v.Now().Before(k.Expires)
}

// Forget makes the service forget a key, as somebody else's doing.
func (v *Vendor) Forget(publicKey string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.keys, publicKey)
}

// Do does one request.
func (v *Vendor) Do(q Request) (Reply, error) {
	if err := v.Before.call(q); err != nil {
		return Reply{}, err
	}
	reply := v.do(q)
	if err := v.After.call(q); err != nil {
		return Reply{}, err
	}
	return reply, nil
}

func (v *Vendor) do(q Request) Reply {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.Now()
	if q.Op != OpLogin {
		by, ok := v.keys[q.By]
		switch {
		case !ok:
			return Reply{Code: fault.SessionRejected}
		case !now.Before(by.Expires):
			return Reply{Code: fault.SessionExpired}
		case !q.signed():
			return Reply{Code: fault.StampInvalid}
		case q.OrganizationID != by.OrganizationID:
			return Reply{Code: fault.APIRefused}
		}
	}
	v.counts[q.Op]++
	switch q.Op {
	case OpRevoke:
		if _, ok := v.keys[q.PublicKey]; !ok {
			return Reply{Code: fault.KeyMissing}
		}
		delete(v.keys, q.PublicKey)
	case OpLogin, OpStamp, OpStampAlone:
		if q.Op == OpStampAlone {
			maps.DeleteFunc(v.keys, func(_ string, k Key) bool { return k.OrganizationID == q.OrganizationID })
		}
		k := Key{q.PublicKey, q.OrganizationID, now.Add(time.Duration(q.Seconds) * time.Second).Truncate(time.Second)}
		v.keys[q.PublicKey] = k
		v.most = max(v.most, v.alive(now))
		jwt, err := token.IssueSession(v.Notarizer, token.Session{
			PublicKey: q.PublicKey, SessionType: cmp.Or(v.Says.SessionType, "SESSION_TYPE_READ_WRITE"), UserID: User,
			SessionProfileID: v.Says.SessionProfileID, Scope: v.Says.Scope,
			OrganizationID: q.OrganizationID, Expires: k.Expires,
		})
		if err != nil {
			return Reply{Code: fault.RequestInvalid}
		}
		return Reply{JWT: jwt}
	}
	return Reply{}
}

func (v *Vendor) alive(now time.Time) int {
	n := 0
	for _, k := range v.keys {
		if now.Before(k.Expires) {
			n++
		}
	}
	return n
}

func (q Request) digest() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%d", q.Op, q.OrganizationID, q.PublicKey, q.Seconds))
	return sum[:]
}

func (q Request) signed() bool {
	pub, err := p256.ParsePublic(q.By)
	return err == nil && ecdsa.VerifyASN1(pub, q.digest(), q.Signature)
}

// ServeHTTP does the request that the body holds.
func (v *Vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q Request
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		http.Error(w, "bad", http.StatusBadRequest)
		return
	}
	reply, err := v.Do(q)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	_ = json.NewEncoder(w).Encode(reply)
}

// Client speaks to a Vendor: at URL, or, when that is "", directly.
type Client struct {
	Vendor *Vendor
	URL    string
	HTTP   *http.Client // nil: http.DefaultClient
}

// Do stamps q with by, unless that is nil, and sends it. What keeps the answer away is fault.APIDown.
func (c Client) Do(ctx context.Context, by keystore.Signer, q Request) (Reply, error) {
	if by != nil {
		signature, err := by.Sign(ctx, q.digest())
		if err != nil {
			return Reply{}, err
		}
		q.By, q.Signature = by.PublicKey(), signature
	}
	reply, err := c.send(ctx, q)
	switch {
	case err != nil:
		return Reply{}, err
	case reply.Code != "":
		return Reply{}, fault.New(reply.Code, nil)
	}
	return reply, nil
}

func (c Client) send(ctx context.Context, q Request) (Reply, error) {
	if c.URL == "" {
		reply, err := c.Vendor.Do(q)
		if err == nil && ctx.Err() != nil {
			err = fault.New(fault.APIDown, ctx.Err())
		}
		return reply, err
	}
	body, err := json.Marshal(q)
	if err != nil {
		return Reply{}, err
	}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return Reply{}, err
	}
	answer, err := cmp.Or(c.HTTP, http.DefaultClient).Do(post)
	if err != nil {
		return Reply{}, fault.New(fault.APIDown, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusTooManyRequests {
		return Reply{}, &fault.Error{Kind: fault.Limited, Code: fault.APILimited, RetryAfter: time.Second}
	}
	if answer.StatusCode != http.StatusOK {
		return Reply{}, fault.New(fault.APIDown, errors.New(answer.Status))
	}
	var reply Reply
	if err := json.NewDecoder(answer.Body).Decode(&reply); err != nil {
		return Reply{}, fault.New(fault.APIDown, err)
	}
	return reply, nil
}

// Canary returns a text that nothing but a secret holds.
func Canary(name string) string {
	sum := sha256.Sum256([]byte("canary " + name))
	return "CANARY" + hex.EncodeToString(sum[:8])
}
