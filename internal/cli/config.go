package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"latchkey/internal/profile"
)

func (t *terminal) config() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "What is set, and where",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(t.configList())
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
	return c
}

// settingLine is a setting as `config list --json` prints it.
type settingLine struct {
	Name   string         `json:"name"`
	Value  string         `json:"value"` // of a secret, whether it is set
	Secret bool           `json:"secret"`
	Origin profile.Origin `json:"origin"`
	Where  string         `json:"where,omitempty"` // "--profile", "LATCHKEY_PROFILE", "/…/config.toml:3"
}

func (t *terminal) configList() *cobra.Command {
	var origins, asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "Every setting, for the profile that would be opened",
		Long: "Prints every setting: those of the profile that would be opened, and those of the backend as this environment has\n" +
			"them. With --show-origin each says where it comes from: a flag, a variable of the environment, a line of config.toml,\n" +
			"or the default. Of a secret it says whether it is set.",
		RunE: func(*cobra.Command, []string) error {
			home, from, err := t.settings()
			if err != nil {
				return err
			}
			p, err := profile.Load(home, from)
			if err != nil {
				return err
			}
			lines := []settingLine{}
			for _, s := range profile.Settings() {
				v := from.Lookup(s.Name, p.Name)
				l := settingLine{Name: s.Name, Value: v.Text, Secret: s.Secret, Origin: v.Origin, Where: v.Where}
				switch {
				case s.Secret && v.Origin == profile.FromDefault:
					l.Value = "unset"
				case s.Secret:
					l.Value = "set"
				case v.Origin == profile.FromDefault:
					l.Value = byDefault(s, p)
				}
				lines = append(lines, l)
			}
			if asJSON {
				return json.NewEncoder(t.out).Encode(map[string]any{"profile": p.Name, "settings": lines})
			}
			w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
			for _, l := range lines {
				l.Value = short(l.Value)
				if !origins {
					fmt.Fprintf(w, "%s\t%s\n", l.Name, l.Value)
					continue
				}
				fmt.Fprintf(w, "%s\t%s\t%s\n", l.Name, l.Value, strings.TrimSpace(origin(l)))
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&origins, "show-origin", false, "and where each comes from")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, origins included")
	t.keyStoreFlag(c)
	t.settingFlags(c)
	return c
}

// short keeps keys from making the table unreadable; --json has them whole.
func short(value string) string {
	if len(value) < 66 || strings.Contains(value, " ") {
		return value
	}
	return value[:10] + "…" + value[len(value)-6:]
}

// origin says in a word and a place where a value comes from.
func origin(l settingLine) string {
	if l.Origin == profile.FromFile {
		return "file " + l.Where
	}
	return string(l.Origin) + " " + l.Where
}

// byDefault is what nobody set: as the profile has it, or in the words of the table.
func byDefault(s profile.Setting, p profile.Profile) string {
	plain := strings.ReplaceAll(s.Default, "`", "")
	if !s.PerProfile {
		return plain
	}
	ofKind := map[string]string{
		profile.SettingSessionLength: profile.FormatLength(p.SessionLength), profile.SettingAPIURL: p.APIURL, "kind": string(p.Kind),
	}
	value, ok := ofKind[s.Name]
	switch {
	case p.Kind == profile.KindSandbox && (strings.HasPrefix(s.Name, "pinned ") || s.Name == profile.SettingAPIURL ||
		s.Name == profile.SettingBackendURL || s.Name == profile.SettingOrganization):
		return "the sandbox's own"
	case ok:
		return cmp.Or(value, plain)
	}
	return plain
}
