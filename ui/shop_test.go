package ui

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

const (
	ownerPIN   = "738291"
	managerPIN = "604173"
	cashierPIN = "4839"
)

// shop is an App over a real till with a real journal; only the provider is
// played.
type shop struct {
	*desk
	till    *pos.Till
	journal *sqlite.Journal
	staff   *pos.Staff
	log     *logBuffer
}

// logBuffer is written from many goroutines.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

type shopClock func() time.Time

func (c shopClock) Now() time.Time { return c() }

type shopPepper struct{}

func (shopPepper) MAC(message []byte) ([]byte, error) {
	m := hmac.New(sha256.New, []byte("pepper"))
	m.Write(message)
	return m.Sum(nil), nil
}

// provider opens every order, and knows what was paid by notices only.
type provider struct{ clock shopClock }

type providerOrder struct {
	No      pos.SaleNo
	Amount  pos.Fils
	Expires int64
}

func (provider) EncodeSale(no pos.SaleNo, i pos.SaleIntent) ([]byte, error) {
	return json.Marshal(providerOrder{no, i.Amount, i.ExpiresMs})
}

func (provider) EncodeRefund(no pos.RefundNo, _ pos.SaleNo, _ pos.RefundIntent) ([]byte, error) {
	return json.Marshal(no)
}

func (provider) unknown() pos.Answer {
	return pos.Answer{Failure: &pos.Failure{Outcome: pos.OutcomeUnknown}}
}

func (p provider) order(biz []byte) pos.OrderReport {
	var o providerOrder
	if err := json.Unmarshal(biz, &o); err != nil {
		panic(err)
	}
	return pos.OrderReport{Source: pos.SourceCreate, Sale: o.No, Status: pos.OrderOpen, Total: o.Amount, Currency: pos.Currency,
		Payee: "1", ExpiresMs: o.Expires, Token: token}
}

func (p provider) Create(_ context.Context, biz []byte, _ time.Time) pos.Answer {
	o := p.order(biz)
	return pos.Answer{Order: &o}
}

func (p provider) Query(context.Context, pos.SaleNo, time.Time) pos.Answer  { return p.unknown() }
func (p provider) Cancel(context.Context, pos.SaleNo, time.Time) pos.Answer { return p.unknown() }
func (p provider) Revoke(context.Context, pos.SaleNo, time.Time) pos.Answer { return p.unknown() }
func (p provider) Refund(context.Context, []byte, time.Time) pos.Answer     { return p.unknown() }
func (p provider) QueryRefund(context.Context, pos.RefundNo, time.Time) pos.Answer {
	return p.unknown()
}
func (p provider) Time(context.Context) (time.Time, error) { return p.clock(), nil }

// ReadNotice takes the bytes of an order that was paid.
func (p provider) ReadNotice(raw []byte, _ string) (pos.Notice, error) {
	o := p.order(raw)
	o.Source, o.Status, o.Token = pos.SourceNotification, pos.OrderPaid, ""
	o.Payment = &pos.Payment{Paid: o.Total, Currency: pos.Currency, AtMs: p.clock().UnixMilli()}
	return pos.Notice{ID: "N" + string(o.Sale), Order: &o}, nil
}

// openShop opens a till without staff.
func openShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{log: &logBuffer{}}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.desk = open(t, quiet(), func(c *Config) {
		clock := shopClock(c.Now)
		j, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "journal.db"), sqlite.Options{ReserveBytes: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		till, err := pos.New(t.Context(), pos.Config{
			Journal: j, Gateway: provider{clock}, Binding: pos.Binding{Environment: "training", Host: "h", Partner: "1"}, Mode: pos.ModeTraining,
			Clock: clock, Random: rand.Reader, Log: log, Payee: "1", Subject: "Shop", PINs: j, Pepper: shopPepper{},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- till.Run(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := errors.Join(<-done, j.Close()); err != nil {
				t.Error(err)
			}
		})
		s.till, s.journal, s.staff = till, j, till.Staff()
		c.Engine, c.Reader, c.Staff, c.Log = till, j, s.staff, log
	})
	return s
}

