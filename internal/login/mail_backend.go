package login

import (
	"context"
	"strconv"
	"time"
)

// sendKey has a key sent to an e-mail address, sealed to an uncompressed public key, if there is an account under it.
func (b *Backend) sendKey(ctx context.Context, contact, target string, life time.Duration) error {
	var ignored struct{}
	return b.post(ctx, "/api/sendCredential", struct {
		Email   string `json:"email"`
		Target  string `json:"targetPublicKey"`
		Seconds string `json:"expirationSeconds"`
	}{contact, target, strconv.FormatInt(int64(life/time.Second), 10)}, "", &ignored)
}
