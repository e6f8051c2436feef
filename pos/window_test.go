package pos_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
)

func TestTill_WindowCountsFromTheFirstByteWhateverThePCsClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		defer w.end()
		w.clock.set(10 * time.Minute)
		w.crash() // a fresh start that does not know the provider's clock
		w.faults["time"] = []bad{{fault: lostRequest, times: 9}}
		w.life.kill()
		w.crash()
		w.faults["time"] = []bad{{fault: lostRequest, times: 9}}
		_, err := w.till.Charge(t.Context(), pos.ChargeRequest{Amount: 100, Cashier: "Amna"})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if v := w.till.View(); v.Front == nil || v.Front.QR != "" {
			t.Errorf("3 minutes after the first byte (window 110 s) the QR is still shown, until %v from now", v.Front.Deadline.Sub(w.clock.Now()))
		}
	})
}
