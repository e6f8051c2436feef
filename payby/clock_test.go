package payby

import (
	"testing"
	"time"
)

func TestClockOffset(t *testing.T) {
	date := time.Date(2026, 7, 14, 6, 15, 30, 0, time.UTC)
	at := func(d time.Duration) time.Time { return date.Add(d) }
	for name, c := range map[string]struct {
		date, sent, received time.Time
		offset, within       time.Duration
		ok                   bool
	}{
		"right clock, no time lost": {date, at(500 * time.Millisecond), at(500 * time.Millisecond), 0, 500 * time.Millisecond, true},
		"right clock, slow answer":  {date, at(-1500 * time.Millisecond), at(2500 * time.Millisecond), 0, 2500 * time.Millisecond, true},
		"gateway ahead":             {date, at(-time.Hour), at(-time.Hour + time.Second), time.Hour, time.Second, true},
		"gateway behind":            {date, at(time.Hour), at(time.Hour + time.Second), -time.Hour, time.Second, true},
		"years":                     {date, at(-30 * 365 * 24 * time.Hour), at(-30 * 365 * 24 * time.Hour), 30*365*24*time.Hour + 500*time.Millisecond, 500 * time.Millisecond, true},
		"no date":                   {time.Time{}, date, date, 0, 0, false},
		"not sent":                  {date, time.Time{}, date, 0, 0, false},
		"clock set back meanwhile":  {date, date, at(-time.Second), 0, 0, false},
	} {
		offset, within, ok := ClockOffset(c.date, c.sent, c.received)
		if offset != c.offset || within != c.within || ok != c.ok {
			t.Errorf("%s: %v ± %v, %t", name, offset, within, ok)
		}
	}
}

// Whatever the moment at which the header was written, and whatever second it
// fell into, the true offset lies within the bounds.
func TestClockOffsetHoldsTheTruth(t *testing.T) {
	base := time.Date(2026, 7, 14, 6, 15, 30, 0, time.UTC)
	for _, truth := range []time.Duration{0, time.Millisecond, -7 * time.Second, 20 * time.Minute} {
		for start := range 7 {
			for trip := range 5 {
				for share := range 5 {
					sent := base.Add(time.Duration(start) * 170 * time.Millisecond)
					took := time.Duration(trip) * 400 * time.Millisecond
					date := sent.Add(took * time.Duration(share) / 4).Add(truth).Truncate(time.Second)
					offset, within, ok := ClockOffset(date, sent, sent.Add(took))
					if !ok || (offset-truth).Abs() > within {
						t.Fatalf("%v: %v ± %v", truth, offset, within)
					}
				}
			}
		}
	}
}

func TestUAEDays(t *testing.T) {
	for _, c := range []struct {
		at                    string
		page, statement, bill string
	}{
		{"2026-07-14T00:00:00+04:00", "2026-07-14", "20260714", "202607"},
		{"2026-07-13T19:59:59Z", "2026-07-13", "20260713", "202607"},
		{"2026-07-13T20:00:00Z", "2026-07-14", "20260714", "202607"},
		{"2026-12-31T20:00:00Z", "2027-01-01", "20270101", "202701"},
		{"2026-06-30T15:59:59-04:00", "2026-06-30", "20260630", "202606"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if PageDay(at) != c.page || StatementDay(at) != c.statement || InvoiceMonth(at) != c.bill {
			t.Errorf("%s: %s %s %s", c.at, PageDay(at), StatementDay(at), InvoiceMonth(at))
		}
	}
}
