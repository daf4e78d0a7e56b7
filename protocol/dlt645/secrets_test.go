package dlt645

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestNoPasswordIsShownAnywhere looks for a password, as it is and with the
// offset, in every printed form of every frame that carries one.
func TestNoPasswordIsShownAnywhere(t *testing.T) {
	a, _, op, deadline := sample(t)
	pw := Password{Level: 3, Digits: [3]byte{0x71, 0x82, 0x93}}
	must := func(f Frame, err error) Frame {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	secret := append([]byte{}, pw.append(nil)...)
	for name, f := range map[string]Frame{
		"relay":            must(RelayRequest(a, pw, op, Trip, deadline)),
		"write":            must(WriteRequest(a, DITime, pw, op, []byte{1, 2, 3})),
		"password":         must(PasswordRequest(a, DIPassword0+3, pw, pw)),
		"password reply":   PasswordReply(a, pw),
		"clear demand":     must(ClearDemandRequest(a, pw, op)),
		"clear events":     must(ClearEventsRequest(a, pw, op, DIAllEvents)),
		"clear meter":      {Addr: a, Control: 0x1A, Data: append(append([]byte{}, secret...), op[:]...)},
		"write a password": {Addr: a, Control: 0x14, Data: append(append(append(DIPassword0.Append(nil), secret...), op[:]...), secret...)},
		"read a password":  ReadReply(a, DIPassword0+3, secret),
		"1997 write":       must(WriteRequest1997(a, 0xC011, &pw, []byte{1, 2, 3})),
		"1997 password":    must(PasswordRequest1997(a, pw, pw)),
		"1997 reply":       PasswordReply1997(a, pw),
	} {
		wire := AppendFrame(nil, f)
		masked := AppendMasked(nil, f)
		damaged := bytes.Clone(wire)
		damaged[len(damaged)-2]++
		var shown strings.Builder
		fmt.Fprintln(&shown, f, fmt.Sprintf("%x %X %d % X", f, f, f, f), Redact(wire), Redact(damaged), fmt.Sprintf("% X", masked))
		for _, lang := range []string{"en", "zh"} {
			for _, w := range [][]byte{wire, masked} {
				var joined []byte
				for _, p := range Explain(lang, w) {
					joined = append(joined, p.Bytes...)
					fmt.Fprintln(&shown, p.String())
				}
				if !bytes.Equal(joined, w) {
					t.Errorf("%s: %d bytes explained of %d", name, len(joined), len(w))
				}
			}
			if got := Explain(lang, masked); len(got) < 7 || len(got[0].Bytes) != 1 {
				t.Errorf("%s: masked evidence is not explained: %v", name, got)
			}
		}
		low := strings.ToLower(shown.String())
		for _, leak := range []string{"71 82 93", "a4 b5 c6", "718293", "a4b5c6", "113 130 147"} {
			if strings.Contains(low, leak) {
				t.Errorf("%s: %s appears in\n%s", name, leak, shown.String())
			}
		}
	}
}

func TestASealedOrderIsReadBackAndClearlyRefused(t *testing.T) {
	a, pw, op, deadline := sample(t)
	f, err := SealedFrame(a, 0x1C, 0, make([]byte, 24))
	if err != nil || len(f.Data) != 0x1C || f.Data[0] != 0x98 {
		t.Fatal(f, err)
	}
	if _, err := ParseRelayRequest(f, shanghai); !errors.Is(err, ErrSealed) {
		t.Errorf("a meter without a security module: %v", err)
	}
	plain, _ := RelayRequest(a, pw, op, Trip, deadline)
	if _, _, err := ParseSealedRequest(plain); !errors.Is(err, ErrNotRequest) {
		t.Errorf("a plain order: %v", err)
	}
	_, err = SealedFrame(a, 0x14, DITime, make([]byte, 24))
	if want := "only 03H with 0700xxxx and 1CH are sealed"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
