package journal

import (
	"context"
	"fmt"
	"slices"

	"latchkey/internal/fault"
	"latchkey/internal/store"
)

// Verdict is what is known of a journal.
type Verdict string

// The verdicts.
const (
	Intact   Verdict = "intact"   // every entry is as it was written, and none is missing
	Unproven Verdict = "unproven" // nothing contradicts it, but not all of it can be proven
	Damaged  Verdict = "damaged"  // it is not as it was written
)

// FindingKind says what was found.
type FindingKind string

// What is wrong: the verdict is Damaged.
const (
	Changed     FindingKind = "changed"      // these entries are not as they were written
	Removed     FindingKind = "removed"      // these entries are missing, with later ones there
	Truncated   FindingKind = "truncated"    // these entries were cut off the end
	OlderCopy   FindingKind = "older_copy"   // these entries are missing, since an older copy was put back
	Inserted    FindingKind = "inserted"     // these stand where the chain has others, or none
	HeadOlder   FindingKind = "head_older"   // an older head was put back; the entries after it are proven by their seals
	HeadMissing FindingKind = "head_missing" // the head was removed
	HeadChanged FindingKind = "head_changed" // the head was changed
)

// What cannot be proven: the verdict is Unproven.
const (
	NoKey    FindingKind = "no_key"    // the state key cannot be had now
	OtherKey FindingKind = "other_key" // these were written under another state key, which is gone
	Unsealed FindingKind = "unsealed"  // these were written while there was no state key
)

// What is to be known and is nothing bad.
const (
	CutOff     FindingKind = "cut_off"     // the last entry was not written to its end; the next one goes on
	NotCovered FindingKind = "not_covered" // the program ended before these were put under the head; their seals prove them
	LostBefore FindingKind = "lost"        // requests before this entry that could not be recorded at the time
)

func (k FindingKind) verdict() Verdict {
	switch k {
	case CutOff, NotCovered, LostBefore:
		return Intact
	case NoKey, OtherKey, Unsealed:
		return Unproven
	default:
		return Damaged
	}
}

// Finding is one thing found, of the entries First to Last; both are 0 when it is of none.
type Finding struct {
	Kind  FindingKind `json:"kind"`
	First uint64      `json:"first,omitempty"`
	Last  uint64      `json:"last,omitempty"`
	Text  string      `json:"text"`
}

// Report is what Verify found. First and Last are the numbers of the entries that should be there: the chain begins at
// First because older entries were dropped.
type Report struct {
	Verdict  Verdict   `json:"verdict"`
	First    uint64    `json:"first"`
	Last     uint64    `json:"last"`
	Entries  int       `json:"entries"` // that are there, and in the chain
	Findings []Finding `json:"findings"`
}

// Verify reads the whole journal and compares it with its head. Errors: fault.StateBusy when ctx ends first;
// fault.DiskFailed. What is wrong with the journal is in the report.
func (j *Journal) Verify(ctx context.Context) (Report, error) {
	s := j.sealer(ctx)
	done, err := j.share(ctx)
	if err != nil {
		return Report{}, err
	}
	defer done()
	h, why, err := j.readHead(s)
	if err != nil {
		return Report{}, err
	}
	from := 0
	if why == found {
		from = h.First.Segment
	}
	logs, err := j.loadAll(from)
	if err != nil {
		return Report{}, fault.New(fault.DiskFailed, err)
	}
	if why != found {
		h, why = headless(logs, why, s, j.Profile)
	}
	return verify(h, why, logs, s, j.Profile), nil
}

// proof is a verification under way.
type proof struct {
	head    head
	sealer  *store.Sealer
	profile string
	lines   []line
	used    []bool // by line: it is in the chain
	wrong   map[uint64]FindingKind
	report  Report
}

// verify walks the chain back from the head: what is reached by a hash is what the head covered. Then it accounts for
// everything else that is there.
func verify(h head, why loss, logs []log, s *store.Sealer, profile string) Report {
	p := &proof{head: h, sealer: s, profile: profile, wrong: map[uint64]FindingKind{}}
	for _, l := range logs {
		p.lines = append(p.lines, l.lines...)
	}
	p.used = make([]bool, len(p.lines))
	p.report = Report{First: h.First.Number, Last: h.Count}
	p.losses(why)
	if b := h.Back; b != nil {
		p.say(OlderCopy, b.First, b.Last, "there were entries of these numbers before an older copy of log and head was put back; what stands there now came after")
	}
	p.back()
	if why == found {
		p.forward()
	}
	p.strangers()
	p.gaps(logs)
	p.notes(logs)
	return p.report.judged()
}

