package journal

import (
	"encoding/json"
	"errors"

	"latchkey/internal/fault"
	"latchkey/internal/store"
)

const headName = "journal-head"

// head is what proves that the entries are all there: how many, the hash of the last, and where it ends.
type head struct {
	Count   uint64 `json:"count"`
	Hash    string `json:"hash"`
	Segment int    `json:"segment"` // the file that the last entry is in
	Offset  int64  `json:"offset"`  // where its line ends, line end included
	Last    int    `json:"last"`    // the length of its line, line end included

	First start `json:"first"` // where the kept entries begin

	// A head that had to be made anew proves nothing of the entries before From.
	From   uint64 `json:"from,omitempty"`
	Reason loss   `json:"reason,omitempty"`

	Back *span `json:"back,omitempty"` // what an older copy of log and head took away, as far as the log gave it away
}

// span is entries by number.
type span struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

// start is where a chain begins: the number of its first entry, the hash that it holds of the one before, its file.
type start struct {
	Number   uint64 `json:"number"`
	Previous string `json:"previous"`
	Segment  int    `json:"segment"`
}

// loss says why there is no head to go on from.
type loss string

const (
	found    loss = ""
	fresh    loss = "fresh"     // there never was one
	missing  loss = "missing"   // there was one
	changed  loss = "changed"   // it cannot be opened by the key that opens the entries
	otherKey loss = "other_key" // neither it nor the entries can be opened
	noKey    loss = "no_key"    // there is no key to open it with
)

func headContext(profile string) []byte { return []byte("latchkey journal head\n" + profile) }

// readHead returns the head, or why there is none. Its error is that of the disk. fresh and otherKey are what the head
// alone can tell: whether they are in truth missing and changed, the entries tell.
func (j *Journal) readHead(s *store.Sealer) (head, loss, error) {
	raw, err := j.Dir.Read(headName)
	switch {
	case errors.Is(err, fault.NotFound):
		return head{}, fresh, nil
	case errors.Is(err, fault.Corrupt):
		return head{}, missing, nil
	case err != nil:
		return head{}, "", err
	case s == nil:
		return head{}, noKey, nil
	}
	if h, ok := openHead(s, raw, headContext(j.Profile)); ok {
		return h, found, nil
	}
	return head{}, otherKey, nil
}

// openHead reports whether the key opens the head.
func openHead(s *store.Sealer, raw, context []byte) (h head, ok bool) {
	plain, err := s.Open(raw, context)
	return h, err == nil && json.Unmarshal(plain, &h) == nil
}

func (j *Journal) writeHead(s *store.Sealer, h head) error {
	plain, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return j.Dir.Write(headName, s.Seal(plain, headContext(j.Profile)))
}
