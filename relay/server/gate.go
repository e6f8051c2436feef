package server

import (
	"net/netip"
	"sync"
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
)

// gate bounds how many requests are held in memory at a time, and how many of
// them one address may be sending.
type gate struct {
	places    chan struct{}
	perSource int

	mu      sync.Mutex
	reading map[netip.Addr]int
}

func newGate(places, perSource int) *gate {
	return &gate{places: make(chan struct{}, places), perSource: perSource, reading: map[netip.Addr]int{}}
}

// enter takes a place for one request; leave gives it back.
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

// read takes one of the source's places; readDone gives it back.
func (g *gate) read(from netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reading[from] >= g.perSource {
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
