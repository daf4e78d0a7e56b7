package dlt645

// RelayStatus is the word of two bytes with which State Grid meters of 2014
// and later accept a control request (9C, L = 2). It tells how they took it.
// Known from firmware and a test bench; that the low byte comes first is
// presumed.
type RelayStatus uint16

var relayStatusBits = []bit{
	0: {"direct_close", words{"closes directly", "直接合闸"}}, 1: {"close_permit", words{"close permitted, the button must be pressed", "合闸允许"}},
	2: {"direct_trip", words{"trips directly", "直接跳闸"}}, 3: {"delayed_trip", words{"trips after the delay that is set", "延时跳闸"}},
	4: {"trip_auto_recover", words{"trips and recovers by itself", "跳闸自动恢复"}},
	5: {"delayed_over_current", words{"trip waits, current above the limit", "电流超门限，延时跳闸"}},
	8: {"hold_on", words{"power hold on", "保电"}}, 9: {"hold_off", words{"power hold off", "保电解除"}},
	10: {"alarm_on", words{"alarm on", "报警"}}, 11: {"alarm_off", words{"alarm off", "报警解除"}},
}

// ParseRelayStatus takes the word out of an acceptance; false when the meter
// sent none, as most do.
func ParseRelayStatus(f Frame) (RelayStatus, bool) {
	if f.Control != funcRelay|fromMeter || len(f.Data) != 2 {
		return 0, false
	}
	return RelayStatus(f.Data[0]) | RelayStatus(f.Data[1])<<8, true
}

// Names lists the set bits for machines, lowest first.
func (w RelayStatus) Names() []string { return bitList(uint16(w), relayStatusBits) }

// Explain says what they mean, in "zh" or English.
func (w RelayStatus) Explain(lang string) []string { return bitWords(uint16(w), relayStatusBits, lang) }

// Delayed reports whether the meter will trip later: a delay is set, or the
// current is above its limit.
func (w RelayStatus) Delayed() bool { return w&(1<<3|1<<5) != 0 }

// RelayStatusReply is meter a's acceptance with a word.
func RelayStatusReply(a Address, w RelayStatus) Frame {
	return Frame{Addr: a, Control: funcRelay | fromMeter, Data: []byte{byte(w), byte(w >> 8)}}
}

// RelayErrorReply is meter a's refusal with an error word (DC, L = 2).
func RelayErrorReply(a Address, w uint16) Frame {
	return Frame{Addr: a, Control: funcRelay | fromMeter | refused, Data: []byte{byte(w), byte(w >> 8)}}
}
