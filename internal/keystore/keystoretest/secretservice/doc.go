// Package secretservice gives a test a session bus of its own, and on it a Secret Service that does what it should not
// (Linux). A test that speaks D-Bus runs in a process of its own, on a bus of its own, with folders of its own: never on
// the bus of whoever runs the tests. Nothing it started is left when it ends.
//
// It is imported by tests alone.
package secretservice
