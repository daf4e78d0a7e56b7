package read

import (
	"testing"

	"feikong/protocol"
)

func TestFieldWorkIsSummedUpInHalfALine(t *testing.T) {
	for _, row := range []struct{ body, en, zh string }{
		{`{"action":"trip","stage":"intent"}`, "trip: about to be done", "跳闸：即将执行"},
		{`{"action":"trip","stage":"result","state":"done"}`, "trip: done, read back", "跳闸：已执行，已读回"},
		{`{"act":"clear-events","what":"all","stage":"result","state":"refused"}`, "clear-events all: refused, nothing was sent", "clear-events all：拒绝，未发送"},
		{`{"on":true,"until":5}`, "on", "开启"},
		{`{"on":false}`, "off", "关闭"},
		{`{"old":{"meter":{"address":"101"},"registers":[{"register":0,"kwh":"1200.45"}]},"new":{"registers":[{"register":0,"kwh":"0.00"}]}}`,
			"old meter 101 ended at 1200.45 kWh, the new one starts at 0.00 kWh", "旧表 101 止码 1200.45 kWh，新表起码 0.00 kWh"},
		{`{"items":[{"state":"ok"},{"state":"failed"}],"registers":[{"register":0,"kwh":"5.00"}]}`, "1 of 2 items passed, 5.00 kWh", "2 项中 1 项合格，5.00 kWh"},
		{`{"registers":[{"register":1,"kwh":"5.00"}]}`, "–", "–"},
		{`{"registers":[{"register":0,"kwh":"5.00"}]}`, "5.00 kWh", "5.00 kWh"},
		{`{}`, "", ""}, {`[1]`, "", ""}, {``, "", ""},
	} {
		r := &protocol.FieldRecord{Body: []byte(row.body)}
		if got := workSummary(r, "en"); got != row.en {
			t.Errorf("%s: got %q, want %q", row.body, got, row.en)
		}
		if got := workSummary(r, "zh"); got != row.zh {
			t.Errorf("%s: got %q, want %q", row.body, got, row.zh)
		}
	}
}
