package dlt645

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func at(t testing.TB, s string) time.Time {
	t.Helper()
	v, err := time.ParseInLocation("2006-01-02 15:04", s, shanghai)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func drawAddress(t *rapid.T) (a Address) {
	for i := range a {
		a[i] = bcd2(rapid.IntRange(0, 98).Draw(t, "address"))
	}
	return a
}

func drawPassword(t *rapid.T) Password {
	return Password{Level: rapid.ByteRange(0, 9).Draw(t, "level"), Digits: [3]byte(rapid.SliceOfN(rapid.Byte(), 3, 3).Draw(t, "digits"))}
}

// overTheLine sends a frame through encoder and parser.
func overTheLine(t *rapid.T, f Frame) Frame {
	got, err := Decode(AppendFrame(AppendPreamble(nil), f))
	if err != nil || len(got) != 1 {
		t.Fatalf("%v: %v, %v", f, got, err)
	}
	return got[0]
}

func ok[T any](t *rapid.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestAMeterReadsWhatAMasterOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, pw, other := drawAddress(t), drawPassword(t), drawPassword(t)
		op := [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "operator"))
		frame := ok[Frame](t)

		data := rapid.SliceOfN(rapid.Byte(), 1, 38).Draw(t, "data")
		w := ok[WriteOrder](t)(ParseWriteRequest(overTheLine(t, frame(WriteRequest(a, 0x04A20200, pw, op, data)))))
		if w.Item != 0x04A20200 || w.Password != pw || w.Operator != op || !bytes.Equal(w.Data, data) {
			t.Fatalf("write: got %+v", w)
		}
		if got := ok[Address](t)(ParseWriteAddressRequest(overTheLine(t, frame(WriteAddressRequest(a))))); got != a {
			t.Fatalf("write address: got %s", got)
		}
		d, old, new, err := ParsePasswordRequest(overTheLine(t, frame(PasswordRequest(a, DIPassword0+DI(other.Level), pw, other))))
		if err != nil || d != DIPassword0+DI(other.Level) || old != pw || new != other {
			t.Fatalf("password: got %s %v", d, err)
		}
		if c := ok[ClearOrder](t)(ParseClearDemandRequest(overTheLine(t, frame(ClearDemandRequest(a, pw, op))))); c != (ClearOrder{0, pw, op}) {
			t.Fatalf("clear demand: got %+v", c)
		}
		if c := ok[ClearOrder](t)(ParseClearEventsRequest(overTheLine(t, frame(ClearEventsRequest(a, pw, op, 0x033000FF))))); c != (ClearOrder{0x033000FF, pw, op}) {
			t.Fatalf("clear events: got %+v", c)
		}
		freeze := rapid.SampledFrom([]FreezeTime{FreezeNow, FreezeHourly(59), FreezeDaily(23, 59), FreezeMonthly(28, 0, 0), {0, 0, 1, 0x12}}).Draw(t, "freeze")
		if got := ok[FreezeTime](t)(ParseFreezeRequest(overTheLine(t, FreezeRequest(a, freeze)))); got != freeze {
			t.Fatalf("freeze: got %v", got)
		}
		baud := rapid.SampledFrom([]int{600, 1200, 2400, 4800, 9600, 19200}).Draw(t, "baud")
		if got := ok[int](t)(ParseBaudRequest(overTheLine(t, frame(BaudRequest(a, baud))))); got != baud {
			t.Fatalf("baud: got %d", got)
		}
		out := Output(rapid.ByteRange(0, 2).Draw(t, "output"))
		if got := ok[Output](t)(ParseOutputRequest(overTheLine(t, frame(OutputRequest(a, out))))); got != out {
			t.Fatalf("output: got %v", got)
		}
		item := DI(rapid.Uint32().Draw(t, "item"))
		seq := rapid.Byte().Draw(t, "seq")
		if d, s, err := ParseSubsequentRequest(overTheLine(t, SubsequentRequest(a, item, seq))); d != item || s != seq || err != nil {
			t.Fatalf("subsequent: got %s %d %v", d, s, err)
		}
		var id Identity
		copy(id.Cipher[:], rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "cipher"))
		id.Operator = op
		if got := ok[Identity](t)(ParseIdentityRequest(overTheLine(t, frame(IdentityRequest(a, id))))); got != id {
			t.Fatalf("identity: got %+v", got)
		}
		sealed := rapid.SliceOfN(rapid.Byte(), 24, 24).Draw(t, "sealed")
		o, got, err := ParseSealedRequest(overTheLine(t, frame(SealedFrame(a, 0x1C, 0, sealed))))
		if err != nil || o != (SealedOrder{a, 0x1C, 0, 24}) || !bytes.Equal(got, sealed) {
			t.Fatalf("sealed: got %+v % X %v", o, got, err)
		}
		from := time.Unix(rapid.Int64Range(1.6e9, 4e9).Draw(t, "from"), 0).In(shanghai).Truncate(time.Minute)
		n := rapid.ByteRange(1, 99).Draw(t, "records")
		l := ok[LoadOrder](t)(ParseLoadRequest(overTheLine(t, LoadRequest(a, DILoadFrom, n, from)), shanghai))
		if l.Item != DILoadFrom || l.Records != int(n) || !l.From.Equal(from) {
			t.Fatalf("load: got %+v", l)
		}
	})
}

