package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"iter"
	"strconv"

	"github.com/google/uuid"
)

// createReadOnlySession gives whoever asks a token that reads in their name without a stamp.
type createReadOnlySession struct{ nobody }

const readOnlyLife = 3600 // seconds, as the service's description says

func (in *createReadOnlySession) run(t *tx) (any, error) {
	s := readOnlySession{org: t.user.org.id, user: t.user.id, expires: t.now/1000 + readOnlyLife}
	return struct {
		OrganizationID   string `json:"organizationId"`
		OrganizationName string `json:"organizationName"`
		UserID           string `json:"userId"`
		Username         string `json:"username"`
		Session          string `json:"session"`
		SessionExpiry    string `json:"sessionExpiry"`
	}{t.user.org.id.String(), t.user.org.name, t.user.id.String(), t.user.name, s.seal(t.state.enclave), strconv.FormatInt(s.expires, 10)}, nil
}

// readOnlySession is what such a token says. Nothing of it is kept: the enclave knows its own seal.
type readOnlySession struct {
	org, user uuid.UUID
	expires   int64 // Unix seconds
	sum       []byte
}

const readOnlySize = 16 + 16 + 8

func (s *readOnlySession) payload() []byte {
	return binary.BigEndian.AppendUint64(append(s.org[:len(s.org):len(s.org)], s.user[:]...), uint64(s.expires))
}

func (s *readOnlySession) tag(e *enclave) []byte {
	mac := hmac.New(sha256.New, derive(e.seed, "read-only sessions", 32))
	mac.Write(s.payload())
	return mac.Sum(nil)
}

// seal returns the token, which is opaque to clients.
func (s *readOnlySession) seal(e *enclave) string {
	return base64.RawURLEncoding.EncodeToString(append(s.payload(), s.tag(e)...))
}

// readReadOnlySession takes the header X-Session for what it is worth, which is nothing in submissions.
func (c *call) readReadOnlySession(submit bool) (presented, error) {
	values := c.header.Values(headerSession)
	if submit {
		return nil, noStamp(submit)
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(values[0])
	if err != nil || len(values) > 1 || len(raw) != readOnlySize+sha256.Size {
		return nil, badReadOnlySession()
	}
	c.seen.Stamp = map[string]string{"header": headerSession}
	return &readOnlySession{org: uuid.UUID(raw[:16]), user: uuid.UUID(raw[16:32]),
		expires: int64(binary.BigEndian.Uint64(raw[32:])), sum: raw[readOnlySize:]}, nil
}

func (s *readOnlySession) users(st *state) iter.Seq[*user] {
	return func(yield func(*user) bool) {
		if org := st.orgs[s.org]; org != nil {
			if u := org.user(s.user); u != nil {
				yield(u)
			}
		}
	}
}

func (*readOnlySession) of(*user) (used, bool) { // of the one that users names
	return used{token: true, method: "AUTHENTICATION_TYPE_SESSION"}, true
}

func (s *readOnlySession) check(c *call, _ used) error {
	switch {
	case !hmac.Equal(s.sum, s.tag(c.state.enclave)):
		return badReadOnlySession()
	case c.now/1000 >= s.expires:
		return endedReadOnlySession(isoTime(s.expires * 1000))
	}
	return nil
}

func (*readOnlySession) vote() (publicKey, signature, scheme string) { return "", "", "" }
func (*readOnlySession) unknown(string) *refusal                     { return badReadOnlySession() }
func (*readOnlySession) shared(string) *refusal                      { return badReadOnlySession() }
