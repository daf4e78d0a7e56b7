package story

import (
	"fmt"
	"sync"
	"time"

	"feikong/protocol"
)

// agentDies: the agent kills itself (kill -9) right behind the first trip frame it ever sends. Started again it must not send a
// second one: it reads the relay and reports.
func (p *play) agentDies(who string) error {
	revived := sync.OnceFunc(func() { close(p.revived) })
	defer revived() // also when it fails: somebody waits for it
	agent := p.rig.Agent
	select {
	case <-agent.Done():
	case <-p.ctx.Done():
		return fmt.Errorf("wait for the first trip frame: %w", p.ctx.Err())
	}
	p.tell.Tell(who, "kill -9：按台架设置，采集终端在发出第一帧跳闸后立即杀死自己", "kill -9: set so for the bench, the agent kills itself right behind its first trip frame")
	if err := p.rig.StartAgent(); err != nil {
		return err
	}
	revived()
	var found Order
	var account string
	if err := p.await(chapterMax, "the recovered outcome", func() (bool, error) {
		for _, id := range []string{"1001", "1002", "1005", "1009"} {
			if o, ok := p.newest(id, "trip"); ok && o.Outcome != nil && o.Outcome.Recovered {
				found, account = o, id
				return true, nil
			}
		}
		return false, nil
	}); err != nil {
		return err
	}
	a, err := p.rig.Gateway.Account(p.ctx, account)
	if err != nil {
		return err
	}
	m, err := p.meter(a.Points[0].Meter.Line + "/" + a.Points[0].Meter.Address)
	if err != nil {
		return err
	}
	p.tell.Claim(found.Outcome.State == "done" && m.TripFrames == 1, who, "重启后不再发跳闸帧，只读继电器并上报", "started again it sent no second trip frame: it read the relay and reported",
		fmt.Sprintf("%s #%d, %d trip frame", account, found.Number, m.TripFrames))
	return nil
}

// killGateway: kill -9 in the middle, with its broker; nothing lost, nothing twice.
func (p *play) killGateway(who string) error {
	defer close(p.settled) // also when it fails: somebody waits for it
	if _, err := p.untilStage("1001", chapterMax, "warned"); err != nil {
		return err
	}
	// Somewhere in the middle: readings on the way, a warning out, orders of other accounts under way.
	since := time.Now()
	if err := p.await(10*time.Second, "the middle", func() (bool, error) { return time.Since(since) > 4*time.Second, nil }); err != nil {
		return err
	}
	before, err := p.rig.Gateway.Account(p.ctx, "1010")
	if err != nil {
		return err
	}
	p.rig.Hub.Kill()
	p.tell.Tell(who, "kill -9：网关和内嵌 broker 一起死了；采集终端继续抄表，存在本地", "kill -9: the gateway and its broker are gone; the agent goes on reading and keeps it")
	if err := p.rig.StartGateway(p.ctx); err != nil {
		return err
	}
	after, err := p.rig.Gateway.Account(p.ctx, "1010")
	if err != nil {
		return err
	}
	p.tell.Claim(after.Balance.Paid == before.Balance.Paid && rat(after.Period.Energy).Cmp(rat(before.Period.Energy)) >= 0, who,
		"重启后：已确认的一分不少", "started again: nothing that was acknowledged is missing", after.Balance.Paid)
	if _, err := p.untilStage("1001", chapterMax, "tripped", "restoring", "normal"); err != nil {
		return err
	}
	warnings, reminders := p.term["1001"].Of(protocol.NoticeWarning), p.term["1001"].Of(protocol.NoticeReminder)
	p.tell.Claim(warnings == 1 && reminders == 1, who, "重启没有把预警和催费再发一遍", "the restart repeated neither warning nor reminder", fmt.Sprintf("%d, %d", warnings, reminders))
	return nil
}
