package backend

import "context"

// Leave makes /readyz say no from now on, for whoever leads devices to this backend to stop. Devices that come all the
// same are served as before.
func (b *Backend) Leave() { b.leaving.Store(true) }

// CheckState asks whether the state that replicas share can be reached; the memory of one process always can.
func (b *Backend) CheckState(ctx context.Context) error { return b.kept.check(ctx) }
