package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"
	bolt "go.etcd.io/bbolt"
)

// activity is one submission with its outcome. It is never changed: a vote makes a new version.
type activity struct {
	ID          uuid.UUID       `json:"id"`
	Org         uuid.UUID       `json:"org"`
	Type        string          `json:"type"`
	Status      string          `json:"status"`
	Intent      string          `json:"intent"` // the key under which Parameters stands
	Parameters  json.RawMessage `json:"parameters"`
	Result      string          `json:"result,omitempty"` // the key of Outcome
	Outcome     json.RawMessage `json:"outcome,omitempty"`
	Fingerprint print           `json:"fingerprint"`
	Votes       []vote          `json:"votes"`
	Created     int64           `json:"created"`
	Updated     int64           `json:"updated,omitempty"` // of the last vote but the first
	Failure     json.RawMessage `json:"failure,omitempty"`
	Denied      bool            `json:"denied,omitempty"` // refused by the rules: to be seen, and to be tried again
}

// print is the SHA-256 of a submission's body.
type print [sha256.Size]byte

// String returns the fingerprint as the service writes it.
func (p print) String() string { return "sha256:" + hex.EncodeToString(p[:]) }

// MarshalText writes the fingerprint as the service does.
func (p print) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (p *print) UnmarshalText(text []byte) error {
	raw, ok := strings.CutPrefix(string(text), "sha256:")
	if !ok || len(raw) != hex.EncodedLen(len(p)) {
		return errors.New("no fingerprint")
	}
	_, err := hex.Decode(p[:], []byte(raw))
	return err
}

// vote is somebody's word on an activity.
type vote struct {
	ID        uuid.UUID `json:"id"`
	Org       uuid.UUID `json:"org"` // the voter's, which may be the parent
	User      uuid.UUID `json:"user"`
	Message   string    `json:"message"`
	PublicKey string    `json:"publicKey"`
	Signature string    `json:"signature"`
	Scheme    string    `json:"scheme"`
	Created   int64     `json:"created"`
	Rejected  bool      `json:"rejected,omitempty"`

	Said   []evaluation `json:"said"`             // by the policies; nil when none were asked
	Wanted *wanted      `json:"wanted,omitempty"` // by an MFA policy of the voter's

	Credential   uuid.UUID `json:"credential,omitzero"` // of the API key or authenticator
	CredentialID string    `json:"credentialId,omitempty"`
	Kind         string    `json:"kind,omitempty"`   // CREDENTIAL_TYPE_…, "" for a token
	Method       string    `json:"method,omitempty"` // AUTHENTICATION_TYPE_…, of a token
	Profile      uuid.UUID `json:"profile,omitzero"` // of the session that stamped
}

// historyMax bounds the activities kept in memory, in bytes. Older ones are on disk, or forgotten without one.
const historyMax = 48 << 20

// history finds activities by id and by body. It is safe for parallel use.
type history struct {
	disk *disk

	mu      sync.Mutex
	byID    map[uuid.UUID]*activity
	byPrint map[historyKey]*activity
	queue   []*activity // oldest first
	bytes   int
	last    uint64 // of the newest id, see nextID
}

type historyKey struct {
	org   uuid.UUID
	print print
}

func newHistory(d *disk) *history {
	return &history{disk: d, byID: map[uuid.UUID]*activity{}, byPrint: map[historyKey]*activity{}}
}

// nextID returns an id that sorts after all before it (UUID version 7), whatever the clock does: the order of ids is
// the order of activities.
func (h *history) nextID(now int64, c *choices) uuid.UUID {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = max(h.last+1, uint64(now)<<12) // 48 bits of milliseconds, 12 to count within one
	id := c.id()
	copy(id[:6], binary.BigEndian.AppendUint64(nil, h.last>>12)[2:])
	id[6] = 0x70 | byte(h.last>>8&0x0f)
	id[7] = byte(h.last)
	return id
}

// size is about what an activity takes in memory.
func (a *activity) size() int {
	n := 400 + len(a.Parameters) + len(a.Outcome) + len(a.Failure)
	for _, v := range a.Votes {
		n += 300 + len(v.Message) + 60*len(v.Said)
	}
	return n
}

