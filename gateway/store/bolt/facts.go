package bolt

import (
	"feikong/gateway/account"
	"feikong/protocol"

	"go.etcd.io/bbolt"
)

// facts is what one call of think sees: memory and the file as of the commit before. err is the first value that could
// not be read; then the whole call fails, whatever think made of the gap.
type facts struct {
	e   *Engine
	tx  *bbolt.Tx
	now int64 // of the newest event
	err error
}

var _ account.Facts = (*facts)(nil)

func (f *facts) keep(err error) {
	if f.err == nil {
		f.err = err
	}
}

func (f *facts) Config() *account.Config                { return f.e.archive.config }
func (f *facts) ByID(id string) (account.No, bool)      { no, ok := f.e.archive.byID[id]; return no, ok }
func (f *facts) Profile(no account.No) *account.Profile { return f.e.archive.profile(no) }
func (f *facts) State(no account.No) *account.State     { return f.e.states.get(no) }
func (f *facts) Generation() uint32                     { return f.e.head.Generation }
func (f *facts) Counts() account.Counts                 { return f.e.pace.counts(f.now) }

func (f *facts) Installation(agent string, m protocol.MeterRef) (account.No, uint16, bool) {
	in, ok := f.e.archive.installed[installKey{agent, m}]
	return in.no, in.point, ok
}

func (f *facts) Cursor(agent string, lane protocol.Lane, epoch uint64) (account.Cursor, bool) {
	c, ok := f.e.cursors[cursorKey{agent, lane, epoch}]
	return c, ok
}

func (f *facts) Key(key string) (account.Receipt, bool) {
	r, found, err := getReceipt(f.tx, key)
	f.keep(err)
	return r, found && err == nil
}

func (f *facts) History(no account.No, point uint16, q protocol.Quantity, register uint8, from, to int64) ([]account.ReadingRecord, error) {
	out, err := history(f.tx, series{no, point, q, register}, from, to)
	f.keep(err)
	return out, err
}

func (f *facts) Order(no account.No, point uint16, number uint64) (o account.OrderRecord, found bool) {
	found, err := getJSON(f.tx, bucketOrders, keyOrder(no, point, number), &o)
	f.keep(err)
	return o, found
}

func (f *facts) Notice(no account.No, number uint64) (n account.NoticeRecord, found bool) {
	found, err := getJSON(f.tx, bucketNotices, keyNo(no, number), &n)
	f.keep(err)
	return n, found
}

func (f *facts) OpenFindings(no account.No) []account.Finding {
	out, err := openFindings(f.tx, no)
	f.keep(err)
	return out
}
