package keystore

// Exists reports whether the file is there, which it is once a key was made in it. Nobody is asked.
func (p *PassphraseFile) Exists() bool {
	_, err := p.file.load()
	return !notWritten(err)
}
