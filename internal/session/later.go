package session

import (
	"context"
	"slices"
	"time"

	"latchkey/internal/fault"
)

// revokeLaterNamed: a key that was never kept here is to be revoked by a session of its user.
type revokeLaterNamed struct {
	id, publicKey string
	ends          instant
}

func (e revokeLaterNamed) apply(s *state, _ instant) error {
	r := s.session(e.id)
	if r == nil {
		return fault.New(fault.SessionNone, nil)
	}
	if !slices.ContainsFunc(s.Later, func(k laterRevoke) bool { return k.PublicKey == e.publicKey }) {
		s.Later = append(s.Later, laterRevoke{e.publicKey, r.OrganizationID, r.UserID, e.ends})
	}
	return nil
}

// RevokeLater lists a key of the user of the session called id, whose private half is nowhere here, to be deleted at the
// service by any session of that user; ends is when it ends there by itself. Errors: fault.SessionNone; those of the file.
func (m *Manager) RevokeLater(ctx context.Context, id, publicKey string, ends time.Time) error {
	m.prepare()
	_, err := m.update(ctx, "revoke later", revokeLaterNamed{id, publicKey, at(ends)})
	return err
}
