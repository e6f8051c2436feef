package certify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
)

// pipes is a network in memory, so that a bubble's clock can run ahead.
type pipes struct {
	mu        sync.Mutex
	listeners map[string]*pipeListener
}

func (p *pipes) network() Network { return Network{Listen: p.listen, Dial: p.dial} }

func (p *pipes) listen() (net.Listener, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := &pipeListener{at: pipeAddr(fmt.Sprintf("127.0.0.1:%d", 1+len(p.listeners))), conns: make(chan net.Conn), closed: make(chan struct{})}
	p.listeners[string(l.at)] = l
	return l, nil
}

func (p *pipes) dial(ctx context.Context, _, address string) (net.Conn, error) {
	p.mu.Lock()
	l := p.listeners[address]
	p.mu.Unlock()
	if l == nil {
		return nil, errors.New("nobody listens")
	}
	ours, theirs := net.Pipe()
	select {
	case l.conns <- &pipeConn{theirs, l.at}:
		return &pipeConn{ours, l.at}, nil
	case <-l.closed:
	case <-ctx.Done():
	}
	return nil, errors.New("nobody accepts")
}

type pipeAddr string

func (a pipeAddr) Network() string { return "tcp" }
func (a pipeAddr) String() string  { return string(a) }

type pipeConn struct {
	net.Conn
	at pipeAddr
}

func (c *pipeConn) LocalAddr() net.Addr  { return c.at }
func (c *pipeConn) RemoteAddr() net.Addr { return c.at }

type pipeListener struct {
	at     pipeAddr
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return l.at }

var testKeys = sync.OnceValues(NewKeys)

// inVirtualTime plays cases against the practice gateway in a bubble.
func inVirtualTime(t *testing.T, o SandboxOptions, set func(*Session)) (cases []Case) {
	t.Helper()
	keys, err := testKeys()
	if err != nil {
		t.Fatal(err)
	}
	o.Keys, o.Dir = keys, t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		o.Network = (&pipes{listeners: map[string]*pipeListener{}}).network()
		s, err := OpenSandbox(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}()
		s.Session.Say = func(line string) { t.Log(line) }
		if set != nil {
			set(s.Session)
		}
		if cases, err = s.Session.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	return cases
}

// TestSandbox_AllCases plays the official cases with the real engine, journal,
// relay and client; only PayBy is played.
func TestSandbox_AllCases(t *testing.T) {
	cases := inVirtualTime(t, SandboxOptions{Relay: true}, nil)
	if len(cases) != 9 {
		t.Fatalf("%d cases", len(cases))
	}
	for i, c := range cases {
		if want := fmt.Sprintf("%03d", i+1); c.ID != want || c.Sale == "" || len(c.Calls) < 3 {
			t.Errorf("case %s of %s has %d calls; want %s", c.ID, c.Sale, len(c.Calls), want)
		}
		for _, f := range c.Findings {
			if f.Result != Pass {
				t.Errorf("%s %s: %s: %s", c.ID, f.Result, f.Rule, f.Measured)
			}
		}
		if !c.Final.Final() {
			t.Errorf("case %s leaves a sale %s", c.ID, c.Final)
		}
		for _, call := range c.Calls {
			if call.Order != c.Sale {
				t.Errorf("case %s shows a call for %s", c.ID, call.Order)
			}
		}
	}
	for id, want := range map[string]pos.SaleState{
		"001": pos.SalePaid, "002": pos.SaleClosed, "005": pos.SaleClosed, "006": pos.SaleUnknown, "009": pos.SalePaid,
	} {
		if got := caseOf(t, cases, id).Shown; got != want {
			t.Errorf("case %s ends %s, want %s", id, got, want)
		}
	}
}

