package dlt645

import (
	"errors"
	"fmt"
	"strings"
)

// What a ReplyError can be asked with errors.Is.
var (
	ErrPassword = errors.New("password wrong or not authorised")
	ErrNoData   = errors.New("no requested data")
	ErrHold     = errors.New("refused by power hold") // 保电
)

// ReplyError is a meter's refusal (D6 set): Err is the ERR byte, a bit field.
// Word is the two-byte error word some newer meters send instead (DC with
// L = 2, low byte first, presumed order), or SERR of the security function
// (C3); zero when there was none.
type ReplyError struct {
	Control byte
	Err     byte
	Word    uint16
}

// Error names the bits that are set.
func (e *ReplyError) Error() string {
	what := strings.Join(e.Bits(), ", ")
	if what == "" {
		what = "no reason given"
	}
	return fmt.Sprintf("meter refused (control %02XH): %s", e.Control, what)
}

// table is the meaning of the bits: of SERR, of the relay error word, or of
// ERR in its edition.
func (e *ReplyError) table() (uint16, []bit) {
	switch {
	case e.Word != 0 && e.Control&0x1F == funcSecurity:
		return e.Word, securityErrorBits
	case e.Word != 0:
		return e.Word, relayErrorBits
	case edition(e.Control&0x1F, 1) == "1997":
		return uint16(e.Err), errBits1997
	}
	return uint16(e.Err), errBits2007
}

// Bits names the error bits that are set, lowest first; reserved bits are
// named by their number.
func (e *ReplyError) Bits() []string { return bitList(e.table()) }

// Explain says the same to people, in "zh" or English.
func (e *ReplyError) Explain(lang string) []string {
	w, bits := e.table()
	return bitWords(w, bits, lang)
}

// Is maps the bits that a master must tell apart to ErrPassword, ErrNoData
// and ErrHold. Bit 2 is the password in every edition and in both lengths;
// after it there must be no automatic retry, meters lock the level.
func (e *ReplyError) Is(target error) bool {
	bits := uint16(e.Err)
	if e.Word != 0 {
		if e.Control&0x1F != funcRelay {
			return false
		}
		bits = e.Word
	}
	switch target {
	case ErrPassword:
		return bits&0x04 != 0
	case ErrNoData:
		return e.Word == 0 && bits&0x02 != 0
	case ErrHold:
		return e.Word&0x60 != 0
	}
	return false
}

// plainBit is a bit whose name for machines is its words.
func plainBit(en, zh string) bit { return bit{en, words{en, zh}} }

// errBits2007 and errBits1997 are the ERR byte. It is a bit field and not a
// number, whatever some masters make of it.
var errBits2007 = []bit{
	plainBit("other error", "其他错误"), plainBit("no requested data", "无请求数据"), plainBit("password wrong or not authorised", "密码错或未授权"),
	plainBit("baud rate cannot be changed", "通信速率不能更改"), plainBit("number of year zones over limit", "年时区数超"),
	plainBit("number of day slots over limit", "日时段数超"), plainBit("number of rates over limit", "费率数超"), plainBit("reserved bit 7", "保留位7"),
}

var errBits1997 = []bit{
	plainBit("illegal data", "非法数据"), plainBit("data identifier error", "数据标识错"), plainBit("password error", "密码错"),
	plainBit("reserved bit 3", "保留位3"), plainBit("number of year zones over limit", "年时区数超"),
	plainBit("number of day slots over limit", "日时段数超"), plainBit("number of rates over limit", "费率数超"), plainBit("reserved bit 7", "保留位7"),
}

// relayErrorBits is read from meter firmware and a test bench, not from the
// standard's text.
var relayErrorBits = []bit{
	{"remote_control_suspended", words{"remote control suspended", "远程控制已挂起"}}, {"mac_wrong", words{"MAC wrong", "MAC 校验失败"}},
	{"password_wrong", words{"password wrong", "密码错"}}, {"auth_timeout", words{"authentication timed out", "身份认证超时"}},
	{"time_tag_invalid", words{"deadline invalid", "时标失效"}}, {"trip_refused_hold", words{"trip refused by power hold", "保电中，拒绝跳闸"}},
	{"auto_recover_refused_hold", words{"trip with recovery refused by power hold", "保电中，拒绝跳闸自动恢复"}},
	{"auto_recover_time_invalid", words{"recovery time invalid", "自动恢复时间无效"}},
	{"auto_recover_refused_tripped", words{"trip with recovery refused, already tripped", "已跳闸，拒绝跳闸自动恢复"}},
}

// securityErrorBits is SERR, read from two meter firmwares.
var securityErrorBits = []bit{
	{"other_error", words{"other error", "其他错误"}}, {"repeated_top_up", words{"repeated top-up", "重复充值"}},
	{"esam_verification_failed", words{"ESAM verification failed", "ESAM 验证失败"}},
	{"identity_authentication_failed", words{"identity authentication failed", "身份认证失败"}},
	{"customer_number_mismatch", words{"customer number does not match", "客户编号不匹配"}},
	{"top_up_count_wrong", words{"top-up count wrong", "充值次数错误"}},
	{"purchase_above_hoarding_limit", words{"purchase above the hoarding limit", "购电超囤积"}},
}
