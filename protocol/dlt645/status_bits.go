package dlt645

// bit is a bit of a status or error word: its name for machines, and what a
// set bit says to people. An empty one is reserved.
type bit struct {
	name string
	words
}

// names is Names of a word: the set bits for machines, lowest first.
func bitList(w uint16, bits []bit) []string {
	names := make([]words, len(bits))
	for i, b := range bits {
		names[i].en = b.name
	}
	return bitNames(w, names, "en")
}

// bitWords is the set bits for people.
func bitWords(w uint16, bits []bit, lang string) []string {
	names := make([]words, len(bits))
	for i, b := range bits {
		names[i] = b.words
	}
	return bitNames(w, names, lang)
}

// statusBits are status words 1 to 7 (电表运行状态字), 04000501 to 04000507.
// Words 4 to 6 are the phases A to C. Bits marked newer come with the
// fee-control annex; a meter of the first 2007 edition leaves them 0, which
// then says nothing.
var statusBits = [7][]bit{
	{
		1: {"demand_mode_block", words{"demand by blocks (else sliding)", "需量按区间（否则滑差）"}},
		2: {"clock_battery_low", words{"clock battery low", "时钟电池欠压"}},
		3: {"outage_battery_low", words{"outage battery low", "停电抄表电池欠压"}},
		4: {"active_direction_reverse", words{"active power reverse", "有功功率方向反向"}},
		5: {"reactive_direction_reverse", words{"reactive power reverse", "无功功率方向反向"}},
		6: {"fee_mode_remote", words{"fee mode remote", "远程费控模式"}}, // newer [?]
		// 8 and up: newer
		8: {"control_loop_error", words{"control loop error", "控制回路错误"}}, 9: {"esam_error", words{"ESAM error", "ESAM错误"}},
		12: {"internal_program_error", words{"internal program error", "内部程序错误"}}, 13: {"memory_fault", words{"memory fault", "存储器故障或损坏"}},
		14: {"overdraft", words{"overdraft", "透支状态"}}, 15: {"clock_fault", words{"clock fault", "时钟故障"}},
	},
	{
		0: {"active_reverse_a", words{"active power of phase A reverse", "A相有功反向"}},
		1: {"active_reverse_b", words{"active power of phase B reverse", "B相有功反向"}},
		2: {"active_reverse_c", words{"active power of phase C reverse", "C相有功反向"}},
		4: {"reactive_reverse_a", words{"reactive power of phase A reverse", "A相无功反向"}},
		5: {"reactive_reverse_b", words{"reactive power of phase B reverse", "B相无功反向"}},
		6: {"reactive_reverse_c", words{"reactive power of phase C reverse", "C相无功反向"}},
	},
	{
		0: {"day_table_set_2", words{"day tables of set 2 run", "运行第二套时段表"}},
		1: {"supply_auxiliary", words{"fed by the auxiliary supply", "辅助电源供电"}}, // bits 1-2: 00 mains, 01 auxiliary, 10 battery
		2: {"supply_battery", words{"fed by the battery", "电池供电"}},
		3: {"programming_enabled", words{"programming enabled", "编程允许"}},
		4: {"relay_open", words{"relay open", "继电器断开"}},
		// newer from here on
		5:  {"zone_set_2", words{"zone table of set 2 runs", "运行第二套时区表"}},
		6:  {"relay_command_open", words{"last command open", "最近命令为拉闸"}},
		7:  {"pre_trip_alarm", words{"pre-trip alarm", "预跳闸报警"}},
		8:  {"prepaid_energy", words{"prepaid by energy", "电量型预付费"}}, // bits 8-9: 00 not prepaid
		9:  {"prepaid_money", words{"prepaid by money", "电费型预付费"}},
		10: {"price_set_2", words{"prices of set 2 run", "运行第二套费率电价"}}, 11: {"step_set_2", words{"steps of set 2 run", "运行第二套阶梯"}},
		12: {"power_hold", words{"power hold", "保电"}}, 13: {"identity_auth_valid", words{"identity authentication valid", "身份认证有效"}},
		14: {"local_account_not_opened", words{"local account not opened", "本地未开户"}}, 15: {"remote_account_not_opened", words{"remote account not opened", "远程未开户"}},
	},
	phaseBits, phaseBits, phaseBits,
	{
		0: {"voltage_sequence_reversed", words{"voltage sequence reversed", "电压逆相序"}}, 1: {"current_sequence_reversed", words{"current sequence reversed", "电流逆相序"}},
		2: {"voltage_unbalance", words{"voltage unbalance", "电压不平衡"}}, 3: {"current_unbalance", words{"current unbalance", "电流不平衡"}},
		4: {"auxiliary_supply_loss", words{"auxiliary supply lost", "辅助电源失电"}}, 5: {"power_down", words{"power down", "掉电"}},
		6: {"demand_over_limit", words{"demand over limit", "需量超限"}}, 7: {"power_factor_low", words{"total power factor low", "总功率因数超下限"}},
		8: {"current_unbalance_severe", words{"current severely unbalanced", "电流严重不平衡"}}, // newer
	},
}

var phaseBits = []bit{
	{"voltage_loss", words{"voltage loss", "失压"}}, {"under_voltage", words{"under-voltage", "欠压"}}, {"over_voltage", words{"over-voltage", "过压"}},
	{"current_loss", words{"current loss", "失流"}}, {"over_current", words{"over-current", "过流"}}, {"overload", words{"overload", "过载"}},
	{"reverse_power", words{"reverse power", "潮流反向"}}, {"phase_break", words{"phase break", "断相"}}, {"current_break", words{"current break", "断流"}},
}
