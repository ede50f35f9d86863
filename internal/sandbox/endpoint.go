package sandbox

import "github.com/google/uuid"

// endpoint answers one path: a query, or a family of activities. Authentication, the choice of the organization,
// persistence and the envelope happen here and nowhere else; what a handler is given is inside one organization.
type endpoint interface {
	serve(c *call) (answer any, err error)
}

// queryOf is a query with requests of type T. run is called under the state's read lock and returns values that may be
// encoded after it. It sees the caller's organization in c.org and nothing beyond it, unless it says why.
type queryOf[T any] struct {
	run func(c *call, in *T) (any, error)
}

// organizationID is what every query's body has besides its filters.
type organizationID struct {
	OrganizationID *string `json:"organizationId" need:"yes"`
}

func (q queryOf[T]) serve(c *call) (any, error) {
	var org organizationID
	if err := decode(c.body, &org); err != nil {
		return nil, err
	}
	var in T
	if err := decode(c.body, &in); err != nil {
		return nil, err
	}
	if err := c.authenticate(*org.OrganizationID, false); err != nil {
		return nil, err
	}
	if err := c.mayRead(&in); err != nil {
		return nil, err
	}
	if first, ok := any(&in).(interface{ ready(*call) error }); ok { // what may take long and needs no lock
		if err := first.ready(c); err != nil {
			return nil, err
		}
	}
	var out any
	var err error
	version := c.state.reading(func() { out, err = q.run(c, &in) })
	if err != nil {
		return nil, err
	}
	return c.varied(out), c.state.disk.flush(version)
}

// submitOf is a path for activities, of one type or of several versions.
type submitOf map[string]kind

// kind is one type of activity.
type kind struct {
	intent, result string                                  // the keys in the answer
	rights         rights                                  // who may
	read           func(parameters []byte) (params, error) // decodes
}

// params is an activity's parameters. Their JSON encoding is the intent in the answer.
type params interface {
	// prepare does what takes long and needs no lock: deriving keys, checking signatures. It changes nothing, and may
	// read the state under a lock of its own.
	prepare(c *call) error
	// run checks the rest and stages what changes. It is called under the state's write lock; when it fails, nothing
	// of what it staged happens but for what it staged with evenSo.
	run(t *tx) (result any, err error)
}

// parametersOf returns the reader of a kind with parameters of type T.
func parametersOf[T any, P interface {
	*T
	params
}]() func([]byte) (params, error) {
	return func(raw []byte) (params, error) {
		in := P(new(T))
		if err := decode(raw, in); err != nil {
			return nil, err
		}
		if v, ok := any(in).(interface{ complete() error }); ok {
			return in, v.complete()
		}
		return in, nil
	}
}

// tx is a change under way.
type tx struct {
	*call
	staged []record // installed when run succeeds
	always []record // installed even when run fails
}

func (t *tx) stage(r ...record)  { t.staged = append(t.staged, r...) }
func (t *tx) evenSo(r ...record) { t.always = append(t.always, r...) }

// id returns a new id.
func (t *tx) id() uuid.UUID { return t.state.choices.id() }

// number returns the next number of users, wallets and accounts.
func (t *tx) number() uint64 {
	t.state.made++
	return t.state.made
}

// nobody is embedded by parameters that have nothing to prepare.
type nobody struct{}

func (nobody) prepare(*call) error { return nil }

// commit installs records and queues them for the disk. The caller holds the write lock.
func (s *state) commit(records []record) {
	if len(records) == 0 {
		return
	}
	rows := make([]row, 0, len(records))
	for _, r := range records {
		r.install(s)
		if s.disk != nil {
			rows = append(rows, r.row())
		}
	}
	if s.disk != nil {
		s.version++
		s.disk.enqueue(s.version, rows)
	}
}
