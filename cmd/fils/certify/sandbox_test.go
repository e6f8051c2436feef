package certify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
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
func inVirtualTime(t *testing.T, set func(*SandboxOptions, *Session)) (cases []Case) {
	t.Helper()
	keys, err := testKeys()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		net := &pipes{listeners: map[string]*pipeListener{}}
		o := SandboxOptions{Keys: keys, Network: net.network(), Dir: dir, Relay: true}
		set(&o, nil)
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
		set(&o, s.Session)
		if cases, err = s.Session.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	return cases
}

func TestSandbox_AllCases(t *testing.T) {
	for _, c := range inVirtualTime(t, func(*SandboxOptions, *Session) {}) {
		for _, f := range c.Findings {
			t.Logf("%s %-12s %s: %s", c.ID, f.Result, f.Rule, f.Measured)
		}
		for _, call := range c.Calls {
			t.Log(call.Operation, call.Start.Sub(c.Calls[0].Start), call.Took, call.HTTP, call.Code, call.Outcome, call.Trace, call.Injected, call.Named, call.After)
		}
		t.Log(c.Alerts, c.Shown, c.Final)
	}
}

func TestTmpHTML(t *testing.T) {
	r := SandboxReport("0.2.0", time.Now(), true)
	r.Cases = inVirtualTime(t, func(*SandboxOptions, *Session) {})
	r.Finish()
	if _, err := r.Write("/tmp/certify-virtual"); err != nil {
		t.Fatal(err)
	}
}
