package protocol

// Ack says that every entry through Upto of a lane is on the gateway's disk. Only an Ack lets an agent forget.
type Ack struct {
	Agent   string
	Lane    Lane
	Epoch   uint64
	Upto    uint64 // a gap is answered by the last contiguous sequence: the agent sends again from Upto+1
	Gateway string // installation id
	Commit  uint64
}

// Hello is the first message of a connection.
type Hello struct {
	Agent     string
	Version   string
	Boot      uint64 // random per process start
	At        int64
	Lanes     []LaneState
	NoJournal bool   // the relay journal is new: trips are refused until HelloReply told the floors
	Seq       uint64 // counts the hellos of a Boot, from 1; 0 from an agent that does not count
}

// LaneState is where an agent's lane stands.
type LaneState struct {
	Lane  Lane
	Epoch uint64
	Tail  uint64 // oldest sequence still held
	Next  uint64 // next sequence to be written
	Acked uint64
}

// HelloReply is the gateway's answer; Time is also the beacon an agent compares its clock with.
type HelloReply struct {
	Agent   string
	Gateway string
	Time    int64 // gateway's clock, unix ms
	Acks    []Ack
	Floors  []OrderFloor
	Boot    uint64 // of the hello that is answered, with its Seq: the round trip to it is what Time is worth
	Seq     uint64 // 0 from a gateway that does not tell
}

// OrderFloor is the highest order the gateway has made for a switch; an agent without a journal takes only higher ones.
type OrderFloor struct {
	Meter MeterRef
	Order OrderID
}

// Boundaries tells an agent at which instants registers must be known: the ends of billing periods, tier cycles and tariff
// versions that lie ahead. A newer message replaces an older one; the agent keeps it across restarts.
type Boundaries struct {
	Agent    string
	Gateway  string
	At       int64   // gateway's clock, unix ms
	Instants []int64 // unix ms, ascending, at most MaxBoundaries
}

// Status is an agent's periodic word about itself; lossy, the newest counts.
type Status struct {
	Agent                  string
	Version                string
	At                     int64
	Lines                  []LineStatus
	Meters                 []MeterStatus
	OutboxBytes, OutboxMax int64
	Stored, Dropped        uint64 // entries stored, polls not stored (back-pressure)
	ClockTrusted           bool
	ClockOffset            int64  // agent minus gateway, ms
	RelayMode              string // "bench", "off"
}

// LineStatus counts one port since start.
type LineStatus struct {
	Line                        string
	Up                          bool
	Error                       string
	Sent, Received              uint64 // bytes
	Exchanges, Timeouts, Faults uint64
	Foreign                     uint64 // frames on the line that were not ours
}

// MeterStatus counts one meter since start.
type MeterStatus struct {
	Meter                   MeterRef
	Replies, Silent, Faults uint64 // exchanges answered, unanswered, answered with errors
	LastReply               int64  // unix ms, 0 never
	BackoffUntil            int64  // unix ms, 0 not backing off
	DelayMs                 int64  // response delay seen last
	Retries                 uint64 // exchanges that were asked again
	DelayMinMs, DelayMaxMs  int64  // response delay, of all replies
	Edition                 string // what it was found to speak: "2007", "1997", a Modbus model
}
