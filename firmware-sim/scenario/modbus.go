package scenario

import (
	"fmt"
	"strconv"
	"strings"

	"feikong/firmware-sim/meter"
	"feikong/protocol/modbusmap"
)

// modbus checks what only a meter of a modbus line has.
func (fm fileMeter) modbus(c *meter.Config, models modbusmap.Catalogue) error {
	unit, err := strconv.ParseUint(fm.Address, 10, 8)
	if err != nil || unit < 1 || unit > 247 {
		return fmt.Errorf("address %q: want a unit id, 1 to 247", fm.Address)
	}
	model, ok := models.Find(fm.Model)
	if !ok {
		return fmt.Errorf("model %q: want one of %s", fm.Model, strings.Join(models.Names(), ", "))
	}
	if fm.Channel < 0 || fm.Channel > 255 {
		return fmt.Errorf("channel %d: want 0 to 255", fm.Channel)
	}
	step := uint8(0)
	if model, step, err = model.Channel(uint8(fm.Channel)); err != nil {
		return err
	}
	if unit+uint64(step) > 247 {
		return fmt.Errorf("channel %d: its unit id %d is beyond 247", fm.Channel, unit+uint64(step))
	}
	if step == 0 { // the channels share a unit id
		c.Channel = byte(fm.Channel)
	}
	unit += uint64(step)
	c.Address, c.Unit, c.Model = strconv.FormatUint(unit, 10), byte(unit), model
	if key := fm.only645(); key != "" {
		return fmt.Errorf("%s: meters of a modbus line have none", key)
	}
	kind := fm.Switch
	if model.Relay == nil {
		if kind != "" && kind != string(meter.SwitchNone) {
			return fmt.Errorf("switch %q: model %s has no relay", kind, model.Name)
		}
		kind = string(meter.SwitchNone)
	}
	if kind, err = choose("switch", kind); err != nil {
		return err
	}
	if model.Relay != nil && kind == string(meter.SwitchNone) {
		return fmt.Errorf("switch none: model %s has a relay", model.Name)
	}
	c.Switch = meter.Switch(kind)
	return nil
}

// only645 is the first key that means something to a DL/T 645 meter alone.
func (fm fileMeter) only645() string {
	for _, row := range []struct {
		key string
		on  bool
	}{
		{"password", fm.Password != "" || fm.Level != nil || len(fm.Passwords) > 0}, {"edition", fm.Edition != ""}, {"money", fm.Money != nil},
		{"profile", fm.Profile != nil}, {"daily_freezes", fm.DailyDepth != nil}, {"hourly_freezes", fm.HourlyDepth != nil},
		{"backfill_days", fm.Backfill != 0}, {"sealed", fm.Sealed}, {"first_words", fm.FirstWords}, {"words_2014", fm.Words2014},
		{"status_bytes", fm.StatusBytes != 0}, {"strict_wildcard", fm.StrictWild}, {"old_address", fm.OldAddress}, {"no_events", fm.NoEvents},
		{"wildcard_reply", fm.WildReply}, {"answers_99", fm.Answers99}, {"no_separators", fm.NoSeparators}, {"password_1997", fm.Password1997},
	} {
		if row.on {
			return row.key
		}
	}
	return ""
}
