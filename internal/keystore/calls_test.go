package keystore_test

import (
	"context"
	"testing"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
)

// everyCall returns the error of each method that asks the keychain.
func everyCall(ctx context.Context, s keystore.Store) map[string]error {
	const never = "02" + "ce4b1f3c4f5b0a5e1f7d0a1b2c3d4e5f60718293a4b5c6d7e8f9001122334455"
	_, create := s.Create(ctx)
	_, open := s.Open(ctx, never)
	_, secret := s.Secret(ctx, "state-key")
	return map[string]error{
		"create": create, "open": open, "secret": secret,
		"delete":        s.Delete(ctx, never),
		"put secret":    s.PutSecret(ctx, "state-key", []byte("x")),
		"delete secret": s.DeleteSecret(ctx, "state-key"),
	}
}

func wantCode(t *testing.T, what string, err error, want fault.Code) {
	t.Helper()
	if got := fault.CodeOf(err); got != want {
		t.Errorf("%s: got %v, want %s", what, err, want)
	}
}

// listed returns what s says it holds.
func listed(ctx context.Context, s keystore.Store) ([]string, error) {
	return s.(keystore.Lister).List(ctx)
}
