package relay

import (
	"errors"
	"fmt"
	"math"

	"feikong/agent/line"
	"feikong/agent/meter"
	"feikong/protocol"
)

// judgeAfter makes an end of the frame's answer and the relay as read. The relay wins over the answer.
func (a *act) judgeAfter(frame, back error) *refusal {
	if state, ok := reached(a.o.Action, a.out.After); ok && back == nil {
		a.out.State, a.out.Detail = state, "the relay was read back "+word(a.out.After.Open)
		if state == protocol.OutcomePermitted {
			a.out.Detail = "closing is permitted; the contact waits for the button"
		}
		return nil
	}
	switch {
	case back != nil || !a.out.After.Known:
		return &refusal{protocol.OutcomeUnknown, "no-answer", fmt.Sprintf("a frame was sent and the relay could not be read back: %v", back)}
	case errors.Is(frame, meter.ErrPassword):
		return &refusal{protocol.OutcomeFailed, "password", "the meter refused the password"}
	case errors.Is(frame, meter.ErrHold):
		return &refusal{protocol.OutcomeFailed, "hold", "the meter refused: power hold is on"}
	case errors.Is(frame, meter.ErrRefused):
		return &refusal{protocol.OutcomeFailed, "refused", frame.Error()}
	}
	return &refusal{protocol.OutcomeFailed, "not-applied", "the relay was read back " + word(a.out.After.Open)}
}

// unsent is the end of an order whose frame surely did not leave.
func unsent(err error) *refusal {
	switch {
	case errors.Is(err, errSuperseded):
		return refuse("superseded", "%v", err)
	case errors.Is(err, errStep):
		return refuse("clock", "%v", err)
	case errors.Is(err, line.ErrTooLate):
		return &refusal{protocol.OutcomeExpired, "deadline", "the deadline passed before the line was free"}
	}
	return refuse(lineRule(err), "the frame was not sent: %v", err)
}

func lineRule(err error) string {
	switch {
	case errors.Is(err, line.ErrDown), errors.Is(err, line.ErrLost):
		return "line-down"
	case errors.Is(err, line.ErrTooLate):
		return "deadline"
	case errors.Is(err, line.ErrSilent):
		return "no-answer"
	case errors.Is(err, meter.ErrTwo):
		return "two-answers"
	case errors.Is(err, meter.ErrDisagree):
		return "disagree"
	case errors.Is(err, errNoClock):
		return "clock" // a frame's deadline is in the meter's time, and nobody knows which that is
	case errors.Is(err, meter.ErrNoKeyService), errors.Is(err, meter.ErrSpent), errors.Is(err, meter.ErrKeyService):
		return "key-service"
	case errors.Is(err, meter.ErrUnsupported):
		return "capability"
	}
	return "read"
}

var errNoClock = errors.New("the meter's clock cannot be read, so no deadline can be given")

// milliwattHours turns a register in kWh x 10^exp into mWh; false when it does not fit or is finer than 1 mWh.
func milliwattHours(v int64, exp int8) (int64, bool) {
	for e := int(exp) + 6; e > 0; e-- {
		if v > math.MaxInt64/10 || v < math.MinInt64/10 {
			return 0, false
		}
		v *= 10
	}
	return v, exp >= -6
}
