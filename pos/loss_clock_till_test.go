package pos_test

import (
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
)

// patient is a provider whose customer pays when told to, and that may be away.
type patient struct {
	*gateway
	away, paid atomic.Bool
}

func newPatient() *patient {
	p := &patient{gateway: paying()}
	pays, made := p.gateway.query, p.gateway.create
	orders := map[pos.SaleNo]pos.OrderReport{}
	p.gateway.create = func(biz []byte) pos.Answer {
		a := made(biz)
		orders[a.Order.Sale] = *a.Order
		return a
	}
	p.gateway.query = func(no pos.SaleNo) pos.Answer {
		o := orders[no]
		switch {
		case p.away.Load():
			return unknown()
		case p.paid.Load():
			return pays(no)
		}
		o.Source, o.Token = pos.SourceQuery, ""
		return pos.Answer{Order: &o}
	}
	return p
}

// A PC whose clock had stopped is put right while a copy is recovered, or between
// two starts of that: what the lost journal was paid is in its Z.
func TestLoss_APCClockThatIsPutRightDoublesNoPayment(t *testing.T) {
	for name, c := range map[string]struct {
		ahead  time.Duration
		starts int
	}{
		"right": {0, 1}, "behind": {-24 * time.Hour, 1}, "ahead": {24 * time.Hour, 1},
		"right, twice": {0, 2}, "behind, then right": {-24 * time.Hour, 2}, "ahead, then right": {24 * time.Hour, 2},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				path, copied := filepath.Join(dir, "journal.db"), filepath.Join(dir, "copy.db")
				k, a, g, clock := &keeper{}, &archive{}, newPatient(), &pcClock{}
				on := func(c *pos.Config) { c.Archive, c.Heads, c.Gateway, c.Clock = a, k, g, clock }
				till, j, stop := openWith(t, path, on)
				sell(t, till, 1000)
				if _, err := j.Backup(t.Context(), copied, false); err != nil {
					t.Fatal(err)
				}
				g.paid.Store(true)
				<-time.After(time.Minute)
				z := closeShift(t, till, 1)
				if z.Totals.Net() != 1000 {
					t.Fatalf("%+v", z.Totals)
				}
				<-time.After(time.Hour)
				stop()
				putBackFile(t, copied, path)
				clock.set(c.ahead)
				g.away.Store(true)
				for start := range c.starts {
					if start > 0 {
						stop()
						clock.set(0)
					}
					till, _, stop = openWith(t, path, on)
					<-time.After(20 * time.Second)
				}
				defer stop()
				clock.set(0)
				<-time.After(20 * time.Second)
				g.away.Store(false)
				<-time.After(10 * time.Minute)
				x, err := till.X(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if x.Totals.Net() != 0 || len(x.Adopted) != 1 {
					t.Errorf("net %v, apart %+v", x.Totals.Net(), x.Adopted)
				}
			})
		})
	}
}
