package sandbox

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"latchkey/internal/p256"
)

// dumped is all that a sandbox remembers, its secrets included, as one JSON object. Records stand in it as they stand
// on disk, by kind and key.
type dumped struct {
	Format     int                    `json:"format"`
	Seed       uint64                 `json:"seed,string"` // text, because it is above what JavaScript counts to
	Seeded     bool                   `json:"seeded"`
	Starts     uint64                 `json:"starts"`
	Clock      clockState             `json:"clock"`
	Records    map[string][]dumpedRow `json:"records"`
	Activities []json.RawMessage      `json:"activities"` // in the order of their making
}

type dumpedRow struct {
	Key   string          `json:"key"` // hex
	Value json.RawMessage `json:"value"`
}

// errDumpTooLarge: a dump is one answer, and a state may be larger than that.
var errDumpTooLarge = &refusal{http: http.StatusRequestEntityTooLarge, grpc: grpcExhausted, code: "UNSPECIFIED", check: "control",
	message: fmt.Sprintf("the state is larger than %d MiB; stop the sandbox and copy its --state folder instead", dumpMax>>20)}

// budget counts what a dump takes.
type budget int

func (b *budget) take(n int) error {
	if *b -= budget(n + 64); *b < 0 {
		return errDumpTooLarge
	}
	return nil
}

func (c *control) dump(*http.Request) (any, error) { return c.s.dump() }

// dump takes the state as it is at one moment. Errors: a refusal when it is too large.
func (s *Sandbox) dump() (*dumped, error) {
	s.resetMu.Lock() // seed, starts and records of one and the same state
	defer s.resetMu.Unlock()
	st := s.state.Load()
	d := &dumped{Format: diskFormat, Seed: st.enclave.seed, Seeded: s.Seeded(), Starts: s.starts, Clock: s.clock.state(),
		Records: map[string][]dumpedRow{}, Activities: []json.RawMessage{}}
	if s.disk == nil {
		return d, d.fromMemory(st)
	}
	if err := st.safe(); err != nil {
		return nil, err
	}
	return d, d.fromDisk(s.disk)
}

// fromMemory takes the records while no change is under way.
func (d *dumped) fromMemory(st *state) (err error) {
	left := budget(dumpMax)
	st.reading(func() {
		for _, k := range recordKinds {
			for rec := range k.all(st) {
				row := rec.row()
				if err = left.take(len(row.value)); err != nil {
					return
				}
				d.Records[row.bucket] = append(d.Records[row.bucket], dumpedRow{hex.EncodeToString(row.key), row.value})
			}
		}
		for _, a := range st.history.all() {
			raw := mustJSON(a)
			if err = left.take(len(raw)); err != nil {
				return
			}
			d.Activities = append(d.Activities, raw)
		}
	})
	d.sort()
	return err
}

// fromDisk takes what stands on disk at one moment: changes are written whole.
func (d *dumped) fromDisk(from *disk) error {
	type activityRow struct{ id, value []byte }
	var ids []activityRow
	left := budget(dumpMax)
	err := from.db.View(func(tx *bolt.Tx) error {
		for _, k := range recordKinds {
			err := tx.Bucket([]byte(k.bucket)).ForEach(func(key, value []byte) error {
				d.Records[k.bucket] = append(d.Records[k.bucket], dumpedRow{hex.EncodeToString(key), bytes.Clone(value)})
				return left.take(len(value))
			})
			if err != nil {
				return err
			}
		}
		return tx.Bucket([]byte(bucketActivity)).ForEach(func(key, value []byte) error {
			ids = append(ids, activityRow{bytes.Clone(key[16:]), bytes.Clone(value)})
			return left.take(len(value))
		})
	})
	slices.SortFunc(ids, func(a, b activityRow) int { return bytes.Compare(a.id, b.id) })
	for _, a := range ids {
		d.Activities = append(d.Activities, a.value)
	}
	d.sort()
	return err
}

// sort puts records in the order of their keys, wherever they came from: the same state is the same dump.
func (d *dumped) sort() {
	for _, rows := range d.Records {
		slices.SortFunc(rows, func(a, b dumpedRow) int { return strings.Compare(a.Key, b.Key) })
	}
}

// restore puts a dump in the place of all that is there, or changes nothing.
func (c *control) restore(r *http.Request) (any, error) {
	text, err := bodyOf(r)
	if err != nil {
		return nil, err
	}
	var d dumped
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil || dec.More() {
		return nil, badBody("want one dump, as GET /state answers it")
	}
	if d.Seeded && c.s.exposed {
		return nil, seedWhileExposed()
	}
	if err := c.s.restore(&d); err != nil {
		return nil, err
	}
	c.s.log.Info("sandbox restored", "seed", d.Seed)
	return c.s.dump()
}

