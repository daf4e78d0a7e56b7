package story

import (
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"time"

	"feikong/firmware-sim/control"
	"feikong/protocol"
)

// Watts drawn before the meter's multiplier (25 on l1/101-107). At 1.00 a kWh, steady spends about 0.4 a second, so that many
// readings fall between the warning and zero; fast about 1.5 a second.
const (
	steady = 57_600
	fast   = 216_000
)

// chapterMax is how long one wait inside a chapter may take: a round at 2400 baud, a notice, a deadline of six seconds, an order, on a
// machine that is busy with other things. The story's own limit ends it earlier.
const chapterMax = 2 * time.Minute

// tripAndRestore: warned once, reminded with a deadline, tripped with evidence, restored by a payment that posts once.
func (p *play) tripAndRestore(id string) error {
	const meter = "l1/000000000101"
	if err := p.load(meter, steady); err != nil {
		return err
	}
	a, err := p.untilStage(id, chapterMax, "warned")
	if err != nil {
		return err
	}
	p.tell.Tell(id, "预警：可用余额 %s，低于 10.00", "warned: the available balance is %s, below 10.00", a.Balance.Available)
	if a, err = p.untilStage(id, chapterMax, "reminded"); err != nil {
		return err
	}
	p.tell.Tell(id, "催费：可用余额 %s，低于 0；通知带截止时间", "reminded: the available balance is %s, below zero; the notice carries a deadline", a.Balance.Available)
	warnings := p.term[id].Of(protocol.NoticeWarning)
	p.tell.Claim(warnings == 1, id, "读数很多，预警只有一次", "many readings, one warning", fmt.Sprintf("%d", warnings))
	if _, err = p.untilStage(id, chapterMax, "tripped"); err != nil {
		return err
	}
	trip, _ := p.newest(id, "trip")
	p.tell.Tell(id, "跳闸：%s", "tripped: %s", trip.Reason)
	p.evidence(id, trip)
	green := len(trip.Case) > 0
	for _, c := range trip.Case {
		green = green && c.OK
	}
	p.tell.Claim(green, id, "命令带着全部闭锁为绿的安全依据", "the order carries its safety case, every interlock green", fmt.Sprintf("%d checks", len(trip.Case)))
	before, control, after := frames(trip)
	p.tell.Claim(before > 0 && control == 1 && after > 0, id,
		"先读表，再发一帧跳闸，再读回继电器", "it read before the trip, sent one trip frame, read the relay back", fmt.Sprintf("%d + %d + %d", before, control, after))
	if err := p.standsStill(id, meter); err != nil {
		return err
	}
	p.tell.Claim(p.hook.Got() > 0, id, "通知也送达了 webhook", "the notices reached the webhook too", fmt.Sprintf("%d", p.hook.Got()))
	return p.payOnce(id, meter)
}

// frames counts what the agent sent: reads before the relay command, relay commands, reads after it.
func frames(o Order) (before, control, after int) {
	if o.Outcome == nil {
		return 0, 0, 0
	}
	for _, f := range o.Outcome.Frames {
		switch {
		case !f.Sent:
		case relayFrame(unhex(f.Hex)):
			control++
		case control == 0:
			before++
		default:
			after++
		}
	}
	return before, control, after
}

// standsStill: the simulated meter itself shows an open relay and a register that does not move.
func (p *play) standsStill(id, meter string) error {
	before, err := p.meter(meter)
	if err != nil {
		return err
	}
	since := time.Now()
	if err := p.await(5*time.Second, "two seconds to pass on the meter", func() (bool, error) { return time.Since(since) > 2*time.Second, nil }); err != nil {
		return err
	}
	after, err := p.meter(meter)
	if err != nil {
		return err
	}
	p.tell.Claim(after.RelayOpen && before.KWh == after.KWh, id, "表计继电器断开，示数不再走", "the meter's relay is open and its register stands still", after.KWh+" kWh")
	p.tell.Claim(after.TripFrames == 1, id, "线路上只有一帧跳闸", "exactly one trip frame was on the line", fmt.Sprintf("%d", after.TripFrames))
	return nil
}

// payOnce: the same key twice posts once, another amount under it is refused, and power returns.
func (p *play) payOnce(id, meter string) error {
	if err := p.load(meter, 2400); err != nil {
		return err
	}
	before, err := p.rig.Gateway.Account(p.ctx, id)
	if err != nil {
		return err
	}
	if _, err := p.pay(id, "50.00", "demo-1001-topup"); err != nil {
		return err
	}
	if _, err := p.pay(id, "50.00", "demo-1001-topup"); err != nil {
		return err
	}
	_, err = p.pay(id, "60.00", "demo-1001-topup")
	var refusal *Refusal
	p.tell.Claim(errors.As(err, &refusal) && refusal.Status == http.StatusConflict, id, "同一缴费号、另一金额：拒绝", "the same key with another amount is refused", fmt.Sprint(err))
	after, err := p.rig.Gateway.Account(p.ctx, id)
	if err != nil {
		return err
	}
	paid := new(big.Rat).Sub(rat(after.Balance.Paid), rat(before.Balance.Paid))
	p.tell.Claim(paid.Cmp(big.NewRat(50, 1)) == 0, id, "同一缴费号两次，只入账一次", "the same key twice posts once", paid.FloatString(2))
	if after, err = p.untilStage(id, chapterMax, "normal", "warned"); err != nil {
		return err
	}
	m, err := p.meter(meter)
	if err != nil {
		return err
	}
	closing, _ := p.newest(id, "close")
	p.tell.Claim(!m.RelayOpen && closing.State == "done", id, "复电：继电器读回为合", "restored: the relay is read back closed", "order "+closing.State)
	return nil
}

