package console

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"time"

	"feikong/gateway/api"
	"feikong/gateway/identity"
)

// page is what every page knows; Data is the page's own.
type page struct {
	Lang    string
	Title   string
	Who     identity.Person
	Zone    *time.Location
	Problem *api.Problem      // refused: told at the top
	Done    string            // word of what was done
	Form    map[string]string // what was typed before a refusal
	Live    string            // account whose commits refresh the page; "*" all; empty none
	Data    any
}

func (c *Console) page(ctx context.Context, who identity.Person, title string) *page {
	p := &page{Lang: lang(ctx), Who: who, Zone: time.UTC, Form: map[string]string{}}
	p.Title = p.T(title)
	return p
}

// T is a word of the dictionary in the page's language.
func (p *page) T(key string, args ...any) string {
	text, ok := dictionaries[p.Lang][key]
	if !ok {
		return key
	}
	if len(args) > 0 {
		return fmt.Sprintf(text, args...)
	}
	return text
}

// Other is the other language, and OtherName its name.
func (p *page) Other() string {
	if p.Lang == "zh" {
		return "en"
	}
	return "zh"
}

// OtherName is the name of the other language, in that language.
func (p *page) OtherName() string {
	if p.Lang == "zh" {
		return "English"
	}
	return "中文"
}

// When is a time on the gateway's wall clock; a dash when there is none.
func (p *page) When(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.In(p.Zone).Format("2006-01-02 15:04:05")
}

// ISO is the machine form of a time.
func (p *page) ISO(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Age is how long ago, in one unit people think in.
func (p *page) Age(seconds int64) string {
	switch {
	case seconds < 120:
		return p.T("age.seconds", seconds)
	case seconds < 2*3600:
		return p.T("age.minutes", seconds/60)
	case seconds < 2*86400:
		return p.T("age.hours", seconds/3600)
	}
	return p.T("age.days", seconds/86400)
}

// Stale says that a reading is so old that people should look.
func (p *page) Stale(seconds int64) bool { return seconds > 3600 }

// Negative says that a decimal text is below zero.
func (p *page) Negative(amount string) bool { return strings.HasPrefix(amount, "-") }

// By is who did something: policy, a token, an agent or a person by name.
func (p *page) By(actor string) string {
	kind, name, _ := strings.Cut(actor, " ")
	switch {
	case actor == "policy":
		return p.T("by.policy")
	case actor == "token command line":
		return p.T("by.commandline")
	case kind == "token" && name != "":
		return p.T("by.token", name)
	case kind == "agent" && name != "":
		return p.T("by.agent", name)
	}
	return actor
}

// Holds says whether the person of the page hung the tag.
func (p *page) Holds(holder string) bool { return p.Who.Actor() == holder }

// Receipt is the evidence of a delivery, "channel: detail": the channel in words, a time on the gateway's wall clock.
func (p *page) Receipt(text string) string {
	channel, detail, _ := strings.Cut(text, ": ")
	if t, err := time.Parse(time.RFC3339Nano, detail); err == nil {
		detail = p.When(t)
	}
	switch channel {
	case "terminal", "webhook":
		channel = p.T("channel." + channel)
	}
	return channel + " " + detail
}

// Relay is how an agent treats orders, in words.
func (p *page) Relay(mode string) string {
	if mode == "bench" || mode == "off" {
		return p.T("plant.relay." + mode)
	}
	return mode
}

// Lane is the name of a lane, in words.
func (p *page) Lane(lane string) string {
	if lane == "readings" || lane == "evidence" {
		return p.T("plant.lane." + lane)
	}
	return lane
}

// Bytes is a size in the unit people think in.
func (p *page) Bytes(n int64) string {
	const k = 1024
	switch {
	case n < k:
		return fmt.Sprintf("%d B", n)
	case n < k*k:
		return fmt.Sprintf("%.0f KiB", float64(n)/k)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(k*k))
}

// Drift is a meter's clock error in words.
func (p *page) Drift(ms int64) string {
	return (time.Duration(ms) * time.Millisecond).Round(100 * time.Millisecond).String()
}

// Key is a new idempotency key for a form: sent twice, it acts once.
func (p *page) Key() string { return "console-" + strings.ToLower(rand.Text()) }

// Tone is how serious a stage is: the colour; the words are always beside it.
func (p *page) Tone(stage string) string {
	switch stage {
	case "normal":
		return "good"
	case "warned", "reminded":
		return "warn"
	case "trip_pending", "tripping", "tripped", "field_task":
		return "bad"
	}
	return "work"
}

// OrderTone is how an order stands.
func (p *page) OrderTone(state string) string {
	switch state {
	case "done":
		return "good"
	case "queued", "permitted":
		return "work"
	case "superseded", "expired":
		return "quiet"
	}
	return "bad"
}

// render writes a page whole or answers an error: a template that fails half way must not leave half a page.
func (c *Console) render(w http.ResponseWriter, r *http.Request, status int, name string, p *page) {
	var out bytes.Buffer
	if err := c.pages.ExecuteTemplate(&out, name, p); err != nil {
		c.log.Error("page failed", "path", r.URL.Path, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", p.Lang)
	w.WriteHeader(status)
	_, _ = out.WriteTo(w) // the browser went away: nobody is left to tell
}
