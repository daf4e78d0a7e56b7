package tools

import (
	"errors"
	"fmt"
	"time"

	"feikong/agent/field"
)

// silentDraft is how old a draft may be to be taken up without a question: last registers of another day are not those of
// this swap.
const silentDraft = 12 * time.Hour

// exchangeDraft is an exchange that is not finished. Its ID is that of the record, so that an exchange stored twice is one.
type exchangeDraft struct {
	ID        string           `json:"id"`
	Begun     int64            `json:"begun"` // unix ms
	Person    string           `json:"person,omitempty"`
	Reason    string           `json:"reason,omitempty"`
	OldSerial *string          `json:"old_serial,omitempty"` // nil: not asked yet
	Old       []field.Register `json:"old,omitempty"`
	OldWhy    string           `json:"old_why,omitempty"`
	Photo     *field.Photo     `json:"photo,omitempty"`
	NoPhoto   string           `json:"no_photo,omitempty"`
	Address   string           `json:"address,omitempty"` // of the new meter
	Serial    string           `json:"serial,omitempty"`
	New       []field.Register `json:"new,omitempty"`
	NewWhy    string           `json:"new_why,omitempty"`
	Ratio     *field.Ratio     `json:"ratio,omitempty"`
	RelayBy   string           `json:"relay_by,omitempty"`
	RelayWhy  string           `json:"relay_why,omitempty"`
}

// resume takes up a draft, if the person wants it.
func (f *exchange) resume() error {
	found, err := field.LoadDraft(f.cfg.Data, field.KindExchange, f.ref(), &f.d)
	if f.restart && (found || errors.Is(err, field.ErrDraft)) {
		f.d, found, err = exchangeDraft{}, false, field.DropDraft(f.cfg.Data, field.KindExchange, f.ref())
	}
	if err != nil {
		return err
	}
	if age := time.Since(time.UnixMilli(f.d.Begun)); found && f.ask.silent && age > silentDraft {
		return fmt.Errorf(say("电表 %s 有一份 %s 开始、未完成的换表草稿（%s）：不带 --yes 运行可继续，--restart 重新开始", "an exchange of meter %s, begun %s by %[3]s, is not finished: run without --yes to go on with it, or begin anew with --restart"),
			f.name(), f.time(f.d.Begun), f.d.Person)
	}
	if found && f.ask.silent {
		if err := f.tell(fmt.Sprintf(say("接着 %s 开始的草稿（%s）", "going on with the draft of %s (%s)"), f.time(f.d.Begun), f.d.Person)); err != nil {
			return err
		}
	}
	if found {
		goOn, err := f.ask.yes(fmt.Sprintf("电表 %s 的换表（%s，%s）尚未完成，继续", f.name(), f.d.Person, f.time(f.d.Begun)),
			fmt.Sprintf("an exchange of meter %s (%s, %s) is not finished; go on with it", f.name(), f.d.Person, f.time(f.d.Begun)), true, f.yes)
		if err != nil {
			return err
		}
		if !goOn {
			f.d = exchangeDraft{}
		}
	}
	if f.d.ID == "" {
		f.d.ID, f.d.Begun = field.NewID(), time.Now().UnixMilli()
	}
	return nil
}

func (f *exchange) time(ms int64) string {
	return time.UnixMilli(ms).In(f.cfg.Zone).Format("2006-01-02 15:04")
}

func (f *exchange) save() error {
	return f.disk(field.SaveDraft(f.cfg.Data, field.KindExchange, f.ref(), f.d))
}

// answer asks what the draft does not have yet, or what a flag says anew, and saves the draft.
func (f *exchange) answer(into *string, q question, given string) (err error) {
	if *into != "" && given == "" {
		return nil
	}
	if *into, err = f.ask.text(q, given); err != nil {
		return err
	}
	return f.save()
}
