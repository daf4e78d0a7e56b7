package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"regexp"
	"strings"
	"time"

	"feikong/billing"
	"feikong/gateway/account"
	"feikong/gateway/api/read"
	"feikong/gateway/api/wire"
	"feikong/gateway/identity"
	"feikong/gateway/store"
)

// keyMax bounds an idempotency key: a UUID with a prefix fits, and the ledger's reference holds it.
const keyMax = 128

// Pay posts a payment under the caller's key. The same key with the same payment gives the first receipt and posts nothing.
// Errors are *Problem.
func (s *Server) Pay(ctx context.Context, who identity.Person, id, key string, p wire.Payment) (wire.Receipt, error) {
	amount, problem := amount(ctx, p.Amount)
	if problem != nil {
		return wire.Receipt{}, problem
	}
	if problem := checkKey(ctx, key); problem != nil {
		return wire.Receipt{}, problem
	}
	if err := s.exists(ctx, id); err != nil {
		return wire.Receipt{}, err
	}
	return s.submit(ctx, PaymentConflict, account.Event{Key: "payment/" + key, Actor: who.Actor(), Account: id,
		Payment: &account.Payment{Amount: amount, Method: p.Method, Note: p.Note}})
}

// Decide passes a person's decision to the door. Without a key one is made; without an ID one is derived from the key, so
// that a repeated request names the same tag or hold. Errors are *Problem.
func (s *Server) Decide(ctx context.Context, who identity.Person, id, key string, d account.Decision) (wire.Receipt, error) {
	if key == "" {
		key = rand.Text()
	}
	if problem := checkKey(ctx, key); problem != nil {
		return wire.Receipt{}, problem
	}
	if d.Note = strings.TrimSpace(d.Note); d.Note == "" {
		return wire.Receipt{}, invalid(ctx, "body.note", "a reason is required", "须填写原因")
	}
	if d.Kind == account.DecideUntagFor {
		if problem := inHoldersPlace(ctx, who, d.Note); problem != nil {
			return wire.Receipt{}, problem
		}
	}
	err := s.viewAccount(ctx, id, func(_ store.View, _ account.No, p *account.Profile) error {
		return settlePoint(ctx, p, &d)
	})
	if err != nil {
		return wire.Receipt{}, err
	}
	if d.ID == "" && (d.Kind == account.DecideTag || d.Kind == account.DecideHold) {
		sum := sha256.Sum256([]byte(id + "\x00" + key))
		d.ID = strings.ToLower(base32.StdEncoding.EncodeToString(sum[:5]))
	}
	receipt, err := s.submit(ctx, KeyConflict, account.Event{Key: "decision/" + key, Actor: who.Actor(), Account: id, Decision: &d})
	if err == nil && receipt.Ref == "" {
		receipt.Ref = d.ID
	}
	return receipt, err
}

// liftNoteMin is a sentence in Chinese, and two words in English: who cannot and who looked, not "ok".
const liftNoteMin = 10

// inHoldersPlace checks who lifts another's tag and what is written about it: the tag may be all that stands between a line under
// work and its supply.
func inHoldersPlace(ctx context.Context, who identity.Person, note string) *Problem {
	if who.Role != identity.RoleAdministrator {
		return newProblem(ctx, Refused, "a tag is lifted by its holder, or by the administrator", "禁止操作牌只能由挂牌人或管理员解除")
	}
	if len([]rune(note)) < liftNoteMin {
		return invalid(ctx, "body.note", fmt.Sprintf("write why the holder cannot lift it and who made sure that nobody works there, at least %d characters", liftNoteMin),
			fmt.Sprintf("请写明挂牌人不能摘牌的原因、由谁确认现场已无人工作，至少 %d 个字", liftNoteMin))
	}
	return nil
}

// settlePoint fills in the point of a decision about one: with a single point it may be left out.
func settlePoint(ctx context.Context, p *account.Profile, d *account.Decision) error {
	if d.Kind != account.DecideAccept {
		return nil
	}
	if d.Point == "" && len(p.Points) == 1 {
		d.Point = p.Points[0].ID
	}
	for i := range p.Points {
		if p.Points[i].ID == d.Point {
			return nil
		}
	}
	names := make([]string, len(p.Points))
	for i := range p.Points {
		names[i] = p.Points[i].ID
	}
	list := strings.Join(names, ", ")
	return invalid(ctx, "body.point", "name one of the account's points: "+list, "请指定该户的计量点之一："+list)
}

