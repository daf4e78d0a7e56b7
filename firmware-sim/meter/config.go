package meter

import (
	"time"

	"feikong/protocol/dlt645"
	"feikong/protocol/modbusmap"
)

// Switch says what the meter's own relay can do by remote command.
type Switch string

// Kinds of switch.
const (
	SwitchNone   Switch = "none"   // no relay: every relay command is refused
	SwitchDirect Switch = "direct" // closes by itself on command 直接合闸
	SwitchPermit Switch = "permit" // only permits: a hand on the button closes 合闸允许
)

// Edition is the text of the standard a DL/T 645 meter was built to.
type Edition string

// Editions. A meter hears only its own; both is a meter that was made when the texts changed.
const (
	Edition2007 Edition = "2007" // also the empty one
	Edition1997 Edition = "1997"
	EditionBoth Edition = "both"
)

// ContactBit is how bit 4 of status word 3 tells the contact; some commercial meters report it inverted or never set it.
type ContactBit string

// Ways to tell the contact.
const (
	ContactTrue     ContactBit = ""
	ContactInverted ContactBit = "inverted"
	ContactNever    ContactBit = "never"
)

// Money is what a meter that keeps the money itself is born with 本地费控. Amounts are 1/10,000 of the currency.
type Money struct {
	Balance   int64        // at the start; below zero is overdraft
	Price     [rates]int64 // 1/10,000 of the currency per kWh, by rate
	Alarm1    int64        // 04001001: below it the alarm is on
	Alarm2    int64        // 04001002: below it the meter opens once as a warning; the button closes it again; 0 never
	Overdraft int64        // 04001003: the relay opens when more than this is owed
}

// Profile is the load profile 负荷记录 of a meter, DI3 = 06.
type Profile struct {
	Interval time.Duration // whole minutes, 1 to 60; 0 is 15 minutes
	Classes  byte          // mode word 04000901, bit 0 class 1 .. bit 5 class 6; 0 is class 4 alone
	Days     int           // depth; 0 is 40
	Off      bool          // the meter has none
	BadShare float64       // share of records that begin E0 E0: bad or incomplete
}

// Config is what a meter is born with; it has been checked by the scenario. The zero value of every field below Location
// is an ordinary meter.
type Config struct {
	Address   string          // 12 digits for DL/T 645, the decimal unit id for Modbus
	Wire      dlt645.Address  // the same for DL/T 645
	Unit      byte            // the same for Modbus
	Channel   byte            // behind a box whose channels share a unit: above 1 it is silent to what is not its own
	Model     modbusmap.Model // Modbus only
	EnergymWh int64           // total forward active register at the start
	LoadW     int64           // drawn while the relay is closed
	Times     int64           // multiplier of the load, 1 or more
	Switch    Switch
	Password  dlt645.Password
	Offset    time.Duration // of the clock
	Seed      uint64
	Location  *time.Location // of the clock; nil is the machine's

	// What it measures.
	Phases     int           // 1 or 3; 0 is 1, for Modbus what the model has
	PT, CT     int           // transformer ratios; the registers count behind them; 0 is 1
	PF         int           // power factor in thousandths, 1 to 1000; 0: 0.92 to 0.99 by the seed
	FeedW      int64         // fed back between 9 and 16 o'clock by the meter's clock, before the multiplier
	ReversemWh int64         // reverse active register at the start
	History    time.Duration // how long it has already run with this load when it is made, at most HistoryMax

	// How it obeys.
	Edition       Edition
	Passwords     []dlt645.Password // of further levels, 0 to 9
	TripDelay     int               // 04001401: minutes from an accepted trip to the open contact
	TripCurrent   int64             // 04001402 in mA: above it the contact stays closed until the current falls; 0 none
	CloseAsPermit bool              // an older meter: 1C is obeyed as 1B (SwitchPermit refuses it)
	NoRecover     bool              // 1D and 1E are unknown
	OpensAbove    int64             // mA; above it the contact opens by itself, commanded by nobody; 0 never
	RecloseAfter  time.Duration     // the contact closes by itself so long after it opened: a fault after a trip, a habit after OpensAbove
	Welded        bool              // a fault: commands are accepted, the contact never opens
	ContactBit    ContactBit
	FirstWords    bool    // first edition of 2007: status word 3 ends at bit 4
	Words2014     bool    // 9C and DC carry two-byte words
	Sealed        bool    // State Grid: a plain trip is refused, control 03 is demanded
	Key           Key     // of its security module; zero: sealed orders are refused too
	Money         *Money  // keeps the money itself; nil: does not
	StrictWild    bool    // 13 is answered to AA×6 alone; otherwise also to its own address and partial wildcards
	OldAddress    bool    // 95 comes from the old address, not the new one
	NoClockSet    bool    // ignores broadcast time
	StatusBytes   int     // of 040005FF: 6, 10, 14 or 18; 0 is 14
	Profile       Profile // load profile
	DailyDepth    int     // daily freezes kept; 0 is 62, -1 none
	HourlyDepth   int     // hourly freezes; 0 is 254, -1 none
	Backfill      int     // days of daily freezes that are filled in after a power cut; 0 none, newer State Grid meters 7
	DeadBattery   bool    // the clock stops while the power is off
	NoEvents      bool    // has no 1D and 1E records

	// 1997 only.
	WildReply    bool // answers a wildcard with the wildcard
	Answers99    bool // answers data reads sent to 99×6
	NoSeparators bool // sets have no AA between the blocks
	Password1997 bool // writes carry four password bytes after the identifier

	// How it behaves on the line; the line asks Manner for each reply.
	Delay     time.Duration // Td; 0 is the line's
	Jitter    time.Duration // up to this much is added to Delay, by the seed
	Baud      int           // 0 is the line's
	Parity    string        // "even", "odd", "none"; empty is the line's
	FEs       int           // FE bytes before a reply; 0 is the line's, -1 none
	Trailing  int           // FF bytes after 16
	LateShare float64       // share of replies that come LateBy later
	LateBy    time.Duration
	Dying     time.Duration // it fails more and more until it is silent, this long after it was made; 0: healthy
}

// HistoryMax bounds Config.History to what the freezes and the load profile keep.
const HistoryMax = 90 * 24 * time.Hour
