package main

import (
	queue "container/list"
	"net/netip"
	"runtime"
	"sync"
	"time"
)

const (
	// turnstilePlaces is how many connections of suspects wait for their turn with
	// their first request.
	turnstilePlaces = 256
	// turnstilePrice is how long each turn keeps those after it waiting, but for turns
	// that brought something good: some 1,000 a second bring junk. What matters as
	// much as the number is that they never come in bunches: a pause set by what was
	// found to be junk comes too late for what is read meanwhile.
	turnstilePrice = 500 * time.Microsecond
	// The turns pause when the pause is worth it, and never for long.
	turnstilePause   = time.Millisecond
	turnstileLongest = 2 * time.Millisecond
	// turnstileCredit is how much at most is paid back ahead.
	turnstileCredit = 20 * turnstilePrice
	// turnstileFresh is how many connections out of which nothing was refused so far
	// have their turn before one of the others of the same source.
	turnstileFresh = 3
	// turnstileTurns is how many turns a connection has before it brings something
	// good, or has to let others go first. A handshake and a request take four or five.
	turnstileTurns = 10
	// turnstileSite is how much of an IPv6 address tells sources apart: whoever has one
	// network has thousands.
	turnstileSite = 48
)

// turnstile lets what is computed for suspects, and for doubtful addresses, through
// one at a time: TLS handshakes, deciphering, and reading what is asked. What
// greets a relay costs its sender next to nothing and the relay a key exchange
// and a signature; and where thousands of requests arrive at once, a good one
// would wait for all before it. They are not turned away, because PayBy or tills
// may come from the same address, as behind a balancer or a carrier's network.
// Sources have their turns in rotation, so that a flood from one does not keep
// another waiting.
type turnstile struct {
	mu        sync.Mutex
	taken     bool // somebody has the turn
	lines     map[netip.Addr]*line
	rotation  queue.List         // of *line: the next one first
	strangers int                // who wait in all lines
	crowds    map[*line]struct{} // the lines that have strangers: as many as those at most
	at        time.Time          // when owed was counted last
	owed      time.Duration
}

// line is who of one source waits.
type line struct {
	source    netip.Addr
	begun     queue.List // of *waiter
	fresh     queue.List // of *waiter
	known     queue.List // of *waiter
	inRow     int        // others that had their turn while a known one waited
	strangers int        // among the fresh ones
	place     *queue.Element
}

// waiter is who can wait for a turn. The turnstile's mutex guards it.
type waiter struct {
	standing standing
	turn     chan bool // gets true when it comes, false when the place is lost
	in       *line     // nil while it does not wait
	at       *queue.Element
	gone     bool // it wants no turn any more
}

// standing is what is known of a connection that wants a turn.
type standing int

const (
	// known has had a request refused, or many turns for nothing.
	known standing = iota
	// fresh has had none refused so far.
	fresh
	// begun has had turns for its first request: what it waits for is paid back once
	// it has brought something good.
	begun
	// stranger is of a suspect, and has asked nothing: it can find no place.
	stranger
)

func newTurnstile() *turnstile {
	return &turnstile{lines: map[netip.Addr]*line{}, crowds: map[*line]struct{}{}}
}

// sourceOf returns what counts as one source here.
func sourceOf(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		if p, err := addr.Prefix(turnstileSite); err == nil {
			return p.Addr()
		}
	}
	return addr
}

// enter waits for the turn, which the caller then has to give back by leave, and
// tells whether it came.
func (t *turnstile) enter(w *waiter, from netip.Addr, as standing) bool {
	t.mu.Lock()
	switch {
	case w.gone:
		t.mu.Unlock()
		return false
	case !t.taken:
		t.taken = true
		t.mu.Unlock()
	default:
		w.standing, w.turn = as, make(chan bool, 1)
		found := t.wait(sourceOf(from), w)
		t.mu.Unlock()
		if !found || !<-w.turn {
			return false
		}
	}
	t.rest()
	return true
}

// giveUp ends w's waiting, now and whenever it would wait again.
func (t *turnstile) giveUp(w *waiter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w.gone = true
	if w.in != nil {
		t.remove(w)
		w.turn <- false
	}
}

