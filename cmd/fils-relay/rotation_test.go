package main

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	here  = netip.MustParseAddr("127.0.0.1")
	there = netip.MustParseAddr("192.0.2.7")
)

func (t *turnstile) isTaken() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.taken
}

func (t *turnstile) strangersWaiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.strangers
}

func (t *turnstile) waiting() (all int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.lines {
		all += l.begun.Len() + l.fresh.Len() + l.known.Len()
	}
	return all
}

func holdTurn(t *testing.T, ts *turnstile) {
	t.Helper()
	if !ts.enter(new(waiter), there, fresh) {
		t.Error("no turn for somebody fresh")
	}
}

// crowdIn lets so many strangers wait, who do nothing when their turn comes.
func crowdIn(ts *turnstile, many int) {
	before := ts.waiting()
	for range many {
		go func() {
			if ts.enter(new(waiter), here, stranger) {
				ts.leave()
			}
		}()
	}
	for ts.waiting() < before+many {
		runtime.Gosched()
	}
}

// turnsOf has them wait while somebody has the turn, and returns in which order
// theirs came. A name begins with a for here and b for there, and says how it
// stands.
func turnsOf(t *testing.T, names ...string) string {
	t.Helper()
	ts, done := newTurnstile(), make(chan string, len(names))
	holdTurn(t, ts)
	for i, name := range names {
		from, as := here, fresh
		if name[0] == 'b' {
			from = there
		}
		if strings.Contains(name, "known") {
			as = known
		}
		if strings.Contains(name, "begun") {
			as = begun
		}
		go func() {
			if ts.enter(new(waiter), from, as) {
				done <- name
				ts.leave()
			}
		}()
		for ts.waiting() <= i {
			runtime.Gosched()
		}
	}
	ts.leave()
	var came []string
	for range names {
		came = append(came, <-done)
	}
	if ts.isTaken() || len(ts.lines) != 0 || ts.rotation.Len() != 0 {
		t.Errorf("taken %v, %d lines, %d in rotation when all had their turn", ts.isTaken(), len(ts.lines), ts.rotation.Len())
	}
	return strings.Join(came, " ")
}

// Whoever floods from one address keeps no other waiting for more than one turn.
func TestTurnstile_SourcesHaveTheirTurnInRotation(t *testing.T) {
	if got := turnsOf(t, "a1", "a2", "a3", "b1", "b2"); got != "a1 b1 a2 b2 a3" {
		t.Error(got)
	}
}

// Junk that comes again and again on the same connections lets others of its
// address go first, but has its turn in the end: one merchant's key may be outdated.
func TestTurnstile_WhoWasRefusedLetsOthersGoFirst(t *testing.T) {
	got := turnsOf(t, "a-known1", "a-known2", "a1", "a2", "a3", "a4", "a5", "a-known3")
	if got != "a1 a2 a3 a-known1 a4 a5 a-known2 a-known3" {
		t.Error(got)
	}
}

// Who has begun comes to an end before others begin, so that the price of good ones
// is paid back before all have paid it.
func TestTurnstile_WhoHasBegunGoesFirst(t *testing.T) {
	got := turnsOf(t, "a1", "a2", "a-begun1", "a-known1", "a-begun2", "a-begun3", "a-begun4", "a-known2")
	if got != "a-begun1 a-begun2 a-begun3 a-known1 a-begun4 a1 a2 a-known2" {
		t.Error(got)
	}
}

// A thousand tills of one doubtful address that come at once are slowed down by the
// price of a turn each at most, and not of all that they have.
func TestTurnstile_TillsThatComeAtOncePayLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const tills, answer = 1000, time.Millisecond
		ts, began := newTurnstile(), time.Now()
		var all sync.WaitGroup
		for range tills {
			all.Go(func() {
				as := fresh
				for range 3 {
					ts.enter(new(waiter), here, as)
					ts.leave()
					time.Sleep(answer)
					as = begun
				}
				ts.refund(3)
			})
		}
		all.Wait()
		if took, most := time.Since(began), tills*turnstilePrice; took > most {
			t.Errorf("took %v, want %v at most", took, most)
		}
	})
}

