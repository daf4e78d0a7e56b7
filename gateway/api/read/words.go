package read

import (
	"context"
	"strings"

	"feikong/billing/audit"
)

// Phrase is one meaning in both languages.
type Phrase struct{ EN, ZH string }

// In gives the phrase in a language: "zh", or anything else for English.
func (p Phrase) In(lang string) string {
	if lang == "zh" {
		return p.ZH
	}
	return p.EN
}

// Words are the machine words people meet, by table. A word that is not in its table is shown as it is.
type Words map[string]Phrase

// In gives a word of the table in a language.
func (w Words) In(lang, word string) string {
	if p, ok := w[word]; ok {
		return p.In(lang)
	}
	return strings.ReplaceAll(word, "_", " ")
}

// Stages of fee control.
var Stages = Words{
	"normal":       {"normal", "正常"},
	"warned":       {"warned", "已预警"},
	"reminded":     {"payment reminder sent", "已催费"},
	"trip_pending": {"trip pending", "待停电"},
	"tripping":     {"trip under way", "停电中"},
	"tripped":      {"power cut", "已停电"},
	"paid_waiting": {"paid, waiting to restore", "已缴费，待复电"},
	"restoring":    {"restore under way", "复电中"},
	"permitted":    {"restore permitted, waiting for the button", "合闸允许，待按键"},
	"field_task":   {"field task", "现场处理"},
}

// FrameNotes say what a frame of the evidence was for. The words are those of the agent.
var FrameNotes = Words{
	"read before trip":  {"read before trip", "跳闸前读表"},
	"read before close": {"read before close", "合闸前读表"},
	"trip":              {"trip", "跳闸"},
	"close permit":      {"close permit", "合闸允许"},
	"close":             {"close", "直接合闸"},
	"read back":         {"read back", "读回"},
}

// Checks are the interlocks 闭锁 of a safety case, each as the fact that has to hold. The words are those of the pipeline.
var Checks = Words{
	"balance-below":    {"the balance is below the limit", "余额低于停电限值"},
	"notice-delivered": {"the reminder was delivered", "催费通知已送达"},
	"notice-over":      {"the time told in the reminder is over", "催费期限已过"},
	"not-protected":    {"the supply is not protected", "未保电"},
	"no-tag":           {"no tag forbids a trip", "未挂禁止停电牌"},
	"no-hold":          {"nothing is on hold", "无挂起事项"},
	"contract":         {"the contract allows it", "费控协议允许"},
	"window-open":      {"the hour allows a trip", "在允许停电时段内"},
	"pacing":           {"the pace of trips allows one more", "停电节奏允许"},
	"audit-passed":     {"audit passed the readings", "电费审核通过"},
	"fee-known":        {"the fee is known", "电费可测算"},
	"reading-fresh":    {"the reading is fresh", "抄表数据未过期"},
	"relay-read":       {"the relay was read lately", "继电器状态为近期读数"},
	"relay-closed":     {"the relay is closed, or open by our order", "继电器闭合，或由本系统断开"},
	"meter-hold":       {"the meter does not hold the power", "表内未保电"},
	"clock":            {"the meter's clock is right", "电能表时钟正常"},
	"switch-rest":      {"the switch has rested since its last trips", "开关距上次跳闸间隔足够"},
	"switch":           {"there is a switch to open", "有可控开关"},
	"order-idle":       {"no order of this account is under way", "该户没有执行中的指令"},
	"gateway-clock":    {"the gateway's own clock was not set lately", "网关时钟近期未被调整"},
}

