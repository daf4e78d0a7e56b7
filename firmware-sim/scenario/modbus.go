package scenario

import (
	"fmt"
	"strconv"
	"strings"

	"feikong/firmware-sim/meter"
	"feikong/protocol/modbusmap"
)

// modbus checks what only a meter of a modbus line has.
func (fm fileMeter) modbus(c *meter.Config) error {
	unit, err := strconv.ParseUint(fm.Address, 10, 8)
	if err != nil || unit < 1 || unit > 247 {
		return fmt.Errorf("address %q: want a unit id, 1 to 247", fm.Address)
	}
	c.Address, c.Unit = strconv.FormatUint(unit, 10), byte(unit)
	model, ok := modbusmap.Find(fm.Model)
	if !ok {
		var names []string
		for _, m := range modbusmap.Models() {
			names = append(names, m.Name)
		}
		return fmt.Errorf("model %q: want one of %s", fm.Model, strings.Join(names, ", "))
	}
	c.Model = model
	if fm.Password != "" || fm.Level != nil {
		return fmt.Errorf("password: meters of a modbus line have none")
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
