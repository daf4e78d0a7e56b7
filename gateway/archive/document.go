// Package archive reads the archive 档案 file: the agents that may connect, and the accounts with their metering points, meters and
// switches. It is what staff keyed in, never what was measured.
package archive

import (
	"feikong/billing"
	"feikong/internal/document"
)

// raw is the file as written; only a checked Book leaves the package.
type raw struct {
	Agents   []rawAgent   `yaml:"agents"`
	Accounts []rawAccount `yaml:"accounts"`
}

type rawAgent struct {
	Line     document.Line
	ID       document.Of[string] `yaml:"id"`
	Password document.Of[string] `yaml:"password"`
}

type rawAccount struct {
	Line      document.Line
	ID        document.Of[string]         `yaml:"id"`
	Customer  document.Of[string]         `yaml:"customer"`
	Address   document.Of[string]         `yaml:"address"`
	Currency  document.Of[string]         `yaml:"currency"`
	Tariff    document.Of[string]         `yaml:"tariff"`
	Policy    document.Of[string]         `yaml:"policy"`
	Credit    document.Of[billing.Money]  `yaml:"credit"`
	CycleUsed document.Of[billing.Energy] `yaml:"cycle_used"`
	CapacityW document.Of[int64]          `yaml:"capacity_w"`
	Terminal  document.Of[string]         `yaml:"terminal"`
	Webhook   document.Of[string]         `yaml:"webhook"`
	Points    []rawPoint                  `yaml:"points"`
	Household *rawHousehold               `yaml:"household"`
}

type rawHousehold struct {
	Line    document.Line
	Persons document.Of[int]    `yaml:"persons"`
	Since   document.Of[string] `yaml:"since"`
	Words   []string            `yaml:"words"`
}

type rawPoint struct {
	Line       document.Line
	ID         document.Of[string]         `yaml:"id"`
	Agent      document.Of[string]         `yaml:"agent"`
	OnLine     document.Of[string]         `yaml:"line"`
	Address    document.Of[string]         `yaml:"address"`
	Channel    document.Of[int]            `yaml:"channel"`
	Model      document.Of[string]         `yaml:"model"`
	Multiplier document.Of[int64]          `yaml:"multiplier"`
	Digits     document.Of[int]            `yaml:"digits"`
	Opening    document.Of[billing.Energy] `yaml:"opening"`
	MaxRate    document.Of[billing.Energy] `yaml:"max_rate"`
	Switch     *rawSwitch                  `yaml:"switch"`
}

type rawSwitch struct {
	Line     document.Line
	Kind     document.Of[string] `yaml:"kind"`
	Trip     document.Of[bool]   `yaml:"trip"`
	Permit   document.Of[bool]   `yaml:"permit"`
	Close    document.Of[bool]   `yaml:"close"`
	Feedback document.Of[bool]   `yaml:"feedback"`
	Level    document.Of[int]    `yaml:"level"`
	Password document.Of[string] `yaml:"password"`
	Operator document.Of[string] `yaml:"operator"`
}