// Blocks are the same interlocks as the reason that stops a trip or a restore.
var Blocks = Words{
	"balance-below":    {"The balance is not below the limit for a trip.", "余额未低于停电限值。"},
	"notice-delivered": {"The payment reminder has not been delivered yet.", "催费通知尚未送达。"},
	"notice-over":      {"The time told in the reminder is not over yet.", "催费通知的期限未到。"},
	"not-protected":    {"The supply is protected: it is never cut.", "该户已保电，不得停电。"},
	"no-tag":           {"A \"do not trip\" tag is on the account: nothing is cut until it is lifted.", "挂有“禁止停电”牌，解除前不得停电。"},
	"no-hold":          {"Something is open with the customer, such as a dispute or a payment plan.", "有挂起事项（争议、缴费计划等）未了结。"},
	"contract":         {"The policy names no clause of a contract that allows a trip.", "策略未注明允许停电的费控协议条款。"},
	"window-open":      {"Trips are not allowed at this hour.", "当前时段不允许停电。"},
	"pacing":           {"There were many trips in the last hour: this one waits its turn.", "最近一小时停电次数已达上限，排队等待。"},
	"audit-passed":     {"Audit holds a reading: a later one must be accepted, or a person decides.", "有读数被电费审核挂起：须后续读数通过，或由人工确认。"},
	"fee-known":        {"The fee cannot be calculated, so nobody is cut for it.", "电费无法测算，不得据此停电。"},
	"reading-fresh":    {"The last reading is too old to cut on.", "最近的抄表数据已过期，不得据此停电。"},
	"relay-read":       {"The relay was not read lately: its state is not known.", "近期未读到继电器状态。"},
	"relay-closed":     {"The relay is open, and not by our order: it is left alone.", "继电器已断开且非本系统所为，不予操作。"},
	"meter-hold":       {"The meter itself holds the power (保电).", "电能表内已设置保电。"},
	"clock":            {"The meter's clock is too far off for a trip.", "电能表时钟偏差过大，不得停电。"},
	"switch-rest":      {"The switch was tripped lately and must rest.", "该开关近期已跳闸，须间隔一段时间。"},
	"switch":           {"There is no switch that can cut this supply.", "该户没有可控开关。"},
	"order-idle":       {"An order of this account is still under way.", "该户尚有指令在执行。"},
	"gateway-clock":    {"The gateway's clock was set: for a day no trip rests on it.", "网关时钟刚被调整，一天内不得据此停电。"},
	"policy":           {"The account's policy is not known.", "该户的费控策略不存在。"},
	"tag-no-close":     {"A \"do not close\" tag is on the account: power waits until it is lifted.", "挂有“禁止合闸”牌：摘牌后方可复电。"},
}

// Refusals are the rules by which the door refuses what a person asks for; interlocks are among them.
var Refusals = Words{
	"nothing-read":   {"Nothing was read at this point since it was changed in the archive.", "该计量点在档案变更后尚未抄到读数。"},
	"nothing-closed": {"Every relay of the account is open already.", "该户的继电器已全部断开。"},
	"close-by-hand":  {"The switch cannot close on command: somebody has to restore the power there.", "开关不能遥控合闸：须到现场复电。"},
	"no-switch":      {"The account's meters have no switch that can be commanded.", "该户的电能表没有可控开关。"},
	"unknown-tag":    {"There is no such tag.", "没有该牌。"}, "tag-exists": {"The tag exists already, or there are too many.", "该牌已存在或数量过多。"},
	"not-the-holder": {"A tag is lifted by its holder, or by the administrator in the holder's place with a written reason.", "禁止操作牌由挂牌人解除；挂牌人不能解除时，由管理员写明原因后代为摘牌。"},
	"hold-exists":    {"The hold exists already, or there are too many.", "该挂起事项已存在或数量过多。"}, "unknown-hold": {"There is no such hold.", "没有该挂起事项。"},
	"no-task": {"The account has no task for a person.", "该户没有待办的现场任务。"}, "nothing-held": {"No reading of the point is held.", "该计量点没有被挂起的读数。"},
	"unknown-point": {"There is no such metering point.", "没有该计量点。"}, "nothing-open": {"No relay of the account was read open.", "该户没有断开的继电器。"},
	"nothing-to-bill": {"No reading was accepted yet.", "尚无通过审核的读数。"}, "held": {"Audit holds a reading or the fee.", "读数或电费被审核挂起。"},
	"no-tariff": {"No tariff version is valid at the start of the period.", "周期起始日没有有效电价版本。"}, "no-charge": {"The fee cannot be calculated.", "电费无法测算。"},
	"not-posted": {"The amount does not fit the books.", "金额无法记账。"}, "unknown-account": {"There is no such account.", "没有该户号。"},
}

// Tasks are what a person has to do.
var Tasks = Words{
	"cut-by-hand":     {"There is no switch to command: somebody has to go there.", "无可控开关：需到现场处理。"},
	"close-by-hand":   {"The switch cannot close on command: somebody has to restore the power.", "开关不能遥控合闸：需到现场复电。"},
	"trip-failed":     {"The trip failed: somebody has to look at the switch.", "跳闸失败：需到现场检查开关。"},
	"trip-unknown":    {"It is not known whether the trip happened: somebody has to look.", "跳闸结果未知：需到现场核实。"},
	"close-failed":    {"The restore failed: somebody has to restore the power.", "复电失败：需到现场复电。"},
	"restore-by-hand": {"Paid after a cut by hand: somebody has to restore the power.", "现场停电后已缴费：需到现场复电。"},
	"cannot-notify":   {"The notice cannot be delivered: somebody has to hand it over.", "催费通知无法送达：需人工送达。"},
}

// Actions of orders.
var Actions = Words{
	"trip":   {"trip", "跳闸"},
	"permit": {"permit close", "合闸允许"},
	"close":  {"close", "直接合闸"},
}

