package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"

	"latchkey/internal/store"
)

const (
	// MaxBody is the largest body that is kept; of a larger one hash and size remain.
	MaxBody = 256 << 10
	// maxLine is the longest line: a sealed body in base64 and less than 4 KB around it.
	maxLine = MaxBody/3*4 + 8<<10
)

// Entry is the record of one request that was stamped, or that was refused before it was; the latter has no public key
// and no tries. Every string in it has the form of an id, a path, a type or a code;
// what has not is left out, since it may hold anything.
type Entry struct {
	Number       uint64 `json:"number"` // from 1
	Time         int64  `json:"time"`   // when the request began, Unix milliseconds
	Organization string `json:"organization,omitempty"`
	User         string `json:"user,omitempty"`
	Session      string `json:"session,omitempty"`
	PublicKey    string `json:"publicKey,omitempty"` // that stamped
	Path         string `json:"path,omitempty"`
	Type         string `json:"type,omitempty"` // of an activity
	SHA256       string `json:"sha256"`         // of the exact body, which is also the activity's fingerprint at Turnkey
	Size         int    `json:"size"`           // of the body, in bytes

	// Verdict is why the request was stamped, or was not: a word, or "rule" and the rule's id. Entries from before there
	// were verdicts have none.
	Verdict string `json:"verdict,omitempty"`

	HTTP     int    `json:"http,omitempty"`     // status of the last answer; 0 when none came
	Activity string `json:"activity,omitempty"` // id
	Status   string `json:"status,omitempty"`   // of the activity, in the answer to this request
	Code     string `json:"code,omitempty"`     // of the failure, from package fault
	Tries    int    `json:"tries,omitempty"`    // how often the bytes were sent
	Duration int64  `json:"ms"`

	Lost int   `json:"lost,omitempty"` // requests before this one that could not be recorded
	Cut  int64 `json:"cut,omitempty"`  // bytes of an entry that a crash left unfinished, removed before this one

	Head     uint64 `json:"head"`     // what the head covered when this was written
	Previous string `json:"previous"` // SHA-256 of the line before
	Sealed   []byte `json:"sealed,omitempty"`

	body []byte // in clear, only in memory
}

// Body returns the exact bytes that were stamped: nil when they were not kept, or cannot be opened.
func (e Entry) Body() []byte { return e.body }

// At returns the time of the request.
func (e Entry) At() time.Time { return time.UnixMilli(e.Time) }

// What returns the type of an activity, or the path of anything else.
func (e Entry) What() string {
	if e.Type != "" {
		return e.Type
	}
	return e.Path
}

var (
	idForm      = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)
	uuidForm    = regexp.MustCompile(`^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$`)
	keyForm     = regexp.MustCompile(`^0[23][0-9a-f]{64}$`)
	pathForm    = regexp.MustCompile(`^/[a-z0-9_/]{1,200}$`)
	typeForm    = regexp.MustCompile(`^ACTIVITY_TYPE_[A-Z0-9_]{1,100}$`)
	statusForm  = regexp.MustCompile(`^ACTIVITY_STATUS_[A-Z_]{1,50}$`)
	verdictForm = regexp.MustCompile(`^[a-z-]{1,20}( [a-z0-9-]{1,40})?$`)
	codeForm    = regexp.MustCompile(`^[a-z_.]{1,60}$`)
)

// clean empties what does not have its form.
func (e *Entry) clean() {
	for form, fields := range map[*regexp.Regexp][]*string{
		idForm: {&e.Session}, uuidForm: {&e.Organization, &e.User, &e.Activity}, keyForm: {&e.PublicKey}, pathForm: {&e.Path},
		typeForm: {&e.Type}, statusForm: {&e.Status}, codeForm: {&e.Code}, verdictForm: {&e.Verdict},
	} {
		for _, field := range fields {
			if !form.MatchString(*field) {
				*field = ""
			}
		}
	}
}

// New returns the entry of a request that stamped body, with what body says of itself: its organization and type.
// Number, chain and seal are given when it is appended.
func New(at time.Time, path string, body []byte) Entry {
	sum := sha256.Sum256(body)
	e := Entry{Time: at.UnixMilli(), Path: path, SHA256: hex.EncodeToString(sum[:]), Size: len(body)}
	if len(body) <= MaxBody {
		e.body = bytes.Clone(body)
	}
	var says struct {
		Type           string `json:"type"`
		OrganizationID string `json:"organizationId"`
	}
	if json.Unmarshal(body, &says) == nil { // a body of another shape says nothing
		e.Type, e.Organization = says.Type, says.OrganizationID
	}
	return e
}

// Answer notes what came back: the status of an activity, if it is one.
func (e *Entry) Answer(http int, response []byte) {
	e.HTTP = http
	var says struct {
		Activity struct {
			ID     string `json:"id"`
			Status string `json:"status"`
		} `json:"activity"`
	}
	if len(response) <= 1<<20 && json.Unmarshal(response, &says) == nil {
		e.Activity, e.Status = says.Activity.ID, says.Activity.Status
	}
}

// line returns the entry as it stands in the file, without the line's end.
func (e Entry) line() []byte {
	raw, err := json.Marshal(e)
	if err != nil {
		panic(err) // numbers, strings and bytes alone
	}
	return raw
}

// seal seals the body, which may be empty, for this entry alone.
func (e *Entry) seal(s *store.Sealer, profile string) {
	e.Sealed = nil
	e.Sealed = s.Seal(e.body, e.context(profile))
}

// open reports whether the seal is ours, and fills in the body.
func (e *Entry) open(s *store.Sealer, profile string) bool {
	body, err := s.Open(e.Sealed, e.context(profile))
	if err != nil {
		return false
	}
	if len(body) > 0 {
		e.body = body
	}
	return true
}

// context is what a seal is for: this profile's journal, and all the rest of the line.
func (e Entry) context(profile string) []byte {
	e.Sealed = nil
	return append([]byte("latchkey journal entry\n"+profile+"\n"), e.line()...)
}

var errLine = errors.New("not an entry")

// parse reads what line wrote, and nothing else: another spelling of the same is no entry.
func parse(raw []byte) (Entry, error) {
	var e Entry
	if json.Unmarshal(raw, &e) != nil || e.Number == 0 || !bytes.Equal(e.line(), raw) {
		return Entry{}, errLine
	}
	return e, nil
}

// hash is what the next entry holds of this line.
func hash(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

// nothing is what the first entry holds in place of a hash.
var nothing = strings.Repeat("0", 2*sha256.Size)
