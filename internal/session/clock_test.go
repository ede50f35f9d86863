package session

import (
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/session/sessiontest"
)

func TestClockworkDoubtsASkewThatWasMeasuredBefore(t *testing.T) {
	const hour = time.Hour
	type look struct {
		wall, mono  time.Duration // since the last look
		skew        time.Duration
		late, early time.Duration // from the wall
		doubt       bool
	}
	for name, looks := range map[string][]look{
		"a right clock":         {{0, 0, 0, 0, 0, false}, {time.Minute, time.Minute, 0, 0, 0, false}},
		"a right clock, asleep": {{0, 0, 0, 0, 0, false}, {8 * hour, time.Second, 0, 0, 0, false}},
		"a small skew":          {{0, 0, 30 * time.Second, 0, 0, false}},
		"slow, and it stays so": {{0, 0, 2 * hour, 2 * hour, 2 * hour, false}, {time.Minute, time.Minute, 2 * hour, 2 * hour, 2 * hour, false}},
		"slow, and put right":   {{0, 0, 2 * hour, 2 * hour, 2 * hour, false}, {2 * hour, time.Second, 2 * hour, 2 * hour, 0, true}, {time.Second, time.Second, 0, 0, 0, false}},
		"fast, and put right":   {{0, 0, -2 * hour, -2 * hour, -2 * hour, false}, {-2 * hour, time.Second, -2 * hour, 0, -2 * hour, true}, {time.Second, time.Second, 0, 0, 0, false}},
		"fast, asleep, heard":   {{0, 0, -2 * hour, -2 * hour, -2 * hour, false}, {hour, 0, -2 * hour, 0, -2 * hour, true}, {0, 0, -2*hour - time.Second, -2*hour - time.Second, -2*hour - time.Second, false}},
		"set wrong, then heard": {{0, 0, 0, 0, 0, false}, {hour, 0, 0, 0, 0, false}, {0, 0, -hour, -hour, -hour, false}},
	} {
		t.Run(name, func(t *testing.T) {
			var c clockwork
			wall, mono := instant(1_800_000_000_000), time.Unix(0, 0)
			for i, l := range looks {
				wall, mono = wall.add(l.wall), mono.Add(l.mono)
				late, early, doubt := c.look(wall, l.skew, mono)
				if late.sub(wall) != l.late || early.sub(wall) != l.early || doubt != l.doubt {
					t.Errorf("look %d: late %s, early %s, doubt %v; want %+v", i, late.sub(wall), early.sub(wall), doubt, l)
				}
			}
		})
	}
}

func TestClockworkRemembersUntilTheServiceAnswers(t *testing.T) {
	var c clockwork
	c.remember(-2 * time.Hour)
	wall := instant(1_800_000_000_000)
	if late, early, doubt := c.look(wall, 0, time.Unix(0, 0)); late != wall || early != wall.add(-2*time.Hour) || !doubt {
		t.Errorf("%d, %d, %v", late, early, doubt)
	}
	c.sure() // the service agrees with this clock now
	if late, early, doubt := c.look(wall, 0, time.Unix(0, 0)); late != wall || early != wall || doubt {
		t.Errorf("%d, %d, %v", late, early, doubt)
	}
}

// A machine whose clock is two hours fast keeps its sessions over a restart, and when its clock is put right.
func TestAWrongClockLosesNoGoodSession(t *testing.T) {
	for name, after := range map[string]time.Duration{"still wrong": 2 * time.Hour, "put right": 0} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			wrong := 2 * time.Hour
			var heard atomic.Int64 // what the answers showed, as a time.Duration
			open := func() *Manager {
				m := d.manager(d.keys)
				m.Now = func() time.Time { return d.clock.Now().Add(wrong) }
				m.Skew = func() time.Duration { return time.Duration(heard.Load()) }
				d.vendor.After.Set(func(sessiontest.Request) error { heard.Store(int64(-wrong)); return nil })
				if err := m.Open(t.Context()); err != nil {
					t.Fatal(err)
				}
				return m
			}
			m := open()
			heard.Store(int64(-wrong))
			s := d.logIn(m, 15*time.Minute)
			if m.State() != Authenticated {
				t.Fatalf("%s", m.State())
			}
			heard.Store(0) // a new process has heard nothing yet
			wrong = after
			m = open()
			if after != 0 && m.State() != Loading {
				t.Errorf("%s before the service was asked", m.State())
			}
			if _, err := m.Signer(t.Context(), ""); after != 0 && err == nil {
				t.Error("a key that may be over was handed out")
			}
			d.step(m)
			if now, ok := m.Active(); !ok || now.ID != s.ID || m.State() != Authenticated {
				t.Errorf("%s, %+v", m.State(), now)
			}
			if err := d.stamp(m); err != nil {
				t.Error(err)
			}
			d.clock.advance(16 * time.Minute)
			d.step(m)
			if m.State() != Unauthenticated {
				t.Errorf("%s after its end", m.State())
			}
		})
	}
}
