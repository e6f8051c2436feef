package pos_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// archive is what a provider remembers of a merchant's orders.
type archive struct {
	mu      sync.Mutex
	orders  []pos.OrderReport
	refunds []pos.RefundReport
	away    bool
	asked   int
	// unreadable entries are on each page; endless pages have no last one.
	unreadable int
	endless    bool
}

func (a *archive) answer(fill func(*pos.Page)) pos.Answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	if a.away {
		return unknown()
	}
	p := &pos.Page{Last: !a.endless, Unreadable: a.unreadable}
	fill(p)
	return pos.Answer{Page: p, Date: time.Now()}
}

func (a *archive) ListOrders(_ context.Context, day string, _ int, _ time.Time) pos.Answer {
	return a.answer(func(p *pos.Page) {
		for _, o := range a.orders {
			if uaeDay(time.UnixMilli(o.CreatedMs)) == day {
				p.Orders = append(p.Orders, o)
			}
		}
	})
}

func (a *archive) ListRefunds(context.Context, string, int, time.Time) pos.Answer {
	return a.answer(func(p *pos.Page) { p.Refunds = append(p.Refunds, a.refunds...) })
}

func (a *archive) FindOrder(_ context.Context, number string, provider bool, _ time.Time) pos.Answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.away {
		return unknown()
	}
	for _, o := range a.orders {
		if !provider && string(o.Sale) == number || provider && o.ProviderNo == number {
			return pos.Answer{Order: &o}
		}
	}
	return pos.Answer{Failure: &pos.Failure{Outcome: pos.OutcomeAbsent, Code: "62004", Verified: true}}
}

func (a *archive) set(away bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.away = away
}

func uaeDay(at time.Time) string { return at.In(time.FixedZone("GST", 4*3600)).Format(time.DateOnly) }

// archived is an order with its payment as another program left it.
func archived(no pos.SaleNo, provider, terminal string, amount pos.Fils) pos.OrderReport {
	now := time.Now()
	return pos.OrderReport{
		Source: pos.SourceArchive, Sale: no, ProviderNo: provider, Status: pos.OrderSettled, Total: amount, Currency: pos.Currency,
		Payee: "1", ExpiresMs: now.Add(time.Minute).UnixMilli(), CreatedMs: now.Add(-time.Minute).UnixMilli(), Terminal: terminal,
		Payment: &pos.Payment{Paid: amount, Currency: pos.Currency, AtMs: now.Add(-50 * time.Second).UnixMilli()},
	}
}

// open runs a till with an archive over a real journal.
func open(t *testing.T, path string, a *archive, heads pos.HeadKeeper) (*pos.Till, func()) {
	t.Helper()
	j, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := config(j, paying())
	cfg.Terminal, cfg.Archive, cfg.Heads = "T1", a, heads
	till, err := pos.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- till.Run(ctx) }()
	return till, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}
}

const (
	theirs = pos.SaleNo("S260714-ZZZZZZZZZZZZZZZZZZZZZ")
	number = "131784009730900852"
)

func alertsOf(till *pos.Till) map[pos.AlertKind]int {
	kinds := map[pos.AlertKind]int{}
	for _, a := range till.View().Alerts {
		kinds[a.Kind]++
	}
	return kinds
}

func TestAdopt_ByEitherNumberAndThenRefundable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		a := &archive{orders: []pos.OrderReport{archived(theirs, number, "T2", 5000)}}
		a.refunds = []pos.RefundReport{{Source: pos.SourceArchive, Refund: "R1", Sale: theirs, Status: pos.RefundReportDone, Amount: 2000, Currency: pos.Currency}}
		till, stop := open(t, path, a, nil)
		defer stop()
		no, err := till.Adopt(t.Context(), pos.Approval{}, number, "Huda", "bought at till 2")
		if err != nil || no != theirs {
			t.Fatalf("adopted %q, %v", no, err)
		}
		refund := pos.RefundRequest{Sale: no, Amount: 3001, Requester: "Amna", Approver: "Huda"}
		_, err = till.Refund(t.Context(), refund)
		wantCode(t, err, pos.CodeRecovering)
		time.Sleep(20 * time.Second)
		_, err = till.Refund(t.Context(), refund)
		wantCode(t, err, pos.CodeRefundAmount)
		refund.Amount = 3000
		if _, err := till.Refund(t.Context(), refund); err != nil {
			t.Fatal(err)
		}
		again, err := till.Adopt(t.Context(), pos.Approval{}, string(theirs), "Huda", "once more")
		if err != nil || again != theirs {
			t.Fatalf("the second time %q, %v", again, err)
		}
		z := closeShift(t, till, 1)
		if z.Totals.Paid().Count != 0 || len(z.Adopted) != 1 || len(z.AdoptedRefunds) != 1 || z.Totals.Refunds.Count != 0 {
			t.Fatalf("Z %+v", z)
		}
	})
}