// OrderStates say what became of an order.
var OrderStates = Words{
	"queued":     {"under way", "执行中"},
	"done":       {"done, read back", "已执行并回读确认"},
	"permitted":  {"permitted, waiting for the button", "已允许，待按键"},
	"failed":     {"failed", "失败"},
	"refused":    {"refused", "被拒绝"},
	"expired":    {"expired", "已过期"},
	"unknown":    {"unknown", "结果未知"},
	"superseded": {"overtaken by a later order", "被后续指令取代"},
}

// Relays are states of a contact; Modes are kept apart from them.
var (
	Relays = Words{"open": {"open (no power)", "断开（无电）"}, "closed": {"closed (power on)", "闭合（有电）"}, "unknown": {"not known", "未知"}}
	Modes  = Words{
		"own":           {"own", "正常"},
		"forced_open":   {"standing open command", "跳闸命令有效"},
		"forced_closed": {"power hold in the meter", "表内保电"},
		"unknown":       {"not known", "未知"},
	}
)

// NoticeKinds and NoticeStates of messages to customers.
var (
	NoticeKinds  = Words{"warning": {"warning", "预警"}, "reminder": {"payment reminder", "催费"}, "trip": {"power cut", "停电通知"}, "restore": {"power restored", "复电通知"}}
	NoticeStates = Words{"queued": {"on its way", "发送中"}, "delivered": {"delivered", "已送达"}, "failed": {"not delivered", "未送达"}}
)

// EntryKinds and Books of the ledger.
var (
	EntryKinds = Words{"payment": {"payment", "缴费"}, "issue": {"bill issued", "电费发行"}, "settlement": {"settlement", "销账"},
		"hold": {"set aside", "冻结"}, "release": {"released", "解冻"}, "reversal": {"reversal", "冲正"}}
	Books = Words{"advances": {"advances", "预收"}, "receivables": {"receivables", "应收"}, "held": {"held", "冻结"},
		"cash": {"cash", "资金"}, "revenue": {"revenue", "收入"}}
)

// Tags are what a tag forbids.
var Tags = Words{"no_trip": {"no trip", "禁止停电"}, "no_close": {"no close: work on the line", "禁止合闸：线路有人工作"}}

// Findings are the codes of the stages' own findings; those of the audit rules are named by package audit.
var Findings = Words{
	"C01": {"the fee cannot be calculated", "电费无法测算"},
	"C02": {"no tariff version is valid", "没有有效的电价版本"},
	"C03": {"the period crosses the end of a tier cycle or a tariff version, and no reading stands there", "周期跨越阶梯年度或电价版本的分界，且分界处没有示数"},
	"C04": {"the tariff prices by band, and the rate registers are missing or do not add up", "分时电价缺少费率示数，或费率示数与总示数不符"},
	"C05": {"the tariff charges for what the archive does not tell of this account", "电价所需的客户资料（容量、需量、无功等）档案中没有"},
	"R01": {"the relay is open, and not by our order", "继电器断开，且非本系统所为"},
	"R02": {"an answer to an order that was never made", "收到从未下达的指令的应答"},
	"T01": {"the clock of the reading is not trusted", "抄读时间不可信"},
	"E01": {"stored readings cannot be read", "已存读数无法读取"},
	"E02": {"the registers do not add up", "表码不能累加"},
	"E03": {"the books do not add up", "账目越界"},
}

// finding is the name of an audit code.
func finding(lang, code string) string {
	if _, ok := Findings[code]; ok {
		return Findings.In(lang, code)
	}
	t := audit.Title(code)
	if lang == "zh" && t.ZH != "" {
		return t.ZH
	}
	return t.EN
}

// Lines of a bill.
var Lines = Words{
	"flat":  {"energy", "电度电费"},
	"tier1": {"tier 1", "第一档"}, "tier2": {"tier 2", "第二档"}, "tier3": {"tier 3", "第三档"}, "tier4": {"tier 4", "第四档"},
	"tier5": {"tier 5", "第五档"}, "tier6": {"tier 6", "第六档"}, "tier7": {"tier 7", "第七档"}, "tier8": {"tier 8", "第八档"},
}

// QuarantineReasons say why something was nobody's, and what to do about it.
var QuarantineReasons = Words{
	"unknown-meter":                {"No account has this meter: add it to the archive, or take it out of the agent's configuration.", "档案中没有该电能表：请补建档案，或从采集终端的配置中移除。"},
	"value-out-of-range":           {"The value is beyond what a register can hold: look at the meter and its model.", "数值超出示数范围：请检查电能表及其型号。"},
	"outcome of an unknown switch": {"The outcome of an order for a switch that no account has.", "收到档案中没有的开关的执行结果。"},
}

