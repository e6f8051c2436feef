package pos_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// clock is the bubble's clock.
type clock struct{}

func (clock) Now() time.Time { return time.Now() }

// gateway answers from functions; each may be called from many goroutines.
type gateway struct {
	mu     sync.Mutex
	create func(biz []byte) pos.Answer
	query  func(no pos.SaleNo) pos.Answer
	notice func(raw []byte) (pos.Notice, error)
	calls  []string
	oldest time.Duration // requestTime of a create, as it left
}

type bizSale struct {
	No      pos.SaleNo
	Amount  pos.Fils
	Expires int64
}

func (g *gateway) EncodeSale(no pos.SaleNo, i pos.SaleIntent) ([]byte, error) {
	return json.Marshal(bizSale{no, i.Amount, i.ExpiresMs})
}

func (g *gateway) EncodeRefund(no pos.RefundNo, _ pos.SaleNo, i pos.RefundIntent) ([]byte, error) {
	return json.Marshal(map[string]any{"no": no, "amount": i.Amount})
}

func (g *gateway) log(call string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls = append(g.calls, call)
}

func unknown() pos.Answer { return pos.Answer{Failure: &pos.Failure{Outcome: pos.OutcomeUnknown}} }

func (g *gateway) Create(_ context.Context, biz []byte, at time.Time) pos.Answer {
	g.log("create")
	g.mu.Lock()
	g.oldest = max(g.oldest, time.Since(at))
	g.mu.Unlock()
	if g.create == nil {
		return unknown()
	}
	return g.create(biz)
}

func (g *gateway) Query(_ context.Context, no pos.SaleNo, _ time.Time) pos.Answer {
	g.log("query")
	if g.query == nil {
		return unknown()
	}
	return g.query(no)
}

func (g *gateway) Cancel(context.Context, pos.SaleNo, time.Time) pos.Answer { return unknown() }
func (g *gateway) Revoke(context.Context, pos.SaleNo, time.Time) pos.Answer { return unknown() }
func (g *gateway) Refund(context.Context, []byte, time.Time) pos.Answer     { return unknown() }
func (g *gateway) QueryRefund(context.Context, pos.RefundNo, time.Time) pos.Answer {
	return unknown()
}
func (g *gateway) ReadNotice(raw []byte, _ string) (pos.Notice, error) { return g.notice(raw) }
func (g *gateway) Time(context.Context) (time.Time, error)             { return time.Now(), nil }

func opened(biz []byte) pos.Answer {
	var b bizSale
	if err := json.Unmarshal(biz, &b); err != nil {
		panic(err)
	}
	return pos.Answer{Order: &pos.OrderReport{
		Source: pos.SourceCreate, Sale: b.No, Status: pos.OrderOpen, Total: b.Amount, Currency: pos.Currency,
		Payee: "1", ExpiresMs: b.Expires, Token: "https://qr.example?ft=1",
	}}
}

func config(j pos.Journal, g pos.Gateway) pos.Config {
	return pos.Config{
		Journal: j, Gateway: g, Binding: pos.Binding{Environment: "training", Host: "h", Partner: "1"},
		Clock: clock{}, Random: rand.Reader, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Payee: "1", Subject: "Shop", Mode: pos.ModeTraining,
	}
}

// start runs a till over a real journal; stop ends it and closes the journal.
func start(t *testing.T, path string, g *gateway, wrap func(pos.Journal) pos.Journal) (*pos.Till, *sqlite.Journal, func()) {
	t.Helper()
	j, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var journal pos.Journal = j
	if wrap != nil {
		journal = wrap(j)
	}
	till, err := pos.New(t.Context(), config(journal, g))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- till.Run(ctx) }()
	return till, j, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}
}

func kinds(t *testing.T, j *sqlite.Journal, no pos.SaleNo) []pos.Kind {
	t.Helper()
	story, err := j.Story(t.Context(), no)
	if err != nil {
		t.Fatal(err)
	}
	var out []pos.Kind
	for _, e := range story {
		out = append(out, e.Kind)
	}
	return out
}

