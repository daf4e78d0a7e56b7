package field

import (
	"feikong/internal/daemon"
	"feikong/protocol"
)

// OldMeter is the meter that was taken away, with its last registers 止码.
type OldMeter struct {
	Meter     Ref        `json:"meter"`
	Serial    string     `json:"serial,omitempty"` // asset number 资产号
	Registers []Register `json:"registers"`
	Why       string     `json:"why,omitempty"` // why an implausible register is right
}

// NewMeter is the meter that came, with its first registers 起码.
type NewMeter struct {
	Serial    string     `json:"serial"`
	Protocol  string     `json:"protocol,omitempty"`
	Model     string     `json:"model,omitempty"`
	Registers []Register `json:"registers"`
	Ratio     Ratio      `json:"ratio"`
	RelayBy   string     `json:"relay_by,omitempty"` // who tested its relay; empty: nobody, RelayWhy says why
	RelayWhy  string     `json:"relay_why,omitempty"`
	Why       string     `json:"why,omitempty"`
}

// Exchange is a meter replaced by another 换表. Head.Meter is the new one.
type Exchange struct {
	Head
	Reason string   `json:"reason"`
	Old    OldMeter `json:"old"`
	New    NewMeter `json:"new"`
}

// NewExchange makes a checked record.
func NewExchange(w Work, reason string, old OldMeter, meter Ref, now NewMeter) (*Exchange, error) {
	e := &Exchange{Head: w.head(KindExchange, daemon.Version, meter), Reason: reason, Old: old, New: now}
	return e, e.Check()
}

// Check wants both meters, their registers, ratio and side, and a word about the relay.
func (e *Exchange) Check() error {
	if err := e.check(KindExchange); err != nil {
		return err
	}
	if err := e.Old.Meter.check(); err != nil {
		return err
	}
	for _, t := range []struct {
		name, s string
		limit   int
	}{{"reason", e.Reason, textMax}, {"old serial", e.Old.Serial, personMax}, {"old why", e.Old.Why, textMax}, {"new serial", e.New.Serial, personMax}, {"protocol", e.New.Protocol, personMax},
		{"model", e.New.Model, personMax}, {"relay_by", e.New.RelayBy, personMax}, {"relay_why", e.New.RelayWhy, textMax}, {"new why", e.New.Why, textMax}} {
		if err := text(t.name, t.s, t.limit); err != nil {
			return err
		}
	}
	switch {
	case e.Reason == "":
		return tell(ErrRecord, "没有写明换表原因", "the reason of the exchange is missing")
	case e.New.Serial == "":
		return tell(ErrRecord, "没有写明新表资产号", "the serial of the new meter is missing")
	case e.New.Serial == e.Old.Serial:
		return tell(ErrRecord, "新旧表资产号相同：%s", "old and new meter have one serial, %s", e.New.Serial)
	case e.New.RelayBy == "" && e.New.RelayWhy == "":
		return tell(ErrRecord, "新表继电器未试验，也没有写明原因", "the relay of the new meter was not tested, and nobody says why")
	}
	if err := checkRegisters("old meter", e.Old.Registers); err != nil {
		return err
	}
	if err := checkRegisters("new meter", e.New.Registers); err != nil {
		return err
	}
	if e.New.Registers[0].At < e.Old.Registers[0].At {
		return tell(ErrRecord, "新表起码的时间早于旧表止码：核对本机时钟，用 --restart 重新开始", "the new meter was read before the old one: look at this machine's clock and begin anew with --restart")
	}
	return e.New.Ratio.check()
}

// Readings are the last registers of the old meter and the first of the new one. Where the new meter took over the old
// one's address, line and channel, the lane has both under one name, in the order of their times.
func (e *Exchange) Readings() []protocol.Reading {
	side := e.New.Ratio.Side // an exchange of the meter leaves the transformers
	return append(readings(e.Old.Meter, side, e.Old.Registers), readings(e.Meter, side, e.New.Registers)...)
}
