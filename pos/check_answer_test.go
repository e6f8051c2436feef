package pos_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
)

// originator is a provider whose list of refunds does not say what was refunded;
// while it is silent, nobody can.
type originator struct {
	*gateway
	silent atomic.Bool
	refund pos.RefundReport
}

func (g *originator) QueryRefund(_ context.Context, no pos.RefundNo, _ time.Time) pos.Answer {
	if g.silent.Load() || no != g.refund.Refund {
		return unknown()
	}
	r := g.refund
	r.Source = pos.SourceQuery
	return pos.Answer{Refund: &r, Date: time.Now()}
}

// dated shows its refunds on the day on which they were made, behind pages of
// other tills' orders.
type dated struct {
	crowded
	day string
}

func (a *dated) ListRefunds(_ context.Context, day string, _ int, _ time.Time) pos.Answer {
	return a.answer(func(p *pos.Page) {
		if day == a.day {
			p.Refunds = append(p.Refunds, a.refunds...)
		}
	})
}

// originless is a merchant of whom a sale of a till of ours was refunded by hand
// at one of its last minutes of the day, on a list that does not say so.
func originless(pages int) (*dated, *originator) {
	g := &originator{gateway: paying()}
	g.silent.Store(true)
	return &dated{crowded: crowded{pages: pages}}, g
}

func (a *dated) refunded(g *originator, no pos.SaleNo) {
	r := pos.RefundReport{Source: pos.SourceArchive, Refund: "P1", ProviderNo: "191", Status: pos.RefundReportDone, Amount: 400, Currency: pos.Currency}
	a.mu.Lock()
	a.refunds, a.day = []pos.RefundReport{r}, uaeDay(time.Now())
	a.mu.Unlock()
	g.refund = r
	g.refund.Sale = no
}

// What one closing still asks about when its time is over, the next one waits
// for: it is not complete without it.
func TestCheck_TheNextClosingWaitsForWhatAnEarlierOneAsks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		a, g := originless(1)
		on := func(c *pos.Config) { c.Archive, c.Gateway, c.Terminal = a, g, "T1" }
		till, _, stop := openWith(t, path, on)
		<-time.After(19*time.Hour + 50*time.Minute) // 23:50 in Dubai
		a.refunded(g, sell(t, till, 1000))
		refunds := 0
		for shift := range int64(2) {
			z := closeShift(t, till, shift+1)
			if z.Check.Complete {
				t.Errorf("closing %d is called complete: %+v", shift+1, z.Check)
			}
			refunds += len(z.Refunds)
			<-time.After(90 * time.Minute)
			sell(t, till, 100)
		}
		rest(stop, 24*time.Hour)
		g.silent.Store(false)
		till, _, stop = openWith(t, path, on)
		defer stop()
		z := closeShift(t, till, 3)
		if refunds += len(z.Refunds); refunds != 1 || !z.Check.Complete {
			t.Errorf("the refund is in %d Zs: %+v", refunds, z.Check)
		}
	})
}

// Pages that were all read were not too many: what was still being asked about
// is for the next closing.
func TestCheck_OneThatWaitsForAnAnswerIsNotSlow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		a, g := originless(40)
		on := func(c *pos.Config) { c.Archive, c.Gateway, c.Terminal = a, g, "T1" }
		till, _, stop := openWith(t, path, on)
		a.refunded(g, sell(t, till, 1000))
		z := closeShift(t, till, 1)
		if z.Check.Slow || z.Check.Complete {
			t.Errorf("the first closing: %+v", z.Check)
		}
		rest(stop, 24*time.Hour)
		g.silent.Store(false)
		till, _, stop = openWith(t, path, on)
		defer stop()
		sell(t, till, 100)
		if z := closeShift(t, till, 2); len(z.Refunds) != 1 || !z.Check.Complete {
			t.Errorf("%d refunds, %+v", len(z.Refunds), z.Check)
		}
	})
}

// tellsAll says of each refund by hand but one that another till's sale was refunded.
type tellsAll struct {
	*gateway
	not string
}

