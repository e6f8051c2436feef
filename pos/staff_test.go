package pos_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// pepper counts how often it is used, and fails on demand.
type pepper struct {
	mu   sync.Mutex
	key  string
	uses int
	fail error
	// once, when set, runs before the next use.
	once func()
}

func (p *pepper) MAC(message []byte) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if once := p.once; once != nil {
		p.once = nil
		p.mu.Unlock()
		once()
		p.mu.Lock()
	}
	if p.fail != nil {
		return nil, p.fail
	}
	p.uses++
	m := hmac.New(sha256.New, []byte(p.key))
	m.Write(message)
	return m.Sum(nil), nil
}

// shiftedClock is a PC whose clock somebody has set.
type shiftedClock struct{ by time.Duration }

func (c shiftedClock) Now() time.Time { return time.Now().Add(c.by) }

// deaf is a gateway whose clock cannot be read.
type deaf struct{ *gateway }

func (deaf) Time(context.Context) (time.Time, error) { return time.Time{}, errors.New("away") }

const (
	ownerPIN   = "738291"
	managerPIN = "604173"
	cashierPIN = "4839"
)

// shop is a till with staff over a real journal, in one bubble.
type shop struct {
	t       *testing.T
	path    string
	pepper  *pepper
	clock   pos.Clock
	gateway *gateway
	deaf    bool
	idle    bool

	mu    sync.Mutex
	away  bool
	money map[pos.SaleNo]pos.OrderReport

	till    *pos.Till
	staff   *pos.Staff
	journal *sqlite.Journal
	stop    func()
}

func newShop(t *testing.T, path string) *shop {
	s := &shop{t: t, path: path, pepper: &pepper{key: "pepper"}, clock: clock{}, money: map[pos.SaleNo]pos.OrderReport{}}
	s.gateway = &gateway{create: s.create, query: s.query}
	s.start()
	return s
}

func (s *shop) create(biz []byte) pos.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return unknown()
	}
	return opened(biz)
}

func (s *shop) query(no pos.SaleNo) pos.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.money[no]; ok && !s.away {
		return pos.Answer{Order: &r}
	}
	return unknown()
}

func (s *shop) start() {
	s.t.Helper()
	j, err := sqlite.Open(s.t.Context(), s.path, sqlite.Options{ReserveBytes: 64 << 10})
	if err != nil {
		s.t.Fatal(err)
	}
	cfg := config(j, s.gateway)
	if s.deaf {
		cfg.Gateway = deaf{s.gateway}
	}
	cfg.Clock, cfg.PINs, cfg.Pepper, cfg.Idle = s.clock, j, s.pepper, s.idle
	till, err := pos.New(s.t.Context(), cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- till.Run(ctx) }()
	s.till, s.staff, s.journal = till, till.Staff(), j
	s.staff.Cheap()
	s.stop = func() {
		s.t.Helper()
		cancel()
		if err := errors.Join(<-done, j.Close()); err != nil {
			s.t.Error(err)
		}
	}
	synctest.Wait()
}

func (s *shop) restart() {
	s.t.Helper()
	s.stop()
	s.start()
}

// inShop runs f with a shop that has an owner, a manager and a cashier.
func inShop(t *testing.T, f func(t *testing.T, s *shop)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, path)
		defer func() { s.stop() }()
		s.open()
		f(t, s)
	})
}

func (s *shop) open() pos.RecoveryCode {
	s.t.Helper()
	code, err := s.staff.SetUp(s.t.Context(), pos.Member{ID: "huda", Name: "Huda"}, ownerPIN)
	if err != nil {
		s.t.Fatal(err)
	}
	s.add("omar", pos.RoleManager, managerPIN)
	s.add("amna", pos.RoleCashier, cashierPIN)
	return code
}

func (s *shop) add(id pos.MemberID, role pos.Role, pin string) {
	s.t.Helper()
	s.ok(s.staff.Add(s.t.Context(), s.allow(pos.PermitStaff, "huda", ownerPIN), pos.Member{ID: id, Name: "Name of " + string(id), Role: role}))
	s.ok(s.staff.SetPIN(s.t.Context(), s.allow(pos.PermitStaff, "huda", ownerPIN), id, pin))
}

func (s *shop) allow(p pos.Permission, id pos.MemberID, pin string) pos.Approval {
	s.t.Helper()
	a, err := s.staff.Authorize(s.t.Context(), p, id, pin)
	if err != nil {
		s.t.Fatalf("%s by %s: %v", p, id, err)
	}
	return a
}

