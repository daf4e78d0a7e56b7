package tools

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"feikong/protocol/modbus"
)

func TestDecodeExplainsModbus(t *testing.T) {
	t.Setenv("LC_ALL", "en_GB.UTF-8")
	request := modbus.ReadRequest(1, modbus.ReadInput, 0x48, 2)
	reply := modbus.ReadReply(1, modbus.ReadInput, []uint16{0x4361, 0x1234})
	join := func(parts ...[]byte) string { return fmt.Sprintf("% X", bytes.Join(parts, nil)) }
	bad := modbus.AppendRTU(nil, request)
	bad[7] ^= 1
	for name, row := range map[string]struct {
		args []string
		want []string
	}{
		"request":   {[]string{join(modbus.AppendRTU(nil, request))}, []string{"unit 1", "read input registers", "from 0048H (72)", "2 of them", "CRC, correct"}},
		"both":      {[]string{join(modbus.AppendRTU(nil, request), modbus.AppendRTU(nil, reply))}, []string{"2 of them", "register 0: 17249", "register 1: 4660"}},
		"exception": {[]string{join(modbus.AppendRTU(nil, modbus.ExceptionReply(1, 4, 2)))}, []string{"refused", "exception 02", "illegal data address"}},
		"relay":     {[]string{join(modbus.AppendRTU(nil, modbus.WriteCoilRequest(1, 0, true)))}, []string{"write one coil", "coil 0000H", "on"}},
		"like tcp":  {[]string{"01 04 00 00 00 02 71 CB"}, []string{"unit 1", "read input registers", "2 of them", "CRC, correct"}},
		"tcp":       {[]string{join(modbus.AppendTCP(nil, 7, request))}, []string{"transaction 7", "6 bytes follow", "read input registers"}},
		"bad":       {[]string{"--protocol", "modbus", join(bad)}, []string{"CRC is wrong", "not a sound frame"}},
		"json":      {[]string{"--json", join(modbus.AppendRTU(nil, reply))}, []string{`"protocol":"modbus-rtu"`, `"registers":[17249,4660]`}},
	} {
		var out bytes.Buffer
		c := DecodeCommand()
		c.SetArgs(row.args)
		c.SetOut(&out)
		if err := c.Execute(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, w := range row.want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%s: no %q in\n%s", name, w, &out)
			}
		}
	}
}

func FuzzDecodeModbus(f *testing.F) {
	f.Add(modbus.AppendRTU(nil, modbus.ReadRequest(1, 4, 0, 2)))
	f.Add(modbus.AppendRTU(nil, modbus.ReadReply(1, 4, []uint16{1, 2})))
	f.Add(modbus.AppendTCP(nil, 1, modbus.WriteRegistersRequest(1, 2, []uint16{3})))
	f.Add(modbus.AppendRTU(nil, modbus.ExceptionReply(1, 4, 2)))
	f.Fuzz(func(t *testing.T, wire []byte) {
		for _, w := range splitModbus(wire) {
			var said []byte
			for _, p := range decodeModbus("en", w).parts {
				said = append(said, p.bytes...)
			}
			if !bytes.Equal(said, w) {
				t.Errorf("said something of % X, want % X", said, w)
			}
		}
	})
}
