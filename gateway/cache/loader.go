package cache

import (
	"crypto/sha256"
	"fmt"
	"time"

	"feikong/billing/audit"
	"feikong/billing/policy"
	"feikong/billing/tariff"
	"feikong/gateway/account"
	"feikong/internal/document"
)

// The regions a rule document may name, in account.Document.Region.
const (
	documentTariff    = "tariff"
	documentPolicy    = "policy"
	documentAudit     = "audit"
	documentParameter = "parameter"
)

// Loader gives the function that turns rule documents into the configuration in force. Each document is parsed once, for
// ever: its region keeps the result under the document's hash. Errors name the document, its line, and what to do.
func Loader(c *Cache) func(docs []account.Document) (*account.Config, error) {
	return func(docs []account.Document) (*account.Config, error) {
		l := loader{cache: c, from: map[string]string{}, config: &account.Config{
			Tariffs: map[string][]tariff.Version{}, Policies: map[string]policy.Policy{}, Audit: audit.DefaultRules(), Timezone: "UTC"}}
		for i := range docs {
			if err := l.add(&docs[i]); err != nil {
				return nil, err
			}
		}
		return l.config, nil
	}
}

type loader struct {
	cache  *Cache
	config *account.Config
	from   map[string]string // what was defined: document that did
}

func (l *loader) add(d *account.Document) error {
	switch d.Region {
	case documentTariff:
		return l.tariffs(d)
	case documentPolicy:
		return l.policies(d)
	case documentAudit:
		rules, err := load(l.cache, AuditRules, d, audit.Parse)
		if err != nil {
			return err
		}
		l.config.Audit = rules
		return l.once("audit rules", d)
	case documentParameter:
		p, err := load(l.cache, Parameters, d, parseParameters)
		if err != nil {
			return err
		}
		l.config.Timezone = p.Timezone
		return l.once("system parameters", d)
	}
	return fmt.Errorf("%s: region %q is not known: give tariff, policy, audit or parameter", d.Name, d.Region)
}

// once refuses a second document for the same thing: which of them counts would depend on their names.
func (l *loader) once(what string, d *account.Document) error {
	if first, twice := l.from[what]; twice {
		return fmt.Errorf("%s: %s are in %s already: put them into one document", d.Name, what, first)
	}
	l.from[what] = d.Name
	return nil
}

func (l *loader) tariffs(d *account.Document) error {
	versions, err := load(l.cache, Tariffs, d, tariff.Parse)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, v := range versions {
		if !seen[v.ID] {
			seen[v.ID] = true
			if err := l.once("versions of tariff "+v.ID, d); err != nil {
				return err
			}
		}
		l.config.Tariffs[v.ID] = append(l.config.Tariffs[v.ID], v)
	}
	return nil
}

func (l *loader) policies(d *account.Document) error {
	policies, err := load(l.cache, Policies, d, policy.Parse)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, p := range policies {
		if !seen[p.ID] {
			seen[p.ID] = true
			if err := l.once("versions of policy "+p.ID, d); err != nil {
				return err
			}
		}
		if before, ok := l.config.Policies[p.ID]; !ok || p.Version > before.Version {
			l.config.Policies[p.ID] = p // the newest is in force
		}
	}
	return nil
}

func load[T any](c *Cache, region string, d *account.Document, parse func(name string, data []byte) (T, error)) (T, error) {
	key := Key{ID: d.Name, Sum: sha256.Sum256(d.Body)}
	// Parsed, a document takes a few times its text.
	return Load(c.Region(region), key, int64(4*len(d.Body)), func() (T, error) { return parse(d.Name, d.Body) })
}

// parameters are the system parameters 系统参数.
type parameters struct {
	Timezone string
}

func parseParameters(name string, data []byte) (parameters, error) {
	var raw struct {
		Timezone document.Of[string] `yaml:"timezone"`
	}
	if err := document.Decode(name, data, &raw); err != nil {
		return parameters{}, err
	}
	if !raw.Timezone.Present() {
		return parameters{}, document.Errorf(name, 0, "there is no timezone; give an IANA name, such as Asia/Shanghai")
	}
	if _, err := time.LoadLocation(raw.Timezone.Value); err != nil || raw.Timezone.Value == "" || raw.Timezone.Value == "Local" {
		return parameters{}, document.Errorf(name, int(raw.Timezone.Line), "timezone %q is not known; give an IANA name, such as Asia/Shanghai", raw.Timezone.Value)
	}
	return parameters{raw.Timezone.Value}, nil
}