func (s *shop) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) refused(code pos.Code, err error) *pos.Error {
	s.t.Helper()
	var e *pos.Error
	if !errors.As(err, &e) || e.Code != code {
		s.t.Fatalf("got %v, want %s", err, code)
	}
	return e
}

// count counts the facts of a kind in the chain.
func (s *shop) facts(kind pos.Kind) []pos.Fact {
	s.t.Helper()
	events, err := s.journal.Events(s.t.Context(), 1, 100_000)
	if err != nil {
		s.t.Fatal(err)
	}
	var out []pos.Fact
	for _, e := range events {
		if e.Kind == kind {
			f, err := e.Fact()
			if err != nil {
				s.t.Fatal(err)
			}
			out = append(out, f)
		}
	}
	return out
}

// paid is a sale that the customer has paid.
func (s *shop) paid(amount pos.Fils, cashier string) pos.SaleNo {
	s.t.Helper()
	no, err := s.till.Charge(s.t.Context(), pos.ChargeRequest{Amount: amount, Cashier: cashier, Confirmed: true})
	if err != nil {
		s.t.Fatal(err)
	}
	synctest.Wait()
	sale, err := s.journal.Sale(s.t.Context(), no)
	if err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	s.money[no] = pos.OrderReport{
		Source: pos.SourceQuery, Sale: no, Status: pos.OrderPaid, Total: amount, Currency: pos.Currency, Payee: "1",
		ExpiresMs: sale.Intent.ExpiresMs, Payment: &pos.Payment{Paid: amount, Currency: pos.Currency, AtMs: 5},
	}
	s.mu.Unlock()
	<-time.After(10 * time.Second)
	synctest.Wait()
	if sale, err = s.journal.Sale(s.t.Context(), no); err != nil || sale.State != pos.SalePaid {
		s.t.Fatalf("sale %s, %v", sale.State, err)
	}
	s.till.Dismiss(no)
	return no
}

func (s *shop) wrong(id pos.MemberID, times int) *pos.Error {
	s.t.Helper()
	var e *pos.Error
	for range times {
		for _, m := range s.till.View().Staff {
			if m.ID == id && !m.Wait.IsZero() {
				<-time.After(m.Wait.Sub(s.clock.Now()))
			}
		}
		_, err := s.staff.Authorize(s.t.Context(), pos.PermitRefund, id, "555123")
		e = s.refused(pos.CodePIN, err)
	}
	return e
}

func TestStaff_NobodyIsAskedUntilThereIsAnOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, path)
		defer func() { s.stop() }()
		no := s.paid(1000, "cashier")
		if _, err := s.till.Refund(t.Context(), pos.RefundRequest{Sale: no, Amount: 10, Requester: "cashier", Approver: "cashier"}); err != nil {
			t.Fatal(err)
		}
		if v := s.till.View(); len(v.Staff) != 0 {
			t.Fatalf("staff %v", v.Staff)
		}
		s.refused(pos.CodeApproval, s.staff.Add(t.Context(), pos.Approval{}, pos.Member{ID: "x", Name: "X", Role: pos.RoleOwner}))
		for _, m := range []pos.Member{{ID: "", Name: "X"}, {ID: "Huda", Name: "X"}, {ID: "*recovery", Name: "X"}, {ID: "huda", Name: ""},
			{ID: "huda", Name: "a\nb"}, {ID: "abcdefghijklmnopq", Name: "X"}} {
			_, err := s.staff.SetUp(t.Context(), m, ownerPIN)
			s.refused(pos.CodeStaff, err)
		}
		_, err := s.staff.SetUp(t.Context(), pos.Member{ID: "huda", Name: "Huda"}, "4839")
		s.refused(pos.CodePINWeak, err)
		s.open()
		_, err = s.staff.SetUp(t.Context(), pos.Member{ID: "eve", Name: "Eve"}, ownerPIN)
		s.refused(pos.CodePermission, err)
		_, err = s.till.Charge(t.Context(), pos.ChargeRequest{Amount: 500, Cashier: "cashier"})
		s.refused(pos.CodePermission, err)
	})
}

