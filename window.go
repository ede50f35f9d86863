//go:build desktop || dev || bindings

package main

import (
	"fmt"
	"os"

	"latchkey/app"
)

// window opens the window and returns the exit status when it is closed.
func window() int {
	for _, name := range []string{"WEBKIT_INSPECTOR_SERVER", "WEBKIT_INSPECTOR_HTTP_SERVER"} {
		_ = os.Unsetenv(name) // each would open the page to whoever reaches a port
	}
	if err := app.Run(assets, version); err != nil {
		fmt.Fprintln(os.Stderr, "latchkey:", err)
		return 1
	}
	return 0
}
