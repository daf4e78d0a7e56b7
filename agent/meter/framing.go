package meter

// Framing is the rate and parity that the meter answers at, zero values being the line's. The poller visits meters of one
// framing together, so that the port is retuned seldom.
func (m *DLT645) Framing() (baud int, parity string) {
	w := m.ways.now()
	return w.baud, w.parity
}
