package console

import (
	"errors"
	"net/http"
	"time"

	"feikong/gateway/api"
	"feikong/gateway/api/wire"
	"feikong/gateway/identity"
)

// overviewMax is how many accounts one page shows; the rest follow page by page.
const overviewMax = 500

type overviewData struct {
	Accounts []wire.Account
	Stages   []stageCount
	Total    int
	Stage    string // shown only; empty all
	Next     string
}

type stageCount struct {
	Stage, Text string
	Count       int
}

// overview shows the street: every account in one line.
func (c *Console) overview(w http.ResponseWriter, r *http.Request, who identity.Person) {
	ctx, query := r.Context(), r.URL.Query()
	accounts, next, err := c.api.Accounts(ctx, query.Get("after"), overviewMax)
	if err != nil {
		c.fail(w, r, who, err)
		return
	}
	d := &overviewData{Total: len(accounts), Stage: query.Get("stage"), Next: next}
	index := map[string]int{}
	for _, a := range accounts {
		i, ok := index[a.Stage]
		if !ok {
			i = len(d.Stages)
			index[a.Stage], d.Stages = i, append(d.Stages, stageCount{Stage: a.Stage, Text: a.StageText})
		}
		d.Stages[i].Count++
		if d.Stage == "" || d.Stage == a.Stage {
			d.Accounts = append(d.Accounts, a)
		}
	}
	p := c.page(ctx, who, "overview.title")
	p.Zone, p.Live, p.Data = c.api.Zone(ctx), "*", d
	c.render(w, r, http.StatusOK, "overview", p)
}

// account shows exactly the facts a decision rests on 数据准备, the records, and what a person can do.
func (c *Console) account(w http.ResponseWriter, r *http.Request, who identity.Person) {
	c.showAccount(w, r, who, nil)
}

func (c *Console) showAccount(w http.ResponseWriter, r *http.Request, who identity.Person, refused *api.Problem) {
	d, err := c.api.Details(r.Context(), r.PathValue("account"))
	if err != nil {
		c.fail(w, r, who, err)
		return
	}
	p := c.page(r.Context(), who, "account.title")
	p.Title = p.T("account.title") + " " + d.Account.ID
	p.Zone, p.Live, p.Data = d.Zone, d.Account.ID, &d
	status := http.StatusOK
	if refused != nil {
		p.Problem, status = refused, refused.Status
		for _, name := range []string{"amount", "method", "note", "label", "kind", "form"} {
			p.Form[name] = r.PostFormValue(name)
		}
	} else if done := r.URL.Query().Get("done"); actions[done].done != "" {
		p.Done = p.T(actions[done].done)
	}
	c.render(w, r, status, "account", p)
}

// bill shows one bill with its calculation.
func (c *Console) bill(w http.ResponseWriter, r *http.Request, who identity.Person) {
	d, err := c.api.Details(r.Context(), r.PathValue("account"))
	if err != nil {
		c.fail(w, r, who, err)
		return
	}
	for i := range d.Bills {
		if d.Bills[i].ID == r.PathValue("bill") {
			p := c.page(r.Context(), who, "bill.title")
			p.Title, p.Zone, p.Data = p.T("bill.title")+" "+d.Bills[i].ID, d.Zone, &d.Bills[i]
			c.render(w, r, http.StatusOK, "bill", p)
			return
		}
	}
	c.lost(w, r, who)
}

// plant shows the agents and what they could not do.
func (c *Console) plant(w http.ResponseWriter, r *http.Request, who identity.Person) {
	d, err := c.api.Plant(r.Context())
	if err != nil {
		c.fail(w, r, who, err)
		return
	}
	p := c.page(r.Context(), who, "plant.title")
	p.Zone, p.Live, p.Data = c.api.Zone(r.Context()), "*", &d
	c.render(w, r, http.StatusOK, "plant", p)
}

// Since is the seconds since a time, for ages.
func (p *page) Since(t time.Time) int64 {
	return max(0, int64(time.Since(t)/time.Second))
}

// refusal is the problem inside err, when it is one a person can act on.
func refusal(err error) (*api.Problem, bool) {
	var p *api.Problem
	return p, errors.As(err, &p) && p.Status < 500
}