// permitAndButton: a meter that may not close by itself.
func (p *play) permitAndButton(id string) error {
	const meter = "l1/000000000102"
	if err := p.load(meter, fast); err != nil {
		return err
	}
	if _, err := p.untilStage(id, chapterMax, "tripped"); err != nil {
		return err
	}
	p.tell.Tell(id, "已停电；缴费 100.00", "tripped; 100.00 is paid")
	if err := p.load(meter, 2400); err != nil {
		return err
	}
	if _, err := p.pay(id, "100.00", "demo-1002"); err != nil {
		return err
	}
	if _, err := p.untilStage(id, chapterMax, "permitted"); err != nil {
		return err
	}
	m, err := p.meter(meter)
	if err != nil {
		return err
	}
	p.tell.Claim(m.RelayOpen && m.Permitted, id, "合闸允许：仍断开，等用户按钮", "permitted: still open, waiting for a hand on the button", "")
	line, address := split(meter)
	if _, err := p.rig.Street.Meter(p.ctx, line, address, "press", control.Order{}); err != nil {
		return err
	}
	if _, err = p.untilStage(id, chapterMax, "normal", "warned"); err != nil {
		return err
	}
	m, err = p.meter(meter)
	p.tell.Claim(err == nil && !m.RelayOpen, id, "按下按钮后读到合闸，事件结束", "the button was pressed, the relay is read closed, the episode ends", "")
	return err
}

// noSwitch: nothing to command, so a person is sent.
func (p *play) noSwitch(id string) error {
	if err := p.load("l2/3", fast); err != nil {
		return err
	}
	a, err := p.untilStage(id, chapterMax, "field_task")
	if err != nil {
		return err
	}
	p.tell.Claim(a.Task == "cut-by-hand", id, "表内无开关：转现场工单", "the meter has no switch: the episode ends in a field task", a.Task)
	return nil
}

// protected: below zero and never tripped; the page says why.
func (p *play) protected(id string) error {
	if err := p.load("l1/000000000103", fast); err != nil {
		return err
	}
	a, err := p.untilStage(id, chapterMax, "trip_pending")
	if err != nil {
		return err
	}
	err = p.await(chapterMax, "the reason on the account", func() (bool, error) {
		a, err = p.rig.Gateway.Account(p.ctx, id)
		return err == nil && blocked(a, "not-protected"), nil
	})
	if err != nil {
		return err
	}
	<-p.settled
	m, err := p.meter("l1/000000000103")
	if err != nil {
		return err
	}
	why := ""
	for _, b := range a.Blocks {
		if b.Code == "not-protected" {
			why = b.Reason
		}
	}
	p.tell.Claim(m.TripFrames == 0 && !m.RelayOpen && why != "", id, "保电：欠费也不停电，账户上写明原因", "protected (保电): below zero, and no trip frame ever left; the account says why", a.Balance.Available+"; "+why)
	return nil
}

func blocked(a Account, code string) bool {
	for _, b := range a.Blocks {
		if b.Code == code {
			return true
		}
	}
	return false
}

// noCloseTag: the money posts, power waits for the tag.
func (p *play) noCloseTag(id string) error {
	const meter = "l1/000000000104"
	select {
	case <-p.revived:
	case <-p.ctx.Done():
		return fmt.Errorf("wait for the agent: %w", p.ctx.Err())
	}
	if err := p.load(meter, 2*fast); err != nil {
		return err
	}
	if _, err := p.untilStage(id, chapterMax, "tripped"); err != nil {
		return err
	}
	if err := p.load(meter, 2000); err != nil {
		return err
	}
	if _, err := p.pay(id, "200.00", "demo-1005"); err != nil {
		return err
	}
	a, err := p.untilStage(id, chapterMax, "paid_waiting")
	if err != nil {
		return err
	}
	m, err := p.meter(meter)
	if err != nil {
		return err
	}
	p.tell.Claim(m.RelayOpen && rat(a.Balance.Available).Sign() > 0, id, "“禁止合闸”牌：钱已入账，电等摘牌", "a \"do not close\" tag: the money is posted, power waits for the tag", a.Balance.Available)
	if err := p.await(chapterMax, "the tag to be lifted", func() (bool, error) {
		_, err := p.rig.Gateway.Decide(p.ctx, http.MethodPost, id, "/tags/T-17/lift", map[string]string{"note": "work done"})
		return err == nil, nil
	}); err != nil {
		return err
	}
	_, err = p.untilStage(id, chapterMax, "normal", "warned")
	if err != nil {
		return err
	}
	m, err = p.meter(meter)
	p.tell.Claim(err == nil && !m.RelayOpen, id, "摘牌后复电", "the tag is lifted, power returns", "")
	return err
}

// modbusRelay: the same order, another wire.
func (p *play) modbusRelay(id string) error {
	const meter = "l2/1"
	if err := p.load(meter, fast); err != nil {
		return err
	}
	if _, err := p.untilStage(id, chapterMax, "tripped"); err != nil {
		return err
	}
	m, err := p.meter(meter)
	if err != nil {
		return err
	}
	p.tell.Claim(m.RelayOpen && m.TripFrames == 1, id, "Modbus 表：一帧跳闸，读回断开", "Modbus meter: one trip frame, read back open", "")
	if err := p.load(meter, 2000); err != nil {
		return err
	}
	if _, err := p.pay(id, "100.00", "demo-1009"); err != nil {
		return err
	}
	if _, err := p.untilStage(id, chapterMax, "normal", "warned"); err != nil {
		return err
	}
	m, err = p.meter(meter)
	p.tell.Claim(err == nil && !m.RelayOpen, id, "缴费后合闸，读回为合", "paid: closed again, read back", "")
	return err
}
