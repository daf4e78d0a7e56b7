package modbusmap

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"feikong/internal/document"
	"feikong/protocol"
)

// raw is a model document as written; docs/modbus-models.md is its manual. Only checked Models leave the package.
type raw struct {
	Model    document.Of[string]     `yaml:"model"`
	Maker    document.Of[string]     `yaml:"maker"`
	Manual   document.Of[string]     `yaml:"manual"`
	Doubt    document.Of[string]     `yaml:"doubt"`
	Baud     document.Of[int]        `yaml:"baud"`
	Parity   document.Of[string]     `yaml:"parity"`
	StopBits document.Of[int]        `yaml:"stop_bits"`
	MaxRead  document.Of[int]        `yaml:"max_registers"`
	Spans    []rawSpan               `yaml:"spans"`
	Points   document.Of[[]rawPoint] `yaml:"points"`
	PT       *rawRatio               `yaml:"pt"`
	CT       *rawRatio               `yaml:"ct"`
	Clock    *rawClock               `yaml:"clock"`
	Relay    *rawRelay               `yaml:"relay"`
	Box      *rawBox                 `yaml:"box"`
}

type rawSpan struct {
	Line     document.Line
	Function document.Of[int]    `yaml:"function"`
	From     document.Of[number] `yaml:"from"`
	To       document.Of[number] `yaml:"to"`
}

type rawPoint struct {
	Line     document.Line
	Quantity document.Of[string]   `yaml:"quantity"`
	Register document.Of[int]      `yaml:"register"`
	Function document.Of[int]      `yaml:"function"`
	Address  document.Of[number]   `yaml:"address"`
	Type     document.Of[string]   `yaml:"type"`
	Order    document.Of[string]   `yaml:"order"`
	Step     document.Of[step]     `yaml:"step"`
	Decimals document.Of[int]      `yaml:"decimals"`
	Side     document.Of[string]   `yaml:"side"`
	Ratio    document.Of[string]   `yaml:"ratio"`
	Missing  document.Of[[]number] `yaml:"missing"`
}

type rawRatio struct {
	Line     document.Line
	Function document.Of[int]      `yaml:"function"`
	Address  document.Of[number]   `yaml:"address"`
	Type     document.Of[string]   `yaml:"type"`
	Order    document.Of[string]   `yaml:"order"`
	Step     document.Of[step]     `yaml:"step"`
	Missing  document.Of[[]number] `yaml:"missing"`
}

type rawClock struct {
	Line     document.Line
	Function document.Of[int]      `yaml:"function"`
	Address  document.Of[number]   `yaml:"address"`
	Bytes    document.Of[[]string] `yaml:"bytes"`
	BCD      document.Of[bool]     `yaml:"bcd"`
}

type rawRelay struct {
	Line     document.Line
	Function document.Of[int]      `yaml:"function"`
	Address  document.Of[number]   `yaml:"address"`
	Open     document.Of[[]number] `yaml:"open"`
	Close    document.Of[[]number] `yaml:"close"`
	Closing  document.Of[string]   `yaml:"closing"`
	State    *rawState             `yaml:"state"`
	Command  *rawBits              `yaml:"command"`
	Lock     *rawLock              `yaml:"lock"`
	Mode     *rawMode              `yaml:"mode"`
}

type rawState struct {
	Line     document.Line
	Function document.Of[int]    `yaml:"function"`
	Address  document.Of[number] `yaml:"address"`
	Mask     document.Of[number] `yaml:"mask"`
	Open     document.Of[number] `yaml:"open"`
	Closed   document.Of[number] `yaml:"closed"`
}

type rawBits struct {
	Line    document.Line
	Address document.Of[number] `yaml:"address"`
	Mask    document.Of[number] `yaml:"mask"`
	Open    document.Of[number] `yaml:"open"`
	Closed  document.Of[number] `yaml:"closed"`
}

type rawLock struct {
	Line     document.Line
	Address  document.Of[number] `yaml:"address"`
	Mask     document.Of[number] `yaml:"mask"`
	Locked   document.Of[number] `yaml:"locked"`
	Unlocked document.Of[number] `yaml:"unlocked"`
}

type rawMode struct {
	Line         document.Line
	Address      document.Of[number] `yaml:"address"`
	Own          document.Of[number] `yaml:"own"`
	ForcedOpen   document.Of[number] `yaml:"forced_open"`
	ForcedClosed document.Of[number] `yaml:"forced_closed"`
	OwnTells     document.Of[bool]   `yaml:"own_tells"`
}

type rawBox struct {
	Line         document.Line
	Channels     document.Of[int]    `yaml:"channels"`
	UnitStep     document.Of[int]    `yaml:"unit_step"`
	RegisterStep document.Of[number] `yaml:"register_step"`
}

// number is an address or a register's value: 87, 0057H or 0x57. A decimal with a zero in front is refused, because half
// of the world would mean a hexadecimal by it.
type number uint64

var errNumber = errors.New("write a decimal number (87) or a hexadecimal one (0057H or 0x57)")

func (n *number) UnmarshalText(text []byte) error {
	s, base := string(text), 10
	switch {
	case strings.HasSuffix(s, "H") || strings.HasSuffix(s, "h"):
		s, base = s[:len(s)-1], 16
	case strings.HasPrefix(s, "0x") || strings.HasPrefix(s, "0X"):
		s, base = s[2:], 16
	case len(s) > 1 && s[0] == '0':
		return fmt.Errorf("%q is decimal or hexadecimal? %w", s, errNumber)
	}
	v, err := strconv.ParseUint(s, base, 64)
	if err != nil || strings.HasPrefix(s, "+") {
		return fmt.Errorf("%q is not a number: %w", text, errNumber)
	}
	*n = number(v)
	return nil
}

// step is what one count of a register is worth, a power of ten: 1, 0.01, 1000.
type step int8

func (s *step) UnmarshalText(text []byte) error {
	for k := -expMax; k <= expMax; k++ {
		if string(text) == stepText(int8(k)) {
			*s = step(k)
			return nil
		}
	}
	return fmt.Errorf("%q is not a step: want 1, 0.1, 0.01 and so on, or 10, 100 and so on", text)
}

func stepText(k int8) string {
	if k >= 0 {
		return "1" + strings.Repeat("0", int(k))
	}
	return "0." + strings.Repeat("0", int(-k)-1) + "1"
}

var (
	sideWords  = map[protocol.Side]string{protocol.SidePrimary: "primary", protocol.SideSecondary: "secondary"}
	ratioWords = [...]string{"", "pt", "ct", "pt*ct"}
)

// index finds a word in a list; -1 when it is not there.
func index(list []string, word string) int {
	for i, w := range list {
		if w == word && w != "" {
			return i
		}
	}
	return -1
}
