// Package doctor looks at everything that Latchkey needs of a machine and a profile, and says what is wrong and what to
// do next.
//
// It works where nothing else does: when the profile cannot be opened, before any log-in, offline, beside a keychain
// that hangs. It asks no person, unlocks nothing, starts nothing and repairs nothing; what it writes are a file and,
// where the keychain is open, a secret, which it takes away again.
//
// It is made of two halves. What can be known is gathered at once, each part for itself, within a bound ([Gather]).
// What that means is decided by functions of the facts alone, with all their words in judge_*.go ([Judge]). It depends
// on client, and on what keeps keys, sessions, journal and files.
package doctor

import (
	"context"
	"errors"
	"time"

	"latchkey/internal/client"
	"latchkey/internal/fault"
)

// State says how a check went.
type State string

// The states.
const (
	OK      State = "ok"
	Warning State = "warning" // works, and should be known
	Failed  State = "failed"  // does not work
	Skipped State = "skipped" // could not be looked at, or does not matter here
)

// Finding is what one check found.
type Finding struct {
	ID    string `json:"id"`
	Group string `json:"group"`
	Title string `json:"title"`
	State State  `json:"state"`
	Seen  string `json:"seen"`            // with Skipped: why
	Means string `json:"means,omitempty"` // with Warning and Failed
	Next  string `json:"next,omitempty"`  // one step, with Warning and Failed
}

// Report is everything that was found, in the order in which it is shown.
type Report struct {
	Findings []Finding `json:"checks"`
	Profile  string    `json:"profile"` // "" when there is none
	Kind     string    `json:"kind"`
}

// Count returns how many findings have a state.
func (r Report) Count(s State) int {
	n := 0
	for _, f := range r.Findings {
		if f.State == s {
			n++
		}
	}
	return n
}

// Healthy reports whether nothing failed.
func (r Report) Healthy() bool { return r.Count(Failed) == 0 }

// Program is what the program knows of itself.
type Program struct {
	Version string // with the Go that made it and the system
	Window  bool   // this build has the window
}

// Look examines the patient that examine brings, which is asked for once.
func Look(ctx context.Context, program Program, examine func() client.Patient) Report {
	began := time.Now()
	patients := make(chan client.Patient, 1)
	go func() { patients <- examine() }()
	var p client.Patient
	select {
	case p = <-patients:
	case <-time.After(patience / 3): // its files are on a disk that hangs
		p.Err = fault.New(fault.DiskFailed, errors.New("the settings could not be read in time"))
	case <-ctx.Done():
		p.Err = fault.New(fault.Cancel, ctx.Err())
	}
	f := Gather(ctx, program, p, patience-time.Since(began))
	return Report{Findings: Judge(f), Profile: f.Profile.Name, Kind: string(f.Profile.Kind)}
}

// patience is how long all checks together may take. Each has a share of it as its own bound.
const patience = 2800 * time.Millisecond
