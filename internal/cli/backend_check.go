package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/backend"
	"latchkey/internal/fault"
	"latchkey/internal/profile"
)

// checkReport is the answer of `backend check --json`.
type checkReport struct {
	OK       bool            `json:"ok"`
	Settings []settingLine   `json:"settings"`
	Findings []checkFinding  `json:"findings"`
	Policy   *backend.Policy `json:"leastPolicy,omitempty"`
}

// checkFinding is one thing that was looked at.
type checkFinding struct {
	State string     `json:"state"` // "ok", "warning", "failed"
	Says  string     `json:"says"`
	Next  string     `json:"next,omitempty"`
	Code  fault.Code `json:"code,omitempty"`
}

// checkLimit is how long the service may take to say who we are.
const checkLimit = 20 * time.Second

func (t *terminal) backendCheck() *cobra.Command {
	var f backendFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "check",
		Short: "What the backend would be started with, and whether its key works",
		Long: "Prints every setting of the backend, its value and who says it (of a secret, whether it is set), asks Turnkey who\n" +
			"the API key belongs to, and prints the least policy that its user needs. Nothing is started.\n" +
			"Exit status 0: all is well, perhaps with a warning; 1: a setting or the key will not do; 2: called wrongly.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			from, err := t.source(f)
			if err != nil {
				return err
			}
			r := lookAt(cmd.Context(), from)
			if asJSON {
				out := json.NewEncoder(t.out)
				out.SetEscapeHTML(false)
				err = out.Encode(r)
			} else {
				err = r.print(t)
			}
			if err == nil && !r.OK {
				err = errTold
			}
			return err
		},
	}
	f.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// lookAt reads the settings, and tries the key where they can be used.
func lookAt(ctx context.Context, from backend.Source) checkReport {
	c, told, err := settled(from)
	r := checkReport{OK: true, Settings: []settingLine{}, Findings: []checkFinding{}}
	for _, s := range profile.Settings() {
		i := slices.IndexFunc(told, func(t backend.Told) bool { return t.Variable == s.Variable })
		if i >= 0 {
			r.Settings = append(r.Settings, toldLine(told[i], s))
		}
	}
	if err != nil {
		r.fail(err, "Correct this setting.")
		return r
	}
	r.say("ok", "The settings can be used.", "")
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	r.tryRedis(ctx, c, told)
	key, err := backend.TryKey(ctx, c)
	if key.UserID == "" {
		r.fail(err, nextAfter(err))
		return r
	}
	policy := backend.LeastPolicy(key.UserID)
	r.Policy = &policy
	r.say("ok", fmt.Sprintf("Turnkey knows the key as one of %q (%s) in %q.", key.UserName, key.UserID, key.OrganizationName), "")
	if key.Skew.Abs() > 30*time.Second {
		r.say("warning", fmt.Sprintf("This computer's clock and Turnkey's differ by %s.", key.Skew.Abs().Round(time.Second)), "Set the clock.")
	}
	switch {
	case err != nil:
		r.Findings = append(r.Findings, checkFinding{"warning", "It could not be seen whether that user is a root user.", "Look in Turnkey's dashboard.", fault.CodeOf(err)})
	case key.Root:
		r.say("warning", "That user is a root user: no policy binds it, and whoever gets the key may do everything that root may.",
			"Make a user for the backend that is not one, with the policy below, and give the backend that user's key.")
	default:
		r.say("ok", "That user is no root user: it may do what policies allow it.", "The least that it needs is the policy below.")
	}
	return r
}

// tryRedis looks whether the Redis that the replicas share can be used, where there is one.
func (r *checkReport) tryRedis(ctx context.Context, c backend.Config, told backend.Origins) {
	if !slices.ContainsFunc(told, func(t backend.Told) bool {
		return t.Variable == "LATCHKEY_REDIS_URL" && t.Origin != backend.FromDefault
	}) {
		return
	}
	if err := backend.TryRedis(ctx, c); err != nil {
		r.OK = false
		r.Findings = append(r.Findings, checkFinding{"failed", "The Redis of LATCHKEY_REDIS_URL cannot be used. " + err.Error(),
			"See that it runs, can be reached from here, and takes that user and password; without it nobody is served.", fault.CodeOf(err)})
		return
	}
	r.say("ok", "Redis can be reached and takes changes.", "")
}

// nextAfter is what to do about a key that did not pass.
func nextAfter(err error) string {
	code := fault.CodeOf(err)
	switch {
	case refused(err):
		return "See that TURNKEY_ORGANIZATION_ID is the parent's, and that the key was not deleted there."
	case code == fault.ClockWrong:
		return "Set this computer's clock."
	case code.Kind() == fault.Unavailable:
		return "See that TURNKEY_API_URL can be reached from here, then check again."
	}
	return fault.Tell(fault.New(code, nil)).Next
}

func (r *checkReport) say(state, says, next string) {
	r.Findings = append(r.Findings, checkFinding{State: state, Says: says, Next: next})
}

func (r *checkReport) fail(err error, next string) {
	r.OK = false
	says := err.Error()
	if fault.KindOf(err) != fault.Invalid {
		says = fault.Tell(err).Happened + " " + says
	}
	r.Findings = append(r.Findings, checkFinding{"failed", says, next, fault.CodeOf(err)})
}

// toldLine is a setting as the table shows it.
func toldLine(t backend.Told, s profile.Setting) settingLine {
	l := settingLine{Name: t.Variable, Value: t.Value, Secret: t.Secret || s.Secret, Origin: profile.Origin(t.Origin), Where: t.Where}
	switch {
	case l.Secret && t.Origin == backend.FromDefault:
		l.Value = "unset"
	case l.Secret:
		l.Value = "set"
	case t.Origin == backend.FromDefault:
		l.Value = strings.ReplaceAll(s.Default, "`", "")
	}
	return l
}

// print writes the report for people.
func (r *checkReport) print(t *terminal) error {
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	for _, l := range r.Settings {
		from := strings.TrimSpace(origin(l))
		if l.Where == l.Name {
			from = string(l.Origin)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", l.Name, visible(short(l.Value)), from)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	marks := map[string]string{"ok": "✓", "warning": "!", "failed": "✗"}
	fmt.Fprintln(t.out)
	for _, f := range r.Findings {
		code := ""
		if f.Code != "" {
			code = " (" + string(f.Code) + ")"
		}
		fmt.Fprintf(t.out, "%s %s%s\n", marks[f.State], visible(f.Says), code)
		if f.Next != "" {
			fmt.Fprintf(t.out, "  → %s\n", f.Next)
		}
	}
	if r.Policy != nil {
		fmt.Fprintf(t.out, "\nThe least policy, for create_policy:\n%s\n", r.Policy)
	}
	return nil
}
