package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// versionText names this build: its version, the Go that made it, and whether it has the window.
func versionText(version string) string {
	parts := []string{"latchkey " + version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		window := "no window"
		for _, s := range info.Settings {
			if s.Key == "-tags" && strings.Contains(s.Value, "desktop") {
				window = "window"
			}
		}
		for _, d := range info.Deps {
			if d.Path == "github.com/wailsapp/wails/v2" {
				window = fmt.Sprintf("%s (Wails %s)", window, d.Version)
			}
		}
		parts = append(parts, window)
	}
	return strings.Join(parts, ", ")
}
