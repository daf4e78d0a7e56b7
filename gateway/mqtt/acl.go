package mqtt

import (
	"strings"

	"feikong/protocol"
)

// The kinds of message that exist. Everything else is refused, so a new kind is a decision and not an accident.
var (
	upKinds   = []string{"readings", "evidence", "hello", "status"}
	downKinds = []string{"ack", "order", "hello", "boundaries"}
)

// mayPublish reports whether who may publish on topic: an agent on its own up/*, a terminal on its own receipt topic.
func mayPublish(tenant string, who Identity, topic string) bool {
	switch who.Kind {
	case Agent:
		return among(topic, upKinds, func(kind string) string { return protocol.Up(tenant, who.ID, kind) })
	case Terminal:
		return topic == protocol.ReceiptTopic(tenant, who.ID)
	}
	return false
}

// maySubscribe reports whether who may listen to filter. Filters are compared as text with the few topics allowed, so a wildcard,
// a $share group or $SYS is refused by being none of them.
func maySubscribe(tenant string, who Identity, filter string) bool {
	switch who.Kind {
	case Agent:
		return among(filter, downKinds, func(kind string) string { return protocol.Down(tenant, who.ID, kind) })
	case Terminal:
		return filter == protocol.NoticeTopic(tenant, who.ID)
	}
	return false
}

func among(topic string, kinds []string, of func(kind string) string) bool {
	for _, k := range kinds {
		if topic == of(k) {
			return true
		}
	}
	return false
}

// Name reports whether s may stand in a topic as a tenant, an agent or an account: letters, digits, dot, dash and underscore,
// at most 64 bytes. Names with a slash or a wildcard would mean another topic.
func Name(s string) bool {
	if s == "" || len(s) > nameMax || s == "accounts" {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && r != '.' && r != '-' && r != '_'
	}) < 0
}

// nameMax keeps a topic of four names below 300 bytes, which the packet cap leaves room for.
const nameMax = 64
