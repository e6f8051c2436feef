package relaytest_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// poster posts notifications over connections that stay open, HTTP/1.1 over TLS.
// It shares the processor with the relay that it measures, so it writes requests
// and reads answers by itself: net/http takes as much as the relay does.
type poster struct {
	*clients
	signs  []string
	local  net.Addr   // sent from here; nil for anywhere
	pool   chan *link // connections to use; nil means to open one and close it
	note   bool       // remember when, for the way to the till
	failed atomic.Int64
}

// link is one connection of a poster.
type link struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
}

// open takes a connection that is idle, or opens one: whoever calls a relay
// often keeps connections.
func (p *poster) open() (*link, error) {
	select {
	case l := <-p.pool:
		return l, nil
	default:
		return p.dial()
	}
}

func (p *poster) dial() (*link, error) {
	dialer := tls.Dialer{NetDialer: &net.Dialer{LocalAddr: p.local, Timeout: 20 * time.Second, KeepAlive: -1}, Config: p.tls}
	conn, err := dialer.Dial("tcp", p.address())
	if err != nil {
		return nil, err
	}
	return &link{conn: conn, in: bufio.NewReaderSize(conn, 1<<10)}, nil
}

// leave keeps a connection for later.
func (p *poster) leave(l *link) {
	select {
	case p.pool <- l:
	default:
		l.conn.Close()
	}
}

// warm opens as many connections as will be used and kept.
func (p *poster) warm(many int) {
	var opening sync.WaitGroup
	gate := make(chan struct{}, 64)
	for range min(many, cap(p.pool)) - len(p.pool) {
		gate <- struct{}{}
		opening.Go(func() {
			defer func() { <-gate }()
			if l, err := p.dial(); err == nil {
				p.leave(l)
			}
		})
	}
	opening.Wait()
}

// run posts to all tills in turn. It returns how long each took that was
// accepted, and all together.
func (p *poster) run(o order) (took []time.Duration, span time.Duration) {
	var mu sync.Mutex
	var posting sync.WaitGroup
	p.warm(o.InFlight)
	ctx, cancel := context.WithTimeout(context.Background(), o.For)
	defer cancel()
	began := time.Now()
	var turn atomic.Int64
	for range max(1, o.InFlight) {
		posting.Go(func() {
			var l *link
			var own []time.Duration
			defer func() {
				if l != nil {
					p.leave(l)
				}
				mu.Lock()
				took = append(took, own...)
				mu.Unlock()
			}()
			for ctx.Err() == nil {
				if o.Rate > 0 {
					due := began.Add(time.Duration(turn.Add(1)) * time.Second / time.Duration(o.Rate))
					if wait := time.Until(due); wait > 0 {
						<-time.After(wait)
					}
				}
				var err error
				if l == nil {
					if l, err = p.open(); err != nil {
						p.failed.Add(1)
						continue
					}
				}
				d, err := p.one(l)
				if err != nil {
					p.failed.Add(1)
				} else {
					own = append(own, d)
				}
				if err != nil && !errors.Is(err, errStatus) {
					l.conn.Close()
					l = nil
				}
			}
		})
	}
	posting.Wait()
	return took, time.Since(began)
}

// errStatus is an answer other than 200.
var errStatus = errors.New("not accepted")

func (p *poster) one(l *link) (time.Duration, error) {
	n := int(p.next.Add(1))
	i, b := n%len(p.Tills), (n/len(p.Tills))%len(p.Bodies)
	l.out = fmt.Appendf(l.out[:0], "POST /n/shop/%s HTTP/1.1\r\nHost: relay\r\nContent-Type: application/json\r\nSign: %s\r\nContent-Length: %d\r\n\r\n",
		p.Tills[i].Till, p.signs[b], len(p.Bodies[b]))
	l.out = append(l.out, p.Bodies[b]...)
	began := time.Now()
	if p.note && i < p.Connected {
		p.expect(i, b, began)
	}
	l.conn.SetDeadline(began.Add(20 * time.Second))
	if _, err := l.conn.Write(l.out); err != nil {
		return 0, err
	}
	status, err := l.answer()
	if err != nil {
		return 0, err
	}
	if status != "200" {
		return 0, errStatus
	}
	return time.Since(began), nil
}

// answer reads one answer and returns its status.
func (l *link) answer() (status string, err error) {
	length := 0
	for first := true; ; first = false {
		line, err := l.in.ReadSlice('\n')
		if err != nil {
			return "", err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			break
		}
		if first {
			fields := bytes.Fields(line)
			if len(fields) < 2 {
				return "", errors.New("not an answer")
			}
			status = string(fields[1])
			continue
		}
		if name, value, ok := bytes.Cut(line, []byte(": ")); ok && bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return "", err
			}
		}
	}
	_, err = l.in.Discard(length)
	return status, err
}
