package backend

// Leave makes /readyz say no from now on, for whoever leads devices to this backend to stop. Devices that come all the
// same are served as before.
func (b *Backend) Leave() { b.leaving.Store(true) }
