package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"latchkey/internal/fault"
)

// server is one HTTP server on one address.
type server struct {
	url  string
	http *http.Server
	done chan struct{}
}

// sandboxServer returns a server for a handler of the sandbox. The time limits keep a slow or silent client from
// holding a connection; write allows for the inbox's long poll.
func sandboxServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 2 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      90 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
}

// serve listens on addr and answers with h until close.
func serve(addr string, h *http.Server, log *slog.Logger) (*server, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, fault.New(fault.SandboxFailed, err))
	}
	h.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	s := &server{url: "http://" + listener.Addr().String(), http: h, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("server ended", "url", s.url, "err", err)
		}
	}()
	return s, nil
}

// close lets requests under way finish for a moment, then ends the server and waits for it.
func (s *server) close() {
	if s == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s.end(ctx)
}

// end takes no new request, lets those under way finish until ctx ends, and waits for the server's end.
func (s *server) end(ctx context.Context) {
	if err := s.http.Shutdown(ctx); err != nil {
		_ = s.http.Close() // whoever is still connected is cut off
	}
	<-s.done
}
