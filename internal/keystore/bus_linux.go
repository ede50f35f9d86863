package keystore

import "context"

// Bus connects to the session bus, on which keychains are asked, and returns its address. No bus is started. Errors:
// fault.KeychainNoBus, fault.KeychainTimeout.
func Bus(ctx context.Context) (address string, err error) {
	p, err := connect(ctx)
	if err != nil {
		return "", err
	}
	p.close()
	return busAddress()
}
