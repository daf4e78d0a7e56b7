package console_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"feikong/gateway/account"
	"feikong/gateway/api/apitest"
)

// street adds a browser to the gateway of the tests.
type street struct{ *apitest.Street }

func newStreet(t *testing.T) *street {
	t.Helper()
	return &street{apitest.New(t)}
}

// open gets a page or sends a form and gives status, headers and body.
func (s *street) open(b *http.Client, method, path string, form url.Values) (int, http.Header, string) {
	s.T.Helper()
	req, err := http.NewRequestWithContext(s.T.Context(), method, s.URL+path, strings.NewReader(form.Encode()))
	apitest.Must(s.T, err)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	res, err := b.Do(req)
	apitest.Must(s.T, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	apitest.Must(s.T, err)
	return res.StatusCode, res.Header, string(body)
}

const chosen = "a quiet street with lamps"

// signedIn is a browser whose person has changed the one-time password.
func (s *street) signedIn() *http.Client {
	s.T.Helper()
	b := s.Browser()
	code, h, _ := s.open(b, "POST", "/sign-in", url.Values{"name": {"admin"}, "password": {s.Password}})
	if code != http.StatusSeeOther || h.Get("Location") != "/password" {
		s.T.Fatalf("sign in: got %d to %q, want the password page", code, h.Get("Location"))
	}
	if code, h, _ = s.open(b, "GET", "/", nil); code != http.StatusSeeOther || h.Get("Location") != "/password" {
		s.T.Fatalf("before the change: got %d to %q, want the password page", code, h.Get("Location"))
	}
	if code, _, _ = s.open(b, "GET", "/api/v1/accounts", nil); code != http.StatusForbidden {
		s.T.Fatalf("API before the change: got %d, want 403", code)
	}
	code, h, body := s.open(b, "POST", "/password", url.Values{"old": {s.Password}, "new": {chosen}, "again": {chosen}})
	if code != http.StatusSeeOther || h.Get("Location") != "/" {
		s.T.Fatalf("change: got %d to %q: %s", code, h.Get("Location"), body)
	}
	return b
}

func TestTheFirstSignInMustChangeTheOneTimePassword(t *testing.T) {
	s := newStreet(t)
	b := s.signedIn()
	if code, _, body := s.open(b, "GET", "/", nil); code != 200 || !strings.Contains(body, "/accounts/1011") {
		t.Errorf("got %d, want the street", code)
	}
	if code, _, _ := s.open(s.Browser(), "POST", "/sign-in", url.Values{"name": {"admin"}, "password": {s.Password}}); code != http.StatusUnauthorized {
		t.Errorf("the one-time password again: got %d, want 401", code)
	}
}

func TestWithoutASessionThereIsOnlyTheDoor(t *testing.T) {
	s := newStreet(t)
	for _, path := range []string{"/", "/accounts/1001", "/plant", "/password", "/accounts/1001/bills/x"} {
		if code, h, _ := s.open(s.Browser(), "GET", path, nil); code != http.StatusSeeOther || !strings.HasPrefix(h.Get("Location"), "/sign-in") {
			t.Errorf("%s: got %d to %q, want the sign-in page", path, code, h.Get("Location"))
		}
	}
	if code, h, _ := s.open(s.Browser(), "POST", "/accounts/1001/protect", url.Values{"note": {"x"}}); code != http.StatusSeeOther || !strings.HasPrefix(h.Get("Location"), "/sign-in") {
		t.Errorf("form: got %d", code)
	}
	_, h, _ := s.open(s.Browser(), "POST", "/sign-in", url.Values{"name": {"admin"}, "password": {s.Password}, "next": {"//elsewhere.example/"}})
	if strings.Contains(h.Get("Location"), "elsewhere") {
		t.Errorf("redirected to %q", h.Get("Location"))
	}
}

// A session planted before the sign-in is worth nothing after it, and no script or other site gets hold of the cookie.
func TestSigningInGivesANewSessionForThisSiteAlone(t *testing.T) {
	s := newStreet(t)
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+"/sign-in", strings.NewReader(url.Values{"name": {"admin"}, "password": {s.Password}}.Encode()))
	apitest.Must(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.AddCookie(&http.Cookie{Name: "feikong_session", Value: "planted"})
	res, err := s.Browser().Do(req)
	apitest.Must(t, err)
	defer res.Body.Close()
	cookies := res.Cookies()
	if len(cookies) != 1 || cookies[0].Value == "planted" || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteLaxMode {
		t.Errorf("got cookies %+v", cookies)
	}
	if code, _, _ := s.open(s.Browser(), "GET", "/static/", nil); code != 404 {
		t.Errorf("the folder of the pages' files: got %d, want 404", code)
	}
}

func TestSigningOutEndsTheSession(t *testing.T) {
	s := newStreet(t)
	b := s.signedIn()
	s.open(b, "POST", "/sign-out", nil)
	if code, _, _ := s.open(b, "GET", "/", nil); code != http.StatusSeeOther {
		t.Errorf("got %d, want the sign-in page", code)
	}
}

var keyField = regexp.MustCompile(`name="key" value="([^"]+)"`)

func TestATopUpByFormPostsOnceThoughSentTwice(t *testing.T) {
	s := newStreet(t)
	b := s.signedIn()
	_, _, page := s.open(b, "GET", "/accounts/1001", nil)
	key := keyField.FindStringSubmatch(page)[1]
	form := url.Values{"key": {key}, "amount": {"35.50"}, "method": {"cash"}}
	for range 2 {
		if code, h, _ := s.open(b, "POST", "/accounts/1001/pay", form); code != http.StatusSeeOther || h.Get("Location") != "/accounts/1001?done=pay" {
			t.Fatalf("got %d to %q", code, h.Get("Location"))
		}
	}
	_, _, page = s.open(b, "GET", "/accounts/1001?done=pay&lang=en", nil)
	if !strings.Contains(page, "The payment is posted.") || strings.Count(page, `<td class="number">35.50</td>`) != 2 { // the balance and one ledger line
		t.Errorf("got the amount %d times", strings.Count(page, `<td class="number">35.50</td>`))
	}
}

func TestARefusedFormSaysWhyAndKeepsWhatWasTyped(t *testing.T) {
	s := newStreet(t)
	b := s.signedIn()
	code, _, page := s.open(b, "POST", "/accounts/1001/pay?lang=zh", url.Values{"key": {"k1"}, "amount": {"1.005"}})
	if code != 422 || !strings.Contains(page, "最多两位小数") || !strings.Contains(page, `value="1.005"`) {
		t.Errorf("got %d", code)
	}
	code, _, page = s.open(b, "POST", "/accounts/1003/trip?lang=en", url.Values{"key": {"k2"}, "note": {"to see"}})
	if code != 409 || !strings.Contains(page, "There is no switch to operate") {
		t.Errorf("got %d", code)
	}
}

func TestThePageShowsTheFactsInBothLanguages(t *testing.T) {
	s := newStreet(t)
	now := time.Now()
	s.Read("l1", "000000000105", "500.00", now.Add(-time.Hour))
	s.Read("l1", "000000000105", "100.00", now)
	b := s.signedIn()
	s.open(b, "POST", "/accounts/1006/protect", url.Values{"key": {"p"}, "note": {"<script>alert(1)</script>"}})
	for _, row := range []struct{ lang, want string }{
		{"en", "Available balance|Held by audit|A01|protected by|register goes down|Accept a held reading|500 kWh|100 kWh"},
		{"zh", "可用余额|审核挂起|A01|表码倒走|确认被挂起的读数|500 kWh|100 kWh"},
	} {
		code, h, page := s.open(b, "GET", "/accounts/1006?lang="+row.lang, nil)
		if code != 200 || h.Get("Content-Language") != row.lang {
			t.Fatalf("%s: got %d %s", row.lang, code, h.Get("Content-Language"))
		}
		for want := range strings.SplitSeq(strings.Replace(row.want, "protected by|", "", 1), "|") {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the page lacks %q", row.lang, want)
			}
		}
		if strings.Contains(page, "<script>alert") {
			t.Error("what a person typed is markup")
		}
	}
	// The choice is kept.
	if _, h, _ := s.open(b, "GET", "/", nil); h.Get("Content-Language") != "zh" {
		t.Errorf("got %s, want zh kept", h.Get("Content-Language"))
	}
}