// staffed gives the shop an owner, a manager and a cashier.
func (s *shop) staffed() {
	s.Helper()
	ctx := s.Context()
	_, err := s.staff.SetUp(ctx, pos.Member{ID: "huda", Name: "Huda"}, ownerPIN)
	s.ok(err)
	s.ok(s.staff.Add(ctx, s.allow(pos.PermitStaff, "huda", ownerPIN), pos.Member{ID: "omar", Name: "Omar", Role: pos.RoleManager}))
	s.ok(s.staff.SetPIN(ctx, s.allow(pos.PermitStaff, "huda", ownerPIN), "omar", managerPIN))
	s.ok(s.staff.Add(ctx, s.allow(pos.PermitStaff, "huda", ownerPIN), pos.Member{ID: "amna", Name: "Amna", Role: pos.RoleCashier}))
	s.ok(s.staff.SetPIN(ctx, s.allow(pos.PermitStaff, "huda", ownerPIN), "amna", cashierPIN))
	s.until("the staff", func() bool { return len(s.app.view.Approvers(pos.PermitRefund)) == 2 && len(s.app.workers()) == 3 })
}

func (s *shop) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *shop) allow(p pos.Permission, id pos.MemberID, pin string) pos.Approval {
	s.Helper()
	a, err := s.staff.Authorize(s.Context(), p, id, pin)
	s.ok(err)
	return a
}

// choose moves the choice of the PIN pad in use to a member, by the arrows.
func (s *shop) choose(pad string, id pos.MemberID) {
	s.Helper()
	for range len(s.app.view.Staff) + 1 {
		if s.button(pad + "/who/" + string(id)).IsSelected() {
			return
		}
		s.press(fyne.KeyDown)
	}
	s.Fatalf("%s cannot be chosen; the screen says %q", id, s.texts())
}

// work signs a member in by keys.
func (s *shop) work(id pos.MemberID, pin string) {
	s.Helper()
	pad := "signin"
	if !s.app.locked() {
		s.press(fyne.KeyF12)
		pad = "who"
	}
	s.choose(pad, id)
	s.typed(pin)
	s.press(fyne.KeyReturn)
	s.until(string(id)+" at work", func() bool { return s.app.member == id && s.app.dialog() == nil })
}

// paid makes a paid sale and looks away from it.
func (s *shop) paid(f pos.Fils, by pos.MemberID) pos.SaleNo {
	s.Helper()
	no, err := s.till.Charge(s.Context(), pos.ChargeRequest{Amount: f, Cashier: string(by), Confirmed: true})
	s.ok(err)
	s.pay(no)
	s.till.Dismiss(no)
	s.until("the pad", func() bool {
		return s.app.view.Front == nil && len(s.app.view.Recent) > 0 && s.app.view.Recent[0].Sale.No == no
	})
	return no
}

// pay lets the customer pay; the notice arrives.
func (s *shop) pay(no pos.SaleNo) {
	s.Helper()
	sale, err := s.journal.Sale(s.Context(), no)
	s.ok(err)
	raw, err := json.Marshal(providerOrder{no, sale.Intent.Amount, sale.Intent.ExpiresMs})
	s.ok(err)
	s.ok(s.till.Deliver(s.Context(), pos.Delivery{Cursor: string(no), ReceivedAt: s.clock(), Raw: raw}))
}

// facts are those of a kind in the chain.
func (s *shop) facts(kind pos.Kind) []pos.Fact {
	s.Helper()
	events, err := s.journal.Events(s.Context(), 1, 100_000)
	s.ok(err)
	var out []pos.Fact
	for _, e := range events {
		if e.Kind == kind {
			f, err := e.Fact()
			s.ok(err)
			out = append(out, f)
		}
	}
	return out
}

// wantNoPIN fails when a PIN is anywhere but in fingers.
func (s *shop) wantNoPIN(pins ...string) {
	s.Helper()
	events, err := s.journal.Events(s.Context(), 1, 100_000)
	s.ok(err)
	var chain strings.Builder
	for _, e := range events {
		chain.Write(e.Data)
	}
	for where, text := range map[string]string{
		"log": s.log.String(), "view": fmt.Sprintf("%+v", *s.till.View()), "chain": chain.String(), "screen": fmt.Sprint(s.texts()),
	} {
		for _, pin := range pins {
			if strings.Contains(text, pin) {
				s.Errorf("the %s holds a PIN", where)
			}
		}
	}
}
