package scan

import (
	"testing"

	"feikong/protocol/dlt645"
)

func TestHearingTellsSilenceAnswerAndCollision(t *testing.T) {
	a, _ := dlt645.ParseAddress("123456789012")
	b, _ := dlt645.ParseAddress("123456789013")
	reply := func(a dlt645.Address) []byte {
		return dlt645.AppendFrame(nil, dlt645.ReadReply(a, dlt645.DIForwardTotal, []byte{1, 2, 3, 4}))
	}
	sent := dlt645.AppendFrame(dlt645.AppendPreamble(nil), dlt645.ReadRequest(dlt645.Wildcard, dlt645.DIForwardTotal))
	join := func(parts ...[]byte) (out []byte) {
		for _, p := range parts {
			out = append(out, p...)
		}
		return out
	}
	spoilt := reply(a)
	spoilt[16] ^= 1
	for _, row := range []struct {
		name    string
		capture []byte
		silent  bool
		clean   bool
		maybe   int
		foreign int
	}{
		{"nothing", nil, true, false, 0, 0},
		{"a glitch of the adapter", []byte{0xFF, 0}, true, false, 0, 0},
		{"our echo", sent, true, false, 0, 0},
		{"our echo without its beginning", sent[7:], true, false, 0, 0},
		{"one answer", reply(a), false, true, 0, 0},
		{"one answer with preamble, doubled start and trailing FF", join([]byte{0xFE, 0xFE, 0x68}, reply(a), []byte{0xFF, 0xFF}), false, true, 0, 0},
		{"echo and answer", join(sent, []byte{0xFE}, reply(a)), false, true, 0, 0},
		{"two answers", join(reply(a), []byte{0xFE}, reply(b)), false, false, 0, 0},
		{"damage", spoilt, false, false, 1, 0},
		{"an answer and half another", join(reply(a), reply(b)[:9]), false, false, 1, 0},
		{"many answers at once", make([]byte, 40), false, false, 0, 0},
		{"another master", join(dlt645.AppendFrame(nil, dlt645.ReadRequest(a, dlt645.DITime)), reply(a)), false, true, 0, 1},
	} {
		h := Listen(row.capture, sent)
		if _, clean := h.Clean(); h.Silent() != row.silent || clean != row.clean || len(h.Maybe) != row.maybe || h.Foreign != row.foreign {
			t.Errorf("%s: got %+v", row.name, h)
		}
	}
}

func FuzzListen(f *testing.F) {
	sent := dlt645.AppendFrame(dlt645.AppendPreamble(nil), dlt645.ReadRequest(dlt645.Wildcard, dlt645.DIForwardTotal))
	f.Add(sent)
	f.Add(append(append([]byte{0x68}, dlt645.AppendFrame(nil, dlt645.ReadReply(dlt645.Address{1}, dlt645.DIForwardTotal, []byte{1, 2, 3, 4}))...), 0xFF))
	f.Fuzz(func(t *testing.T, capture []byte) {
		h := Listen(capture, sent)
		if h.Stray < 0 || h.Stray > len(capture) {
			t.Errorf("%d of %d bytes are stray", h.Stray, len(capture))
		}
	})
}
