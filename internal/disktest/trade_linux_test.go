package disktest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

const partner = "200000000888"

// bank answers every create with an open order, and counts.
type bank struct {
	pos.Gateway // a till with a full disk asks for nothing else that matters
	mu          sync.Mutex
	creates     map[pos.SaleNo]int
	// check is called before a create is answered.
	check func(pos.SaleNo)
}

type biz struct {
	No      pos.SaleNo
	Amount  pos.Fils
	Expires int64
}

func (b *bank) EncodeSale(no pos.SaleNo, i pos.SaleIntent) ([]byte, error) {
	return json.Marshal(biz{no, i.Amount, i.ExpiresMs})
}

func (b *bank) Create(_ context.Context, raw []byte, _ time.Time) pos.Answer {
	var o biz
	if err := json.Unmarshal(raw, &o); err != nil {
		return pos.Answer{Failure: &pos.Failure{Outcome: pos.OutcomeUnknown, Err: err}}
	}
	b.check(o.No)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.creates[o.No]++
	return pos.Answer{Order: report(o, pos.SourceCreate), Body: []byte("{}")}
}

func report(o biz, source pos.Source) *pos.OrderReport {
	return &pos.OrderReport{
		Source: source, Sale: o.No, ProviderNo: "13", Status: pos.OrderOpen, Total: o.Amount, Currency: pos.Currency,
		Payee: partner, ExpiresMs: o.Expires, Token: "https://qr.example?t=1",
	}
}

func (b *bank) Query(context.Context, pos.SaleNo, time.Time) pos.Answer {
	return pos.Answer{Failure: &pos.Failure{Outcome: pos.OutcomeUnknown}}
}

func (b *bank) Cancel(ctx context.Context, no pos.SaleNo, at time.Time) pos.Answer {
	return b.Query(ctx, no, at)
}

func (b *bank) ReadNotice(raw []byte, _ string) (pos.Notice, error) {
	var n pos.Notice
	err := json.Unmarshal(raw, &n)
	return n, err
}

func (b *bank) Time(context.Context) (time.Time, error) { return time.Now(), nil }

func (b *bank) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.creates)
}

// skippingClock is the PC's clock plus what the test skips of a pause.
type skippingClock struct{ skipped atomic.Int64 }

func (c *skippingClock) Now() time.Time { return time.Now().Add(time.Duration(c.skipped.Load())) }

// shop is a till on a disk that fails.
type shop struct {
	t       *testing.T
	path    string
	clock   *skippingClock
	bank    *bank
	journal *sqlite.Journal
	till    *pos.Till
	stop    func()
}

func newShop(t *testing.T, path string) *shop {
	t.Helper()
	ctx := t.Context()
	j, err := sqlite.Open(ctx, path, sqlite.Options{ReserveBytes: 256 << 10})
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{t: t, path: path, clock: &skippingClock{}, journal: j, bank: &bank{creates: map[pos.SaleNo]int{}}}
	s.bank.check = func(no pos.SaleNo) {
		if _, err := j.Sale(ctx, no); err != nil {
			t.Errorf("a create left before its intent was on the disk: %v", err)
		}
	}
	s.till, err = pos.New(ctx, pos.Config{
		Journal: j, Gateway: s.bank, Binding: pos.Binding{Environment: "training", Host: "h", Partner: partner},
		Clock: s.clock, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Payee: partner, Subject: "Corner Shop", Mode: pos.ModeTraining,
	})
	if err != nil {
		t.Fatal(err)
	}
	running, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.till.Run(running) }()
	s.stop = func() {
		cancel()
		if err := errors.Join(<-done, j.Close()); err != nil {
			t.Error(err)
		}
	}
	return s
}

// trade charges until the disk is full and beyond, and again when it has room.
func trade(t *testing.T, path string, fill, free func()) {
	s := newShop(t, path)
	first := s.charge()
	s.until("the first QR", func(v *pos.View) bool { return v.Front != nil && v.Front.QR != "" })
	fill()
	sales := s.exhaust()
	if err := s.paid(first); err != nil {
		t.Errorf("a payment on a full disk: %v", err)
	}
	s.state(first, pos.SalePaid) // from the reserve
	if code := s.refused(); code != pos.CodeJournalFull {
		t.Errorf("on a full disk a charge is refused with %q", code)
	}
	if n := s.bank.count(); n != sales+1 {
		t.Errorf("%d creates for %d sales", n, sales+1)
	}
	s.sound()
	free()
	s.clock.skipped.Store(int64(time.Minute)) // the pause before the next try
	s.until("room again", func(v *pos.View) bool { return v.Trading == nil })
	s.charge()
	s.stop()
	s.sound()
}

