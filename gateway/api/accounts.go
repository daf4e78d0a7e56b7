package api

import (
	"context"
	"reflect"
	"time"

	"feikong/gateway/account"
	"feikong/gateway/api/read"
	"feikong/gateway/api/wire"
	"feikong/gateway/store"
)

// pageMax bounds one answer; a longer list goes on with "after".
const pageMax = 1000

// AccountIn is the path parameter of every route below an account. Exported because huma fills embedded parameters only then.
type AccountIn struct {
	Account string `path:"account" doc:"The account's ID (户号)" maxLength:"64"`
}

type PageIn struct {
	After string `query:"after" doc:"Go on after this account ID" maxLength:"64"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"500"`
}

// one and list are answers with a body.
type one[T any] struct{ Body T }

type list[T any] struct {
	Body struct {
		Items []T    `json:"items"`
		Next  string `json:"next,omitempty" doc:"Pass as after to go on; absent at the end"`
	}
}

func listOf[T any](items []T) *list[T] {
	out := &list[T]{}
	if out.Body.Items = items; items == nil {
		out.Body.Items = []T{}
	}
	return out
}

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

func (s *Server) listAccounts(ctx context.Context, in *PageIn) (*list[wire.Account], error) {
	accounts, next, err := s.Accounts(ctx, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	out := listOf(accounts)
	out.Body.Next = next
	return out, nil
}

// Accounts are the accounts after an ID, in the order of IDs, and where to go on. The language is that of ctx. Errors are *Problem.
func (s *Server) Accounts(ctx context.Context, after string, limit int) (list []wire.Account, next string, err error) {
	limit = min(max(limit, 1), pageMax)
	err = s.view(ctx, func(v store.View) error {
		now, skip := time.Now(), after != ""
		for _, no := range v.Accounts() {
			p := v.Profile(no)
			if p == nil || skip && p.ID <= after {
				continue
			}
			if len(list) == limit {
				next = list[limit-1].ID
				return nil
			}
			a, err := s.memory.Account(v, no, now, read.Lang(ctx))
			if err != nil {
				return err
			}
			list = append(list, a)
		}
		return nil
	})
	return list, next, err
}

func (s *Server) getAccount(ctx context.Context, in *AccountIn) (*one[wire.Account], error) {
	out := &one[wire.Account]{}
	err := s.viewAccount(ctx, in.Account, func(v store.View, no account.No, _ *account.Profile) (err error) {
		out.Body, err = s.memory.Account(v, no, time.Now(), read.Lang(ctx))
		return err
	})
	return out, err
}

func (s *Server) listLedger(ctx context.Context, in *AccountIn) (*list[wire.LedgerEntry], error) {
	var items []wire.LedgerEntry
	err := s.viewAccount(ctx, in.Account, func(v store.View, no account.No, _ *account.Profile) error {
		entries, err := v.Ledger(no)
		items = each(entries, func(e account.LedgerEntry) wire.LedgerEntry { return read.LedgerEntry(e, read.Lang(ctx)) })
		return err
	})
	return listOf(items), err
}

type readingsIn struct {
	AccountIn
	Point    string    `query:"point" doc:"Metering point; the first when absent" maxLength:"64"`
	Quantity string    `query:"quantity" enum:"active_import,relay_state,clock_drift,active_power,active_export,reactive_import,reactive_export,voltage,current,reactive_power,power_factor,frequency,apparent_power,demand,remaining_money,remaining_energy" default:"active_import"`
	Register uint8     `query:"register" doc:"0 is the total"`
	From     time.Time `query:"from" doc:"Not before; a day ago when absent"`
	To       time.Time `query:"to" doc:"Not after; now when absent"`
	Limit    int       `query:"limit" minimum:"1" maximum:"1000" default:"500"`
}

func (s *Server) listReadings(ctx context.Context, in *readingsIn) (*list[wire.StoredReading], error) {
	if in.To.IsZero() {
		in.To = time.Now()
	}
	if in.From.IsZero() {
		in.From = in.To.Add(-24 * time.Hour)
	}
	if in.From.After(in.To) {
		return nil, invalid(ctx, "query.from", "must not be after to", "不得晚于 to")
	}
	var items []wire.StoredReading
	err := s.viewAccount(ctx, in.Account, func(v store.View, no account.No, p *account.Profile) error {
		point := uint16(0)
		if in.Point != "" {
			i := pointIndex(p, in.Point)
			if i < 0 {
				return newProblem(ctx, NotFound, "there is no metering point "+quote(in.Point), "没有计量点 "+quote(in.Point))
			}
			point = uint16(i)
		}
		quantity, _ := read.Quantity(in.Quantity) // the route has checked the word
		records, err := v.Readings(no, point, quantity, in.Register, in.From.UnixMilli(), in.To.UnixMilli(), in.Limit)
		items = each(records, func(r account.ReadingRecord) wire.StoredReading { return read.StoredReading(p, r) })
		return err
	})
	return listOf(items), err
}

func pointIndex(p *account.Profile, id string) int {
	for i := range p.Points {
		if p.Points[i].ID == id {
			return i
		}
	}
	return -1
}

func (s *Server) listBills(ctx context.Context, in *AccountIn) (*list[wire.Bill], error) {
	var items []wire.Bill
	err := s.viewAccount(ctx, in.Account, func(v store.View, no account.No, p *account.Profile) error {
		bills, err := v.Bills(no)
		items = each(bills, func(b account.Bill) wire.Bill { return read.Bill(p, b, read.Lang(ctx)) })
		return err
	})
	return listOf(items), err
}

type billIn struct {
	AccountIn
	Bill string `path:"bill" maxLength:"128"`
}

func (s *Server) getBill(ctx context.Context, in *billIn) (*one[wire.Bill], error) {
	out := &one[wire.Bill]{}
	err := s.viewAccount(ctx, in.Account, func(v store.View, no account.No, p *account.Profile) error {
		bills, err := v.Bills(no)
		if err != nil {
			return err
		}
		for _, b := range bills {
			if b.ID == in.Bill {
				out.Body = read.Bill(p, b, read.Lang(ctx))
				return nil
			}
		}
		return newProblem(ctx, NotFound, "there is no bill "+quote(in.Bill), "没有账单 "+quote(in.Bill))
	})
	return out, err
}

func (s *Server) listOrders(ctx context.Context, in *AccountIn) (*list[wire.Order], error) {
	var items []wire.Order
	err := s.viewAccount(ctx, in.Account, func(v store.View, no account.No, p *account.Profile) error {
		orders, err := v.Orders(no)
		items = each(orders, func(o account.OrderRecord) wire.Order { return read.Order(p, o, read.Lang(ctx)) })
		return err
	})
	return listOf(items), err
}

func (s *Server) listNotices(ctx context.Context, in *AccountIn) (*list[wire.Notice], error) {
	var items []wire.Notice
	err := s.viewAccount(ctx, in.Account, func(v store.View, no account.No, _ *account.Profile) error {
		notices, err := v.Notices(no)
		items = each(notices, func(n account.NoticeRecord) wire.Notice { return read.Notice(n, read.Lang(ctx)) })
		return err
	})
	return listOf(items), err
}

func (s *Server) listFindings(ctx context.Context, in *AccountIn) (*list[wire.Finding], error) {
	var items []wire.Finding
	err := s.viewAccount(ctx, in.Account, func(v store.View, no account.No, p *account.Profile) error {
		findings, err := v.Findings(no)
		items = each(findings, func(f account.Finding) wire.Finding { return read.Finding(p, f, read.Lang(ctx)) })
		return err
	})
	return listOf(items), err
}

func each[A, B any](in []A, f func(A) B) []B {
	out := make([]B, len(in))
	for i := range in {
		out[i] = f(in[i])
	}
	return out
}
