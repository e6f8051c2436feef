package pos

import (
	"testing"
	"time"
)

// The cut-off itself belongs to the new day, the millisecond before to the old
// one, also where that is another year.
func TestBusinessDate_TurnsAtTheCutOff(t *testing.T) {
	dubai := time.FixedZone("GST", 4*3600)
	for _, tc := range []struct {
		at     time.Time
		cutOff time.Duration
		want   string
	}{
		{time.Date(2027, 1, 1, 4, 0, 0, 0, dubai), 4 * time.Hour, "2027-01-01"},
		{time.Date(2027, 1, 1, 3, 59, 59, 999_000_000, dubai), 4 * time.Hour, "2026-12-31"},
		{time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC), 4 * time.Hour, "2026-12-31"},
		{time.Date(2027, 1, 1, 0, 0, 0, 0, dubai), 0, "2027-01-01"},
		{time.Date(2028, 3, 1, 3, 0, 0, 0, dubai), 4 * time.Hour, "2028-02-29"},
	} {
		if got := businessDate(tc.at, dubai, tc.cutOff); got != tc.want {
			t.Errorf("%s with cut-off %s: %s, want %s", tc.at, tc.cutOff, got, tc.want)
		}
	}
}

// Closed are those that still are: who turns out to have paid leaves the count.
func TestZ_WhoPaysAfterAllIsNotAmongTheClosed(t *testing.T) {
	s := newSim(t)
	late, stays := s.charge(900), s.charge(700)
	s.abort(late)
	s.abort(stays)
	s.advance(30 * time.Second)
	if x := s.x(); x.Closed != (Sum{2, 1600}) {
		t.Fatalf("closed %v", x.Closed)
	}
	s.pay(late)
	s.notify(late, nil)
	z := s.closeShift()
	wantTotals(t, z.Totals, Totals{Late: Sum{1, 900}})
	if z.Charged != (Sum{2, 1600}) || z.Closed != (Sum{1, 700}) {
		t.Errorf("charged %v, closed %v", z.Charged, z.Closed)
	}
}

// A refund that nobody here asked for has no day of its own: it counts on the
// one on which the till heard that the money had left.
func TestZ_ARefundFromOutsideCountsOnTheDayOfItsNews(t *testing.T) {
	s := newSim(t)
	no := s.sell(5000, "Amna")
	first := s.closeShift().BusinessDate
	s.advance(24 * time.Hour)
	s.deliver(Notice{Refund: &RefundReport{
		Source: SourceNotification, Refund: "X-PORTAL", Sale: no, Status: RefundReportDone, Amount: 2000, Currency: Currency,
	}})
	day := s.core.today(s.now)
	s.openShift()
	z := s.closeShift()
	if day == first || len(z.Dates) != 1 {
		t.Fatalf("days %+v", z.Dates)
	}
	wantTotals(t, key(z.Dates, day), Totals{Refunds: Sum{1, 2000}})
	wantTotals(t, key(z.Cashiers, ""), Totals{Refunds: Sum{1, 2000}})
	wantTotals(t, z.Totals, Totals{Refunds: Sum{1, 2000}})
}
