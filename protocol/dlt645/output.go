package dlt645

import "fmt"

// Output is what the multi-function terminal (多功能端子) of a meter gives
// out [M].
type Output byte

// The three signals of the terminal.
const (
	OutputClock  Output = 0 // 时钟秒脉冲, to measure the clock's rate
	OutputDemand Output = 1 // 需量周期
	OutputSlot   Output = 2 // 时段投切
)

var outputNames = [3]words{{"clock second pulse", "时钟秒脉冲"}, {"demand period", "需量周期"}, {"time-slot switch", "时段投切"}}

// String names the signal.
func (o Output) String() string {
	if int(o) < len(outputNames) {
		return outputNames[o].en
	}
	return fmt.Sprintf("unknown %02XH", byte(o))
}

// OutputRequest asks meter a to give out o (C = 1DH). The error wraps
// ErrAddress or ErrCommand.
func OutputRequest(a Address, o Output) (Frame, error) {
	if err := toOne("multi-function output", a); err != nil {
		return Frame{}, err
	}
	if int(o) >= len(outputNames) {
		return Frame{}, fmt.Errorf("multi-function output of %s: signal %s: %w", a, o, ErrCommand)
	}
	return Frame{Addr: a, Control: funcOutput, Data: []byte{byte(o)}}, nil
}

// ParseOutputReply gives the signal that meter a echoes.
func ParseOutputReply(f Frame, a Address) (Output, error) {
	if err := expect(f, a, funcOutput); err != nil {
		return 0, err
	}
	if len(f.Data) != 1 {
		return 0, fmt.Errorf("output reply of %d bytes, want 1: %w", len(f.Data), ErrLength)
	}
	return Output(f.Data[0]), nil
}

// ParseOutputRequest is the meter's side; the signal may be an unknown one.
func ParseOutputRequest(f Frame) (Output, error) {
	if err := exactly(f, funcOutput, "multi-function output", 1); err != nil {
		return 0, err
	}
	return Output(f.Data[0]), nil
}

// OutputReply is meter a's answer (C = 9DH, the signal echoed).
func OutputReply(a Address, o Output) Frame {
	return Frame{Addr: a, Control: funcOutput | fromMeter, Data: []byte{byte(o)}}
}
