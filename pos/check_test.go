package pos_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
)

const missed = "S260714-ZZZZZZZZZZZZZZZZZZZZX"

// names reports that the Z names the payment that the journal lacks.
func names(z pos.Z) bool {
	return z.Check != nil && len(z.Check.Missing) == 1 && z.Check.Missing[0].Number == missed
}

// rest is the time for which the shop is shut and the till off.
func rest(stop func(), d time.Duration) {
	stop()
	<-time.After(d)
}

func TestCheck_WhatOneClosingCouldNotReadTheNextReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		a := &archive{}
		till, stop := open(t, path, a, nil)
		sell(t, till, 1000)
		closeShift(t, till, 1)
		a.orders = []pos.OrderReport{archived(missed, "131", "T1", 700)}
		rest(stop, 24*time.Hour)
		till, stop = open(t, path, a, nil)
		a.set(true)
		for shift := range int64(9) { // more Zs than are searched for what they told
			sell(t, till, 100+pos.Fils(shift))
			if z := closeShift(t, till, shift+2); z.Check.Complete || z.Check.Cut {
				t.Fatalf("check %+v", z.Check)
			}
		}
		a.set(false)
		rest(stop, 24*time.Hour)
		till, stop = open(t, path, a, nil)
		defer stop()
		sell(t, till, 200)
		if z := closeShift(t, till, 11); !z.Check.Complete || !names(z) {
			t.Fatalf("check %+v", z.Check)
		}
		alerts := len(till.View().Alerts)
		sell(t, till, 300)
		closeShift(t, till, 12)
		if got := len(till.View().Alerts); got != alerts {
			t.Fatalf("%d alerts, then %d", alerts, got)
		}
	})
}

func TestCheck_AShiftOpenForTooLongIsNotCalledComplete(t *testing.T) {
	for days, cut := range map[int]bool{9: false, 60: true} {
		path := filepath.Join(t.TempDir(), "journal.db")
		synctest.Test(t, func(t *testing.T) {
			a := &archive{}
			till, stop := open(t, path, a, nil)
			sell(t, till, 1000)
			closeShift(t, till, 1)
			a.orders = []pos.OrderReport{archived(missed, "131", "T1", 700)}
			rest(stop, time.Duration(days)*24*time.Hour)
			till, stop = open(t, path, a, nil)
			defer stop()
			sell(t, till, 100)
			z := closeShift(t, till, 2)
			if z.Check.Cut != cut || z.Check.Complete == cut || names(z) == cut {
				t.Fatalf("after %d days: %+v", days, z.Check)
			}
			sell(t, till, 200)
			if z := closeShift(t, till, 3); !z.Check.Complete {
				t.Fatalf("after a cut: %+v", z.Check)
			}
		})
	}
}

// A PC whose zone is UTC and whose clock shows the time of Dubai is 4 h ahead;
// the evening after a Z is read nevertheless.
func TestCheck_APCThatIsAheadReadsTheEveningToo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		a := &archive{}
		g := paying()
		<-time.After(17*time.Hour + 30*time.Minute) // 21:30 in Dubai
		ahead := func(c *pos.Config) {
			c.Archive, c.Gateway, c.Clock, c.Terminal = a, g, shiftedClock{4 * time.Hour}, "T1"
		}
		till, _, stop := openWith(t, path, ahead)
		sell(t, till, 1000)
		closeShift(t, till, 1)
		rest(stop, time.Hour) // 22:30
		a.orders = []pos.OrderReport{archived(missed, "131", "T1", 700)}
		<-time.After(47 * time.Hour) // the shop rests for a day
		till, _, stop = openWith(t, path, ahead)
		defer stop()
		sell(t, till, 100)
		if z := closeShift(t, till, 2); !names(z) {
			t.Fatalf("%+v", z.Check)
		}
	})
}

// crowded is an archive of a merchant with many pages of orders a day.
type crowded struct {
	archive
	pages int
}

func (b *crowded) ListOrders(ctx context.Context, day string, page int, at time.Time) pos.Answer {
	a := b.archive.ListOrders(ctx, day, page, at)
	if a.Page != nil {
		a.Page.Last = page == b.pages-1
	}
	return a
}

func (b *crowded) ListRefunds(_ context.Context, day string, _ int, _ time.Time) pos.Answer {
	return b.answer(func(p *pos.Page) {
		if day == uaeDay(time.Now()) {
			p.Refunds = append(p.Refunds, b.refunds...)
		}
	})
}

// After weeks without lists the next closings come back to whole comparisons,
// also where the provider has more pages than one closing can read.
func TestCheck_WeeksWithoutListsAreCaughtUp(t *testing.T) {
	for pages, want := range map[int][]string{3: {"cut", "complete", "complete"}, 30: {"slow", "cut", "complete"}} {
		path := filepath.Join(t.TempDir(), "journal.db")
		synctest.Test(t, func(t *testing.T) {
			a := &crowded{pages: pages}
			a.set(true)
			on := func(c *pos.Config) { c.Archive, c.Gateway, c.Terminal = a, paying(), "T1" }
			till, _, stop := openWith(t, path, on)
			sell(t, till, 1000)
			closeShift(t, till, 1)
			rest(stop, 31*24*time.Hour)
			a.set(false)
			for day, expected := range want {
				till, _, stop = openWith(t, path, on)
				no := sell(t, till, 1000)
				number := pos.RefundNo("PORTAL-" + string(rune('1'+day)))
				a.mu.Lock()
				a.refunds = []pos.RefundReport{{
					Source: pos.SourceArchive, Refund: number, Sale: no, ProviderNo: "77" + string(number),
					Status: pos.RefundReportDone, Amount: 400, Currency: pos.Currency,
				}}
				a.mu.Unlock()
				z := closeShift(t, till, int64(day)+2)
				k := z.Check
				got := map[bool]string{k.Complete: "complete", k.Cut: "cut", k.Slow: "slow"}[true]
				if got != expected || len(z.Refunds) != 1 {
					t.Errorf("%d pages, closing %d: %s, want %s; %d refunds: %+v", pages, day, got, expected, len(z.Refunds), k)
				}
				rest(stop, 24*time.Hour)
			}
		})
	}
}
