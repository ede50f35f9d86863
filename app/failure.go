package app

import (
	"encoding/json"
	"errors"

	"latchkey/internal/fault"
)

// Failure is what the page learns of an error: its code and kind, the catalogue's words, and for a developer the
// cause as text. It holds no secret, since errors hold none.
type Failure struct {
	Code         string `json:"code"`
	Kind         string `json:"kind"`
	Title        string `json:"title"`
	Happened     string `json:"happened"`
	Means        string `json:"means"`
	Next         string `json:"next"`
	Action       string `json:"action"`
	Detail       string `json:"detail"`
	RetryAfterMs int64  `json:"retryAfterMs"`
	TriesLeft    int    `json:"triesLeft"`
}

// failure tells err to the page. A failure that nobody foresaw says "internal" and keeps its cause to the log.
func failure(err error) *Failure {
	w := fault.Tell(err)
	f := &Failure{
		Code: string(fault.CodeOf(err)), Kind: string(fault.KindOf(err)),
		Title: w.Title, Happened: w.Happened, Means: w.Means, Next: w.Next, Action: w.Action,
	}
	if f.Kind == "" {
		f.Kind = string(fault.Internal)
		return f
	}
	f.Detail = err.Error()
	if e, ok := errors.AsType[*fault.Error](err); ok {
		f.RetryAfterMs = e.RetryAfter.Milliseconds()
		f.TriesLeft = e.TriesLeft
	}
	return f
}

// FormatError is what Wails rejects the page's promise with: the failure as JSON text, since a rejection is a string
// in every kind of build.
func FormatError(err error) any {
	text, marshalErr := json.Marshal(failure(err))
	if marshalErr != nil {
		return `{"code":"internal","kind":"internal"}`
	}
	return string(text)
}