func TestStaff_TheEngineRefusesWhatAMemberMayNotDo(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		no := s.paid(1000, "amna")
		other := s.paid(1001, "amna")
		ctx := t.Context()
		before := len(s.facts(pos.RefundIntended)) + len(s.facts(pos.SaleReversalAsked))
		refund := pos.RefundRequest{Sale: no, Amount: 10, Requester: "amna", Approver: "omar"}
		s.refused(pos.CodeApproval, second(s.till.Refund(ctx, refund)))
		s.refused(pos.CodeApproval, s.till.Reverse(ctx, pos.ReverseRequest{Sale: no, Requester: "amna", Approver: "omar", Note: "n"}))
		s.refused(pos.CodePermission, s.till.CustomerSaysPaid(ctx, s.charge(50), "stranger"))
		s.refused(pos.CodePermission, s.till.Renew(ctx, s.charge(51), "stranger"))
		open := s.charge(52)
		s.refused(pos.CodePermission, s.till.Abort(ctx, open, "stranger"))
		s.ok(s.till.Abort(ctx, open, "amna"))
		s.refused(pos.CodePermission, second(s.till.ProposeRefund(ctx, pos.RefundRequest{Sale: no, Amount: 10, Requester: "stranger"})))
		_, err := s.staff.Authorize(ctx, pos.PermitRefund, "amna", cashierPIN)
		s.refused(pos.CodePermission, err)
		refund.Approval = s.allow(pos.PermitAlerts, "omar", managerPIN)
		s.refused(pos.CodeApproval, second(s.till.Refund(ctx, refund)))
		refund.Requester = "stranger"
		refund.Approval = s.allow(pos.PermitRefund, "omar", managerPIN)
		s.refused(pos.CodePermission, second(s.till.Refund(ctx, refund)))
		if n := len(s.facts(pos.RefundIntended)) + len(s.facts(pos.SaleReversalAsked)); n != before {
			t.Fatalf("%d refused acts are in the journal", n-before)
		}
		refund.Requester = "amna"
		if _, err := s.till.Refund(ctx, refund); err != nil {
			t.Fatal(err)
		}
		f := s.facts(pos.RefundIntended)
		if i := f[len(f)-1].RefundIntent; i.Requester != "amna" || i.Approver != "omar" || i.Self {
			t.Fatalf("%+v", i)
		}
		s.ok(s.till.Reverse(ctx, pos.ReverseRequest{Sale: other, Requester: "amna", Note: "n", Approval: s.allow(pos.PermitReverse, "omar", managerPIN)}))
		if f := s.facts(pos.SaleReversalAsked)[0]; f.By != "amna" || f.Approver != "omar" {
			t.Fatalf("%+v", f)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func (s *shop) charge(amount pos.Fils) pos.SaleNo {
	s.t.Helper()
	no, err := s.till.Charge(s.t.Context(), pos.ChargeRequest{Amount: amount, Cashier: "amna", Confirmed: true})
	if err != nil {
		s.t.Fatal(err)
	}
	synctest.Wait()
	return no
}

func TestStaff_NotesOfManagersNeedTheirPIN(t *testing.T) {
	inShop(t, func(t *testing.T, s *shop) {
		ctx := t.Context()
		s.mu.Lock()
		s.away = true
		s.mu.Unlock()
		no := s.charge(700)
		s.ok(s.till.Abort(ctx, no, "amna"))
		for range 40 {
			if sale, err := s.journal.Sale(ctx, no); err == nil && sale.State == pos.SaleUnknown {
				break
			}
			<-time.After(5 * time.Second)
		}
		s.refused(pos.CodeApproval, s.till.Release(ctx, no, "omar", "regular customer"))
		s.ok(s.till.ReleaseWith(ctx, s.allow(pos.PermitRelease, "omar", managerPIN), no, "amna", "regular customer"))
		if f := s.facts(pos.SaleReleased); len(f) != 1 || f[0].By != "omar" {
			t.Fatalf("%+v", f)
		}
		alerts := s.till.View().Alerts
		if len(alerts) == 0 {
			t.Fatal("an unknown sale raises no alert")
		}
		s.refused(pos.CodeApproval, s.till.ResolveAlert(ctx, alerts[0].ID, "omar", "called"))
		s.ok(s.till.ResolveAlertWith(ctx, s.allow(pos.PermitAlerts, "huda", ownerPIN), alerts[0].ID, "", "called"))
		f := s.facts(pos.AlertResolved)
		if len(f) == 0 || f[len(f)-1].By != "huda" {
			t.Fatalf("%+v", f)
		}
		s.refused(pos.CodeAttached, s.till.AttachWith(ctx, s.allow(pos.PermitAlerts, "omar", managerPIN), no, s.charge(701), "amna", "note"))
	})
}
