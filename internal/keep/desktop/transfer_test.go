package desktop

import (
	"bytes"
	"errors"
	"testing"
)

func TestTransfer(t *testing.T) {
	t.Parallel()
	s := transfer{key: []byte("CANARY 16 bytes.")}
	for n := range 50 {
		text := bytes.Repeat([]byte("x"), n)
		iv, value, err := s.encrypt(text)
		if err != nil || len(value)%16 != 0 || n > 3 && bytes.Contains(value, text) {
			t.Fatalf("%d bytes: %x, %v", n, value, err)
		}
		if got, err := s.decrypt(iv, value); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes come back as %q, %v", n, got, err)
		}
		for _, wrong := range [][2][]byte{{iv[1:], value}, {iv, value[1:]}, {iv, nil}, {nil, value}} {
			if _, err := s.decrypt(wrong[0], wrong[1]); !errors.Is(err, errCipher) {
				t.Errorf("%d bytes, cut: %v", n, err)
			}
		}
	}
	if _, _, err := (transfer{}).encrypt([]byte("CANARY")); !errors.Is(err, ErrPlain) {
		t.Errorf("without a key: %v", err)
	}
}
