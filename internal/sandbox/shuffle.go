package sandbox

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"path"
	"reflect"
	"slices"

	"github.com/google/uuid"
)

// This file gives lists whose order means nothing another order than that of making, when Options.Shuffle is set, so
// that a client that takes the first one for the oldest is found out here. The order follows from the seed and from what
// is listed: it is the same in every answer and on every page, and something new takes a place among the others without
// moving them.

// unordered are the lists without pages whose order nobody promises.
var unordered = map[string]bool{
	"list_users": true, "list_wallets": true, "list_policies": true, "list_private_keys": true, "list_private_key_tags": true,
	"list_user_tags": true, "get_api_keys": true, "get_authenticators": true, "get_oauth_providers": true, "get_session_profiles": true,
	"get_mfa_policies": true, "list_oauth2_credentials": true, "list_smart_contract_interfaces": true,
}

// rank is where something stands among others, by seed.
func (e *enclave) rank(what []byte) []byte {
	mac := hmac.New(sha256.New, derive(e.seed, "order of lists", 32))
	mac.Write(what)
	return mac.Sum(nil)
}

// ranked is something with its rank.
type ranked[T any] struct {
	rank []byte
	of   T
}

// byRank returns a copy of list in the order of its ranks.
func byRank[T any](e *enclave, list []T, id func(T) []byte) []T {
	order := make([]ranked[T], len(list))
	for i, v := range list {
		order[i] = ranked[T]{e.rank(id(v)), v}
	}
	slices.SortFunc(order, func(a, b ranked[T]) int { return bytes.Compare(a.rank, b.rank) })
	out := make([]T, len(list))
	for i, r := range order {
		out[i] = r.of
	}
	return out
}

// shuffled returns list in the order that the seed gives it, or as it is when lists are not shuffled.
func shuffled[T any](c *call, list []T, id func(T) uuid.UUID) []T {
	if !c.s.shuffle {
		return list
	}
	return byRank(c.state.enclave, list, func(v T) []byte {
		id := id(v)
		return id[:]
	})
}

// varied returns the answer to a query with its list in another order, if the list is one of the unordered.
func (c *call) varied(answer any) any {
	if !c.s.shuffle || !unordered[path.Base(c.seen.Path)] {
		return answer
	}
	from := reflect.ValueOf(answer)
	if from.Kind() != reflect.Struct {
		return answer
	}
	to := reflect.New(from.Type()).Elem()
	to.Set(from)
	for i := range to.NumField() {
		list := to.Field(i)
		if list.Kind() != reflect.Slice || !list.CanSet() {
			continue
		}
		places := make([]int, list.Len())
		for i := range places {
			places[i] = i
		}
		places = byRank(c.state.enclave, places, func(i int) []byte { return mustJSON(list.Index(i).Interface()) })
		order := reflect.MakeSlice(list.Type(), 0, list.Len())
		for _, place := range places {
			order = reflect.Append(order, list.Index(place))
		}
		list.Set(order)
	}
	return to.Interface()
}

// blockOfSubs is how many sub-organizations, by number, are shuffled among each other: a page of a million must not cost
// a look at the million.
const blockOfSubs = 32

// subsInOrder returns the sub-organizations of parent from one place to another, in the order in which they are listed.
// The caller holds the lock.
func (s *state) subsInOrder(parent *organization, from, to int, shuffle bool) []*organization {
	if !shuffle || from >= to {
		return parent.subs[from:to]
	}
	begin, end := s.blockAt(parent, from)
	first := begin
	var out []*organization
	for {
		out = append(out, byRank(s.enclave, parent.subs[begin:end], func(o *organization) []byte { return o.id[:] })...)
		if end >= to {
			return out[from-first : to-first]
		}
		begin, end = s.blockAt(parent, end)
	}
}

// blockAt returns where the block of the sub-organization at a place begins and ends.
func (s *state) blockAt(parent *organization, place int) (begin, end int) {
	block := func(i int) uint64 { return parent.subs[i].number / blockOfSubs }
	begin, end = place, place+1
	for begin > 0 && block(begin-1) == block(place) {
		begin--
	}
	for end < len(parent.subs) && block(end) == block(place) {
		end++
	}
	return begin, end
}

// listedAt returns the place in the listed order of one of parent's sub-organizations. The caller holds the lock.
func (s *state) listedAt(o *organization, shuffle bool) int {
	if !shuffle {
		return o.place
	}
	begin, end := s.blockAt(o.parent, o.place)
	return begin + slices.Index(s.subsInOrder(o.parent, begin, end, true), o)
}
