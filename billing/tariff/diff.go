package tariff

import "fmt"

// Change is one difference between two documents of a tariff, for people.
type Change struct {
	Version int    `json:"version"`       // in the second document; of the first when the version is gone
	Against int    `json:"against"`       // the version of the first document that it is compared with; 0: none
	Key     string `json:"key"`           // of the row, see Row; "version" for a whole version
	What    string `json:"what"`          // the row's label
	Old     string `json:"old,omitempty"` // empty: it is new
	New     string `json:"new,omitempty"` // empty: it is gone
}

// Diff tells what b says that a does not, and the other way round, in lang. Versions are compared by their number; a number that only b
// has is compared with the version of a that was valid just before it, which is what a month's new table changes.
func Diff(a, b []Version, lang string) (changes []Change) {
	w := &sheetWriter{lang: lang}
	if len(a) > 0 && len(b) > 0 {
		for _, head := range []struct{ key, what, old, new string }{
			{"tariff", w.say("电价标识", "tariff"), a[0].ID, b[0].ID},
			{"name", w.say("名称", "name"), a[0].Name.In(lang), b[0].Name.In(lang)},
			{"currency", w.say("币种", "currency"), a[0].Currency, b[0].Currency},
			{"utc_offset", w.say("时区", "offset from UTC"), a[0].ValidFrom.Format("-07:00"), b[0].ValidFrom.Format("-07:00")},
		} {
			if head.old != head.new {
				changes = append(changes, Change{Key: head.key, What: head.what, Old: head.old, New: head.new})
			}
		}
	}
	for i := range b {
		was := numbered(a, b[i].Number)
		if was == nil {
			was = before(a, &b[i])
			changes = append(changes, Change{Version: b[i].Number, Against: numberOf(was), Key: "version", What: w.say("新版本", "new version"), New: w.since(&b[i])})
		}
		if was == nil {
			continue
		}
		changes = append(changes, rows(was, &b[i], lang)...)
	}
	for i := range a {
		if numbered(b, a[i].Number) == nil && before(b, &a[i]) == nil {
			changes = append(changes, Change{Version: a[i].Number, Key: "version", What: w.say("版本不再有", "version is gone"), Old: w.since(&a[i])})
		}
	}
	return changes
}

func (w *sheetWriter) since(v *Version) string {
	return fmt.Sprintf(w.say("自 %s 起，%s", "from %s, %s"), day(v.ValidFrom), v.Document)
}

func numbered(versions []Version, number int) *Version {
	for i := range versions {
		if versions[i].Number == number {
			return &versions[i]
		}
	}
	return nil
}

// before is the version valid when v begins, or the last one that began earlier.
func before(versions []Version, v *Version) (found *Version) {
	for i := range versions {
		if w := &versions[i]; !w.ValidFrom.After(v.ValidFrom) && (found == nil || !w.ValidFrom.Before(found.ValidFrom)) {
			found = w
		}
	}
	return found
}

func numberOf(v *Version) int {
	if v == nil {
		return 0
	}
	return v.Number
}

// rows compares two versions row by row; the rows of the old one that are gone come last.
func rows(a, b *Version, lang string) (changes []Change) {
	old, now := a.compared(lang), b.compared(lang)
	was := make(map[string]string, len(old))
	for _, r := range old {
		was[r.Key] = r.Value
	}
	seen := make(map[string]bool, len(now))
	for _, r := range now {
		seen[r.Key] = true
		if value, there := was[r.Key]; !there || value != r.Value {
			changes = append(changes, Change{Version: b.Number, Against: a.Number, Key: r.Key, What: r.Label, Old: value, New: r.Value})
		}
	}
	for _, r := range old {
		if !seen[r.Key] {
			changes = append(changes, Change{Version: b.Number, Against: a.Number, Key: r.Key, What: r.Label, Old: r.Value})
		}
	}
	return changes
}

// compared is the rows of a version with its head, its kind and its hours.
func (v *Version) compared(lang string) []Row {
	s := v.Sheet(lang)
	w := &sheetWriter{v: v, lang: lang}
	w.row("kind", w.say("类型", "kind"), [...]string{"", "flat", "tiered", "composed"}[v.Kind])
	w.row("valid_from", w.say("生效", "valid from"), s.ValidFrom)
	if s.ValidTo != "" {
		w.row("valid_to", w.say("失效", "valid to"), s.ValidTo)
	}
	w.row("document", w.say("文号", "document"), s.Document)
	w.rows = append(w.rows, s.Rows...)
	for i := range s.Days {
		d := &s.Days[i]
		for _, h := range d.Hours {
			text := ""
			for k, at := range h.At {
				if k > 0 {
					text += " "
				}
				text += at
			}
			w.row("hours."+d.Label+"."+h.Band, d.Label+w.say("，", ", ")+w.band(v.band(h.Band)), text)
		}
	}
	return w.rows
}
