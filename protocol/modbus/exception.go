package modbus

// Exception codes (Application Protocol, chapter 7).
const (
	IllegalFunction byte = 0x01
	IllegalAddress  byte = 0x02
	IllegalValue    byte = 0x03
	DeviceFailure   byte = 0x04
	Acknowledge     byte = 0x05 // taken, and still at it: the answer is to be asked for later
	DeviceBusy      byte = 0x06 // not taken: ask again later
	ParityError     byte = 0x08
	GatewayPath     byte = 0x0A
	GatewayTarget   byte = 0x0B
)

// exceptions is the codes in words: what was said, and what a person can do about it.
var exceptions = map[byte]struct{ zh, en string }{
	IllegalFunction: {"设备没有这个功能码（核对型号）", "illegal function: the device does not know this function (check the model)"},
	IllegalAddress:  {"寄存器地址不存在（核对型号，或读跨了空洞）", "illegal data address: no such register (check the model; the read may cross a hole)"},
	IllegalValue:    {"数值或寄存器个数不被接受", "illegal data value: the value or the number of registers is not accepted"},
	DeviceFailure:   {"设备执行失败", "device failure: the device tried and could not"},
	Acknowledge:     {"设备已接受，仍在执行", "acknowledged, still working"},
	DeviceBusy:      {"设备忙，稍后再试", "device busy: try again later"},
	7:               {"设备拒绝执行", "negative acknowledge: the device will not do it"},
	ParityError:     {"设备存储校验错误（设备故障）", "memory parity error: the device's memory is bad"},
	GatewayPath:     {"网关没有通往该设备的路径（核对网关配置）", "gateway path unavailable: check the gateway's settings"},
	GatewayTarget:   {"网关后的设备没有应答（核对地址、接线和供电）", "gateway target did not answer: check address, wiring and power behind the gateway"},
}

// ExceptionWords is the code in both languages.
func ExceptionWords(code byte) (zh, en string) {
	if w, ok := exceptions[code]; ok {
		return w.zh, w.en
	}
	return "未知的异常码", "unknown code"
}

// ExceptionText is the code in English words.
func ExceptionText(code byte) string {
	_, en := ExceptionWords(code)
	return en
}
