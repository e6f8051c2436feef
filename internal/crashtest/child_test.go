package crashtest

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/gateway"
	"github.com/filspos/fils/pos/sqlite"
)

const (
	childEnv = "FILS_CRASH_CHILD" // what the child is made of, as JSON
	partner  = "200000000888"
)

func TestMain(m *testing.M) {
	made := os.Getenv(childEnv)
	if made == "" {
		os.Exit(m.Run())
	}
	if err := runChild(made); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// setup is all that a till needs to know.
type setup struct {
	Journal, Host, Key, GatewayKey, Notify string
	// Point, when above zero, is the commit or call before or after which the
	// process kills itself.
	Point int
}

// command is one line to the child; it answers each with one reply.
type command struct {
	Op     string
	Amount pos.Fils
	Sale   pos.SaleNo
	Sign   string
	Raw    []byte
}

// picture is one line of the child: what its screen shows, or the reply.
type picture struct {
	Reply  string                           `json:",omitempty"`
	Code   pos.Code                         `json:",omitempty"`
	Sales  map[pos.SaleNo]pos.SaleState     `json:",omitempty"`
	QR     map[pos.SaleNo]bool              `json:",omitempty"`
	Flying map[pos.RefundNo]pos.RefundState `json:",omitempty"`
	Points int                              `json:",omitempty"`
	// Trading is why no sale can be made.
	Trading pos.Code `json:",omitempty"`
}

// points counts the places at which the child may die.
type points struct {
	mu     sync.Mutex
	passed int
	fatal  int
}

// pass is one place; the process does not survive the fatal one.
func (p *points) pass() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passed++
	if p.passed == p.fatal {
		if self, err := os.FindProcess(os.Getpid()); err == nil {
			_ = self.Kill()
		}
		select {} // until the signal is there
	}
}

func (p *points) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.passed
}

// fragileJournal may die before and after every commit.
type fragileJournal struct {
	pos.Journal
	points *points
}

func (j fragileJournal) Record(ctx context.Context, b pos.Batch) ([]pos.Event, error) {
	j.points.pass()
	events, err := j.Journal.Record(ctx, b)
	j.points.pass()
	return events, err
}

// fragileGateway may die before and after every call that moves money.
type fragileGateway struct {
	pos.Gateway
	points *points
}

func (g fragileGateway) around(call func() pos.Answer) pos.Answer {
	g.points.pass()
	a := call()
	g.points.pass()
	return a
}

func (g fragileGateway) Create(ctx context.Context, biz []byte, at time.Time) pos.Answer {
	return g.around(func() pos.Answer { return g.Gateway.Create(ctx, biz, at) })
}

func (g fragileGateway) Query(ctx context.Context, no pos.SaleNo, at time.Time) pos.Answer {
	return g.around(func() pos.Answer { return g.Gateway.Query(ctx, no, at) })
}

func (g fragileGateway) Cancel(ctx context.Context, no pos.SaleNo, at time.Time) pos.Answer {
	return g.around(func() pos.Answer { return g.Gateway.Cancel(ctx, no, at) })
}

func (g fragileGateway) Revoke(ctx context.Context, no pos.SaleNo, at time.Time) pos.Answer {
	return g.around(func() pos.Answer { return g.Gateway.Revoke(ctx, no, at) })
}

func (g fragileGateway) Refund(ctx context.Context, biz []byte, at time.Time) pos.Answer {
	return g.around(func() pos.Answer { return g.Gateway.Refund(ctx, biz, at) })
}

func (g fragileGateway) QueryRefund(ctx context.Context, no pos.RefundNo, at time.Time) pos.Answer {
	return g.around(func() pos.Answer { return g.Gateway.QueryRefund(ctx, no, at) })
}

type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

// runChild is the till until its input ends.
func runChild(made string) error {
	var s setup
	if err := json.Unmarshal([]byte(made), &s); err != nil {
		return err
	}
	journal, err := sqlite.Open(context.Background(), s.Journal, sqlite.Options{ReserveBytes: 64 << 10})
	if err != nil {
		return err
	}
	defer journal.Close()
	bank, err := s.gateway()
	if err != nil {
		return err
	}
	p := &points{fatal: s.Point}
	till, err := pos.New(context.Background(), pos.Config{
		Journal: fragileJournal{journal, p}, Gateway: fragileGateway{bank, p},
		Binding: pos.Binding{Environment: "training", Host: s.Host, Partner: partner},
		Clock:   wallClock{}, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Payee: partner, Store: "S1", Terminal: "T1", Subject: "Corner Shop",
		NotifyURL: s.Notify, Mode: pos.ModeTraining,
	})
	if err != nil {
		return err
	}
	return serve(till, p)
}

