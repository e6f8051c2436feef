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
	// An IPv6 site has 65,536 networks of the size that counts as one source. It may
	// have as many refusals as siteShare of them.
	siteShare = 8
	siteBits  = 48
)

// limiter counts refused requests per source. Accepted ones never count: PayBy
// calls for all shops from a few addresses. The merchant is part of the source,
// so that one merchant's outdated key cannot shut PayBy out for the others.
type limiter struct {
	now     func() time.Time
	mu      sync.Mutex
	sources book
	sites   book
}

type source struct {
	addr     netip.Addr
	merchant string // "" for requests that name no known till
}

// site returns what an IPv6 source is part of.
func (s source) site() (site source, ok bool) {
	if !s.addr.Is6() {
		return source{}, false
	}
	p, err := s.addr.Prefix(siteBits)
	return source{p.Addr(), s.merchant}, err == nil
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{
		now:     now,
		sources: book{every: refusalEvery, spent: map[source]time.Time{}},
		sites:   book{every: refusalEvery / siteShare, spent: map[source]time.Time{}},
	}
}

// over tells whether the source has used up its refusals, or its site has.
func (l *limiter) over(s source) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.isOver(s, l.now())
}

// isOver is over. l.mu is held.
func (l *limiter) isOver(s source, now time.Time) bool {
	site, ok := s.site()
	return l.sources.over(s, now) || ok && l.sites.over(site, now)
}

// refused counts one refusal. It tells whether the source was still within its
// allowance, which is also when a refusal is worth a line in the log.
func (l *limiter) refused(s source) bool {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isOver(s, now) {
		return false
	}
	l.sources.charge(s, now)
	if site, ok := s.site(); ok {
		l.sites.charge(site, now)
	}
	return true
}

// book has the refusals of sources of one size.
type book struct {
	every time.Duration // until one more is allowed; refusalBurst seconds' worth at once
	// spent is until when a source's refusals are on the books: each moves it on
	// by every from now or from where it stood.
	spent  map[source]time.Time
	swept  time.Time // when it was looked through for old ones
	looked int       // how many entries were looked at
}

func (b *book) over(s source, now time.Time) bool {
	return b.spent[s].Sub(now) >= refusalBurst*refusalEvery
}

func (b *book) charge(s source, now time.Time) {
	until := b.spent[s]
	if until.Before(now) {
		until = now
	}
	if len(b.spent) >= limiterSources {
		b.makeRoom(now)
	}
	b.spent[s] = until.Add(b.every)
}

// makeRoom drops what no longer counts, and everything when that is not enough,
// or was done a moment ago: a flood from so many sources is not held by counting
// them.
func (b *book) makeRoom(now time.Time) {
	if age := now.Sub(b.swept); age >= 0 && age < refusalEvery {
		clear(b.spent)
		return
	}
	b.swept = now
	for s, until := range b.spent {
		b.looked++
		if until.Before(now) {
			delete(b.spent, s)
		}
	}
	if len(b.spent) >= limiterSources {
		clear(b.spent)
	}
}

// peer returns the address a request came from. X-Forwarded-For is believed
// from the right, as far as the proxies that wrote it are trusted. IPv6 sources
// are taken by their /64, the least that one customer has.
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
	return network(addr)
}

// network returns what counts as one source: an IPv4 address, or an IPv6 /64.
func network(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			addr = p.Addr()
		}
	}
	return addr
}

// Wasted counts a connection that ended without bringing a request, for the
// caller that owns the listener. A trusted proxy may open and drop as many as it
// likes.
func (s *Server) Wasted(from netip.Addr) {
	if !contains(s.cfg.TrustedProxies, from.Unmap().WithZone("")) {
		s.wasted.refused(source{addr: network(from)})
	}
}

// Doubtful tells whether requests from the address were refused more often than a
// source may have requests refused, of all merchants together. Its requests may
// be made to wait, but not turned away: one merchant's key may be outdated.
func (s *Server) Doubtful(from netip.Addr) bool {
	at := from.Unmap().WithZone("")
	return !contains(s.cfg.TrustedProxies, at) && s.doubted.over(source{addr: network(at)})
}

// Suspect tells whether the address has wasted more connections than a source may
// have requests refused, or has used up the refusals of requests that name no
// known till. Its connections may be made to wait, but not turned away: PayBy or
// tills may share the address.
func (s *Server) Suspect(from netip.Addr) bool {
	if contains(s.cfg.TrustedProxies, from.Unmap().WithZone("")) {
		return false
	}
	at := source{addr: network(from)}
	return s.wasted.over(at) || s.limiter.over(at)
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// penaltyQueue lets through one request at a time, and keeps few waiting, and of
// one source even fewer, so that a flood does not fill it for others.
type penaltyQueue struct {
	turn chan struct{}

	mu     sync.Mutex
	inside int // that wait, or have the turn
	of     map[netip.Addr]int
}

const (
	penaltyPlaces = 1024
	// penaltyPerSource has room for what PayBy sends at once while one merchant's key
	// is outdated.
	penaltyPerSource = 256
)

func newPenaltyQueue() *penaltyQueue {
	return &penaltyQueue{turn: make(chan struct{}, 1), of: map[netip.Addr]int{}}
}

// enter waits for the caller's turn and returns the function that ends it, or
// nil when there is no place or ctx has ended.
func (q *penaltyQueue) enter(ctx context.Context, from netip.Addr) (leave func()) {
	if !q.take(from) {
		return nil
	}
	select {
	case q.turn <- struct{}{}:
		return func() {
			<-q.turn
			q.giveBack(from)
		}
	case <-ctx.Done():
		q.giveBack(from)
		return nil
	}
}

// siteOf returns the address that stands for all of an IPv6 site.
func siteOf(from netip.Addr) netip.Addr {
	if site, ok := (source{addr: from}).site(); ok {
		return site.addr
	}
	return from
}

func (q *penaltyQueue) take(from netip.Addr) bool {
	from = siteOf(from)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.inside >= penaltyPlaces || q.of[from] >= penaltyPerSource {
		return false
	}
	q.inside++
	q.of[from]++
	return true
}

func (q *penaltyQueue) giveBack(from netip.Addr) {
	from = siteOf(from)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.inside--
	if q.of[from]--; q.of[from] == 0 {
		delete(q.of, from)
	}
}