// install remembers a, perhaps in the place of an older version. The caller holds the state's lock.
func (a *activity) install(s *state) {
	h := s.history
	h.mu.Lock()
	defer h.mu.Unlock()
	if old := h.byID[a.ID]; old != nil {
		h.bytes -= old.size()
		if at, found := slices.BinarySearchFunc(h.queue, a, func(b, a *activity) int { return bytes.Compare(b.ID[:], a.ID[:]) }); found {
			h.queue[at] = a
		}
	} else {
		h.queue = append(h.queue, a)
	}
	h.byID[a.ID] = a
	if !a.Denied {
		h.byPrint[historyKey{a.Org, a.Fingerprint}] = a
	}
	h.bytes += a.size()
	for h.bytes > historyMax {
		old := h.queue[0]
		h.queue[0] = nil
		h.queue = h.queue[1:]
		h.bytes -= old.size()
		delete(h.byID, old.ID)
		if k := (historyKey{old.Org, old.Fingerprint}); h.byPrint[k] == old {
			delete(h.byPrint, k)
		}
	}
}

func (a *activity) row() row {
	return row{bucketActivity, slices.Concat(a.Org[:], a.ID[:]), mustJSON(a)}
}

// printed is the second row of an activity, by which its body is found.
type printed struct{ *activity }

func (printed) install(*state) {}

func (p printed) row() row {
	return row{bucketPrint, slices.Concat(p.Org[:], p.Fingerprint[:]), p.ID[:]}
}

// newestID remembers the newest id, so that ids go on growing after a restart whatever the clock does.
type newestID uint64

func (newestID) install(*state) {}

func (n newestID) row() row { return metaRow("newest", uint64(n)) }

// newestID returns the newest id as a record. The caller holds the state's lock.
func (h *history) newestID() newestID {
	h.mu.Lock()
	defer h.mu.Unlock()
	return newestID(h.last)
}

// byBody returns the activity of org that the same bytes made before, or nil.
func (h *history) byBody(org uuid.UUID, body print) (*activity, error) {
	h.mu.Lock()
	a := h.byPrint[historyKey{org, body}]
	h.mu.Unlock()
	if a != nil || h.disk == nil {
		return a, nil
	}
	id, err := h.disk.get(bucketPrint, slices.Concat(org[:], body[:]))
	if err != nil || len(id) != 16 {
		return nil, err
	}
	return h.find(org, uuid.UUID(id))
}

// find returns the activity of org with that id, or nil.
func (h *history) find(org, id uuid.UUID) (*activity, error) {
	h.mu.Lock()
	a := h.byID[id]
	h.mu.Unlock()
	if a != nil && a.Org == org {
		return a, nil
	}
	if a != nil || h.disk == nil {
		return nil, nil
	}
	raw, err := h.disk.get(bucketActivity, slices.Concat(org[:], id[:]))
	if err != nil || len(raw) == 0 {
		return nil, err
	}
	return readActivity(raw)
}

func readActivity(raw []byte) (*activity, error) {
	a := new(activity)
	if err := json.Unmarshal(raw, a); err != nil {
		return nil, fmt.Errorf("read activity: %w", err)
	}
	return a, nil
}

// newest ranges over the activities of org, newest first. Those in memory are looked through from the newest on, which
// is no request's hot path; with a disk, its order by id does it. The caller has flushed.
func (h *history) newest(org uuid.UUID, visit func(*activity) bool) error {
	if h.disk == nil {
		h.mu.Lock()
		queue := slices.Clone(h.queue)
		h.mu.Unlock()
		for _, a := range slices.Backward(queue) {
			if a.Org == org && !visit(a) {
				return nil
			}
		}
		return nil
	}
	return h.disk.db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket([]byte(bucketActivity)).Cursor()
		end := slices.Concat(org[:], slices.Repeat([]byte{0xff}, 16))
		k, v := c.Seek(end)
		if k == nil {
			k, v = c.Last()
		}
		for ; k != nil; k, v = c.Prev() {
			if string(k[:16]) > string(org[:]) {
				continue
			}
			if string(k[:16]) < string(org[:]) {
				return nil
			}
			a, err := readActivity(v)
			if err != nil {
				return err
			}
			if !visit(a) {
				return nil
			}
		}
		return nil
	})
}
