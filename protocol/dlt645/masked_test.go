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
	for _, want := range []string{"command 1A: trip", "deadline 2026-11-23 15:01:57", "password, masked", "password included"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}

func TestAFrameWithAWrongChecksumIsNotTakenForMasked(t *testing.T) {
	wire := unhex(t, "68 01 01 00 00 00 00 68 1C 10 35 FF FF 33 34 33 33 33 4D 33 8A 34 48 56 44 59 AE 16")
	if _, ok := maskedRelay(wire); ok {
		t.Error("two masked bytes are not a masked password")
	}
}
