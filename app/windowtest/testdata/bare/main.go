// Command bare is the least Wails app that there can be: what the window is measured beside.
package main

import (
	"embed"
	"io/fs"
	"os"

	"github.com/wailsapp/wails/v2"
	"github.com/wailsapp/wails/v2/pkg/options"
	"github.com/wailsapp/wails/v2/pkg/options/assetserver"
)

//go:embed all:dist
var assets embed.FS

// Bare is bound to the page.
type Bare struct{}

// State answers with what a page of the product is answered with at least: a little JSON.
func (*Bare) State() (map[string]string, error) { return map[string]string{"phase": "in"}, nil }

func main() {
	dist, err := fs.Sub(assets, "dist")
	if err != nil {
		os.Exit(1)
	}
	if err := wails.Run(&options.App{Title: "Latchkey bare", Width: 1120, Height: 760, AssetServer: &assetserver.Options{Assets: dist}, Bind: []any{&Bare{}}}); err != nil {
		os.Exit(1)
	}
}
