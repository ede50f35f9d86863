package session

import (
	"sync"
	"time"
)

// EventType says what happened.
type EventType string

// The types of events.
const (
	KeyCreated      EventType = "keyCreated"      // a key for a log-in was named
	SessionStored   EventType = "sessionStored"   // a log-in succeeded
	SessionSelected EventType = "sessionSelected" // another session is the active one
	RefreshStarted  EventType = "refreshStarted"  //
	Refreshed       EventType = "refreshed"       // a new key took over
	RefreshFailed   EventType = "refreshFailed"   // Next says when it is tried again; the session is as good as before
	Expiring        EventType = "expiring"        // In is how long it lasts
	Expired         EventType = "expired"         // nobody wanted it to end; Reason says why it did
	Cleared         EventType = "cleared"         // somebody ended it; Reason says how
)

// Event is one thing that happened, here or in another process of the same profile.
type Event struct {
	Type      EventType
	SessionID string // "" with KeyCreated
	PublicKey string // the key in question
	At        time.Time
	Reason    Reason        // with Expired and Cleared
	Next      time.Time     // with RefreshFailed
	In        time.Duration // with Expiring
	Err       error         // with RefreshFailed
	Missed    int           // how many events before this one were dropped because the listener was slow
}

// changes lists what a listener must hear when the state turns from before into after, in the order of the sessions.
// Because it compares states, it speaks of other processes' doings too.
func changes(before, after state, now instant) []Event {
	var events []Event
	add := func(t EventType, session, publicKey string, reason Reason) {
		events = append(events, Event{Type: t, SessionID: session, PublicKey: publicKey, At: now.time(), Reason: reason})
	}
	for _, k := range after.Pending {
		if before.pending(k.PublicKey) == nil {
			add(KeyCreated, "", k.PublicKey, "")
		}
	}
	for _, r := range after.Sessions {
		old := before.session(r.ID)
		if old == nil {
			if r.Ended == nil {
				add(SessionStored, r.ID, r.Key.PublicKey, "")
			}
			continue
		}
		if r.Key.PublicKey != old.Key.PublicKey {
			add(Refreshed, r.ID, r.Key.PublicKey, "")
		}
		if r.Next != nil && (old.Next == nil || old.Next.PublicKey != r.Next.PublicKey) {
			add(RefreshStarted, r.ID, r.Next.PublicKey, "")
		}
		if r.Ended != nil && old.Ended == nil {
			t := Cleared
			if r.Ended.Reason.byTime() {
				t = Expired
			}
			add(t, r.ID, r.Key.PublicKey, r.Ended.Reason)
		}
	}
	for _, old := range before.Sessions {
		if old.Ended == nil && after.session(old.ID) == nil { // ended and forgotten between two looks
			add(Cleared, old.ID, old.Key.PublicKey, LoggedOut)
		}
	}
	if r := after.session(after.Active); r != nil && after.Active != before.Active {
		add(SessionSelected, r.ID, r.Key.PublicKey, "")
	}
	return events
}

// listenerRoom is how many events wait for a slow listener before the oldest is dropped.
const listenerRoom = 64

// listeners hands events on, in order, without ever waiting for anyone.
type listeners struct {
	mu  sync.Mutex
	all map[*listener]struct{}
}

type listener struct {
	events chan Event
	missed int
}

func (l *listeners) subscribe() (<-chan Event, func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[*listener]struct{}{}
	}
	to := &listener{events: make(chan Event, listenerRoom)}
	l.all[to] = struct{}{}
	return to.events, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if _, ok := l.all[to]; ok {
			delete(l.all, to)
			close(to.events)
		}
	}
}

// publish queues e for everyone. Where there is no room, the oldest event makes it: whoever lags behind asks for the
// state anyway, and the newest events say most.
func (l *listeners) publish(events ...Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range events {
		for to := range l.all {
			for sent := false; !sent; {
				e.Missed = to.missed
				select {
				case to.events <- e:
					to.missed, sent = 0, true
				default:
					select {
					case dropped := <-to.events:
						to.missed += 1 + dropped.Missed
					default: // the listener made room itself
					}
				}
			}
		}
	}
}
