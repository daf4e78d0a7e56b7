package meter

import (
	"bytes"
	"slices"

	"feikong/protocol/dlt645"
)

// di is a data identifier in reading order.
type di = dlt645.DI

// Identifiers with a meaning for the meter itself.
const (
	diDate, diTime, diDateTime   di = 0x04000101, 0x04000102, 0x0400010C
	diAddress, diNumber          di = 0x04000401, 0x04000402
	diCombined                   di = 0x04000601
	diBaudRS485                  di = 0x04000703
	diProfileMode, diTimedMode   di = 0x04000901, 0x04000902
	diInstantMode, diHourMode    di = 0x04000903, 0x04000905
	diDayMode                    di = 0x04000906
	diProfileStart               di = 0x04000A01
	diProfileInterval            di = 0x04000A02 // .. 07, class 1 to 6
	diSettlement                 di = 0x04000B01 // .. 03
	diPassword                   di = 0x04000C01 // .. 0A, level 0 to 9
	diAlarm1, diAlarm2           di = 0x04001001, 0x04001002
	diOverdraft, diHoard         di = 0x04001003, 0x04001004
	diPermitLimit                di = 0x04001005
	diTripDelay, diTripCurrent   di = 0x04001401, 0x04001402
	diDayTable                   di = 0x04010001
	diPrice                      di = 0x04050101 // .. 04, by rate
	diReportStatus, diReportMode di = 0x04001501, 0x04001104
)

// parameter is a row of DI3 = 04.
type parameter struct {
	di    di
	size  int  // 0: as many as its own check takes
	level byte // that a write asks for
	flags paramFlags
	value func(m *Meter) []byte // nil: zeros
}

type paramFlags byte

const (
	readOnly   paramFlags = 1 << iota
	writeOnly             // passwords
	withButton            // written with the programming button pressed only
	asText                // any bytes; all others must be BCD or binary within their own check
	asBinary
	ifMoney // only meters that keep it
	ifThree // three-phase meters only
)

