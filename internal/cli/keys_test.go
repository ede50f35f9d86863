package cli

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"latchkey/internal/keystore"
	"latchkey/internal/profile"
	"latchkey/internal/store"
)

// keyOf FILE ROLE puts the public key with that role, of what keys list --json said, into KEY.
func keyOf(ts *testscript.TestScript, _ bool, args []string) {
	var said struct{ Keys []keyLine }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &said))
	for _, k := range said.Keys {
		if string(k.Role) == args[1] {
			ts.Setenv("KEY", k.PublicKey)
			return
		}
	}
	ts.Fatalf("no %s key in %s", args[1], args[0])
}

// makeOrphan makes a key under the passphrase of the file words that nobody needs, and puts its public key into KEY.
func makeOrphan(ts *testscript.TestScript, _ bool, _ []string) {
	p := profile.Sandbox(profile.At(ts.Getenv(profile.HomeVariable)))
	dir, err := store.Open(p.Dir)
	ts.Check(err)
	words := strings.TrimSpace(ts.ReadFile("words"))
	keys := keystore.NewPassphraseFile(dir, p.Name, func(context.Context, keystore.Question) (string, error) { return words, nil })
	key, err := keys.Create(context.Background())
	ts.Check(err)
	ts.Setenv("KEY", key.PublicKey())
}
