package keystore

// WeakScrypt makes new files of p cheap to open, for tests.
func WeakScrypt(p *PassphraseFile) *PassphraseFile {
	p.SetWork(2)
	return p
}