// GapReasons say why readings are missing.
var GapReasons = Words{
	"line down":   {"the line was down", "线路中断"},
	"outbox full": {"the agent's outbox was full", "采集终端本地存储已满"},
	"outbox new":  {"the agent began a new outbox: its first start, or the old one was lost", "采集终端新建本地存储：首次启动，或原有存储丢失"},

	"not kept by the meter":                        {"the meter keeps no history of it", "电能表未保存该时段数据"},
	"beyond the meter's memory":                    {"the meter no longer keeps it", "超出电能表保存范围"},
	"no record in the meter: it was without power": {"the meter was without power", "该时段电能表停电，无记录"},
	"the meter's record could not be read":         {"the meter's record could not be read", "电能表记录无法读取"},
	"too many holes at once":                       {"there were too many gaps at once to fill them all", "缺口过多，未全部补抄"},
	"no daily freeze in the meter":                 {"the meter made no daily freeze", "电能表无当日冻结数据"},
	"no snapshot at the boundary":                  {"nothing was read within five minutes of the boundary", "结算时刻前后五分钟内未抄到读数"},
}

// FieldKinds are kinds of field work.
var FieldKinds = Words{
	"commission": {"put into service", "投运"},
	"exchange":   {"meter exchanged", "换表"},
	"reading":    {"read by eye", "手抄"},
	"relay":      {"relay moved by hand", "现场跳合闸"},
	"mode":       {"commissioning mode", "调试模式"},
	"maintain":   {"meter maintained", "电能表维护"},
}

// WorkStates are what came of an act by hand.
var WorkStates = Words{
	"done":      {"done, read back", "已执行，已读回"},
	"permitted": {"permitted, waits for the button", "已允许，等待按钮"},
	"accepted":  {"accepted by the meter", "电能表已接受"},
	"failed":    {"failed", "失败"},
	"refused":   {"refused, nothing was sent", "拒绝，未发送"},
	"unknown":   {"unknown: look at the meter", "结果不明：请到表前查看"},
}

// Alarms of agents.
var Alarms = Words{
	"foreign-master":     {"a second master talks on the line", "线路上有第二个主站"},
	"foreign-relay":      {"a relay command that is not ours is on the line", "线路上出现非本终端发出的跳合闸指令"},
	"foreign-reply":      {"an answer to a question nobody asked is on the line", "线路上出现无人询问的应答"},
	"clock-off":          {"the meter's clock is far off", "电能表时钟偏差过大"},
	"clock-step":         {"the meter's clock jumped", "电能表时钟跳变"},
	"meter-silent":       {"the meter does not answer", "电能表无应答"},
	"outbox-nearly-full": {"the outbox is nearly full", "采集终端本地存储将满"},
}

// Tables are all tables of words, by name, for the test that nothing is missing in one language.
var Tables = map[string]Words{"stages": Stages, "checks": Checks, "blocks": Blocks, "refusals": Refusals, "tasks": Tasks, "actions": Actions, "order states": OrderStates,
	"relays": Relays, "modes": Modes, "notice kinds": NoticeKinds, "notice states": NoticeStates, "entry kinds": EntryKinds, "books": Books,
	"tags": Tags, "findings": Findings, "lines": Lines,
	"quarantine reasons": QuarantineReasons, "gap reasons": GapReasons, "alarms": Alarms, "field kinds": FieldKinds, "work states": WorkStates}

type langKey struct{}

// WithLang marks ctx with the language of who asks.
func WithLang(ctx context.Context, lang string) context.Context {
	return context.WithValue(ctx, langKey{}, lang)
}

// Lang is the language of who asks: "zh" or "en".
func Lang(ctx context.Context) string {
	if lang, _ := ctx.Value(langKey{}).(string); lang == "zh" {
		return "zh"
	}
	return "en"
}

// Accept picks "zh" or "en" by an Accept-Language header (RFC 9110, 12.5.4); English when it names neither.
func Accept(header string) string {
	best, weight := "en", 0
	for range 16 { // more preferences than this say nothing
		var part string
		part, header, _ = strings.Cut(header, ",")
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		lang := ""
		switch tag = strings.ToLower(strings.TrimSpace(tag)); {
		case tag == "zh" || strings.HasPrefix(tag, "zh-"):
			lang = "zh"
		case tag == "en" || strings.HasPrefix(tag, "en-"):
			lang = "en"
		}
		if q := quality(params); lang != "" && q > weight {
			best, weight = lang, q
		}
		if header == "" {
			break
		}
	}
	return best
}

// quality is a q parameter in thousandths; absent is 1.
func quality(params string) int {
	v, ok := strings.CutPrefix(strings.TrimSpace(params), "q=")
	if !ok {
		return 1000
	}
	whole, frac, _ := strings.Cut(v, ".")
	if whole == "1" {
		return 1000
	}
	q, unit := 0, 100
	for _, c := range frac {
		if c < '0' || c > '9' || unit == 0 {
			break
		}
		q += int(c-'0') * unit
		unit /= 10
	}
	return q
}