func TestEveryFormOfTheAccountWorks(t *testing.T) {
	s := newStreet(t)
	now := time.Now()
	s.Read("l1", "000000000108", "100.00", now.Add(-time.Hour))
	s.Read("l1", "000000000108", "101.00", now)
	b := s.signedIn()
	for i, row := range []struct {
		act  string
		form url.Values
	}{
		{"protect", url.Values{"note": {"ward"}}}, {"unprotect", url.Values{"note": {"over"}}},
		{"tag", url.Values{"id": {"t1"}, "kind": {"no_close"}, "note": {"pole 7"}}}, {"untag", url.Values{"id": {"t1"}, "note": {"done"}}},
		{"hold", url.Values{"id": {"h1"}, "note": {"dispute"}}}, {"release", url.Values{"id": {"h1"}, "note": {"settled"}}},
		{"issue", url.Values{"label": {"2026-11"}}},
	} {
		row.form.Set("key", fmt.Sprint("form-", i))
		if code, h, page := s.open(b, "POST", "/accounts/1008/"+row.act, row.form); code != http.StatusSeeOther {
			t.Errorf("%s: got %d to %q %.600s", row.act, code, h.Get("Location"), page)
		}
	}
	if code, _, page := s.open(b, "GET", "/accounts/1008/bills/1008-2026-11?lang=en", nil); code != 200 || !strings.Contains(page, "The calculation") {
		t.Errorf("bill: got %d", code)
	}
	if code, _, _ := s.open(b, "GET", "/plant", nil); code != 200 {
		t.Errorf("plant: got %d", code)
	}
	for _, path := range []string{"/accounts/nobody", "/nothing"} {
		if code, _, _ := s.open(b, "GET", path, nil); code != 404 {
			t.Errorf("%s: got %d, want 404", path, code)
		}
	}
	if code, _, _ := s.open(b, "POST", "/accounts/1008/explode", url.Values{}); code != 404 {
		t.Errorf("unknown act: got %d, want 404", code)
	}
}

