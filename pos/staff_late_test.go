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
