package pos_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
)

// A refund called failed could be made again: no edit of the file may say so.
func TestTill_FileEditDoesNotFreeARefund(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	var no pos.RefundNo
	synctest.Test(t, func(t *testing.T) {
		till, _, stop := start(t, path, paying(), nil)
		defer stop()
		sale := sell(t, till, 1000)
		var err error
		if no, err = till.Refund(t.Context(), pos.RefundRequest{Sale: sale, Amount: 1000, Requester: "Amna", Approver: "Huda"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	})
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	result, err := db.Exec(`UPDATE refunds SET doc=replace(doc,'"amount":1000','"amount":1') WHERE no=?`, string(no))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		t.Fatalf("%d rows edited, %v", n, err)
	}
	db.Close()
	synctest.Test(t, func(t *testing.T) {
		till, j, stop := start(t, path, &gateway{}, nil)
		defer stop()
		r, err := j.RefundByNo(t.Context(), no)
		if err != nil || r.Intent.Amount != 1000 {
			t.Fatalf("after the start the refund reads %+v, %v", r.Intent, err)
		}
		synctest.Wait()
		if a := till.View().Alerts; len(a) == 0 || a[0].Kind != pos.AlertTampered && a[len(a)-1].Kind != pos.AlertTampered {
			t.Fatalf("alerts %+v", a)
		}
	})
}

// PAID by notification alone, and the till stops before it has asked: the
// query that adds the second witness is made at the next start.
func TestTill_SecondWitnessIsHeardAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	synctest.Test(t, func(t *testing.T) {
		g := paying()
		answer := g.query
		g.query = nil
		till, _, stop := start(t, path, g, nil)
		no, err := till.Charge(t.Context(), pos.ChargeRequest{Amount: 1000, Cashier: "Amna"})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		o := *answer(no).Order
		o.Source = pos.SourceNotification
		g.notice = func([]byte) (pos.Notice, error) { return pos.Notice{ID: "1", Order: &o}, nil }
		if err := till.Deliver(t.Context(), pos.Delivery{Cursor: "1", ReceivedAt: time.Now(), Raw: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
		stop()
		g.mu.Lock()
		g.query = func(no pos.SaleNo) pos.Answer {
			a := answer(no)
			payment := *o.Payment
			a.Order.Payment = &payment
			return a
		}
		g.mu.Unlock()
		till, j, stop := start(t, path, g, nil)
		defer stop()
		time.Sleep(20 * time.Second)
		s, err := j.Sale(t.Context(), no)
		if err != nil || s.State != pos.SalePaid || len(s.Witnesses) != 2 {
			t.Fatalf("%s, witnesses %+v, %v; alerts %+v", s.State, s.Witnesses, err, till.View().Alerts)
		}
	})
}
