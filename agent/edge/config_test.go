package edge

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"feikong/agent/outbox"
	"feikong/configs"
)

func writeFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const small = `agent: a1
data: d
broker: {url: "tcp://127.0.0.1:1883"}
lines:
  - name: l1
    port: /dev/ttyS0
    protocol: dlt645
    meters:
      - {address: "101"}
`

func TestExamplesAreSound(t *testing.T) {
	street, err := configs.Street.ReadFile("street/agent.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Load(writeFile(t, string(street)))
	if err != nil {
		t.Fatal(err)
	}
	if !c.Bench || len(c.Lines) != 2 || len(c.Lines[0].Meters) != 8 || len(c.Lines[1].Meters) != 4 {
		t.Errorf("got %+v", c)
	}
	if c, err = Load(writeFile(t, string(configs.Agent))); err != nil {
		t.Fatal(err)
	}
	if c.Bench || c.Poll.Interval != time.Minute {
		t.Errorf("got bench %t, interval %v", c.Bench, c.Poll.Interval)
	}
}

func TestDefaultsAreThoseOfTheExample(t *testing.T) {
	c, err := Load(writeFile(t, small))
	if err != nil {
		t.Fatal(err)
	}
	e, err := Load(writeFile(t, string(configs.Agent)))
	if err != nil {
		t.Fatal(err)
	}
	if c.Poll != e.Poll || c.Outbox != e.Outbox || c.Status != e.Status || c.Tenant != e.Tenant || c.Zone != e.Zone {
		t.Errorf("got %+v, the example says %+v", c, e)
	}
	l := c.Lines[0]
	if l.Baud != 2400 || l.Parity != "even" || l.StopBits != 1 || l.Meters[0].Ref.Address != "000000000101" {
		t.Errorf("got %+v", l)
	}
	if !filepath.IsAbs(c.Data) || filepath.Base(c.Data) != "d" {
		t.Errorf("data %s is not beside the file", c.Data)
	}
}

func TestBadConfigurationsAreToldClearly(t *testing.T) {
	for _, row := range []struct{ name, old, new, want string }{
		{"misspelt key", "protocol: dlt645", "protocl: dlt645", "protocol"},
		{"line of the key", "protocol: dlt645", "protocl: dlt645", "7"},
		{"edition", `{address: "101"}`, `{address: "101", edition: "2012"}`, "not auto, 2007 or 1997"},
		{"security", `{address: "101"}`, `{address: "101", security: none}`, "not plain or sealed"},
		{"meter's parity", `{address: "101"}`, `{address: "101", parity: sometimes}`, "parity"},
		{"clock", "data: d", "data: d\nclock: always", "not off or broadcast"},
		{"gap", "protocol: dlt645", "protocol: dlt645\n    gap: 3s", "lines[0].gap: 3s is not between 0s and 1s"},
		{"latency", "protocol: dlt645", "protocol: dlt645\n    latency: -1s", "lines[0].latency"},
		{"meter's baud behind a serial server", "/dev/ttyS0\n    protocol: dlt645\n    meters:\n      - {address: \"101\"", "tcp://127.0.0.1:4001\n    protocol: dlt645\n    meters:\n      - {address: \"101\", baud: 1200", "another port"},
		{"the same baud behind a serial server", "/dev/ttyS0\n    protocol: dlt645\n    meters:\n      - {address: \"101\"", "tcp://127.0.0.1:4001\n    protocol: dlt645\n    meters:\n      - {address: \"101\", baud: 2400", ""},
		{"reread", "data: d", "data: d\nhistory: {reread_days: 99}", "history.reread_days"},
		{"no agent", "agent: a1", "agent: ''", "agent: missing"},
		{"topic signs", "agent: a1", "agent: a/+", "part of a topic"},
		{"wildcard address", `"101"`, `"AAAAAAAAAAAA"`, "more than one meter"},
		{"broadcast", `"101"`, `"999999999999"`, "more than one meter"},
		{"duplicate meter", `- {address: "101"}`, "- {address: \"101\"}\n      - {address: \"0101\"}", "lines[0].meters[1] (line 10 of the file): line l1, address 000000000101, channel 0 is already lines[0].meters[0] (line 9 of the file)"},
		{"unknown protocol", "protocol: dlt645", "protocol: iec1107", "not dlt645 or modbus"},
		{"unknown model", "dlt645\n    meters:\n      - {address: \"101\"}", "modbus\n    meters:\n      - {address: \"1\", model: sdm120}", "known are acrel-adf400l-1p"},
		{"unit id", "dlt645\n    meters:\n      - {address: \"101\"}", "modbus\n    meters:\n      - {address: \"248\", model: eastron-sdm230}", "1 to 247"},
		{"unit id in tcp", "port: /dev/ttyS0\n    protocol: dlt645\n    meters:\n      - {address: \"101\"}", "port: tcp://127.0.0.1:502\n    protocol: modbus\n    framing: tcp\n    meters:\n      - {address: \"255\", model: eastron-sdm230}", ""},
		{"tcp on a serial line", "dlt645\n    meters:\n      - {address: \"101\"}", "modbus\n    framing: tcp\n    meters:\n      - {address: \"1\", model: eastron-sdm230}", "lines[0].framing: tcp wants a port like"},
		{"framing", "dlt645\n    meters:\n      - {address: \"101\"}", "modbus\n    framing: ascii\n    meters:\n      - {address: \"1\", model: eastron-sdm230}", "not rtu or tcp"},
		{"framing of another protocol", "protocol: dlt645", "protocol: dlt645\n    framing: rtu", "only for modbus lines"},
		{"channel of a plain meter", "dlt645\n    meters:\n      - {address: \"101\"}", "modbus\n    meters:\n      - {address: \"1\", channel: 2, model: eastron-sdm230}", "is one meter and has no channel 2"},
		{"no channel of a box", "dlt645\n    meters:\n      - {address: \"101\"}", "modbus\n    meters:\n      - {address: \"1\", model: acrel-adf400l-1p}", "want 1 to 36"},
		{"missing model file", "data: d", "data: d\nmodels: [none.yaml]", "models: open"},
		{"bench far away", "data: d", "data: d\nrelay: bench", ""},
		{"bench with a far broker", `"tcp://127.0.0.1:1883"}`, "\"tcp://10.0.0.1:1883\"}\nrelay: bench", "broker.url names 10.0.0.1"},
		{"password in the url", "tcp://127.0.0.1", "tcp://u:secret@127.0.0.1", "broker.password"},
		{"no port number", ":1883", "", "host and port"},
		{"interval", "data: d", "data: d\npoll: {interval: 1ms}", "poll.interval"},
		{"tiny outbox", "data: d", "data: d\noutbox: {max_bytes: 1000}", "outbox.max_bytes"},
		{"zone", "data: d", "data: d\nzone: Mars/Olympus", "such as Asia/Shanghai"},
		{"parity", "protocol: dlt645", "protocol: dlt645\n    parity: mark", "parity"},
		{"no lines", small[strings.Index(small, "lines:"):], "lines: []\n", "lines: missing"},
	} {
		text := strings.Replace(small, row.old, row.new, 1)
		if text == small {
			t.Fatalf("%s: nothing replaced", row.name)
		}
		_, err := Load(writeFile(t, text))
		switch {
		case row.want == "" && err != nil:
			t.Errorf("%s: %v", row.name, err)
		case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
			t.Errorf("%s: got %v, want %q", row.name, err, row.want)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: the error shows the password: %v", row.name, err)
		}
	}
}

func TestPasswordComesFromTheEnvironment(t *testing.T) {
	t.Setenv(PasswordVariable, "from-env")
	c, err := Load(writeFile(t, small))
	if err != nil || c.Broker.Password != "from-env" {
		t.Errorf("got %v", err)
	}
}

func TestMissingPortIsNamedAtStart(t *testing.T) {
	c, err := Load(writeFile(t, strings.Replace(small, "/dev/ttyS0", "/dev/ttyNone", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if err = probe(c); err == nil || !strings.Contains(err.Error(), "lines[0].port (line l1)") || !strings.Contains(err.Error(), "plugged in") {
		t.Errorf("got %v", err)
	}
}

func FuzzConfig(f *testing.F) {
	f.Add(small)
	f.Add(string(configs.Agent))
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Load(writeFile(t, text))
		if err != nil {
			return
		}
		if c.Agent == "" || len(c.Lines) == 0 || c.Outbox.MaxBytes < outbox.MinBytes || c.Zone == nil {
			t.Errorf("accepted %+v", c)
		}
	})
}

func TestModelsOfTheUserAreReadBesideTheConfiguration(t *testing.T) {
	own := `model: acme-m1
maker: Acme
manual: "Acme M1 protocol V1.2"
points:
  - {quantity: active_import, function: 3, address: 0, type: u32, step: 0.01, side: primary}
`
	text := strings.Replace(small, "data: d", "data: d\nmodels: [acme.yaml]", 1)
	text = strings.Replace(text, "dlt645\n    meters:\n      - {address: \"101\"}", "modbus\n    meters:\n      - {address: \"1\", model: acme-m1}", 1)
	path := writeFile(t, text)
	model := filepath.Join(filepath.Dir(path), "acme.yaml")
	for in, want := range map[string]string{
		own:                                   "",
		strings.Replace(own, "u32", "u33", 1): `models: acme.yaml: line 5: type: "u33" is not one of u16`,
		strings.Replace(own, "acme-m1", "eastron-sdm230", 1): "built in; give yours a name of its own",
	} {
		if err := os.WriteFile(model, []byte(in), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path)
		switch {
		case want == "" && (err != nil || c.Lines[0].Meters[0].Model.Maker != "Acme"):
			t.Error(err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
