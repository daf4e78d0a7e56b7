package archive

import (
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"feikong/gateway/account"
	"feikong/internal/document"
	"feikong/protocol"
	"feikong/protocol/dlt645"
)

// Bounds of an archive file. A larger site is split over several gateways, or imported through the API.
const (
	agentsMax = 4096   // as many as the broker lets connect
	pointsMax = 64     // metering points of one account
	webMax    = 500    // bytes of a webhook's URL
	digitsDef = 6      // whole digits of most registers
	digitsMax = 12     // beyond it mWh no longer fit 64 bits
	scaleMax  = 100000 // CT x PT of a 220 kV bay
)

// Agent is one edge program that may connect.
type Agent struct {
	ID       string
	Password string // at the broker
}

// Book is a checked archive file. It is immutable and safe to share.
type Book struct {
	Agents   []Agent
	Profiles []account.Profile // No is 0: the store allocates it
	Lines    []int             // where each profile begins in the file, for those who check it against other files
}

// Load reads and checks an archive file. Errors name the file, the line and the remedy.
func Load(path string) (*Book, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	return Parse(path, data)
}

// Parse checks an archive document; name is what errors call it.
func Parse(name string, data []byte) (*Book, error) {
	var r raw
	if err := document.Decode(name, data, &r); err != nil {
		return nil, err
	}
	c := checker{
		name: name, book: &Book{}, agents: map[string]int{}, accounts: map[string]int{}, meters: map[string]int{}, points: map[string]int{},
	}
	if len(r.Agents) > agentsMax {
		return nil, c.fault(int(r.Agents[agentsMax].Line), "more than %d agents; split the site over several gateways", agentsMax)
	}
	for i := range r.Agents {
		if err := c.agent(&r.Agents[i]); err != nil {
			return nil, err
		}
	}
	for i := range r.Accounts {
		if err := c.account(&r.Accounts[i]); err != nil {
			return nil, err
		}
	}
	return c.book, nil
}

// checker turns raw into a Book; its maps hold the line of what was seen.
type checker struct {
	name                             string
	book                             *Book
	agents, accounts, meters, points map[string]int
}

func (c *checker) fault(line int, format string, args ...any) error {
	return document.Errorf(c.name, line, format, args...)
}

// once refuses what stands in the file a second time, with both lines.
func (c *checker) once(seen map[string]int, key string, line int, what string) error {
	if first, twice := seen[key]; twice {
		return c.fault(line, "%s stands here again, first on line %d; keep one", what, first)
	}
	seen[key] = line
	return nil
}

// name64 is what may stand in an MQTT topic as an agent or an account: no slash, no wildcard.
var name64 = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func (c *checker) topicName(v document.Of[string], block int, key string) error {
	switch {
	case !v.Present():
		return c.fault(block, "%s is missing", key)
	case !name64.MatchString(v.Value) || v.Value == "accounts":
		return c.fault(v.Line, "%s: %q cannot stand in a topic; use letters, digits, dot, dash and underscore, at most 64", key, v.Value)
	}
	return nil
}

func (c *checker) agent(r *rawAgent) error {
	if err := c.topicName(r.ID, int(r.Line), "id"); err != nil {
		return err
	}
	if len(r.ID.Value) >= 9 && r.ID.Value[:9] == "terminal-" {
		return c.fault(r.ID.Line, "id: %q begins like a terminal's user name; choose another", r.ID.Value)
	}
	if r.Password.Value == "" {
		return c.fault(max(r.Password.Line, int(r.Line)), "agent %s has no password; write one, the broker lets nobody in without", r.ID.Value)
	}
	if err := c.once(c.agents, r.ID.Value, r.ID.Line, "agent "+r.ID.Value); err != nil {
		return err
	}
	c.book.Agents = append(c.book.Agents, Agent{ID: r.ID.Value, Password: r.Password.Value})
	return nil
}

var currency = regexp.MustCompile(`^[A-Z]{3}$`)

