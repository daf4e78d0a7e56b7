package headend

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"feikong/billing/tariff"
	"feikong/billing/usage"
	"feikong/gateway/account"
	"feikong/gateway/archive"
	"feikong/gateway/cache"
	"feikong/gateway/mqtt"
	"feikong/internal/daemon"
)

// file is gateway.yaml as written; only a checked Config travels on.
type file struct {
	Tenant  string    `yaml:"tenant"`
	Data    string    `yaml:"data"`
	HTTP    httpFile  `yaml:"http"`
	MQTT    mqttFile  `yaml:"mqtt"`
	Archive string    `yaml:"archive"`
	Rules   rulesFile `yaml:"rules"`
	Log     logFile   `yaml:"log"`
}

type httpFile struct {
	Listen string `yaml:"listen"`
	Secure bool   `yaml:"secure"`
}

type mqttFile struct {
	Listen     string `yaml:"listen"`
	MaxClients int    `yaml:"max_clients"`
}

type rulesFile struct {
	Tariffs    []string `yaml:"tariffs"`
	Policies   []string `yaml:"policies"`
	Audit      string   `yaml:"audit"`
	Parameters string   `yaml:"parameters"`
}

type logFile struct {
	Level string `yaml:"level"`
}

// Config is a checked configuration with everything it names read and checked too.
type Config struct {
	Tenant     string
	Data       string // directory
	HTTPListen string
	Secure     bool // cookies only over TLS
	MQTTListen string
	MaxClients int
	LogLevel   string
	Book       *archive.Book
	Documents  []account.Document
}

// documentsMax bounds what a pattern may match; a province has a few dozen documents.
const documentsMax = 2000

