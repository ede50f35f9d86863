package store

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"latchkey/internal/fault"
)

// generation is one readable file.
type generation struct {
	number uint64
	data   []byte
}

// magic begins every header; the 1 is the version of the form.
const magic = "latchkey 1 "

// maxHeader is the longest header line: magic, 20 digits, a space, 64 hex characters, a line end.
const maxHeader = len(magic) + 20 + 1 + 64 + 1

var errDamaged = errors.New("the file is damaged")

func (g generation) header() string {
	// The sum finds damage, not malice: whoever may write here may also compute it.
	sum := sha256.New()
	fmt.Fprintf(sum, "%d\n", g.number)
	sum.Write(g.data)
	return fmt.Sprintf("%s%d %x\n", magic, g.number, sum.Sum(nil))
}

func encode(g generation) []byte { return append([]byte(g.header()), g.data...) }

// decode reads what encode wrote, and nothing else: errDamaged.
func decode(raw []byte) (generation, error) {
	line, _, ok := strings.Cut(string(raw[:min(len(raw), maxHeader)]), "\n")
	if !ok {
		return generation{}, errDamaged
	}
	digits, _, _ := strings.Cut(strings.TrimPrefix(line, magic), " ")
	number, err := strconv.ParseUint(digits, 10, 64)
	g := generation{number, raw[len(line)+1:]}
	if err != nil || g.header() != line+"\n" {
		return generation{}, errDamaged
	}
	return g, nil
}

// load reads one file: errDamaged if it is not whole, fs.ErrNotExist if there is none.
func (d *Dir) load(file string) (generation, error) {
	if err := d.step("read"); err != nil {
		return generation{}, err
	}
	var f *os.File
	err := patiently(func() (err error) {
		f, err = os.Open(d.file(file))
		return err
	})
	if err != nil {
		return generation{}, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, int64(MaxSize+maxHeader+1)))
	if err != nil {
		return generation{}, err
	}
	return decode(raw)
}

// pair is what stands on disk under one name.
type pair struct {
	newest, previous       generation
	newestErr, previousErr error // errDamaged or fs.ErrNotExist
}

// look reads both generations. Its own error is that of the disk: a disk that fails now is no reason to fall back to
// an older state, or to give one up.
func (d *Dir) look(name string) (p pair, err error) {
	// In this order: were the newest read first, two writes in between would make it look older than the previous.
	p.previous, p.previousErr = d.load(name + older)
	p.newest, p.newestErr = d.load(name)
	for _, err := range []error{p.newestErr, p.previousErr} {
		if err != nil && !errors.Is(err, errDamaged) && !errors.Is(err, fs.ErrNotExist) {
			return pair{}, err
		}
	}
	return p, nil
}

// current reports whether the file under the name itself is the newest good state.
func (p pair) current() bool {
	return p.newestErr == nil && (p.previousErr != nil || p.newest.number >= p.previous.number)
}

// read returns the newest good generation. Its errors are faults.
func (d *Dir) read(name string) ([]byte, error) {
	p, err := d.look(name)
	switch {
	case err != nil:
		return nil, readFault(err)
	case p.current():
		return p.newest.data, nil
	case p.previousErr == nil:
		reason := p.newestErr
		if reason == nil {
			reason = fmt.Errorf("generation %d was put back in place of %d or later", p.newest.number, p.previous.number)
		}
		if d.Notice != nil {
			d.Notice(name, fault.New(fault.StateRecovered, reason))
		}
		return p.previous.data, nil
	case errors.Is(p.newestErr, fs.ErrNotExist) && errors.Is(p.previousErr, fs.ErrNotExist):
		return nil, fault.NotFound
	}
	if !d.Untouched {
		d.setAside(name)
	}
	return nil, fault.New(fault.StateCorrupt, errDamaged)
}

// setAside moves the damaged generations of name out of the way. Trouble on the way is not reported: the caller has
// a worse error to tell.
func (d *Dir) setAside(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, file := range []string{name + older, name} { // the newest last: it is the one worth keeping as .damaged
		_ = os.Rename(d.file(file), d.file(name+damaged))
	}
	if _, err := d.load(name + damaged); err == nil {
		// Another process wrote a good file between our look and our move: give it back, unless it wrote again.
		_ = os.Link(d.file(name+damaged), d.file(name))
		_ = os.Remove(d.file(name + damaged))
	}
	_ = d.sync()
}
