package dlt645

// security explains C = 03H, the security function (安全认证); without data it
// is the repetition of 1997, which has nothing to explain.
func (e *explainer) security(f Frame) []field {
	d := f.Data
	out := e.item(d)
	if len(d) < 4 {
		return nil
	}
	identity := wireDI(d) == DIIdentity
	switch {
	case identity && !f.FromMeter() && len(d) == 4+4+identityLen:
		return append(out, e.operator(d[4:8]), field{8, e.t("cipher", "密文"), false},
			field{8, e.t("random number 1", "随机数1"), false}, field{8, e.t("dispersion factor", "分散因子"), false})
	case identity && f.FromMeter() && len(d) == 4+4+8:
		return append(out, field{4, e.t("random number 2", "随机数2"), false}, field{8, e.t("serial number of the ESAM", "ESAM 序列号"), false})
	case !f.FromMeter() && len(d) >= 8:
		out = append(out, e.operator(d[4:8]))
		return append(out, field{len(d) - 8, e.t("sealed by a security module (ESAM)", "由安全模块（ESAM）加密"), false})
	}
	return append(out, field{len(d) - 4, e.t("answer of the security module (ESAM)", "安全模块（ESAM）应答"), false})
}

// securityNames names the identifiers of C = 03H that are known.
var securityNames = map[DI]words{DIIdentity: {"identity authentication", "身份认证"}, 0x070001FF: {"validity of the identity authentication", "身份认证时效设置"}}

// plan1997 explains identifiers of two bytes and what follows them. What is
// written may begin with a password, which only the meter knows.
func (e *explainer) plan1997(f Frame) []field {
	if len(f.Data) < 2 {
		return nil
	}
	di, data := wireDI1997(f.Data), f.Data[2:]
	parts := layout1997(di)
	name := ""
	if it, ok := Item1997(di); ok {
		name = e.t(", "+it.Name, "，"+it.NameZH)
	} else if len(parts) > 0 {
		name = e.t(", "+parts[0].Name+" and what follows it", "，"+parts[0].NameZH+"等（数据块）")
	} else if di&0xFF == 0xFF {
		name = e.t(", a set of blocks", "，数据块集合")
	}
	out := []field{{2, e.t("data identifier ", "数据标识 ") + di.String()[4:] + name, false}}
	switch {
	case f.Func() == funcWrite1997:
		return append(out, field{maxData, e.t("written data, masked: it may begin with a password", "写入数据（可能含密码，已隐去）"), true})
	case !f.FromMeter():
	case f.More() || f.Func() == funcSubsequent1997:
		out = append(out, field{len(data), e.t("part of the answer", "应答的一部分"), false})
	case di&0xFF == 0xFF:
		out = append(out, e.set1997(di, data)...)
	default:
		out = append(out, e.itemValues(parts, data, true)...)
	}
	return out
}

// set1997 explains a set: blocks with an AA between them.
func (e *explainer) set1997(d DI, data []byte) (out []field) {
	for kind := DI(1); kind < 0xF && len(data) > 0; kind++ {
		parts := layout1997(d&^0xFF | kind<<4 | 0xF)
		n := untilSep(parts, data)
		out = append(out, e.itemValues(parts, data[:n], false)...)
		if n == len(data) || data[n] != partSep {
			break
		}
		out = append(out, e.separator(n == 0))
		data = data[n+1:]
	}
	return out
}