// rest pauses before the turn that has come.
func (t *turnstile) rest() {
	t.mu.Lock()
	pause := t.pause(time.Now())
	t.mu.Unlock()
	if pause > 0 {
		timer := time.NewTimer(pause)
		<-timer.C
	} else {
		// Whoever gets a turn would run next, before others that waited longer.
		runtime.Gosched()
	}
	t.mu.Lock()
	t.count(time.Now())
	t.mu.Unlock()
}

// leave gives the turn to whoever is next.
func (t *turnstile) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spent(time.Now())
	w := t.next()
	if w == nil {
		t.taken = false
		return
	}
	w.turn <- true
}

// refund takes back the price of so many turns.
func (t *turnstile) refund(turns int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.owed = max(t.owed-time.Duration(min(turns, 100))*turnstilePrice, -turnstileCredit)
}

// wait puts w into the source's line, if it finds a place. t.mu is held.
func (t *turnstile) wait(source netip.Addr, w *waiter) bool {
	l := t.lines[source]
	if l == nil {
		l = &line{source: source}
	}
	if w.standing == stranger && t.strangers >= turnstilePlaces && !t.makeRoom(l) {
		return false
	}
	if l.place == nil {
		l.place = t.rotation.PushBack(l)
		t.lines[source] = l
	}
	w.in = l
	w.at = l.queue(w.standing).PushBack(w)
	if w.standing == stranger {
		l.strangers++
		t.strangers++
		t.crowds[l] = struct{}{}
	}
	return true
}

// makeRoom lets the longest line of strangers lose its last one, if that still
// leaves it as many as l then has: sources in which one waits would otherwise push
// each other out without end. t.mu is held.
func (t *turnstile) makeRoom(l *line) bool {
	longest := l
	for other := range t.crowds {
		if other.strangers > longest.strangers {
			longest = other
		}
	}
	if longest.strangers <= l.strangers+1 {
		return false
	}
	t.sendAway(longest)
	return true
}

func (l *line) queue(of standing) *queue.List {
	switch of {
	case known:
		return &l.known
	case begun:
		return &l.begun
	}
	return &l.fresh
}

// sendAway sends the last stranger of a line away that has one. t.mu is held.
func (t *turnstile) sendAway(l *line) {
	for at := l.fresh.Back(); at != nil; at = at.Prev() {
		if w := at.Value.(*waiter); w.standing == stranger {
			t.remove(w)
			w.turn <- false
			return
		}
	}
}

// next takes out whose turn it is; nil if nobody waits. t.mu is held.
func (t *turnstile) next() *waiter {
	first := t.rotation.Front()
	if first == nil {
		return nil
	}
	t.rotation.MoveToBack(first)
	l := first.Value.(*line)
	from := &l.fresh
	if l.begun.Len() > 0 {
		from = &l.begun
	}
	switch {
	case l.known.Len() == 0:
		l.inRow = 0
	case from.Len() == 0 || l.inRow >= turnstileFresh:
		from, l.inRow = &l.known, 0
	default:
		l.inRow++
	}
	w := from.Front().Value.(*waiter)
	t.remove(w)
	return w
}

// remove takes a waiter out of its line, and the line away when it is empty. t.mu
// is held.
func (t *turnstile) remove(w *waiter) {
	l := w.in
	l.queue(w.standing).Remove(w.at)
	w.in, w.at = nil, nil
	if w.standing == stranger {
		t.strangers--
		if l.strangers--; l.strangers == 0 {
			delete(t.crowds, l)
		}
	}
	if l.begun.Len()+l.fresh.Len()+l.known.Len() == 0 {
		t.rotation.Remove(l.place)
		delete(t.lines, l.source)
	}
}

// spent ends a turn: half of the time at most is spent in turns. t.mu is held.
func (t *turnstile) spent(now time.Time) {
	t.owed = min(t.owed+now.Sub(t.at), turnstileLongest)
	t.at = now
}

// count takes off what has been paused since it was called last. t.mu is held.
func (t *turnstile) count(now time.Time) {
	t.owed = min(t.owed, max(0, t.owed-now.Sub(t.at)))
	t.at = now
}

// pause returns how long the turn that has come has to wait, and puts its price on
// the books. t.mu is held.
func (t *turnstile) pause(now time.Time) time.Duration {
	t.count(now)
	t.owed = min(t.owed+turnstilePrice, turnstileLongest)
	if t.owed < turnstilePause {
		return 0
	}
	return t.owed
}
