package sandbox

import (
	"slices"

	"github.com/google/uuid"
)

func listUserTags(c *call, _ *nothing) (any, error) {
	return struct {
		UserTags []tagView `json:"userTags"`
	}{c.tagViews(tagOfUser)}, nil
}

// createUserTag makes a tag and gives it to users.
type createUserTag struct {
	UserTagName string   `json:"userTagName" need:"text"`
	UserIDs     []string `json:"userIds" need:"yes"`
	nobody
}

func (in *createUserTag) run(t *tx) (any, error) {
	g, err := t.makeTag(tagOfUser, in.UserTagName)
	if err != nil {
		return nil, err
	}
	with, err := t.findUsers(in.UserIDs)
	if err != nil {
		return nil, err
	}
	t.retag(func(u *user) []uuid.UUID { return tagged(u.tags, g.id, with[u.id], false) })
	return struct {
		UserTagID uuid.UUID `json:"userTagId"`
		UserIDs   []string  `json:"userIds"`
	}{g.id, append([]string{}, in.UserIDs...)}, nil
}

// updateUserTag gives a tag another name, to some users, and takes it from others. Whoever is named twice loses it.
type updateUserTag struct {
	UserTagID      string   `json:"userTagId" need:"text"`
	NewUserTagName string   `json:"newUserTagName,omitempty"`
	AddUserIDs     []string `json:"addUserIds" need:"yes"`
	RemoveUserIDs  []string `json:"removeUserIds" need:"yes"`
	nobody
}

func (in *updateUserTag) run(t *tx) (any, error) {
	g, err := t.findTag(tagOfUser, in.UserTagID)
	if err != nil {
		return nil, err
	}
	with, err := t.findUsers(in.AddUserIDs)
	if err != nil {
		return nil, err
	}
	without, err := t.findUsers(in.RemoveUserIDs)
	if err != nil {
		return nil, err
	}
	if err := t.renameTag(g, in.NewUserTagName); err != nil {
		return nil, err
	}
	t.retag(func(u *user) []uuid.UUID { return tagged(u.tags, g.id, with[u.id], without[u.id]) })
	return struct {
		UserTagID string `json:"userTagId"`
	}{in.UserTagID}, nil
}

// deleteUserTags takes tags away, from their users too, whom the answer names.
type deleteUserTags struct {
	UserTagIDs []string `json:"userTagIds" need:"yes"`
	nobody
}

func (in *deleteUserTags) run(t *tx) (any, error) {
	if len(in.UserTagIDs) == 0 {
		return nil, invalid("no user tag IDs provided")
	}
	off, err := t.findTags(tagOfUser, in.UserTagIDs)
	if err != nil {
		return nil, err
	}
	had := t.retag(func(u *user) []uuid.UUID { return untagged(u.tags, off) })
	t.dropTags(off)
	return struct {
		UserTagIDs []string    `json:"userTagIds"`
		UserIDs    []uuid.UUID `json:"userIds"`
	}{in.UserTagIDs, had}, nil
}

// retag stages every user of the organization whose tags change, and returns their ids.
func (t *tx) retag(tags func(u *user) []uuid.UUID) []uuid.UUID {
	changed := []uuid.UUID{}
	for _, u := range t.org.users {
		now := tags(u)
		if slices.Equal(now, u.tags) {
			continue
		}
		next := *u
		next.tags, next.updated = now, t.now
		t.stage(&next)
		changed = append(changed, u.id)
	}
	return changed
}

// findUsers returns the ids of users of the organization. The caller holds the lock.
func (c *call) findUsers(ids []string) (map[uuid.UUID]bool, error) {
	if len(ids) > usersMax {
		return nil, invalid("too many user IDs: at most %d", usersMax)
	}
	found := make(map[uuid.UUID]bool, len(ids))
	for _, id := range ids {
		u, err := c.findUser(id)
		if err != nil {
			return nil, err
		}
		found[u.id] = true
	}
	return found, nil
}