// Load reads and checks a configuration, the archive and the rule documents it names. Relative paths are relative to its directory.
// Errors name the file, the line where there is one, and the remedy.
func Load(path string) (*Config, error) {
	f := file{
		Tenant: "default", HTTP: httpFile{Listen: "127.0.0.1:8420"}, MQTT: mqttFile{Listen: "127.0.0.1:18830", MaxClients: 4096},
		Archive: "archive.yaml",
	}
	if err := daemon.Load(path, &f); err != nil {
		return nil, err
	}
	c, err := f.check(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// DataOf is the data directory a configuration names, for programs that need no more of it.
func DataOf(path string) (string, error) {
	var f file
	if err := daemon.Load(path, &f); err != nil {
		return "", err
	}
	if f.Data == "" {
		return "", fmt.Errorf("%s: data: missing", path)
	}
	return within(filepath.Dir(path), f.Data), nil
}

func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// check gives all that is wrong at once.
func (f *file) check(dir string) (*Config, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !mqtt.Name(f.Tenant) {
		bad("tenant: %q cannot stand in a topic; use letters, digits, dot, dash and underscore, at most 64", f.Tenant)
	}
	if f.Data == "" {
		bad("data: missing; give the directory of everything that must survive")
	}
	for _, l := range []struct{ key, value string }{{"http.listen", f.HTTP.Listen}, {"mqtt.listen", f.MQTT.Listen}} {
		if _, port, err := net.SplitHostPort(l.value); err != nil || port == "" {
			bad("%s: %q is not an address such as 127.0.0.1:8420", l.key, l.value)
		}
	}
	if f.MQTT.MaxClients < 1 || f.MQTT.MaxClients > 65536 {
		bad("mqtt.max_clients: %d is not from 1 to 65536", f.MQTT.MaxClients)
	}
	if _, err := daemon.Logger(os.Stderr, f.Log.Level); err != nil {
		bad("log.level: %w", err)
	}
	c := &Config{
		Tenant: f.Tenant, Data: within(dir, f.Data), HTTPListen: f.HTTP.Listen, Secure: f.HTTP.Secure,
		MQTTListen: f.MQTT.Listen, MaxClients: f.MQTT.MaxClients, LogLevel: f.Log.Level,
	}
	var err error
	if f.Archive == "" {
		bad("archive: missing")
	} else if c.Book, err = archive.Load(within(dir, f.Archive)); err != nil {
		bad("archive: %w", err)
	}
	if c.Documents, err = f.Rules.read(dir); err != nil {
		bad("%w", err)
	}
	if len(errs) == 0 {
		errs = append(errs, c.links()...)
	}
	return c, errors.Join(errs...)
}

// read gathers the rule documents, in the order of region and name.
func (r *rulesFile) read(dir string) ([]account.Document, error) {
	var docs []account.Document
	var errs []error
	for _, region := range []struct {
		name, key string
		patterns  []string
	}{
		{"tariff", "rules.tariffs", r.Tariffs}, {"policy", "rules.policies", r.Policies},
		{"audit", "rules.audit", one(r.Audit)}, {"parameter", "rules.parameters", one(r.Parameters)},
	} {
		if len(region.patterns) == 0 {
			errs = append(errs, fmt.Errorf("%s: missing", region.key))
		}
		for _, pattern := range region.patterns {
			found, err := filepath.Glob(within(dir, pattern))
			if err != nil || len(found) == 0 {
				errs = append(errs, fmt.Errorf("%s: no file matches %q", region.key, pattern))
				continue
			}
			slices.Sort(found)
			for _, path := range found {
				if len(docs) >= documentsMax {
					return nil, fmt.Errorf("%s: more than %d documents", region.key, documentsMax)
				}
				body, err := daemon.ReadFile(path)
				if err != nil {
					errs = append(errs, fmt.Errorf("%s: %w", region.key, err))
					continue
				}
				name, err := filepath.Rel(dir, path)
				if err != nil {
					name = filepath.Base(path)
				}
				docs = append(docs, account.Document{Region: region.name, Name: filepath.ToSlash(name), Body: body})
			}
		}
	}
	return docs, errors.Join(errs...)
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// links checks that the rules can be in force together, and that what an account names is there: a tariff of its currency, and a policy.
func (c *Config) links() (errs []error) {
	regions, err := cache.New(cache.Options{})
	if err != nil {
		return []error{err}
	}
	defer regions.Close()
	rules, err := cache.Loader(regions)(c.Documents)
	if err != nil {
		return []error{fmt.Errorf("rules: %w", err)}
	}
	currencies := map[string]string{}
	for id, versions := range rules.Tariffs {
		currencies[id] = versions[0].Currency
	}
	policies := rules.Policies
	c.rename()
	asked := map[string]bool{}
	for i := range c.Book.Profiles {
		p := &c.Book.Profiles[i]
		if !asked[p.TariffID] {
			asked[p.TariffID] = true
			if err := countable(rules.Tariffs[p.TariffID]); err != nil {
				errs = append(errs, fmt.Errorf("archive: line %d: account %s: %w", c.Book.Lines[i], p.ID, err))
			}
		}
		switch currency, ok := currencies[p.TariffID]; {
		case !ok:
			errs = append(errs, fmt.Errorf("archive: line %d: account %s: there is no tariff %q; tariffs are %s", c.Book.Lines[i], p.ID, p.TariffID, list(currencies)))
		case currency != p.Currency:
			errs = append(errs, fmt.Errorf("archive: line %d: account %s: its currency is %s, its tariff's is %s", c.Book.Lines[i], p.ID, p.Currency, currency))
		}
		if _, ok := policies[p.PolicyID]; !ok {
			errs = append(errs, fmt.Errorf("archive: line %d: account %s: there is no policy %q; policies are %s", c.Book.Lines[i], p.ID, p.PolicyID, list(policies)))
		}
	}
	const most = 20 // sentences: one wrong id in ten thousand accounts needs to be told once
	if len(errs) > most {
		errs = append(errs[:most], fmt.Errorf("and %d more", len(errs)-most))
	}
	return errs
}

// countable reports a band that no rate register of a meter counts. The gateway tells bands by registers alone: the meter has the hours
// and the holidays of a calendar in its own tables, and no hourly values are kept for every account.
func countable(versions []tariff.Version) error {
	for i := range versions {
		v := &versions[i]
		if !usage.Banded(v) {
			continue
		}
		for k := range v.Bands {
			if v.Bands[k].Register != 0 || k == v.Remainder {
				continue // what the total has and the registers have not is the remainder's
			}
			by := "its hours"
			if v.Calendar != "" {
				by = "calendar " + v.Calendar
			}
			return fmt.Errorf("version %d of tariff %s tells band %s by %s, and no register of the meter counts it; give the band its register, or choose a tariff without it (gateway quote prices it from hourly values)",
				v.Number, v.ID, v.Bands[k].Code, by)
		}
	}
	return nil
}

// rename gives documents names that outlive their files: a tariff that is moved to another file is the same tariff, and must not
// stand beside itself in the store.
func (c *Config) rename() {
	for i := range c.Documents {
		d := &c.Documents[i]
		switch d.Region {
		case "tariff":
			if versions, err := tariff.Parse(d.Name, d.Body); err == nil && len(versions) > 0 {
				d.Name = versions[0].ID
			}
		case "audit", "parameter":
			d.Name = d.Region
		}
	}
}

func list[V any](of map[string]V) string {
	names := make([]string, 0, len(of))
	for name := range of {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// Import is the event that brings the archive and the rules into force. What is the same by content changes nothing; its key is
// new at each start, because going back to an earlier archive is a change like any other.
func (c *Config) Import(actor string) account.Event {
	return account.Event{
		Key: fmt.Sprintf("archive/%d-%s", time.Now().UnixMilli(), rand.Text()[:6]), Actor: actor,
		Archive: &account.Archive{Profiles: c.Book.Profiles, Documents: c.Documents},
	}
}
