// Command bridge serves the front end to an ordinary browser, with the real App behind it, so that the front end's
// tests run in Chromium. It is a test program: no product binary contains it. Its wire is one POST per bound method
// and server-sent events for what Wails would emit; it replaces Wails' dispatcher, which the window test covers.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"time"

	"latchkey/app"
	"latchkey/internal/fault"
)

func main() {
	dist := flag.String("dist", "frontend/dist", "the built front end")
	listen := flag.String("listen", "127.0.0.1:0", "where to listen, on loopback")
	flag.Parse()
	if err := run(*dist, *listen); err != nil {
		fmt.Fprintln(os.Stderr, "bridge:", err)
		os.Exit(1)
	}
}

func run(dist, listen string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	a := app.New(app.Options{Version: "bridge", Log: log})
	b := &bridge{app: reflect.ValueOf(a), dist: dist, listeners: map[chan struct{}]bool{}}
	app.Attach(ctx, a, b)
	defer app.Close(a)

	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	b.host = listener.Addr().String()
	server := &http.Server{Handler: b, ReadHeaderTimeout: 2 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close() // open event streams would hold a gentle shutdown up
	}()
	fmt.Printf("{\"url\":\"http://%s\"}\n", b.host)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// bridge is the browser's way to App, and App's window.
type bridge struct {
	app  reflect.Value
	dist string
	host string

	mu        sync.Mutex
	listeners map[chan struct{}]bool
}

// script stands in for what Wails injects before the page's own script.
const script = `window.go = {app: {App: new Proxy({}, {get: (_, method) => async (...args) => {
  const answer = await fetch('/__call/' + method, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(args)});
  const body = await answer.json();
  if (!answer.ok) throw body;
  return body;
}})}};
const source = new EventSource('/__events');
window.runtime = {EventsOn: (name, f) => { const on = () => f(); source.addEventListener(name, on); return () => source.removeEventListener(name, on); }};
`

func (b *bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Host != b.host || r.Header.Get("Origin") != "" && r.Header.Get("Origin") != "http://"+b.host {
		http.Error(w, "foreign", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Security-Policy", app.ContentPolicy)
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/__call/") && r.Method == http.MethodPost:
		b.call(w, r, strings.TrimPrefix(path, "/__call/"))
	case path == "/__events":
		b.events(w, r)
	case path == "/__bridge.js":
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(w, script)
	case path == "/":
		b.index(w)
	default:
		http.ServeFile(w, r, filepath.Join(b.dist, filepath.Clean(path)))
	}
}

func (b *bridge) index(w http.ResponseWriter) {
	page, err := os.ReadFile(filepath.Join(b.dist, "index.html"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, strings.Replace(string(page), "<head>", `<head><script src="/__bridge.js"></script>`, 1))
}

// call runs one bound method with the arguments as Wails would: exact in number, each decoded into its type.
func (b *bridge) call(w http.ResponseWriter, r *http.Request, name string) {
	w.Header().Set("Content-Type", "application/json")
	method := b.app.MethodByName(name)
	if !method.IsValid() {
		answer(w, http.StatusNotFound, "no such method")
		return
	}
	var args []json.RawMessage
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&args); err != nil || len(args) != method.Type().NumIn() {
		answer(w, http.StatusBadRequest, "wrong arguments")
		return
	}
	in := make([]reflect.Value, len(args))
	for i, raw := range args {
		arg := reflect.New(method.Type().In(i))
		if err := json.Unmarshal(raw, arg.Interface()); err != nil {
			answer(w, http.StatusBadRequest, "wrong arguments")
			return
		}
		in[i] = arg.Elem()
	}
	out := method.Call(in)
	if err, _ := out[len(out)-1].Interface().(error); err != nil {
		answer(w, http.StatusConflict, app.FormatError(err))
		return
	}
	if len(out) == 1 {
		answer(w, http.StatusOK, nil)
		return
	}
	answer(w, http.StatusOK, out[0].Interface())
}

func answer(w http.ResponseWriter, status int, body any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a browser that went away is not told
}

func (b *bridge) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	flusher, _ := w.(http.Flusher)
	flusher.Flush()
	changed := make(chan struct{}, 1)
	b.mu.Lock()
	b.listeners[changed] = true
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		delete(b.listeners, changed)
		b.mu.Unlock()
	}()
	for {
		select {
		case <-changed:
			_, _ = io.WriteString(w, "event: "+app.ChangedEvent+"\ndata: {}\n\n")
			flusher.Flush()
		case <-r.Context().Done():
			return
		}
	}
}

// Changed tells every open page to ask again. A page that has not yet read the last word needs no second one.
func (b *bridge) Changed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.listeners {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Copy has no clipboard to copy to.
func (b *bridge) Copy(string) error { return nil }

// Title has no window to name.
func (b *bridge) Title(string) {}

// Ask says no: a browser has no dialog that its page cannot press.
func (b *bridge) Ask(string) (bool, error) { return false, nil }

// Open opens nothing: the page under test is the only browser there is.
func (b *bridge) Open(string) error { return fault.New(fault.BrowserUnopened, nil) }

// ChooseFile chooses none.
func (b *bridge) ChooseFile(string) (string, error) { return "", nil }

// Raise has no window to raise.
func (b *bridge) Raise() {}
