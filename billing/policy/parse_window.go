package policy

import "time"

// dayWords is what days may be called, in the order that a message lists.
var dayWords = [...]struct {
	word string
	days Days
}{
	{"mon", 1 << time.Monday}, {"tue", 1 << time.Tuesday}, {"wed", 1 << time.Wednesday}, {"thu", 1 << time.Thursday},
	{"fri", 1 << time.Friday}, {"sat", 1 << time.Saturday}, {"sun", 1 << time.Sunday}, {"daily", Daily},
}

func (p parser) windows(r *rawPolicy) ([]Window, error) {
	if len(r.Windows) > windowsMax {
		return nil, p.fault(int(r.Line), "%d windows, at most %d", len(r.Windows), windowsMax)
	}
	windows := make([]Window, 0, len(r.Windows))
	for i := range r.Windows {
		w, err := p.window(&r.Windows[i])
		if err != nil {
			return nil, err
		}
		windows = append(windows, w)
	}
	return windows, nil
}

func (p parser) window(r *rawWindow) (w Window, err error) {
	if len(r.Days) == 0 {
		return w, p.fault(int(r.Line), "days is missing; give a list of mon to sun, or [daily]")
	}
	for _, day := range r.Days {
		before := w.Days
		for _, d := range dayWords {
			if d.word == day.Value {
				w.Days |= d.days
			}
		}
		if w.Days == before {
			return w, p.fault(day.Line, "day %q is unknown or stands here twice; give mon, tue, wed, thu, fri, sat, sun or daily", day.Value)
		}
	}
	if w.From, err = ParseMinute(r.From.Value); err != nil {
		return w, p.fault(max(r.From.Line, int(r.Line)), "from: %v", err)
	}
	if w.To, err = ParseMinute(r.To.Value); err != nil {
		return w, p.fault(max(r.To.Line, int(r.Line)), "to: %v", err)
	}
	if w.To <= w.From {
		return w, p.fault(r.To.Line, "window ends at %s, not after %s; split one that runs past midnight in two", w.To, w.From)
	}
	return w, nil
}
