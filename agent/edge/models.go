package edge

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"feikong/agent/meter"
	"feikong/internal/document"
	"feikong/protocol"
	"feikong/protocol/modbus"
	"feikong/protocol/modbusmap"
)

// modelsMax bounds the model files of one configuration; an agent's lines hold 2,000 meters of some ten kinds.
const modelsMax = 100

// catalogue is the built-in Modbus models and those of the files.
func catalogue(dir string, files []string) (modbusmap.Catalogue, error) {
	if len(files) > modelsMax {
		return modbusmap.Catalogue{}, fmt.Errorf("%d files, at most %d", len(files), modelsMax)
	}
	var own []modbusmap.Model
	for _, name := range files {
		path := within(dir, name)
		if st, err := os.Stat(path); err == nil && st.Size() > document.SizeMax {
			return modbusmap.Catalogue{}, fmt.Errorf("%s: %d bytes are no model; a table has a few thousand", path, st.Size())
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return modbusmap.Catalogue{}, err
		}
		m, err := modbusmap.Parse(filepath.Base(path), text)
		if err != nil {
			return modbusmap.Catalogue{}, err
		}
		own = append(own, m)
	}
	return modbusmap.NewCatalogue(own...)
}

// framing is how frames lie on a line; only Modbus has a choice.
func (lf lineFile) framing() (modbus.Framing, error) {
	f, err := modbus.ParseFraming(lf.Framing)
	if err == nil && lf.Protocol != "modbus" && lf.Framing != "" {
		return f, errors.New("only for modbus lines; remove the key")
	}
	if err == nil && f == modbus.TCP && lf.Port != "" && !strings.HasPrefix(lf.Port, "tcp://") {
		return f, fmt.Errorf("tcp wants a port like tcp://192.168.1.20:502; %s is a serial line, which is rtu", lf.Port)
	}
	return f, err
}

// modbus checks a meter of a Modbus line.
func (mf meterFile) modbus(lf lineFile, models modbusmap.Catalogue) (m Meter, err error) {
	m.Ref = protocol.MeterRef{Line: lf.Name, Address: mf.Address, Channel: uint8(mf.Channel)}
	var ok bool
	if m.Model, ok = models.Find(mf.Model); !ok {
		return m, fmt.Errorf("model %q is not known; known are %s", mf.Model, strings.Join(models.Names(), ", "))
	}
	if n, err := strconv.Atoi(mf.Address); err == nil {
		m.Ref.Address = strconv.Itoa(n) // "01" and "1" are the same unit
	}
	framing, _ := lf.framing() // told at the line
	_, err = meter.NewModbus(m.Ref, m.Model, nil, 0, meter.ModbusFraming(framing))
	return m, err
}
