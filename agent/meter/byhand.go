package meter

import "feikong/protocol"

// Actions that only a hand at the meter asks for, in commissioning mode. They are no wire values: an order that names one
// is refused.
const (
	ActionAlarmOn  protocol.Action = 0xF0 + iota // 报警
	ActionAlarmOff                               // 报警解除
	ActionHoldOn                                 // 保电
	ActionHoldOff                                // 保电解除
)
