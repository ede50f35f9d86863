package sandbox

// inScope reports whether a credential may be used for an activity: a session that began with a session profile does
// what the profile's scope allows, and nothing else. A scope that cannot be evaluated allows nothing. The caller holds
// the lock.
func (t *tx) inScope(with used, name string, k kind, in params) bool {
	if with.key == nil || idText(with.key.profile) == "" {
		return true
	}
	profile, err := t.org.sessionProfile(with.key.profile.String())
	if err != nil {
		return false
	}
	told := t.context(name, k, in)
	holds, err := profile.scope.Holds(&told)
	return err == nil && holds
}
