package control

import (
	"net/http"
	"strconv"
	"time"

	"feikong/firmware-sim/scenario"
	"feikong/protocol/dlt645"
)

// freezesMax is what a meter keeps of daily freezes.
const freezesMax = 62

// freezes asks the meter as a master would, without the line in between.
func (h handler) freezes(q *http.Request) (any, error) {
	_, m, err := h.the(q)
	if err != nil {
		return nil, err
	}
	n := freezesMax
	if s := q.FormValue("n"); s != "" {
		if n, err = strconv.Atoi(s); err != nil || n < 1 || n > freezesMax {
			return nil, faultf(http.StatusBadRequest, "n %q: want 1 to %d", s, freezesMax)
		}
	}
	a, err := dlt645.ParseAddress(m.Address())
	if err != nil || m.Unit() != 0 {
		return nil, faultf(http.StatusConflict, "freezes: meter %s does not speak DL/T 645", m.Address())
	}
	now := time.Now()
	ask := func(d dlt645.DI) ([]byte, bool) {
		f, answered := m.AnswerDLT645(dlt645.ReadRequest(a, d), now)
		if !answered || f.IsError() {
			return nil, false
		}
		data, err := dlt645.ParseReadReply(f, a, d)
		return data, err == nil
	}
	out := []Freeze{}
	for nth := 1; nth <= n; nth++ {
		stamp, ok := ask(0x05060000 | dlt645.DI(nth))
		energy, also := ask(0x05060100 | dlt645.DI(nth))
		if !ok || !also || len(energy) < 4 {
			break
		}
		at, err := dlt645.DateTime5(stamp, time.UTC)
		total, err2 := dlt645.BCD(energy[:4])
		if err != nil || err2 != nil {
			break
		}
		out = append(out, Freeze{nth, at.Format("2006-01-02 15:04"), scenario.FormatKWh(total * 10_000)})
	}
	return out, nil
}

// lockouts lists the levels that have seen a wrong password, or were given another one.
func (h handler) lockouts(q *http.Request) (any, error) {
	_, m, err := h.the(q)
	if err != nil {
		return nil, err
	}
	out := []Lockout{}
	for _, l := range m.State(time.Now()).Levels {
		row := Lockout{Level: l.Level, Wrong: l.Wrong}
		if l.Locked != 0 {
			row.Locked = time.Unix(0, l.Locked)
		}
		out = append(out, row)
	}
	return out, nil
}
