package meter

import "feikong/protocol/dlt645"

func (m *Meter) answer1997(f dlt645.Frame, exact bool) (dlt645.Frame, bool) {
	return dlt645.Frame{}, false
}
