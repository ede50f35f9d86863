package login

import (
	"context"

	"latchkey/internal/ceremony"
)

// OpenBrowser opens the page of an attempt in the person's browser. Errors: fault.BrowserUnopened; then the link is
// opened by hand.
func OpenBrowser(ctx context.Context, address string) error {
	return ceremony.OpenBrowser(ctx, address)
}