// A stranger finds no place where its own source has most of them taken; one of
// another source gets a place of theirs.
func TestTurnstile_StrangersOfOneSourceTakeNoPlaceFromOthers(t *testing.T) {
	ts := newTurnstile()
	holdTurn(t, ts)
	crowdIn(ts, turnstilePlaces)
	if ts.enter(new(waiter), here, stranger) {
		t.Error("found a place where there is none")
	}
	came := make(chan bool)
	go func() { came <- ts.enter(new(waiter), there, stranger) }()
	for {
		ts.mu.Lock()
		l, own := ts.lines[there], ts.lines[here]
		in := l != nil && l.strangers == 1 && own.strangers == turnstilePlaces-1 && own.fresh.Len() == turnstilePlaces-1
		ts.mu.Unlock()
		if in {
			break
		}
		runtime.Gosched()
	}
	ts.leave()
	if !<-came {
		t.Error("lost its place")
	}
	ts.leave()
	for ts.isTaken() {
		runtime.Gosched()
	}
	if n := ts.strangersWaiting(); n != 0 || len(ts.lines)+len(ts.crowds) != 0 {
		t.Errorf("%d strangers, %d lines are left", n, len(ts.lines)+len(ts.crowds))
	}
}

// Those of very many sources do not push each other out, or nobody would wait for
// long enough.
func TestTurnstile_AStrangerAloneKeepsItsPlace(t *testing.T) {
	ts := newTurnstile()
	holdTurn(t, ts)
	addr := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, byte(n >> 8), byte(n)}) }
	came := make(chan bool, turnstilePlaces)
	for n := range turnstilePlaces {
		go func() {
			got := ts.enter(new(waiter), addr(n), stranger)
			came <- got
			if got {
				ts.leave()
			}
		}()
	}
	for ts.strangersWaiting() < turnstilePlaces {
		runtime.Gosched()
	}
	for n := range turnstilePlaces {
		late := new(waiter)
		ts.mu.Lock()
		if late.standing, late.turn = stranger, make(chan bool, 1); ts.wait(addr(turnstilePlaces+n), late) {
			t.Error("pushed another one out")
		}
		ts.mu.Unlock()
	}
	ts.leave()
	for range turnstilePlaces {
		if !<-came {
			t.Error("lost its place")
		}
	}
}

// The first ones have waited longest.
func TestTurnstile_TheLastStrangerMakesRoom(t *testing.T) {
	ts := newTurnstile()
	came := func(addr netip.Addr) (w *waiter, found bool) {
		w = &waiter{standing: stranger, turn: make(chan bool, 1)}
		ts.mu.Lock()
		defer ts.mu.Unlock()
		return w, ts.wait(sourceOf(addr), w)
	}
	var all []*waiter
	for n := range turnstilePlaces {
		w, _ := came(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, 1, byte(n)}))
		all = append(all, w)
	}
	if _, found := came(here); !found || len(ts.lines) != 2 {
		t.Errorf("found a place: %v, %d lines", found, len(ts.lines))
	}
	for n, w := range all {
		if lost := w.in == nil; lost != (n == turnstilePlaces-1) {
			t.Errorf("%d lost its place: %v", n, lost)
		}
	}
}

func TestTurnstile_OneSiteOneLine(t *testing.T) {
	ts := newTurnstile()
	holdTurn(t, ts)
	first, done := netip.MustParseAddr("2001:db8:1:1::1"), make(chan bool)
	for _, addr := range []netip.Addr{first, netip.MustParseAddr("2001:db8:1:2::1")} {
		go func() {
			came := ts.enter(new(waiter), addr, fresh)
			ts.leave()
			done <- came
		}()
	}
	for ts.waiting() < 2 {
		runtime.Gosched()
	}
	ts.mu.Lock()
	if len(ts.lines) != 1 {
		t.Errorf("%d lines", len(ts.lines))
	}
	ts.mu.Unlock()
	ts.leave()
	for range 2 {
		if !<-done {
			t.Error("no turn")
		}
	}
}

// Who is closed before it waits does not begin to.
func TestTurnstile_WhoGaveUpGetsNoTurn(t *testing.T) {
	ts, w := newTurnstile(), new(waiter)
	ts.giveUp(w)
	if ts.enter(w, here, fresh) || ts.isTaken() {
		t.Error("got a turn")
	}
}

func TestSourceOf(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:1:2::3": "2001:db8:1::", "2001:db8:1:ffff::3": "2001:db8:1::",
		"2001:db8:2:2::3": "2001:db8:2::", "fe80::1%eth0": "fe80::",
	} {
		if got := sourceOf(netip.MustParseAddr(addr)); got != netip.MustParseAddr(want) {
			t.Errorf("%s: %v", addr, got)
		}
	}
}

