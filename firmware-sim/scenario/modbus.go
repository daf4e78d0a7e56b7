package scenario

import (
	"fmt"

	"feikong/firmware-sim/meter"
)

func (fm fileMeter) modbus(c *meter.Config) error {
	return fmt.Errorf("model %q: not known", fm.Model)
}
