//go:build unix && !linux

package keystore

func noCoreDumps() error { return noCores() }
