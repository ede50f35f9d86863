package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	// SegmentSize is the size from which on a log is followed by the next.
	SegmentSize = 4 << 20
	// Segments is how many logs are kept.
	Segments = 8
	// maxSegment is the most that is read of one: what is longer is not ours.
	maxSegment = SegmentSize + 64*maxLine
)

const (
	magic      = "latchkey journal 1 "
	headerSize = len(magic) + 20 + 1
)

// header is the first line of a log: what the head covered when it was last written. It proves nothing, and tells an
// older copy of a log from one that was cut.
func header(covered uint64) []byte { return fmt.Appendf(nil, "%s%020d\n", magic, covered) }

func parseHeader(raw []byte) (covered uint64, ok bool) {
	if len(raw) < headerSize || !bytes.HasPrefix(raw, []byte(magic)) {
		return 0, false
	}
	covered, err := strconv.ParseUint(string(raw[len(magic):headerSize-1]), 10, 64)
	return covered, err == nil && bytes.Equal(raw[:headerSize], header(covered))
}

func segmentName(number int) string { return fmt.Sprintf("journal-%06d.log", number) }

func (j *Journal) path(segment int) string { return filepath.Join(j.Dir.Path, segmentName(segment)) }

// segments returns the numbers of the logs that are there, in order.
func (j *Journal) segments() ([]int, error) {
	entries, err := os.ReadDir(j.Dir.Path)
	if err != nil {
		return nil, err
	}
	var all []int
	for _, e := range entries {
		digits, ok := strings.CutPrefix(strings.TrimSuffix(e.Name(), ".log"), "journal-")
		number, err := strconv.Atoi(digits)
		if ok && err == nil && number > 0 && e.Type().IsRegular() && e.Name() == segmentName(number) {
			all = append(all, number)
		}
	}
	slices.Sort(all)
	return all, nil
}

// line is one line of a log as it was found.
type line struct {
	segment int
	end     int64  // where it ends in its file, line end included
	size    int    // line end included
	hash    string // of its bytes
	entry   Entry
	ok      bool // it is an entry
}

// log is one file as it was found.
type log struct {
	segment int
	covered uint64 // what its header says
	headed  bool   // it has a header
	lines   []line
	cut     int64 // bytes after the last line end
}

// load reads one log. Its error is that of the disk, [fs.ErrNotExist] among them.
func (j *Journal) load(segment int) (log, error) {
	f, err := os.Open(j.path(segment))
	if err != nil {
		return log{}, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	raw, err := io.ReadAll(io.LimitReader(f, maxSegment+1))
	if err != nil {
		return log{}, err
	}
	if len(raw) > maxSegment {
		return log{}, fmt.Errorf("%s is over %d bytes", segmentName(segment), maxSegment)
	}
	l := log{segment: segment}
	at := 0
	if l.covered, l.headed = parseHeader(raw); l.headed {
		at = headerSize
	}
	for at < len(raw) {
		text, _, whole := bytes.Cut(raw[at:], []byte("\n"))
		if !whole {
			l.cut = int64(len(text))
			break
		}
		at += len(text) + 1
		found := line{segment: segment, end: int64(at), size: len(text) + 1, hash: hash(text)}
		found.entry, err = parse(text)
		found.ok = err == nil
		l.lines = append(l.lines, found)
	}
	return l, nil
}

// loadAll reads the logs from number from on. One that went meanwhile is not there.
func (j *Journal) loadAll(from int) ([]log, error) {
	numbers, err := j.segments()
	if err != nil {
		return nil, err
	}
	var all []log
	for _, n := range numbers {
		if n < from {
			continue
		}
		l, err := j.load(n)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

// tail is a log that is open for appending.
type tail struct {
	*os.File
	segment int
	size    int64  // up to the last line end
	cut     int64  // what stood after it, and is gone
	covered uint64 // what its header says
}

// openTail opens a log for appending, makes it if it is not there, and removes what a crash left of an entry.
func (j *Journal) openTail(segment int) (t *tail, err error) {
	f, err := os.OpenFile(j.path(segment), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	t = &tail{File: f, segment: segment, size: info.Size()}
	if t.size < int64(headerSize) { // new, or a crash while it was made
		if err := j.reached("header"); err != nil {
			return nil, err
		}
		if err := f.Truncate(0); err != nil {
			return nil, err
		}
		if _, err := f.WriteAt(header(0), 0); err != nil {
			return nil, errors.Join(err, f.Truncate(0))
		}
		t.size = int64(headerSize)
		return t, nil
	}
	first := make([]byte, headerSize)
	if _, err := f.ReadAt(first, 0); err != nil {
		return nil, err
	}
	t.covered, _ = parseHeader(first) // Verify tells of one that is none
	end, err := lastLineEnd(f, t.size)
	if err != nil {
		return nil, err
	}
	if end < t.size {
		t.cut = t.size - end
		if err := f.Truncate(end); err != nil {
			return nil, err
		}
		t.size = end
	}
	return t, nil
}

// lastLineEnd returns where the last whole line of a file ends, 0 if there is none.
func lastLineEnd(f io.ReaderAt, size int64) (int64, error) {
	const step = 64 << 10
	for end := size; end > 0; end -= step {
		from := max(0, end-step)
		chunk := make([]byte, end-from)
		if _, err := f.ReadAt(chunk, from); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if i := bytes.LastIndexByte(chunk, '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
	}
	return 0, nil
}
