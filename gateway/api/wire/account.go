// Package wire is the JSON of the REST API: what the gateway answers and what it takes. Money is decimal text in the account's
// currency, energy decimal text in kWh, times RFC 3339. A field without meaning is left out.
package wire

import "time"

// Account is one account with the facts its decisions rest on 数据准备.
type Account struct {
	ID        string      `json:"id" doc:"What people call the account (户号)"`
	Customer  string      `json:"customer"`
	Address   string      `json:"address,omitempty"`
	Currency  string      `json:"currency" example:"CNY"`
	Tariff    string      `json:"tariff"`
	Policy    string      `json:"policy"`
	Stage     string      `json:"stage" doc:"Machine word of the stage" example:"reminded"`
	StageText string      `json:"stage_text" doc:"The stage in words"`
	Since     time.Time   `json:"since,omitzero" doc:"When the stage began"`
	Blocks    []Block     `json:"blocks" doc:"What forbids the trip now"`
	Task      string      `json:"task,omitempty" doc:"What a person has to do, machine word"`
	TaskText  string      `json:"task_text,omitempty"`
	Held      string      `json:"held,omitempty" doc:"Code that holds the whole account's fee"`
	HeldText  string      `json:"held_text,omitempty"`
	Episode   Episode     `json:"episode"`
	Balance   Balance     `json:"balance"`
	Period    Period      `json:"period"`
	Points    []Point     `json:"points"`
	Protected *Protection `json:"protected,omitempty" doc:"Set while the supply is protected (保电)"`
	Tags      []Tag       `json:"tags"`
	Holds     []Hold      `json:"holds"`
	Findings  []Finding   `json:"open_findings" doc:"What audit found and nothing has closed, newest first, at most 20"`
	Version   uint64      `json:"version" doc:"Rises with each commit that touches the account"`
	AsOf      time.Time   `json:"as_of" doc:"When this was read; ages are counted to it"`
}

// Block is one interlock that forbids a trip now.
type Block struct {
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// Episode is one crossing from enough to not enough and back.
type Episode struct {
	Number      uint32    `json:"number"`
	Warning     uint64    `json:"warning,omitempty" doc:"Number of the warning notice"`
	Reminder    uint64    `json:"reminder,omitempty" doc:"Number of the reminder notice"`
	Deadline    time.Time `json:"deadline,omitzero" doc:"Told in the reminder; before it nothing is cut"`
	DeliveredAt time.Time `json:"delivered_at,omitzero" doc:"First receipt of the reminder"`
}

// Balance is the available balance 可用余额 and what it is made of:
// available = advances + credit - receivables - estimate. Held money has left the advances.
type Balance struct {
	Advances    string `json:"advances"`
	Credit      string `json:"credit"`
	Receivables string `json:"receivables"`
	Estimate    string `json:"estimate" doc:"Fee of the open period so far (测算); not a bill"`
	Available   string `json:"available"`
	Held        string `json:"held"`
	Paid        string `json:"paid" doc:"All money ever received"`
	Billed      string `json:"billed" doc:"All fees ever issued"`
}

// Period is the open period.
type Period struct {
	Number      uint32    `json:"number"`
	From        time.Time `json:"from,omitzero"`
	Energy      string    `json:"energy" doc:"kWh of all points in the open period"`
	Tier        uint8     `json:"tier,omitempty" doc:"Tier of the last kWh, from 1; absent for a flat price"`
	CycleStart  time.Time `json:"cycle_start,omitzero"`
	CycleBefore string    `json:"cycle_before" doc:"kWh of the tier cycle before the open period"`
}

// Meter says where a meter is.
type Meter struct {
	Line    string `json:"line"`
	Address string `json:"address"`
	Channel uint8  `json:"channel,omitempty"`
}

// Point is a metering point 计量点 with its meter and switch.
type Point struct {
	ID         string   `json:"id"`
	Agent      string   `json:"agent"`
	Meter      Meter    `json:"meter"`
	Model      string   `json:"model,omitempty"`
	Multiplier int64    `json:"multiplier"`
	Reading    *Reading `json:"reading,omitempty" doc:"Newest accepted register"`
	Latest     *Reading `json:"latest,omitempty" doc:"Newest register read, when audit holds it"`
	Held       string   `json:"held,omitempty" doc:"Audit code that holds the newest reading" example:"A01"`
	HeldText   string   `json:"held_text,omitempty"`
	DriftMS    int64    `json:"drift_ms" doc:"Meter clock minus agent clock"`
	Relay      Relay    `json:"relay"`
	Switch     Switch   `json:"switch"`
	Order      uint64   `json:"order,omitempty" doc:"Number of the order under way"`
	TripsAt    []Moment `json:"trips_at,omitempty" doc:"The last trip orders; two in 24 hours is the limit"`
}

// Moment is a time in a list.
type Moment = time.Time

// Reading is a register at a time.
type Reading struct {
	At   time.Time `json:"at"`
	KWh  string    `json:"kwh" doc:"The register, before the multiplier"`
	AgeS int64     `json:"age_s" doc:"Seconds since it was read"`
}

// Relay is the switch as last read: the contact's state apart from its mode.
type Relay struct {
	State     string    `json:"state" enum:"open,closed,unknown"`
	StateText string    `json:"state_text"`
	Mode      string    `json:"mode" enum:"own,forced_open,forced_closed,unknown" doc:"forced_closed is the power hold in the meter; forced_open a standing open command"`
	ModeText  string    `json:"mode_text"`
	Ours      bool      `json:"ours" doc:"Open because an order of this gateway opened it; any other open relay is never closed by itself"`
	At        time.Time `json:"at,omitzero"`
	AgeS      int64     `json:"age_s,omitempty"`
}

// Switch says what can cut and restore the supply.
type Switch struct {
	Kind     string `json:"kind" enum:"none,meter"`
	Trip     bool   `json:"trip"`
	Permit   bool   `json:"permit" doc:"Closes by the customer's hand after a permit"`
	Close    bool   `json:"close" doc:"Closes by itself on command"`
	Feedback bool   `json:"feedback"`
}

// Protection says who protects the supply and why.
type Protection struct {
	By   string `json:"by"`
	Note string `json:"note"`
}

// Tag forbids one kind of switching until it is lifted.
type Tag struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind" enum:"no_trip,no_close"`
	KindText string    `json:"kind_text"`
	Holder   string    `json:"holder"`
	Work     string    `json:"work"`
	At       time.Time `json:"at"`
}

// Hold stops trips while something is open.
type Hold struct {
	ID     string    `json:"id"`
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

// Finding is what audit found.
type Finding struct {
	Point    string    `json:"point"`
	Code     string    `json:"code" example:"A01"`
	Text     string    `json:"text"`
	Hold     bool      `json:"hold" doc:"The reading is stored but not billed, and no ground for a trip"`
	At       time.Time `json:"at" doc:"Of the reading"`
	Found    time.Time `json:"found"`
	Detail   string    `json:"detail"`
	KWh      string    `json:"kwh,omitempty"`
	Closed   time.Time `json:"closed,omitzero"`
	ClosedBy string    `json:"closed_by,omitempty"`
}
