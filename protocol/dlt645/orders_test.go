package dlt645

import (
	"bytes"
	"errors"
	"testing"
)

// made is a frame and the vector whose bytes it must have, "" for none.
type made struct {
	vector string
	f      Frame
	err    error
}

func TestOrdersHaveTheBytesOfTheVectors(t *testing.T) {
	a, pw, op, _ := sample(t)
	wires := map[string][]byte{}
	for _, v := range vectors(t) {
		wires[v.ID] = unhex(t, v.Wire)
	}
	m := func(id string, f Frame, err error) made { return made{id, f, err} }
	of := func(id string) func(Frame, error) made { return func(f Frame, err error) made { return m(id, f, err) } }
	newer := Password{Level: 2, Digits: [3]byte{0x66, 0x55, 0x44}}
	for _, tc := range []made{
		of("D079")(PasswordRequest(a, DIPassword0+2, pw, newer)),
		m("D080", PasswordReply(a, newer), nil),
		of("D081")(ClearDemandRequest(a, pw, op)),
		m("D082", ClearDemandReply(a), nil),
		m("D084", ClearMeterReply(a), nil),
		of("D085")(ClearEventsRequest(a, pw, op, DIAllEvents)),
		m("D086", ClearEventsReply(a), nil),
		of("D087")(WriteRequest(a, DITime, pw, op, []byte{0x05, 0x30, 0x21})),
		m("D088", WriteReply(a), nil),
		m("D089", ErrorReply(a, 0x14, 4), nil),
		m("D090", WriteAddressReply(a), nil),
		of("D091")(OutputRequest(a, OutputClock)),
		m("D071", FreezeRequest(Broadcast, FreezeNow), nil),
		m("D072", FreezeRequest(Broadcast, FreezeHourly(15)), nil),
		m("D073", FreezeRequest(Broadcast, FreezeDaily(0, 0)), nil),
		m("D074", FreezeRequest(Broadcast, FreezeMonthly(1, 0, 0)), nil),
		m("D075", FreezeReply(a), nil),
		of("D076")(BaudRequest(a, 9600)),
		m("D077", BaudReply(a, 9600), nil),
		m("D078", ErrorReply(a, 0x17, 8), nil),
		m("D065", ReadReplyMore(a, DIForwardBlock, unhex(t, "78 56 34 12 90 78 56 04"), true), nil),
		m("D067", SubsequentReply(a, DIForwardBlock, unhex(t, "00 11 11 01 00 22 22 02"), 1, true), nil),
		m("D069", SubsequentReply(a, DIForwardBlock, unhex(t, "78 44 44 04"), 2, false), nil),
		m("D062", RelayStatusReply(a, 1<<2), nil),
		m("D063", RelayErrorReply(a, 1<<5), nil),
		m("D110", LoadRequest(a, DILoadFrom, 1, at(t, "2026-11-22 22:15")), nil),
		of("D064")(SealedFrame(a, 0x1C, 0, unhex(t, "17 00 00 00 10 11 12 13 14 15 16 17 18 19 1A 1B 1C 1D 1E 1F 20 21 22 23"))),
	} {
		if got := AppendFrame(nil, tc.f); tc.err != nil || !bytes.Equal(got, wires[tc.vector]) {
			t.Errorf("%s: got % X, %v, want % X", tc.vector, got, tc.err, wires[tc.vector])
		}
	}
	to99 := ReadRequest1997(Broadcast, 0x9010)
	if got := AppendFrame(nil, to99); !bytes.Equal(got, wires["D023"]) {
		t.Errorf("D023: got % X", got)
	}
}

// TestWhatGoesToOneMeterGoesToNoOther holds for whatever carries a password,
// switches, erases or changes a setting.
func TestWhatGoesToOneMeterGoesToNoOther(t *testing.T) {
	_, pw, op, deadline := sample(t)
	partial, _ := ParseAddress("AA0001")
	notBCD := Address{0x1F}
	for name, request := range map[string]func(Address) (Frame, error){
		"write":                 func(a Address) (Frame, error) { return WriteRequest(a, DITime, pw, op, []byte{1, 2, 3}) },
		"write address":         WriteAddressRequest,
		"baud":                  func(a Address) (Frame, error) { return BaudRequest(a, 9600) },
		"password":              func(a Address) (Frame, error) { return PasswordRequest(a, DIPassword0+2, pw, pw) },
		"clear demand":          func(a Address) (Frame, error) { return ClearDemandRequest(a, pw, op) },
		"clear events":          func(a Address) (Frame, error) { return ClearEventsRequest(a, pw, op, DIAllEvents) },
		"relay":                 func(a Address) (Frame, error) { return RelayRequest(a, pw, op, Trip, deadline) },
		"output":                func(a Address) (Frame, error) { return OutputRequest(a, OutputSlot) },
		"sealed relay":          func(a Address) (Frame, error) { return SealedFrame(a, 0x1C, 0, make([]byte, 24)) },
		"identity":              func(a Address) (Frame, error) { return IdentityRequest(a, Identity{}) },
		"1997 write":            func(a Address) (Frame, error) { return WriteRequest1997(a, 0xC011, &pw, []byte{1, 2, 3}) },
		"1997 write address":    WriteAddressRequest1997,
		"1997 baud":             func(a Address) (Frame, error) { return BaudRequest1997(a, 1200) },
		"1997 password":         func(a Address) (Frame, error) { return PasswordRequest1997(a, pw, pw) },
		"1997 clear the demand": ClearDemandRequest1997,
	} {
		for _, a := range []Address{Wildcard, Broadcast, partial, notBCD} {
			if f, err := request(a); !errors.Is(err, ErrAddress) || len(f.Data) != 0 {
				t.Errorf("%s to %s: got %v, %v, want ErrAddress", name, a, f, err)
			}
		}
		if _, err := request(Address{1}); err != nil {
			t.Errorf("%s to one meter: %v", name, err)
		}
	}
}

