package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/client"
)

// look returns the profile without opening it: no session is restored, nothing is refreshed, nothing is stamped.
func (t *terminal) look() (*client.Client, error) {
	o, err := t.options()
	if err != nil {
		return nil, err
	}
	return client.New(o)
}

func (t *terminal) journal() *cobra.Command {
	c := &cobra.Command{
		Use:   "journal",
		Short: "The record of every request that was stamped or refused",
		Long: "Every request that a session stamps, in the window or here, is recorded: when, by which key, what, its hash, by\n" +
			"whose leave, and what came of it; and so is one that was not approved. Bodies are sealed under a key of the key store.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(t.journalList(), t.journalVerify(), t.journalExport())
	for _, sub := range c.Commands() {
		t.keyStoreFlag(sub)
		wrapArgs(sub)
	}
	return c
}

// chosen are the flags by which entries are chosen.
type chosen struct {
	since string
	kind  string
	limit int
}

func (f *chosen) flags(c *cobra.Command, limit int) {
	c.Flags().StringVar(&f.since, "since", "", "not before this: 90m, 24h, 2026-01-31 or 2026-01-31T12:00:00Z")
	c.Flags().StringVar(&f.kind, "type", "", "whose activity type or path has this in it, such as create_wallet")
	c.Flags().IntVar(&f.limit, "limit", limit, "the newest this many; 0 means all")
}

func (f *chosen) filter(now time.Time) (client.JournalFilter, error) {
	out := client.JournalFilter{Type: f.kind, Limit: f.limit}
	if f.limit < 0 {
		return out, usage{fmt.Errorf("--limit is %d", f.limit)}
	}
	if f.since == "" {
		return out, nil
	}
	if d, err := time.ParseDuration(f.since); err == nil && d >= 0 {
		out.Since = now.Add(-d)
		return out, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if at, err := time.ParseInLocation(layout, f.since, time.Local); err == nil {
			out.Since = at
			return out, nil
		}
	}
	return out, usage{fmt.Errorf("--since %q is neither a span nor a time", f.since)}
}

func (t *terminal) journalList() *cobra.Command {
	var f chosen
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "What was stamped, oldest first",
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := f.filter(time.Now())
			if err != nil {
				return err
			}
			c, err := t.look()
			if err != nil {
				return err
			}
			defer t.close(c)
			entries, err := c.JournalEntries(cmd.Context(), filter)
			if err != nil {
				return err
			}
			if asJSON {
				for i := range entries {
					entries[i].Sealed = nil // for export
				}
				return json.NewEncoder(t.out).Encode(map[string]any{"entries": append([]client.JournalEntry{}, entries...)})
			}
			w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
			for _, e := range entries {
				fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%d ms\t%s\n", e.Number, e.At().Local().Format(time.DateTime), e.What(), cmp.Or(e.Verdict, "-"), outcome(e), e.Duration, e.SHA256[:min(16, len(e.SHA256))])
			}
			return w.Flush()
		},
	}
	f.flags(c, 50)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// outcome says in a word what came of a request.
func outcome(e client.JournalEntry) string {
	switch {
	case e.Code != "":
		return e.Code
	case e.Status != "":
		return e.Status
	case e.HTTP != 0:
		return fmt.Sprint(e.HTTP)
	}
	return "no answer"
}

func (t *terminal) journalVerify() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "verify",
		Short: "Whether the journal is as it was written",
		Long: "Compares the journal with its sealed head, and says what was changed, removed, put in, cut off or replaced by an\n" +
			"older copy, and what cannot be proven. Exit status 0 says that all of it is there and as it was written.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.look()
			if err != nil {
				return err
			}
			defer t.close(c)
			r, err := c.VerifyJournal(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				if err := json.NewEncoder(t.out).Encode(r); err != nil {
					return err
				}
				return r.Err()
			}
			for _, f := range r.Findings {
				where := ""
				switch {
				case f.First == f.Last && f.First > 0:
					where = fmt.Sprintf(" (entry %d)", f.First)
				case f.First > 0:
					where = fmt.Sprintf(" (entries %d to %d)", f.First, f.Last)
				}
				fmt.Fprintf(t.out, "%s%s: %s\n", f.Kind, where, f.Text)
			}
			if _, err := fmt.Fprintf(t.out, "%s: %d entries, numbers %d to %d\n", r.Verdict, r.Entries, r.First, r.Last); err != nil {
				return err
			}
			return r.Err()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (t *terminal) journalExport() *cobra.Command {
	var f chosen
	var bodies bool
	c := &cobra.Command{
		Use:   "export",
		Short: "Whole entries, one JSON line each",
		Long: "Prints entries as they stand in the journal, bodies sealed, one JSON line each. With --bodies each has its exact\n" +
			"body besides, as far as the key store opens it; bodies may hold secrets.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := f.filter(time.Now())
			if err != nil {
				return err
			}
			filter.Bodies = bodies
			c, err := t.look()
			if err != nil {
				return err
			}
			defer t.close(c)
			entries, err := c.JournalEntries(cmd.Context(), filter)
			if err != nil {
				return err
			}
			out, closed := json.NewEncoder(t.out), 0
			out.SetEscapeHTML(false)
			for _, e := range entries {
				line := struct {
					client.JournalEntry
					Body *string `json:"body,omitempty"`
				}{JournalEntry: e}
				if body := string(e.Body()); body != "" {
					line.Body = &body
				} else if bodies && e.Size > 0 {
					closed++
				}
				if err := out.Encode(line); err != nil {
					return err
				}
			}
			if closed > 0 {
				fmt.Fprintf(t.err, "%d bodies were not kept or cannot be opened.\n", closed)
			}
			return nil
		},
	}
	f.flags(c, 0)
	c.Flags().BoolVar(&bodies, "bodies", false, "with the exact bodies, which may hold secrets")
	// Every form of export is JSON; the flag is there so that all commands of the journal take it.
	c.Flags().Bool("json", true, "print JSON lines, the only form")
	return c
}