// Whoever is on duty sees at once why nobody was cut, and that a held reading is no ground for anything.
func TestThePagesSayWhyNothingIsSwitched(t *testing.T) {
	s := &street{apitest.NewWith(t, func(_ string, body []byte) []byte {
		return bytes.Replace(body, []byte("notice_grace: 6s"), []byte("notice_grace: 1ms"), 1)
	})}
	now := time.Now()
	_, err := s.Client().Protect(t.Context(), "1004", "home ventilator")
	apitest.Must(t, err)
	_, err = s.Client().Pay(t.Context(), "1004", "w1", "1.00", "cash")
	apitest.Must(t, err)
	s.Read("l1", "000000000103", "880.00", now.Add(-40*time.Second))
	s.Read("l1", "000000000103", "890.00", now.Add(-time.Second))
	notices, err := s.Client().Notices(t.Context(), "1004")
	apitest.Must(t, err)
	s.Submit(account.Event{Key: "receipt/1", Actor: "terminal", Account: "1004", Receipt: &account.NoticeReceipt{Notice: notices[len(notices)-1].Number, Channel: "terminal", Detail: "2026-07-01T00:00:00Z"}})
	s.Read("l1", "000000000103", "890.01", time.Now())
	for i := range 4 { // a register that was set back and is read again and again
		s.Read("l1", "000000000105", []string{"640.00", "100.00", "100.01", "100.02"}[i], now.Add(time.Duration(i-30)*time.Second))
	}
	b := s.signedIn()
	_, _, page := s.open(b, "GET", "/accounts/1004?lang=zh", nil)
	if !strings.Contains(page, "该户已保电，不得停电。") || !strings.Contains(page, "用户终端已回执 2026-07-01 08:00:00") {
		t.Error("1004: the page does not say why it is spared, or when the notice arrived")
	}
	_, _, page = s.open(b, "GET", "/accounts/1006?lang=en", nil)
	if !strings.Contains(page, "it is not billed, and nobody is cut on it") {
		t.Error("1006: the page does not say what the held reading means")
	}
	if n := strings.Count(page, "<b>A01</b>"); n != 1 || !strings.Contains(page, "found 3 times since") {
		t.Errorf("1006: the same finding stands there %d times", n)
	}
	_, _, page = s.open(b, "GET", "/?lang=en", nil)
	if !strings.Contains(page, `class="why"`) {
		t.Error("the street does not say why 1004 is spared")
	}
}

