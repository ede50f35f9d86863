package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/profile"
)

// The key stores that a person can choose, by the word recorded with each key.
const (
	Keychain   = "keychain"
	TPM        = "tpm"
	Passphrase = "passphrase"
	Memory     = "memory"
)

// KeyStores are the words of the key stores.
var KeyStores = []string{Keychain, TPM, Passphrase, Memory}

// settings is the file that remembers a person's choices for this profile.
type settings struct {
	KeyStore string `json:"keyStore"`
}

const settingsName = "settings.json"

var errForgotten = errors.New("the key store that was chosen earlier cannot be read")

// Choose returns the key store to open: that of --keystore, else that of LATCHKEY_KEYSTORE, else that of config.toml,
// else the one that was opened last, else "". No store ever stands in for another: a word that is none, or
// a remembered choice that this version cannot read, is fault.ProfileBad.
func (c *Client) Choose() (string, error) {
	if said := c.from.Lookup(profile.SettingKeyStore, c.Profile().Name); said.Text != "" {
		if !slices.Contains(KeyStores, said.Text) {
			return "", fault.New(fault.ProfileBad, fmt.Errorf("%s is %q, want %s", said.Said(), said.Text, strings.Join(KeyStores, ", ")))
		}
		return said.Text, nil
	}
	backend, err := c.Remembered()
	if errors.Is(err, errForgotten) {
		err = fault.New(fault.ProfileBad, fmt.Errorf("%w; name one of %s", err, strings.Join(KeyStores, ", ")))
	}
	return backend, err
}

// Chosen is Choose for who can ask the person: where the remembered choice cannot be read it returns "", for the
// question to be put again.
func (c *Client) Chosen() (string, error) {
	backend, err := c.Choose()
	if errors.Is(err, errForgotten) {
		c.log.Warn("the choice of the key store is asked for again", "err", err)
		return "", nil
	}
	return backend, err
}

// Remembered returns the key store that was opened last before this client was used, or "". Memory is never
// remembered: what it held is gone.
func (c *Client) Remembered() (string, error) { return c.recall() }

// readChoice reads the settings. A damaged file is told of once, and then set aside, so the answer is kept.
func (c *Client) readChoice() (string, error) {
	data, err := c.dir.Read(settingsName)
	var s settings
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	switch {
	case errors.Is(err, fault.NotFound):
		return "", nil
	case errors.Is(err, fault.Corrupt) || fault.KindOf(err) == "" && err != nil:
		return "", fmt.Errorf("%w: %w", errForgotten, err)
	case err != nil:
		return "", err
	case !slices.Contains(KeyStores, s.KeyStore):
		return "", fmt.Errorf("%w: it is %q", errForgotten, s.KeyStore)
	}
	return s.KeyStore, nil
}

// remember notes the key store that was opened.
func (c *Client) remember(backend string) error {
	if backend == Memory {
		return nil
	}
	if before, err := c.readChoice(); err == nil && before == backend { // as it stands now: another process may have chosen
		return nil
	}
	return c.writeChoice(backend)
}

func (c *Client) writeChoice(backend string) error {
	data, err := json.Marshal(settings{KeyStore: backend})
	if err != nil {
		return err
	}
	return c.dir.Write(settingsName, data)
}

// asker returns what says the passphrase: the file that a setting names, else a person.
func (c *Client) asker(person keystore.Ask) keystore.Ask {
	if path := c.passphraseFile(); path != "" {
		return keystore.AskFile(path)
	}
	return person
}

func (c *Client) passphraseFile() string {
	return c.from.Lookup(profile.SettingPassphrase, c.profile.Name).Text
}
