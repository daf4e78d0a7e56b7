package dlt645

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// errAny stands for an error whose kind does not matter.
var errAny = errors.New("any")

var shanghai = time.FixedZone("CST", 8*3600)

func sample(t testing.TB) (Address, Password, [4]byte, time.Time) {
	t.Helper()
	a, err := ParseAddress("202608150001")
	if err != nil {
		t.Fatal(err)
	}
	return a, Password{Level: 2, Digits: [3]byte{0x56, 0x34, 0x12}}, [4]byte{0x17}, time.Date(2026, 11, 30, 23, 59, 50, 0, shanghai)
}

func TestRelayRequestBytes(t *testing.T) {
	a, pw, op, deadline := sample(t)
	for _, tc := range []struct {
		cmd  RelayCommand
		want string
	}{
		{Trip, "68 01 00 15 08 26 20 68 1C 10 35 89 67 45 4A 33 33 33 4D 33 83 8C 56 63 44 59 92 16"},
		{ClosePermit, "68 01 00 15 08 26 20 68 1C 10 35 89 67 45 4A 33 33 33 4E 33 83 8C 56 63 44 59 93 16"},
		{Close, "68 01 00 15 08 26 20 68 1C 10 35 89 67 45 4A 33 33 33 4F 33 83 8C 56 63 44 59 94 16"},
		{HoldOff, "68 01 00 15 08 26 20 68 1C 10 35 89 67 45 4A 33 33 33 6E 33 83 8C 56 63 44 59 B3 16"},
	} {
		f, err := RelayRequest(a, pw, op, tc.cmd, deadline)
		if err != nil {
			t.Fatal(err)
		}
		if got := AppendFrame(nil, f); !bytes.Equal(got, unhex(t, tc.want)) {
			t.Errorf("%v: got % X, want %s", tc.cmd, got, tc.want)
		}
		o, err := ParseRelayRequest(f, shanghai)
		if err != nil || o.Command != tc.cmd || !o.Deadline.Equal(deadline) || o.Password.Digits != pw.Digits || o.Operator != op {
			t.Errorf("%v: read back %+v, %v", tc.cmd, o, err)
		}
	}
}

func TestRelayRequestRefuses(t *testing.T) {
	a, pw, op, deadline := sample(t)
	partial, _ := ParseAddress("AA0001")
	for _, tc := range []struct {
		name string
		a    Address
		pw   Password
		cmd  RelayCommand
		at   time.Time
		want error
	}{
		{"wildcard", Wildcard, pw, Trip, deadline, ErrAddress},
		{"broadcast", Broadcast, pw, Trip, deadline, ErrAddress},
		{"partial wildcard", partial, pw, Trip, deadline, ErrAddress},
		{"unknown command", a, pw, 0x55, deadline, ErrCommand},
		{"recovery without a time", a, pw, TripAutoClose, deadline, ErrCommand},
		{"ciphered level", a, Password{Level: 0x98}, Trip, deadline, ErrCommand},
		{"no deadline", a, pw, Trip, time.Time{}, ErrDateTime},
	} {
		if _, err := RelayRequest(tc.a, tc.pw, op, tc.cmd, tc.at); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
		}
	}
}

func TestRelayReplies(t *testing.T) {
	a, _, _, _ := sample(t)
	other, _ := ParseAddress("1")
	for _, tc := range []struct {
		name     string
		f        Frame
		accepted bool
		want     error
	}{
		{"accepted", RelayReply(a), true, nil},
		{"accepted with status word", Frame{Addr: a, Control: 0x9C, Data: []byte{4, 0}}, true, nil},
		{"password", ErrorReply(a, 0x1C, 0x04), false, ErrPassword},
		{"hold in the error word", Frame{Addr: a, Control: 0xDC, Data: []byte{0x20, 0}}, false, ErrHold},
		{"password in the error word", Frame{Addr: a, Control: 0xDC, Data: []byte{0x04, 0}}, false, ErrPassword},
		{"two zero bytes", Frame{Addr: a, Control: 0xDC, Data: []byte{0, 0}}, false, errAny},
		{"own echo", Frame{Addr: a, Control: 0x1C}, false, ErrEcho},
		{"another meter", RelayReply(other), false, ErrOtherAddress},
		{"late read reply", ReadReply(a, DIForwardTotal, nil), false, ErrOtherDI},
	} {
		accepted, err := ParseRelayReply(tc.f, a)
		if accepted != tc.accepted || !errors.Is(err, tc.want) && (tc.want != errAny || err == nil) {
			t.Errorf("%s: got %v, %v, want %v, %v", tc.name, accepted, err, tc.accepted, tc.want)
		}
	}
}

func TestReadReplyTellsWhatToWaitFor(t *testing.T) {
	a, _, _, _ := sample(t)
	data, err := ParseReadReply(ReadReply(a, DIForwardTotal, []byte{1, 2, 3, 4}), Wildcard, DIForwardTotal)
	if err != nil || !bytes.Equal(data, []byte{1, 2, 3, 4}) {
		t.Fatal(data, err)
	}
	_, err = ParseReadReply(ReadReply(a, DIForwardTotal, nil), a, DIForwardBlock)
	if !errors.Is(err, ErrOtherDI) || !KeepWaiting(err) {
		t.Fatal(err)
	}
	_, err = ParseReadReply(ErrorReply(a, 0x11, 0x02), a, DIForwardTotal)
	var re *ReplyError
	if !errors.As(err, &re) || !errors.Is(err, ErrNoData) || KeepWaiting(err) || re.Control != 0xD1 {
		t.Fatal(err)
	}
}

func TestPasswordsAreNeverPrinted(t *testing.T) {
	a, pw, op, deadline := sample(t)
	f, err := RelayRequest(a, pw, op, Trip, deadline)
	if err != nil {
		t.Fatal(err)
	}
	o, _ := ParseRelayRequest(f, shanghai)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "pw", pw, "order", o, "frame", f)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "pw", pw, "order", o, "frame", f)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "% X"} {
		fmt.Fprintf(&log, verb+"\n", pw)
		fmt.Fprintf(&log, verb+"\n", f)
		fmt.Fprintf(&log, verb+"\n", o)
	}
	j, _ := json.Marshal(o)
	log.Write(j)
	low := strings.ToLower(log.String())
	for _, leak := range []string{"563412", "56 34 12", "56, 34, 12", "86 52 18", "86, 52, 18", "86,52,18", "0x56", "vjqs"} {
		if strings.Contains(low, leak) {
			t.Errorf("%q appears in:\n%s", leak, log.String())
		}
	}
}
