package pos_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

func TestStaff_AttachingLateMoneyNeedsAManager(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		ctx := t.Context()
		no := s.charge(900)
		sale, err := s.journal.Sale(ctx, no)
		s.ok(err)
		report := pos.OrderReport{
			Source: pos.SourceQuery, Sale: no, Status: pos.OrderFailed, Total: 900, Currency: pos.Currency, Payee: "1",
			ExpiresMs: sale.Intent.ExpiresMs,
		}
		say := func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.money[no] = report
		}
		say()
		s.ok(s.till.Abort(ctx, no, "amna"))
		<-time.After(30 * time.Second)
		report.Status = pos.OrderPaid
		report.Payment = &pos.Payment{Paid: 900, Currency: pos.Currency, AtMs: 5}
		say()
		<-time.After(15 * time.Minute)
		synctest.Wait()
		if sale, err = s.journal.Sale(ctx, no); err != nil || !sale.Late {
			t.Fatalf("%s, late %v, %v", sale.State, sale.Late, err)
		}
		other := s.charge(901)
		s.refused(pos.CodeApproval, s.till.Attach(ctx, no, other, "omar", "paid for this one"))
		s.refused(pos.CodeApproval, s.till.AttachWith(ctx, s.allow(pos.PermitRelease, "omar", managerPIN), no, other, "omar", "paid for this one"))
		s.ok(s.till.AttachWith(ctx, s.allow(pos.PermitAlerts, "omar", managerPIN), no, other, "amna", "paid for this one"))
		// One payment pays for one sale, and not for itself.
		allowed := s.allow(pos.PermitAlerts, "omar", managerPIN)
		s.refused(pos.CodeAttached, s.till.AttachWith(ctx, allowed, no, s.charge(902), "amna", "and for this one"))
		s.refused(pos.CodeNotFound, s.till.AttachWith(ctx, allowed, no, no, "amna", "and for itself"))
		if f := s.facts(pos.SaleAttached); len(f) != 1 || f[0].By != "omar" || f[0].Other != other {
			t.Fatalf("%+v", f)
		}
	})
}

func TestApproval_IsNotUsedUpByAJournalThatCannotBeWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		j, err := sqlite.Open(t.Context(), path, sqlite.Options{ReserveBytes: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		broken := &brokenJournal{Journal: j}
		cfg := config(broken, &gateway{create: opened})
		cfg.PINs, cfg.Pepper = j, &pepper{key: "k"}
		till, err := pos.New(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- till.Run(ctx) }()
		defer func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}()
		staff := till.Staff()
		staff.Cheap()
		if _, err := staff.SetUp(ctx, pos.Member{ID: "huda", Name: "Huda"}, ownerPIN); err != nil {
			t.Fatal(err)
		}
		a, err := staff.Authorize(ctx, pos.PermitStaff, "huda", ownerPIN)
		if err != nil {
			t.Fatal(err)
		}
		add := func() error {
			return staff.Add(ctx, a, pos.Member{ID: "amna", Name: "Amna", Role: pos.RoleCashier})
		}
		broken.set(errors.New("disk gone"))
		if err := add(); err == nil || len(till.View().Staff) != 1 {
			t.Fatalf("added without a journal: %v", err)
		}
		broken.set(nil)
		if err := add(); err != nil {
			t.Fatalf("the approval was lost: %v", err)
		}
		if err := add(); err == nil {
			t.Fatal("the approval was used twice")
		}
	})
}

// news hands one notification to the till.
func (s *shop) news(cursor string, n pos.Notice) {
	s.t.Helper()
	n.ID = cursor
	s.gateway.notice = func([]byte) (pos.Notice, error) { return n, nil }
	s.ok(s.till.Deliver(s.t.Context(), pos.Delivery{Cursor: cursor, ReceivedAt: time.Now(), Raw: []byte(cursor)}))
	synctest.Wait()
}