// breakAndMend lets every write fail for a while.
func breakAndMend(t *testing.T, path string, broken, mended func()) {
	s := newShop(t, path)
	first := s.charge()
	s.until("the first QR", func(v *pos.View) bool { return v.Front != nil && v.Front.QR != "" })
	broken()
	if code := s.refused(); code != pos.CodeJournalUnsure {
		t.Errorf("on a broken disk a charge is refused with %q", code)
	}
	if err := s.paid(first); err == nil {
		t.Error("news that cannot be written was taken over from the relay")
	}
	s.state(first, pos.SaleAwaiting)
	if n := s.bank.count(); n != 1 {
		t.Errorf("%d creates for one sale", n)
	}
	s.sound()
	mended()
	s.until("the disk", func(v *pos.View) bool { return v.Trading == nil })
	if err := s.paid(first); err != nil {
		t.Errorf("the relay's second try: %v", err)
	}
	s.state(first, pos.SalePaid)
	s.charge()
	s.stop()
	s.sound()
}

// backUp copies the journal of a till that trades onto a full disk, and again
// when it has room.
func backUp(t *testing.T, path, target string, fill, free func()) {
	t.Helper()
	s := newShop(t, path)
	for range 5 {
		s.charge()
	}
	fill()
	_, err := s.journal.Backup(t.Context(), target, false)
	if !errors.Is(err, sqlite.ErrNoRoom) || errors.Is(err, pos.ErrJournalFull) {
		t.Errorf("a backup onto a full disk: %v", err)
	}
	for _, name := range []string{target, target + ".part"} {
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("half a backup was left: %v", err)
		}
	}
	s.charge() // the till goes on
	if err := s.journal.State(); err != nil {
		t.Errorf("the journal after it: %v", err)
	}
	free()
	c, err := s.journal.Backup(t.Context(), target, false)
	if err != nil {
		t.Errorf("a backup with room again: %v", err)
	}
	s.stop()
	s.sound()
	if n, err := sqlite.Verify(t.Context(), target); err != nil || n != c.Count || n < 6*2 {
		t.Errorf("the copy: %d events, %v; want %d", n, err, c.Count)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm", path + ".lock", path + ".reserve", target} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
}

// empty fails when there is a file in dir.
func empty(t *testing.T, dir string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 0 {
		t.Errorf("left in %s: %v, %v", dir, list, err)
	}
}

func (s *shop) charge() pos.SaleNo {
	s.t.Helper()
	no, err := s.till.Charge(s.t.Context(), pos.ChargeRequest{Amount: 1234, Cashier: "Amna", Confirmed: true})
	if err != nil {
		s.t.Fatal(err)
	}
	return no
}

// exhaust charges until the till refuses, and returns how many sales began.
func (s *shop) exhaust() int {
	s.t.Helper()
	for n := 0; n < 5000; n++ {
		_, err := s.till.Charge(s.t.Context(), pos.ChargeRequest{Amount: 1234, Cashier: "Amna", Confirmed: true})
		if err != nil {
			var e *pos.Error
			if !errors.As(err, &e) || e.Code != pos.CodeJournalFull {
				s.t.Errorf("the last charge: %v", err)
			}
			s.t.Logf("%d sales until the disk was full", n)
			return n
		}
		s.until("its QR, or a full disk", func(v *pos.View) bool {
			return v.Trading != nil || v.Front != nil && v.Front.QR != ""
		})
	}
	s.t.Fatal("the disk never got full")
	return 0
}

func (s *shop) refused() pos.Code {
	_, err := s.till.Charge(s.t.Context(), pos.ChargeRequest{Amount: 1234, Cashier: "Amna", Confirmed: true})
	var e *pos.Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.Code
}

// paid delivers the news that no is paid.
func (s *shop) paid(no pos.SaleNo) error {
	s.t.Helper()
	sale, err := s.journal.Sale(s.t.Context(), no)
	if err != nil {
		s.t.Fatal(err)
	}
	o := report(biz{no, sale.Intent.Amount, sale.Intent.ExpiresMs}, pos.SourceNotification)
	o.Status, o.Token = pos.OrderPaid, ""
	o.Payment = &pos.Payment{Paid: o.Total, Currency: pos.Currency, AtMs: sale.FirstRequest}
	raw, err := json.Marshal(pos.Notice{ID: "1", Order: o})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.till.Deliver(s.t.Context(), pos.Delivery{Cursor: "1", ReceivedAt: time.Now(), Sign: "s", Raw: raw})
}

// state is what the journal must say.
func (s *shop) state(no pos.SaleNo, want pos.SaleState) {
	s.t.Helper()
	if sale, err := s.journal.Sale(s.t.Context(), no); err != nil || sale.State != want {
		s.t.Errorf("the sale is %s, %v; want %s", sale.State, err, want)
	}
}

// sound: no half fact is on the disk.
func (s *shop) sound() {
	s.t.Helper()
	if n, err := sqlite.Verify(s.t.Context(), s.path); err != nil || n < 4 {
		s.t.Errorf("the chain: %d events, %v", n, err)
	}
}

// until waits for a picture.
func (s *shop) until(what string, holds func(*pos.View) bool) {
	s.t.Helper()
	changes, end := s.till.Changes()
	defer end()
	for over := time.After(90 * time.Second); ; {
		if holds(s.till.View()) {
			return
		}
		select {
		case <-changes:
		case <-over:
			s.t.Fatalf("still waiting for %s: %+v", what, s.till.View().Trading)
		}
	}
}
