package store

import (
	"bytes"
	"crypto/rand"
	"testing"

	"latchkey/internal/fault"
)

func sealer(t *testing.T) *Sealer {
	t.Helper()
	key := make([]byte, KeySize)
	rand.Read(key)
	s, err := NewSealer(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealedIsOpenedForItsContextAlone(t *testing.T) {
	s, other := sealer(t), sealer(t)
	for _, plain := range [][]byte{nil, []byte("jwt"), bytes.Repeat([]byte{7}, 5000)} {
		sealed := s.Seal(plain, []byte("session a"))
		if got, err := s.Open(sealed, []byte("session a")); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("opened %q, %v", got, err)
		}
		if len(sealed) != len(plain)+29 {
			t.Errorf("%d bytes sealed are %d", len(plain), len(sealed))
		}
		if len(plain) > 0 && bytes.Contains(sealed, plain) {
			t.Error("the plain text is still there")
		}
		if bytes.Equal(sealed, s.Seal(plain, []byte("session a"))) {
			t.Error("sealing twice gives the same bytes: the nonce repeats")
		}
		_, err := s.Open(sealed, []byte("session b"))
		wantCode(t, "another context", err, fault.StateCorrupt)
		_, err = other.Open(sealed, []byte("session a"))
		wantCode(t, "another key", err, fault.StateCorrupt)
	}
}

func TestASealedValueThatChangedIsRefused(t *testing.T) {
	s := sealer(t)
	sealed := s.Seal([]byte("attempt"), nil)
	for i := range sealed {
		flipped := bytes.Clone(sealed)
		flipped[i] ^= 1
		_, err := s.Open(flipped, nil)
		wantCode(t, "flipped", err, fault.StateCorrupt)
		_, err = s.Open(sealed[:i], nil)
		wantCode(t, "cut", err, fault.StateCorrupt)
	}
}

func TestASealingKeyHas32Bytes(t *testing.T) {
	for _, size := range []int{0, 16, 24, 31, 33} {
		_, err := NewSealer(make([]byte, size))
		wantKind(t, "size", err, fault.Invalid)
	}
}