func (s setup) gateway() (*gateway.Gateway, error) {
	read := func(path string) []byte {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil // the parser says so
		}
		return data
	}
	key, err := payby.ParsePrivateKey(read(s.Key))
	if err != nil {
		return nil, err
	}
	theirs, err := payby.ParsePublicKey(read(s.GatewayKey))
	if err != nil {
		return nil, err
	}
	client := &payby.Client{BaseURL: s.Host + "/sgs/api", PartnerID: partner, Signer: key, Keys: []*rsa.PublicKey{theirs}}
	return gateway.New(client, gateway.Options{}), nil
}

// serve runs the till, tells every picture and obeys every command.
func serve(till *pos.Till, p *points) error {
	ctx, cancel := context.WithCancel(context.Background())
	var mu sync.Mutex
	out := json.NewEncoder(os.Stdout)
	say := func(v picture) error {
		mu.Lock()
		defer mu.Unlock()
		return out.Encode(v)
	}
	var workers sync.WaitGroup
	workers.Go(func() { _ = till.Run(ctx) })
	changes, end := till.Changes()
	workers.Go(func() {
		for ctx.Err() == nil {
			if say(show(till.View())) != nil {
				return
			}
			select {
			case <-changes:
			case <-ctx.Done():
			}
		}
	})
	lines := bufio.NewReader(os.Stdin)
	var err error
	for {
		var line []byte
		if line, err = lines.ReadBytes('\n'); err != nil {
			break
		}
		var c command
		if err = json.Unmarshal(line, &c); err != nil {
			break
		}
		v := obey(ctx, till, c)
		v.Points = p.count()
		if err = say(v); err != nil {
			break
		}
	}
	cancel()
	end()
	workers.Wait()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func show(v *pos.View) picture {
	out := picture{Sales: map[pos.SaleNo]pos.SaleState{}, QR: map[pos.SaleNo]bool{}, Flying: map[pos.RefundNo]pos.RefundState{}}
	all := append(append([]pos.SaleView{}, v.Recent...), v.Cards...)
	if v.Front != nil {
		all = append(all, *v.Front)
	}
	for _, s := range all {
		out.Sales[s.Sale.No] = s.Sale.State
		if s.QR != "" {
			out.QR[s.Sale.No] = true
		}
	}
	if v.Trading != nil {
		out.Trading = v.Trading.Code
	}
	for _, r := range v.RefundsInFlight {
		out.Flying[r.No] = r.State
	}
	return out
}

func obey(ctx context.Context, till *pos.Till, c command) picture {
	v := picture{Reply: c.Op}
	var err error
	switch c.Op {
	case "charge":
		var no pos.SaleNo
		no, err = till.Charge(ctx, pos.ChargeRequest{Amount: c.Amount, Cashier: "Amna", Confirmed: true})
		v.Sales = map[pos.SaleNo]pos.SaleState{no: ""}
	case "abort":
		err = till.Abort(ctx, c.Sale, "Amna")
	case "refund":
		_, err = till.Refund(ctx, pos.RefundRequest{Sale: c.Sale, Amount: c.Amount, Requester: "Amna", Approver: "Huda", Note: "agreed"})
	case "reverse":
		err = till.Reverse(ctx, pos.ReverseRequest{Sale: c.Sale, Requester: "Amna", Approver: "Huda", Note: "agreed"})
	case "notice":
		err = till.Deliver(ctx, pos.Delivery{Cursor: strconv.Itoa(len(c.Raw)), ReceivedAt: time.Now().UTC(), Sign: c.Sign, Raw: c.Raw})
	case "look":
		v = show(till.View())
		v.Reply = c.Op
	}
	var e *pos.Error
	if errors.As(err, &e) {
		v.Code = e.Code
	} else if err != nil {
		v.Code = pos.Code(err.Error())
	}
	return v
}
