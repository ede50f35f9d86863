package sandbox

import (
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// deleteSubOrganization ends the sub-organization that asks for it, with everything it has but its activities, which
// nobody can ask for any more. The answer to it is the last.
type deleteSubOrganization struct{ deletion }

func (in *deleteSubOrganization) run(t *tx) (any, error) {
	o := t.org
	switch {
	case o.parent == nil:
		return nil, subOrganizationOnly()
	case !t.user.isRoot():
		return nil, invalid("a sub-organization can only be deleted by one of its root users")
	}
	if !in.forced() {
		if err := o.exportedWhole(); err != nil {
			return nil, err
		}
	}
	things, err := t.state.belongings(o)
	if err != nil {
		return nil, err
	}
	t.stage(things...)
	return struct {
		SubOrganizationUUID string `json:"subOrganizationUuid"`
	}{o.id.String()}, nil
}

// exportedWhole refuses an organization with keys that have never left it. The caller holds the lock.
func (o *organization) exportedWhole() error {
	for _, w := range o.wallets {
		if !w.exported {
			return invalid("wallet has not been exported walletId=%s", w.id)
		}
	}
	for _, k := range o.shelved().keys.all {
		if !k.exported {
			return invalid("private key has not been exported privateKeyId=%s", k.id)
		}
	}
	return nil
}

// belongings takes away every record of o, and o itself at last. They are those that a state would have in which o
// were alone, so that no kind of record is forgotten.
func (s *state) belongings(o *organization) ([]record, error) {
	alone := &state{parent: o, inbox: newInbox(), otps: newOTPs(), held: map[uuid.UUID]*held{}}
	for id, code := range s.otps.byID {
		if code.org == o {
			alone.otps.byID[id] = code
		}
	}
	for id, h := range s.held {
		if h.org == o.id {
			alone.held[id] = h
		}
	}
	var out []record
	for i := len(recordKinds) - 1; i >= 0; i-- { // what refers to another goes first
		for r := range recordKinds[i].all(alone) {
			r, ok := r.(removable)
			if !ok {
				return nil, fmt.Errorf("records of %s cannot be taken away", recordKinds[i].bucket)
			}
			out = append(out, gone{r})
		}
	}
	return out, nil
}

// uninstall forgets a code wherever it stands in the queue, unlike overOTP.
func (o *otp) uninstall(s *state) {
	overOTP{o}.install(s)
	s.otps.queue = slices.DeleteFunc(s.otps.queue, func(id uuid.UUID) bool { return id == o.id })
}
