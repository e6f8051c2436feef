package pos_test

import (
	"context"
	"crypto/rsa"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/pos"
	gw "github.com/filspos/fils/pos/gateway"
	"github.com/filspos/fils/pos/sqlite"
)

func TestTill_EmptyAnswerDoesNotBlockTheJournal(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200) }))
	defer srv.Close()
	key, err := payby.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &payby.Client{BaseURL: srv.URL + "/sgs/api", PartnerID: "1", Signer: key, Keys: []*rsa.PublicKey{&key.PublicKey}}
	j, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "j.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	till, err := pos.New(t.Context(), config(j, gw.New(client, gw.Options{})))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- till.Run(ctx) }()
	defer func() { cancel(); <-done }()
	if _, err := till.Charge(ctx, pos.ChargeRequest{Amount: 100, Cashier: "a"}); err != nil {
		t.Fatal(err)
	}
	<-time.After(1500 * time.Millisecond)
	if e := till.View().Trading; e != nil {
		t.Fatalf("an empty HTTP 200 stopped the till: %v", e.Err)
	}
}

func TestTill_FileEditDoesNotSetPaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	var no pos.SaleNo
	synctest.Test(t, func(t *testing.T) {
		till, _, stop := start(t, path, &gateway{create: opened}, nil)
		no, _ = till.Charge(t.Context(), pos.ChargeRequest{Amount: 1234, Cashier: "Amna"})
		synctest.Wait()
		stop()
	})
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`UPDATE sales SET state='paid', open=0, doc=replace(doc,'"state":"awaiting"','"state":"paid"') WHERE no=?`, string(no)); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if err := sqlite.CheckDerived(t.Context(), path); err == nil {
		t.Error("the edit does not show in a check of the derived tables")
	}
	synctest.Test(t, func(t *testing.T) {
		till, j, stop := start(t, path, &gateway{}, nil)
		defer stop()
		s, _ := j.Sale(t.Context(), no)
		if s.State == pos.SalePaid || till.View().Recent[0].Phase == pos.PhasePaid {
			t.Errorf("one UPDATE: history says %s, till screen says %s", s.State, till.View().Recent[0].Phase)
		}
		if a := till.View().Alerts; len(a) != 0 && a[0].Kind != pos.AlertTampered {
			t.Errorf("alerts %+v", a)
		}
	})
}