func (g tellsAll) QueryRefund(_ context.Context, no pos.RefundNo, _ time.Time) pos.Answer {
	if g.not != "" && strings.HasSuffix(string(no), g.not) {
		return unknown()
	}
	return pos.Answer{Date: time.Now(), Refund: &pos.RefundReport{
		Source: pos.SourceQuery, Refund: no, Sale: theirs, ProviderNo: "19" + string(no), Status: pos.RefundReportDone, Amount: 400, Currency: pos.Currency,
	}}
}

// daily lists some refunds on each day, and does not say of what.
type daily struct {
	archive
	refunds int
}

func (a *daily) ListRefunds(_ context.Context, day string, _ int, _ time.Time) pos.Answer {
	return a.answer(func(p *pos.Page) {
		for i := range a.refunds {
			no := pos.RefundNo(fmt.Sprint("P", day, "-", i))
			p.Refunds = append(p.Refunds, pos.RefundReport{Source: pos.SourceArchive, Refund: no, ProviderNo: "19" + string(no),
				Status: pos.RefundReportDone, Amount: 400, Currency: pos.Currency})
		}
	})
}

// After weeks without lists there are more refunds to ask about than one closing
// has time for; the next ones must come back to whole comparisons.
func TestCheck_WeeksOfRefundsWithoutOriginAreCaughtUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		a := &daily{refunds: 10}
		on := func(c *pos.Config) { c.Archive, c.Gateway, c.Terminal = a, tellsAll{gateway: paying()}, "T1" }
		a.set(true)
		till, _, stop := openWith(t, path, on)
		sell(t, till, 1000)
		closeShift(t, till, 1)
		rest(stop, 31*24*time.Hour)
		a.set(false)
		for day, want := range []string{"slow", "cut", "complete"} {
			till, _, stop = openWith(t, path, on)
			sell(t, till, 1000)
			k := closeShift(t, till, int64(day)+2).Check
			if got := map[bool]string{k.Complete: "complete", k.Cut: "cut", k.Slow: "slow"}[true]; got != want {
				t.Errorf("closing %d: %q, want %q: %+v", day, got, want, k)
			}
			rest(stop, 24*time.Hour)
		}
	})
}

// One that is not answered is no reason to give the others' days up.
func TestCheck_OneRefundOfManyWithoutAnAnswerIsNotSlow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		till, _, stop := openWith(t, path, func(c *pos.Config) {
			c.Archive, c.Gateway, c.Terminal = &daily{refunds: 40}, tellsAll{paying(), "-39"}, "T1"
		})
		defer stop()
		sell(t, till, 1000)
		if k := closeShift(t, till, 1).Check; k.Slow || k.Cut || k.Complete {
			t.Errorf("%+v", k)
		}
	})
}

// A shop that closes after midnight may reverse, at the portal and later that night,
// what PayBy settles with the business day: that leaves no refund, only the order on
// the page of the evening.
func TestCheck_TheEveningIsReadAgainAfterAClosingInTheNight(t *testing.T) {
	for clock, want := range map[time.Duration]string{
		22 * time.Hour: "2000-01-01", // two in the morning
		30 * time.Hour: "2000-01-02", // ten
	} {
		path := filepath.Join(t.TempDir(), "journal.db")
		synctest.Test(t, func(t *testing.T) {
			till, _, stop := openWith(t, path, func(c *pos.Config) {
				c.Archive, c.Location, c.CutOff = &archive{}, time.FixedZone("GST", 4*3600), 4*time.Hour
			})
			defer stop()
			<-time.After(clock) // from four in the morning in the Emirates
			sell(t, till, 1000)
			closeShift(t, till, 1)
			<-time.After(12 * time.Hour)
			sell(t, till, 1000)
			if k := closeShift(t, till, 2).Check; !k.Complete || k.From != want {
				t.Errorf("closed after %v: %+v, want it from %s", clock, k, want)
			}
		})
	}
}
