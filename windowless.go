//go:build !desktop && !dev && !bindings

package main

import (
	"fmt"
	"os"
)

// window says how to get the window: this build was made without it, so that it runs on a bare server.
func window() int {
	_ = assets
	fmt.Fprintln(os.Stderr, `latchkey: this build has no window.
  make run                       builds and opens it
  latchkey backend --sandbox     a local Turnkey without a window
  latchkey --help                all commands`)
	return 2
}
