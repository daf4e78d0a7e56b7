package archive

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"feikong/gateway/account"
	"feikong/protocol"
)

const good = `agents:
  - id: street-1
    password: secret
accounts:
  - id: "1001"
    customer: Li Lei
    currency: CNY
    tariff: flat
    policy: demo
    credit: "5.00"
    cycle_used: "2518.50"
    capacity_w: 8800
    terminal: t-1001
    webhook: http://127.0.0.1:9000/notices
    points:
      - id: 1001-1
        agent: street-1
        line: l1
        address: "000000000101"
        model: dlt645-2007
        opening: "100.00"
        max_rate: "20"
        switch: {kind: meter, trip: true, permit: true, close: true, feedback: true, level: 2, password: "123456", operator: "00000001"}
`

func TestArchiveIsReadWhole(t *testing.T) {
	book, err := Parse("archive.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	want := &Book{
		Agents: []Agent{{"street-1", "secret"}},
		Profiles: []account.Profile{{
			ID: "1001", Version: 1, Customer: "Li Lei", Currency: "CNY", TariffID: "flat", PolicyID: "demo", Credit: 50000, CycleUsed: 2518_500_000,
			Capacity: 8800, Terminal: "t-1001", Webhook: "http://127.0.0.1:9000/notices",
			Points: []account.PointProfile{{
				ID: "1001-1", Agent: "street-1", Meter: protocol.MeterRef{Line: "l1", Address: "000000000101"}, Model: "dlt645-2007", Multiplier: 1, Digits: 6,
				Opening: 100_000_000, HasOpening: true, MaxRate: 20_000_000,
				Switch: account.Switch{Kind: account.SwitchMeter, Trip: true, Permit: true, Close: true, Feedback: true,
					Password: [4]byte{0x02, 0x56, 0x34, 0x12}, Operator: [4]byte{0x01, 0, 0, 0}},
			}},
		}},
		Lines: []int{5},
	}
	if diff := cmp.Diff(want, book); diff != "" {
		t.Error(diff)
	}
}

func TestArchiveFaultsNameTheLine(t *testing.T) {
	again := good[strings.Index(good, `  - id: "1001"`):]
	for _, c := range []struct{ name, old, new, want string }{
		{"misspelt key", "customer:", "custommer:", `line 6: unknown key "custommer", nearest is "customer"`},
		{"key twice", "    currency: CNY\n", "    currency: CNY\n    currency: CNY\n", `line 8: key "currency" stands here again, first on line 7`},
		{"account twice", "accounts:\n", "accounts:\n" + again, "account 1001 stands here again, first on line 5"},
		{"agent twice", "accounts:", "  - {id: street-1, password: x}\naccounts:", "line 4: agent street-1 stands here again, first on line 2"},
		{"agent without password", "password: secret", `password: ""`, "line 3: agent street-1 has no password"},
		{"agent with a slash", "id: street-1\n    pass", "id: street/1\n    pass", `line 2: id: "street/1" cannot stand in a topic`},
		{"agent like a terminal", "id: street-1\n    pass", "id: terminal-7\n    pass", "line 2: id: \"terminal-7\" begins like a terminal"},
		{"account with a wildcard", `id: "1001"`, `id: "+"`, `line 5: id: "+" cannot stand in a topic`},
		{"no tariff", "    tariff: flat\n", "", "line 5: account 1001 has no tariff"},
		{"unknown agent", "agent: street-1", "agent: street-9", `agent "street-9" of metering point 1001-1 is not in the list`},
		{"meter twice", "      - id: 1001-1", "      - {id: x, agent: street-1, line: l1, address: \"000000000101\"}\n      - id: 1001-1", "meter 000000000101 channel 0 on line l1 of agent street-1 stands here again, first on line 16"},
		{"the same meter written short", "      - id: 1001-1", "      - {id: x, agent: street-1, line: l1, address: \"101\", model: dlt645-2007}\n      - id: 1001-1", "meter 000000000101 channel 0 on line l1 of agent street-1 stands here again, first on line 16"},
		{"the same unit written long", "      - id: 1001-1", "      - {id: x, agent: street-1, line: l2, address: \"07\"}\n      - {id: y, agent: street-1, line: l2, address: \"7\"}\n      - id: 1001-1", "meter 7 channel 0 on line l2 of agent street-1 stands here again, first on line 16"},
		{"address of all meters", "000000000101", "AAAAAAAAAAAA", "is neither 12 digits of DL/T 645 nor a Modbus unit"},
		{"unit out of range", "address: \"000000000101\"\n        model: dlt645-2007", "address: \"248\"", "line 19: address: \"248\" is neither"},
		{"point twice", "      - id: 1001-1", "      - {id: 1001-1, agent: street-1, line: l1, address: \"2\"}\n      - id: 1001-1", "metering point 1001-1 stands here again"},
		{"negative credit", `"5.00"`, `"-5.00"`, "line 10: credit: -5.00 is below zero"},
		{"multiplier zero", "opening:", "multiplier: 0\n        opening:", "multiplier: 0 is not from 1"},
		{"no way back", "permit: true, close: true", "permit: false, close: false", "can trip but neither close nor permit"},
		{"no feedback", "feedback: true", "feedback: false", "cannot be read back"},
		{"short password", `"123456"`, `"1234"`, "password: want six digits"},
		{"webhook scheme", "http://127", "ftp://127", "is not an http or https URL"},
		{"webhook password", "http://127", "http://u:p@127", "is not an http or https URL"},
		{"empty terminal", "terminal: t-1001", `terminal: ""`, "terminal: the password is empty"},
		{"amount too fine", `"5.00"`, `"5.000001"`, "line 10: credit:"},
	} {
		text := strings.Replace(good, c.old, c.new, 1)
		if text == good {
			t.Fatalf("%s: nothing changed", c.name)
		}
		if _, err := Parse("archive.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func TestSwitchNoneIsNoSwitch(t *testing.T) {
	at := strings.Index(good, "switch:")
	book, err := Parse("a", []byte(good[:at]+"switch: {kind: none}\n"))
	if err != nil || book.Profiles[0].Points[0].Switch != (account.Switch{}) {
		t.Errorf("got %+v, %v", book, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("accounts: [{id: x}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		book, err := Parse("a", data)
		if err == nil && book == nil {
			t.Error("no book and no error")
		}
	})
}

func TestHouseholdsAreReadAndTheirFaultsTold(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{persons: 5, since: "2026-03-15", words: [low-income]}`, ""},
		{`{persons: 0}`, "line 13: persons: 0 is not from 1 to 1000"},
		{`{since: "15.03.2026"}`, `line 13: since: "15.03.2026" is not a date such as 2026-03-15`},
		{`{words: [` + strings.Repeat("a,", 33) + `]}`, "household has 33 words, at most 32"},
		{`{person: 5}`, `line 13: unknown key "person", nearest is "persons"`},
	} {
		book, err := Parse("archive.yaml", []byte(strings.Replace(good, "    terminal:", "    household: "+c.text+"\n    terminal:", 1)))
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(account.Household{Persons: 5, Since: "2026-03-15", Words: []string{"low-income"}}, book.Profiles[0].Household); d != "" {
			t.Error(d)
		}
	}
}
