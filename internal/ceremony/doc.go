// Package ceremony is the device's half of a round trip through the person's browser: it listens on loopback for the
// browser to come back, opens the browser, and reads an address that a person pastes where the browser cannot reach
// this machine.
//
// It owns what may come back and what is done with everything else that knocks: any page and any process can call a
// loopback port, so only the one answer that carries the round's state is taken, once, and nothing else ends the wait.
// It does not own what the answer means; login does. It depends on fault and the standard library.
//
// Source: RFC 8252, sections 7.3 and 8; RFC 9700, section 2.1.
package ceremony