// A command that is refused takes back what it did itself, and nothing of what
// the start found: nobody would be told of the edit again.
func TestTill_ARefusedFirstCommandTakesNoAlertBack(t *testing.T) {
	for range 20 { // which of the two comes first is chance
		path := filepath.Join(t.TempDir(), "j.db")
		synctest.Test(t, func(t *testing.T) {
			till, _, stop := start(t, path, &gateway{create: opened}, nil)
			if _, err := till.Charge(t.Context(), pos.ChargeRequest{Amount: 1234, Cashier: "Amna"}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			stop()
		})
		db, err := sql.Open("sqlite3", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(`UPDATE sales SET doc=replace(doc,'"amount":1234','"amount":1')`); err != nil {
			t.Fatal(err)
		}
		db.Close()
		synctest.Test(t, func(t *testing.T) {
			j, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			till, err := pos.New(t.Context(), config(j, &gateway{}))
			if err != nil {
				t.Fatal(err)
			}
			refused := make(chan error, 1)
			go func() { refused <- till.Abort(t.Context(), "S-NONE", "Amna") }()
			synctest.Wait()
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- till.Run(ctx) }()
			defer func() { cancel(); <-done }()
			if err := <-refused; err == nil {
				t.Fatal("a sale that nobody knows was aborted")
			}
			synctest.Wait()
			if alertsOf(till)[pos.AlertTampered] != 1 {
				t.Fatalf("alerts %+v", till.View().Alerts)
			}
		})
	}
}

func TestTill_StuckJournalKeepsNoDeadQR(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	synctest.Test(t, func(t *testing.T) {
		broken := &brokenJournal{}
		till, _, stop := start(t, path, &gateway{create: opened}, func(j pos.Journal) pos.Journal { broken.Journal = j; return broken })
		defer stop()
		if _, err := till.Charge(t.Context(), pos.ChargeRequest{Amount: 1234, Cashier: "Amna"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		broken.set(errors.New("disk gone"))
		<-time.After(10 * time.Minute)
		synctest.Wait()
		if v := till.View(); v.Front.QR != "" {
			t.Fatalf("8 min after its window the QR is still on the display; trading: %v", v.Trading)
		}
	})
}

func TestTill_RenewThatFailedLeavesNoWish(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	synctest.Test(t, func(t *testing.T) {
		broken := &brokenJournal{}
		g := &gateway{create: opened}
		till, j, stop := start(t, path, g, func(j pos.Journal) pos.Journal { broken.Journal = j; return broken })
		defer stop()
		no, err := till.Charge(t.Context(), pos.ChargeRequest{Amount: 1234, Cashier: "Amna"})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		s, _ := j.Sale(t.Context(), no)
		g.query = func(no pos.SaleNo) pos.Answer {
			st := pos.OrderOpen
			if time.Now().UnixMilli() > s.Intent.ExpiresMs-50000 {
				st = pos.OrderFailed
			}
			return pos.Answer{Order: &pos.OrderReport{Source: pos.SourceQuery, Sale: no, Status: st, Total: 1234, Currency: pos.Currency, Payee: "1", ExpiresMs: s.Intent.ExpiresMs}}
		}
		broken.set(errors.New("disk gone"))
		if err := till.Renew(t.Context(), no, "Amna"); err == nil {
			t.Fatal("renew on a broken journal")
		}
		broken.set(nil)
		<-time.After(4 * time.Minute)
		synctest.Wait()
		page, _ := j.Sales(t.Context(), pos.SaleQuery{})
		if len(page.Sales) != 1 {
			t.Fatalf("a command that failed made a new sale %v later: %d sales, front %+v", 4*time.Minute, len(page.Sales), till.View().Front.Phase)
		}
	})
}

func TestTill_UnreadableVerifiedNoticeIsLoud(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	synctest.Test(t, func(t *testing.T) {
		g := &gateway{create: opened}
		g.notice = func([]byte) (pos.Notice, error) { return pos.Notice{}, errors.New("refundMerchantOrderNo is missing") }
		till, _, stop := start(t, path, g, nil)
		defer stop()
		if err := till.Deliver(t.Context(), pos.Delivery{Cursor: "c", ReceivedAt: time.Now(), Raw: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
		if len(till.View().Alerts) == 0 {
			t.Fatal("PayBy signed news that this till cannot read, and nobody is told")
		}
	})
}

func TestTill_AlertNeedsAReason(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	synctest.Test(t, func(t *testing.T) {
		g := &gateway{create: opened}
		g.notice = func([]byte) (pos.Notice, error) {
			return pos.Notice{Order: &pos.OrderReport{Source: pos.SourceNotification, Sale: "X", Status: pos.OrderPaid, Total: 5}}, nil
		}
		till, _, stop := start(t, path, g, nil)
		defer stop()
		if err := till.Deliver(t.Context(), pos.Delivery{Cursor: "c", ReceivedAt: time.Now(), Raw: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
		if err := till.ResolveAlert(t.Context(), till.View().Alerts[0].ID, "", ""); err == nil {
			t.Fatal("an alert was closed by nobody, for no reason")
		}
	})
}

func TestTill_UnverifiedNoticesAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	synctest.Test(t, func(t *testing.T) {
		g := &gateway{create: opened}
		g.notice = func([]byte) (pos.Notice, error) { return pos.Notice{}, pos.ErrNotVerified }
		till, j, stop := start(t, path, g, nil)
		defer stop()
		const n = 300
		for i := range n {
			err := till.Deliver(t.Context(), pos.Delivery{Cursor: "c", ReceivedAt: time.Now(),
				Raw: fmt.Appendf(nil, "%d%s", i, strings.Repeat("x", 60<<10)), Sign: strings.Repeat("s", 150<<10)})
			if err != nil {
				t.Fatal(err)
			}
		}
		l, _ := j.Load(t.Context())
		var size int64
		for _, f := range []string{path, path + "-wal"} {
			if i, err := os.Stat(f); err == nil {
				size += i.Size()
			}
		}
		if size > 20<<20 {
			t.Fatalf("%d forged messages of a relay: %d events, %d MiB on disk, 150 KiB each in the chain for ever", n, l.Count, size>>20)
		}
	})
}

// sleepy is a clock whose wall part can be moved without its monotonic part.
type sleepy struct {
	mu    sync.Mutex
	slept time.Duration
}

func (s *sleepy) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := time.Now()
	*(*uint64)(unsafe.Pointer(&t)) += uint64(s.slept/time.Second) << 30
	return t
}

type sleepGateway struct {
	*gateway
	real func() time.Time
	at   []time.Time
}

func (g *sleepGateway) Time(context.Context) (time.Time, error) { return g.real(), nil }
func (g *sleepGateway) Create(ctx context.Context, biz []byte, at time.Time) pos.Answer {
	g.at = append(g.at, at)
	return g.gateway.Create(ctx, biz, at)
}

func TestTill_FirstChargeAfterSleepUsesTheRightTime(t *testing.T) {
	j, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "j.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	c := &sleepy{}
	g := &sleepGateway{gateway: &gateway{create: opened}, real: func() time.Time { return c.Now().Round(0) }}
	cfg := config(j, g)
	cfg.Clock = c
	till, err := pos.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- till.Run(ctx) }()
	defer func() { cancel(); <-done }()
	<-time.After(200 * time.Millisecond)
	c.mu.Lock()
	c.slept = 8 * time.Hour
	c.mu.Unlock()
	<-time.After(200 * time.Millisecond)
	if _, err := till.Charge(ctx, pos.ChargeRequest{Amount: 100, Cashier: "a"}); err != nil {
		t.Fatal(err)
	}
	<-time.After(200 * time.Millisecond)
	if off := g.real().Sub(g.at[0]); off > time.Minute {
		t.Fatalf("the first create after the night carries a requestTime that is %v old", off.Round(time.Minute))
	}
}

func TestTill_RequestsHeldBackByTheJournalLeaveFreshAndOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	synctest.Test(t, func(t *testing.T) {
		broken := &brokenJournal{}
		var mu sync.Mutex
		var asked []time.Time
		g := &gateway{create: opened, query: func(pos.SaleNo) pos.Answer {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, time.Now())
			return unknown()
		}}
		till, _, stop := start(t, path, g, func(j pos.Journal) pos.Journal { broken.Journal = j; return broken })
		defer stop()
		no, err := till.Charge(t.Context(), pos.ChargeRequest{Amount: 1234, Cashier: "Amna"})
		if err != nil {
			t.Fatal(err)
		}
		// The window's end must be recorded before the cancel leaves, and cannot be.
		<-time.After(107 * time.Second)
		broken.set(errors.New("disk gone"))
		<-time.After(5 * time.Minute)
		broken.set(nil)
		<-time.After(20 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		for i := 1; i < len(asked); i++ {
			if gap := asked[i].Sub(asked[i-1]); gap < 2*time.Second {
				t.Fatalf("two questions about %s only %v apart", no, gap)
			}
		}
	})
}

// dyingJournal records n more batches and none after them.
type dyingJournal struct {
	pos.Journal
	n int
}

func (d *dyingJournal) Record(ctx context.Context, batch pos.Batch) ([]pos.Event, error) {
	if d.n--; d.n < 0 {
		return nil, errors.New("the process is dead")
	}
	return d.Journal.Record(ctx, batch)
}

// The relay goes on from the cursor: a cursor that is committed without its
// news would lose it.
func TestTill_TheCursorIsNeverAheadOfTheNews(t *testing.T) {
	for batches := range 3 {
		path := filepath.Join(t.TempDir(), "j.db")
		synctest.Test(t, func(t *testing.T) {
			g := &gateway{create: opened}
			g.notice = func([]byte) (pos.Notice, error) {
				return pos.Notice{Order: &pos.OrderReport{Source: pos.SourceNotification, Sale: "X", Status: pos.OrderPaid, Total: 5}}, nil
			}
			dying := &dyingJournal{n: 1 + batches} // the first binds it
			till, j, stop := start(t, path, g, func(j pos.Journal) pos.Journal { dying.Journal = j; return dying })
			defer stop()
			err := till.Deliver(t.Context(), pos.Delivery{Cursor: "c", ReceivedAt: time.Now(), Raw: []byte("{}")})
			if (err == nil) != (batches > 0) {
				t.Fatalf("%d batches: %v", batches, err)
			}
			l, err := j.Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if told := len(l.Alerts) > 0; told != (l.Cursor == "c") {
				t.Fatalf("%d batches: cursor %q, alerts %v", batches, l.Cursor, l.Alerts)
			}
		})
	}
}

func TestTill_ARenewalThatWaitedForTheDiskLeavesNoOldRequest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	synctest.Test(t, func(t *testing.T) {
		broken := &brokenJournal{}
		g := &gateway{create: opened}
		till, j, stop := start(t, path, g, func(j pos.Journal) pos.Journal { broken.Journal = j; return broken })
		defer stop()
		no, err := till.Charge(t.Context(), pos.ChargeRequest{Amount: 1234, Cashier: "Amna"})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		sale, err := j.Sale(t.Context(), no)
		if err != nil {
			t.Fatal(err)
		}
		g.query = func(asked pos.SaleNo) pos.Answer {
			if asked != no {
				return unknown()
			}
			broken.set(errors.New("disk gone"))
			return pos.Answer{Order: &pos.OrderReport{Source: pos.SourceQuery, Sale: no, Status: pos.OrderFailed, Total: 1234, Currency: pos.Currency, Payee: "1", ExpiresMs: sale.Intent.ExpiresMs}}
		}
		if err := till.Renew(t.Context(), no, "Amna"); err != nil {
			t.Fatal(err)
		}
		<-time.After(10 * time.Minute)
		g.query = nil
		broken.set(nil)
		<-time.After(5 * time.Minute)
		synctest.Wait()
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.oldest > time.Second {
			t.Fatalf("a create left %v after its requestTime", g.oldest)
		}
	})
}
