package dlt645

import "fmt"

// ClearOrder is a request to erase, taken apart by the meter. Item is set for
// events: what class of them, FFFFFFFF for all.
type ClearOrder struct {
	Item     DI
	Password Password
	Operator [4]byte
}

// DIAllEvents clears the records of every event.
const DIAllEvents DI = 0xFFFFFFFF

// There is no request that clears a meter (C = 1AH, 电表清零). It erases the
// energy registers, which are the evidence for money, and nothing brings them
// back; whoever must do it does it at the meter with the maker's tool. The
// meter's side reads it, so that a simulated meter refuses it as a real one.

// ClearDemandRequest sets the maximum demands of meter a to zero (C = 19H,
// 最大需量清零). What was in them is lost unless it was read before: ask a
// person twice. State Grid meters want it sealed or with their button
// pressed. The error wraps ErrAddress or ErrCommand.
func ClearDemandRequest(a Address, pw Password, op [4]byte) (Frame, error) {
	return clearRequest("clear maximum demand", funcClearDemand, a, pw, op)
}

// ClearEventsRequest erases the event records that d names (C = 1BH,
// 事件清零): DIAllEvents, or one class with DI0 = FF. Ask a person twice. The
// error wraps ErrAddress or ErrCommand.
func ClearEventsRequest(a Address, pw Password, op [4]byte, d DI) (Frame, error) {
	if d&0xFF != 0xFF {
		return Frame{}, fmt.Errorf("clear events %s of %s: the last byte of a class is FF: %w", d, a, ErrCommand)
	}
	f, err := clearRequest("clear events", funcClearEvents, a, pw, op)
	if err == nil {
		f.Data = d.Append(f.Data)
	}
	return f, err
}

func clearRequest(what string, fn byte, a Address, pw Password, op [4]byte) (Frame, error) {
	if err := toOne(what, a); err != nil {
		return Frame{}, err
	}
	if err := pw.plain(what); err != nil {
		return Frame{}, err
	}
	return Frame{Addr: a, Control: fn, Data: append(pw.append(make([]byte, 0, 12)), op[:]...)}, nil
}

// ParseClearDemandReply reads meter a's answer: nil, or a *ReplyError.
func ParseClearDemandReply(f Frame, a Address) error { return expect(f, a, funcClearDemand) }

// ParseClearEventsReply reads meter a's answer: nil, or a *ReplyError.
func ParseClearEventsReply(f Frame, a Address) error { return expect(f, a, funcClearEvents) }

// ParseClearDemandRequest is the meter's side; the password is not judged.
func ParseClearDemandRequest(f Frame) (ClearOrder, error) {
	return parseClear(f, funcClearDemand, "demand clear", 8)
}

// ParseClearMeterRequest reads C = 1AH, which this package does not make.
func ParseClearMeterRequest(f Frame) (ClearOrder, error) {
	return parseClear(f, funcClearMeter, "meter clear", 8)
}

// ParseClearEventsRequest is the meter's side; the password is not judged.
func ParseClearEventsRequest(f Frame) (ClearOrder, error) {
	o, err := parseClear(f, funcClearEvents, "event clear", 12)
	if err == nil {
		o.Item = wireDI(f.Data[8:])
	}
	return o, err
}

func parseClear(f Frame, fn byte, what string, n int) (ClearOrder, error) {
	if err := exactly(f, fn, what, n); err != nil {
		return ClearOrder{}, err
	}
	return ClearOrder{Password: wirePassword(f.Data), Operator: [4]byte(f.Data[4:8])}, nil
}

// ClearDemandReply is meter a's answer (C = 99H, L = 0).
func ClearDemandReply(a Address) Frame { return Frame{Addr: a, Control: funcClearDemand | fromMeter} }

// ClearMeterReply is meter a's answer (C = 9AH, L = 0).
func ClearMeterReply(a Address) Frame { return Frame{Addr: a, Control: funcClearMeter | fromMeter} }

// ClearEventsReply is meter a's answer (C = 9BH, L = 0).
func ClearEventsReply(a Address) Frame { return Frame{Addr: a, Control: funcClearEvents | fromMeter} }