func (p *proof) say(kind FindingKind, first, last uint64, format string, args ...any) {
	p.report.Findings = append(p.report.Findings, Finding{kind, first, last, fmt.Sprintf(format, args...)})
}

// losses tells why there is no head, or was none at some time.
func (p *proof) losses(why loss) {
	first, last := p.head.First.Number, p.head.Count
	if why == found {
		why, last = p.head.Reason, p.head.From-1
	}
	if last < first || last == 0 || p.head.From == 0 && why != noKey {
		last = 0
	}
	switch {
	case why == missing:
		p.say(HeadMissing, first, last, "the head was removed: that these entries are all, and unchanged, is not proven")
	case why == changed:
		p.say(HeadChanged, first, last, "the head was changed: that these entries are all, and unchanged, is not proven")
	case why == otherKey && last > 0:
		p.say(OtherKey, first, last, "these entries were written under another state key: that they are all, and unchanged, is not proven")
	case why == otherKey:
		p.say(OtherKey, 0, 0, "the head was written under another state key, and there is no entry")
	case why == noKey && p.sealer != nil && last > 0:
		p.say(Unsealed, first, last, "the journal began without the state key: that these entries are all, and unchanged, is not proven")
	case why == noKey && p.sealer == nil:
		p.say(NoKey, first, last, "the state key cannot be had: only that the entries fit together is known")
	}
}

// find returns the line of a hash that stands before limit, or any other of that hash, or -1.
func (p *proof) find(number uint64, want string, limit int) int {
	other := -1
	for i := len(p.lines) - 1; i >= 0; i-- {
		x := p.lines[i]
		if !p.used[i] && x.ok && x.hash == want && x.entry.Number == number {
			if i < limit {
				return i
			}
			other = i
		}
	}
	return other
}

// back follows the hashes from the head to the beginning.
func (p *proof) back() {
	at := map[string]int{}         // by hash: the line last seen of it
	numbered := map[uint64][]int{} // by number
	for i, x := range p.lines {
		if x.ok {
			at[x.hash] = i
			numbered[x.entry.Number] = append(numbered[x.entry.Number], i)
		}
	}
	want, limit := p.head.Hash, len(p.lines)
	for number := p.head.Count; number >= p.head.First.Number && number > 0; number-- {
		if want != "" {
			if i, ok := at[want]; ok && p.lines[i].entry.Number == number {
				if i >= limit || len(numbered[number]) > 1 {
					i = p.find(number, want, limit)
				}
				if i >= limit {
					p.wrong[number] = Changed // it stands elsewhere than it was written
				}
				p.used[i], limit = true, min(limit, i)
				want = p.lines[i].entry.Previous
				continue
			}
			p.wrong[number] = Removed
			for _, i := range numbered[number] { // the one that was changed, and hashes to something else
				p.used[i], p.wrong[number] = true, Changed
				break
			}
			want = ""
			continue
		}
		// Beyond a break no hash says which line it was; a seal of ours does.
		choice, sealed := -1, false
		for _, i := range numbered[number] {
			if own := p.own(p.lines[i]); choice < 0 || own && !sealed {
				choice, sealed = i, own
			}
		}
		switch {
		case choice < 0:
			p.wrong[number] = Removed
		case !sealed && p.lines[choice].entry.Sealed != nil && p.sealer != nil && number >= p.head.From:
			p.used[choice], p.wrong[number] = true, Changed
		default:
			p.used[choice], limit = true, min(limit, choice)
			want = p.lines[choice].entry.Previous
		}
	}
	if want != "" && want != p.head.First.Previous && p.head.Count >= p.head.First.Number {
		p.wrong[p.head.First.Number] = Changed
	}
}

// own reports whether a line's seal is ours.
func (p *proof) own(x line) bool {
	return p.sealer != nil && x.entry.Sealed != nil && x.entry.open(p.sealer, p.profile)
}

// forward takes what follows the head and is ours: a program ended before the head was written, or had no key.
func (p *proof) forward() {
	at := p.head
	var older, open bool
	for i, x := range p.lines {
		if p.used[i] || !follows(x, at) || x.entry.Sealed != nil && !p.own(x) {
			continue
		}
		p.used[i] = true
		older = older || x.entry.Head > p.head.Count
		open = open || x.entry.Sealed != nil
		at.Count, at.Hash = x.entry.Number, x.hash
	}
	switch first := p.head.Count + 1; {
	case at.Count < first:
	case older:
		p.say(HeadOlder, first, at.Count, "an older head was put back: these entries were covered by a later one")
	case open:
		p.say(NotCovered, first, at.Count, "the program ended before these entries were put under the head; their seals prove them")
	}
	p.report.Last = at.Count
}