func TestRefund_AfterAChargebackSomebodyWritesWhy(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		ctx := t.Context()
		no := s.paid(1000, "amna")
		taken := pos.Notice{Chargeback: &pos.ChargebackReport{Sale: no, Amount: 400, Currency: pos.Currency, AtMs: time.Now().UnixMilli()}}
		s.news("1", taken)
		s.news("2", taken) // told twice
		s.restart()
		wish := pos.RefundRequest{Sale: no, Amount: 1000, Requester: "amna", Approval: s.allow(pos.PermitRefund, "omar", managerPIN)}
		if e := s.refused(pos.CodeRefundCharged, second(s.till.Refund(ctx, wish))); e.Amount != 400 {
			t.Fatalf("the bank took %s", e.Amount)
		}
		s.refused(pos.CodeRefundCharged, second(s.till.ProposeRefund(ctx, wish)))
		s.refused(pos.CodeReverseState, s.till.Reverse(ctx, pos.ReverseRequest{
			Sale: no, Requester: "amna", Note: "n", Approval: s.allow(pos.PermitReverse, "omar", managerPIN),
		}))
		x, err := s.till.XWith(ctx, s.allow(pos.PermitShift, "omar", managerPIN))
		if err != nil || len(x.Chargebacks) != 1 || x.Chargebacks[0].Amount != 400 || x.Totals.Net() != 1000 {
			t.Fatalf("%+v, %v", x.Chargebacks, err)
		}
		wish.Note, wish.Approval = "goods came back as well", s.allow(pos.PermitRefund, "omar", managerPIN)
		s.ok(second(s.till.Refund(ctx, wish)))
	})
}

func TestShift_ASecondPaymentGivenBackLeavesTheFirstInTheTotals(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		ctx := t.Context()
		no := s.paid(1000, "amna")
		sale, err := s.journal.Sale(ctx, no)
		s.ok(err)
		s.news("1", pos.Notice{Order: &pos.OrderReport{
			Source: pos.SourceNotification, Sale: no, Status: pos.OrderPaid, Total: 1000, Currency: pos.Currency, Payee: "1",
			ExpiresMs: sale.Intent.ExpiresMs, Payment: &pos.Payment{Paid: 1000, Currency: pos.Currency, AtMs: 77, Payer: "other"},
		}})
		back := func(cursor string, no pos.SaleNo, number string, status pos.RefundStatus, amount pos.Fils) {
			s.news(cursor, pos.Notice{Refund: &pos.RefundReport{
				Source: pos.SourceNotification, Refund: pos.RefundNo(number), Sale: no, Status: status, Amount: amount, Currency: pos.Currency,
			}})
		}
		close := func(shift int64) pos.Z {
			z, err := s.till.CloseShiftWith(ctx, s.allow(pos.PermitShift, "omar", managerPIN), shift, "amna")
			s.ok(err)
			s.ok(second(s.till.OpenShift(ctx, "amna")))
			return z
		}
		back("2", no, "PORTAL-1", pos.RefundReportDone, 600)
		z := close(1)
		if z.Totals.Net() != 1000 || len(z.Again) != 1 || len(z.Refunds) != 1 || !z.Refunds[0].Again {
			t.Fatalf("net %s, again %+v, refunds %+v", z.Totals.Net(), z.Again, z.Refunds)
		}
		// The rest of the second payment is too small for it: this one is of the sale.
		back("3", no, "PORTAL-2", pos.RefundReportDone, 500)
		z = close(2)
		if z.Totals.Net() != -500 || len(z.Refunds) != 1 || z.Refunds[0].Again {
			t.Fatalf("net %s, refunds %+v", z.Totals.Net(), z.Refunds)
		}
	})
}

func TestProposal_OlderThanAChargebackIsAskedForAnew(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		ctx := t.Context()
		no := s.paid(1000, "amna")
		wish := pos.RefundRequest{Sale: no, Amount: 1000, Note: "she wants the voucher back too", Requester: "amna"}
		id, err := s.till.ProposeRefund(ctx, wish)
		s.ok(err)
		s.news("1", pos.Notice{Chargeback: &pos.ChargebackReport{Sale: no, Amount: 800, Currency: pos.Currency, AtMs: time.Now().UnixMilli()}})
		s.restart()
		e := s.refused(pos.CodeRefundCharged, second(s.till.ApproveRefund(ctx, id, "", s.allow(pos.PermitRefund, "omar", managerPIN))))
		if e.Amount != 800 {
			t.Fatalf("the bank took %s", e.Amount)
		}
		s.ok(s.till.DeclineRefund(ctx, id, "amna", "charged back", pos.Approval{}))
		id, err = s.till.ProposeRefund(ctx, wish)
		s.ok(err)
		s.ok(second(s.till.ApproveRefund(ctx, id, "", s.allow(pos.PermitRefund, "omar", managerPIN))))
	})
}
