package meter

import (
	"context"
	"errors"
	"time"

	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// Why a meter's own history does not give what was asked for, or two answers cannot both be right.
var (
	ErrNoRecord = errors.New("the meter has no such record")             // not kept, or older than the oldest it keeps
	ErrDisagree = errors.New("the meter's answers to one read disagree") // three reads, and no two alike where they must be
)

// Keeper is a meter that keeps its own history (冻结, 负荷记录). What comes back has the meter's stamp as MeterTime and,
// as TakenAt, the stamp on the agent's clock by the drift seen last.
type Keeper interface {
	// Frozen reads the registers of the nth last freeze of a kind, 1 being the newest, and the meter time it was made
	// at. The error wraps ErrNoRecord where the meter has none: for n = 1 it keeps none at all.
	Frozen(ctx context.Context, c Call, kind dlt645.FreezeKind, nth int) ([]protocol.Reading, time.Time, error)
	// Profile reads at most n records of energy from meter time from on, the oldest first; a zero from asks for the
	// newest. The error wraps ErrNoRecord where the meter has none there.
	Profile(ctx context.Context, c Call, from time.Time, n int) ([]protocol.Reading, error)
}

// Setter is a meter whose clock can be set. Nothing sets one by itself but the history, by broadcast, where the
// configuration allows it.
type Setter interface {
	// BroadcastTime tells all meters of the line the time (广播校时); nobody answers. at is what the time is now; the frame
	// carries what it will be when its last byte arrives.
	BroadcastTime(ctx context.Context, c Call, at time.Time) error
	// WriteTime sets this meter's clock with a password, and says nothing about whether it did: read the clock back.
	WriteTime(ctx context.Context, c Call, pw, op [4]byte, at time.Time) error
}

// Reader reads any one item, for people and tools.
type Reader interface {
	// Item reads what names by a data identifier in hex, or by a name of the table ("voltage", "status", "clock").
	Item(ctx context.Context, c Call, what string) ([]ItemValue, error)
}

// ItemValue is one value of an item as people see it.
type ItemValue struct {
	ID           string // data identifier in hex, or the register of a Modbus point
	Name, NameZH string
	Text         string // exact decimal, time, text, or a status word and what its bits say; empty when Null
	TextZH       string // the same in Chinese where it has words; else empty
	Unit         string
	Null         bool // the meter does not measure it
	Never        bool // with Null: a time that has not been yet
	At           time.Time
}

// Drifter remembers how far a meter's clock was off when it was read last; at is zero before the first time.
type Drifter interface {
	Drift() (drift time.Duration, at time.Time)
}
