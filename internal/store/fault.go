package store

// WriteFault gives the failure of a write on this disk its code, for those who write beside the store:
// fault.DiskFull, fault.DiskReadOnly, fault.DiskFailed.
func WriteFault(err error) error { return writeFault(err) }
