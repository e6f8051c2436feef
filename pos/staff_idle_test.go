package pos_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
)

func TestIdle_ChecksPINsAndFollowsNothing(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		no, err := s.till.Charge(t.Context(), pos.ChargeRequest{Amount: 1000, Cashier: "amna"})
		s.ok(err)
		synctest.Wait()
		s.stop()
		s.gateway.mu.Lock()
		s.gateway.calls = nil
		s.gateway.mu.Unlock()

		s.idle = true
		s.start()
		before := s.chain()
		<-time.After(time.Hour)
		if s.chain() != before {
			t.Error("an idle till wrote")
		}
		s.refused(pos.CodeJournalRead, second(s.till.Charge(t.Context(), pos.ChargeRequest{Amount: 2000, Cashier: "amna"})))
		_, err = s.staff.Authorize(t.Context(), pos.PermitExport, "omar", "555123")
		s.refused(pos.CodePIN, err)
		_, err = s.staff.AuthorizeFor(t.Context(), pos.PermitExport, "omar", managerPIN, "two\nlines")
		s.refused(pos.CodeNote, err)
		a, err := s.staff.AuthorizeFor(t.Context(), pos.PermitExport, "omar", managerPIN, "journal export")
		s.ok(err)
		s.ok(s.staff.Use(t.Context(), a, pos.PermitExport))
		if given, refused := s.facts(pos.ApprovalGiven), s.facts(pos.ApprovalRefused); len(refused) != 1 || given[len(given)-1].By != "omar" || given[len(given)-1].Note != "journal export" {
			t.Errorf("%+v, %+v", given, refused)
		}
		s.gateway.mu.Lock()
		calls := s.gateway.calls
		s.gateway.mu.Unlock()
		if len(calls) != 0 {
			t.Errorf("it asked: %v", calls)
		}

		// The next start takes the sale up as if nothing had been.
		s.idle = false
		s.restart()
		<-time.After(10 * time.Minute)
		if sale, err := s.journal.Sale(t.Context(), no); err != nil || sale.Cancels == 0 {
			t.Errorf("%+v, %v", sale, err)
		}
	})
}

func TestIdle_WaitsOutWrongPINsByTheProvidersClock(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		s.wrong("omar", 3)
		s.idle = true
		for range 2 {
			s.restart()
			_, err := s.staff.Authorize(t.Context(), pos.PermitExport, "omar", managerPIN)
			s.refused(pos.CodePINWait, err)
		}
		s.stop()
		<-time.After(31 * time.Second) // no program runs
		s.start()
		s.allow(pos.PermitExport, "omar", managerPIN)
	})
}
