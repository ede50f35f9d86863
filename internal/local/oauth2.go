package local

import (
	"context"
	"fmt"
	"time"

	"latchkey/internal/backend"
)

// AppOfSandbox is the client id, and its secret, of the app that the built-in sandbox knows at X and Discord.
const AppOfSandbox = "latchkey-sandbox"

// knowApps uploads the app's secret for X and Discord, as the owner of a parent organization does once.
func knowApps(c backend.Config) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for provider := range backend.OAuth2Providers {
		if _, _, err := backend.AddOAuth2Credential(ctx, c, provider, AppOfSandbox, backend.SecretOf(AppOfSandbox)); err != nil {
			return fmt.Errorf("upload the secret for %s: %w", provider, err)
		}
	}
	return nil
}
