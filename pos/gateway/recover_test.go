package gateway_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/payby/sandbox"
	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/gateway"
	"github.com/filspos/fils/pos/sqlite"
)

type pcClock struct{}

func (pcClock) Now() time.Time { return time.Now() }

// openTill runs a till over a real journal and the practice gateway.
func openTill(t *testing.T, path, terminal string, g *gateway.Gateway) (till *pos.Till, stop func()) {
	t.Helper()
	j, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	till, err = pos.New(t.Context(), pos.Config{
		Journal: j, Gateway: g, Archive: g, RecoverNew: time.Hour, Binding: pos.Binding{Environment: "custom", Host: "h", Partner: partner},
		Clock: pcClock{}, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Payee: partner, Store: "S1", Terminal: terminal, Subject: "Corner Shop", Mode: pos.ModeTest,
	})
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

// until waits for a picture.
func until(t *testing.T, till *pos.Till, what string, ready func(*pos.View) bool) {
	t.Helper()
	changes, end := till.Changes()
	defer end()
	patience := time.After(time.Minute)
	for !ready(till.View()) {
		select {
		case <-changes:
		case <-patience:
			t.Fatalf("no %s: %+v", what, till.View().Alerts)
		}
	}
}

func quiet(v *pos.View) bool {
	for _, a := range v.Alerts {
		if a.Kind == pos.AlertRecovering {
			return false
		}
	}
	return true
}

// sellTo charges and has the customer pay.
func sellTo(t *testing.T, till *pos.Till, box *sandbox.Gateway, amount pos.Fils) pos.SaleNo {
	t.Helper()
	no, err := till.Charge(t.Context(), pos.ChargeRequest{Amount: amount, Cashier: "Amna", Confirmed: true})
	if err != nil {
		t.Fatal(err)
	}
	until(t, till, "QR", func(v *pos.View) bool { return v.Front != nil && v.Front.QR != "" })
	if err := box.Pay(partner, string(no)); err != nil {
		t.Fatal(err)
	}
	until(t, till, "payment", func(v *pos.View) bool { return v.Front.Sale.State == pos.SalePaid })
	till.Dismiss(no)
	return no
}

func TestRecovery_FromThePracticeGateway(t *testing.T) {
	t.Parallel()
	g, box := connect(t)
	dir := t.TempDir()
	till, stop := openTill(t, filepath.Join(dir, "one.db"), "T1", g)
	until(t, till, "end of the first recovery", quiet)
	no := sellTo(t, till, box, 5000)
	if _, err := till.Refund(t.Context(), pos.RefundRequest{Sale: no, Amount: 1500, Requester: "Amna", Approver: "Huda"}); err != nil {
		t.Fatal(err)
	}
	until(t, till, "accepted refund", func(v *pos.View) bool {
		return len(v.RefundsInFlight) == 0 || v.RefundsInFlight[0].State != pos.RefundRequested
	})
	stop() // and the journal is lost

	till, stop = openTill(t, filepath.Join(dir, "two.db"), "T1", g)
	defer stop()
	until(t, till, "end of the recovery", quiet)
	s := till.View().Recent
	if len(s) != 1 || s[0].Sale.No != no || s[0].Sale.State != pos.SalePaid || s[0].Sale.Refundable() != 3500 {
		t.Fatalf("recovered %+v", s)
	}
	if _, err := till.Refund(t.Context(), pos.RefundRequest{Sale: no, Amount: 3500, Requester: "Amna", Approver: "Huda"}); err != nil {
		t.Fatal(err)
	}
}

func TestAdopt_FromAnotherTill(t *testing.T) {
	t.Parallel()
	g, box := connect(t)
	dir := t.TempDir()
	first, stop := openTill(t, filepath.Join(dir, "one.db"), "T1", g)
	defer stop()
	no := sellTo(t, first, box, 5000)
	provider := first.View().Recent[0].Sale.ProviderNo

	second, stop := openTill(t, filepath.Join(dir, "two.db"), "T2", g)
	defer stop()
	until(t, second, "end of the recovery", quiet)
	if n := len(second.View().Recent); n != 0 {
		t.Fatalf("till 2 took over %d sales of till 1", n)
	}
	got, err := second.Adopt(t.Context(), pos.Approval{}, provider, "Huda", "bought at till 1")
	if err != nil || got != no {
		t.Fatalf("adopted %q, %v", got, err)
	}
	until(t, second, "refundable sale", func(v *pos.View) bool { return len(v.Recent) == 1 && !v.Recent[0].Sale.Unread })
	if _, err := second.OpenShift(t.Context(), "Amna"); err != nil {
		t.Fatal(err)
	}
	z, err := second.CloseShift(t.Context(), 1, "Huda")
	if err != nil {
		t.Fatal(err)
	}
	if z.Check == nil || !z.Check.Complete || len(z.Check.Missing) != 0 || len(z.Adopted) != 1 || z.Totals.Net() != 0 {
		t.Fatalf("Z %+v, check %+v", z, z.Check)
	}
}

func TestRefund_AReasonThatPayByWouldNotTakeIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	g, box := connect(t)
	till, stop := openTill(t, filepath.Join(t.TempDir(), "one.db"), "T1", g)
	defer stop()
	until(t, till, "end of the first recovery", quiet)
	no := sellTo(t, till, box, 5000)
	for _, reason := range []string{strings.Repeat("🙂", 33), "\uFFFD", "\xff"} {
		_, err := till.Refund(t.Context(), pos.RefundRequest{Sale: no, Amount: 1500, Reason: reason, Requester: "Amna", Approver: "Huda"})
		var e *pos.Error
		if !errors.As(err, &e) || e.Code != pos.CodeReference {
			t.Errorf("%q: %v", reason, err)
		}
	}
	if _, err := till.Refund(t.Context(), pos.RefundRequest{
		Sale: no, Amount: 1500, Reason: strings.Repeat("🙂", 32), Requester: "Amna", Approver: "Huda",
	}); err != nil {
		t.Error(err)
	}
}
