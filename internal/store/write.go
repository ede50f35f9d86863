package store

import (
	"errors"
	"io/fs"
	"os"
)

// write stores data as the next generation. Each step leaves a folder from which read gets the state before or after.
func (d *Dir) write(name string, data []byte) error {
	newest, newestErr := d.load(name)
	previous, previousErr := d.load(name + older)
	for _, err := range []error{newestErr, previousErr} {
		if err != nil && !errors.Is(err, errDamaged) && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	next := generation{number: max(newest.number, previous.number) + 1, data: data}
	pending, err := prepare(d.Path, d.file(name), encode(next))
	if err != nil {
		return err
	}
	defer pending.discard()

	switch {
	case newestErr == nil && (previousErr != nil || newest.number >= previous.number):
		err = d.keep(name, name+older)
	case newestErr == nil || errors.Is(newestErr, errDamaged):
		err = d.keep(name, name+damaged) // damaged, or an old one put back: the good one beside it stays
	}
	if err != nil {
		return err
	}
	if err := pending.commit(); err != nil {
		return err
	}
	return syncFolder(d.Path)
}

// keep gives the file from the second name to, which it replaces in one step, so that neither name is ever missing.
func (d *Dir) keep(from, to string) error {
	temp := d.file("." + to + ".link")
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Link(d.file(from), temp); err != nil { // a file system without links: copy
		raw, err := os.ReadFile(d.file(from))
		if err != nil {
			return err
		}
		copied, err := prepare(d.Path, d.file(to), raw)
		if err != nil {
			return err
		}
		defer copied.discard()
		return copied.commit()
	}
	if err := os.Rename(temp, d.file(to)); err != nil {
		_ = os.Remove(temp)
		return err
	}
	// Renaming one link of a file over another link of it does nothing, and leaves both.
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// setAside moves the damaged generations of name out of the way. Trouble on the way is not reported: the caller has
// a worse error to tell.
func (d *Dir) setAside(name string) {
	for _, file := range []string{name + older, name} { // the newest last: it is the one worth keeping as .damaged
		_ = os.Rename(d.file(file), d.file(name+damaged))
	}
	if _, err := d.load(name + damaged); err == nil {
		// Another process wrote a good file between our look and our move: give it back, unless it wrote again.
		if os.Link(d.file(name+damaged), d.file(name)) == nil {
			_ = os.Remove(d.file(name + damaged))
		}
	}
	_ = syncFolder(d.Path)
}
