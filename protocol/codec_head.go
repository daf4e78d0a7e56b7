package protocol

// DecodeBatchHead reads the head of a batch of either lane and nothing behind it: whose it is, and that it holds the
// sequences first to first+count-1 of the epoch. It is for batches whose own decoder refuses them: with the head, the
// bytes can go to quarantine and be acknowledged, so that they do not block the lane. It never says that the rest is
// sound. Errors wrap ErrWire.
func DecodeBatchHead(data []byte) (agent string, epoch, first uint64, count int, err error) {
	memory := maxMemory
	r := reader{rest: data, msg: "batch head", memory: &memory}
	for r.num < 5 && r.next() {
		switch r.num {
		case 1:
			agent = r.name("agent")
		case 2:
			epoch = r.fixed64("epoch")
		case 3:
			first = r.uint64("first")
		case 5:
			count = int(r.varint("count", MaxBatch))
		}
	}
	if why := badRun(agent, first, count); why != "" {
		r.fail("first", why)
	}
	if r.err != nil {
		return "", 0, 0, 0, r.err
	}
	return agent, epoch, first, count, nil
}
