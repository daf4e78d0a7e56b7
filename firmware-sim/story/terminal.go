package story

import (
	"encoding/json"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"feikong/protocol"
)

// Terminal is a customer's terminal 用户终端: it listens for notices and confirms each. The confirmation is the evidence of delivery.
type Terminal struct {
	Account string
	client  mqtt.Client

	mu      sync.Mutex
	notices []protocol.Notice // guarded by mu; repeats of one id are kept once
	seen    map[string]bool   // guarded by mu
}

// NewTerminal connects to the broker and keeps connecting until Close.
func NewTerminal(broker, tenant, account, password string) *Terminal {
	t := &Terminal{Account: account, seen: map[string]bool{}}
	user := "terminal-" + account
	opts := mqtt.NewClientOptions().AddBroker(broker).SetClientID(user).SetUsername(user).SetPassword(password).
		SetConnectRetry(true).SetConnectRetryInterval(300 * time.Millisecond).SetMaxReconnectInterval(time.Second).SetAutoReconnect(true).SetOrderMatters(false)
	opts.SetOnConnectHandler(func(c mqtt.Client) {
		c.Subscribe(protocol.NoticeTopic(tenant, account), 1, func(c mqtt.Client, m mqtt.Message) {
			var n protocol.Notice
			if json.Unmarshal(m.Payload(), &n) != nil {
				return
			}
			t.mu.Lock()
			if !t.seen[n.ID] {
				t.seen[n.ID] = true
				t.notices = append(t.notices, n)
			}
			t.mu.Unlock()
			receipt, err := json.Marshal(protocol.Receipt{ID: n.ID, At: time.Now().Format(time.RFC3339Nano)})
			if err == nil {
				c.Publish(protocol.ReceiptTopic(tenant, account), 1, false, receipt)
			}
		})
	})
	t.client = mqtt.NewClient(opts)
	t.client.Connect()
	return t
}

// Notices are what arrived, oldest first, each once.
func (t *Terminal) Notices() []protocol.Notice {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]protocol.Notice(nil), t.notices...)
}

// Of counts the notices of a kind.
func (t *Terminal) Of(kind protocol.NoticeKind) int {
	n := 0
	for _, x := range t.Notices() {
		if x.Kind == kind {
			n++
		}
	}
	return n
}

// Close disconnects.
func (t *Terminal) Close() { t.client.Disconnect(100) }
