package keystore_test

import (
	"testing"

	"latchkey/internal/keystore"
	"latchkey/internal/keystore/keystoretest"
)

func TestMemoryIsAStore(t *testing.T) {
	keystoretest.Run(t, func(*testing.T) keystore.Store { return keystore.NewMemory() })
}
