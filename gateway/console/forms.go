package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"feikong/gateway/account"
	"feikong/gateway/api"
	"feikong/gateway/api/wire"
	"feikong/gateway/identity"
)

// action is one form of the account page.
type action struct {
	done string // word of the dictionary that says it was done
	do   func(c *Console, r *http.Request, who identity.Person, id string) error
}

// actions are all forms of the account page, by the last part of their path.
var actions = map[string]action{
	"pay": {"done.pay", func(c *Console, r *http.Request, who identity.Person, id string) error {
		_, err := c.api.Pay(r.Context(), who, id, r.PostFormValue("key"), wire.Payment{Amount: r.PostFormValue("amount"), Method: short(r.PostFormValue("method"))})
		return err
	}},
	"issue": {"done.issue", func(c *Console, r *http.Request, who identity.Person, id string) error {
		_, err := c.api.Issue(r.Context(), who, id, strings.TrimSpace(r.PostFormValue("label")))
		return err
	}},
	"protect":   {"done.protect", decide(account.DecideProtect)},
	"unprotect": {"done.unprotect", decide(account.DecideUnprotect)},
	"tag":       {"done.tag", decide(account.DecideTag)},
	"untag":     {"done.untag", untag},
	"hold":      {"done.hold", decide(account.DecideHold)},
	"release":   {"done.release", decide(account.DecideRelease)},
	"accept":    {"done.accept", decide(account.DecideAccept)},
	"trip":      {"done.trip", decide(account.DecideTrip)},
	"close":     {"done.close", decide(account.DecideClose)},
	"task-done": {"done.task", decide(account.DecideTaskDone)},
}

func decide(kind account.DecisionKind) func(*Console, *http.Request, identity.Person, string) error {
	return func(c *Console, r *http.Request, who identity.Person, id string) error {
		_, err := c.api.Decide(r.Context(), who, id, r.PostFormValue("key"), account.Decision{Kind: kind, ID: short(r.PostFormValue("id")),
			Tag: api.TagKinds[r.PostFormValue("kind")], Point: short(r.PostFormValue("point")), Note: short(r.PostFormValue("note"))})
		return err
	}
}

// untag lifts a tag, in the holder's place when the form says so.
func untag(c *Console, r *http.Request, who identity.Person, id string) error {
	if r.PostFormValue("for_holder") == "" {
		return decide(account.DecideUntag)(c, r, who, id)
	}
	return decide(account.DecideUntagFor)(c, r, who, id)
}

// short keeps what a form sends within what the API takes.
func short(s string) string {
	const most = 200 // bytes, as the API's own limit on notes
	s = strings.ToValidUTF8(strings.TrimSpace(s), "")
	for len(s) > most {
		s = s[:len(s)-1]
		s = strings.ToValidUTF8(s, "")
	}
	return s
}

// act does what a form asks and shows the account again: a redirect, so that a reload does not send the form twice.
func (c *Console) act(w http.ResponseWriter, r *http.Request, who identity.Person) {
	a, ok := actions[r.PathValue("act")]
	if !ok {
		c.lost(w, r, who)
		return
	}
	id := r.PathValue("account")
	err := a.do(c, r, who, id)
	if p, ok := refusal(err); ok {
		c.showAccount(w, r, who, p)
		return
	}
	if err != nil {
		c.fail(w, r, who, err)
		return
	}
	http.Redirect(w, r, "/accounts/"+url.PathEscape(id)+"?done="+r.PathValue("act"), http.StatusSeeOther)
}

func (c *Console) signInPage(w http.ResponseWriter, r *http.Request, who identity.Person) {
	if who.Name != "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	p := c.page(r.Context(), who, "signin.title")
	p.Form["next"] = local(r.URL.Query().Get("next"))
	c.render(w, r, http.StatusOK, "signin", p)
}

func (c *Console) signIn(w http.ResponseWriter, r *http.Request, _ identity.Person) {
	who, err := c.identity.SignIn(r.Context(), r.RemoteAddr, r.PostFormValue("name"), r.PostFormValue("password"))
	next := local(r.PostFormValue("next"))
	if err != nil {
		c.refuseSignIn(w, r, identity.Person{}, "signin", "signin.title", err, map[string]string{"name": short(r.PostFormValue("name")), "next": next})
		return
	}
	if who.MustChange {
		next = "/password"
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// refuseSignIn shows the form again with what was wrong.
func (c *Console) refuseSignIn(w http.ResponseWriter, r *http.Request, who identity.Person, name, title string, err error, form map[string]string) {
	word, status := "", http.StatusUnprocessableEntity
	switch {
	case errors.Is(err, identity.ErrWrong):
		word, status = "signin.wrong", http.StatusUnauthorized
	case errors.Is(err, identity.ErrLimited):
		word, status = "signin.limited", http.StatusTooManyRequests
	case errors.Is(err, identity.ErrWeak):
		word = "password.weak"
	case errors.Is(err, errTwice):
		word = "password.differ"
	default:
		c.fail(w, r, who, err)
		return
	}
	p := c.page(r.Context(), who, title)
	p.Form, p.Problem = form, &api.Problem{Problem: wire.Problem{Title: p.T(word), Status: status}}
	c.render(w, r, status, name, p)
}

func (c *Console) signOut(w http.ResponseWriter, r *http.Request, who identity.Person) {
	if err := c.identity.SignOut(r.Context()); err != nil {
		c.fail(w, r, who, err)
		return
	}
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}

func (c *Console) passwordPage(w http.ResponseWriter, r *http.Request, who identity.Person) {
	c.render(w, r, http.StatusOK, "password", c.page(r.Context(), who, "password.title"))
}

var errTwice = errors.New("the two new passwords differ")

// password changes the password of who is signed in, and keeps this session only.
func (c *Console) password(w http.ResponseWriter, r *http.Request, who identity.Person) {
	err := errTwice
	if r.PostFormValue("new") == r.PostFormValue("again") {
		err = c.identity.ChangePassword(r.Context(), r.RemoteAddr, who.Name, r.PostFormValue("old"), r.PostFormValue("new"))
	}
	if err == nil {
		err = c.identity.Renew(r.Context(), who.Name)
	}
	if err != nil {
		c.refuseSignIn(w, r, who, "password", "password.title", err, map[string]string{})
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// local keeps a redirect on this gateway.
func local(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") || strings.HasPrefix(next, "/sign-") {
		return "/"
	}
	return next
}
