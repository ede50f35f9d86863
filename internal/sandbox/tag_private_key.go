package sandbox

import (
	"slices"

	"github.com/google/uuid"
)

func listPrivateKeyTags(c *call, _ *nothing) (any, error) {
	return struct {
		PrivateKeyTags []tagView `json:"privateKeyTags"`
	}{c.tagViews(tagOfPrivateKey)}, nil
}

// createPrivateKeyTag makes a tag and gives it to private keys.
type createPrivateKeyTag struct {
	PrivateKeyTagName string   `json:"privateKeyTagName" need:"text"`
	PrivateKeyIDs     []string `json:"privateKeyIds" need:"yes"`
	nobody
}

func (in *createPrivateKeyTag) run(t *tx) (any, error) {
	g, err := t.makeTag(tagOfPrivateKey, in.PrivateKeyTagName)
	if err != nil {
		return nil, err
	}
	with, err := t.findPrivateKeys(in.PrivateKeyIDs)
	if err != nil {
		return nil, err
	}
	t.retagKeys(func(k *privateKey) []uuid.UUID { return tagged(k.tags, g.id, with[k.id], false) })
	return struct {
		PrivateKeyTagID uuid.UUID `json:"privateKeyTagId"`
		PrivateKeyIDs   []string  `json:"privateKeyIds"`
	}{g.id, append([]string{}, in.PrivateKeyIDs...)}, nil
}

// updatePrivateKeyTag is updateUserTag for private keys.
type updatePrivateKeyTag struct {
	PrivateKeyTagID      string   `json:"privateKeyTagId" need:"text"`
	NewPrivateKeyTagName string   `json:"newPrivateKeyTagName,omitempty"`
	AddPrivateKeyIDs     []string `json:"addPrivateKeyIds" need:"yes"`
	RemovePrivateKeyIDs  []string `json:"removePrivateKeyIds" need:"yes"`
	nobody
}

func (in *updatePrivateKeyTag) run(t *tx) (any, error) {
	g, err := t.findTag(tagOfPrivateKey, in.PrivateKeyTagID)
	if err != nil {
		return nil, err
	}
	with, err := t.findPrivateKeys(in.AddPrivateKeyIDs)
	if err != nil {
		return nil, err
	}
	without, err := t.findPrivateKeys(in.RemovePrivateKeyIDs)
	if err != nil {
		return nil, err
	}
	if err := t.renameTag(g, in.NewPrivateKeyTagName); err != nil {
		return nil, err
	}
	t.retagKeys(func(k *privateKey) []uuid.UUID { return tagged(k.tags, g.id, with[k.id], without[k.id]) })
	return struct {
		PrivateKeyTagID string `json:"privateKeyTagId"`
	}{in.PrivateKeyTagID}, nil
}

// deletePrivateKeyTags takes tags away, from their private keys too, which the answer names.
type deletePrivateKeyTags struct {
	PrivateKeyTagIDs []string `json:"privateKeyTagIds" need:"yes"`
	nobody
}

func (in *deletePrivateKeyTags) run(t *tx) (any, error) {
	if len(in.PrivateKeyTagIDs) == 0 {
		return nil, invalid("no private key tag IDs provided")
	}
	off, err := t.findTags(tagOfPrivateKey, in.PrivateKeyTagIDs)
	if err != nil {
		return nil, err
	}
	had := t.retagKeys(func(k *privateKey) []uuid.UUID { return untagged(k.tags, off) })
	t.dropTags(off)
	return struct {
		PrivateKeyTagIDs []string    `json:"privateKeyTagIds"`
		PrivateKeyIDs    []uuid.UUID `json:"privateKeyIds"`
	}{in.PrivateKeyTagIDs, had}, nil
}

// retagKeys stages every private key of the organization whose tags change, and returns their ids.
func (t *tx) retagKeys(tags func(k *privateKey) []uuid.UUID) []uuid.UUID {
	changed := []uuid.UUID{}
	for _, k := range t.org.shelved().keys.all {
		now := tags(k)
		if slices.Equal(now, k.tags) {
			continue
		}
		next := *k
		next.tags, next.updated = now, t.now
		t.stage(&next)
		changed = append(changed, k.id)
	}
	return changed
}

// findPrivateKeys returns the ids of private keys of the organization. The caller holds the lock.
func (c *call) findPrivateKeys(ids []string) (map[uuid.UUID]bool, error) {
	if len(ids) > privateKeysMax {
		return nil, invalid("too many private key IDs: at most %d", privateKeysMax)
	}
	found := make(map[uuid.UUID]bool, len(ids))
	for _, id := range ids {
		k, err := c.findPrivateKey(id)
		if err != nil {
			return nil, err
		}
		found[k.id] = true
	}
	return found, nil
}
