package policy

import (
	"math/big"
	"slices"
)

// Bounds of the search for a consensus.
const (
	exactVoters    = 8 // up to so many users every set of them is tried
	consensusTries = 600
	consensusSteps = 300_000
)

// matters reports whether the votes of some users can decide a consensus c: whether a set T of others exists such that
// c holds for T with them, and not for T alone.
//
// Trying every set takes time without bound, so only users count whom c can tell apart: those one of whose ids, tags,
// addresses or keys stands in c, and of the rest as many as c can count. Up to eight of these, every set of them is
// tried, and the answer is exact. Above, sets are grown one user at a time in several orders, leaving out whoever makes c
// true without the votes in question; for a c that more approvals never make false, this misses only sets that no order
// reaches, and it never finds one that is none. An error of c counts as false.
// It takes its steps from those that are left; where there are none, nothing more is found.
func matters(c *Expression, context Context, votes, others []Voter, left *int) bool {
	if c == nil || c.root == nil {
		return false // it holds without anybody
	}
	mine := min(*left, consensusSteps)
	s := search{c: c, context: context, votes: votes, tries: consensusTries, steps: mine}
	defer func() { *left -= mine - max(s.steps, 0) }()
	if s.over() {
		return false
	}
	said := c.said()
	if said.plain && !slices.ContainsFunc(votes, said.names) {
		return false // all that c looks for is somebody else
	}
	candidates := said.distinguishable(others)
	if len(candidates) <= exactVoters {
		return s.every(candidates)
	}
	for _, order := range orders(candidates) {
		if s.grow(order) {
			return true
		}
		if s.over() {
			return false
		}
	}
	return false
}

// search is one search with what it may still spend.
type search struct {
	c            *Expression
	context      Context
	votes        []Voter
	tries, steps int
}

// over reports whether nothing is left to spend. Nothing is found from then on, so no search goes on.
func (s *search) over() bool { return s.tries < 0 || s.steps <= 0 }

// holds evaluates the consensus for some approvers, each of whom costs a step besides.
func (s *search) holds(voters []Voter) bool {
	s.tries--
	s.steps -= len(voters)
	if s.over() {
		return false
	}
	s.context.vote(voters)
	yes, err := share(s.c, &s.context, &s.steps)
	return err == nil && yes
}

// decide reports whether the votes turn what the set says.
func (s *search) decide(set []Voter) bool {
	return s.holds(slices.Concat(s.votes, set)) && !s.holds(set) && !s.over()
}

// every tries all sets of the candidates, smaller numbers of them not first.
func (s *search) every(candidates []Voter) bool {
	for mask := range 1 << len(candidates) {
		if s.over() {
			return false
		}
		var set []Voter
		for i, v := range candidates {
			if mask>>i&1 == 1 {
				set = append(set, v)
			}
		}
		if s.decide(set) {
			return true
		}
	}
	return false
}

// grow adds the users one by one, but for those who make the consensus true by themselves.
func (s *search) grow(order []Voter) bool {
	var set []Voter
	for _, v := range order {
		if s.decide(set) {
			return true
		}
		if s.over() {
			return false
		}
		if larger := append(slices.Clone(set), v); !s.holds(larger) {
			set = larger
		}
	}
	return s.decide(set)
}

// orders are the orders in which a search adds users: as given, backwards, and beginning with each of the first.
func orders(candidates []Voter) [][]Voter {
	backwards := slices.Clone(candidates)
	slices.Reverse(backwards)
	all := [][]Voter{candidates, backwards}
	for i := 1; i < min(len(candidates), 16); i++ {
		all = append(all, slices.Concat(candidates[i:], candidates[:i]))
	}
	return all
}

// distinguishable are the voters that an expression can tell apart, those it names first.
func (s *said) distinguishable(voters []Voter) []Voter {
	if s.positions {
		return voters
	}
	var named, rest []Voter
	for _, v := range voters {
		if s.names(v) {
			named = append(named, v)
		} else {
			rest = append(rest, v)
		}
	}
	return append(named, rest[:min(len(rest), s.most+1)]...)
}

// said is what an expression says about voters, as far as its text tells.
type said struct {
	texts     []string
	most      int  // the largest number, at least 1 and at most 100
	positions bool // it reads parts of strings, or of lists by their place
	plain     bool // it only asks whether somebody has one of the texts, so that whoever has none changes nothing
}

func (e *Expression) said() *said {
	s := &said{plain: e.root.plain(), most: 1}
	s.read(e.root)
	return s
}

// plain reports whether n is made of any, && and || around comparisons of a field with texts that are not empty.
func (n *node) plain() bool {
	isText := func(n *node) bool { return n.op == opString && n.text != "" }
	texts := func(n *node) bool {
		return n.op == opList && !slices.ContainsFunc(n.kids, func(kid *node) bool { return !isText(kid) })
	}
	field := func(n *node) bool { return n.op == opField && n.kids[0].op == opName }
	switch n.op {
	case opAnd, opOr:
		return !slices.ContainsFunc(n.kids, func(kid *node) bool { return !kid.plain() })
	case opAny:
		return n.kids[0].op == opName && n.kids[1].plain()
	case opEqual:
		return field(n.kids[0]) && isText(n.kids[1]) || isText(n.kids[0]) && field(n.kids[1])
	case opIn:
		return field(n.kids[0]) && texts(n.kids[1]) || isText(n.kids[0]) && field(n.kids[1])
	case opContains:
		return field(n.kids[0]) && isText(n.kids[1]) || texts(n.kids[0]) && field(n.kids[1])
	default:
		return false
	}
}

func (s *said) read(n *node) {
	switch n.op {
	case opString:
		s.texts = append(s.texts, n.text)
	case opInt:
		if n.num.Cmp(big.NewInt(100)) > 0 {
			s.most = 100
		} else {
			s.most = max(s.most, int(n.num.Int64()))
		}
	case opIndex, opSlice:
		s.positions = true
	default: // says nothing of its own
	}
	for _, kid := range n.kids {
		s.read(kid)
	}
}

// names reports whether the expression spells something of the voter.
func (s *said) names(v Voter) bool {
	mine := append([]string{v.User.ID, v.User.Email, v.User.Alias}, v.User.Tags...)
	for _, c := range v.Credentials {
		mine = append(mine, c.ID, c.UserID, c.Type, c.CredentialID, c.PublicKey)
	}
	for _, text := range s.texts {
		if text != "" && slices.ContainsFunc(mine, func(m string) bool { return equalText(m, text) }) {
			return true
		}
	}
	return false
}