func TestTill_ChargeIsDurableBeforeTheRequest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		g := &gateway{}
		var j *sqlite.Journal
		var atCreate []pos.Kind
		g.create = func(biz []byte) pos.Answer {
			a := opened(biz)
			atCreate = kinds(t, j, a.Order.Sale)
			return a
		}
		till, journal, stop := start(t, path, g, nil)
		j = journal
		defer stop()
		no, err := till.Charge(t.Context(), pos.ChargeRequest{Amount: 1234, Cashier: "Amna"})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if want := []pos.Kind{pos.SaleIntended, pos.SaleAttempted}; !slices.Equal(atCreate, want) {
			t.Fatalf("when the request left, the journal held %v", atCreate)
		}
		if v := till.View(); v.Front == nil || v.Front.Sale.No != no || v.Front.QR == "" {
			t.Fatalf("view %+v", v.Front)
		}
	})
}

// brokenJournal fails to record while broken.
type brokenJournal struct {
	pos.Journal
	mu     sync.Mutex
	broken error
}

func (b *brokenJournal) set(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.broken = err
}

func (b *brokenJournal) Record(ctx context.Context, batch pos.Batch) ([]pos.Event, error) {
	b.mu.Lock()
	err := b.broken
	b.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return b.Journal.Record(ctx, batch)
}

func TestTill_NoJournalNoMoney(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		g := &gateway{create: opened}
		broken := &brokenJournal{}
		till, _, stop := start(t, path, g, func(j pos.Journal) pos.Journal { broken.Journal = j; return broken })
		defer stop()
		synctest.Wait()
		broken.set(fmt.Errorf("write: %w", pos.ErrJournalFull))
		_, err := till.Charge(t.Context(), pos.ChargeRequest{Amount: 1234, Cashier: "Amna"})
		var e *pos.Error
		if !errors.As(err, &e) || e.Code != pos.CodeJournalFull {
			t.Fatalf("charge: %v", err)
		}
		if len(g.calls) != 0 || till.View().Front != nil {
			t.Fatalf("after a charge that was not written: calls %v, front %v", g.calls, till.View().Front)
		}
	})
}

func TestTill_NewsThatCannotBeWrittenIsNeitherShownNorLost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		broken := &brokenJournal{}
		g := &gateway{}
		g.create = func(biz []byte) pos.Answer {
			broken.set(errors.New("disk gone"))
			return opened(biz)
		}
		till, j, stop := start(t, path, g, func(j pos.Journal) pos.Journal { broken.Journal = j; return broken })
		defer stop()
		no, err := till.Charge(t.Context(), pos.ChargeRequest{Amount: 1234, Cashier: "Amna"})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if v := till.View(); v.Trading == nil || v.Front.QR != "" {
			t.Fatalf("an offer that was not committed is shown: %+v", v.Front)
		}
		broken.set(nil)
		<-time.After(2 * time.Second)
		synctest.Wait()
		if v := till.View(); v.Trading != nil || v.Front.QR == "" {
			t.Fatalf("the offer was lost: %+v", v.Front)
		}
		if got := kinds(t, j, no); !slices.Contains(got, pos.SaleOffered) {
			t.Fatalf("journal %v", got)
		}
	})
}

func TestTill_NotificationIsAppliedOnceWithItsCursor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		g := &gateway{create: opened}
		till, j, stop := start(t, path, g, nil)
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
		g.notice = func(raw []byte) (pos.Notice, error) {
			if string(raw) == "forged" {
				return pos.Notice{}, pos.ErrNotVerified
			}
			return pos.Notice{ID: "n1", Order: &pos.OrderReport{
				Source: pos.SourceNotification, Sale: no, Status: pos.OrderPaid, Total: 1234, Currency: pos.Currency, Payee: "1",
				ExpiresMs: sale.Intent.ExpiresMs, Payment: &pos.Payment{Paid: 1234, Currency: pos.Currency, AtMs: 5},
			}}, nil
		}
		for i, raw := range []string{"forged", "good", "good"} {
			d := pos.Delivery{Cursor: fmt.Sprint("c", i), ReceivedAt: time.Now(), Raw: []byte(raw)}
			if err := till.Deliver(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			state := till.View().Front.Sale.State
			if want := map[bool]pos.SaleState{true: pos.SaleAwaiting, false: pos.SalePaid}[raw == "forged"]; state != want {
				t.Fatalf("after %s: %s", raw, state)
			}
		}
		got := kinds(t, j, no)
		if n := len(slices.DeleteFunc(slices.Clone(got), func(k pos.Kind) bool { return k != pos.SaleWasPaid && k != pos.NoticeReceived })); n != 2 {
			t.Fatalf("journal %v", got)
		}
		if c, err := till.Cursor(t.Context()); err != nil || c != "c2" {
			t.Fatalf("cursor %q, %v", c, err)
		}
	})
}

