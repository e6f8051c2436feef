package server

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

const (
	// bodiesPerSource is how many bodies one address may be sending at a time. A
	// good one takes milliseconds, so only somebody who sends slowly on purpose, or
	// hundreds at once, gets there.
	bodiesPerSource = 512
	// pairings is how many pairing requests are under way at a time, and
	// pairingsPerSource how many of them from one address. A till pairs once in its
	// life, and each request may read and write the registry.
	pairings          = 64
	pairingsPerSource = 16
	// bodyGrace is how long a body may take to arrive when its place is wanted by
	// another, and roomWait how long that one waits for the place.
	bodyGrace = time.Second
	roomWait  = time.Second
)

// gate bounds how many requests are held in memory at a time, and how many of
// them one address may be sending.
type gate struct {
	places    chan struct{}
	perSource int
	now       func() time.Time

	mu      sync.Mutex
	reading map[netip.Addr]int
	bodies  list.List // of *arrival, those that make room first
}

// arrival is a body that is on its way.
type arrival struct {
	from  netip.Addr
	until time.Time // safe until then
	stop  func()
	place *list.Element // among the bodies; nil for one that cannot be stopped
}

func newGate(places, perSource int, now func() time.Time) *gate {
	return &gate{places: make(chan struct{}, places), perSource: perSource, now: now, reading: map[netip.Addr]int{}}
}

// enter takes a place for one request; leave gives it back. When there is none,
// the body that has been on its way for longest has to make room.
func (g *gate) enter() bool {
	select {
	case g.places <- struct{}{}:
		return true
	default:
	}
	if !g.makeRoom() {
		return false
	}
	timer := time.NewTimer(roomWait)
	defer timer.Stop()
	select {
	case g.places <- struct{}{}:
		return true
	case <-timer.C:
		return false
	}
}

func (g *gate) leave() { <-g.places }

// inside returns how many places are taken.
func (g *gate) inside() int { return len(g.places) }

func (g *gate) makeRoom() bool {
	now := g.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	first := g.bodies.Front()
	if first == nil || now.Before(first.Value.(*arrival).until) {
		return false
	}
	g.bodies.Remove(first).(*arrival).stop()
	return true
}

// read takes one of the source's places, and readDone gives it back. stop ends
// the reading of the body and does not block; it is called from another
// goroutine, but not after readDone. It may be nil. Who is suspect has no time to
// spare.
func (g *gate) read(from netip.Addr, suspect bool, stop func()) (a *arrival, ok bool) {
	a = &arrival{from: from, until: g.now(), stop: stop}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reading[from] >= g.perSource {
		return nil, false
	}
	g.reading[from]++
	switch {
	case stop == nil:
	case suspect:
		a.place = g.bodies.PushFront(a)
	default:
		a.until = a.until.Add(bodyGrace)
		a.place = g.bodies.PushBack(a)
	}
	return a, true
}

func (g *gate) readDone(a *arrival) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if a.place != nil {
		g.bodies.Remove(a.place) // does nothing when it had to make room
	}
	if g.reading[a.from]--; g.reading[a.from] == 0 {
		delete(g.reading, a.from)
	}
}
