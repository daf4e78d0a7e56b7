package tools

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"feikong/protocol/modbus"
)

// modbusPart is a stretch of a Modbus frame and what it says.
type modbusPart struct {
	bytes []byte
	text  string
}

// Framings of Modbus that are told apart.
const (
	framingRTU = "rtu"
	framingTCP = "tcp"
)

// modbusFrame is a capture of one frame taken apart.
type modbusFrame struct {
	framing string
	adu     modbus.ADU
	parts   []modbusPart
	err     error // what is wrong with it; the parts say as much as can be said
}

// functionWords names the functions in use.
var functionWords = map[byte][2]string{
	modbus.ReadCoils: {"读线圈", "read coils"}, modbus.ReadDiscreteInputs: {"读离散输入", "read discrete inputs"},
	modbus.ReadHolding: {"读保持寄存器", "read holding registers"}, modbus.ReadInput: {"读输入寄存器", "read input registers"},
	modbus.WriteCoil: {"写单个线圈", "write one coil"}, modbus.WriteRegister: {"写单个寄存器", "write one register"},
	modbus.WriteCoils: {"写多个线圈", "write coils"}, modbus.WriteRegisters: {"写多个寄存器", "write registers"},
}

func pick(lang, zh, en string) string {
	if lang == "zh" {
		return zh
	}
	return en
}

func functionName(lang string, fn byte) string {
	w, ok := functionWords[fn&0x7F]
	if !ok {
		return fmt.Sprintf(pick(lang, "功能码 %02X", "function %02X"), fn&0x7F)
	}
	return pick(lang, w[0], w[1])
}

// looksModbus says that a capture is a whole frame of Modbus, RTU or TCP.
func looksModbus(wire []byte) (framing string, ok bool) {
	if _, err := modbus.DecodeRTU(wire); err == nil {
		return framingRTU, true
	}
	if _, _, err := modbus.DecodeTCP(wire); err == nil {
		return framingTCP, true
	}
	return "", false
}

// decodeModbus takes a capture apart as one frame of Modbus; it says something about every byte.
func decodeModbus(lang string, wire []byte) modbusFrame {
	say := func(zh, en string, args ...any) string { return fmt.Sprintf(pick(lang, zh, en), args...) }
	m := modbusFrame{framing: framingRTU}
	add := func(b []byte, text string) {
		if len(b) > 0 {
			m.parts = append(m.parts, modbusPart{b, text})
		}
	}
	pdu := wire
	if a, err := modbus.DecodeRTU(wire); err == nil { // first: the head of an RTU read often looks like one of TCP, a CRC is no chance
		m.adu, pdu = a, wire[:len(wire)-2]
	} else if _, a, err := modbus.DecodeTCP(wire); err == nil {
		m.framing, m.adu = framingTCP, a
		add(wire[0:2], say("事务号 %d", "transaction %d", binary.BigEndian.Uint16(wire)))
		add(wire[2:4], say("协议号 0：Modbus", "protocol 0: Modbus"))
		add(wire[4:6], say("其后 %d 字节", "%d bytes follow", binary.BigEndian.Uint16(wire[4:])))
		pdu = wire[6:]
	} else {
		_, m.err = modbus.DecodeRTU(wire)
		if len(wire) < 4 {
			add(wire, say("不是帧：太短", "not a frame: too short"))
			return m
		}
		m.adu, pdu = modbus.ADU{Unit: wire[0], Func: wire[1], Data: wire[2 : len(wire)-2]}, wire[:len(wire)-2]
	}
	unit := say("地址 %d", "unit %d", m.adu.Unit)
	if m.adu.Unit == 0 {
		unit = say("地址 0：广播，无应答", "unit 0: everybody, nobody answers")
	}
	add(pdu[:1], unit)
	fn := functionName(lang, m.adu.Func)
	if m.adu.Func&0x80 != 0 {
		fn = say("%s，被拒绝", "%s, refused", fn)
	}
	add(pdu[1:2], say("功能：%s", "function: %s", fn))
	m.data(lang, pdu[2:], add)
	if m.framing == framingRTU {
		crc := wire[len(wire)-2:]
		want := modbus.CRC(wire[:len(wire)-2])
		if binary.LittleEndian.Uint16(crc) == want {
			add(crc, say("CRC，正确", "CRC, correct"))
		} else {
			add(crc, say("CRC 错误，应为 %02X %02X", "CRC is wrong, want %02X %02X", byte(want), byte(want>>8)))
		}
	}
	return m
}