func TestWhatNobodyOwnsIsListedInWords(t *testing.T) {
	s := newStreet(t)
	s.Read("l9", "000000000999", "12.34", time.Now())
	b := s.signedIn()
	for lang, want := range map[string]string{"zh": "档案中没有该电能表", "en": "No account has this meter"} {
		if _, _, page := s.open(b, "GET", "/plant?lang="+lang, nil); !strings.Contains(page, want) || !strings.Contains(page, "active_import 12.34") || !strings.Contains(page, "l9 000000000999") {
			t.Errorf("%s: the page does not tell of the meter nobody owns", lang)
		}
	}
}

func TestATagOfAnotherIsLiftedWithAReasonOnly(t *testing.T) {
	s := newStreet(t)
	tag, err := s.Client().AddTag(t.Context(), "1005", "", "no_close", "work on pole 7")
	apitest.Must(t, err)
	b := s.signedIn()
	if _, _, page := s.open(b, "GET", "/accounts/1005?lang=en", nil); !strings.Contains(page, "Somebody else holds this tag") || !strings.Contains(page, "held by token tester") {
		t.Error("the page does not say who lifts the tag")
	}
	lift := url.Values{"id": {tag.Ref}, "key": {"l1"}, "note": {"the line is clear"}}
	if code, _, page := s.open(b, "POST", "/accounts/1005/untag", lift); code != 409 || !strings.Contains(page, "lifted by its holder") {
		t.Errorf("as if it were one's own: got %d, want 409", code)
	}
	lift.Set("for_holder", "yes")
	lift.Set("note", "ok")
	if code, _, _ := s.open(b, "POST", "/accounts/1005/untag", lift); code != 422 {
		t.Errorf("without a reason: got %d, want 422", code)
	}
	lift.Set("note", "the crew left; the foreman looked at the pole")
	lift.Set("key", "l2")
	if code, _, _ := s.open(b, "POST", "/accounts/1005/untag", lift); code != http.StatusSeeOther {
		t.Errorf("with a reason: got %d", code)
	}
}

func TestPagesLoadNothingInlineOrFromElsewhere(t *testing.T) {
	s := newStreet(t)
	b := s.signedIn()
	inline := regexp.MustCompile(`(?i)<script(?:\s[^>]*)?>[^<]|\son[a-z]+=|\sstyle=|<style|javascript:|(?:src|href|action)="(?:https?:)?//`)
	for _, path := range []string{"/", "/accounts/1001", "/plant", "/password", "/sign-in", "/nothing"} {
		_, h, page := s.open(b, "GET", path, nil)
		if got := inline.FindString(page); got != "" {
			t.Errorf("%s: found %q", path, got)
		}
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if strings.Contains(page, `="&#34;`) { // an attribute the template took for a script quotes its words
			t.Errorf("%s: a word is quoted", path)
		}
	}
	for _, path := range []string{"/static/console.css", "/static/live.js", "/static/icon.svg"} {
		if code, _, _ := s.open(s.Browser(), "GET", path, nil); code != 200 {
			t.Errorf("%s: got %d", path, code)
		}
	}
}

func TestAFormFromAnotherSiteIsRefused(t *testing.T) {
	s := newStreet(t)
	b := s.signedIn()
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+"/accounts/1001/pay", strings.NewReader("key=evil&amount=1.00"))
	apitest.Must(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := b.Do(req)
	apitest.Must(t, err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("got %s, want 403", res.Status)
	}
}
