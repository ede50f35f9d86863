package sandbox

import (
	"iter"
	"slices"
)

// index finds records by a value that is nearly always one record's alone, such as a public key. At a million
// organizations a slice for every entry would cost more than the entry, so only values that several share have one.
type index[K, V comparable] struct {
	one  map[K]V
	more map[K][]V // the rest, in the order in which they came
}

func newIndex[K, V comparable]() index[K, V] {
	return index[K, V]{one: map[K]V{}, more: map[K][]V{}}
}

func (x *index[K, V]) add(k K, v V) {
	if _, taken := x.one[k]; taken {
		x.more[k] = append(x.more[k], v)
		return
	}
	x.one[k] = v
}

func (x *index[K, V]) remove(k K, v V) {
	rest := x.more[k]
	if x.one[k] != v {
		rest = slices.DeleteFunc(rest, func(w V) bool { return w == v })
	} else if len(rest) > 0 {
		x.one[k], rest = rest[0], slices.Clone(rest[1:])
	} else {
		delete(x.one, k)
	}
	if len(rest) == 0 {
		delete(x.more, k)
	} else {
		x.more[k] = rest
	}
}

// all ranges over the records of k, oldest first.
func (x *index[K, V]) all(k K) iter.Seq[V] {
	return func(yield func(V) bool) {
		v, ok := x.one[k]
		if !ok || !yield(v) {
			return
		}
		for _, v := range x.more[k] {
			if !yield(v) {
				return
			}
		}
	}
}
