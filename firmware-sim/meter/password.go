package meter

import (
	"time"

	"feikong/protocol/dlt645"
)

// level is one password level: 00 has the most authority, 09 the least. Wrong passwords are counted and locked by level.
type level struct {
	set    bool
	digits [3]byte
	wrong  uint8
	locked int64 // unix ns
}

// levels is how many the standard has, guessesMax how many wrong passwords lock one for lockFor.
const (
	levels     = 10
	guessesMax = 5
	lockFor    = 24 * time.Hour
)

// Levels that acts ask for: the password's level must be as strong (a smaller number). Relay commands take any level the
// meter has a password for: commercial meters are used with 00 to 04.
const (
	relayLevel = levels - 1
	tableLevel = 4
	clearLevel = 2
)

// unlock forgives the wrong passwords of yesterday.
func (m *Meter) unlock(now int64) {
	for i := range m.levels {
		if l := &m.levels[i]; l.wrong >= guessesMax && now-l.locked >= int64(lockFor) {
			l.wrong = 0
		}
	}
}

// password judges p for an act that needs a level of at most needs, and counts.
func (m *Meter) password(p dlt645.Password, needs byte) bool {
	if p.Level >= levels {
		return false
	}
	l := &m.levels[p.Level]
	if l.wrong >= guessesMax {
		return false
	}
	if l.set && p.Digits == l.digits {
		l.wrong = 0
		return p.Level <= needs
	}
	if l.wrong++; l.wrong >= guessesMax {
		l.locked = m.at
	}
	m.relayMoved() // what is counted must be kept
	return false
}

// setPasswords gives each level what the configuration says.
func (m *Meter) setPasswords() {
	for _, p := range append([]dlt645.Password{m.cfg.Password}, m.cfg.Passwords...) {
		if p.Level < levels {
			m.levels[p.Level] = level{set: true, digits: p.Digits}
		}
	}
}
