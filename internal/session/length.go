package session

import (
	"context"
	"fmt"
	"time"

	"latchkey/internal/fault"
)

// What a refresh may ask for. Turnkey names no maximum; that of the settings counts here too.
const (
	LengthLeast = 30 * time.Second
	LengthMost  = 30 * 24 * time.Hour
)

// lengthSet: the next refresh asks for another length.
type lengthSet struct {
	id      string
	seconds int64
}

func (e lengthSet) apply(s *state, _ instant) error {
	r, err := s.live(e.id)
	if err != nil {
		return err
	}
	r.LengthSeconds = e.seconds
	return nil
}

// SetLength makes the refreshes of the session called id ask for sessions of length, in whole seconds, from the next one
// on. A session profile may allow less. Errors: fault.RequestInvalid below LengthLeast and above LengthMost;
// fault.SessionNone, fault.SessionExpired, fault.SessionRejected; those of the file.
func (m *Manager) SetLength(ctx context.Context, id string, length time.Duration) error {
	m.prepare()
	if length < LengthLeast || length > LengthMost {
		return fault.New(fault.RequestInvalid, fmt.Errorf("a session lasts %s to %s, not %s", LengthLeast, LengthMost, length))
	}
	_, err := m.update(ctx, "length", lengthSet{id, int64(length / time.Second)})
	return err
}
