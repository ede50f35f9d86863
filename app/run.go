package app

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"strings"

	"github.com/wailsapp/wails/v2"
	"github.com/wailsapp/wails/v2/pkg/logger"
	"github.com/wailsapp/wails/v2/pkg/options"
	"github.com/wailsapp/wails/v2/pkg/options/assetserver"
	"github.com/wailsapp/wails/v2/pkg/options/linux"
	wailsrt "github.com/wailsapp/wails/v2/pkg/runtime"

	"latchkey/internal/keystore"
	"latchkey/internal/login"
	"latchkey/internal/profile"
)

// ContentPolicy is the page's Content-Security-Policy. It is a security boundary: on Linux Wails lets a foreign frame
// call bound methods, and what keeps frames out is frame-src here.
const ContentPolicy = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"font-src 'self'; frame-src 'none'; base-uri 'none'; form-action 'none'"

// Run opens the window and returns when it is closed.
func Run(assets fs.FS, version string) error {
	if runtime.GOOS == "linux" && os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return errors.New("there is no display to open a window on; `latchkey backend --sandbox` runs a local Turnkey without one")
	}
	dist, err := fs.Sub(assets, "frontend/dist")
	if err != nil {
		return err
	}
	if _, err := fs.Stat(dist, "index.html"); err != nil {
		return errors.New("this build has no front end in it; build it with `make build`")
	}
	level := slog.LevelWarn
	if debugging() {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	if err := keystore.NoCoreDumps(); err != nil {
		log.Warn("a crash could write keys to disk", "err", err)
	}
	a := New(Options{Version: version, Log: log})
	return wails.Run(&options.App{
		Title:     title(profile.KindLive), // until the profile is read
		Width:     1120,
		Height:    760,
		MinWidth:  420,
		MinHeight: 560,
		AssetServer: &assetserver.Options{
			Assets:     dist,
			Middleware: policy,
		},
		Logger:             wailsLog{log},
		LogLevelProduction: logger.ERROR,
		ErrorFormatter:     FormatError,
		Bind:               []any{a},
		OnStartup: func(ctx context.Context) {
			// Nothing with effects here: a second instance gets this far before it hands over and ends.
			Attach(ctx, a, page{ctx})
		},
		OnShutdown:         func(context.Context) { Close(a) },
		SingleInstanceLock: &options.SingleInstanceLock{UniqueId: "dev.latchkey", OnSecondInstanceLaunch: func(options.SecondInstanceData) { page{a.context()}.Raise() }},
		// Without the GPU: a page of text and lines needs none, the drivers alone took 95 MiB, and some show nothing at all.
		Linux: &linux.Options{ProgramName: "latchkey", WebviewGpuPolicy: linux.WebviewGpuPolicyNever},
	})
}

// debugging reports whether a setting asks for the log. What is wrong with the settings is shown by who needs them.
func debugging() bool {
	home, err := profile.DefaultHome()
	if err != nil {
		return false
	}
	file, _ := profile.ReadFile(home) // nil is an empty one
	return profile.Sources{File: file}.Debug()
}

// policy sends the page's policy with every asset, besides the meta element in the page itself.
func policy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", ContentPolicy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

// page is the window as App sees it: the one place that talks to Wails while it runs.
type page struct{ ctx context.Context }

func (p page) Changed()               { wailsrt.EventsEmit(p.ctx, ChangedEvent) }
func (p page) Copy(text string) error { return wailsrt.ClipboardSetText(p.ctx, text) }
func (p page) Title(text string)      { wailsrt.WindowSetTitle(p.ctx, text) }

// Open is not left to Wails, which tells nobody when no browser opened.
func (p page) Open(url string) error { return login.OpenBrowser(p.ctx, url) }

// ChooseFile names no types of files: none has an ending of its own.
func (p page) ChooseFile(title string) (string, error) {
	return wailsrt.OpenFileDialog(p.ctx, wailsrt.OpenDialogOptions{Title: title, ShowHiddenFiles: true})
}

// Ask shows text as it is: on Linux Wails hands it on as a format of printf.
func (p page) Ask(text string) (bool, error) {
	if runtime.GOOS == "linux" {
		text = strings.ReplaceAll(text, "%", "%%")
	}
	answer, err := wailsrt.MessageDialog(p.ctx, wailsrt.MessageDialogOptions{
		Type: wailsrt.QuestionDialog, Title: "Latchkey asks for your consent", Message: text,
		Buttons: []string{"No", "Yes"}, DefaultButton: "No", CancelButton: "No",
	})
	return answer == "Yes", err
}

// Raise brings the window to the front, also when a second one was started.
func (p page) Raise() {
	wailsrt.WindowUnminimise(p.ctx)
	wailsrt.Show(p.ctx)
}
