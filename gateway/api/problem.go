package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"feikong/gateway/api/read"
	"feikong/gateway/api/wire"
	"feikong/gateway/settle"
	"feikong/gateway/store"
)

// Kind names a kind of problem for ever; /problems/<kind> is its page.
type Kind string

// Kinds of problems.
const (
	Validation      Kind = "validation"
	BadRequest      Kind = "bad-request"
	NotSignedIn     Kind = "not-signed-in"
	PasswordChange  Kind = "password-change-required"
	CrossOrigin     Kind = "cross-origin"
	NotFound        Kind = "not-found"
	PaymentConflict Kind = "payment-conflict"
	KeyConflict     Kind = "key-conflict"
	NoSwitch        Kind = "no-switch"
	NothingToIssue  Kind = "nothing-to-issue"
	Refused         Kind = "refused"
	TooLarge        Kind = "too-large"
	Limited         Kind = "too-many-requests"
	NotAcceptable   Kind = "not-acceptable"
	Unavailable     Kind = "unavailable"
	Internal        Kind = "internal"
)

// kindWords is what every problem of a kind says.
type kindWords struct {
	status        int
	title, remedy read.Phrase
}

// kinds is the table of all problems.
var kinds = map[Kind]kindWords{
	Validation: {422, read.Phrase{EN: "The request is not acceptable", ZH: "请求内容不符合要求"},
		read.Phrase{EN: "Correct the fields named in errors and send it again.", ZH: "请更正 errors 中列出的字段后重新提交。"}},
	BadRequest: {400, read.Phrase{EN: "The request cannot be read", ZH: "请求无法解析"},
		read.Phrase{EN: "Send a body in JSON as /openapi.json describes it.", ZH: "请按 /openapi.json 的说明以 JSON 提交。"}},
	NotSignedIn: {401, read.Phrase{EN: "Nobody is signed in", ZH: "未登录"},
		read.Phrase{EN: "Send an API token as 'Authorization: Bearer …', or sign in at the console.", ZH: "请以 Authorization: Bearer 携带 API 令牌，或在控制台登录。"}},
	PasswordChange: {403, read.Phrase{EN: "The one-time password must be changed first", ZH: "须先更改一次性密码"},
		read.Phrase{EN: "Sign in at the console and choose a password of your own.", ZH: "请在控制台登录并设置自己的密码。"}},
	CrossOrigin: {403, read.Phrase{EN: "The request comes from another site", ZH: "请求来自其他站点"},
		read.Phrase{EN: "Use the console's own pages, or an API token outside of a browser.", ZH: "请使用控制台页面，或在浏览器之外使用 API 令牌。"}},
	NotFound: {404, read.Phrase{EN: "There is no such thing", ZH: "不存在"},
		read.Phrase{EN: "Check the identifier; the lists name all there are.", ZH: "请核对编号，列表中有全部编号。"}},
	PaymentConflict: {409, read.Phrase{EN: "The payment's key was used for another payment", ZH: "该幂等键已用于另一笔缴费"},
		read.Phrase{EN: "Nothing was posted. Look the first payment up in the ledger by its key; a new payment needs a new Idempotency-Key.", ZH: "未记账。请按幂等键在账本中查找首笔缴费；新的缴费须使用新的 Idempotency-Key。"}},
	KeyConflict: {409, read.Phrase{EN: "The key was used for another request", ZH: "该幂等键已用于另一请求"},
		read.Phrase{EN: "Nothing was done. Use a new Idempotency-Key for a new request.", ZH: "未执行。新的请求须使用新的 Idempotency-Key。"}},
	NoSwitch: {409, read.Phrase{EN: "There is no switch to operate", ZH: "没有可控开关"},
		read.Phrase{EN: "This supply can be cut or restored by hand only: send somebody.", ZH: "该户只能现场停复电，请派人处理。"}},
	NothingToIssue: {409, read.Phrase{EN: "There is nothing to issue", ZH: "没有可发行的电费"},
		read.Phrase{EN: "The period was issued already or holds no energy; see the account's bills.", ZH: "该周期已发行或无电量，请查看账单。"}},
	Refused: {409, read.Phrase{EN: "The request was refused", ZH: "请求被拒绝"},
		read.Phrase{EN: "The rule that refused is named; look at the account for what stands in the way.", ZH: "请按 rule 给出的规则查看该户的状态。"}},
	TooLarge: {413, read.Phrase{EN: "The request is too large", ZH: "请求过大"},
		read.Phrase{EN: "Send less at once.", ZH: "请减少单次提交的内容。"}},
	Limited: {429, read.Phrase{EN: "Too many requests", ZH: "请求过于频繁"},
		read.Phrase{EN: "Wait a minute and try again.", ZH: "请稍候一分钟再试。"}},
	NotAcceptable: {406, read.Phrase{EN: "This form of answer does not exist", ZH: "不支持的响应格式"},
		read.Phrase{EN: "Ask for application/json.", ZH: "请使用 application/json。"}},
	Unavailable: {503, read.Phrase{EN: "The gateway cannot do this now", ZH: "网关暂时无法处理"},
		read.Phrase{EN: "Try again; when it lasts, look at the gateway's log.", ZH: "请重试；若持续出现，请查看网关日志。"}},
	Internal: {500, read.Phrase{EN: "The gateway failed", ZH: "网关内部错误"},
		read.Phrase{EN: "The gateway's log says why. A request with an idempotency key may be sent again safely.", ZH: "原因见网关日志。带幂等键的请求可安全重发。"}},
}

