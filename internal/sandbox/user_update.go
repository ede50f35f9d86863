package sandbox

import "github.com/google/uuid"

// updateUser changes what is named: an empty name, contact or list of tags leaves things as they are.
type updateUser struct {
	UserID          string   `json:"userId" need:"text"`
	UserName        string   `json:"userName,omitempty"`
	UserEmail       string   `json:"userEmail,omitempty"`
	UserTagIDs      []string `json:"userTagIds,omitempty"`
	UserPhoneNumber string   `json:"userPhoneNumber,omitempty"`
	nobody
}

func (in *updateUser) run(t *tx) (any, error) {
	u, err := t.findUser(in.UserID)
	if err != nil {
		return nil, err
	}
	next := *u
	if in.UserName != "" {
		next.name = in.UserName
	}
	if in.UserEmail != "" {
		if err := next.setEmail(in.UserEmail, false); err != nil {
			return nil, err
		}
	}
	if in.UserPhoneNumber != "" {
		if err := next.setPhone(in.UserPhoneNumber, false); err != nil {
			return nil, err
		}
	}
	if len(in.UserTagIDs) > 0 {
		if next.tags, err = t.findTags(tagOfUser, in.UserTagIDs); err != nil {
			return nil, err
		}
	}
	return t.updated(next)
}

// updateUserName gives a user another name.
type updateUserName struct {
	UserID   string `json:"userId" need:"text"`
	UserName string `json:"userName" need:"text"`
	nobody
}

func (in *updateUserName) run(t *tx) (any, error) {
	u, err := t.findUser(in.UserID)
	if err != nil {
		return nil, err
	}
	next := *u
	next.name = in.UserName
	return t.updated(next)
}

// updated stages a changed user.
func (t *tx) updated(next user) (any, error) {
	next.updated = t.now
	t.stage(&next)
	return struct {
		UserID uuid.UUID `json:"userId"`
	}{next.id}, nil
}
