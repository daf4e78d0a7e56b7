package meter

import (
	"time"

	"feikong/protocol/dlt645"
)

// relay is the meter's switch. open is the contact; commandOpen is the last command, which differs from the contact while
// a permitted close waits for the button.
type relay struct {
	open        bool
	commandOpen bool
	permitted   bool
	hold        bool // 保电: trips are refused
	alarm       bool
}

// press closes a relay that waits for the button, and only that.
func (r *relay) press() bool {
	if !r.open || !r.permitted {
		return false
	}
	r.open, r.permitted = false, false
	return true
}

// verdict is what a meter answers to a relay command.
type verdict byte

const (
	accepted verdict = 0
	// refusedOther is ERR bit 0: power hold, or a command this meter does not have.
	refusedOther verdict = 1 << 0
	// refusedPassword is ERR bit 2: password, level or deadline.
	refusedPassword verdict = 1 << 2
)

// do obeys one command. Repeating a command changes nothing and is accepted.
func (r *relay) do(c dlt645.RelayCommand, kind Switch) verdict {
	if kind == SwitchNone {
		return refusedOther
	}
	switch c {
	case dlt645.Trip:
		if r.hold {
			return refusedOther
		}
		r.open, r.commandOpen, r.permitted = true, true, false
	case dlt645.ClosePermit:
		r.commandOpen, r.permitted = false, r.open
	case dlt645.Close:
		// Older meters obey 1CH as a permit or refuse it; refusing is what shows a wrong capability in the catalogue.
		if kind == SwitchPermit {
			return refusedOther
		}
		r.open, r.commandOpen, r.permitted = false, false, false
	case dlt645.AlarmOn:
		r.alarm = true
	case dlt645.AlarmOff:
		r.alarm = false
	case dlt645.HoldOn:
		r.hold = true
	case dlt645.HoldOff:
		r.hold = false
	default:
		return refusedOther
	}
	return accepted
}

// word is status word 3, 电表运行状态字3.
func (r *relay) word() dlt645.StatusWord3 {
	var w dlt645.StatusWord3
	for _, b := range []struct {
		on  bool
		bit dlt645.StatusWord3
	}{
		{r.open, dlt645.WordRelayOpen}, {r.commandOpen, dlt645.WordCommandOpen},
		{r.alarm, dlt645.WordPreTripAlarm}, {r.hold, dlt645.WordPowerHold},
	} {
		if b.on {
			w |= b.bit
		}
	}
	return w
}

// guesses counts wrong passwords. Real meters lock the level for a day after a few.
type guesses struct {
	wrong  int
	locked time.Time
}

const (
	guessesMax = 5
	lockFor    = 24 * time.Hour
)

// unlock24h forgives the wrong passwords of yesterday.
func (m *Meter) unlock24h(now time.Time) {
	if m.guess.wrong >= guessesMax && now.Sub(m.guess.locked) >= lockFor {
		m.guess.wrong = 0
	}
}

// password judges p, and counts.
func (m *Meter) password(p dlt645.Password, now time.Time) bool {
	if m.guess.wrong >= guessesMax {
		return false
	}
	if p.Level == m.cfg.Password.Level && p.Digits == m.cfg.Password.Digits {
		m.guess.wrong = 0
		return true
	}
	if m.guess.wrong++; m.guess.wrong >= guessesMax {
		m.guess.locked = now
	}
	return false
}
