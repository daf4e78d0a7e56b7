package dlt645

import (
	"bytes"
	"testing"
	"time"
)

// collect feeds wire in pieces and gives the frames as they go on the line.
func collect(wire []byte, size int) (out [][]byte) {
	var p Parser
	drain := func() {
		for f, ok := p.Next(); ok; f, ok = p.Next() {
			out = append(out, AppendFrame(nil, f))
		}
	}
	for len(wire) > 0 {
		n := min(size, len(wire))
		p.Write(wire[:n])
		wire = wire[n:]
		drain()
	}
	p.Silence()
	drain()
	return out
}

func FuzzParserGivesTheSameFramesHoweverTheStreamIsSplit(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(unhex(f, v.Wire), 3)
	}
	f.Fuzz(func(t *testing.T, wire []byte, size int) {
		size = 1 + int(uint(size)%256)
		wire = wire[:min(len(wire), 64<<10)]
		var got [][]byte
		withinMemory(t, func() { got = collect(wire, size) })
		var want [][]byte
		for _, p := range cut(wire) {
			if p.frame {
				want = append(want, p.wire)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("in pieces of %d: got %d frames, want %d", size, len(got), len(want))
		}
		for i := range want {
			if !bytes.Equal(got[i], want[i]) {
				t.Fatalf("got % X, want % X", got[i], want[i])
			}
		}
		wire = wire[:min(len(wire), 4<<10)] // a longer capture is described by as much memory
		withinMemory(t, func() { DescribeAll(wire) })
		withinMemory(t, func() { Explain("zh", wire) })
	})
}

func FuzzDecodeValues(f *testing.F) {
	for _, v := range vectors(f) {
		for _, p := range cut(unhex(f, v.Wire)) {
			if len(p.Data) >= 4 {
				f.Add(uint32(wireDI(p.Data)), p.Data[4:])
			}
		}
	}
	f.Fuzz(func(t *testing.T, d uint32, data []byte) {
		data = longest(data)
		var values []Value
		var err error
		withinMemory(t, func() { values, err = DecodeValues(DI(d), data) })
		if err != nil && values != nil {
			t.Fatalf("got values %v with error %v", values, err)
		}
		for _, v := range values {
			_ = v.String()
		}
		var into [8]Value
		if n, err := DecodeBlock(DI(d), data, into[:]); err == nil && n != len(values) {
			t.Fatalf("block gives %d values, want %d", n, len(values))
		}
	})
}

func FuzzParseRelayRequest(f *testing.F) {
	for _, v := range vectors(f) {
		for _, p := range cut(unhex(f, v.Wire)) {
			f.Add(p.Control, p.Data)
		}
	}
	f.Fuzz(func(t *testing.T, control byte, data []byte) {
		a := Address{1}
		in := Frame{Addr: a, Control: control, Data: data}
		var o RelayOrder
		var err error
		withinMemory(t, func() { o, err = ParseRelayRequest(in, shanghai) })
		if err != nil {
			return
		}
		out, err := o.Frame(a)
		if err != nil {
			return // commands and levels we do not send
		}
		if out.Control != control || !bytes.Equal(out.Data, data) {
			t.Fatalf("read and written again: got %v, want %v", out, in)
		}
	})
}

func FuzzDecodeOfEncodeIsTheFrame(f *testing.F) {
	f.Add([]byte{1, 0, 0x15, 8, 0x26, 0x20}, byte(0x91), []byte{0x68, 0x16, 0xFF})
	f.Fuzz(func(t *testing.T, addr []byte, control byte, data []byte) {
		in := Frame{Control: control, Data: data[:min(len(data), maxData)]}
		copy(in.Addr[:], addr)
		var got []Frame
		var err error
		withinMemory(t, func() { got, err = Decode(AppendFrame(AppendPreamble(nil), in)) })
		if err != nil || len(got) != 1 || got[0].Addr != in.Addr || got[0].Control != control || !bytes.Equal(got[0].Data, in.Data) {
			t.Fatalf("got %v, %v, want %v", got, err, in)
		}
	})
}

func FuzzDateTime7(f *testing.F) {
	f.Add(AppendDateTime7(nil, time.Unix(1.7e9, 0), shanghai))
	f.Fuzz(func(t *testing.T, b []byte) {
		var at time.Time
		var err error
		withinMemory(t, func() { at, err = DateTime7(b, shanghai) })
		if err != nil {
			return
		}
		if got := AppendDateTime7(nil, at, shanghai); !bytes.Equal(got[:3], b[:3]) || !bytes.Equal(got[4:], b[4:]) {
			t.Fatalf("got % X, want % X", got, b)
		}
	})
}
