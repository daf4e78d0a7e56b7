package meter

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"feikong/agent/line"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// only answers what a meter of one edition at one rate hears; the line's rate is 2400.
func only(t *testing.T, s *script, old bool, baud int, items map[dlt645.DI][]byte) {
	s.answer = func(_ int, request []byte) [][]byte {
		rate := s.last.Baud
		if rate == 0 {
			rate = 2400
		}
		frames, _ := dlt645.Decode(request)
		if rate != baud || len(frames) != 1 || (frames[0].Control == 0x01) != old {
			return nil
		}
		f := frames[0]
		if old {
			d, err := dlt645.ParseReadRequest1997(f)
			if err != nil {
				t.Fatal(err)
			}
			if items[d] == nil {
				return [][]byte{dlt645.AppendFrame(nil, dlt645.ErrorReply(f.Addr, f.Control, 1<<1))}
			}
			return [][]byte{dlt645.AppendFrame(nil, dlt645.ReadReply1997(f.Addr, d, items[d], false))}
		}
		d, _, _ := dlt645.ParseReadRequest(f)
		if items[d] == nil {
			return [][]byte{dlt645.AppendFrame(nil, dlt645.ErrorReply(f.Addr, f.Control, 1<<1))}
		}
		return [][]byte{dlt645.AppendFrame(nil, dlt645.ReadReply(f.Addr, d, items[d]))}
	}
}

var old = map[dlt645.DI][]byte{0x901F: {0x34, 0x12, 0, 0, 0x00, 0x10, 0, 0, 0x34, 0x02, 0, 0}, 0x9010: {0x34, 0x12, 0, 0}}

func dltDriver(t *testing.T, s *script, opts ...Option) *DLT645 {
	t.Helper()
	s.t = t
	m, err := NewDLT645(meterRef, s, time.Second, shanghai, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMeterOf1997IsFoundAndRemembered(t *testing.T) {
	for _, baud := range []int{2400, 1200, 9600} {
		s := &script{}
		m := dltDriver(t, s)
		only(t, s, true, baud, old)
		var rs []protocol.Reading
		var err error
		for range 12 { // calls; one request each while nobody answers
			if rs, err = m.Energy(t.Context(), Call{}); err == nil {
				break
			}
		}
		if err != nil || len(rs) != 3 || rs[0].Value != 1234 || rs[1].Value != 1000 {
			t.Fatalf("%d: got %+v, %v", baud, rs, err)
		}
		n := len(s.asked)
		if _, err := m.Energy(t.Context(), Call{}); err != nil || len(s.asked) != n+1 {
			t.Errorf("%d: asked %d times once it was found, %v", baud, len(s.asked)-n, err)
		}
		if can := m.Can(); can.Trip || can.Close || !can.Clock || m.Status().Edition != "1997" {
			t.Errorf("%d: got %+v, edition %q", baud, can, m.Status().Edition)
		}
		n = len(s.asked)
		if sent, err := m.Switch(t.Context(), Call{}, Command{Action: protocol.ActionTrip, Deadline: time.Now()}); sent || !errors.Is(err, ErrUnsupported) || len(s.asked) != n {
			t.Errorf("%d: a relay of 1997 was touched: %v", baud, err)
		}
	}
}

func TestSeparatorsBetweenRegistersOf1997AreLeftOut(t *testing.T) {
	s := &script{}
	m := dltDriver(t, s, Edition("1997"))
	only(t, s, true, 2400, map[dlt645.DI][]byte{0x901F: {0x34, 0x12, 0, 0, 0xAA, 0x00, 0x10, 0, 0, 0xAA, 0x34, 0x02, 0, 0, 0xAA}})
	if rs, err := m.Energy(t.Context(), Call{}); err != nil || len(rs) != 3 || rs[2].Value != 234 {
		t.Errorf("got %+v, %v", rs, err)
	}
	only(t, s, true, 2400, map[dlt645.DI][]byte{0x9010: {0x34, 0x12, 0, 0}}) // refuses the block
	if rs, err := m.Energy(t.Context(), Call{}); err != nil || len(rs) != 1 || rs[0].Value != 1234 {
		t.Errorf("got %+v, %v", rs, err)
	}
	now := time.Now().In(shanghai)
	only(t, s, true, 2400, map[dlt645.DI][]byte{0xC010: dlt645.AppendDate4(nil, now, shanghai), 0xC011: dlt645.AppendTime3(nil, now, shanghai)})
	if d, _, err := m.Clock(t.Context(), Call{}); err != nil || d.Abs() > 2*time.Second {
		t.Errorf("got drift %v, %v", d, err)
	}
}

// Noise made a meter of both editions look like one of 1997; its relay needs 2007.
func TestMeterOfBothEditionsIsOneOf2007(t *testing.T) {
	s := &script{}
	for deaf := range 5 {
		n := 0
		s.answer = func(_ int, request []byte) [][]byte {
			if n++; n <= deaf {
				return nil
			}
			frames, _ := dlt645.Decode(request)
			f := frames[0]
			if f.Control == 0x01 {
				d, _ := dlt645.ParseReadRequest1997(f)
				return [][]byte{dlt645.AppendFrame(nil, dlt645.ReadReply1997(f.Addr, d, old[d], false))}
			}
			d, _, _ := dlt645.ParseReadRequest(f)
			return [][]byte{dlt645.AppendFrame(nil, dlt645.ReadReply(f.Addr, d, []byte{0x34, 0x12, 0, 0}))}
		}
		m := dltDriver(t, s)
		for range 6 {
			if _, err := m.Energy(t.Context(), Call{}); err == nil {
				break
			}
		}
		if got := m.Status().Edition; got != "2007" || !m.Can().Close {
			t.Errorf("deaf to %d requests: edition %q", deaf, got)
		}
	}
}

// A dead meter costs one request a call, and one of the edition it had is found at once after an hour's silence.
func TestSearchIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{answer: func(int, []byte) [][]byte { return nil }}
		m := dltDriver(t, s)
		for i := range 20 {
			if _, err := m.Energy(t.Context(), Call{}); !errors.Is(err, line.ErrSilent) || len(s.asked) != i+1 {
				t.Fatalf("call %d: %d requests, %v", i, len(s.asked), err)
			}
		}
		only(t, s, false, 2400, map[dlt645.DI][]byte{dlt645.DIForwardBlock: {0x34, 0x12, 0, 0}})
		for range 2 {
			if _, err := m.Energy(t.Context(), Call{}); err == nil {
				break
			}
		}
		only(t, s, true, 1200, old) // it was exchanged, and was away while that was done
		time.Sleep(2 * time.Hour)
		n := len(s.asked)
		for range 40 {
			if _, err := m.Energy(t.Context(), Call{}); err == nil {
				break
			}
		}
		if m.Status().Edition != "1997" {
			t.Errorf("not found again after %d requests", len(s.asked)-n)
		}
	})
}