func (c *checker) account(r *rawAccount) error {
	block := int(r.Line)
	if err := c.topicName(r.ID, block, "id"); err != nil {
		return err
	}
	if err := c.once(c.accounts, r.ID.Value, r.ID.Line, "account "+r.ID.Value); err != nil {
		return err
	}
	for _, need := range []struct {
		key string
		v   document.Of[string]
	}{{"currency", r.Currency}, {"tariff", r.Tariff}, {"policy", r.Policy}} {
		if need.v.Value == "" {
			return c.fault(max(need.v.Line, block), "account %s has no %s", r.ID.Value, need.key)
		}
	}
	switch {
	case !currency.MatchString(r.Currency.Value):
		return c.fault(r.Currency.Line, "currency: %q is not an ISO 4217 code such as CNY", r.Currency.Value)
	case r.Credit.Value < 0:
		return c.fault(r.Credit.Line, "credit: %s is below zero; the credit limit is 0 or more", r.Credit.Value)
	case r.CycleUsed.Value < 0:
		return c.fault(r.CycleUsed.Line, "cycle_used: %s is below zero", r.CycleUsed.Value)
	case r.CapacityW.Value < 0:
		return c.fault(r.CapacityW.Line, "capacity_w: %d is below zero; leave it out when it is not known", r.CapacityW.Value)
	case r.Terminal.Present() && r.Terminal.Value == "":
		return c.fault(r.Terminal.Line, "terminal: the password is empty; write one, or remove the key when there is no terminal")
	case len(r.Points) == 0 || len(r.Points) > pointsMax:
		return c.fault(block, "account %s has %d metering points; give 1 to %d", r.ID.Value, len(r.Points), pointsMax)
	}
	if r.Webhook.Present() {
		u, err := url.Parse(r.Webhook.Value)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || len(r.Webhook.Value) > webMax {
			return c.fault(r.Webhook.Line, "webhook: %q is not an http or https URL without a password", r.Webhook.Value)
		}
	}
	p := account.Profile{
		ID: r.ID.Value, Version: 1, Customer: r.Customer.Value, Address: r.Address.Value, Currency: r.Currency.Value,
		TariffID: r.Tariff.Value, PolicyID: r.Policy.Value, Credit: r.Credit.Value, CycleUsed: r.CycleUsed.Value,
		Capacity: r.CapacityW.Value, Terminal: r.Terminal.Value, Webhook: r.Webhook.Value,
	}
	if err := c.household(r.Household, &p.Household); err != nil {
		return err
	}
	for i := range r.Points {
		point, err := c.point(&r.Points[i])
		if err != nil {
			return err
		}
		p.Points = append(p.Points, point)
	}
	c.book.Profiles, c.book.Lines = append(c.book.Profiles, p), append(c.book.Lines, block)
	return nil
}

const (
	personsMax = 1000 // a dormitory; more is a mistake
	wordsMax   = 32   // of one account: tariffs know a handful
)

func (c *checker) household(r *rawHousehold, h *account.Household) error {
	if r == nil {
		return nil
	}
	if r.Persons.Present() && (r.Persons.Value < 1 || r.Persons.Value > personsMax) {
		return c.fault(r.Persons.Line, "persons: %d is not from 1 to %d", r.Persons.Value, personsMax)
	}
	if r.Since.Present() {
		if _, err := time.Parse(time.DateOnly, r.Since.Value); err != nil {
			return c.fault(r.Since.Line, "since: %q is not a date such as 2026-03-15", r.Since.Value)
		}
	}
	if len(r.Words) > wordsMax {
		return c.fault(int(r.Line), "household has %d words, at most %d", len(r.Words), wordsMax)
	}
	h.Persons, h.Since = r.Persons.Value, r.Since.Value
	if len(r.Words) > 0 {
		h.Words = r.Words
	}
	return nil
}

