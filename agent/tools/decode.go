// Package tools holds the agent's subcommands for a person at a terminal.
package tools

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"feikong/internal/daemon"
	"feikong/protocol/dlt645"
)

// Decode explains a capture of DL/T 645 bytes, given in hex over any number
// of args. asJSON prints one object a line for each frame, in the field names
// of the vectors file, and one with error and layer when there is no frame or
// two meters answered; it shows the capture whole, passwords too. Otherwise
// every byte group has a line in words (lang "zh" or "en") and passwords are
// masked. An unsound capture is an answer, not an error; only bytes that are
// not hex, and a failing out, are.
func Decode(out io.Writer, args []string, asJSON bool, lang string) error {
	if asJSON {
		return decodeJSON(out, args)
	}
	return decodeWords(out, args, lang, false)
}

// DecodeCommand is `agent decode`.
func DecodeCommand() *cobra.Command {
	var asJSON, showPassword bool
	var protocol string
	c := &cobra.Command{
		Use:   "decode [--json] HEX...",
		Short: daemon.Say(daemon.Lang(), "逐字节解释 DL/T 645 或 Modbus 报文", "explain bytes of DL/T 645 or Modbus"),
		Example: "  agent decode FE FE FE FE 68 AA AA AA AA AA AA 68 13 00 DF 16\n  agent decode --json 68AAAAAAAAAAAA681300DF16\n" +
			"  agent decode 01 04 00 00 00 02 71 CB",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			c.SilenceUsage = true
			wire, err := readHex(args)
			if err != nil {
				return err
			}
			switch protocol {
			case "modbus":
				return printModbus(c.OutOrStdout(), wire, asJSON, daemon.Lang())
			case "auto":
				if _, err := dlt645.Decode(wire); err == nil {
					break
				}
				if _, ok := looksModbus(wire); ok || len(splitModbus(wire)) > 1 {
					return printModbus(c.OutOrStdout(), wire, asJSON, daemon.Lang())
				}
			case "dlt645":
			default:
				return fmt.Errorf(say("协议 %q 不是 auto、dlt645、modbus", "protocol %q is not auto, dlt645 or modbus"), protocol)
			}
			if asJSON {
				return Decode(c.OutOrStdout(), args, true, "")
			}
			return decodeWords(c.OutOrStdout(), args, daemon.Lang(), showPassword)
		},
	}
	c.Flags().StringVar(&protocol, "protocol", "auto", daemon.Say(daemon.Lang(), "auto、dlt645 或 modbus", "auto, dlt645 or modbus"))
	c.Flags().BoolVar(&asJSON, "json", false, daemon.Say(daemon.Lang(), "每帧输出一个 JSON 对象（含密码字节）", "print one JSON object per frame (password bytes included)"))
	c.Flags().BoolVar(&showPassword, "show-password", false, daemon.Say(daemon.Lang(), "显示密码字节", "show password bytes"))
	return c
}

func decodeJSON(out io.Writer, args []string) error {
	wire, err := readHex(args)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(out)
	for _, m := range dlt645.DescribeAll(wire) {
		if err := enc.Encode(m); err != nil {
			return fmt.Errorf("print frame: %w", err)
		}
	}
	return nil
}

func decodeWords(out io.Writer, args []string, lang string, showPassword bool) error {
	wire, err := readHex(args)
	if err != nil {
		return err
	}
	for _, p := range dlt645.Explain(lang, wire) {
		bytes := p.Hex()
		if showPassword {
			bytes = fmt.Sprintf("% X", p.Bytes)
		}
		if _, err := fmt.Fprintf(out, "%-18s %s\n", bytes, p.Text); err != nil {
			return fmt.Errorf("print explanation: %w", err)
		}
	}
	if frames, _ := dlt645.Decode(wire); dlt645.TwoReplies(frames) {
		fmt.Fprintln(out, daemon.Say(lang, "注意：同一请求有两块电表应答", "note: two meters answered one request"))
	}
	return nil
}

// readHex joins the args; blanks, commas, colons and dashes may separate
// bytes, and 0x may lead them. The error gives the place, not the bytes: they
// may hold a password.
func readHex(args []string) ([]byte, error) {
	var digits strings.Builder
	place := 0
	for _, arg := range args {
		for _, word := range strings.FieldsFunc(arg, func(r rune) bool { return strings.ContainsRune(" \t\r\n,:;-", r) }) {
			place++
			word = strings.TrimPrefix(strings.TrimPrefix(word, "0x"), "0X")
			if len(word)%2 != 0 {
				return nil, fmt.Errorf("read hex: group %d has an odd number of digits", place)
			}
			if _, err := hex.DecodeString(word); err != nil {
				return nil, fmt.Errorf("read hex: group %d has something that is not a hex digit", place)
			}
			digits.WriteString(word)
		}
	}
	if digits.Len() == 0 {
		return nil, fmt.Errorf("read hex: no bytes given")
	}
	return hex.DecodeString(digits.String())
}
