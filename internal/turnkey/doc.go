// Package turnkey is a client of Turnkey's API: it stamps a request, posts it, waits until the activity is over, and
// turns the service's failures into codes of package fault.
//
//	c := &turnkey.Client{BaseURL: func() string { return "https://api.turnkey.com" }, Stamper: stamp.APIKey{Signer: key}}
//	me, err := c.Whoami(ctx, organizationID)
//
// It owns the wire: paths, envelopes, the order and spelling of fields, statuses, resending and the distance between
// the service's clock and ours. It does not own keys (a [stamp.Stamper] is given), nor what may be stamped (the hook
// Before decides), nor any record of what was (the hook After is told). It depends on stamp and fault.
//
// Why not Turnkey's own Go SDK: its module cannot be fetched in any version. The Stamper here has the same one
// method, so that either client can use the other's keys.
package turnkey
