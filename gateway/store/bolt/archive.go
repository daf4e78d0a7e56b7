package bolt

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sort"

	"feikong/gateway/account"
	"feikong/protocol"
)

// archive is the profiles and rule documents in force. It is never written to: a change makes another one.
type archive struct {
	config    *account.Config
	documents []account.Document // by region, name
	profiles  []*account.Profile // by number; nil where none
	byID      map[string]account.No
	order     []account.No // by ID
	installed map[installKey]installation
	agents    map[string][]installation // in order of number and point
}

type installKey struct {
	agent string
	meter protocol.MeterRef
}

type installation struct {
	no    account.No
	point uint16
	meter protocol.MeterRef
}

func (a *archive) profile(no account.No) *account.Profile {
	if uint64(no) >= uint64(len(a.profiles)) {
		return nil
	}
	return a.profiles[no]
}

// build makes the indexes. Two metering points on one meter would bill one reading twice: that is an error.
func (a *archive) build() error {
	a.byID = make(map[string]account.No, len(a.profiles))
	a.installed = make(map[installKey]installation, len(a.profiles))
	a.agents = map[string][]installation{}
	a.order = nil
	for _, p := range a.profiles {
		if p == nil {
			continue
		}
		a.byID[p.ID] = p.No
		a.order = append(a.order, p.No)
		for i := range p.Points {
			q := &p.Points[i]
			if q.Meter.Address == "" {
				continue // no meter there now
			}
			key, in := installKey{q.Agent, q.Meter}, installation{p.No, uint16(i), q.Meter}
			if other, twice := a.installed[key]; twice {
				return fmt.Errorf("meter %s on line %s of agent %s belongs to account %s and to account %s: install it at one metering point",
					q.Meter.Address, q.Meter.Line, q.Agent, a.profiles[other.no].ID, p.ID)
			}
			a.installed[key] = in
			a.agents[q.Agent] = append(a.agents[q.Agent], in)
		}
	}
	sort.Slice(a.order, func(i, j int) bool { return a.profiles[a.order[i]].ID < a.profiles[a.order[j]].ID })
	return nil
}

// putArchive stores what differs and returns the archive that is in force after the commit; nil when nothing differs.
func (w *writer) putArchive(old *archive, in *account.Archive, parse func([]account.Document) (*account.Config, error)) (*archive, error) {
	next := &archive{documents: append([]account.Document(nil), old.documents...), profiles: append([]*account.Profile(nil), old.profiles...)}
	changed := false
	byID := make(map[string]account.No, len(in.Profiles))
	for i := range in.Profiles {
		p := in.Profiles[i] // a copy; what it points to is the engine's from now on
		if p.ID == "" {
			return nil, fmt.Errorf("archive: profile %d has no account ID", i+1)
		}
		if _, twice := byID[p.ID]; twice {
			return nil, fmt.Errorf("archive: account %s comes twice", p.ID)
		}
		stored, err := w.putProfile(next, old, &p)
		if err != nil {
			return nil, err
		}
		byID[p.ID] = p.No
		changed = changed || stored
	}
	for _, d := range in.Documents {
		stored, err := w.putDocument(next, d)
		if err != nil {
			return nil, err
		}
		changed = changed || stored
	}
	if !changed {
		return nil, nil
	}
	if err := next.build(); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	w.head.Config++
	var err error
	next.config, err = configOf(next.documents, w.head.Config, parse)
	return next, err
}

func configOf(documents []account.Document, generation uint64, parse func([]account.Document) (*account.Config, error)) (*account.Config, error) {
	config := account.Config{}
	if parse != nil {
		parsed, err := parse(documents)
		if err != nil {
			return nil, fmt.Errorf("rule documents: %w", err)
		}
		config = *parsed
	}
	config.Generation = generation
	return &config, nil
}

func (w *writer) putProfile(next, old *archive, p *account.Profile) (bool, error) {
	p.Points = append([]account.PointProfile(nil), p.Points...)
	p.No = 0
	before := &account.Profile{}
	no, known := old.byID[p.ID]
	if known {
		before = old.profile(no)
	}
	if err := keepPlaces(before, p); err != nil {
		return false, err
	}
	if known {
		p.No = no
		same := *before
		same.Version, p.Version = 0, 0
		if len(same.Points) == 0 && len(p.Points) == 0 {
			same.Points, p.Points = nil, nil
		}
		if reflect.DeepEqual(&same, p) {
			return false, nil
		}
		p.Version = before.Version + 1
	} else {
		p.No, p.Version = account.No(w.head.NextNo), 1
		w.head.NextNo++
	}
	for uint64(len(next.profiles)) <= uint64(p.No) {
		next.profiles = append(next.profiles, nil)
	}
	next.profiles[p.No] = p
	return true, w.setJSON(bucketProfiles, keySeq(uint64(p.No)), p)
}

// keepPlaces puts the points of an account's new profile into the places the old one gave them: states, readings and
// orders name a point by its place. New ones follow. A point that is missing is an error: its money and orders stay.
func keepPlaces(before, p *account.Profile) error {
	given := make(map[string]account.PointProfile, len(p.Points))
	for _, q := range p.Points {
		if _, twice := given[q.ID]; twice {
			return fmt.Errorf("archive: account %s has metering point %s twice", p.ID, q.ID)
		}
		given[q.ID] = q
	}
	points := make([]account.PointProfile, 0, len(p.Points))
	for _, q := range before.Points {
		now, ok := given[q.ID]
		if !ok {
			return fmt.Errorf("archive: account %s lacks its metering point %s: metering points are never removed", p.ID, q.ID)
		}
		points = append(points, now)
		delete(given, q.ID)
	}
	for _, q := range p.Points {
		if _, fresh := given[q.ID]; fresh {
			points = append(points, q)
		}
	}
	p.Points = points
	return nil
}

func (w *writer) putDocument(next *archive, d account.Document) (bool, error) {
	i := sort.Search(len(next.documents), func(i int) bool {
		e := &next.documents[i]
		return e.Region > d.Region || e.Region == d.Region && e.Name >= d.Name
	})
	d.Body = append([]byte(nil), d.Body...)
	if i < len(next.documents) && next.documents[i].Region == d.Region && next.documents[i].Name == d.Name {
		if string(next.documents[i].Body) == string(d.Body) {
			return false, nil
		}
		next.documents[i] = d
	} else {
		next.documents = append(next.documents, account.Document{})
		copy(next.documents[i+1:], next.documents[i:])
		next.documents[i] = d
	}
	data, err := json.Marshal(&d)
	if err != nil {
		return false, fmt.Errorf("encode document %s: %w", d.Name, err)
	}
	return true, w.set(bucketDocuments, keyPair(d.Region, d.Name), data)
}
