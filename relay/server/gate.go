package server

import (
	"net/netip"
	"sync"
)

// bodiesPerSource is how many bodies one address may be sending at a time. A
// good one takes milliseconds, so only somebody who sends slowly on purpose, or
// hundreds at once, gets there.
const bodiesPerSource = 512

// gate bounds how many notifications are held in memory at a time.
type gate struct {
	places chan struct{}

	mu      sync.Mutex
	reading map[netip.Addr]int
}

func newGate(places int) *gate {
	return &gate{places: make(chan struct{}, places), reading: map[netip.Addr]int{}}
}

// enter takes a place for one notification; leave gives it back.
func (g *gate) enter() bool {
	select {
	case g.places <- struct{}{}:
		return true
	default:
		return false
	}
}

func (g *gate) leave() { <-g.places }

// inside returns how many places are taken.
func (g *gate) inside() int { return len(g.places) }

// read takes one of the source's places for sending a body.
func (g *gate) read(from netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reading[from] >= bodiesPerSource {
		return false
	}
	g.reading[from]++
	return true
}

func (g *gate) readDone(from netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reading[from]--; g.reading[from] == 0 {
		delete(g.reading, from)
	}
}
