package sandbox

import (
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// tag is a label that an organization gives to users or to private keys. Policies know it by its id. Who has it stands
// with those who have it.
type tag struct {
	id      uuid.UUID
	number  uint64
	org     *organization
	kind    tagKind
	name    string
	created int64
	updated int64
}

// tagKind is what a tag is given to.
type tagKind string

// The kinds, which stand on disk by name.
const (
	tagOfUser       tagKind = "TAG_TYPE_USER"
	tagOfPrivateKey tagKind = "TAG_TYPE_PRIVATE_KEY"
)

// noun is the kind in messages.
func (k tagKind) noun() string {
	if k == tagOfPrivateKey {
		return "private key tag"
	}
	return "user tag"
}

// How many tags of all kinds an organization may have, as the service documents.
const (
	tagsMax    = 100 // a parent
	subTagsMax = 10  // a sub-organization
)

func (g *tag) ident() uuid.UUID   { return g.id }
func (g *tag) install(s *state)   { g.org.shelf().tags.put(g) }
func (g *tag) uninstall(s *state) { g.org.shelf().tags.drop(g.id) }

type tagOnDisk struct {
	ID      uuid.UUID `json:"id"`
	Org     uuid.UUID `json:"org"`
	Kind    tagKind   `json:"kind"`
	Name    string    `json:"name"`
	Created int64     `json:"created"`
	Updated int64     `json:"updated"`
}

const bucketTag = "tag" // by number

func (g *tag) row() row {
	return row{bucketTag, number(g.number), mustJSON(tagOnDisk{g.id, g.org.id, g.kind, g.name, g.created, g.updated})}
}

func (s *state) readTag(key, value []byte) (record, error) {
	var d tagOnDisk
	n, org, err := s.owned(key, value, &d, &d.Org)
	if err != nil {
		return nil, err
	}
	if d.Kind != tagOfUser && d.Kind != tagOfPrivateKey {
		return nil, fmt.Errorf("tag %s is for nothing", d.ID)
	}
	return &tag{d.ID, n, org, d.Kind, d.Name, d.Created, d.Updated}, nil
}

// findTag returns the organization's tag of that kind and id. The caller holds the lock.
func (c *call) findTag(kind tagKind, id string) (*tag, error) {
	parsed, ok := parseID(id)
	if !ok {
		return nil, invalid("malformed %s ID provided", kind.noun())
	}
	if g, ok := c.org.shelved().tags.find(parsed); ok && g.kind == kind {
		return g, nil
	}
	return nil, notFound("no "+kind.noun()+" found with the given ID", "tagId", id)
}

// findTags returns the ids of the organization's tags of that kind, each once.
func (c *call) findTags(kind tagKind, ids []string) ([]uuid.UUID, error) {
	if len(ids) > tagsMax {
		return nil, invalid("too many %s IDs: at most %d", kind.noun(), tagsMax)
	}
	var found []uuid.UUID
	for _, id := range ids {
		g, err := c.findTag(kind, id)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(found, g.id) {
			found = append(found, g.id)
		}
	}
	return found, nil
}

// makeTag stages a new tag of the organization.
func (t *tx) makeTag(kind tagKind, name string) (*tag, error) {
	most := tagsMax
	if t.org.parent != nil {
		most = subTagsMax
	}
	if len(t.org.shelved().tags.all) >= most {
		return nil, tooMany("organization has exceeded maximum tags")
	}
	g := &tag{id: t.id(), number: t.number(), org: t.org, kind: kind, created: t.now}
	return g, t.nameTag(g, name)
}

// nameTag stages g with that name, which no other of its kind has.
func (t *tx) nameTag(g *tag, name string) error {
	if slices.ContainsFunc(t.org.shelved().tags.all, func(o *tag) bool { return o.kind == g.kind && o.name == name && o.id != g.id }) {
		return invalid("%s label must be unique", g.kind.noun())
	}
	next := *g
	next.name, next.updated = name, t.now
	t.stage(&next)
	return nil
}

// renameTag stages g with another name; "" is none.
func (t *tx) renameTag(g *tag, name string) error {
	if name == "" {
		name = g.name
	}
	return t.nameTag(g, name)
}

// dropTags stages the end of tags, which nobody may have any more when this is done.
func (t *tx) dropTags(ids []uuid.UUID) {
	for _, id := range ids {
		if g, ok := t.org.shelved().tags.find(id); ok {
			t.stage(gone{g})
		}
	}
}

// tagged returns tags with id added or removed, or as they are. Removal comes before addition.
func tagged(tags []uuid.UUID, id uuid.UUID, add, remove bool) []uuid.UUID {
	switch {
	case remove:
		return untagged(tags, []uuid.UUID{id})
	case add && !slices.Contains(tags, id):
		return append(slices.Clone(tags), id)
	}
	return tags
}

// untagged returns tags without those that are off.
func untagged(tags, off []uuid.UUID) []uuid.UUID {
	return slices.DeleteFunc(slices.Clone(tags), func(id uuid.UUID) bool { return slices.Contains(off, id) })
}

type tagView struct {
	TagID     uuid.UUID `json:"tagId"`
	TagName   string    `json:"tagName"`
	TagType   tagKind   `json:"tagType"`
	CreatedAt timestamp `json:"createdAt"`
	UpdatedAt timestamp `json:"updatedAt"`
}

// tagViews shows the organization's tags of one kind.
func (c *call) tagViews(kind tagKind) []tagView {
	views := []tagView{}
	for _, g := range c.org.shelved().tags.all {
		if g.kind == kind {
			views = append(views, tagView{g.id, g.name, g.kind, stampTime(g.created), stampTime(g.updated)})
		}
	}
	return views
}
