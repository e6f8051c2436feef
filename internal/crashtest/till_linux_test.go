package crashtest

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
)

// brokenShop is a shop whose till has a disk that can fail.
func brokenShop(t *testing.T) (*clerk, *faults) {
	t.Helper()
	t.Parallel()
	s := newShop(t)
	first := s.start(0) // makes the journal
	first.close()
	settled(t, s.setup.Journal)
	f := newFaults(t)
	s.env = f.env()
	random := rand.New(rand.NewPCG(7, 8))
	c := &clerk{shop: s, random: random, broken: true, paid: map[pos.SaleNo]bool{}, done: map[pos.SaleNo]bool{}}
	c.till = s.start(0)
	return c, f
}

// crash kills the till and leaves of its journal what such a crash leaves.
func (c *clerk) crash(a aftermath) {
	t := c.shop.t
	t.Helper()
	c.till.kill()
	path := c.shop.setup.Journal
	left := filepath.Join(t.TempDir(), "left")
	a.leave(t, path, left, c.random)
	for _, suffix := range []string{"", "-wal"} {
		err := os.Rename(left+suffix, path+suffix)
		if errors.Is(err, fs.ErrNotExist) {
			err = os.RemoveAll(path + suffix)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// tell gives one command and waits for its reply.
func (c *clerk) tell(cmd command) picture {
	t := c.shop.t
	t.Helper()
	c.ask(cmd)
	over := time.After(patience)
	for {
		select {
		case p, ok := <-c.till.pictures:
			if !ok {
				t.Fatal("the till died by itself")
			}
			c.hear(p)
			if p.Reply != "" {
				return p
			}
		case <-over:
			t.Fatalf("no reply to %s", cmd.Op)
		}
	}
}

// await waits for a picture.
func (c *clerk) await(what string, holds func(picture) bool) {
	t := c.shop.t
	t.Helper()
	for over := time.After(patience); !holds(c.till.last); {
		select {
		case p, ok := <-c.till.pictures:
			if !ok {
				t.Fatal("the till died by itself")
			}
			c.hear(p)
		case <-c.shop.arrived:
		case <-over:
			t.Fatalf("still waiting for %s: %+v", what, c.till.last)
		}
	}
}

// sell has a customer pay, without the news of it reaching the till.
func (c *clerk) sell() pos.SaleNo {
	t := c.shop.t
	t.Helper()
	c.shop.charges++
	p := c.tell(command{Op: "charge", Amount: 5000})
	if p.Code != "" {
		t.Fatalf("charge: %s", p.Code)
	}
	no := c.shop.promised[len(c.shop.promised)-1]
	c.await("the QR", func(p picture) bool { return p.QR[no] })
	if err := c.shop.gateway.Pay(partner, string(no)); err != nil {
		t.Fatal(err)
	}
	return no
}

// deliver hands on the first notification that was not, and returns what the
// till says.
func (c *clerk) deliver() pos.Code {
	t := c.shop.t
	t.Helper()
	for over := time.After(patience); ; {
		if news := c.shop.news(c.heard); len(news) > 0 {
			c.heard++
			return c.tell(news[0]).Code
		}
		select {
		case <-c.shop.arrived:
		case <-over:
			t.Fatal("the gateway told nothing")
		}
	}
}

func (c *clerk) refund(no pos.SaleNo) pos.Code {
	c.shop.t.Helper()
	c.shop.refunds++
	return c.tell(command{Op: "refund", Sale: no, Amount: 100}).Code
}

// ends restarts the till on a disk that works, lets everything come to its end
// and compares the books.
func (c *clerk) ends() {
	c.shop.t.Helper()
	c.till, c.busy, c.heard = c.shop.start(0), false, 0
	c.settle()
	c.till.close()
	c.shop.audit()
	c.shop.closeBooks()
}

// TestFault_ARefusedRefundNeverLeaves: a person who was told that nothing was
// recorded may give cash, and the next start must not send the refund.
func TestFault_ARefusedRefundNeverLeaves(t *testing.T) {
	for _, a := range aftermaths() {
		t.Run(string(a), func(t *testing.T) {
			c, f := brokenShop(t)
			no := c.sell()
			if code := c.deliver(); code != "" {
				t.Fatal(code)
			}
			code := pos.Code("")
			for range 10 { // a commit of the keeper's may take the fault
				f.arm(fault{Calls: callSync, Files: fileLog, Times: 1, How: doAll})
				if code = c.refund(no); code != "" {
					break
				}
			}
			f.mend()
			if code != pos.CodeJournal {
				t.Fatalf("the disk failed once: %q", code)
			}
			c.crash(a)
			c.ends()
		})
	}
}

// TestFault_NothingLeavesWhileNobodyKnows: a refund whose commit and all after
// it fail is neither done nor refused. Either it is there after a restart, and
// made once, or it is not.
func TestFault_NothingLeavesWhileNobodyKnows(t *testing.T) {
	for _, a := range aftermaths() {
		for _, how := range []int32{doNothing, doAll} {
			t.Run(string(a), func(t *testing.T) {
				c, f := brokenShop(t)
				no := c.sell()
				if code := c.deliver(); code != "" {
					t.Fatal(code)
				}
				unpaid := c.sell()
				f.arm(fault{Calls: callSync, Files: fileLog, Times: forever, How: how})
				if code := c.refund(no); code != pos.CodeJournalUnsure {
					t.Errorf("a refund on a dead disk: %q", code)
				}
				c.await("a clear stop", func(p picture) bool { return p.Trading == pos.CodeJournalUnsure })
				for _, op := range []string{"charge", "refund", "reverse"} {
					if p := c.tell(command{Op: op, Sale: no, Amount: 200}); p.Code != pos.CodeJournalUnsure {
						t.Errorf("%s while nobody knows: %q", op, p.Code)
					}
				}
				if code := c.deliver(); code != pos.CodeJournalUnsure {
					t.Errorf("news while nobody knows: %q", code)
				}
				if state := c.till.last.Sales[unpaid]; state != pos.SaleAwaiting {
					t.Errorf("what cannot be recorded is shown: %s", state)
				}
				c.crash(a)
				if f.mend() == 0 {
					t.Error("nothing failed")
				}
				c.shop.audit()
				c.ends()
				if n := len(c.shop.gateway.Orders()); n != 2 {
					t.Errorf("%d orders", n)
				}
			})
		}
	}
}

// TestFault_ADiskThatComesBack: the till goes on by itself, and what was in
// doubt was not recorded.
func TestFault_ADiskThatComesBack(t *testing.T) {
	c, f := brokenShop(t)
	no := c.sell()
	f.arm(fault{Calls: callSync, Files: fileLog, Times: forever, How: doAll})
	if code := c.deliver(); code != pos.CodeJournalUnsure {
		t.Errorf("a payment on a dead disk: %q", code)
	}
	c.await("a clear stop", func(p picture) bool { return p.Trading == pos.CodeJournalUnsure })
	f.mend()
	c.await("the disk", func(p picture) bool { return p.Trading == "" })
	if code := c.deliver(); code != "" {
		t.Errorf("the relay's second try: %q", code)
	}
	c.await("the payment", func(p picture) bool { return p.Sales[no] == pos.SalePaid })
	if code := c.refund(no); code != "" {
		t.Errorf("a refund: %q", code)
	}
	c.crash(asSynced)
	c.ends()
	if c.shop.gateway.Orders()[0].Refunds == nil {
		t.Error("the refund was not made")
	}
}

// TestFault_RandomTrouble lets the disk fail at random while the shop works,
// and kills the till or cuts the power.
func TestFault_RandomTrouble(t *testing.T) {
	c, f := brokenShop(t)
	rounds := max(1, times(t, "FILS_KILLS", 1)/5)
	failed := int32(0)
	for range rounds {
		c.live(time.Duration(c.random.IntN(300)) * time.Millisecond)
		x := fault{
			Calls: []int32{callSync, callWrite, callSync | callWrite, callRead}[c.random.IntN(4)],
			Files: []int32{fileLog, fileJournal, fileLog | fileJournal}[c.random.IntN(3)],
			Skip:  int32(c.random.IntN(20)), Times: []int32{1, 2, 5, forever}[c.random.IntN(4)], How: int32(c.random.IntN(3)),
		}
		f.arm(x)
		c.live(time.Duration(c.random.IntN(300)) * time.Millisecond)
		if c.random.IntN(2) == 0 {
			failed += f.mend()
			c.live(time.Duration(c.random.IntN(1500)) * time.Millisecond)
		}
		a := aftermaths()[c.random.IntN(3)]
		t.Logf("%+v, %s", x, a)
		c.crash(a)
		failed += f.mend()
		c.shop.audit()
		if t.Failed() {
			return
		}
		settled(t, c.shop.setup.Journal) // the audit has opened it
		c.till, c.busy = c.shop.start(0), false
		c.heard = max(0, c.heard-c.random.IntN(4))
	}
	c.till.kill()
	c.ends()
	t.Logf("%d rounds, %d calls failed, %d charges, %d orders, %d refunds asked for",
		rounds, failed, c.shop.charges, len(c.shop.gateway.Orders()), c.shop.refunds)
}
