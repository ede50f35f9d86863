package app

import (
	"log/slog"
	"strings"
)

// wailsLog is the logger that Wails writes to. Wails puts whole messages from the page into its errors, arguments
// included, so only the words before the first quote, brace or bracket are kept, and nothing below a warning.
type wailsLog struct{ log *slog.Logger }

func (l wailsLog) Print(string)           {}
func (l wailsLog) Trace(string)           {}
func (l wailsLog) Debug(string)           {}
func (l wailsLog) Info(string)            {}
func (l wailsLog) Warning(message string) { l.log.Warn("wails", "message", redact(message)) }
func (l wailsLog) Error(message string)   { l.log.Error("wails", "message", redact(message)) }
func (l wailsLog) Fatal(message string)   { l.log.Error("wails", "message", redact(message)) }

func redact(message string) string {
	if i := strings.IndexAny(message, "\"'`{[:="); i >= 0 {
		message = message[:i] + "…"
	}
	if len(message) > 120 {
		message = message[:120] + "…"
	}
	return message
}
