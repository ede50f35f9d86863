package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// waitMax is the longest that a request for the inbox waits.
const waitMax = 60 * time.Second

// inbox answers with the messages after an id; with wait, it answers as soon as there is one, or empty when the time
// is over.
func (c *control) inbox(r *http.Request) (any, error) {
	q := r.URL.Query()
	after, err := whole(q, "after", 0)
	if err != nil {
		return nil, err
	}
	wait, err := whole(q, "wait", 0)
	if err != nil {
		return nil, err
	}
	to := q.Get("to")
	if phone, ok := strings.CutPrefix(to, " "); ok {
		to = "+" + phone // a plus that was not escaped
	}
	ctx, cancel := context.WithTimeout(r.Context(), min(time.Duration(min(wait, 3600))*time.Second, waitMax))
	defer cancel()
	for {
		st := c.s.state.Load()
		found, more := st.inbox.since(after, to)
		if len(found) > 0 || wait == 0 || ctx.Err() != nil {
			return struct {
				Messages []*message `json:"messages"`
			}{found}, st.safe()
		}
		select {
		case <-more:
		case <-ctx.Done():
		}
	}
}

// safe waits until everything that happened is on disk.
func (s *state) safe() error {
	return s.disk.flush(s.reading(func() {}))
}

func whole(q url.Values, name string, def uint64) (uint64, error) {
	text := q.Get(name)
	if text == "" {
		return def, nil
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, invalid("%s: want a whole number", name)
	}
	return n, nil
}

func (c *control) requests(r *http.Request) (any, error) {
	after, err := whole(r.URL.Query(), "after", 0)
	if err != nil {
		return nil, err
	}
	limit, err := whole(r.URL.Query(), "limit", 50)
	if err != nil {
		return nil, err
	}
	return struct {
		Requests []*seenRequest `json:"requests"`
	}{c.s.requests.after(after, int(min(limit, requestsMax)))}, nil
}

type clockView struct {
	Now           int64   `json:"now"` // unix ms
	OffsetSeconds float64 `json:"offsetSeconds"`
	Frozen        bool    `json:"frozen"`
}

func (c *control) clock(*http.Request) (any, error) {
	offset, frozen := c.s.clock.offsetFromReal()
	return clockView{c.s.clock.now().UnixMilli(), offset.Seconds(), frozen}, nil
}

func (c *control) setClock(r *http.Request) (any, error) {
	var in struct {
		AdvanceSeconds *float64 `json:"advanceSeconds"`
		Frozen         *bool    `json:"frozen"`
		At             *int64   `json:"at"`
	}
	if err := readControl(r, &in); err != nil {
		return nil, err
	}
	moved, given := true, 0
	for _, there := range []bool{in.AdvanceSeconds != nil, in.Frozen != nil, in.At != nil} {
		if there {
			given++
		}
	}
	switch {
	case given != 1:
		return nil, invalid("want one of advanceSeconds, frozen and at")
	case in.AdvanceSeconds != nil && math.Abs(*in.AdvanceSeconds) < math.MaxInt64/float64(time.Second):
		moved = c.s.clock.advance(time.Duration(*in.AdvanceSeconds * float64(time.Second)))
	case in.At != nil:
		moved = c.s.clock.move(time.UnixMilli(*in.At))
	case in.Frozen != nil:
		c.s.clock.freeze(*in.Frozen)
	default:
		moved = false
	}
	if !moved {
		return nil, invalid("the clock goes from %s to %s", clockFirst.Format(time.DateOnly), clockLast.Format(time.DateOnly))
	}
	if err := c.s.keepClock(); err != nil {
		return nil, err
	}
	return c.clock(r)
}

// keepClock writes the clock's setting to the state folder.
func (s *Sandbox) keepClock() error {
	if s.disk == nil {
		return nil
	}
	for {
		if version, ok := s.state.Load().note(func() row { return metaRow("clock", s.clock.state()) }); ok {
			return s.disk.flush(version)
		}
	}
}

// note queues a row that is no record's, and returns the version that has it. It is not ok when a reset put another state
// in this one's place: versions of the two must not mix, for the disk counts by them what is safe.
func (s *state) note(what func() row) (version uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return 0, false
	}
	s.version++
	s.disk.enqueue(s.version, []row{what()})
	return s.version, true
}

// reset forgets everything. Without a seed the keys and the parent organization stay what they are, so that clients
// that were told the facts go on working.
func (c *control) reset(r *http.Request) (any, error) {
	in := struct {
		Seed uint64 `json:"seed"`
	}{}
	if err := readControl(r, &in); err != nil {
		return nil, err
	}
	same := in.Seed == 0
	if !same && c.s.exposed {
		return nil, seedWhileExposed()
	}
	if same {
		in.Seed = c.s.state.Load().enclave.seed
	}
	if err := c.s.begin(in.Seed, !same || c.s.Seeded()); err != nil {
		return nil, err
	}
	c.s.log.Info("sandbox reset", "seed", in.Seed)
	facts := c.s.Facts()
	if same { // whoever is to know it knows it; whoever merely reaches this port is not told
		facts.APIPrivateKey = ""
	}
	return facts, nil
}

func seedWhileExposed() *refusal {
	return invalid("a chosen seed makes keys that anyone can compute, so it is refused while the API listens beyond loopback")
}

// bodyOf reads a whole body, within the bound of its route.
func bodyOf(r *http.Request) ([]byte, error) {
	text, err := io.ReadAll(r.Body)
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLargeFor(large.Limit)
	}
	if err != nil {
		return nil, badBody("it broke off")
	}
	return text, nil
}

func (c *control) faults(*http.Request) (any, error) { return c.s.faults.all(), nil }

// setFaults puts another list in force, whole or not at all. Activities that only faults of the old list kept pending
// go on.
func (c *control) setFaults(r *http.Request) (any, error) {
	text, err := bodyOf(r)
	if err != nil {
		return nil, err
	}
	list, err := readMishaps(text)
	if err != nil {
		return nil, err
	}
	c.s.faults.set(list)
	c.s.log.Info("faults changed", "faults", len(list))
	if err := c.s.goOn(); err != nil {
		return nil, err
	}
	return c.faults(r)
}

func tooLargeFor(most int64) *refusal {
	return tooLarge().because("body", fmt.Sprintf("at most %d bytes", most), "")
}

// readControl reads a small JSON object; an empty body is an empty object.
func readControl(r *http.Request, into any) error {
	text, err := bodyOf(r)
	if err != nil || len(text) == 0 {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return badBody(fmt.Sprintf("%.80s", err.Error()))
	}
	return nil
}
