package sandbox

import (
	"slices"

	"github.com/google/uuid"
)

// updateRootQuorum says who the root users are and how many of them must agree.
type updateRootQuorum struct {
	Threshold *integer `json:"threshold" need:"yes"`
	UserIDs   []string `json:"userIds" need:"yes"`
	nobody
}

func (in *updateRootQuorum) run(t *tx) (any, error) {
	if *in.Threshold < 1 {
		return nil, invalid("quorum threshold must be non-zero integer")
	}
	if len(in.UserIDs) > usersMax {
		return nil, invalid("too many user IDs: at most %d", usersMax)
	}
	var root []uuid.UUID
	for _, text := range in.UserIDs {
		id, ok := parseID(text)
		if !ok {
			return nil, invalid("malformed user ID provided")
		}
		if t.org.user(id) == nil {
			return nil, invalid("quorum users missing userId=%s", id)
		}
		if !slices.Contains(root, id) {
			root = append(root, id)
		}
	}
	if int(*in.Threshold) > len(root) {
		return nil, invalid("quorum users missing")
	}
	next := *t.org.settings
	next.threshold, next.root = int32(*in.Threshold), root
	t.stage(resettled{t.org, &next})
	return struct{}{}, nil
}
