package dlt645

// statusBits1997 are the status words of 1997, one byte each. The week's word
// (C022) is not among them: sources do not agree which day bit 0 is.
var statusBits1997 = map[DI][]bit{
	0xC020: { // 电表运行状态字
		0: {"read_by_hand", words{"read by hand (else automatically)", "手动抄表（否则自动）"}},
		1: {"demand_mode_block", words{"demand by blocks (else sliding)", "需量按区间（否则滑差）"}},
		2: {"battery_low", words{"battery low", "电池欠压"}},
		4: {"active_direction_reverse", words{"active power reverse", "有功功率方向反向"}},
		5: {"reactive_direction_reverse", words{"reactive power reverse", "无功功率方向反向"}},
	},
	0xC021: { // 电网状态字
		0: {"phase_a_off", words{"phase A off", "A相断电"}}, 1: {"phase_b_off", words{"phase B off", "B相断电"}}, 2: {"phase_c_off", words{"phase C off", "C相断电"}},
		4: {"over_voltage_a", words{"phase A over-voltage", "A相过压"}}, 5: {"over_voltage_b", words{"phase B over-voltage", "B相过压"}}, 6: {"over_voltage_c", words{"phase C over-voltage", "C相过压"}},
	},
}

// ExplainStatus says what the set bits of item d mean, a status word of either
// edition in wire order, in "zh" or English; nil when d is no status word, or
// nothing is set.
func ExplainStatus(d DI, b []byte, lang string) []string {
	if bits, ok := statusBits1997[d]; ok && len(b) == 1 {
		return bitWords(uint16(b[0]), bits, lang)
	}
	if w, err := ParseStatusWord(d, b); err == nil {
		return w.Explain(lang)
	}
	return nil
}