func (c *checker) point(r *rawPoint) (account.PointProfile, error) {
	block := int(r.Line)
	p := account.PointProfile{
		ID: r.ID.Value, Agent: r.Agent.Value, Meter: protocol.MeterRef{Line: r.OnLine.Value, Address: r.Address.Value, Channel: uint8(r.Channel.Value)},
		Model: r.Model.Value, Multiplier: r.Multiplier.Value, Digits: r.Digits.Value, Opening: r.Opening.Value, HasOpening: r.Opening.Present(), MaxRate: r.MaxRate.Value,
	}
	if !r.Multiplier.Present() {
		p.Multiplier = 1
	}
	if !r.Digits.Present() {
		p.Digits = digitsDef
	}
	switch {
	case p.ID == "":
		return p, c.fault(block, "id of the metering point is missing")
	case p.Meter.Line == "":
		return p, c.fault(block, "line of metering point %s is missing: the name of the line in the agent's configuration", p.ID)
	case p.Meter.Address == "":
		return p, c.fault(block, "address of metering point %s is missing: 12 digits for DL/T 645, the unit for Modbus", p.ID)
	case !c.address(&p):
		return p, c.fault(r.Address.Line, "address: %q is neither 12 digits of DL/T 645 nor a Modbus unit from 1 to 247", r.Address.Value)
	case r.Channel.Value < 0 || r.Channel.Value > 255:
		return p, c.fault(r.Channel.Line, "channel: %d is not from 0 to 255", r.Channel.Value)
	case p.Multiplier < 1 || p.Multiplier > scaleMax:
		return p, c.fault(r.Multiplier.Line, "multiplier: %d is not from 1 to %d", p.Multiplier, scaleMax)
	case p.Digits < 1 || p.Digits > digitsMax:
		return p, c.fault(r.Digits.Line, "digits: %d is not from 1 to %d", p.Digits, digitsMax)
	case p.Opening < 0:
		return p, c.fault(r.Opening.Line, "opening: %s is below zero", p.Opening)
	case p.MaxRate < 0:
		return p, c.fault(r.MaxRate.Line, "max_rate: %s is below zero", p.MaxRate)
	case c.agents[p.Agent] == 0:
		return p, c.fault(max(r.Agent.Line, block), "agent %q of metering point %s is not in the list of agents", p.Agent, p.ID)
	}
	if err := c.once(c.points, p.ID, r.ID.Line, "metering point "+p.ID); err != nil {
		return p, err
	}
	meter := fmt.Sprintf("meter %s channel %d on line %s of agent %s", p.Meter.Address, p.Meter.Channel, p.Meter.Line, p.Agent)
	if err := c.once(c.meters, meter, r.Address.Line, meter); err != nil {
		return p, err
	}
	if r.Switch != nil {
		s, err := c.breaker(r.Switch)
		if err != nil {
			return p, err
		}
		p.Switch = s
	}
	return p, nil
}

// address brings the meter's address into the form agents report, so that "101" and "000000000101" are one meter here as they are on
// the line: 12 digits for DL/T 645, the plain number for a Modbus unit.
func (c *checker) address(p *account.PointProfile) bool {
	if unit, err := strconv.Atoi(p.Meter.Address); err == nil && len(p.Meter.Address) <= 3 && !strings.HasPrefix(p.Model, "dlt645") {
		p.Meter.Address = strconv.Itoa(unit)
		return unit >= 1 && unit <= 247
	}
	a, err := dlt645.ParseAddress(p.Meter.Address)
	if err != nil || !a.Exact() {
		return false
	}
	p.Meter.Address = a.String()
	return true
}

func (c *checker) breaker(r *rawSwitch) (account.Switch, error) {
	s := account.Switch{Kind: account.SwitchMeter, Trip: r.Trip.Value, Permit: r.Permit.Value, Close: r.Close.Value, Feedback: r.Feedback.Value}
	switch {
	case r.Kind.Value == "none":
		return account.Switch{}, nil
	case r.Kind.Value != "meter":
		return s, c.fault(max(r.Kind.Line, int(r.Line)), "kind: %q is not known; use meter for a relay in the meter, or none", r.Kind.Value)
	case s.Trip && !s.Permit && !s.Close:
		// It would cut the supply and have no way to give it back.
		return s, c.fault(int(r.Line), "the switch can trip but neither close nor permit; give it one of them, or trip: false")
	case s.Trip && !s.Feedback:
		return s, c.fault(int(r.Line), "the switch can trip but cannot be read back; a trip that cannot be confirmed is not made")
	case r.Level.Value < 0 || r.Level.Value > 99:
		return s, c.fault(r.Level.Line, "level: %d is not from 0 to 99", r.Level.Value)
	}
	if r.Password.Present() {
		digits, ok := bcd(r.Password.Value, 3)
		if !ok {
			return s, c.fault(r.Password.Line, "password: want six digits in quotes")
		}
		// PA is the level, P0 to P2 the digits, low byte first (DL/T 645-2007, 7.1).
		s.Password = [4]byte{byte(r.Level.Value/10<<4 | r.Level.Value%10), digits[2], digits[1], digits[0]}
	}
	if r.Operator.Present() {
		digits, ok := bcd(r.Operator.Value, 4)
		if !ok {
			return s, c.fault(r.Operator.Line, "operator: want eight digits in quotes")
		}
		s.Operator = [4]byte{digits[3], digits[2], digits[1], digits[0]}
	}
	return s, nil
}

// bcd packs exactly 2n decimal digits, two to a byte.
func bcd(s string, n int) ([]byte, bool) {
	if len(s) != 2*n {
		return nil, false
	}
	out := make([]byte, n)
	for i := range s {
		if s[i] < '0' || s[i] > '9' {
			return nil, false
		}
		out[i/2] = out[i/2]<<4 | (s[i] - '0')
	}
	return out, true
}