func TestAdopt_OnlyMoneyThatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		waiting := archived(theirs, number, "T2", 5000)
		waiting.Status, waiting.Payment = pos.OrderOpen, nil
		a := &archive{orders: []pos.OrderReport{waiting}}
		till, stop := open(t, path, a, nil)
		defer stop()
		adopt := func(number, note string) error {
			_, err := till.Adopt(t.Context(), pos.Approval{}, number, "Huda", note)
			return err
		}
		wantCode(t, adopt(number, "why"), pos.CodeNotPaid)
		wantCode(t, adopt("131784009730900853", "why"), pos.CodeNotFound)
		wantCode(t, adopt("", "why"), pos.CodeNotFound)
		wantCode(t, adopt("a b", "why"), pos.CodeNotFound)
		wantCode(t, adopt(number, ""), pos.CodeNote)
		a.set(true)
		wantCode(t, adopt(number, "why"), pos.CodeProvider)
		if len(till.View().Recent) != 0 {
			t.Fatalf("adopted %+v", till.View().Recent)
		}
	})
}

func TestCloseShift_NamesWhatTheJournalLacks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		a := &archive{}
		till, stop := open(t, path, a, nil)
		defer stop()
		no := sell(t, till, 1000)
		a.orders = []pos.OrderReport{
			archived("S260714-ZZZZZZZZZZZZZZZZZZZZX", "131", "T1", 700), archived(theirs, "132", "T2", 5000), archived("WEB-7", "133", "", 900),
		}
		a.refunds = []pos.RefundReport{{Source: pos.SourceArchive, Refund: "P1", ProviderNo: "191", Sale: no, Status: pos.RefundReportSettled, Amount: 400, Currency: pos.Currency}}
		z := closeShift(t, till, 1)
		c := z.Check
		if c == nil || !c.Complete || len(c.Missing) != 2 || c.Others != (pos.Sum{Count: 2, Amount: 5900}) {
			t.Fatalf("check %+v", c)
		}
		if c.Missing[1].ProviderNo != "131" || c.Missing[1].Amount != 700 || !c.Missing[0].Refund || c.Missing[0].Sale != no {
			t.Fatalf("missing %+v", c.Missing)
		}
		if z.Totals.Refunds != (pos.Sum{Count: 1, Amount: 400}) {
			t.Fatalf("the refund made elsewhere is not in the Z: %+v", z.Totals)
		}
		if k := alertsOf(till); k[pos.AlertMissing] != 1 || k[pos.AlertOutside] != 1 {
			t.Fatalf("alerts %v", k)
		}
		// A manager says whose it is; the next Z of the day names it and is quiet.
		for _, alert := range till.View().Alerts {
			if err := till.ResolveAlert(t.Context(), alert.ID, "Huda", "the old till program"); err != nil {
				t.Fatal(err)
			}
		}
		sell(t, till, 100)
		if z := closeShift(t, till, 2); len(z.Check.Missing) != 1 || len(alertsOf(till)) != 0 {
			t.Fatalf("the second Z %+v, alerts %v", z.Check, alertsOf(till))
		}
		// Adopting it settles the alert of its own accord.
		if _, err := till.Adopt(t.Context(), pos.Approval{}, "131", "Huda", "ours after all"); err != nil {
			t.Fatal(err)
		}
		sell(t, till, 100)
		if z := closeShift(t, till, 3); len(z.Check.Missing) != 0 {
			t.Fatalf("the third Z %+v", z.Check)
		}
	})
}

// What happens while no shift is open belongs to the next one; so do its days.
func TestCloseShift_ReadsAllDaysSinceTheLastZ(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		a := &archive{}
		till, stop := open(t, path, a, nil)
		defer stop()
		sell(t, till, 1000)
		closeShift(t, till, 1)
		a.orders = []pos.OrderReport{archived("S260714-ZZZZZZZZZZZZZZZZZZZZX", "131", "T1", 700)}
		time.Sleep(24 * time.Hour)
		sell(t, till, 100)
		if z := closeShift(t, till, 2); len(z.Check.Missing) != 1 || z.Check.From == z.Check.To {
			t.Fatalf("check %+v", z.Check)
		}
	})
}

