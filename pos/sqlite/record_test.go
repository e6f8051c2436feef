package sqlite_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

func TestRecordChainsFactsAndDerivesTheSale(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	events := record(t, j, paidSale(1)...)
	if len(events) != 4 || events[0].Seq != 2 || events[3].Seq != 5 {
		t.Fatalf("events: %+v", events)
	}
	for i, e := range events {
		if e.Hash != e.Sum() {
			t.Errorf("event %d does not carry its hash", e.Seq)
		}
		if i > 0 && e.Prev != events[i-1].Hash {
			t.Errorf("event %d does not follow", e.Seq)
		}
	}

	var want pos.Sale
	for _, f := range paidSale(1) {
		if _, err := pos.NewFolder().Fold(&want, nil, f); err != nil {
			t.Fatal(err)
		}
	}
	got, err := j.Sale(t.Context(), saleNo(1))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "sale", got, want)
	if got.State != pos.SalePaid || got.Payment == nil || got.Payment.Paid != amount(1) {
		t.Errorf("sale: %+v", got)
	}

	story, err := j.Story(t.Context(), saleNo(1))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "story", story, events)
	equal(t, "body's hash", events[3].Body, pos.Hash(sha256.Sum256([]byte("answer to query 1"))))
	kept := query[string](t, raw(t, path), "SELECT raw FROM bodies ORDER BY seq")
	equal(t, "bodies", kept, []string{"answer to create 1", "answer to query 1"})
	verified(t, path, 5)
}

func TestABatchIsWrittenWhollyOrNotAtAll(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	cursor := "17"
	bad := map[string]pos.Fact{
		"news about a sale that was never intended": paid(9),
		"an intent that exists already":             intended(2),
		"a refund of an unknown sale":               refundIntended(1, saleNo(8), 100),
		"news about an unknown refund":              refundNews(1, saleNo(2), 5, pos.RefundArrived, pos.RefundReportDone),
		"a resolved alert that was never raised":    resolved(1, 1),
		"an alert without content":                  {Kind: pos.AlertRaised, At: start},
		"no kind":                                   {At: start},
		"no time":                                   {Kind: pos.NoticeReceived},
		"an empty body":                             {Kind: pos.NoticeReceived, At: start, Body: []byte{}},
		"a second binding":                          bind(),
	}
	for name, f := range bad {
		t.Run(name, func(t *testing.T) {
			events, err := j.Record(t.Context(), pos.Batch{
				Facts: []pos.Fact{intended(2), raised(2, saleNo(2), pos.AlertMismatch), f}, Cursor: &cursor,
				NoticeKey: "n1", Polls: []string{string(saleNo(2))},
			})
			if err == nil || events != nil {
				t.Fatalf("recorded %d events, %v", len(events), err)
			}
			l, err := j.Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if l.Count != 1 || l.Cursor != "" || len(l.Sales) != 0 || len(l.Alerts) != 0 {
				t.Errorf("something was left behind: %+v", l)
			}
			if _, err := j.Sale(t.Context(), saleNo(2)); !errors.Is(err, pos.ErrNotFound) {
				t.Errorf("sale: %v", err)
			}
		})
	}
	db := raw(t, path)
	equal(t, "notices", query[int](t, db, "SELECT count(*) FROM notices"), []int{0})
	equal(t, "polls", query[int](t, db, "SELECT count(*) FROM polls"), []int{0})
	record(t, j, intended(2))
	verified(t, path, 2)
}

func TestNothingComesBeforeTheBinding(t *testing.T) {
	j := open(t, newPath(t))
	for name, f := range map[string]pos.Fact{
		"a sale":            intended(1),
		"a notice":          {Kind: pos.NoticeReceived, At: start},
		"an empty binding":  {Kind: pos.JournalBound, At: start},
		"a binding, second": bind(),
	} {
		batch := []pos.Fact{f}
		if name == "a binding, second" {
			batch = []pos.Fact{bind(), bind()}
		}
		if _, err := j.Record(t.Context(), pos.Batch{Facts: batch}); err == nil {
			t.Errorf("%s was recorded first", name)
		}
	}
	l, err := j.Load(t.Context())
	if err != nil || l.Count != 0 || l.Binding != nil {
		t.Fatalf("load: %+v, %v", l, err)
	}
	record(t, j, bind(), intended(1))
	if l, err = j.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, "binding", l.Binding, bind().Binding)
}

