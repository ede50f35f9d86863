package keystore

// NoCoreDumps keeps what is in this process's memory out of core dumps, as far as the system allows. It is called once,
// before any key is opened; a failure leaves the rest in force.
//
// On Linux no core is written or piped to a collector, and another program of the same user can neither attach to this
// one nor read its memory; who may debug everything (root) still can. A child that is started begins as dumpable as ever,
// with a soft limit of zero that it may lift. The folder /proc/self belongs to root from here on: a portal that looks
// into it for what kind of program asks cannot (of which the window asks nothing).
//
// On macOS the limit is zero, and no more than that. On Windows the Go runtime keeps error reporting away, and should a
// report be made after all, it leaves out the heap. Whoever can make a dump by hand, hibernation and swap are beyond it.
func NoCoreDumps() error { return noCoreDumps() }
