package server

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// A source may have refusalBurst requests refused at once and then one each
// refusalEvery; what is refused beyond that is answered 429, is not logged, and
// has its signatures checked behind the penalty queue.
const (
	refusalBurst   = 60
	refusalEvery   = time.Second
	limiterSources = 10_000
)

// limiter counts refused requests per source. Accepted ones never count: PayBy
// calls for all shops from a few addresses. The merchant is part of the source,
// so that one merchant's outdated key cannot shut PayBy out for the others.
type limiter struct {
	now func() time.Time
	mu  sync.Mutex
	// spent is until when a source's refusals are on the books: each moves it on
	// by refusalEvery from now or from where it stood.
	spent  map[source]time.Time
	swept  time.Time // when it was looked through for old ones
	looked int       // how many entries were looked at
}

type source struct {
	addr     netip.Addr
	merchant string // "" for requests that name no known till
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, spent: map[source]time.Time{}}
}

// over tells whether the source has used up its refusals.
func (l *limiter) over(s source) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.spent[s].Sub(l.now()) >= refusalBurst*refusalEvery
}

// refused counts one refusal. It tells whether the source was still within its
// allowance, which is also when a refusal is worth a line in the log.
func (l *limiter) refused(s source) bool {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	until := l.spent[s]
	if until.Sub(now) >= refusalBurst*refusalEvery {
		return false
	}
	if until.Before(now) {
		until = now
	}
	if len(l.spent) >= limiterSources {
		l.makeRoom(now)
	}
	l.spent[s] = until.Add(refusalEvery)
	return true
}

// makeRoom drops what no longer counts, and everything when that is not enough,
// or was done a moment ago: a flood from so many sources is not held by counting
// them.
func (l *limiter) makeRoom(now time.Time) {
	if age := now.Sub(l.swept); age >= 0 && age < refusalEvery {
		clear(l.spent)
		return
	}
	l.swept = now
	for s, until := range l.spent {
		l.looked++
		if until.Before(now) {
			delete(l.spent, s)
		}
	}
	if len(l.spent) >= limiterSources {
		clear(l.spent)
	}
}

// peer returns the address a request came from. X-Forwarded-For is believed
// from the right, as far as the proxies that wrote it are trusted. IPv6 sources
// are taken by their /64, which one customer owns.
func peer(r *http.Request, trusted []netip.Prefix) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	addr = addr.Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && contains(trusted, addr); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = hop.Unmap().WithZone("")
	}
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			addr = p.Addr()
		}
	}
	return addr
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// penaltyQueue lets through one request at a time, and keeps few waiting.
type penaltyQueue struct {
	places chan struct{}
	turn   chan struct{}
}

const penaltyPlaces = 256

func newPenaltyQueue() penaltyQueue {
	return penaltyQueue{places: make(chan struct{}, penaltyPlaces), turn: make(chan struct{}, 1)}
}

// enter waits for the caller's turn and returns the function that ends it, or
// nil when the queue is full or ctx has ended.
func (q penaltyQueue) enter(ctx context.Context) (leave func()) {
	select {
	case q.places <- struct{}{}:
		defer func() { <-q.places }()
	default:
		return nil
	}
	select {
	case q.turn <- struct{}{}:
		return func() { <-q.turn }
	case <-ctx.Done():
		return nil
	}
}