func caseOf(t *testing.T, cases []Case, id string) Case {
	t.Helper()
	for _, c := range cases {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("no case %s", id)
	return Case{}
}

// TestSandbox_FaultsAreSeen: what the bench did to a call is in the record, and
// it did it to no other.
func TestSandbox_FaultsAreSeen(t *testing.T) {
	cases := inVirtualTime(t, SandboxOptions{Relay: true}, nil)
	for _, tc := range []struct {
		id, operation string
		want          int // -1 is all
	}{{"001", opQuery, 0}, {"003", opCreate, -1}, {"004", opCreate, -1}, {"005", opCancel, 2}, {"006", opCancel, -1}, {"007", opQuery, 2}, {"008", opQuery, -1}} {
		spoiled, total := 0, 0
		for _, c := range caseOf(t, cases, tc.id).Calls {
			switch {
			case c.After:
				if c.Injected != "" {
					t.Errorf("%s: %s was spoiled after the case", tc.id, c.Operation)
				}
			case c.Operation == tc.operation:
				total++
				if c.Injected != "" {
					spoiled++
				}
			case c.Injected != "":
				t.Errorf("%s: a %s was spoiled", tc.id, c.Operation)
			}
		}
		if tc.want >= 0 && spoiled != tc.want || tc.want < 0 && spoiled != total {
			t.Errorf("%s: %d of %d %s calls spoiled, want %d", tc.id, spoiled, total, tc.operation, tc.want)
		}
	}
}

// TestSandbox_WithoutRelay: a till that only polls runs all cases but 009.
func TestSandbox_WithoutRelay(t *testing.T) {
	cases := inVirtualTime(t, SandboxOptions{}, func(s *Session) { s.Cases = []string{"001", "007", "009"} })
	if len(cases) != 3 || cases[0].Result != Pass || cases[1].Result != Pass {
		t.Errorf("cases %+v", cases)
	}
	if c := caseOf(t, cases, "009"); c.Result != NotRun || c.Note == "" {
		t.Errorf("009: %s %q", c.Result, c.Note)
	}
	r := SandboxReport("0", begin(), false)
	r.Cases = cases
	if r.Finish(); r.Verdict != Incomplete || !r.Good() || r.Summary != "2 of 9 passed, 1 not run, 6 not chosen" {
		t.Errorf("verdict %s: %s", r.Verdict, r.Summary)
	}
}

// TestSandbox_PayerWhoNeverPays: a case that needs a payment and gets none
// fails instead of waiting for ever.
func TestSandbox_PayerWhoNeverPays(t *testing.T) {
	cases := inVirtualTime(t, SandboxOptions{Relay: true}, func(s *Session) {
		s.Cases, s.Payer = []string{"001", "009"}, absent{}
	})
	for _, c := range cases {
		if c.Result != Fail || c.Final != pos.SaleClosed {
			t.Errorf("case %s: %s, sale %s", c.ID, c.Result, c.Final)
		}
	}
}

type absent struct{}

func (absent) Ready(context.Context, string, string) error { return nil }
func (absent) Pay(context.Context, Offer) error            { return nil }
func (absent) GiveUp(context.Context, Offer) error         { return nil }
func (absent) Thinks() time.Duration                       { return 0 }

// TestSandbox_Interrupted: what was finished before is kept.
func TestSandbox_Interrupted(t *testing.T) {
	keys, err := testKeys()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		network := &pipes{listeners: map[string]*pipeListener{}}
		s, err := OpenSandbox(t.Context(), SandboxOptions{Keys: keys, Network: network.network(), Dir: dir, Relay: true})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		cases, err := s.Session.Run(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || len(cases) != 2 || cases[0].Result != Pass || cases[1].Result != NotRun {
			t.Errorf("%d cases, %v", len(cases), err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := (&Session{Bench: NewBench(time.Now), Cases: []string{"010"}}).Run(t.Context()); !errors.Is(err, errNoCase) {
		t.Errorf("case 010: %v", err)
	}
}

// TestReport_HoldsNoSecret: no token, key, payer or raw answer is in it.
func TestReport_HoldsNoSecret(t *testing.T) {
	var seen tokens
	cases := inVirtualTime(t, SandboxOptions{Relay: true}, func(s *Session) {
		s.Cases = []string{"001", "002", "009"}
		seen.Payer, s.Payer = s.Payer, &seen
	})
	if len(seen.list) != 3 {
		t.Fatalf("%d codes were shown", len(seen.list))
	}
	r := SandboxReport("0.2.0", begin(), true)
	r.Cases = cases
	r.Finish()
	dir := t.TempDir()
	paths, err := r.Write(dir)
	if err != nil || len(paths) != 2 {
		t.Fatal(paths, err)
	}
	secrets := append([]string{sandboxPartner, "100000012396", "payerMid", "acquireOrder", "PRIVATE KEY", "tokenUrl", "BIZ_TYPE"}, seen.list...)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range secrets {
			if bytes.Contains(text, []byte(s)) {
				t.Errorf("%s holds %q", path, s)
			}
		}
		if !bytes.Contains(text, []byte("0888")) || bytes.Contains(bytes.ToLower(text), []byte("<script")) {
			t.Errorf("%s lacks the end of the Partner-Id, or holds a script", path)
		}
	}
	var back Report
	text, err := os.ReadFile(paths[0])
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil || len(back.Cases) != 3 || back.Cases[0].QueryIntervals[0] != cases[0].QueryIntervals[0] || back.Verdict != Incomplete {
		t.Errorf("certify.json reads back as %+v, %v", back, err)
	}
}

// tokens notes the codes that a customer was shown.
type tokens struct {
	Payer
	list []string
}

func (p *tokens) Pay(ctx context.Context, o Offer) error {
	p.list = append(p.list, o.Token)
	return p.Payer.Pay(ctx, o)
}

func (p *tokens) GiveUp(ctx context.Context, o Offer) error {
	p.list = append(p.list, o.Token)
	return p.Payer.GiveUp(ctx, o)
}

func TestPerson_IsShownACodeThatScans(t *testing.T) {
	var out bytes.Buffer
	p := &Person{Out: &out}
	if err := p.Pay(t.Context(), Offer{Sale: "S1", Amount: 50_000, Token: "https://qr.example?BIZ_TYPE=202&ft=0&t=1"}); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "AED 500.00") || strings.Count(text, "\n") < 15 || !strings.Contains(text, "▄") {
		t.Errorf("shown:\n%s", text)
	}
}

func TestMaskPartner(t *testing.T) {
	for id, want := range map[string]string{"200000000888": "••••••••0888", "12345": "•2345", "1234": "••••", "": ""} {
		if got := MaskPartner(id); got != want {
			t.Errorf("%s is masked %s", id, got)
		}
	}
}