func TestCloseShift_WithoutTheProviderIsNotChecked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		a := &archive{away: true}
		till, stop := open(t, path, a, nil)
		defer stop()
		sell(t, till, 1000)
		z := closeShift(t, till, 1)
		if z.Check == nil || z.Check.Complete || z.Totals.Net() != 1000 {
			t.Fatalf("Z %+v", z)
		}
	})
}

// What could not be read proves nothing about what is not there.
func TestCloseShift_APartlyReadListIsNotComplete(t *testing.T) {
	for name, a := range map[string]*archive{"entries that make no sense": {unreadable: 1}, "no end within two minutes": {endless: true}} {
		path := filepath.Join(t.TempDir(), "journal.db")
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				till, stop := open(t, path, a, nil)
				defer stop()
				sell(t, till, 1000)
				began := time.Now()
				z := closeShift(t, till, 1)
				if z.Check == nil || z.Check.Complete || z.Totals.Net() != 1000 || time.Since(began) > 3*time.Minute {
					t.Fatalf("after %v Z %+v", time.Since(began), z.Check)
				}
			})
		})
	}
}

// keeper is a keyring.
type keeper struct {
	mu    sync.Mutex
	count int64
	hash  pos.Hash
	ok    bool
}

func (k *keeper) KeptHead(context.Context) (int64, pos.Hash, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.count, k.hash, k.ok, nil
}

func (k *keeper) KeepHead(_ context.Context, count int64, hash pos.Hash) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.count, k.hash, k.ok = count, hash, true
	return nil
}

func TestHead_AJournalInThePlaceOfAnotherIsNoFirstOne(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a, k := &archive{}, &keeper{}
		for _, c := range []struct {
			file string
			why  pos.RecoveryReason
			wait time.Duration
		}{{"first.db", pos.RecoveryNew, time.Minute}, {"second.db", pos.RecoveryRestored, 20 * time.Minute}} {
			till, _, stop := openWith(t, filepath.Join(dir, c.file), func(cfg *pos.Config) {
				cfg.Archive, cfg.Heads, cfg.RecoverNew = a, k, 48*time.Hour
			})
			alert := till.View().Alerts
			if len(alert) != 1 || alert[0].Kind != pos.AlertRecovering || !strings.HasPrefix(alert[0].Key, string(c.why)+" ") {
				t.Fatalf("%s: alerts %+v", c.file, alert)
			}
			time.Sleep(c.wait)
			if kinds := alertsOf(till); kinds[pos.AlertRecovering] != 0 {
				t.Fatalf("%s: still recovering", c.file)
			}
			stop()
		}
	})
}

func TestHead_AnOlderCopyIsRecovered(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a, k := &archive{}, &keeper{}
		path, old := filepath.Join(dir, "journal.db"), filepath.Join(dir, "yesterday.db")
		till, stop := open(t, path, a, k)
		sell(t, till, 1000)
		stop()
		till, stop = open(t, old, &archive{}, &keeper{}) // another journal: its chain differs
		sell(t, till, 2000)
		stop()
		till, stop = open(t, path, a, k)
		time.Sleep(time.Minute)
		if kinds := alertsOf(till); len(kinds) != 0 {
			t.Fatalf("the journal itself: alerts %v", kinds)
		}
		stop()
		a.orders = []pos.OrderReport{archived(theirs, number, "T1", 700)}
		till, stop = open(t, old, a, k)
		if kinds := alertsOf(till); kinds[pos.AlertRecovering] != 1 {
			t.Fatalf("another journal: alerts %v", kinds)
		}
		err := till.ResolveAlert(t.Context(), till.View().Alerts[0].ID, "Huda", "leave me alone")
		wantCode(t, err, pos.CodeRecovering)
		time.Sleep(20 * time.Minute)
		if kinds := alertsOf(till); kinds[pos.AlertRecovering] != 0 || kinds[pos.AlertRecovered] != 1 {
			t.Fatalf("after the recovery: alerts %v", kinds)
		}
		if page := till.View().Recent; len(page) != 2 {
			t.Fatalf("recent sales %+v", page)
		}
		stop()
		till, stop = open(t, old, a, k)
		defer stop()
		if kinds := alertsOf(till); kinds[pos.AlertRecovering] != 0 {
			t.Fatalf("at the next start: alerts %v", kinds)
		}
	})
}
