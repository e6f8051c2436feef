package pos_test

import (
	"context"
	"path/filepath"
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
