package billing

// Name is what people read, in the two languages of the house. Either may be
// missing, not both.
type Name struct {
	ZH string `json:"zh,omitempty" yaml:"zh"`
	EN string `json:"en,omitempty" yaml:"en"`
}

// In is the name in lang ("zh" or anything else for English), or the other
// language's when that one is missing.
func (n Name) In(lang string) string {
	if n.EN == "" || (lang == "zh" && n.ZH != "") {
		return n.ZH
	}
	return n.EN
}
