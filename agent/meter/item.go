package meter

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"feikong/protocol/dlt645"
)

// itemNames are what people ask for by name, by edition: 2007, 1997. Zero: the edition has none.
var itemNames = []struct {
	name, zh string
	di       [2]dlt645.DI
}{
	{"energy", "电能", [2]dlt645.DI{dlt645.DIForwardBlock, di1997Block}},
	{"total", "总电能", [2]dlt645.DI{dlt645.DIForwardTotal, di1997Total}},
	{"export", "反向电能", [2]dlt645.DI{0x0002FF00, 0x902F}},
	{"voltage", "电压", [2]dlt645.DI{0x0201FF00, 0xB61F}},
	{"current", "电流", [2]dlt645.DI{0x0202FF00, 0xB62F}},
	{"power", "功率", [2]dlt645.DI{0x0203FF00, 0xB63F}},
	{"reactive", "无功功率", [2]dlt645.DI{0x0204FF00, 0xB64F}},
	{"factor", "功率因数", [2]dlt645.DI{0x0206FF00, 0xB65F}},
	{"frequency", "频率", [2]dlt645.DI{0x02800002, 0}},
	{"status", "状态字", [2]dlt645.DI{dlt645.DIStatusWords, 0xC020}},
	{"relay", "继电器", [2]dlt645.DI{dlt645.DIStatusWord3, 0}},
	{"date", "日期", [2]dlt645.DI{dlt645.DIDate, di1997Date}},
	{"time", "时间", [2]dlt645.DI{dlt645.DITime, di1997Time}},
	{"clock", "时钟", [2]dlt645.DI{dlt645.DIDateTime, di1997Time}},
	{"money", "剩余金额", [2]dlt645.DI{dlt645.DIRemainingMoney, 0}},
	{"overdraft", "透支金额", [2]dlt645.DI{dlt645.DIOverdraftMoney, 0}},
	{"number", "表号", [2]dlt645.DI{0x04000402, 0xC032}},
	{"model", "型号", [2]dlt645.DI{0x0400040B, 0}},
	{"version", "软件版本", [2]dlt645.DI{0x04800001, 0}},
	{"demand", "最大需量", [2]dlt645.DI{0x01010000, 0xA010}},
	{"trips", "跳闸次数", [2]dlt645.DI{0x1D000001, 0}},
}

// ErrItem says that nobody knows what an item's name means.
var ErrItem = errors.New("no item of this name")

// ItemNames lists the names that Item knows besides identifiers in hex.
func ItemNames() (names []string) {
	for _, it := range itemNames {
		names = append(names, it.name)
	}
	return names
}

// Item reads one item by its identifier in hex (eight digits, or four for 1997), by one of ItemNames, or by its name in
// the table of items, in either language. What the table does not know is given as bytes.
func (m *DLT645) Item(ctx context.Context, c Call, what string) (out []ItemValue, err error) {
	err = m.search(ctx, c, func(w way) error {
		d, err := lookUp(w, what)
		if err != nil {
			return err
		}
		data, at, err := m.read(ctx, c, w, d)
		if err != nil {
			return err
		}
		out = m.values(w, d, data, at)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s of meter %s: %w", what, m.ref.Address, err)
	}
	return out, nil
}

func lookUp(w way, what string) (dlt645.DI, error) {
	for _, it := range itemNames {
		if !strings.EqualFold(it.name, what) && it.zh != what {
			continue
		}
		if it.di[w.edition] == 0 {
			return 0, fmt.Errorf("the edition of 1997 has no such item: %w", ErrUnsupported)
		}
		return it.di[w.edition], nil
	}
	digits, table := 8, dlt645.Items
	if w.edition == ed1997 {
		digits, table = 4, dlt645.Items1997
	}
	for _, it := range table() {
		if (strings.EqualFold(it.Name, what) || it.NameZH == what) && it.DI>>8 != passwords {
			return it.DI, nil
		}
	}
	n, err := strconv.ParseUint(what, 16, 32)
	if err != nil || len(what) != digits {
		return 0, fmt.Errorf("%q is neither a name nor an identifier of %d hexadecimal digits: %w", what, digits, ErrItem)
	}
	if n>>8 == passwords {
		return 0, fmt.Errorf("passwords are written, never read: %w", ErrUnsupported)
	}
	return dlt645.DI(n), nil
}

// passwords are 04000C01 to 0A: a meter that tells one would put it on every screen.
const passwords = 0x04000C

func (m *DLT645) values(w way, d dlt645.DI, data []byte, at time.Time) (out []ItemValue) {
	decode := dlt645.DecodeValues
	if w.edition == ed1997 {
		decode = dlt645.DecodeValues1997
	}
	values, err := decode(d, data)
	if err != nil {
		return []ItemValue{{ID: itemName(w, d), Name: "bytes", NameZH: "字节", Text: fmt.Sprintf("% X", data), At: at}}
	}
	for _, v := range values {
		it := ItemValue{ID: itemName(w, v.DI), Name: v.Name, NameZH: v.NameZH, Text: v.Text, Unit: v.Unit, Null: v.Null, Never: v.Never, At: at}
		if v.Text == "" && !v.Null {
			it.Text = v.Decimal()
		}
		wire := []byte{byte(v.Int), byte(v.Int >> 8)} // a status word; those of 1997 have one byte
		if w.edition == ed1997 {
			wire = wire[:1]
		}
		if en := dlt645.ExplainStatus(v.DI, wire, "en"); len(en) > 0 {
			it.Text, it.TextZH = v.Text+" "+strings.Join(en, ", "), v.Text+" "+strings.Join(dlt645.ExplainStatus(v.DI, wire, "zh"), "，")
		}
		out = append(out, it)
	}
	return out
}
