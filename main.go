// Latchkey is the desktop home of a Turnkey embedded wallet: a window, an auth backend, a sandbox of Turnkey's API and
// a command line in one program.
package main

import (
	"embed"
	"os"

	"latchkey/internal/cli"
)

// The built front end. Before a first build it holds one empty file, so that a fresh clone compiles.
//
//go:embed all:frontend/dist
var assets embed.FS

// version is set at build time.
var version = "dev"

func main() {
	args := os.Args[1:]
	if len(args) == 0 {
		os.Exit(window())
	}
	os.Exit(cli.Main(args, version))
}