// A line that was cut is probed by one meter a round: a meter that is back answers whoever's turn it is, known from this run
// or from the one before.
func TestMeterThatIsBackAnswersTheFirstCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		items := map[dlt645.DI][]byte{dlt645.DIForwardBlock: {0x34, 0x12, 0, 0}}
		for _, told := range []bool{false, true} {
			for silent := range 9 {
				s := &script{}
				m := dltDriver(t, s)
				if told {
					m.Recall(Way{Edition: "2007"})
				} else {
					only(t, s, false, 2400, items)
					m.Energy(t.Context(), Call{})
				}
				time.Sleep(2 * time.Hour)
				s.answer = func(int, []byte) [][]byte { return nil }
				for range silent {
					m.Energy(t.Context(), Call{})
				}
				if n := len(s.asked); n > silent*5/4+1 {
					t.Errorf("%d requests in %d calls", n, silent)
				}
				only(t, s, false, 2400, items)
				if _, err := m.Energy(t.Context(), Call{}); err != nil {
					t.Errorf("told %v, after %d calls in vain: %v", told, silent, err)
				}
			}
		}
	})
}

func TestItemForPeopleTriesAllWaysAtOnce(t *testing.T) {
	s := &script{}
	m := dltDriver(t, s)
	only(t, s, true, 1200, map[dlt645.DI][]byte{0x9010: {0x34, 0x12, 0, 0}, 0xC032: {0x01, 0, 0, 0, 0, 0}})
	got, err := m.Item(t.Context(), Call{}, "number")
	if err != nil || len(got) != 1 || got[0].Text != "000000000001" {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err = m.Item(t.Context(), Call{}, "9010"); err != nil || got[0].Text != "12.34" || got[0].Unit != "kWh" {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err = m.Item(t.Context(), Call{}, "正向有功总电能"); err != nil || got[0].Text != "12.34" || got[0].NameZH != "正向有功总电能" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := driver2007(t).Item(t.Context(), Call{}, "04000C02"); !errors.Is(err, ErrUnsupported) {
		t.Errorf("a password was asked for: %v", err)
	}
	for _, what := range []string{"money", "nonsense", "00010000"} {
		if _, err := m.Item(t.Context(), Call{}, what); !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrItem) {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

// told is nil for the error that the meter's own answer makes.
func told(err, answer error) error {
	if errors.Is(err, answer) || errors.Is(err, ErrRefused) {
		return nil
	}
	return err
}

func TestAPersonWaitsForEveryWayAMeterMaySpeak(t *testing.T) {
	for name, ask := range map[string]func(m *DLT645) error{
		"energy": func(m *DLT645) error { _, err := m.Energy(t.Context(), Call{Search: true}); return err },
		"clock": func(m *DLT645) error {
			_, _, err := m.Clock(t.Context(), Call{Search: true})
			return told(err, ErrClock)
		},
		"relay": func(m *DLT645) error {
			_, _, err := m.Relay(t.Context(), Call{Search: true})
			return told(err, ErrUnsupported)
		},
		"item by digits": func(m *DLT645) error { _, err := m.Item(t.Context(), Call{Search: true}, "9010"); return err },
	} {
		s := &script{}
		m := dltDriver(t, s)
		only(t, s, true, 1200, old)
		if err := ask(m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := m.Status().Edition; got != "1997" {
			t.Errorf("%s: edition %q", name, got)
		}
	}
}

func TestPortThatCannotBeTunedKeepsItsRate(t *testing.T) {
	s := &script{}
	m := dltDriver(t, s)
	m.line = fixed{s}
	only(t, s, true, 2400, old)
	for range 12 {
		if _, err := m.Energy(t.Context(), Call{}); err == nil {
			return
		}
	}
	t.Error("not found")
}

type fixed struct{ *script }

func (f fixed) Do(ctx context.Context, x *line.Exchange) error {
	if x.Baud != 0 {
		return line.ErrFraming
	}
	return f.script.Do(ctx, x)
}

func driver2007(t *testing.T) *DLT645 {
	s := &script{answer: func(int, []byte) [][]byte { t.Error("something was sent"); return nil }}
	return dltDriver(t, s, Edition("2007"))
}

func TestAnswerOfTooManyPartsIsGivenUp(t *testing.T) {
	s := &script{}
	m := dltDriver(t, s)
	s.answer = func(_ int, request []byte) [][]byte {
		frames, _ := dlt645.Decode(request)
		f := frames[0]
		if f.Control == 0x11 {
			d, _, _ := dlt645.ParseReadRequest(f)
			return [][]byte{dlt645.AppendFrame(nil, dlt645.ReadReplyMore(f.Addr, d, []byte{0x34, 0x12, 0, 0}, true))}
		}
		d, seq, _ := dlt645.ParseSubsequentRequest(f)
		return [][]byte{dlt645.AppendFrame(nil, dlt645.SubsequentReply(f.Addr, d, []byte{0x34, 0x12, 0, 0}, seq, true))}
	}
	if _, err := m.Energy(t.Context(), Call{}); !errors.Is(err, dlt645.ErrTooLong) || len(s.asked) != partsMax+1 {
		t.Errorf("%v after %d requests", err, len(s.asked))
	}
}

// It promises more, and says the first part to whatever it is asked.
func TestMeterThatNeverComesToAnEndIsGivenUp(t *testing.T) {
	for _, edition := range []string{"1997", "2007"} {
		s := &script{}
		m := dltDriver(t, s, Edition(edition))
		s.answer = func(int, []byte) [][]byte {
			f := dlt645.ReadReplyMore(m.addr, dlt645.DIForwardBlock, []byte{0x34, 0x12, 0, 0}, true)
			if edition == "1997" {
				f = dlt645.ReadReply1997(m.addr, 0x901F, []byte{0x34, 0x12, 0, 0}, true)
			}
			return [][]byte{dlt645.AppendFrame(nil, f)}
		}
		if _, err := m.Energy(t.Context(), Call{}); err == nil || len(s.asked) > 2*lostMax+2 {
			t.Errorf("%s: %v after %d requests", edition, err, len(s.asked))
		}
	}
}

func TestStatusWordsSayWhatTheirBitsMean(t *testing.T) {
	s := &script{}
	m := dltDriver(t, s, Edition("2007"))
	only(t, s, false, 2400, map[dlt645.DI][]byte{dlt645.DIStatusWord3: {0x50, 0x10}})
	got, err := m.Item(t.Context(), Call{}, "relay")
	if err != nil || len(got) != 1 || !strings.HasPrefix(got[0].Text, "0x1050 ") || !strings.Contains(got[0].TextZH, "保电") {
		t.Errorf("got %+v, %v", got, err)
	}
}