// strangers accounts for the lines that the chain does not have.
func (p *proof) strangers() {
	before := p.head.First.Number - 1 // the entry before the line at hand
	for i, x := range p.lines {
		switch {
		case p.used[i]:
			before = x.entry.Number
		case x.ok:
			p.say(Inserted, x.entry.Number, x.entry.Number, "this stands in %s and is not of the chain, which has another entry of this number or none", segmentName(x.segment))
		case p.wrong[before+1] == Removed:
			before++
			p.wrong[before] = Changed // what is left of it
		default:
			p.say(Inserted, 0, 0, "after entry %d stands something that is no entry", before)
		}
	}
}

// gaps joins what is wrong with entries next to each other, and tells a missing end from a missing middle.
func (p *proof) gaps(logs []log) {
	numbers := make([]uint64, 0, len(p.wrong))
	for n := range p.wrong {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	for i := 0; i < len(numbers); {
		kind, first, last := p.wrong[numbers[i]], numbers[i], numbers[i]
		for i++; i < len(numbers) && numbers[i] == last+1 && p.wrong[numbers[i]] == kind; i++ {
			last++
		}
		switch {
		case kind == Changed:
			p.say(Changed, first, last, "not as it was written")
		case last < p.report.Last || len(logs) == 0:
			p.say(Removed, first, last, "missing, with what came before and after still there or known")
		case logs[len(logs)-1].headed && logs[len(logs)-1].segment == p.head.Segment && logs[len(logs)-1].covered < p.head.Count:
			p.say(OlderCopy, first, last, "missing at the end: %s is an older copy, of when there were %d entries", segmentName(p.head.Segment), logs[len(logs)-1].covered)
		default:
			p.say(Truncated, first, last, "missing at the end: the file was cut")
		}
	}
}

// notes tells the rest: what a crash left, what was written without a key, what was lost.
func (p *proof) notes(logs []log) {
	for i, l := range logs {
		whole := p.wrong[p.head.Count] == ""
		switch {
		case !l.headed && len(l.lines) > 0:
			p.say(Changed, 0, 0, "%s does not begin as it was written", segmentName(l.segment))
		case l.cut > 0 && i == len(logs)-1 && whole:
			p.say(CutOff, 0, 0, "the last entry was cut off after %d bytes, when the program or the machine ended; the next one goes on", l.cut)
		case l.cut > 0 && i < len(logs)-1:
			p.say(Inserted, 0, 0, "%s ends in something that is no entry", segmentName(l.segment))
		}
		if i == len(logs)-1 && l.headed && l.covered > p.report.Last {
			p.say(OlderCopy, p.report.Last+1, l.covered, "missing at the end: log and head are older than what %s says of itself", segmentName(l.segment))
		}
	}
	var first, last uint64
	unsealed := 0
	for i, x := range p.lines {
		if !p.used[i] {
			continue
		}
		p.report.Entries++
		if x.entry.Sealed == nil && x.entry.Number >= p.head.From && p.sealer != nil && p.wrong[x.entry.Number] == "" {
			if unsealed++; unsealed == 1 {
				first = x.entry.Number
			}
			last = x.entry.Number
		}
		if x.entry.Lost > 0 {
			p.say(LostBefore, x.entry.Number, x.entry.Number, "%d requests before this entry could not be recorded at the time", x.entry.Lost)
		}
	}
	if unsealed > 0 {
		p.say(Unsealed, first, last, "%d of these entries were written without the state key: that we wrote them is not proven", unsealed)
	}
}

// judged gives the report its verdict: the worst of its findings.
func (r Report) judged() Report {
	r.Verdict = Intact
	for _, f := range r.Findings {
		switch v := f.Kind.verdict(); {
		case v == Damaged, v == Unproven && r.Verdict == Intact:
			r.Verdict = v
		}
	}
	if r.Findings == nil {
		r.Findings = []Finding{}
	}
	return r
}

// Err returns nil for an intact journal, else fault.JournalDamaged or fault.JournalUnproven.
func (r Report) Err() error {
	switch r.Verdict {
	case Intact:
		return nil
	case Unproven:
		return fault.New(fault.JournalUnproven, nil)
	default:
		return fault.New(fault.JournalDamaged, nil)
	}
}
