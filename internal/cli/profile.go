package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"latchkey/internal/client"
	"latchkey/internal/fault"
	"latchkey/internal/profile"
)

func (t *terminal) profile() *cobra.Command {
	c := &cobra.Command{
		Use:   "profile",
		Short: "Where a log-in leads: sandbox, development, live",
		Long: "A profile says which API and backend a log-in leads to and which keys are believed. The sandbox is built in; a\n" +
			"development profile leads to your own backend; a live one trusts Turnkey's production keys alone.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(t.profileList(), t.profileAdd(), t.profileUse(), t.profileCheck(), t.profileRemove())
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
	return c
}

// settings returns the home and where settings come from.
func (t *terminal) settings() (profile.Home, profile.Sources, error) {
	home, err := profile.DefaultHome()
	if err != nil {
		return home, profile.Sources{}, err
	}
	file, err := profile.ReadFile(home)
	return home, profile.Sources{Flags: t.flags, Getenv: t.getenv, File: file}, err
}

// profileLine is a profile as `list --json` prints it.
type profileLine struct {
	Name           string       `json:"name"`
	Kind           profile.Kind `json:"kind,omitempty"`
	InUse          bool         `json:"inUse"`
	APIURL         string       `json:"apiUrl,omitempty"`
	BackendURL     string       `json:"backendUrl,omitempty"`
	OrganizationID string       `json:"organizationId,omitempty"`
	SessionSeconds int64        `json:"sessionSeconds,omitempty"`
	Problem        string       `json:"problem,omitempty"`
}

func (t *terminal) profileList() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "Which profiles there are",
		RunE: func(*cobra.Command, []string) error {
			home, from, err := t.settings()
			if err != nil {
				return err
			}
			lines := []profileLine{}
			profiles, errs := from.All(home)
			for i, p := range profiles {
				l := profileLine{
					Name: p.Name, Kind: p.Kind, InUse: p.Name == from.InUse().Text, APIURL: p.APIURL, BackendURL: p.BackendURL,
					OrganizationID: p.OrganizationID, SessionSeconds: int64(p.SessionLength.Seconds()),
				}
				if errs[i] != nil {
					l.Problem = errs[i].Error()
				}
				lines = append(lines, l)
			}
			if asJSON {
				return json.NewEncoder(t.out).Encode(map[string]any{"profiles": lines})
			}
			w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
			for _, l := range lines {
				mark := ""
				if l.InUse {
					mark = "in use"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.Name, cmp.Or(string(l.Kind), "?"), mark, cmp.Or(l.Problem, l.BackendURL, "in this program"))
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (t *terminal) profileAdd() *cobra.Command {
	var d profile.Draft
	var envFile string
	var noCheck, use, asJSON bool
	c := &cobra.Command{
		Use:   "add NAME",
		Short: "Set up a profile, once it was tried",
		Long: "Tries the profile as `profile check` does and saves it if all is well, or with --no-check in any case. --env-file\n" +
			"takes API, organization and pinned keys from what `latchkey sandbox --env-file` wrote; without it a development\n" +
			"profile trusts Turnkey's production keys. A parent organization's API key has no place in a profile.",
		Example: `  latchkey profile add acme --kind development --backend-url http://127.0.0.1:3000 --env-file .env
  latchkey profile add home --kind live --backend-url https://login.example.com --use`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			home, _, err := t.settings()
			if err != nil {
				return err
			}
			d.Name, d.APIURL, d.BackendURL = args[0], t.flags[profile.SettingAPIURL], t.flags[profile.SettingBackendURL]
			d.OrganizationID, d.SessionLength = t.flags[profile.SettingOrganization], t.flags[profile.SettingSessionLength]
			if envFile != "" {
				text, err := readFile(envFile)
				if err != nil {
					return err
				}
				d = d.Import(string(text))
			}
			p, err := client.CheckDraft(home, d)
			if err != nil {
				return err
			}
			answer := profileAnswer{Profile: d.Name, Kind: p.Kind}
			if !noCheck {
				if answer.Checks, err = t.try(cmd.Context(), p, asJSON); err != nil {
					fmt.Fprintln(t.err, "Nothing was saved. --no-check saves in any case.")
					return errors.Join(t.answer(asJSON, answer), err)
				}
			}
			if err := client.AddProfile(cmd.Context(), home, d); err != nil {
				return err
			}
			answer.Saved = true
			if err := t.answer(asJSON, answer); err != nil {
				return err
			}
			fmt.Fprintf(t.err, "Profile %s is set up.", d.Name)
			if !use {
				fmt.Fprintf(t.err, " Open it with --profile %[1]s, or always: latchkey profile use %[1]s\n", d.Name)
				return nil
			}
			fmt.Fprintln(t.err)
			return t.use(cmd.Context(), home, d.Name)
		},
	}
	c.Flags().StringVar(&d.Kind, "kind", "", "development or live")
	c.Flags().StringVar(&envFile, "env-file", "", "where API, organization and pinned keys are named")
	c.Flags().BoolVar(&noCheck, "no-check", false, "save without trying")
	c.Flags().BoolVar(&use, "use", false, "and make it the one in use")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	t.settingFlags(c)
	if err := c.MarkFlagRequired("kind"); err != nil {
		panic(err) // the flag is declared above
	}
	return c
}

func (t *terminal) profileUse() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "use NAME",
		Short: "Make a profile the one that is opened",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			home, _, err := t.settings()
			if err != nil {
				return err
			}
			if err := t.use(cmd.Context(), home, args[0]); err != nil {
				return err
			}
			return t.answer(asJSON, profileAnswer{Profile: args[0], InUse: true})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// use makes a profile the one in use, and tells who overrules that.
func (t *terminal) use(ctx context.Context, home profile.Home, name string) error {
	if err := client.UseProfile(ctx, home, name); err != nil {
		return err
	}
	fmt.Fprintf(t.err, "From now on %s is opened. Sessions of other profiles stay as they are.\n", name)
	_, from, err := t.settings()
	if v := from.InUse(); err == nil && v.Text != name {
		fmt.Fprintf(t.err, "%s says %s here, which counts before that.\n", v.Said(), v.Text)
	}
	return err
}

func (t *terminal) profileCheck() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "check [NAME]",
		Short: "Try a profile: API, organization, backend, pinned keys, clock",
		Long: "Tries where a profile leads: that its API is Turnkey's, or an imitation of it, and knows the organization; that\n" +
			"the backend is one to log in by; that the pinned keys can be; that this computer's clock is right. It saves nothing\n" +
			"and asks for no code. Exit status 0 says that nothing failed.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				t.flags[profile.SettingProfile] = args[0]
			}
			home, from, err := t.settings()
			if err != nil {
				return err
			}
			p, err := profile.Load(home, from)
			if err != nil {
				return err
			}
			lines, err := t.try(cmd.Context(), p, asJSON)
			return errors.Join(t.answer(asJSON, profileAnswer{Profile: p.Name, Kind: p.Kind, Checks: lines}), err)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	t.settingFlags(c)
	return c
}

