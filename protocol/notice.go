package protocol

// NoticeKind says what a notice tells the customer.
type NoticeKind string

// Kinds of notice.
const (
	NoticeWarning  NoticeKind = "warning"  // 预警
	NoticeReminder NoticeKind = "reminder" // 催费: with a deadline, after which power may be cut
	NoticeTrip     NoticeKind = "trip"     // 停电
	NoticeRestore  NoticeKind = "restore"  // 复电
)

// Notice is what a customer's terminal and webhooks receive, as JSON. Money is decimal text in the account's currency.
type Notice struct {
	ID        string     `json:"id"` // unique for ever; a repeat has the same id
	Account   string     `json:"account"`
	Kind      NoticeKind `json:"kind"`
	At        string     `json:"at"` // RFC 3339
	Available string     `json:"available"`
	Currency  string     `json:"currency"`
	Deadline  string     `json:"deadline,omitempty"` // RFC 3339, reminders only
	TextZH    string     `json:"text_zh"`
	TextEN    string     `json:"text_en"`
}

// Receipt is the terminal's answer: the evidence of delivery.
type Receipt struct {
	ID string `json:"id"`
	At string `json:"at"`
}
