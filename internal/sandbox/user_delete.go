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
	root := slices.DeleteFunc(slices.Clone(t.org.root), func(id uuid.UUID) bool { return off[id] })
	if len(root) < int(t.org.threshold) {
		return nil, invalid("quorum users missing: the root quorum needs %d users", t.org.threshold)
	}
	for _, u := range t.org.users {
		if off[u.id] {
			for _, p := range u.mfaPolicies() {
				t.stage(gone{p})
			}
			t.stage(gone{u})
		}
	}
	if len(root) < len(t.org.root) {
		next := *t.org.settings
		next.root = root
		t.stage(resettled{t.org, &next})
	}
	return userIDs{in.UserIDs}, nil
}
