package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// write stores data as the next generation. Each step leaves a folder from which read gets the state before or after.
func (d *Dir) write(name string, data []byte) error {
	p, err := d.look(name)
	if err != nil {
		return err
	}
	next := generation{max(p.newest.number, p.previous.number) + 1, data}
	file, err := d.prepare(name, encode(next))
	if err != nil {
		return err
	}
	defer file.discard()

	switch {
	case p.current():
		err = d.keep(name, name+older)
	case !errors.Is(p.newestErr, fs.ErrNotExist):
		err = d.keep(name, name+damaged) // damaged, or an old one put back: the good one beside it stays
	}
	if err != nil {
		return err
	}
	return d.commit(file)
}

// keep makes the file from known as to, which it replaces, in steps that leave neither name missing.
func (d *Dir) keep(from, to string) error {
	temp := "." + to + ".link"
	if err := d.remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := d.step("link"); err != nil {
		return err
	}
	if os.Link(d.file(from), d.file(temp)) != nil { // a file system without links; if the disk is in trouble, so is the copy
		raw, err := os.ReadFile(d.file(from))
		if err != nil {
			return err
		}
		file, err := d.prepare(to, raw)
		if err != nil {
			return err
		}
		defer file.discard()
		return d.commit(file)
	}
	err := d.step("rename")
	if err == nil {
		err = patiently(func() error { return os.Rename(d.file(temp), d.file(to)) })
	}
	// Renaming one link of a file over another link of it does nothing and leaves both: remove it in any case.
	_ = os.Remove(d.file(temp))
	return err
}

// prepare writes raw, whole and durable, beside the file that it is to become.
func (d *Dir) prepare(name string, raw []byte) (*pending, error) {
	if err := d.step("write"); err != nil {
		return nil, err
	}
	return prepare(d.Path, d.file(name), raw)
}

// commit gives a prepared file its name, durably.
func (d *Dir) commit(file *pending) error {
	if err := d.step("commit"); err != nil {
		return err
	}
	if err := patiently(file.commit); err != nil {
		return err
	}
	return d.sync()
}

func (d *Dir) remove(file string) error {
	if err := d.step("remove"); err != nil {
		return err
	}
	return os.Remove(d.file(file))
}

func (d *Dir) sync() error {
	if err := d.step("sync"); err != nil {
		return err
	}
	return syncFolder(d.Path)
}

// unfinished matches what a write leaves behind when the machine stops in the middle of it.
var unfinished = regexp.MustCompile(`^\.[A-Za-z0-9._-]*([0-9]{6,}|\.link)$`)

// sweep removes what unfinished writes left, once no writer can still be at it. Trouble is left to those who write.
func (d *Dir) sweep() {
	entries, _ := os.ReadDir(d.Path)
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !unfinished.MatchString(entry.Name()) {
			continue
		}
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = os.Remove(filepath.Join(d.Path, entry.Name()))
		}
	}
}