// Issue closes the open period and issues its bill 发行 under a label, the running month when it is empty. One label is issued
// once: a second call gives the first receipt. Errors are *Problem.
func (s *Server) Issue(ctx context.Context, who identity.Person, id, label string) (wire.Receipt, error) {
	err := s.viewAccount(ctx, id, func(v store.View, _ account.No, _ *account.Profile) error {
		if label == "" {
			label = time.Now().In(zone(v)).Format("2006-01")
		}
		return nil
	})
	if err != nil {
		return wire.Receipt{}, err
	}
	if !labelForm.MatchString(label) {
		return wire.Receipt{}, invalid(ctx, "body.label", "1 to 32 letters, digits, dots, dashes or underscores", "1 至 32 个字母、数字、点、横线或下划线")
	}
	return s.submit(ctx, KeyConflict, account.Event{Key: account.IssueKey(id, label), Actor: who.Actor(), Account: id, Issue: &account.Issue{Label: label}})
}

// labelForm keeps a bill's label readable and fit for a path.
var labelForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,32}$`)

// zone is where the month of a bill begins.
func zone(v store.View) *time.Location {
	if c := v.Config(); c != nil {
		if z, err := time.LoadLocation(c.Timezone); err == nil {
			return z
		}
	}
	return time.UTC
}

// submit waits for the commit and turns the receipt into an answer.
func (s *Server) submit(ctx context.Context, conflict Kind, ev account.Event) (wire.Receipt, error) {
	r, err := s.door.Submit(ctx, ev)
	if err != nil {
		return wire.Receipt{}, s.internal(ctx, "submit "+ev.Key, err)
	}
	if r.Status == account.Conflict {
		return wire.Receipt{}, newProblem(ctx, conflict, "the key "+quote(ev.Key)+" stands for another request", "键 "+quote(ev.Key)+" 已代表另一请求")
	}
	// A repeated key gives the first receipt, which may itself be a refusal.
	if r.Rule != "" || r.Status == account.Refused {
		return wire.Receipt{}, refusal(ctx, r)
	}
	return wire.Receipt{Key: r.Key, Status: "accepted", Ref: r.Ref, Detail: r.Detail, Commit: r.Commit, Replay: r.Status == account.Duplicate}, nil
}

// refusal turns the door's refusal into a problem with its rule.
func refusal(ctx context.Context, r account.Receipt) *Problem {
	kind, zh := Refused, r.Detail
	switch r.Rule {
	case "no-switch":
		kind = NoSwitch
	case "nothing-to-bill":
		kind = NothingToIssue
	case "unknown-account", "unknown-tag", "unknown-hold", "unknown-point":
		kind = NotFound
	case "amount-not-positive", "amount-too-fine":
		kind = Validation
	}
	for _, t := range []read.Words{read.Refusals, read.Blocks} {
		if w, ok := t[r.Rule]; ok {
			zh = w.ZH
			break
		}
	}
	p := newProblem(ctx, kind, r.Detail, zh)
	p.Rule = r.Rule
	if kind == Validation {
		p.Errors = []wire.Field{{Field: "body.amount", Message: r.Detail}}
	}
	return p
}

func (s *Server) exists(ctx context.Context, id string) error {
	return s.viewAccount(ctx, id, func(store.View, account.No, *account.Profile) error { return nil })
}

// amount reads a payment's money: above zero and in whole minor units.
func amount(ctx context.Context, text string) (billing.Money, *Problem) {
	const field = "body.amount"
	m, err := billing.ParseMoney(strings.TrimSpace(text))
	switch {
	case err != nil:
		return 0, invalid(ctx, field, err.Error(), "须为十进制金额，例如 50.00（"+err.Error()+"）")
	case m <= 0:
		return 0, invalid(ctx, field, "a payment is above zero", "缴费金额必须大于零")
	case m%100 != 0: // money is in 1/10,000; a minor unit is 1/100
		return 0, invalid(ctx, field, "at most two decimals", "最多两位小数")
	}
	return m, nil
}

func checkKey(ctx context.Context, key string) *Problem {
	const field = "header.Idempotency-Key"
	if key == "" {
		return invalid(ctx, field, "is required: a text of your own that names this payment for ever", "必填：由调用方给出、永久标识该笔缴费的文本")
	}
	if len(key) > keyMax {
		return invalid(ctx, field, fmt.Sprintf("at most %d bytes", keyMax), fmt.Sprintf("最多 %d 字节", keyMax))
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return invalid(ctx, field, "printable ASCII without blanks", "只能用不含空格的可打印 ASCII 字符")
		}
	}
	return nil
}
