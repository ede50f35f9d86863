package backend

import "os"

// Windows stops no process, and no Redis runs there: these are for the compiler.
var stopSignal, goOnSignal os.Signal = os.Kill, os.Kill
