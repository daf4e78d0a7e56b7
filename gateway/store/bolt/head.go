package bolt

import (
	"encoding/json"

	"feikong/gateway/account"

	"go.etcd.io/bbolt"
)

// formatVersion of the file. A program that meets a higher one refuses to open it; a lower one is raised when it is opened for
// writing. 2: field work.
const formatVersion = 2

// since is the format that brought a bucket, for those that are not as old as the first.
var since = [buckets]int{bucketFieldWork: 2}

// magic is the first thing that is looked at in a file that opens.
const magic = "feikong gateway store\x00"

var (
	keyMagic = []byte("magic")
	keyHead  = []byte("head")
	keyPace  = []byte("pace")
)

// head is the one value every commit rewrites.
type head struct {
	Format       int
	Installation string
	Generation   uint32 // of the store: raised by a restore
	Commit       uint64
	NextNo       uint64 // number the next new account takes
	Config       uint64 // generation of the rule documents and profiles

	ReadingSeq uint64 // last chunk of readings
	RunMax     int64  // newest trusted time of all readings
	StateSeq   uint64 // last chunk of images
	SweepPage  int    // next page of the running sweep
	SweepFrom  uint64 // first image chunk written after the running sweep began
	SweptFrom  uint64 // the same of the last whole sweep: older chunks are overtaken
	Sweeps     uint64

	AuditHead [32]byte
	Tally     [buckets]tally
}

// pages is how many pages of states the file has or will have.
func (h *head) pages() int {
	if h.NextNo <= 1 {
		return 0
	}
	return int((h.NextNo-1)/pageAccounts) + 1
}

// putMeta stores a value of the meta bucket, which is not tallied: it holds the tallies.
func putMeta(tx *bbolt.Tx, key []byte, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	value := append(make([]byte, sealSize, sealSize+len(data)), data...)
	seal(bucketMeta, key, value)
	return tx.Bucket([]byte(bucketNames[bucketMeta])).Put(key, value)
}

// paceMax bounds the trips remembered for pacing. A policy that allows more an hour is refused long before.
const paceMax = 10_000

const hourMs = 3_600_000

// pace is when trip orders were created: what pacing across accounts needs, and survives a restart.
type pace struct {
	Last  int64
	Times []int64 // of the last hour, in the order they were made
}

// add remembers a trip made at a time. The hour is counted back from that time: counted from the newest, one trip by a clock that ran
// ahead would make all later ones forgotten.
func (p *pace) add(at int64) pace {
	next := pace{Last: max(p.Last, at)}
	for _, t := range p.Times {
		if inHour(t, at) {
			next.Times = append(next.Times, t)
		}
	}
	next.Times = append(next.Times, at)
	if over := len(next.Times) - paceMax; over > 0 {
		next.Times = next.Times[over:]
	}
	return next
}

// inHour says whether a trip made at t counts at now. One "later than now" counts too: a clock that was put back must not open the pace.
// Further ahead than a day it was made by a clock that is known to have been wrong, and after which no trip goes out for a day.
func inHour(t, now int64) bool { return t > now-hourMs && t < now+24*hourMs }

// counts at now.
func (p *pace) counts(now int64) account.Counts {
	c := account.Counts{LastTrip: p.Last}
	for _, t := range p.Times {
		if inHour(t, now) {
			c.TripsHour++
		}
	}
	return c
}