func TestADuplicateNoticeCommitsItsCursorAndNothingElse(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	one, two := "1", "2"
	batch := pos.Batch{Facts: paidSale(1), Cursor: &one, NoticeKey: "notice-a"}
	if _, err := j.Record(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	events, err := j.Record(t.Context(), pos.Batch{
		Facts: []pos.Fact{raised(1, saleNo(1), pos.AlertPaidAgain)}, Cursor: &two, NoticeKey: "notice-a",
		Polls: []string{string(saleNo(1))},
	})
	if !errors.Is(err, pos.ErrDuplicateNotice) || events != nil {
		t.Fatalf("duplicate: %d events, %v", len(events), err)
	}
	l, err := j.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if l.Cursor != "2" || l.Count != 5 || len(l.Alerts) != 0 {
		t.Errorf("after the duplicate: cursor %q, %d events, %d alerts", l.Cursor, l.Count, len(l.Alerts))
	}
	equal(t, "polls", query[int](t, raw(t, path), "SELECT count(*) FROM polls"), []int{0})

	closeJournal(t, j)
	j = open(t, path)
	if _, err := j.Record(t.Context(), batch); !errors.Is(err, pos.ErrDuplicateNotice) {
		t.Errorf("duplicate after a restart: %v", err)
	}
}

func TestPollsAreCountedBesideTheChain(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	for range 3 {
		events, err := j.Record(t.Context(), pos.Batch{Polls: []string{"a", "b"}})
		if err != nil || len(events) != 0 {
			t.Fatalf("polls: %d events, %v", len(events), err)
		}
	}
	db := raw(t, path)
	equal(t, "counts", query[int](t, db, "SELECT count FROM polls ORDER BY no"), []int{3, 3})
	equal(t, "times", query[int64](t, db, "SELECT last_ms FROM polls ORDER BY no"),
		[]int64{start.UnixMilli(), start.UnixMilli()})
	verified(t, path, 1)
}

func TestAReopenedJournalContinuesTheChain(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	last := record(t, j, paidSale(1)...)[3]
	closeJournal(t, j)

	j = open(t, path)
	l, err := j.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if l.Count != 5 || l.Head != last.Hash {
		t.Fatalf("load: %d, %x", l.Count, l.Head)
	}
	next := record(t, j, intended(2))[0]
	if next.Seq != 6 || next.Prev != last.Hash {
		t.Errorf("the next event is %d after %x", next.Seq, next.Prev)
	}
	verified(t, path, 6)
}

func TestACancelledContextWritesNothing(t *testing.T) {
	j := bound(t, newPath(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := j.Record(ctx, pos.Batch{Facts: []pos.Fact{intended(1)}}); !errors.Is(err, context.Canceled) {
		t.Fatalf("record: %v", err)
	}
	if _, err := j.Sale(t.Context(), saleNo(1)); !errors.Is(err, pos.ErrNotFound) {
		t.Errorf("sale: %v", err)
	}
}

func TestRefundsFoldIntoTheirSale(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	record(t, j, paidSale(1)...)
	record(t, j, refundIntended(1, saleNo(1), 300))
	s, err := j.Sale(t.Context(), saleNo(1))
	if err != nil || s.Pending != 300 || s.Refundable() != amount(1)-300 {
		t.Fatalf("in flight: %+v, %v", s, err)
	}
	record(t, j, refundNews(1, saleNo(1), 300, pos.RefundArrived, pos.RefundReportDone))
	record(t, j, refundIntended(2, saleNo(1), 50))
	if s, err = j.Sale(t.Context(), saleNo(1)); err != nil || s.Refunded != 300 || s.Pending != 50 {
		t.Fatalf("one done, one in flight: %+v, %v", s, err)
	}
	list, err := j.Refunds(t.Context(), saleNo(1))
	if err != nil || len(list) != 2 || list[0].No != refundNo(2) || list[1].State != pos.RefundDone {
		t.Fatalf("refunds: %+v, %v", list, err)
	}
	r, err := j.RefundByNo(t.Context(), refundNo(1))
	if err != nil || r.Sale != saleNo(1) || r.State != pos.RefundDone {
		t.Errorf("refund: %+v, %v", r, err)
	}
	if _, err := j.RefundByNo(t.Context(), refundNo(7)); !errors.Is(err, pos.ErrNotFound) {
		t.Errorf("unknown refund: %v", err)
	}
	story, err := j.Story(t.Context(), saleNo(1))
	if err != nil || len(story) != 7 || story[6].Refund != refundNo(2) {
		t.Errorf("story: %d events, %v", len(story), err)
	}
	verified(t, path, 8)
}

func TestAlertsStayUntilResolved(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	record(t, j, paidSale(1)...)
	// A stranger's number is in no sale of ours and must not stop its alert.
	e := record(t, j, raised(3, saleNo(1), pos.AlertPaidAgain), raised(4, "STRANGER", pos.AlertStranger))
	l, err := j.Load(t.Context())
	if err != nil || len(l.Alerts) != 2 {
		t.Fatalf("alerts: %+v, %v", l.Alerts, err)
	}
	equal(t, "alert", l.Alerts[1], pos.Alert{ID: e[0].Seq, Kind: pos.AlertPaidAgain, At: at(3), Sale: saleNo(1),
		Amount: amount(3), Code: "62000", Trace: "trace-2"})
	end := record(t, j, resolved(5, e[0].Seq))[0]
	record(t, j, resolved(6, e[0].Seq))
	if l, err = j.Load(t.Context()); err != nil || len(l.Alerts) != 1 || l.Alerts[0].Kind != pos.AlertStranger {
		t.Errorf("alerts left: %+v, %v", l.Alerts, err)
	}
	equal(t, "kept", query[int64](t, raw(t, path), "SELECT resolved_seq FROM alerts WHERE id = ?", e[0].Seq),
		[]int64{end.Seq})
	verified(t, path, 9)
}

func TestLoadTakesUpWhatIsNotFinished(t *testing.T) {
	j := bound(t, newPath(t))
	record(t, j, paidSale(1)...) // refund in flight below
	record(t, j, paidSale(2)...) // finished
	record(t, j, intended(3), attempted(3), offered(3))
	record(t, j, intended(4), attempted(4), offered(4), failed(4)) // to be watched
	record(t, j, intended(5), attempted(5), offered(5), failed(5)) // watched enough
	for range 3 {
		record(t, j, pos.Fact{Kind: pos.SaleWatched, At: at(5), Sale: saleNo(5)})
	}
	record(t, j, intended(6), attempted(6), pos.Fact{Kind: pos.SaleRefused, At: at(6), Sale: saleNo(6),
		Proof: pos.ProofRefused, Failure: &pos.Failure{Outcome: pos.OutcomeRefused, Code: "62010"}})
	record(t, j, intended(7))
	record(t, j, refundIntended(8, saleNo(1), 10))
	record(t, j, refundIntended(9, saleNo(2), 10), refundNews(9, saleNo(2), 10, pos.RefundArrived, pos.RefundReportDone))
	cursor := "c-9"
	if _, err := j.Record(t.Context(), pos.Batch{Cursor: &cursor}); err != nil {
		t.Fatal(err)
	}

	l, err := j.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	numbers := func(list []pos.Sale) (out []pos.SaleNo) {
		for _, s := range list {
			out = append(out, s.No)
		}
		return out
	}
	equal(t, "sales", numbers(l.Sales), []pos.SaleNo{saleNo(7), saleNo(4), saleNo(3)})
	equal(t, "origins", numbers(l.Origins), []pos.SaleNo{saleNo(1)})
	equal(t, "recent", numbers(l.Recent), []pos.SaleNo{saleNo(7), saleNo(6), saleNo(5), saleNo(4), saleNo(3)})
	if len(l.Refunds) != 1 || l.Refunds[0].No != refundNo(8) {
		t.Errorf("refunds: %+v", l.Refunds)
	}
	if l.Cursor != cursor || l.Binding == nil {
		t.Errorf("cursor %q, binding %v", l.Cursor, l.Binding)
	}
}

func TestRebuildGivesTheSameTables(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	for n := range 20 {
		record(t, j, paidSale(n)...)
	}
	record(t, j, refundIntended(1, saleNo(1), 300))
	e := record(t, j, raised(3, saleNo(1), pos.AlertPaidAgain))
	record(t, j, resolved(4, e[0].Seq))
	verified(t, path, 84)

	for _, damage := range []string{
		"UPDATE sales SET doc = replace(doc, '\"paid\"', '\"closed\"') WHERE no = '" + string(saleNo(4)) + "'",
		"UPDATE sales SET amount = amount + 1 WHERE no = '" + string(saleNo(4)) + "'",
		"UPDATE sales SET state = 'closed' WHERE no = '" + string(saleNo(4)) + "'",
		"DELETE FROM sales WHERE no = '" + string(saleNo(4)) + "'",
		"INSERT INTO sales SELECT no || 'X', seq, at_ms, state, open, amount, reversed, provider, provider_rev, " +
			"reference, doc, cashier, listed FROM sales WHERE no = '" + string(saleNo(4)) + "'",
		"UPDATE sales SET cashier = 'c2' WHERE no = '" + string(saleNo(4)) + "'",
		"UPDATE sales SET open = 1, listed = 1 WHERE no = '" + string(saleNo(4)) + "'",
		"UPDATE refunds SET open = 0",
		"DELETE FROM alerts",
		"UPDATE alerts SET resolved_seq = NULL",
	} {
		db := raw(t, path)
		mustExec(t, db, damage)
		if err := sqlite.CheckDerived(t.Context(), path); !errors.Is(err, pos.ErrJournalDamaged) {
			t.Errorf("%s: %v", damage, err)
		}
		if err := j.Rebuild(t.Context()); err != nil {
			t.Fatalf("rebuild: %v", err)
		}
		verified(t, path, 84)
	}
}

// A rebuild repairs what this process has read as well: the next fact is
// folded onto what the chain says, not onto the damage.
func TestRebuildForgetsTheDamageThatWasRead(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	record(t, j, intended(1), attempted(1), offered(1))
	closeJournal(t, j)
	tamper(t, path, `UPDATE sales SET doc = replace(doc, '"Table 1"', '"Table 9"')`)
	j = open(t, path)
	record(t, j, pos.Fact{Kind: pos.SaleQuestioned, At: at(2), Sale: saleNo(1), By: "c1"})
	if err := j.Rebuild(t.Context()); err != nil {
		t.Fatalf("rebuild: %v", err)
	}
	record(t, j, paid(1))
	verified(t, path, 6)
}

// Without that every search after a rebuild would walk all sales, until the
// next fact wakes the keeper.
func TestRebuildListsTheSalesThatAreOver(t *testing.T) {
	path := newPath(t)
	synctest.Test(t, func(t *testing.T) {
		j := bound(t, path)
		for n := range 20 {
			record(t, j, paidSale(n)...)
		}
		record(t, j, intended(20))
		settle()
		if err := j.Rebuild(t.Context()); err != nil {
			t.Fatalf("rebuild: %v", err)
		}
		unlisted(t, j, 1) // the open one
		closeJournal(t, j)
	})
	verified(t, path, 82)
}

// A refund that failed is over like one that is done.
func TestLoadBringsNoRefundThatIsOver(t *testing.T) {
	j := bound(t, newPath(t))
	record(t, j, paidSale(1)...)
	for n, news := range []struct {
		kind   pos.Kind
		status pos.RefundStatus
	}{
		{pos.RefundOnItsWay, pos.RefundReportAccepted}, {pos.RefundArrived, pos.RefundReportDone},
		{pos.RefundFellBack, pos.RefundReportFailed},
	} {
		record(t, j, refundIntended(n, saleNo(1), 100))
		record(t, j, refundNews(n, saleNo(1), 100, news.kind, news.status))
	}
	l, err := j.Load(t.Context())
	if err != nil || len(l.Refunds) != 1 || l.Refunds[0].No != refundNo(0) {
		t.Fatalf("refunds to follow: %+v, %v", l.Refunds, err)
	}
}
