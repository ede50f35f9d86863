package sandbox

import (
	"crypto/ecdh"
	"encoding/json"
	"errors"
	"slices"

	"github.com/google/uuid"
)

// otp is one code that was sent. It is replaced when a guess is counted and when it is used.
type otp struct {
	id       uuid.UUID
	org      *organization // who asked
	kind     string        // OTP_TYPE_EMAIL or OTP_TYPE_SMS
	contact  string
	code     string
	target   *ecdh.PrivateKey // of the encrypted generation; nil for the plain one
	forKey   bool             // good for otp_auth alone
	bucket   string           // userIdentifier, "" for none
	created  int64
	expires  int64
	wrong    int
	finished bool // used
}

const (
	triesMax   = 3          // wrong guesses that lock a code
	liveMax    = 3          // codes of one contact that are valid at once
	sendsMax   = 3          // codes of one userIdentifier within sendsSpan
	sendsSpan  = 3 * 60_000 // ms
	otpGrace   = 5 * 60_000 // ms that an expired code is remembered, to say so
	otpDefault = 300        // seconds
	otpMost    = 600
)

// live reports whether the code may still be used.
func (o *otp) live(now int64) bool { return !o.finished && o.wrong < triesMax && now < o.expires }

// contactKey names a contact of an organization.
type contactKey struct {
	org     uuid.UUID
	contact string
}

func (o *otp) key() contactKey {
	contact := o.contact
	if o.kind == otpEmail {
		contact = sameEmail(contact)
	}
	return contactKey{o.org.id, contact}
}

// otps finds codes by id, by contact and by userIdentifier. It is guarded by the state's lock.
type otps struct {
	byID      map[uuid.UUID]*otp
	byContact map[contactKey][]uuid.UUID
	byBucket  map[contactKey][]uuid.UUID
	queue     []uuid.UUID // in the order of making; those at the front are forgotten first
}

func newOTPs() otps {
	return otps{byID: map[uuid.UUID]*otp{}, byContact: map[contactKey][]uuid.UUID{}, byBucket: map[contactKey][]uuid.UUID{}}
}

func (o *otp) install(s *state) {
	if s.otps.byID[o.id] == nil {
		s.otps.queue = append(s.otps.queue, o.id)
		s.otps.byContact[o.key()] = append(s.otps.byContact[o.key()], o.id)
		if o.bucket != "" {
			k := contactKey{o.org.id, o.bucket}
			s.otps.byBucket[k] = append(s.otps.byBucket[k], o.id)
		}
	}
	s.otps.byID[o.id] = o
}

// overOTP forgets a code.
type overOTP struct{ *otp }

func (o overOTP) install(s *state) {
	delete(s.otps.byID, o.id)
	drop(s.otps.byContact, o.key(), o.id)
	drop(s.otps.byBucket, contactKey{o.org.id, o.bucket}, o.id)
	q := s.otps.queue
	if i := slices.Index(q[:min(2, len(q))], o.id); i >= 0 { // stale names no other
		q[i] = q[0]
		s.otps.queue = q[1:]
	}
}

func (o overOTP) row() row { return row{bucketOTP, o.id[:], nil} }

func drop(m map[contactKey][]uuid.UUID, k contactKey, id uuid.UUID) {
	if rest := slices.DeleteFunc(m[k], func(other uuid.UUID) bool { return other == id }); len(rest) > 0 {
		m[k] = rest
	} else {
		delete(m, k)
	}
}

// stale returns up to two codes that may be forgotten: two for every new one keeps the number of codes in step with
// how many are asked for.
func (o *otps) stale(now int64) []*otp {
	var found []*otp
	for _, id := range o.queue[:min(2, len(o.queue))] {
		if c := o.byID[id]; c.expires+otpGrace < now {
			found = append(found, c)
		}
	}
	return found
}

// liveFor counts the valid codes of the contact.
func (o *otps) liveFor(k contactKey, now int64) (n int) {
	for _, id := range o.byContact[k] {
		if o.byID[id].live(now) {
			n++
		}
	}
	return n
}

// sentFor counts the codes sent for a userIdentifier within the span of the limit.
func (o *otps) sentFor(k contactKey, now int64) (n int) {
	for _, id := range o.byBucket[k] {
		if age := now - o.byID[id].created; age < sendsSpan {
			n++
		}
	}
	return n
}

type otpOnDisk struct {
	ID       uuid.UUID `json:"id"`
	Org      uuid.UUID `json:"org"`
	Kind     string    `json:"kind"`
	Contact  string    `json:"contact"`
	Code     string    `json:"code"`
	Target   []byte    `json:"target,omitempty"`
	ForKey   bool      `json:"forKey,omitempty"`
	Bucket   string    `json:"bucket,omitempty"`
	Created  int64     `json:"created"`
	Expires  int64     `json:"expires"`
	Wrong    int       `json:"wrong,omitempty"`
	Finished bool      `json:"finished,omitempty"`
}

func (o *otp) row() row {
	d := otpOnDisk{ID: o.id, Org: o.org.id, Kind: o.kind, Contact: o.contact, Code: o.code, ForKey: o.forKey, Bucket: o.bucket,
		Created: o.created, Expires: o.expires, Wrong: o.wrong, Finished: o.finished}
	if o.target != nil {
		d.Target = o.target.Bytes()
	}
	return row{bucketOTP, o.id[:], mustJSON(d)}
}

func (s *state) readOTP(_, value []byte) (record, error) {
	var d otpOnDisk
	if err := json.Unmarshal(value, &d); err != nil {
		return nil, err
	}
	o := &otp{id: d.ID, org: s.orgs[d.Org], kind: d.Kind, contact: d.Contact, code: d.Code, forKey: d.ForKey, bucket: d.Bucket,
		created: d.Created, expires: d.Expires, wrong: d.Wrong, finished: d.Finished}
	if o.org == nil {
		return nil, errors.New("a code has no organization")
	}
	if d.Target != nil {
		key, err := ecdh.P256().NewPrivateKey(d.Target)
		if err != nil {
			return nil, errors.New("a code's target key is none")
		}
		o.target = key
	}
	return o, nil
}
