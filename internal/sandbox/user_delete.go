package sandbox

import (
	"slices"

	"github.com/google/uuid"
)

// deleteUsers takes users away, the one who asks among them if named. Those who remain must be able to make the root
// quorum.
type deleteUsers struct {
	UserIDs []string `json:"userIds" need:"yes"`
	nobody
}

// matter shows policies whom it is about.
func (in *deleteUsers) matter(*call) matter {
	return matter{params: map[string]any{"user_ids": in.UserIDs}}
}

func (in *deleteUsers) run(t *tx) (any, error) {
	if len(in.UserIDs) == 0 {
		return nil, invalid("no user IDs provided")
	}
	off, err := t.findUsers(in.UserIDs)
	if err != nil {
		return nil, err
	}
	settled := *t.org.settings
	if err := t.removeUsers(off, &settled); err != nil {
		return nil, err
	}
	if len(settled.root) < len(t.org.root) {
		t.stage(resettled{t.org, &settled})
	}
	return userIDs{in.UserIDs}, nil
}

// removeUsers stages the end of users and of what is theirs alone, and takes them out of the root users of settled,
// which is not installed yet.
func (t *tx) removeUsers(off map[uuid.UUID]bool, settled *settings) error {
	root := slices.DeleteFunc(slices.Clone(settled.root), func(id uuid.UUID) bool { return off[id] })
	if len(root) < int(settled.threshold) {
		return invalid("quorum users missing: the root quorum needs %d users", settled.threshold)
	}
	for _, u := range t.org.users {
		if off[u.id] {
			t.stage(gone{u})
		}
	}
	for _, p := range t.org.shelved().factors.all {
		if off[p.user] {
			t.stage(gone{p})
		}
	}
	for _, i := range t.org.shelved().imports.all {
		if off[i.user] {
			t.stage(gone{i})
		}
	}
	settled.root = root
	return nil
}
