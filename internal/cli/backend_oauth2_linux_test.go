package cli

import (
	"io"
	"strings"
	"testing"
)

func TestAClientSecretIsNotShownOnTheTerminal(t *testing.T) {
	const secret = "client-secret-canary"
	c, side := openConsole(t)
	type read struct {
		text string
		err  error
	}
	done := make(chan read, 1)
	go func() {
		text, err := (&terminal{in: side, err: side}).clientSecret(t.Context(), "")
		done <- read{text, err}
	}()
	c.answer("Client secret: ", 1, secret)
	if got := <-done; got.err != nil || got.text != secret {
		t.Errorf("%q, %v", got.text, got.err)
	}
	if _, err := side.WriteString("the end"); err != nil {
		t.Fatal(err)
	}
	c.await("the end", 1)
	if strings.Contains(c.text(), secret) {
		t.Error("it stands on the terminal")
	}
}

func TestAClientSecretIsTakenWholeOrNotAtAll(t *testing.T) {
	for length, good := range map[int]bool{0: false, 1: true, clientSecretMost: true, clientSecretMost + 1: false, 2 * clientSecretMost: false} {
		secret := strings.Repeat("x", length)
		got, err := (&terminal{in: strings.NewReader(secret), err: io.Discard}).clientSecret(t.Context(), "")
		if good != (err == nil) || good && got != secret || err != nil && !isUsage(err) {
			t.Errorf("%d bytes: %d bytes, %v", length, len(got), err)
		}
	}
}