func TestOrdersRefuseWhatNoMeterCouldObey(t *testing.T) {
	a, pw, op, _ := sample(t)
	sealed := Password{Level: 0x98}
	frame := func(_ Frame, err error) error { return err }
	for name, tc := range map[string]struct{ got, want error }{
		"write with a sealed level":         {frame(WriteRequest(a, DITime, sealed, op, []byte{1, 2, 3})), ErrCommand},
		"write to a register":               {frame(WriteRequest(a, DIForwardTotal, pw, op, []byte{1, 2, 3, 4})), ErrReadOnly},
		"write to a block of registers":     {frame(WriteRequest(a, DIForwardBlock, pw, op, []byte{1, 2, 3, 4})), ErrReadOnly},
		"write of a status word":            {frame(WriteRequest(a, DIStatusWord3, pw, op, []byte{1, 2})), ErrReadOnly},
		"write of a password":               {frame(WriteRequest(a, DIPassword0, pw, op, []byte{1, 2, 3, 4})), ErrCommand},
		"write of two bytes as a time":      {frame(WriteRequest(a, DITime, pw, op, []byte{1, 2})), ErrLength},
		"write of nothing":                  {frame(WriteRequest(a, DITime, pw, op, nil)), ErrLength},
		"write of half an entry":            {frame(WriteRequest(a, 0x04010001, pw, op, []byte{1, 2, 3, 4})), ErrLength},
		"write of more than a frame takes":  {frame(WriteRequest(a, 0x04A20200, pw, op, make([]byte, 39))), ErrLength},
		"password of another level":         {frame(PasswordRequest(a, DIPassword0+4, pw, pw)), ErrCommand},
		"password that is none":             {frame(PasswordRequest(a, DITime, pw, pw)), ErrCommand},
		"sealed password":                   {frame(PasswordRequest(a, DIPassword0+2, sealed, pw)), ErrCommand},
		"clear of one event":                {frame(ClearEventsRequest(a, pw, op, 0x03300001)), ErrCommand},
		"clear with a sealed level":         {frame(ClearDemandRequest(a, sealed, op)), ErrCommand},
		"baud 300":                          {frame(BaudRequest(a, 300)), ErrBaud},
		"baud 19200 of 1997":                {frame(BaudRequest1997(a, 19200)), ErrBaud},
		"output 3":                          {frame(OutputRequest(a, 3)), ErrCommand},
		"sealed write":                      {frame(SealedFrame(a, 0x14, DITime, make([]byte, 24))), ErrCommand},
		"sealed relay with an identifier":   {frame(SealedFrame(a, 0x1C, DITime, make([]byte, 24))), ErrCommand},
		"sealed relay of another length":    {frame(SealedFrame(a, 0x1C, 0, make([]byte, 23))), ErrLength},
		"security with a read identifier":   {frame(SealedFrame(a, 0x03, DITime, make([]byte, 24))), ErrCommand},
		"identity of another length":        {frame(SealedFrame(a, 0x03, DIIdentity, make([]byte, 24))), ErrLength},
		"sealed bytes other than ordered":   {frame(SealedOrder{a, 0x1C, 0, 24}.Frame(make([]byte, 28))), ErrLength},
		"1997 write to a register":          {frame(WriteRequest1997(a, 0x9010, nil, []byte{1, 2, 3, 4})), ErrReadOnly},
		"1997 write of eight digits":        {frame(WriteRequest1997(a, DITime, nil, []byte{1, 2, 3})), ErrLength},
		"freeze at hour 25":                 {FreezeDaily(25, 0).Check(), ErrDateTime},
		"freeze with a day but no hour":     {FreezeTime{0, 0x99, 1, 0x99}.Check(), ErrDateTime},
		"freeze minute that is no BCD":      {FreezeTime{0x0A, 0x99, 0x99, 0x99}.Check(), ErrDateTime},
		"write of a part of the zone table": {frame(WriteRequest(a, 0x04010000, pw, op, make([]byte, 36))), nil},
		"write of what only the maker has":  {frame(WriteRequest(a, 0x04A20200, pw, op, make([]byte, 38))), nil},
	} {
		if !errors.Is(tc.got, tc.want) {
			t.Errorf("%s: got %v, want %v", name, tc.got, tc.want)
		}
	}
}
