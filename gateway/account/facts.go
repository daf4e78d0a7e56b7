package account

import (
	"feikong/billing/audit"
	"feikong/billing/policy"
	"feikong/billing/tariff"
	"feikong/protocol"
)

// Facts is what a settlement may know. The engine fills it from resident state; what it returns belongs to the engine and
// must not be written to: clone a State before changing it. Facts may include changes queued but not yet durable.
type Facts interface {
	Config() *Config
	ByID(id string) (No, bool)
	Profile(no No) *Profile
	State(no No) *State // a new account has Version 0 and one Point per metering point
	Installation(agent string, m protocol.MeterRef) (No, uint16, bool)
	Cursor(agent string, lane protocol.Lane, epoch uint64) (Cursor, bool) // false: this epoch of the lane was never seen
	Key(key string) (Receipt, bool)
	// History is the stored readings of one register with from <= TakenAt <= to, oldest first, and the newest one before
	// from, if any. It may read the disk: call it for late readings only.
	History(no No, point uint16, q protocol.Quantity, register uint8, from, to int64) ([]ReadingRecord, error)
	Order(no No, point uint16, number uint64) (OrderRecord, bool)
	Notice(no No, number uint64) (NoticeRecord, bool)
	OpenFindings(no No) []Finding
	Generation() uint32 // of the store: raised by a restore
	Counts() Counts
}

// Counts is what pacing needs across accounts.
type Counts struct {
	LastTrip  int64 // when the newest trip order was created
	TripsHour int   // trip orders created in the hour before the newest event
}

// Config is the rule documents in force, immutable, with the generation that made it.
type Config struct {
	Generation uint64
	Tariffs    map[string][]tariff.Version // by tariff id, oldest first
	Policies   map[string]policy.Policy
	Audit      audit.Rules
	Timezone   string // IANA name; tariffs and windows are local time
}