// However many wait, so many turns pass in a second, and never two without a pause
// that the first has paid for.
func TestTurnstile_TurnsAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ts, began := newTurnstile(), time.Now()
		const turns = 1000
		together, most, last := 0, 0, began
		for range turns {
			ts.enter(new(waiter), here, known)
			if now := time.Now(); now == last {
				together++
			} else {
				together, last = 1, now
			}
			most = max(most, together)
			ts.leave()
		}
		if took, want := time.Since(began), turns*turnstilePrice; took < want-turnstilePause || took > want+turnstilePause || most > 2 {
			t.Errorf("%d turns took %v, want %v, and %d came at once", turns, took, want, most)
		}
	})
}

// What turns out to be good was charged nothing, so that good ones of a doubtful
// address are no slower for all the connections they open.
func TestTurnstile_GoodOnesCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ts, began := newTurnstile(), time.Now()
		for range 1000 {
			ts.enter(new(waiter), here, fresh)
			ts.leave()
			ts.refund(1)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("paused %v", took)
		}
		ts.refund(1e12)
		for range 1000 {
			ts.enter(new(waiter), here, known)
			ts.leave()
		}
		if took, least := time.Since(began), 1000*turnstilePrice-turnstileCredit-turnstilePause; took < least {
			t.Errorf("1000 others paused %v, want %v", took, least)
		}
	})
}

func TestSlowConn_IsRefundedWhatItWaitedFor(t *testing.T) {
	for name, step := range map[string]func(c *slowConn){
		"good":               func(c *slowConn) { c.Judged(true) },
		"bad":                func(c *slowConn) { c.Judged(false) },
		"bad, then good":     func(c *slowConn) { c.Judged(false); c.Judged(true) },
		"a till, good":       func(c *slowConn) { c.turn(http.StateHijacked) },
		"good, and once":     func(c *slowConn) { c.Judged(true); c.Judged(true) },
		"good, not doubtful": func(c *slowConn) { c.turns.Store(0); c.Judged(true) },
	} {
		synctest.Test(t, func(t *testing.T) {
			k := &keeper{}
			k.doubtful.Store(true)
			near, far := net.Pipe()
			defer far.Close()
			defer near.Close()
			c := &slowConn{Conn: near, by: newTurnstile(), keeper: k, peer: here}
			for range 2 {
				c.enter()
				c.leave()
			}
			before := c.by.owed
			step(c)
			back := before - c.by.owed
			want := 2 * turnstilePrice
			if strings.HasPrefix(name, "bad") || strings.Contains(name, "not doubtful") {
				want = 0
			}
			if back != want {
				t.Errorf("%s: %v came back, want %v", name, back, want)
			}
		})
	}
}

// Known ones are those of a connection whose last request was refused.
func TestSlowConn_Standing(t *testing.T) {
	for want, step := range map[string]func(c *slowConn){
		"1 begun, 0 fresh, 0 known": func(c *slowConn) { c.enter(); c.leave() },
		"0 begun, 0 fresh, 1 known": func(c *slowConn) { c.Judged(true); c.Judged(false) },
		"0 begun, 1 fresh, 0 known": func(c *slowConn) {},
	} {
		k := &keeper{}
		k.doubtful.Store(true)
		c := &slowConn{by: newTurnstile(), keeper: k, peer: here}
		step(c)
		holdTurn(t, c.by)
		came := make(chan bool)
		go func() { came <- c.enter() }()
		for c.by.waiting() == 0 {
			runtime.Gosched()
		}
		c.by.mu.Lock()
		l := c.by.lines[here]
		if got := fmt.Sprintf("%d begun, %d fresh, %d known", l.begun.Len(), l.fresh.Len(), l.known.Len()); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		c.by.mu.Unlock()
		c.by.leave()
		<-came
	}
}

func TestTurnstile_Pauses(t *testing.T) {
	now := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)
	ts := newTurnstile()
	want := func(what string, pause time.Duration) {
		t.Helper()
		if p := ts.pause(now); p != pause {
			t.Errorf("%s: pauses %v, want %v", what, p, pause)
		}
	}
	want("the first turn", 0)
	want("the second", time.Millisecond)
	now = now.Add(time.Millisecond)
	ts.count(now)
	want("one after a pause", 0)
	now = now.Add(time.Minute)
	ts.count(now)
	now = now.Add(400 * time.Microsecond)
	ts.spent(now)
	want("after a short turn", 0)
	now = now.Add(time.Minute)
	ts.count(now)
	now = now.Add(1300 * time.Microsecond)
	ts.spent(now)
	want("after a long turn", 1800*time.Microsecond)
	now = now.Add(time.Minute)
	ts.spent(now)
	want("after a very long one", turnstileLongest)
	ts.refund(100)
	now = now.Add(time.Minute)
	want("long after good ones", 0)
	if ts.owed >= 0 {
		t.Errorf("the credit is gone by waiting: %v", ts.owed)
	}
}