// Problem is an error that is answered as RFC 9457. It is final: in the language of the request.
type Problem struct{ wire.Problem }

// Error is the detail, or the title.
func (p *Problem) Error() string {
	if p.Detail != "" {
		return p.Detail
	}
	return p.Title
}

// GetStatus is the HTTP status, for huma.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is application/problem+json, for huma.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// newProblem makes a problem of a kind; the detail is about this occurrence.
func newProblem(ctx context.Context, k Kind, en, zh string, fields ...wire.Field) *Problem {
	lang, w := read.Lang(ctx), kinds[k]
	return &Problem{wire.Problem{Type: "/problems/" + string(k), Title: w.title.In(lang), Status: w.status,
		Detail: read.Phrase{EN: en, ZH: zh}.In(lang), Remedy: w.remedy.In(lang), Errors: fields}}
}

// invalid is a problem about one field.
func invalid(ctx context.Context, field, en, zh string) *Problem {
	return newProblem(ctx, Validation, field+": "+en, field+"："+zh, wire.Field{Field: field, Message: read.Phrase{EN: en, ZH: zh}.In(read.Lang(ctx))})
}

// internal logs an error that is not the caller's and answers without its detail.
func (s *Server) internal(ctx context.Context, what string, err error) *Problem {
	switch {
	case errors.Is(err, store.ErrBroken):
		s.log.Error("request failed", "what", what, "error", err)
		return newProblem(ctx, Unavailable, "the store is stopping: a commit failed", "存储正在停止：提交失败")
	case errors.Is(err, settle.ErrFull):
		return newProblem(ctx, Unavailable, "too much waits to be settled; nothing was done", "待处理事项过多；未执行")
	case errors.Is(err, settle.ErrStopped):
		return newProblem(ctx, Unavailable, "the gateway is stopping; nothing was done", "网关正在停止；未执行")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return newProblem(ctx, Unavailable, "the request ended before the answer was ready; it may have happened", "请求在得到答复前结束；操作可能已执行")
	}
	s.log.Error("request failed", "what", what, "error", err)
	return newProblem(ctx, Internal, "", "")
}

// transformProblem turns huma's own errors (validation, unreadable bodies) into ours.
func transformProblem(ctx huma.Context, status string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		if p, ok := v.(*Problem); ok {
			out := p.Problem
			out.Instance = path(ctx)
			return out, nil
		}
		return v, nil
	}
	code, err := strconv.Atoi(status)
	if err != nil {
		code = m.Status
	}
	p := newProblem(ctx.Context(), kindOf(code), "", "").Problem
	p.Status, p.Instance = code, path(ctx)
	for _, e := range m.Errors {
		p.Errors = append(p.Errors, wire.Field{Field: e.Location, Message: e.Message})
	}
	if len(p.Errors) > 0 {
		p.Detail = strings.TrimPrefix(p.Errors[0].Field+": "+p.Errors[0].Message, ": ")
	} else if code < 500 {
		p.Detail = m.Detail
	}
	return p, nil
}

func path(ctx huma.Context) string { u := ctx.URL(); return u.Path }

func kindOf(status int) Kind {
	switch status {
	case 400, 408, 415:
		return BadRequest
	case 404:
		return NotFound
	case 406:
		return NotAcceptable
	case 413:
		return TooLarge
	case 422:
		return Validation
	}
	return Internal
}

// writeProblem answers outside of huma.
func writeProblem(w http.ResponseWriter, r *http.Request, p *Problem) {
	out := p.Problem
	out.Instance = r.URL.Path
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(out) // the client went away: nobody is left to tell
}

// quote shows what a client sent, shortened: it is repeated in answers and logs.
func quote(s string) string {
	const most = 64
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strconv.Quote(s)
}
