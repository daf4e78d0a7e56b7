package headend

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"feikong/billing/audit"
)

func TestShippedConfigurationsAreRight(t *testing.T) {
	for path, want := range map[string]struct{ accounts, points, agents int }{
		"../../configs/gateway.yaml":        {1, 1, 1},
		"../../configs/street/gateway.yaml": {11, 12, 1},
	} {
		c, err := Load(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		points := 0
		for i := range c.Book.Profiles {
			points += len(c.Book.Profiles[i].Points)
		}
		if len(c.Book.Profiles) != want.accounts || points != want.points || len(c.Book.Agents) != want.agents {
			t.Errorf("%s: got %d accounts, %d points, %d agents, want %+v", path, len(c.Book.Profiles), points, len(c.Book.Agents), want)
		}
		for _, d := range c.Documents {
			if d.Region == "audit" {
				if _, err := audit.Parse(d.Name, d.Body); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// TestExplainedAuditRulesAreTheDefaults keeps the comments of audit.yaml true.
func TestExplainedAuditRulesAreTheDefaults(t *testing.T) {
	body, err := os.ReadFile("../../configs/audit.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := audit.Parse("audit.yaml", body)
	if err != nil {
		t.Fatal(err)
	}
	if rules != audit.DefaultRules() {
		t.Errorf("got %+v, want the defaults %+v", rules, audit.DefaultRules())
	}
}

func TestConfigurationFaultsAreTold(t *testing.T) {
	for _, c := range []struct{ name, file, old, new, want string }{
		{"misspelt key", "gateway.yaml", "listen: 127.0.0.1:8420", "lissen: 127.0.0.1:8420", `line 5: unknown key "lissen", nearest is "listen"`},
		{"bad address", "gateway.yaml", "127.0.0.1:18830", "18830", `mqtt.listen: "18830" is not an address`},
		{"bad tenant", "gateway.yaml", "tenant: default", "tenant: a/b", "cannot stand in a topic"},
		{"no data", "gateway.yaml", "data: gateway\n", "", "data: missing"},
		{"bad level", "gateway.yaml", "level: info", "level: loud", `log level "loud" is not known`},
		{"no such file", "gateway.yaml", "[policies.yaml]", "[polices.yaml]", `rules.policies: no file matches "polices.yaml"`},
		{"no such archive", "gateway.yaml", "archive: archive.yaml", "archive: nowhere.yaml", "no such file"},
		{"unknown tariff", "archive.yaml", "tariff: flat", "tariff: flatt", `archive: line 10: account 1001: there is no tariff "flatt"; tariffs are flat, shandong-household`},
		{"unknown policy", "archive.yaml", "policy: demo", "policy: demos", `account 1001: there is no policy "demos"; policies are demo`},
		{"wrong currency", "archive.yaml", "currency: CNY", "currency: EUR", "its currency is EUR, its tariff's is CNY"},
		{"misspelt key of the archive", "archive.yaml", "customer:", "custmer:", `archive.yaml: line 11: unknown key "custmer", nearest is "customer"`},
		{"misspelt key of a tariff", "tariff-flat.yaml", "currency:", "curency:", `tariff-flat.yaml: line 4: unknown key "curency", nearest is "currency"`},
		{"misspelt key of a policy", "policies.yaml", "trip_below:", "trip_bellow:", `policies.yaml: line 10: unknown key "trip_bellow", nearest is "trip_below"`},
		{"misspelt audit rule", "audit.yaml", "  A01:", "  A1:", `audit.yaml: line 3: unknown key "A1", nearest is "A01"`},
		{"misspelt parameter", "parameters.yaml", "timezone:", "timezon:", `parameters.yaml: line 2: unknown key "timezon", nearest is "timezone"`},
		{"tariff overlap", "tariff-shandong-household.yaml", "over: 2520", "over: 2500", "overlap: tier 2 begins over 2500 kWh, but tier 1 goes up to 2520"},
		{"tariff gap", "tariff-shandong-household.yaml", "over: 2520", "over: 2600", "rules: tariff-shandong-household.yaml: line"},
		{"duplicate meter", "archive.yaml", "000000000102", "000000000101", "stands here again, first on line"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("../../configs/street")); err != nil {
				t.Fatal(err)
			}
			body, err := os.ReadFile(filepath.Join(dir, c.file))
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Replace(string(body), c.old, c.new, 1)
			if text == string(body) {
				t.Fatal("nothing changed")
			}
			if err := os.WriteFile(filepath.Join(dir, c.file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Load(filepath.Join(dir, "gateway.yaml")); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// The gateway tells bands by the meter's registers; what only a calendar or the hours can tell is refused before anybody is priced by it.
func TestABandThatNoRegisterCountsIsRefused(t *testing.T) {
	const document = `tariff: flat
name: {en: hours}
currency: CNY
utc_offset: "+08:00"
versions:
  - number: 1
    valid_from: 2019-01-01
    document: example
    decimals: 2
    kind: composed
    bands: [{code: peak, register: 2}, {code: rest}, {code: valley, register: 4}]
    remainder: {band: rest}
    calendar: cn
    schedule:
      - {days: [workday], hours: [{band: peak, at: [08:00-22:00]}, {band: valley, at: [22:00-08:00]}]}
      - {days: [weekend, holiday], hours: [{band: rest, at: [00:00-24:00]}]}
    components: [{energy: {prices: [{band: peak, price: 0.6}, {band: rest, price: 0.5}, {band: valley, price: 0.3}]}}]
`
	for _, c := range []struct{ name, old, new, want string }{
		{"the rest of the total needs no register", "register: 4", "register: 4", ""},
		{"a band of the calendar", ", register: 2", "", "archive: line 10: account 1001: version 1 of tariff flat tells band peak by calendar cn, and no register of the meter counts it; give the band its register"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("../../configs/street")); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "tariff-flat.yaml"), []byte(strings.Replace(document, c.old, c.new, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Load(filepath.Join(dir, "gateway.yaml"))
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestAccessIsForThisUserAlone(t *testing.T) {
	dir := t.TempDir()
	if _, ok, err := ReadAccess(dir); ok || err != nil {
		t.Errorf("got %v, %v, want nothing there", ok, err)
	}
	want := Access{URL: "http://127.0.0.1:1", Token: "x"}
	for range 2 { // a killed gateway leaves the old one
		if err := writeAccess(dir, want); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, accessFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want mode 0600", info, err)
	}
	if got, ok, err := ReadAccess(dir); got != want || !ok || err != nil {
		t.Errorf("got %+v, %v, %v", got, ok, err)
	}
	if err := removeAccess(dir); err != nil {
		t.Error(err)
	}
	if err := removeAccess(dir); err != nil {
		t.Errorf("a second removal: %v", err)
	}
}
