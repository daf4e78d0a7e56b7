package tools

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"feikong/agent/field"
	"feikong/agent/local"
)

func TestSlipOfTheHandIsTypedAgain(t *testing.T) {
	w := newWorkshop(t)
	base := []string{"enter", "101", "--person", "x", "--side", "secondary"}
	if _, _, err := w.run(ReadingCommand(), nil, append(base, "--register", "1000.00", "--yes")...); err != nil {
		t.Fatal(err)
	}
	// 9100 instead of 1001: no reason but the register again, no rate, no photo, keep
	out, told, err := w.run(ReadingCommand(), strings.NewReader("9100\n\n\n1001\n\n\ny\n"), base...)
	if err != nil || !strings.Contains(out, "1001 kWh") || !strings.Contains(told, "type it again") {
		t.Errorf("%v\n%s\n%s", err, out, told)
	}
	if records, _ := w.stored(t); len(records) != 2 || records[1].(*field.HandReading).Why != "" {
		t.Errorf("got %+v", records)
	}
	if _, _, err := w.run(ReadingCommand(), nil, append(base, "--register", "0=5", "--register", "0=6", "--yes")...); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("one register twice: got %v", err)
	}
}

func TestTextNoRecordCanHoldIsRefusedBeforeTheNextQuestion(t *testing.T) {
	w := newWorkshop(t)
	_, told, err := w.run(ReadingCommand(), strings.NewReader(strings.Repeat("x", 65)+"\n"), "enter", "101")
	if !errors.Is(err, errStopped) || !strings.Contains(told, "limit is 64") || strings.Contains(told, "register") {
		t.Errorf("%v\n%s", err, told)
	}
	_, told, err = w.run(ReadingCommand(), strings.NewReader(strings.Repeat("x", 2*answerMax)+"\nLi\n"), "enter", "101")
	if !errors.Is(err, errStopped) || !strings.Contains(told, "too long") || !strings.Contains(told, "register") {
		t.Errorf("%v\n%s", err, told)
	}
}

func TestRatioIsNeverGuessed(t *testing.T) {
	w := newWorkshop(t)
	args := exchangeArgs(w)
	for i := range args {
		if args[i] == "--ratio" {
			args = append(args[:i:i], args[i+2:]...)
			break
		}
	}
	if _, _, err := w.run(ExchangeCommand(), nil, args...); err == nil || !strings.Contains(err.Error(), "--ratio") {
		t.Errorf("got %v", err)
	}
	s := site{ask: &asker{silent: true}}
	if r, err := s.askRatio("", "", true, ""); r != nil || err != nil {
		t.Errorf("got %v, %v", r, err)
	}
	r, err := s.askRatio("200/5", "", true, field.Primary)
	if err != nil || r.Side != field.Primary {
		t.Errorf("the side of the registers is the default: got %+v, %v", r, err)
	}
	if otherSide(r, field.Primary) != "" || otherSide(r, field.Secondary) == "" || otherSide(r, "") != "" || otherSide(nil, field.Primary) != "" {
		t.Error("contradiction of sides is judged wrongly")
	}
}

func TestEachAnswerOfAnExchangeIsInTheDraft(t *testing.T) {
	w := newWorkshop(t)
	ref := field.Ref{Line: "l1", Address: "000000000101"}
	if _, _, err := w.run(ExchangeCommand(), strings.NewReader("Li\ndead\n"), "101"); err == nil {
		t.Fatal("it went on without answers")
	}
	var d exchangeDraft
	if found, err := field.LoadDraft(w.data, field.KindExchange, ref, &d); !found || err != nil || d.Person != "Li" || d.Reason != "dead" {
		t.Errorf("got %+v, %v", d, err)
	}
}

func TestOldDraftIsNotTakenUpWithoutAQuestion(t *testing.T) {
	w := newWorkshop(t)
	ref := field.Ref{Line: "l1", Address: "000000000101"}
	old := exchangeDraft{ID: field.NewID(), Begun: time.Now().Add(-2 * silentDraft).UnixMilli(), Person: "Li"}
	if err := field.SaveDraft(w.data, field.KindExchange, ref, old); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.run(ExchangeCommand(), nil, exchangeArgs(w)...); err == nil || !strings.Contains(err.Error(), "--restart") {
		t.Errorf("got %v", err)
	}
	if _, _, err := w.run(ExchangeCommand(), nil, append(exchangeArgs(w), "--restart")...); err != nil {
		t.Error(err)
	}
}

// The other end answers a status and then goes away, as a killed agent does.
func TestAgentThatDiesWhileARelayMovesIsNoReasonToRepeat(t *testing.T) {
	w := newWorkshop(t)
	if err := os.MkdirAll(w.data, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(w.data, local.SocketName))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		in := bufio.NewReader(c)
		if _, err := in.ReadString('\n'); err == nil {
			fmt.Fprintf(c, `{"v":%d,"ok":{"commissioning":{"on":true,"person":"x"}}}`+"\n", local.Version)
			in.ReadString('\n')
		}
	}()
	t.Setenv(PasswordVariable, "02123456")
	_, _, err = w.run(RelayCommand(), nil, "101", "trip", "--yes")
	if !errors.Is(err, local.ErrHungUp) || !strings.Contains(err.Error(), "do not repeat") {
		t.Errorf("got %v", err)
	}
}
