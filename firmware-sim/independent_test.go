package main

import (
	"encoding/hex"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"feikong/firmware-sim/control"
)

// stranger is a DL/T 645-2007 master that shares no line of code with ours: it writes hexadecimal by hand and adds up its own checksums.
type stranger struct {
	t *testing.T
	c net.Conn
}

// wire makes a frame: address in reading order, control byte, data before the +33H.
func wire(address string, control byte, data string) []byte {
	var f []byte
	f = append(f, 0x68)
	a, _ := hex.DecodeString(address)
	for i := 5; i >= 0; i-- {
		f = append(f, a[i])
	}
	d, _ := hex.DecodeString(strings.ReplaceAll(data, " ", ""))
	f = append(f, 0x68, control, byte(len(d)))
	for _, b := range d {
		f = append(f, b+0x33)
	}
	var sum byte
	for _, b := range f {
		sum += b
	}
	return append(f, sum, 0x16)
}

// talk sends bytes and gives the frame that comes back without FE: address, control byte and data as hexadecimal. Empty: silence.
func (s stranger) talk(request []byte) (address, control, data string) {
	s.t.Helper()
	if _, err := s.c.Write(request); err != nil {
		s.t.Fatal(err)
	}
	var got []byte
	buf := make([]byte, 256)
	for {
		_ = s.c.SetReadDeadline(time.Now().Add(400 * time.Millisecond))
		n, err := s.c.Read(buf)
		got = append(got, buf[:n]...)
		for len(got) > 0 && got[0] == 0xFE {
			got = got[1:]
		}
		if len(got) >= 12 && len(got) >= 12+int(got[9]) {
			break
		}
		if err != nil {
			if len(got) > 0 {
				s.t.Fatalf("half a reply: % X", got)
			}
			return "", "", ""
		}
	}
	n := int(got[9])
	var sum byte
	for _, b := range got[:10+n] {
		sum += b
	}
	if got[0] != 0x68 || got[7] != 0x68 || got[10+n] != sum || got[11+n] != 0x16 || len(got) != 12+n {
		s.t.Fatalf("no frame: % X", got)
	}
	for i := 6; i >= 1; i-- {
		address += fmt.Sprintf("%02X", got[i])
	}
	for _, b := range got[10 : 10+n] {
		data += fmt.Sprintf("%02X", b-0x33)
	}
	return address, fmt.Sprintf("%02X", got[8]), data
}

