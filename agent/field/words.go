package field

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"feikong/internal/daemon"
)

// told is an error in the words of the person at the terminal; its kind, and what lies below, is for errors.Is.
type told struct {
	text string
	kind error
}

func (t *told) Error() string { return t.text }

func (t *told) Unwrap() error { return t.kind }

// tell makes an error of a kind in the language of the person.
func tell(kind error, zh, en string, args ...any) error {
	return &told{fmt.Sprintf(daemon.Say(daemon.Lang(), zh, en), args...), kind}
}

// because is tell with what was in the way at the end of the sentence.
func because(kind, err error, zh, en string, args ...any) error {
	return &told{fmt.Sprintf(daemon.Say(daemon.Lang(), zh, en), args...) + ": " + err.Error(), errors.Join(kind, err)}
}

// textNames are what a person calls the texts of a record.
var textNames = map[string]string{"person": "人员姓名", "note": "备注", "reason": "换表原因", "serial": "资产号", "old serial": "旧表资产号", "new serial": "新表资产号",
	"why": "原因", "old why": "原因", "new why": "原因", "relay_by": "继电器试验人", "relay_why": "未试验的原因", "printed": "铭牌地址", "ratio": "倍率"}

// text refuses what could not be printed on a page or would move a terminal's cursor.
func text(name, s string, limit int) error {
	zh := textNames[name]
	if zh == "" {
		zh = name
	}
	what := daemon.Say(daemon.Lang(), zh, name)
	if len(s) > limit {
		return tell(ErrRecord, "%s太长：%d 字节，至多 %d（一个汉字 3 字节）", "%s has %d bytes, the limit is %d", what, len(s), limit)
	}
	if !utf8.ValidString(s) {
		return tell(ErrRecord, "%s不是 UTF-8 文字", "%s is not UTF-8", what)
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return tell(ErrRecord, "%s含有不能打印的字符", "%s holds a character that cannot be printed", what)
		}
	}
	return nil
}

// CheckName refuses a name or number that no record can hold, before more is asked.
func CheckName(name, s string) error { return text(name, s, personMax) }

// CheckText refuses a reason or note that no record can hold, before more is asked.
func CheckText(name, s string) error { return text(name, s, textMax) }

// CheckWhy refuses a reason that has no place beside an item of the checklist.
func CheckWhy(name, s string) error { return text(name, s, WhyMax) }
