package pos_test

import (
	"database/sql"
	"testing"

	"github.com/filspos/fils/pos"
)

// leaveOlder makes the tables what a version without chargebacks has left.
func leaveOlder(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		"UPDATE sales SET doc = json_remove(doc, '$.chargebacks')", "DELETE FROM meta WHERE key = 'fold'",
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnUpdateIsNoTampering(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		no := s.paid(1000, "amna")
		s.news("a", pos.Notice{ID: "1", Chargeback: &pos.ChargebackReport{Sale: no, Amount: 1000, Currency: pos.Currency, AtMs: 5}})
		s.stop()
		leaveOlder(t, s.path)
		s.start()
		for _, a := range s.till.View().Alerts {
			if a.Kind == pos.AlertTampered {
				t.Error("an update is called an edit of the journal")
			}
		}
		if recent := s.till.View().Recent; len(recent) == 0 || recent[0].Sale.ChargedBack() != 1000 {
			t.Errorf("the till screen shows no chargeback: %+v", recent)
		}
		if sale, err := s.journal.Sale(t.Context(), no); err != nil || sale.ChargedBack() != 1000 {
			t.Errorf("the history shows no chargeback: %v, %v", sale.ChargedBack(), err)
		}
	})
}
