package pos_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// The PC's clock is set right while the till runs: that looks like sleep until
// the provider's clock is read again.
func TestTill_WindowCountsFromTheFirstByteWhenTheClockWasJustSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0)
		defer w.end()
		time.Sleep(time.Minute)
		w.clock.set(10 * time.Minute)
		if _, err := w.till.Charge(t.Context(), pos.ChargeRequest{Amount: 100, Cashier: "Amna"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if v := w.till.View(); v.Front == nil || v.Front.QR != "" {
			t.Errorf("3 minutes after the first byte (window 110 s) the QR is still shown, until %v from now", v.Front.Deadline.Sub(w.clock.Now()))
		}
	})
}

// Once the provider's clock is known again it is what counts, also through
// sleep that a change of the PC's clock hides.
func TestTill_WindowGoesByTheProvidersClockOnceThatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0)
		defer w.end()
		time.Sleep(time.Minute)
		w.clock.set(time.Minute)
		if _, err := w.till.Charge(t.Context(), pos.ChargeRequest{Amount: 100, Cashier: "Amna"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		w.clock.sleep(2 * time.Minute)
		w.clock.set(-10 * time.Minute)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if v := w.till.View(); v.Front == nil || v.Front.QR != "" {
			t.Errorf("140 s after the first byte (window 110 s) the QR is still shown, until %v from now", v.Front.Deadline.Sub(w.clock.Now()))
		}
	})
}

// An answer without a Date says nothing about the clock: after sleep the
// provider's is asked for until it is known.
func TestTill_TheClockIsAskedForUntilItIsKnownAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0)
		defer w.end()
		time.Sleep(time.Minute)
		w.clock.sleep(time.Hour)
		w.faults["time"] = []bad{{fault: lostRequest, times: 1}}
		w.faults["find"] = []bad{{fault: lostRequest, times: 9}}
		if _, err := w.till.Adopt(t.Context(), pos.Approval{}, "131", "Huda", "why"); err == nil {
			t.Fatal("adopted from a provider that does not answer")
		}
		time.Sleep(time.Minute)
		shift, err := w.till.OpenShift(t.Context(), "Amna")
		if err != nil {
			t.Fatal(err)
		}
		z, err := w.till.CloseShift(t.Context(), shift.Number, "Huda")
		if err != nil || z.Check == nil || !z.Check.Complete {
			t.Fatalf("%v, check %+v", err, z.Check)
		}
	})
}

// The first byte of a sale that was loaded left before the till started,
// whatever its stamp says.
func TestTill_WindowEndsAfterARestartWhateverThePCsClockWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0)
		defer w.end()
		time.Sleep(time.Minute)
		w.clock.set(10 * time.Minute)
		if _, err := w.till.Charge(t.Context(), pos.ChargeRequest{Amount: 100, Cashier: "Amna"}); err != nil {
			t.Fatal(err)
		}
		w.crash()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		for _, s := range w.till.View().Recent {
			if s.QR != "" {
				t.Errorf("2 minutes after the restart (window 110 s) the QR is still shown, until %v from now", s.Deadline.Sub(w.clock.Now()))
			}
		}
	})
}

func TestTill_WindowCountsFromTheFirstByteWhateverThePCsClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(0)
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

// A closed sale is asked about again 1, 10 and 60 minutes later, also when
// somebody puts the PC's clock back. (Put forward it looks like sleep.)
func TestWatch_DoesNotHangOnTheWallClock(t *testing.T) {
	for _, ahead := range []time.Duration{-time.Hour, 0} {
		synctest.Test(t, func(t *testing.T) {
			pc := &pcClock{}
			g := &gateway{create: opened}
			var mu sync.Mutex
			var asked []time.Time
			g.query = func(no pos.SaleNo) pos.Answer {
				mu.Lock()
				defer mu.Unlock()
				asked = append(asked, time.Now())
				return pos.Answer{Failure: &pos.Failure{Outcome: pos.OutcomeAbsent, Verified: true, Code: "62004"}}
			}
			j, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "j.db"), sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			cfg := config(j, g)
			cfg.Clock = pc
			g.create = func([]byte) pos.Answer { return unknown() }
			till, err := pos.New(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- till.Run(ctx) }()
			defer func() { cancel(); <-done }()
			no, err := till.Charge(ctx, pos.ChargeRequest{Amount: 1234, Cashier: "Amna"})
			if err != nil {
				t.Fatal(err)
			}
			for closed := false; !closed; {
				time.Sleep(10 * time.Second)
				s, err := j.Sale(ctx, no)
				closed = err == nil && s.State == pos.SaleClosed
			}
			at := time.Now()
			mu.Lock()
			asked = nil
			mu.Unlock()
			pc.set(ahead)
			time.Sleep(90 * time.Minute)
			mu.Lock()
			defer mu.Unlock()
			if len(asked) != 3 {
				t.Fatalf("clock %v ahead: asked %d times", ahead, len(asked))
			}
			for i, want := range []time.Duration{time.Minute, 10 * time.Minute, time.Hour} {
				if got := asked[i].Sub(at); got < want-15*time.Second || got > want+15*time.Second {
					t.Errorf("clock %v ahead: question %d after %v, want %v", ahead, i, got, want)
				}
			}
		})
	}
}