func TestAMasterReadsWhatAMeterAnswered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, pw := drawAddress(t), drawPassword(t)
		back := func(f Frame) Frame { return overTheLine(t, f) }
		for name, err := range map[string]error{
			"write": ParseWriteReply(back(WriteReply(a)), a), "freeze": ParseFreezeReply(back(FreezeReply(a)), a),
			"clear demand": ParseClearDemandReply(back(ClearDemandReply(a)), a), "clear events": ParseClearEventsReply(back(ClearEventsReply(a)), a),
			"1997 write": ParseWriteReply1997(back(WriteReply1997(a)), a), "1997 clear": ParseClearDemandReply1997(back(ClearDemandReply1997(a)), a),
		} {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if got := ok[Address](t)(ParseWriteAddressReply(back(WriteAddressReply(a)))); got != a {
			t.Fatal(got)
		}
		if got := ok[Address](t)(ParseWriteAddressReply1997(back(WriteAddressReply1997(a)))); got != a {
			t.Fatal(got)
		}
		if got := ok[Password](t)(ParsePasswordReply(back(PasswordReply(a, pw)), a)); got != pw {
			t.Fatal("password")
		}
		if got := ok[Password](t)(ParsePasswordReply1997(back(PasswordReply1997(a, pw)), a)); got != pw {
			t.Fatal("1997 password")
		}
		if got := ok[int](t)(ParseBaudReply(back(BaudReply(a, 4800)), a)); got != 4800 {
			t.Fatal(got)
		}
		if got := ok[int](t)(ParseBaudReply1997(back(BaudReply1997(a, 300)), a)); got != 300 {
			t.Fatal(got)
		}
		if _, err := ParseBaudReply1997(back(BaudReply1997(a, 115200)), a); !errors.Is(err, ErrBaud) {
			t.Fatal(err)
		}
		if got := ok[Output](t)(ParseOutputReply(back(OutputReply(a, OutputSlot)), a)); got != OutputSlot {
			t.Fatal(got)
		}
		id := Identified{Random: [4]byte{1, 2, 3, 4}, Serial: [8]byte{5}}
		if got := ok[Identified](t)(ParseIdentityReply(back(IdentityReply(a, id)), a)); got != id {
			t.Fatalf("%+v", got)
		}
		var re *ReplyError
		if _, err := ParseIdentityReply(back(SecurityError(a, 1<<3)), a); !errors.As(err, &re) || re.Bits()[0] != "identity_authentication_failed" {
			t.Fatal(err)
		}
	})
}

func TestA1997MeterReadsWhatAMasterOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, pw, other := drawAddress(t), drawPassword(t), drawPassword(t)
		frame := ok[Frame](t)
		d := DI(rapid.Uint16().Draw(t, "item"))
		data := rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "data")
		if got := ok[DI](t)(ParseReadRequest1997(overTheLine(t, ReadRequest1997(a, d)))); got != d {
			t.Fatal(got)
		}
		if got := ok[DI](t)(ParseSubsequentRequest1997(overTheLine(t, SubsequentRequest1997(a, d)))); got != d {
			t.Fatal(got)
		}
		if err := ParseRepeatRequest1997(overTheLine(t, RepeatRequest1997(a))); err != nil {
			t.Fatal(err)
		}
		follow := rapid.Bool().Draw(t, "more")
		for _, tc := range []struct {
			f     Frame
			parse func(Frame, Address, DI) ([]byte, error)
		}{
			{ReadReply1997(a, d, data, follow), ParseReadReply1997},
			{SubsequentReply1997(a, d, data, follow), ParseSubsequentReply1997},
			{RepeatReply1997(a, d, data, follow), ParseRepeatReply1997},
		} {
			f := overTheLine(t, tc.f)
			got, err := tc.parse(f, a, d)
			if err != nil || !bytes.Equal(got, data) || f.More() != follow {
				t.Fatalf("%v: got % X, %v", f, got, err)
			}
			if _, err := tc.parse(f, a, d^1); !KeepWaiting(err) {
				t.Fatalf("another item: %v", err)
			}
		}
		w := ok[WriteOrder](t)(ParseWriteRequest1997(overTheLine(t, frame(WriteRequest1997(a, 0xC011, &pw, data))), true))
		if w.Item != 0xC011 || w.Password != pw || !bytes.Equal(w.Data, data) {
			t.Fatalf("got %+v", w)
		}
		w = ok[WriteOrder](t)(ParseWriteRequest1997(overTheLine(t, frame(WriteRequest1997(a, 0xC011, nil, data))), false))
		if !bytes.Equal(w.Data, data) {
			t.Fatalf("got %+v", w)
		}
		if got := ok[Address](t)(ParseWriteAddressRequest1997(overTheLine(t, frame(WriteAddressRequest1997(a))))); got != a {
			t.Fatal(got)
		}
		old, new, err := ParsePasswordRequest1997(overTheLine(t, frame(PasswordRequest1997(a, pw, other))))
		if err != nil || old != pw || new != other {
			t.Fatal(err)
		}
		if got := ok[int](t)(ParseBaudRequest1997(overTheLine(t, frame(BaudRequest1997(a, 300))))); got != 300 {
			t.Fatal(got)
		}
		if err := ParseClearDemandRequest1997(overTheLine(t, frame(ClearDemandRequest1997(a)))); err != nil {
			t.Fatal(err)
		}
	})
}
