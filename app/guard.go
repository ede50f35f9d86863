package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"latchkey/internal/fault"
)

// The limits of what the page may send. A longer argument is refused before anything reads it.
const (
	maxArgument = 4 << 10
	callTime    = 150 * time.Second // a person may be looking for a keychain's question
)

// call runs one bound method: its arguments are measured, it gets a deadline that also ends with the window, and a
// panic becomes an error. Without that a panic would leave the page's promise open for ever and put the arguments
// into the log. The log says which method failed and why, never with what.
func call[T any](a *App, method string, f func(context.Context) (T, error), args ...string) (out T, err error) {
	for _, arg := range args {
		if len(arg) > maxArgument {
			return out, fault.New(fault.RequestInvalid, fmt.Errorf("an argument of %d bytes", len(arg)))
		}
	}
	ctx, cancel := context.WithTimeout(a.context(), callTime)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in %s", method)
			a.log.Error("panic", "method", method, "type", fmt.Sprintf("%T", p))
		}
	}()
	out, err = f(ctx)
	if err != nil {
		level := slog.LevelInfo
		if fault.KindOf(err) == "" {
			level = slog.LevelError
		}
		a.log.Log(ctx, level, "call failed", "method", method, "code", fault.CodeOf(err), "err", err)
	}
	return out, err
}