// data explains what follows the function. A frame alone does not say who sent it; the length tells it of reads, and of
// single writes request and answer are the same bytes.
func (m *modbusFrame) data(lang string, d []byte, add func([]byte, string)) {
	say := func(zh, en string, args ...any) string { return fmt.Sprintf(pick(lang, zh, en), args...) }
	fn := m.adu.Func
	word := func(i int) uint16 { return binary.BigEndian.Uint16(d[i:]) }
	switch {
	case fn&0x80 != 0:
		if len(d) > 0 {
			zh, en := modbus.ExceptionWords(d[0])
			add(d[:1], say("异常码 %02X：%s", "exception %02X: %s", d[0], pick(lang, zh, en)))
			add(d[1:], say("多余字节", "bytes too many"))
		}
		return
	case fn >= modbus.ReadCoils && fn <= modbus.ReadInput && len(d) == 4 && int(d[0]) != 3:
		add(d[:2], say("从 %04XH（%d）起", "from %04XH (%d)", word(0), word(0)))
		add(d[2:4], say("共 %d 个", "%d of them", word(2)))
		return
	case (fn == modbus.ReadHolding || fn == modbus.ReadInput) && len(d) > 0 && int(d[0]) == len(d)-1 && len(d)%2 == 1:
		add(d[:1], say("应答：%d 字节", "answer: %d bytes", d[0]))
		for i := 1; i+1 < len(d); i += 2 {
			add(d[i:i+2], say("寄存器 %d：%d", "register %d: %d", (i-1)/2, word(i)))
		}
		return
	case (fn == modbus.ReadCoils || fn == modbus.ReadDiscreteInputs) && len(d) > 0 && int(d[0]) == len(d)-1:
		add(d[:1], say("应答：%d 字节", "answer: %d bytes", d[0]))
		add(d[1:], say("位 %08b（最低位在前一字节右侧）", "bits %08b (the first is the lowest of the first byte)", d[1:]))
		return
	case fn == modbus.WriteCoil && len(d) == 4:
		add(d[:2], say("线圈 %04XH", "coil %04XH", word(0)))
		state := say("值 %04XH，既不是合也不是分", "value %04XH, neither on nor off", word(2))
		switch word(2) {
		case 0xFF00:
			state = say("置 1", "on")
		case 0:
			state = say("置 0", "off")
		}
		add(d[2:4], state)
		return
	case fn == modbus.WriteRegister && len(d) == 4:
		add(d[:2], say("寄存器 %04XH", "register %04XH", word(0)))
		add(d[2:4], say("值 %d（%04XH）", "value %d (%04XH)", word(2), word(2)))
		return
	case (fn == modbus.WriteRegisters || fn == modbus.WriteCoils) && len(d) >= 4:
		add(d[:2], say("从 %04XH 起", "from %04XH", word(0)))
		add(d[2:4], say("共 %d 个", "%d of them", word(2)))
		if len(d) > 5 && int(d[4]) == len(d)-5 {
			add(d[4:5], say("%d 字节", "%d bytes", d[4]))
			if fn == modbus.WriteRegisters {
				for i := 5; i+1 < len(d); i += 2 {
					add(d[i:i+2], say("值 %d（%04XH）", "value %d (%04XH)", word(i), word(i)))
				}
				return
			}
			add(d[5:], say("位", "bits"))
			return
		}
		add(d[4:], say("多余字节", "bytes too many"))
		return
	}
	add(d, say("数据", "data"))
}

// requestWords is a request in one line.
func requestWords(lang string, a modbus.ADU) string {
	r, err := modbus.ParseRequest(a)
	if err != nil {
		return functionName(lang, a.Func)
	}
	text := fmt.Sprintf(pick(lang, "%s %04XH 起 %d 个", "%s from %04XH, %d"), functionName(lang, a.Func), r.Addr, r.Count)
	if len(r.Registers) > 0 {
		text += fmt.Sprintf(" = %v", r.Registers)
	}
	if len(r.Bits) > 0 {
		text += fmt.Sprintf(" = %v", r.Bits)
	}
	return text
}

