package intake

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"feikong/billing/tariff"
	"feikong/gateway/account"
	"feikong/protocol"
)

func TestHelloIsFollowedByTheBoundaries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := time.Now().Add(10 * 24 * time.Hour)
		config := account.Config{Tariffs: map[string][]tariff.Version{"a": {{ID: "a", ValidFrom: end.AddDate(-1, 0, 0), ValidTo: end, Zone: time.UTC}}}}
		b := run(t, shelf{view{config: config}})
		b.Packet("street-1", "hello", up("hello"), protocol.AppendHello(nil, &protocol.Hello{Agent: "street-1", Version: "1", Boot: 3, Seq: 1}))
		synctest.Wait()
		if len(b.sent) != 2 || b.sent[1].topic != protocol.Down("default", "street-1", "boundaries") {
			t.Fatalf("got %v", b.sent)
		}
		got, err := protocol.DecodeBoundaries(b.sent[1].payload)
		if err != nil || got.Agent != "street-1" || got.Gateway != "here" || !slices.Contains(got.Instants, end.UnixMilli()) {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}
