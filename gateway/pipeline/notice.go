package pipeline

import (
	"fmt"
	"time"

	"feikong/gateway/account"
	"feikong/protocol"
)

// notify puts a notice into the commit and gives its number. It leaves after the commit, as often as it takes to be delivered.
func (r *run) notify(w *work, kind protocol.NoticeKind, deadline int64) uint64 {
	number := w.state.NextNotice
	w.state.NextNotice++
	w.touched = true
	n := protocol.Notice{
		ID: fmt.Sprintf("%s-n%d", w.profile.ID, number), Account: w.profile.ID, Kind: kind, At: clock(w.now).In(r.zone).Format(time.RFC3339),
		Available: w.available.String(), Currency: w.profile.Currency,
	}
	until := ""
	if deadline != 0 {
		n.Deadline = clock(deadline).In(r.zone).Format(time.RFC3339)
		until = clock(deadline).In(r.zone).Format("2006-01-02 15:04:05")
	}
	n.TextZH, n.TextEN = words(kind, w.profile.ID, n.Available, n.Currency, until)
	r.out.Notices = append(r.out.Notices, account.NoticeRecord{No: w.no, Number: number, Episode: w.state.Episode.No, Notice: n, State: account.NoticeQueued, Created: w.now})
	return number
}

func words(kind protocol.NoticeKind, id, available, currency, until string) (zh, en string) {
	switch kind {
	case protocol.NoticeWarning:
		return fmt.Sprintf("户号 %s：可用余额 %s %s，请及时交费。", id, available, currency),
			fmt.Sprintf("Account %s: the available balance is %s %s. Please top up soon.", id, available, currency)
	case protocol.NoticeReminder:
		return fmt.Sprintf("户号 %s：可用余额 %s %s，已欠费。请在 %s 前交费，逾期将停电。", id, available, currency, until),
			fmt.Sprintf("Account %s: the available balance is %s %s. Please pay before %s, or the supply will be cut.", id, available, currency, until)
	case protocol.NoticeTrip:
		return fmt.Sprintf("户号 %s：因欠费已停电，可用余额 %s %s。交费后将复电。", id, available, currency),
			fmt.Sprintf("Account %s: the supply has been cut; the available balance is %s %s. It is restored after payment.", id, available, currency)
	}
	return fmt.Sprintf("户号 %s：已复电，可用余额 %s %s。", id, available, currency),
		fmt.Sprintf("Account %s: the supply is restored; the available balance is %s %s.", id, available, currency)
}