// parameters is what can be read and written. Formats and the column "write" are section 7 of the standard's table; the
// levels are common firmware's: 02 for what moves money, tables and addresses, 04 for the rest.
var parameters = []parameter{
	{0x04000103, 1, tableLevel, 0, constant(0x15)},
	{0x04000104, 1, tableLevel, 0, constant(0x01)},
	{0x04000105, 2, tableLevel, 0, constant(0x80, 0x00)},
	{0x04000106, 5, tableLevel, 0, nil}, {0x04000107, 5, tableLevel, 0, nil}, {0x04000108, 5, tableLevel, 0, nil}, {0x04000109, 5, tableLevel, 0, nil},
	{0x04000201, 1, tableLevel, 0, constant(0x01)},
	{0x04000202, 1, tableLevel, 0, constant(0x01)},
	{0x04000203, 1, tableLevel, 0, constant(0x14)},
	{0x04000204, 1, tableLevel, 0, constant(rates)},
	{0x04000205, 2, tableLevel, 0, nil},
	{0x04000207, 1, tableLevel, 0, nil},
	{0x04000301, 1, tableLevel, 0, constant(0x06)}, {0x04000302, 1, tableLevel, 0, constant(0x05)},
	{0x04000303, 1, tableLevel, 0, constant(0x02)}, {0x04000304, 1, tableLevel, 0, constant(0x04)}, {0x04000305, 1, tableLevel, 0, constant(0x20)},
	{0x04000306, 3, clearLevel, 0, func(m *Meter) []byte { return dlt645.AppendBCD(nil, uint64(max(m.cfg.CT, 1)), 3) }},
	{0x04000307, 3, clearLevel, 0, func(m *Meter) []byte { return dlt645.AppendBCD(nil, uint64(max(m.cfg.PT, 1)), 3) }},
	{diAddress, 6, clearLevel, withButton, func(m *Meter) []byte { return m.wire[:] }},
	{diNumber, 6, clearLevel, 0, func(m *Meter) []byte { return m.cfg.Wire[:] }},
	{0x04000403, 32, clearLevel, asText, func(m *Meter) []byte { return reversed(m.cfg.Wire.String(), 32) }},
	{0x04000404, 6, 0, readOnly, func(m *Meter) []byte { return reversed("220V", 6) }},
	{0x04000405, 6, 0, readOnly, func(m *Meter) []byte { return reversed("5A", 6) }},
	{0x04000406, 6, 0, readOnly, func(m *Meter) []byte { return reversed("60A", 6) }},
	{0x04000407, 4, 0, readOnly, func(m *Meter) []byte { return reversed("1.0", 4) }},
	{0x04000408, 4, 0, readOnly | ifThree, func(m *Meter) []byte { return reversed("2.0", 4) }},
	{0x04000409, 3, 0, readOnly, constant(0x00, 0x12, 0x00)},
	{0x0400040A, 3, 0, readOnly | ifThree, constant(0x00, 0x12, 0x00)},
	{0x0400040B, 10, 0, readOnly, func(m *Meter) []byte {
		if m.three() {
			return reversed("DTZY-SIM", 10)
		}
		return reversed("DDZY-SIM", 10)
	}},
	{0x0400040C, 10, 0, readOnly, func(m *Meter) []byte { return reversed("2024-03-01", 10) }},
	{0x0400040D, 16, 0, readOnly, func(m *Meter) []byte { return reversed("DL/T645-2007", 16) }},
	{0x0400040E, 6, clearLevel, 0, func(m *Meter) []byte { return m.cfg.Wire[:] }},
	{diCombined, 1, tableLevel, asBinary, constant(0x05)},   // forward + reverse
	{0x04000602, 1, tableLevel, asBinary, constant(0x41)},   // quadrants I + IV
	{0x04000603, 1, tableLevel, asBinary, constant(0x14)},   // II + III
	{0x04000701, 1, tableLevel, asBinary, constant(1 << 2)}, // infrared 1200
	{0x04000702, 1, tableLevel, asBinary, constant(1 << 3)},
	{diBaudRS485, 1, tableLevel, asBinary, (*Meter).bornBaud},
	{0x04000704, 1, tableLevel, asBinary | ifThree, constant(1 << 3)},
	{0x04000705, 1, tableLevel, asBinary, constant(1 << 3)},
	{0x04000801, 1, tableLevel, 0, nil}, {0x04000802, 1, tableLevel, 0, constant(0x01)},
	{diProfileMode, 1, tableLevel, asBinary, func(m *Meter) []byte { return []byte{m.profileClasses()} }},
	{diTimedMode, 1, tableLevel, asBinary, (*Meter).freezeMode}, {diInstantMode, 1, tableLevel, asBinary, (*Meter).freezeMode},
	{0x04000904, 1, tableLevel, asBinary, (*Meter).freezeMode}, {diHourMode, 1, tableLevel, asBinary, constant(0x03)}, {diDayMode, 1, tableLevel, asBinary, (*Meter).freezeMode},
	{diProfileStart, 4, tableLevel, 0, constant(0, 0, 0x01, 0x01)},
	{diProfileInterval, 2, tableLevel, 0, (*Meter).bornInterval}, {diProfileInterval + 1, 2, tableLevel, 0, (*Meter).bornInterval}, {diProfileInterval + 2, 2, tableLevel, 0, (*Meter).bornInterval},
	{diProfileInterval + 3, 2, tableLevel, 0, (*Meter).bornInterval}, {diProfileInterval + 4, 2, tableLevel, 0, (*Meter).bornInterval}, {diProfileInterval + 5, 2, tableLevel, 0, (*Meter).bornInterval},
	{diSettlement, 2, tableLevel, 0, constant(0x00, 0x01)}, {diSettlement + 1, 2, tableLevel, 0, constant(0x99, 0x99)}, {diSettlement + 2, 2, tableLevel, 0, constant(0x99, 0x99)},
	{diAlarm1, 4, clearLevel, ifMoney, func(m *Meter) []byte { return cents(m.cfg.Money.Alarm1) }},
	{diAlarm2, 4, clearLevel, ifMoney, func(m *Meter) []byte { return cents(m.cfg.Money.Alarm2) }},
	{diOverdraft, 4, clearLevel, ifMoney, func(m *Meter) []byte { return cents(m.cfg.Money.Overdraft) }},
	{diHoard, 4, clearLevel, ifMoney, constant(0x00, 0x99, 0x99, 0x99)},
	{diPermitLimit, 4, clearLevel, ifMoney, nil},
	{diReportMode, 8, tableLevel, asBinary, nil},
	{diTripDelay, 2, tableLevel, 0, func(m *Meter) []byte { return dlt645.AppendBCD(nil, uint64(max(m.cfg.TripDelay, 0)), 2) }},
	{diTripCurrent, 3, tableLevel, 0, func(m *Meter) []byte { return dlt645.AppendBCD(nil, uint64(max(m.cfg.TripCurrent, 0)), 3) }},
	{diReportStatus, 12, tableLevel, asBinary, nil},
	{0x04010000, 0, clearLevel, 0, constant(bytes.Repeat([]byte{0x01, 0x01, 0x01}, slotsMax)...)}, // one zone from 1 January with day table 1
	{0x04020000, 0, clearLevel, 0, constant(bytes.Repeat([]byte{0x01, 0x01, 0x01}, slotsMax)...)},
	{diDayTable, 0, clearLevel, 0, func(m *Meter) []byte { return m.table.append(nil) }},
	{0x04020001, 0, clearLevel, 0, func(m *Meter) []byte { return m.table.append(nil) }},
	{diPrice, 4, clearLevel, ifMoney, func(m *Meter) []byte { return price(m, 0) }}, {diPrice + 1, 4, clearLevel, ifMoney, func(m *Meter) []byte { return price(m, 1) }},
	{diPrice + 2, 4, clearLevel, ifMoney, func(m *Meter) []byte { return price(m, 2) }}, {diPrice + 3, 4, clearLevel, ifMoney, func(m *Meter) []byte { return price(m, 3) }},
	{0x04800001, 32, 0, readOnly, func(m *Meter) []byte { return reversed("SIM V1.0", 32) }},
	{0x04800002, 32, 0, readOnly, func(m *Meter) []byte { return reversed("SIM HW1", 32) }},
	{0x04800003, 32, 0, readOnly, func(m *Meter) []byte { return reversed(m.cfg.Wire.String(), 32) }},
}

