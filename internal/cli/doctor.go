package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"latchkey/internal/client"
	"latchkey/internal/client/doctor"
	"latchkey/internal/profile"
)

// errTold ends a command with status 1 whose answer says everything already.
var errTold = errors.New("something failed, and was told")

func (t *terminal) doctor() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what is wrong on this computer, and say what to do",
		Long: "Looks at the key store, files, clock, services and window of the profile, all within three seconds. It works when\n" +
			"nothing else does: offline, before a log-in, beside a keychain that hangs. Nobody is asked and nothing is changed.\n" +
			"Exit status 0 says that nothing failed; a warning is no failure.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			version := versionText(t.version)
			r := doctor.Look(cmd.Context(), doctor.Program{Version: version, Window: strings.Contains(version, ", window")}, t.patient)
			var err error
			if asJSON {
				err = printReport(t, r)
			} else {
				_, err = t.out.Write([]byte(reportText(r)))
			}
			if err == nil && !r.Healthy() {
				err = errTold
			}
			return err
		},
	}
	t.chooses(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// patient returns the profile that every other command would open, or why there is none.
func (t *terminal) patient() client.Patient {
	home, err := profile.DefaultHome()
	if err != nil {
		return client.Patient{Err: err}
	}
	return client.Examine(client.Options{Home: home, Flags: t.flags})
}

func printReport(t *terminal, r doctor.Report) error {
	out := json.NewEncoder(t.out)
	out.SetEscapeHTML(false)
	return out.Encode(struct {
		OK bool `json:"ok"`
		doctor.Report
	}{r.Healthy(), r})
}

// marks say each state besides its word, so that it is seen from afar. No colour says anything.
var marks = map[doctor.State]string{doctor.OK: "✓", doctor.Warning: "!", doctor.Failed: "✗", doctor.Skipped: "-"}

// reportText is the report for people: a line for each check, and beneath it what it means and what to do.
func reportText(r doctor.Report) string {
	var b strings.Builder
	if r.Profile != "" {
		fmt.Fprintf(&b, "Profile %s (%s)\n", r.Profile, r.Kind)
	}
	title := 0
	for _, f := range r.Findings {
		title = max(title, utf8.RuneCountInString(f.Title))
	}
	group := ""
	for _, f := range r.Findings {
		if f.Group != group {
			group = f.Group
			fmt.Fprintf(&b, "\n%s\n", group)
		}
		head := fmt.Sprintf("  %s %-7s  %-*s  ", marks[f.State], f.State, title, f.Title)
		indent := strings.Repeat(" ", utf8.RuneCountInString(head))
		b.WriteString(head + wrap(visible(f.Seen), indent) + "\n")
		if f.Means != "" {
			b.WriteString(indent + wrap(visible(f.Means), indent) + "\n")
		}
		if f.Next != "" {
			b.WriteString(indent + wrap("→ "+visible(f.Next), indent+"  ") + "\n")
		}
	}
	fmt.Fprintf(&b, "\n%s: %d ok, %s, %d failed, %d skipped.\n", count(len(r.Findings), "check"), r.Count(doctor.OK),
		count(r.Count(doctor.Warning), "warning"), r.Count(doctor.Failed), r.Count(doctor.Skipped))
	return b.String()
}

// lineWidth is where lines are broken: what a terminal shows that nobody made smaller.
const lineWidth = 100

// wrap breaks text between words, so that it ends before lineWidth where indent precedes every line.
func wrap(text, indent string) string {
	var b strings.Builder
	left := utf8.RuneCountInString(indent)
	at := left
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+n > lineWidth:
			b.WriteString("\n" + indent)
			at = left
		default:
			b.WriteString(" ")
			at++
		}
		b.WriteString(word)
		at += n
	}
	return b.String()
}
