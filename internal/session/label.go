package session

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"latchkey/internal/fault"
)

// labelMost is the longest label, in characters.
const labelMost = 100

// CheckLabel reports whether label can name a session: 1 to 100 printable characters, no space at either end. Errors:
// fault.RequestInvalid.
func CheckLabel(label string) error {
	n := utf8.RuneCountInString(label)
	bad := func(r rune) bool { return !unicode.IsPrint(r) }
	if !utf8.ValidString(label) || n < 1 || n > labelMost || strings.TrimSpace(label) != label || strings.ContainsFunc(label, bad) {
		return fault.New(fault.RequestInvalid, fmt.Errorf("a label is 1 to %d printable characters, not %q", labelMost, label))
	}
	return nil
}

// freeLabel returns label, with a number behind it if a live session has it already.
func (s *state) freeLabel(label string) string {
	free := label
	for n := 2; s.labelled(free) != nil; n++ {
		free = fmt.Sprintf("%s-%d", label, n)
	}
	return free
}

// labelled returns the live session that has label, or nil.
func (s *state) labelled(label string) *record {
	i := slices.IndexFunc(s.Sessions, func(r record) bool { return r.Ended == nil && r.Label == label })
	if i < 0 {
		return nil
	}
	return &s.Sessions[i]
}

// renamed: the user calls a session otherwise.
type renamed struct{ id, label string }

func (e renamed) apply(s *state, _ instant) error {
	r := s.session(e.id)
	if r == nil {
		return fault.New(fault.SessionNone, nil)
	}
	if other := s.labelled(e.label); other != nil && other.ID != e.id {
		return fault.New(fault.LabelTaken, fmt.Errorf("session %s", other.ID))
	}
	r.Label = e.label
	return nil
}

// Rename gives the session called id another label. Errors: fault.RequestInvalid as [CheckLabel]; fault.LabelTaken when
// another live session has it; fault.SessionNone; those of the file.
func (m *Manager) Rename(ctx context.Context, id, label string) error {
	m.prepare()
	if err := CheckLabel(label); err != nil {
		return err
	}
	_, err := m.update(ctx, "rename", renamed{id, label})
	return err
}

// Labelled reports whether a live session has label.
func (m *Manager) Labelled(label string) bool {
	st := m.snapshot()
	return st.labelled(label) != nil
}

// Find returns the session that word means: an id, a label, or the beginning of one id alone; "" is the active one. Live
// sessions are found before ended ones of the same label. Errors: fault.SessionUnknown, or for "" fault.SessionNone;
// fault.RequestInvalid when word is the beginning of several ids.
func (m *Manager) Find(word string) (Session, error) {
	m.prepare()
	if err := m.sync(); err != nil {
		return Session{}, err
	}
	st := m.snapshot()
	if word == "" {
		if st.session(st.Active) == nil {
			return Session{}, fault.New(fault.SessionNone, nil)
		}
		word = st.Active
	}
	if r := st.session(word); r != nil {
		return m.view(*r, st.Active), nil
	}
	if r := st.labelled(word); r != nil {
		return m.view(*r, st.Active), nil
	}
	var found []record
	for _, r := range slices.Backward(st.Sessions) { // of ended ones the latest
		if r.Label == word {
			return m.view(r, st.Active), nil
		}
		if strings.HasPrefix(r.ID, word) {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 0:
		return Session{}, fault.New(fault.SessionUnknown, fmt.Errorf("%q", word))
	case 1:
		return m.view(found[0], st.Active), nil
	}
	return Session{}, fault.New(fault.RequestInvalid, fmt.Errorf("%d sessions begin with %q", len(found), word))
}