var parameterAt = func() map[di]*parameter {
	rows := make(map[di]*parameter, len(parameters))
	for i := range parameters {
		rows[parameters[i].di] = &parameters[i]
	}
	return rows
}()

func constant(b ...byte) func(*Meter) []byte { return func(*Meter) []byte { return b } }

func price(m *Meter, rate int) []byte {
	return dlt645.AppendBCD(nil, uint64(m.cfg.Money.Price[rate]), 4)
}

// cents is 1/10,000 of the currency as NNNNNN.NN.
func cents(v int64) []byte { return dlt645.AppendBCD(nil, uint64(max(v, 0)/100), 4) }

// reversed is text as it travels: last character first, the rest zero.
func reversed(s string, n int) []byte {
	b := make([]byte, n)
	copy(b, s)
	slices.Reverse(b)
	return b
}

// row is the parameter, when this kind of meter has it.
func (m *Meter) row(d di) *parameter {
	p := parameterAt[d]
	if p == nil || p.flags&ifMoney != 0 && m.cfg.Money == nil || p.flags&ifThree != 0 && !m.three() {
		return nil
	}
	return p
}

// param is the bytes of a parameter in wire order; nil when the meter has none such. Callers do not change them.
func (m *Meter) param(d di) []byte {
	if b, ok := m.written[d]; ok {
		return b
	}
	p := m.row(d)
	switch {
	case p == nil:
		return nil
	case p.value == nil:
		return make([]byte, p.size)
	}
	return p.value(m)
}

// paramInt is a BCD parameter as a number; 0 when it is none.
func (m *Meter) paramInt(d di) int64 {
	v, err := dlt645.BCD(m.param(d))
	if err != nil {
		return 0
	}
	return v
}

// paramMoney is NNNNNN.NN in units of the purse.
func (m *Meter) paramMoney(d di) int64 { return m.paramInt(d) * purseCents }

func allBCD(b []byte) bool {
	for _, v := range b {
		if v>>4 > 9 || v&15 > 9 {
			return false
		}
	}
	return true
}

// bornBaud is the baud word of the RS-485 port of a new meter.
func (m *Meter) bornBaud() []byte {
	z, ok := dlt645.BaudByte(m.manner.baud)
	if !ok {
		z, _ = dlt645.BaudByte(2400)
	}
	return []byte{z}
}