// replyWords is an answer in one line; asked is the request when it is known.
func replyWords(lang string, a, asked modbus.ADU, known bool) string {
	if a.Func&0x80 != 0 {
		zh, en := "", ""
		code := byte(0)
		if len(a.Data) > 0 {
			code = a.Data[0]
			zh, en = modbus.ExceptionWords(code)
		}
		return fmt.Sprintf(pick(lang, "%s 被拒绝：异常码 %02X，%s", "%s refused: exception %02X, %s"), functionName(lang, a.Func), code, pick(lang, zh, en))
	}
	if words, err := modbus.AppendRegisters(nil, a); err == nil && (a.Func == modbus.ReadHolding || a.Func == modbus.ReadInput) {
		var hex []string
		for _, w := range words[:min(len(words), 16)] {
			hex = append(hex, fmt.Sprintf("%04X", w))
		}
		if len(words) > 16 {
			hex = append(hex, "…")
		}
		at := ""
		if known && len(asked.Data) >= 2 {
			at = fmt.Sprintf(" %04XH", binary.BigEndian.Uint16(asked.Data))
		}
		return fmt.Sprintf(pick(lang, "%s%s 应答：%s", "%s%s answered: %s"), functionName(lang, a.Func), at, strings.Join(hex, " "))
	}
	return fmt.Sprintf(pick(lang, "%s 应答：%s", "%s answered: %s"), functionName(lang, a.Func), hex.EncodeToString(a.Data))
}

// modbusJSON is one frame for programs.
type modbusJSON struct {
	Wire      string   `json:"wire"`
	Protocol  string   `json:"protocol"` // "modbus-rtu", "modbus-tcp"
	Unit      byte     `json:"unit"`
	Function  string   `json:"function"`
	Exception string   `json:"exception,omitempty"`
	Registers []uint16 `json:"registers,omitempty"`
	Error     string   `json:"error,omitempty"`
}

func (m modbusFrame) forPrograms(wire []byte) modbusJSON {
	out := modbusJSON{Wire: fmt.Sprintf("% X", wire), Protocol: "modbus-" + m.framing, Unit: m.adu.Unit, Function: fmt.Sprintf("%02X", m.adu.Func&0x7F)}
	if m.adu.Func&0x80 != 0 && len(m.adu.Data) > 0 {
		out.Exception = fmt.Sprintf("%02X", m.adu.Data[0])
	} else if words, err := modbus.AppendRegisters(nil, m.adu); err == nil && m.err == nil && len(m.adu.Data)%2 == 1 {
		out.Registers = words
	}
	if m.err != nil {
		out.Error = m.err.Error()
	}
	return out
}

// splitModbus cuts a capture into frames of RTU, and what lies between them. A capture of TCP is one frame.
func splitModbus(wire []byte) (out [][]byte) {
	if framing, ok := looksModbus(wire); ok && framing == framingTCP {
		return [][]byte{wire}
	}
	e := &ear{protocol: "modbus", pending: wire}
	for {
		from, n := e.findRTU()
		if n == 0 {
			break
		}
		if from > 0 {
			out = append(out, e.pending[:from])
		}
		frame := e.pending[from : from+n]
		out = append(out, frame)
		if a, err := modbus.DecodeRTU(frame); err == nil {
			if _, err := modbus.ParseRequest(a); err == nil {
				e.open, e.openADU = frame, a
			}
		}
		e.pending = e.pending[from+n:]
	}
	if len(e.pending) > 0 {
		out = append(out, e.pending)
	}
	return out
}

// printModbus explains a capture of Modbus.
func printModbus(out io.Writer, wire []byte, asJSON bool, lang string) error {
	enc := json.NewEncoder(out)
	for _, w := range splitModbus(wire) {
		m := decodeModbus(lang, w)
		if asJSON {
			if err := enc.Encode(m.forPrograms(w)); err != nil {
				return fmt.Errorf("print frame: %w", err)
			}
			continue
		}
		for _, p := range m.parts {
			if _, err := fmt.Fprintf(out, "%-18s %s\n", fmt.Sprintf("% X", p.bytes), p.text); err != nil {
				return fmt.Errorf("print explanation: %w", err)
			}
		}
		if m.err != nil {
			fmt.Fprintf(out, pick(lang, "不是有效的 Modbus 帧：%v\n", "not a sound frame of Modbus: %v\n"), m.err)
		}
	}
	return nil
}
