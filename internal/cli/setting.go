package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"latchkey/internal/client"
	"latchkey/internal/profile"
)

// said is a flag that says a setting. Its value goes to where settings are looked up, and nowhere else.
type said struct {
	flags profile.Flags
	name  string
}

func (s said) String() string        { return s.flags[s.name] }
func (s said) Set(text string) error { s.flags[s.name] = text; return nil }
func (said) Type() string            { return "string" }

// settingFlags gives a command the flags by which the settings of a profile are said. The key store's is with those
// commands that open one.
func (t *terminal) settingFlags(c *cobra.Command) {
	for _, s := range profile.Settings() {
		if s.Flag != "" && s.PerProfile && s.Name != profile.SettingKeyStore {
			t.settingFlag(c, s)
		}
	}
}

func (t *terminal) settingFlag(c *cobra.Command, s profile.Setting) {
	plain := strings.NewReplacer("`", "").Replace(s.For + " (default: " + s.Default + ")")
	c.Flags().Var(said{t.flags, s.Name}, s.Flag, plain)
}

// keyStoreFlag is the flag of every command that needs a key, if only the one that seals the profile's files.
func (t *terminal) keyStoreFlag(c *cobra.Command) {
	c.Flags().Var(said{t.flags, profile.SettingKeyStore}, "keystore", "where keys live: "+strings.Join(client.KeyStores, ", ")+" (default: as last time, else keychain)")
}

// profileFlag is the flag of every command that chooses the profile.
func (t *terminal) profileFlag(root *cobra.Command) {
	root.PersistentFlags().Var(said{t.flags, profile.SettingProfile}, "profile", "which profile (default: the one in use)")
}

// options are those of the profile that flags, environment and file choose.
func (t *terminal) options() (client.Options, error) {
	home, err := profile.DefaultHome()
	if err != nil {
		return client.Options{}, err
	}
	return client.Options{Home: home, Flags: t.flags, Log: t.log(false), Ask: person(), Approve: t.approve, ScryptWork: t.work}, nil
}

// debugging reports whether a setting asks for the log. What is wrong with the settings is told by who needs them.
func (t *terminal) debugging() bool {
	_, from, err := t.settings()
	return err == nil && from.Debug()
}