func TestTill_SameAmountAsks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		g := &gateway{create: opened}
		till, _, stop := start(t, path, g, nil)
		defer stop()
		first, err := till.Charge(t.Context(), pos.ChargeRequest{Amount: 1234, Cashier: "Amna"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = till.Charge(t.Context(), pos.ChargeRequest{Amount: 1234, Cashier: "Amna"})
		var e *pos.Error
		if !errors.As(err, &e) || e.Code != pos.CodeSameAmount || e.Sale != first {
			t.Fatalf("second charge: %v", err)
		}
		if _, err = till.Charge(t.Context(), pos.ChargeRequest{Amount: 1235, Cashier: "Amna"}); err != nil {
			t.Fatal(err)
		}
		if _, err = till.Charge(t.Context(), pos.ChargeRequest{Amount: 1234, Cashier: "Amna", Confirmed: true}); err != nil {
			t.Fatal(err)
		}
	})
}

// Ten minutes from the moment it was closed, also across a restart: its customer
// may still pay on a code that was photographed.
func TestTill_SameAmountAsksForTenMinutesAfterItWasClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		var ours *pos.OrderReport
		g := &gateway{}
		g.create = func(biz []byte) pos.Answer {
			a := opened(biz)
			if a.Order.Total == 777 {
				return pos.Answer{Failure: &pos.Failure{Outcome: pos.OutcomeRefused, Verified: true}}
			}
			ours = a.Order
			return a
		}
		g.query = func(pos.SaleNo) pos.Answer {
			o := *ours
			o.Source, o.Status, o.Token = pos.SourceQuery, pos.OrderFailed, ""
			return pos.Answer{Order: &o}
		}
		till, j, stop := start(t, path, g, nil)
		charge := func(amount pos.Fils) (pos.SaleNo, error) {
			return till.Charge(t.Context(), pos.ChargeRequest{Amount: amount, Cashier: "Amna"})
		}
		no, err := charge(1234)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second) // the bubble's clock
		synctest.Wait()
		sale, err := j.Sale(t.Context(), no)
		if err != nil || sale.State != pos.SaleClosed {
			t.Fatalf("%s, %v", sale.State, err)
		}
		time.Sleep(time.Until(sale.EndedAt.Add(10*time.Minute - time.Second)))
		for _, when := range []string{"after 9:59", "after a restart"} {
			_, err := charge(1234)
			var e *pos.Error
			if !errors.As(err, &e) || e.Code != pos.CodeSameAmount || e.Sale != no {
				t.Errorf("%s: %v", when, err)
			}
			stop()
			till, _, stop = start(t, path, g, nil)
		}
		defer stop()
		time.Sleep(2 * time.Second)
		if _, err := charge(1234); err != nil {
			t.Errorf("after 10:01: %v", err)
		}
		for range 2 { // a sale that never was makes nobody ask
			if _, err := charge(777); err != nil {
				t.Errorf("after a refusal: %v", err)
			}
			synctest.Wait()
		}
	})
}

func TestTill_AnotherMerchantsJournalIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if _, err := pos.New(t.Context(), config(j, &gateway{})); err != nil {
		t.Fatal(err)
	}
	other := config(j, &gateway{})
	other.Binding.Partner = "2"
	_, err = pos.New(t.Context(), other)
	var e *pos.Error
	if !errors.As(err, &e) || e.Code != pos.CodeJournalOther {
		t.Fatalf("got %v", err)
	}
}

func TestTill_RestartTakesUpTheOpenSale(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		g := &gateway{create: opened}
		till, _, stop := start(t, path, g, nil)
		no, err := till.Charge(t.Context(), pos.ChargeRequest{Amount: 1234, Cashier: "Amna"})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		stop()
		till, _, stop = start(t, path, g, nil)
		defer stop()
		if v := till.View(); v.Front == nil || v.Front.Sale.No != no || v.Front.QR == "" || v.Front.Deadline.IsZero() {
			t.Fatalf("view %+v", v.Front)
		}
	})
}
