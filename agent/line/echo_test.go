package line

import (
	"bytes"
	"testing"
)

// Whatever comes, in whatever pieces: what is not taken for the echo arrives whole and in order.
func FuzzEcho(f *testing.F) {
	f.Add([]byte{1, 5, 0, 0, 0xFF, 0, 0x8C, 0x3A}, []byte{1, 5, 0, 0, 0xFF, 0, 0x8C, 0x3A, 1, 5, 0, 0, 0xFF, 0, 0x8C, 0x3A}, uint8(3))
	f.Add([]byte{1, 5, 0, 0, 0xFF, 0, 0x8C, 0x3A}, []byte{0, 0, 0xFF, 0, 0x8C, 0x3A, 1, 5}, uint8(1))
	f.Add([]byte{1, 1, 1}, []byte{1, 1, 2}, uint8(1))
	f.Fuzz(func(t *testing.T, request, heard []byte, step uint8) {
		if len(request) == 0 {
			return
		}
		var e echo
		e.begin(request)
		var passed []byte
		n := int(step)%16 + 1
		whole := false
		for b := heard; len(b) > 0; b = b[min(n, len(b)):] {
			held, rest, w := e.take(b[:min(n, len(b))])
			passed = append(append(passed, held...), rest...)
			whole = whole || w
		}
		switch {
		case whole && (!bytes.HasSuffix(heard, passed) || !bytes.HasSuffix(request, heard[:len(heard)-len(passed)]) || len(heard)-len(passed) < len(request)-echoLost):
			t.Errorf("request % X, heard % X, passed % X", request, heard, passed)
		case !whole && e.over && !bytes.Equal(passed, heard):
			t.Errorf("request % X, heard % X, passed % X", request, heard, passed)
		}
	})
}