func TestAnIndependentMasterIsSatisfied(t *testing.T) {
	_, e := servedText(t, `seed: 3
utc_offset: "+08:00"
lines:
  - name: one
    protocol: dlt645
    baud: 115200
    reply_delay: 0s
    meters:
      - {address: "881234567890", kwh: "12345.67", history: 1440h, password: "123456", profile: {classes: [1, 2, 3, 4, 5, 6]}}
  - name: many
    protocol: dlt645
    baud: 115200
    reply_delay: 0s
    meters:
      - {address: "881234567890", kwh: "1.00"}
      - {address: "770000000001", kwh: "2.00", edition: "1997"}
`, "--tcp", "127.0.0.1:0")
	dial := func(line string) stranger {
		c, err := net.Dial("tcp", e.Lines[line].Address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return stranger{t, c}
	}
	s, meter := dial("one"), "881234567890"

	read := wire(meter, 0x11, "00 00 01 00")
	for name, request := range map[string][]byte{
		"without FE": read, "one FE": append([]byte{0xFE}, read...), "four FE": append([]byte{0xFE, 0xFE, 0xFE, 0xFE}, read...),
		"twenty FE": append([]byte(strings.Repeat("\xFE", 20)), read...), "wildcard": wire("AAAAAAAAAAAA", 0x11, "00 00 01 00"),
		"short address": wire("AAAAAA567890", 0x11, "00 00 01 00"),
	} {
		address, c, data := s.talk(request)
		if address != meter || c != "91" || !strings.HasPrefix(data, "00000100") || len(data) != 16 {
			t.Errorf("%s: got %s %s %s", name, address, c, data)
		}
	}
	if a, c, data := s.talk(wire("AAAAAAAAAAAA", 0x13, "")); a != meter || c != "93" || data != "907856341288" {
		t.Errorf("read address: got %s %s %s", a, c, data)
	}
	if _, c, data := s.talk(wire(meter, 0x11, "FF FF 01 0B")); c != "D1" || data != "02" {
		t.Errorf("an item it has not: got %s %s", c, data)
	}
	for name, request := range map[string][]byte{
		"another address": wire("000000000001", 0x11, "00 00 01 00"), "broadcast": wire("999999999999", 0x11, "00 00 01 00"),
		"wrong checksum": append(read[:len(read)-2:len(read)-2], read[len(read)-2]+1, 0x16), "reply of another": wire(meter, 0x91, "00 00 01 00"),
	} {
		if a, c, data := s.talk(request); a != "" {
			t.Errorf("%s: got %s %s %s", name, a, c, data)
		}
	}

	// Subsequent frames: the load profile of hours does not fit into one.
	from := time.Now().UTC().Add(8 * time.Hour).Add(-6 * time.Hour)
	request := fmt.Sprintf("01 00 00 06 10 %02d%02d%02d%02d%02d", from.Minute()/15*15, from.Hour(), from.Day(), int(from.Month()), from.Year()%100)
	_, c, data := s.talk(wire(meter, 0x11, request))
	if c != "B1" {
		t.Fatalf("load profile: got %s %s", c, data)
	}
	all := data[8:]
	for seq := 1; c == "B1" || c == "B2"; seq++ {
		ask := wire(meter, 0x12, fmt.Sprintf("01 00 00 06 %02X", seq))
		_, c, data = s.talk(ask)
		if _, _, again := s.talk(ask); again != data {
			t.Fatalf("SEQ %d: the second answer differs", seq)
		}
		if c != "B2" && c != "92" || !strings.HasPrefix(data, "01000006") || data[len(data)-2:] != fmt.Sprintf("%02X", seq) || seq > 40 {
			t.Fatalf("SEQ %d: got %s %s", seq, c, data)
		}
		all += data[8 : len(data)-2]
	}
	if records := strings.Count(all, "A0A0"); records < 8 {
		t.Errorf("%d records in %d bytes", records, len(all)/2)
	}

	// Trip, read back, close; a wrong password and a passed deadline are refused.
	until := time.Now().UTC().Add(9 * time.Hour)
	deadline := fmt.Sprintf("%02d%02d%02d%02d%02d%02d", until.Second(), until.Minute(), until.Hour(), until.Day(), int(until.Month()), until.Year()%100)
	order := func(command, password, deadline string) []byte {
		return wire(meter, 0x1C, "02"+password+"00000000"+command+"00"+deadline)
	}
	open := func() bool {
		_, c, data := s.talk(wire(meter, 0x11, "03 05 00 04"))
		if c != "91" || len(data) != 12 {
			t.Fatalf("status word: got %s %s", c, data)
		}
		word, _ := hex.DecodeString(data[8:])
		return word[0]&0x10 != 0
	}
	for _, row := range []struct {
		name    string
		request []byte
		control string
		open    bool
	}{
		{"wrong password", order("1A", "000000", deadline), "DC", false},
		{"deadline passed", order("1A", "563412", "000000010120"), "DC", false},
		{"wildcard", wire("AAAAAAAAAAAA", 0x1C, "02563412000000001A00"+deadline), "", false},
		{"trip", order("1A", "563412", deadline), "9C", true},
		{"close", order("1C", "563412", deadline), "9C", false},
		{"hold", order("3A", "563412", deadline), "9C", false},
		{"trip while held", order("1A", "563412", deadline), "DC", false},
		{"hold off", order("3B", "563412", deadline), "9C", false},
	} {
		if _, c, data := s.talk(row.request); c != row.control {
			t.Errorf("%s: got %s %s, want %s", row.name, c, data, row.control)
		}
		if got := open(); got != row.open {
			t.Errorf("%s: relay open %t", row.name, got)
		}
	}

	// On a line with two meters the wildcard gives no frame, an address still does; 1997 answers its own read.
	m := dial("many")
	if _, c, data := m.talk(wire("770000000001", 0x01, "10 90")); c != "81" || data != "1090"+"00020000" {
		t.Errorf("1997: got %s %s", c, data)
	}
	if _, c, _ := m.talk(wire(meter, 0x11, "00 00 01 00")); c != "91" {
		t.Errorf("2007 beside it: got %s", c)
	}
}

// servedText serves a scenario that stands in the test.
func servedText(t *testing.T, text string, flags ...string) (string, control.Endpoint) {
	t.Helper()
	return servedFile(t, written(t, text), flags...)
}