// restore loads d into a new state first; only one that is whole takes the old one's place. Faults are gone after it,
// and the inbox's ids go on, as after a reset. Errors: a refusal that says what is wrong with d.
func (s *Sandbox) restore(d *dumped) error {
	var rows []row
	st, err := s.loaded(d, &rows)
	if err != nil {
		return err
	}
	s.resetMu.Lock()
	defer s.resetMu.Unlock()
	old := s.state.Load()
	old.mu.Lock()
	if s.disk != nil {
		if err := s.disk.wipe(rows); err != nil {
			old.mu.Unlock()
			return fmt.Errorf("write state: %w", err)
		}
	}
	st.inbox.last = max(st.inbox.last, old.inbox.last)
	s.clock.restore(d.Clock)
	s.seeded.Store(d.Seeded)
	s.starts = d.Starts + 1
	s.state.Store(st)
	s.chances(st)
	old.over = true
	old.inbox.wake()
	old.mu.Unlock()
	s.requests.clear()
	return s.goOn()
}

// loaded makes a state of a dump, and the rows that it has on disk.
func (s *Sandbox) loaded(d *dumped, rows *[]row) (st *state, err error) {
	wrong := func(why error) error { return invalid("the dump cannot be restored: %s", clip(why.Error())) }
	switch at := d.Clock; {
	case d.Format != diskFormat:
		return nil, wrong(fmt.Errorf("it has format %d, this version reads %d", d.Format, diskFormat))
	case d.Seed == 0:
		return nil, wrong(errors.New("it has no seed"))
	case !at.possible(s.clock.real()):
		return nil, wrong(errors.New("its clock is beyond what a clock can show"))
	}
	st = newState(newEnclave(d.Seed), d.Starts+1, s.disk)
	err = guarded(func() error { return st.fill(d, rows) })
	if err == nil {
		err = guarded(st.sound)
	}
	if err != nil {
		return nil, wrong(err)
	}
	*rows = append(*rows, metaRow("seed", d.Seed), metaRow("format", diskFormat), metaRow("starts", d.Starts+1),
		metaRow("seeded", d.Seeded), metaRow("clock", d.Clock), st.history.newestID().row())
	return st, nil
}

// fill reads and installs every record of d into s, which is new.
func (s *state) fill(d *dumped, rows *[]row) error {
	known := 0
	for _, k := range recordKinds {
		list, there := d.Records[k.bucket]
		if there {
			known++
		}
		for i, r := range list {
			key, err := hex.DecodeString(r.Key)
			if err != nil || i > 0 && list[i-1].Key >= r.Key {
				return fmt.Errorf("%s: keys are not in order", k.bucket)
			}
			rec, err := k.read(s, key, r.Value)
			if err != nil {
				return fmt.Errorf("%s: %w", k.bucket, err)
			}
			rec.install(s)
			*rows = append(*rows, row{k.bucket, key, r.Value})
		}
	}
	if known != len(d.Records) {
		return errors.New("it has records of a kind that this version does not know")
	}
	last := ""
	for _, raw := range d.Activities {
		a, err := readActivity(raw)
		if err != nil {
			return err
		}
		id := a.ID.String()
		if id <= last || len(a.Votes) == 0 || len(a.Parameters) == 0 {
			return errors.New("activities: not in order, or not whole")
		}
		last = id
		a.install(s)
		s.history.last = binary.BigEndian.Uint64(a.ID[:8])>>16<<12 | uint64(binary.BigEndian.Uint16(a.ID[6:])&0x0fff) // see nextID
		if *rows = append(*rows, a.row()); !a.Denied {
			*rows = append(*rows, printed{a}.row())
		}
	}
	return nil
}

// sound looks for what would make a state that was read fail later.
func (s *state) sound() error {
	if s.parent == nil || s.parent.id != s.enclave.parentID {
		return errors.New("the parent organization is not that of the seed")
	}
	for _, o := range s.orgs {
		if o.threshold < 1 || len(o.root) == 0 {
			return fmt.Errorf("organization %s has no quorum", o.id)
		}
		for _, id := range o.root {
			if o.user(id) == nil {
				return fmt.Errorf("organization %s has a root user that is none", o.id)
			}
		}
		for _, u := range o.users {
			for _, k := range u.keys {
				if k.kind.scheme() != credentialP256.scheme() {
					continue
				}
				if _, err := p256.ParsePublic(k.public.String()); err != nil {
					return fmt.Errorf("user %s has a key that is none", u.id)
				}
			}
		}
	}
	return nil
}

// all returns the activities that are in memory, oldest first.
func (h *history) all() []*activity {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.queue)
}
