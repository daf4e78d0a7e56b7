package policy_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"feikong/billing/policy"
	"feikong/internal/document"

	"github.com/google/go-cmp/cmp"
)

func village(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile("testdata/shandong-village.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func parseOne(t *testing.T, doc string) policy.Policy {
	t.Helper()
	policies, err := policy.Parse("p.yaml", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return policies[0]
}

func TestParseVillage(t *testing.T) {
	got := parseOne(t, village(t))
	want := policy.Policy{
		ID: "shandong-village", Version: 1, Clause: "费控协议 第5条",
		WarnBelow: 500_000, WarnMargin: 100_000, TripBelow: 0, NoticeGrace: 7 * 24 * time.Hour,
		Windows:       []policy.Window{{Days: 0b0011110, From: 540, To: 960}, {Days: 0b0100000, From: 540, To: 720}},
		MaxReadingAge: 26 * time.Hour, MaxClockDrift: 10 * time.Minute, MinGapBetweenTrips: 12 * time.Hour,
		TripsPerHour: 60, RestoreMode: policy.RestoreClose, OrderTTL: 30 * time.Minute,
		Name: got.Name, Hash: got.Hash,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got.Hash == [32]byte{} || got.Name.In("zh") != "山东农村居民" || got.Name.In("en") != "Shandong village household" {
		t.Errorf("got %+v", got)
	}
}

func TestHashCoversEveryKey(t *testing.T) {
	doc := village(t)
	base := parseOne(t, doc).Hash
	for _, edit := range [][2]string{
		{"id: shandong-village", "id: other"}, {"version: 1", "version: 2"}, {"第5条", "第6条"}, {`"50"`, `"51"`},
		{`"10"`, `"11"`}, {`trip_below: "0"`, `trip_below: "1"`}, {"168h", "169h"}, {"09:00", "09:01"}, {"[fri]", "[sat]"},
		{"12h", "13h"}, {"per_hour: 60", "per_hour: 61"}, {"close", "permit"}, {"30m", "31m"},
		{"restore: close", "restore: close\n    credit: \"5\""},
		{"restore: close", "restore: close\n    max_reading_age: 25h"},
		{"restore: close", "restore: close\n    max_clock_drift: 1m"},
	} {
		if parseOne(t, strings.Replace(doc, edit[0], edit[1], 1)).Hash == base {
			t.Errorf("writing %s for %s keeps the hash", edit[1], edit[0])
		}
	}
}

func TestOpen(t *testing.T) {
	p := parseOne(t, village(t))
	always := parseOne(t, strings.Replace(village(t), `{days: [fri], from: "09:00", to: "12:00"}`, `{days: [daily], from: "00:00", to: "24:00"}`, 1))
	never := p
	never.Windows = nil
	beijing := time.FixedZone("+08:00", 8*3600)
	for _, test := range []struct {
		name   string
		policy policy.Policy
		at     string
		want   bool
	}{
		{"Monday morning", p, "2025-06-02T09:00:00+08:00", true},
		{"a minute too early", p, "2025-06-02T08:59:59+08:00", false},
		{"last minute", p, "2025-06-02T15:59:59+08:00", true},
		{"the end is not in it", p, "2025-06-02T16:00:00+08:00", false},
		{"Friday noon", p, "2025-06-06T12:00:00+08:00", false},
		{"Sunday", p, "2025-06-08T10:00:00+08:00", false},
		{"by local clock", p, "2025-06-02T01:30:00Z", true},
		{"always, midnight", always, "2025-06-08T00:00:00+08:00", true},
		{"always, last second", always, "2025-06-08T23:59:59+08:00", true},
		{"no windows", never, "2025-06-02T10:00:00+08:00", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, test.at)
			if err != nil {
				t.Fatal(err)
			}
			if got := test.policy.Open(at, beijing); got != test.want {
				t.Errorf("got open %v, want %v", got, test.want)
			}
		})
	}
}

func TestParseRefusesWithLineAndRemedy(t *testing.T) {
	doc := village(t)
	for _, test := range []struct {
		name, old, new string
		line           int
		want           string
	}{
		{"misspelt key", "trip_below", "trip_belw", 11, `unknown key "trip_belw", nearest is "trip_below"`},
		{"no grace", "    notice_grace: 168h\n", "", 5, "notice_grace is missing; give the time between notice and trip"},
		{"zero grace", "168h", "0s", 12, "no trip without a notice"},
		{"grace in days", "168h", "7d", 12, `"7d" is not a time span`},
		{"no clause", "    clause: 费控协议 第5条\n", "", 5, "clause is missing"},
		{"empty clause", "clause: 费控协议 第5条", `clause: ""`, 8, "clause is empty"},
		{"no name", "{zh: 山东农村居民, en: Shandong village household}", "{}", 5, "name is missing"},
		{"trip before warning", `trip_below: "0"`, `trip_below: "51"`, 11, "trip_below is above warn_below"},
		{"negative margin", `"10"`, `"-1"`, 10, "warn_margin is negative"},
		{"too many decimals", `"50"`, `"50.00001"`, 9, "warn_below: too many decimals"},
		{"margin beyond int64", `"10"`, `"922337203685477"`, 10, "warn_below plus warn_margin: amount is beyond"},
		{"unknown restore", "close", "closed", 18, `restore is "closed"; give close or permit`},
		{"no trips", "60", "0", 17, "to trip nobody give windows: []"},
		{"immortal order", "30m", "0m", 19, "order_ttl must be above zero"},
		{"version 0", "version: 1", "version: 0", 6, "count the versions from 1"},
		{"unknown day", "[fri]", "[friday]", 15, `day "friday" is unknown`},
		{"no days", "days: [fri], ", "", 15, "days is missing"},
		{"time of day", `from: "09:00", to: "12:00"`, `from: "9:00", to: "12:00"`, 15, `from: "9:00" is not a time of day`},
		{"past midnight", `to: "12:00"`, `to: "06:00"`, 15, "split one that runs past midnight in two"},
		{"hour 24 and more", `to: "12:00"`, `to: "24:01"`, 15, `to: "24:01" is not a time of day`},
		{"no end", `, to: "12:00"`, "", 15, `to: "" is not a time of day`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(doc, test.old) {
				t.Fatalf("no %q in the document", test.old)
			}
			_, err := policy.Parse("p.yaml", []byte(strings.Replace(doc, test.old, test.new, 1)))
			var fault *document.Error
			if !errors.As(err, &fault) || fault.Line != test.line || !strings.Contains(fault.Text, test.want) {
				t.Errorf("got %v, want line %d: %s", err, test.line, test.want)
			}
		})
	}
	twice := doc + strings.SplitAfterN(doc, "policies:\n", 2)[1]
	if _, err := policy.Parse("p", []byte(twice)); err == nil || !strings.Contains(err.Error(), "line 20: version 1 of policy shandong-village is on line 5 already") {
		t.Errorf("got %v, want the same version refused", err)
	}
	if _, err := policy.Parse("p", []byte("policies: []")); err == nil || !strings.Contains(err.Error(), "0 policies") {
		t.Errorf("got %v, want an empty document refused", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(village(f)))
	f.Add([]byte("policies: []"))
	f.Fuzz(func(t *testing.T, data []byte) {
		policies, err := policy.Parse("fuzz", data)
		if err != nil {
			return
		}
		for _, p := range policies {
			if p.NoticeGrace <= 0 || p.OrderTTL <= 0 || p.TripsPerHour < 1 || p.TripBelow > p.WarnBelow {
				t.Errorf("an unsafe policy passed: %+v", p)
			}
		}
	})
}
