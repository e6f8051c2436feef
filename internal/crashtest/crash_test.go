package crashtest

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
)

// times reads how often from the environment.
func times(t *testing.T, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q", name, text)
	}
	return n
}

// clerk is everybody who acts in the shop during one life of the till.
type clerk struct {
	shop   *shop
	till   *till
	random *rand.Rand
	heard  int // notifications passed on
	busy   bool
	broken bool                // the disk may fail
	paid   map[pos.SaleNo]bool // by the customer, in any life
	done   map[pos.SaleNo]bool // refund or reversal asked for, in any life
}

// act makes the next move that the picture allows; it returns false when
// there is nothing to do but to wait.
func (c *clerk) act() bool {
	if c.busy || c.broken && c.till.last.Trading != "" {
		return false
	}
	if news := c.shop.news(c.heard); len(news) > 0 {
		c.heard++
		return c.ask(news[0])
	}
	for no := range c.till.last.QR {
		if !c.paid[no] {
			return c.customer(no)
		}
	}
	for no, state := range c.till.last.Sales {
		if state == pos.SalePaid && !c.done[no] {
			return c.giveBack(no)
		}
	}
	if c.open() < 3 {
		c.shop.charges++
		return c.ask(command{Op: "charge", Amount: pos.Fils(100 + c.random.IntN(90000))})
	}
	return false
}

func (c *clerk) open() int {
	n := 0
	for _, state := range c.till.last.Sales {
		if !state.Final() {
			n++
		}
	}
	return n
}

func (c *clerk) ask(cmd command) bool {
	c.busy = true
	c.till.send(cmd)
	return true
}

// customer pays, or the cashier gives up.
func (c *clerk) customer(no pos.SaleNo) bool {
	c.paid[no] = true
	if c.random.IntN(4) == 0 {
		return c.ask(command{Op: "abort", Sale: no})
	}
	if err := c.shop.gateway.Pay(partner, string(no)); err != nil {
		c.shop.t.Fatal(err)
	}
	return true
}

func (c *clerk) giveBack(no pos.SaleNo) bool {
	switch c.random.IntN(4) {
	case 0:
		c.done[no] = true
		return c.ask(command{Op: "reverse", Sale: no})
	case 1:
		c.done[no] = true
		return true
	}
	c.done[no] = c.random.IntN(2) == 0
	c.shop.refunds++
	return c.ask(command{Op: "refund", Sale: no, Amount: 50})
}

// hear takes a line of the till.
func (c *clerk) hear(p picture) {
	c.till.see(p)
	if p.Reply == "" {
		return
	}
	c.busy = false
	if c.broken && slices.Contains(brokenCodes(), p.Code) {
		c.refused(p)
		return
	}
	switch {
	case p.Reply == "charge" && p.Code == "":
		for no := range p.Sales {
			c.shop.promised = append(c.shop.promised, no)
		}
	case p.Code != "" && p.Code != pos.CodeNotOpen && p.Code != pos.CodeRefundState && p.Code != pos.CodeReverseState &&
		p.Code != pos.CodeRefundUnknown && p.Code != pos.CodeRefundAmount:
		c.shop.t.Errorf("%s: %s", p.Reply, p.Code)
	}
}

// brokenCodes are what a till answers on a broken disk. SQLite calls a file
// damaged that cannot be read.
func brokenCodes() []pos.Code {
	return []pos.Code{pos.CodeJournal, pos.CodeJournalUnsure, pos.CodeJournalDamaged}
}

// refused is a command that a broken disk kept from being recorded. Unless the
// till is unsure, nothing of it may ever be seen.
func (c *clerk) refused(p picture) {
	switch {
	case p.Reply == "notice":
		c.heard-- // the relay delivers it again
	case p.Code == pos.CodeJournalUnsure:
	case p.Reply == "charge":
		c.shop.charges--
	case p.Reply == "refund":
		c.shop.refunds--
	}
}

// live works until the till is dead, or for so long after its first picture.
func (c *clerk) live(d time.Duration) {
	var over <-chan time.Time
	for {
		for c.act() {
		}
		select {
		case p, ok := <-c.till.pictures:
			if !ok {
				return
			}
			c.hear(p)
			if over == nil {
				over = time.After(d)
			}
		case <-c.shop.arrived:
		case <-over:
			return
		}
	}
}

// settle lets a healthy till come to the end of everything.
func (c *clerk) settle() {
	t := c.shop.t
	t.Helper()
	over := time.After(5 * patience)
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	asked := map[pos.SaleNo]bool{}
	for {
		if !c.busy {
			switch news := c.shop.news(c.heard); {
			case len(news) > 0:
				c.heard++
				c.ask(news[0])
			case !c.end(asked) && c.shop.quiet():
				return
			}
		}
		select {
		case <-again.C:
		case p, ok := <-c.till.pictures:
			if !ok {
				t.Fatal("the till died by itself")
			}
			c.hear(p)
		case <-c.shop.arrived:
		case <-over:
			t.Fatalf("still open: %+v", c.till.last)
		}
	}
}

// end closes a sale that nobody will pay.
func (c *clerk) end(asked map[pos.SaleNo]bool) bool {
	for no := range c.till.last.QR {
		if !asked[no] {
			asked[no] = true
			return c.ask(command{Op: "abort", Sale: no})
		}
	}
	return false
}

func TestCrash_KilledAtRandomMoments(t *testing.T) {
	s := newShop(t)
	random := rand.New(rand.NewPCG(1, 2))
	c := &clerk{shop: s, random: random, paid: map[pos.SaleNo]bool{}, done: map[pos.SaleNo]bool{}}
	kills := times(t, "FILS_KILLS", 10)
	for range kills {
		c.till, c.busy = s.start(0), false
		c.heard = max(0, c.heard-random.IntN(4)) // the relay may deliver again
		c.live(time.Duration(random.IntN(400)) * time.Millisecond)
		c.till.kill()
		s.audit()
		if t.Failed() {
			return
		}
	}
	c.till, c.busy, c.heard = s.start(0), false, 0
	c.settle()
	c.till.close()
	s.audit()
	s.closeBooks()
	t.Logf("%d kills, %d charges, %d orders, %d refunds asked for", kills, s.charges, len(s.gateway.Orders()), s.refunds)
}

// TestCrash_KilledAroundEveryCommitAndCall lets the till die at its first
// place, then at its second, and so on; each next life ends what the one
// before had begun.
func TestCrash_KilledAroundEveryCommitAndCall(t *testing.T) {
	s := newShop(t)
	random := rand.New(rand.NewPCG(3, 4))
	c := &clerk{shop: s, random: random, paid: map[pos.SaleNo]bool{}, done: map[pos.SaleNo]bool{}}
	places := []int{1, 2, 3, 5, 8, 13}
	if all := times(t, "FILS_POINTS", len(places)); all != len(places) {
		places = nil
		for point := range all {
			places = append(places, point+1)
		}
	}
	for _, point := range places {
		c.till, c.busy = s.start(point), false
		c.live(patience)
		c.till.buried()
		s.audit()
		if t.Failed() {
			return
		}
	}
	c.till, c.busy, c.heard = s.start(0), false, 0
	c.settle()
	c.till.close()
	s.audit()
	s.closeBooks()
	t.Logf("places %v, %d charges, %d orders, %d refunds asked for", places, s.charges, len(s.gateway.Orders()), s.refunds)
}
