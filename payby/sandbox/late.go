package sandbox

import (
	"time"

	"github.com/filspos/fils/payby"
)

// A late payment is a drill for what protocol.md leaves open (§17): whether a cancel can
// lose against a payment that a wallet is already authorising, and whether money can
// still arrive after an order ran out. Here it can, when a person or a test asks for it:
// an order that the shop has seen as FAILURE turns PAID_SUCCESS, and a payment
// notification follows. Nothing else in the gateway moves an order backwards.

// lateAfter is the pause between the closing of an order and its late payment, so that
// the shop sees the order closed first.
const lateAfter = 5 * time.Second

// payLate pays a closed order at once, or promises to pay an open one after it has been
// closed. It reports false for an order that was paid or revoked.
func (g *Gateway) payLate(o *order, payer string, now time.Time) bool {
	switch {
	case o.payableLate(now):
		g.book(o, payer, now)
		return true
	case o.open(now):
		o.latePayer = payer
		o.scanned = payer
		o.attempt++
		g.planLate(o, g.sweepTime(o))
		g.save(o)
		return true
	}
	return false
}

// planLate queues the promised payment of an order that is or will be closed at a time.
func (g *Gateway) planLate(o *order, closed time.Time) {
	g.steps.push(closed.Add(lateAfter/g.scale), step{late: o})
	g.poke()
}

// payArmed keeps the promise, unless the order was paid, revoked or given more time since.
func (g *Gateway) payArmed(o *order, at time.Time) {
	if o.latePayer == "" || g.refresh(o, at).status != payby.Failure || !o.payableLate(at) {
		return
	}
	g.book(o, o.latePayer, at)
}
