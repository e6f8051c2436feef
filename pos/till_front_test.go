package pos_test

import (
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/filspos/fils/pos"
)

// One sale is in front; the others are cards, until somebody turns to them.
func TestTill_AParkedSaleComesBackToTheFront(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		till, _, stop := start(t, path, &gateway{create: opened}, nil)
		defer stop()
		no, err := till.Charge(t.Context(), pos.ChargeRequest{Amount: 1234, Cashier: "Amna"})
		if err != nil {
			t.Fatal(err)
		}
		look := func(when string, front bool) {
			t.Helper()
			synctest.Wait()
			v := till.View()
			if (v.Front != nil) != front || front && v.Front.Sale.No != no || (len(v.Cards) == 1) == front {
				t.Fatalf("%s: front %v, cards %v", when, v.Front, v.Cards)
			}
		}
		look("charged", true)
		till.Park("S2")
		look("another is parked", true)
		till.Park(no)
		look("parked", false)
		till.Show("S2")
		look("another is shown", false)
		till.Show(no)
		look("shown", true)
	})
}
