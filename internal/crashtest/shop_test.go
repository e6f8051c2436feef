package crashtest

import (
	"bufio"
	"context"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/payby/sandbox"
	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// patience is how long anything may take that must happen.
const patience = 60 * time.Second

// shop is the world around the till that gets killed: the practice gateway,
// what it has told so far, and what people asked the till for.
type shop struct {
	t       *testing.T
	setup   setup
	gateway *sandbox.Gateway

	mu      sync.Mutex
	told    []command // every notification so far
	arrived chan struct{}

	// env is what a till is started with beside its setup.
	env []string

	charges, refunds int
	// promised are the sales whose charge the till confirmed.
	promised []pos.SaleNo
}

func newShop(t *testing.T) *shop {
	t.Helper()
	dir := t.TempDir()
	s := &shop{t: t, arrived: make(chan struct{}, 1)}
	ours, theirs := newKey(t), newKey(t)
	private, err := payby.EncodePrivateKey(ours)
	if err != nil {
		t.Fatal(err)
	}
	public, err := payby.EncodePublicKey(&theirs.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := "http://" + listener.Addr().String()
	s.setup = setup{
		Journal: filepath.Join(dir, "journal.db"), Host: host, Notify: host + "/n",
		Key: filepath.Join(dir, "ours.pem"), GatewayKey: filepath.Join(dir, "theirs.pem"),
	}
	for path, data := range map[string][]byte{s.setup.Key: private, s.setup.GatewayKey: public} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.gateway, err = sandbox.New(sandbox.Options{
		Key: theirs, PublicURL: host, RefundSettled: 50 * time.Millisecond, RefundDone: 100 * time.Millisecond,
		Merchants: []sandbox.Merchant{{ID: partner, Name: "CORNER SHOP TRADING LLC", Keys: []*rsa.PublicKey{&ours.PublicKey}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.open(listener)
	return s
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := payby.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// open serves the gateway, and the address that it notifies.
func (s *shop) open(listener net.Listener) {
	mux := http.NewServeMux()
	mux.Handle("/", s.gateway)
	mux.HandleFunc("POST /n", s.notified)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: patience}
	ctx, cancel := context.WithCancel(context.Background())
	var workers sync.WaitGroup
	workers.Go(func() { _ = s.gateway.Run(ctx) })
	workers.Go(func() { _ = server.Serve(listener) })
	s.t.Cleanup(func() {
		cancel()
		if err := server.Close(); err != nil {
			s.t.Error(err)
		}
		workers.Wait()
	})
}

func (s *shop) notified(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.told = append(s.told, command{Op: "notice", Sign: r.Header.Get("Sign"), Raw: raw})
	s.mu.Unlock()
	select {
	case s.arrived <- struct{}{}:
	default:
	}
	_, _ = io.WriteString(w, payby.Ack)
}

// news returns the notifications from number n on.
func (s *shop) news(n int) []command {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.told[min(n, len(s.told)):])
}

// till is one life of the till.
type till struct {
	t        *testing.T
	cmd      *exec.Cmd
	in       io.WriteCloser
	pictures chan picture
	last     picture
	points   int
}

// start begins a life; point is where it ends by itself, zero for never.
func (s *shop) start(point int) *till {
	s.t.Helper()
	made := s.setup
	made.Point = point
	env, err := json.Marshal(made)
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), childEnv+"="+string(env)), s.env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	t := &till{t: s.t, cmd: cmd, in: in, pictures: make(chan picture, 1000)}
	go func() {
		defer close(t.pictures)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var p picture
			if json.Unmarshal(lines.Bytes(), &p) != nil {
				return // the last line of a killed writer
			}
			t.pictures <- p
		}
	}()
	return t
}

// send gives a command; a dead till does not hear it.
func (t *till) send(c command) {
	line, err := json.Marshal(c)
	if err != nil {
		t.t.Fatal(err)
	}
	_, _ = t.in.Write(append(line, '\n'))
}

// kill ends the life at once.
func (t *till) kill() {
	t.t.Helper()
	_ = t.cmd.Process.Kill()
	t.buried()
}

// buried waits until nothing of the process is left.
func (t *till) buried() {
	for p := range t.pictures {
		t.see(p)
	}
	_ = t.cmd.Wait()
}

func (t *till) see(p picture) {
	t.points = max(t.points, p.Points)
	if p.Reply == "" {
		t.last = p
	}
}

// close ends the till as its owner would.
func (t *till) close() {
	t.t.Helper()
	if err := t.in.Close(); err != nil {
		t.t.Error(err)
	}
	for p := range t.pictures {
		t.see(p)
	}
	if err := t.cmd.Wait(); err != nil {
		t.t.Errorf("the till did not end well: %v", err)
	}
}

// audit compares the journal of a dead till with the gateway.
func (s *shop) audit() {
	s.t.Helper()
	if _, err := os.Stat(s.setup.Journal); os.IsNotExist(err) {
		if n := len(s.gateway.Orders()); n > 0 {
			s.t.Fatalf("no journal, but %d orders", n)
		}
		return
	}
	ctx := s.t.Context()
	j, err := sqlite.Open(ctx, s.setup.Journal, sqlite.Options{ReserveBytes: 64 << 10})
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() {
		if err := j.Close(); err != nil {
			s.t.Error(err)
		}
	}()
	if _, err := sqlite.Verify(ctx, s.setup.Journal); err != nil {
		s.t.Fatal(err)
	}
	if err := sqlite.CheckDerived(ctx, s.setup.Journal); err != nil {
		s.t.Fatal(err)
	}
	orders := s.gateway.Orders()
	made := 0
	known := map[pos.SaleNo]bool{}
	for _, o := range orders {
		known[pos.SaleNo(o.MerchantOrderNo)] = true
		made += len(o.Refunds)
		s.auditOrder(j, o)
	}
	if len(orders) > s.charges {
		s.t.Fatalf("%d orders for %d charges", len(orders), s.charges)
	}
	if made > s.refunds {
		s.t.Fatalf("%d refunds, %d were asked for", made, s.refunds)
	}
	for _, no := range s.promised {
		if _, err := j.Sale(ctx, no); err != nil {
			s.t.Fatalf("sale %s was confirmed and is lost: %v", no, err)
		}
	}
	page, err := j.Sales(ctx, pos.SaleQuery{States: []pos.SaleState{pos.SalePaid}, Limit: 10000})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, sale := range page.Sales {
		if !known[sale.No] {
			s.t.Fatalf("sale %s is paid without an order", sale.No)
		}
	}
}

// auditOrder compares one order with its sale.
func (s *shop) auditOrder(j *sqlite.Journal, o sandbox.OrderState) {
	s.t.Helper()
	ctx := s.t.Context()
	sale, err := j.Sale(ctx, pos.SaleNo(o.MerchantOrderNo))
	if err != nil {
		s.t.Fatalf("order %s belongs to no sale: %v", o.MerchantOrderNo, err)
	}
	if pos.Fils(o.TotalFils) != sale.Intent.Amount {
		s.t.Fatalf("order %s is over %d, the sale over %v", sale.No, o.TotalFils, sale.Intent.Amount)
	}
	switch sale.State {
	case pos.SalePaid:
		if !o.Paid {
			s.t.Fatalf("sale %s is paid, its order %s", sale.No, o.Status)
		}
	case pos.SaleReversed:
		if !o.Revoked {
			s.t.Fatalf("sale %s is reversed, its order is not", sale.No)
		}
	case pos.SaleClosed:
		if o.Paid || o.Status != string(payby.Failure) {
			s.t.Fatalf("sale %s is closed, its order %s", sale.No, o.Status)
		}
	}
	var back int64
	for _, r := range o.Refunds {
		if r.Status != string(payby.RefundFailure) {
			back += r.AmountFils
		}
		ours, err := j.RefundByNo(ctx, pos.RefundNo(r.RefundMerchantOrderNo))
		if err != nil {
			s.t.Fatalf("refund %s was never intended: %v", r.RefundMerchantOrderNo, err)
		}
		if ours.Sale != sale.No || int64(ours.Intent.Amount) != r.AmountFils || ours.State == pos.RefundFailed {
			s.t.Fatalf("refund %s differs: %+v", ours.No, ours)
		}
	}
	if back > o.TotalFils || back > 0 && o.Revoked {
		s.t.Fatalf("order %s: %d of %d refunded, reversed %v", sale.No, back, o.TotalFils, o.Revoked)
	}
}

// quiet tells whether the journal has nothing to wait for.
func (s *shop) quiet() bool {
	j, err := sqlite.Open(s.t.Context(), s.setup.Journal, sqlite.Options{ReadOnly: true})
	if err != nil {
		return false // the till is about to make it
	}
	defer func() {
		if err := j.Close(); err != nil {
			s.t.Error(err)
		}
	}()
	l, err := j.Load(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	waiting := slices.ContainsFunc(l.Sales, func(sale pos.Sale) bool { return !sale.State.Final() || sale.Reversing })
	return l.Count > 1 && !waiting && len(l.Refunds) == 0
}

// closeBooks: when everything has come to its end, the journal and the gateway
// say the same.
func (s *shop) closeBooks() {
	s.t.Helper()
	ctx := s.t.Context()
	j, err := sqlite.Open(ctx, s.setup.Journal, sqlite.Options{ReadOnly: true})
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() {
		if err := j.Close(); err != nil {
			s.t.Error(err)
		}
	}()
	for _, o := range s.gateway.Orders() {
		sale, err := j.Sale(ctx, pos.SaleNo(o.MerchantOrderNo))
		if err != nil {
			s.t.Fatal(err)
		}
		want := pos.SaleClosed
		switch {
		case o.Revoked:
			want = pos.SaleReversed
		case o.Paid:
			want = pos.SalePaid
		}
		if sale.State != want {
			s.t.Errorf("sale %s is %s, want %s", sale.No, sale.State, want)
		}
		var back pos.Fils
		for _, r := range o.Refunds {
			back += pos.Fils(r.AmountFils)
		}
		if sale.Refunded != back || sale.Pending != 0 {
			s.t.Errorf("sale %s: %v refunded and %v pending, the gateway gave back %v", sale.No, sale.Refunded, sale.Pending, back)
		}
	}
}