// checkLine is a check as --json prints it.
type checkLine struct {
	What  string     `json:"check"`
	State string     `json:"state"` // ok, failed, skipped
	Says  string     `json:"says"`
	Code  fault.Code `json:"code,omitempty"`
	Next  string     `json:"next,omitempty"`
}

// profileAnswer is what the commands about one profile print with --json.
type profileAnswer struct {
	Profile string       `json:"profile"`
	Kind    profile.Kind `json:"kind,omitempty"`
	Checks  []checkLine  `json:"checks,omitempty"`
	Saved   bool         `json:"saved,omitempty"`
	InUse   bool         `json:"inUse,omitempty"`
	Removed bool         `json:"removed,omitempty"`
}

// answer prints a as JSON, if that is wanted.
func (t *terminal) answer(asJSON bool, a profileAnswer) error {
	if !asJSON {
		return nil
	}
	return json.NewEncoder(t.out).Encode(a)
}

// try runs the checks and prints each as it is known, unless JSON is to come. The error is that of the first that failed.
func (t *terminal) try(ctx context.Context, p profile.Profile, asJSON bool) ([]checkLine, error) {
	var lines []checkLine
	trial := client.Trial{Profile: p}
	all := trial.Run(ctx, func(c client.Check) {
		l := checkLine{What: c.What, State: "ok", Says: c.Says}
		switch {
		case c.Err != nil:
			l.State, l.Code, l.Next = "failed", fault.CodeOf(c.Err), fault.Tell(c.Err).Next
		case c.Skipped:
			l.State = "skipped"
		}
		lines = append(lines, l)
		if !asJSON {
			fmt.Fprintf(t.out, "%-13s %-8s %s\n", l.What, l.State, l.Says)
		}
	})
	return lines, client.Failed(all)
}

func (t *terminal) profileRemove() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "remove NAME",
		Short: "Take a profile out of the settings",
		Long: "Takes a profile out of config.toml. It is refused while somebody is logged in by it. The profile's folder, with its\n" +
			"journal, stays where it is.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			home, _, err := t.settings()
			if err != nil {
				return err
			}
			if err := client.RemoveProfile(cmd.Context(), home, args[0]); err != nil {
				return err
			}
			fmt.Fprintf(t.err, "Profile %s is removed.\n", args[0])
			return t.answer(asJSON, profileAnswer{Profile: args[0], Removed: true})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}
