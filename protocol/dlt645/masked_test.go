package dlt645

import (
	"strings"
	"testing"
)

func TestEvidenceWithAMaskedPasswordIsStillExplained(t *testing.T) {
	wire := unhex(t, "68 01 01 00 00 00 00 68 1C 10 35 FF FF FF 34 33 33 33 4D 33 8A 34 48 56 44 59 AE 16")
	var text strings.Builder
	n := 0
	for _, p := range Explain("en", wire) {
		text.WriteString(p.String() + "\n")
		n += len(p.Bytes)
	}
	if n != len(wire) {
		t.Errorf("explained %d bytes of %d", n, len(wire))
	}
	for _, want := range []string{"command 1A: trip", "deadline 2026-11-23 15:01:57", "password, masked", "checksum, masked"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}

func TestAFrameWithAWrongChecksumIsNotTakenForMasked(t *testing.T) {
	wire := unhex(t, "68 01 01 00 00 00 00 68 1C 10 35 FF FF 33 34 33 33 33 4D 33 8A 34 48 56 44 59 AE 16")
	if _, ok := maskedFrame(wire); ok {
		t.Error("two masked bytes are not a masked password")
	}
}

func TestAppendMaskedHidesEveryPasswordAndNothingElse(t *testing.T) {
	a, err := ParseAddress("101")
	if err != nil {
		t.Fatal(err)
	}
	secret := []byte{0x56, 0x34, 0x12}
	for name, f := range map[string]Frame{
		"control":         {Control: 0x1C, Data: append(append([]byte{2}, secret...), 1, 0, 0, 0, 0x1A, 0, 1, 2, 3, 4, 5, 6)},
		"clear events":    {Control: 0x1B, Data: append(append([]byte{2}, secret...), 1, 0, 0, 0, 1, 2, 3, 4)},
		"clear":           {Control: 0x1A, Data: append(append([]byte{2}, secret...), 1, 0, 0, 0)},
		"write":           {Control: 0x14, Data: append(append([]byte{1, 1, 0, 4, 2}, secret...), 1, 0, 0, 0, 9)},
		"password change": {Control: 0x18, Data: append(append([]byte{1, 0xC, 0, 4, 2}, secret...), append([]byte{2}, secret...)...)},
		"cut short":       {Control: 0x1C, Data: append([]byte{2}, secret[:1]...)},
	} {
		f.Addr = a
		plain, got := AppendFrame(nil, f), AppendMasked([]byte{9}, f)[1:]
		if len(plain) != len(got) {
			t.Fatalf("%s: %d bytes, want %d", name, len(got), len(plain))
		}
		hidden := 0
		for i := range got {
			if got[i] != plain[i] {
				hidden++
				if got[i] != maskedByte {
					t.Errorf("%s: byte %d is %02X", name, i, got[i])
				}
			}
		}
		if want := map[string]int{"password change": 6, "cut short": 1}[name]; hidden != max(want, 3)+1 && hidden != want+1 {
			t.Errorf("%s: %d bytes hidden", name, hidden)
		}
		if got[len(got)-2] != maskedByte {
			t.Errorf("%s: the checksum tells of the password", name)
		}
		for i := range secret {
			if name == "cut short" && i > 0 {
				break
			}
			if strings.Contains(string(got), string([]byte{secret[i] + 0x33})) {
				t.Errorf("%s: shows byte %d of the password: % X", name, i, got)
			}
		}
	}
	read := ReadRequest(a, DIForwardTotal)
	if string(AppendMasked(nil, read)) != string(AppendFrame(nil, read)) {
		t.Error("a read request was changed")
	}
}
