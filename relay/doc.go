// Package relay carries PayBy's signed notifications from a public relay to a
// till behind a shop's router. It holds the wire types that both ends share and
// the till's end of the connection, Client; the relay's end is relay/server.
// docs/relay-protocol.md describes the same wire for other implementers.
//
// The relay is not trusted. Every message carries the exact bytes and the
// signature that PayBy sent, and Client verifies them again with the function
// it is given, so a lying relay can delay news about money but not invent it.
//
// # Delivery
//
// The relay stores each notification before it answers PayBy, and sends every
// one of them to its till in the order stored, at least once. The till's
// place in that order is a Delivery.Cursor. It belongs to the till: the till
// commits it in the same transaction as what it learnt from the message, and
// gives it back when it connects. A relay that does not know the cursor any
// more sends everything it keeps, so a till must recognise news it already has.
//
// # Concurrency, lifecycle, ownership
//
// A Client does nothing until Run is called and owns nothing after Run has
// returned: no goroutine, no socket. All callbacks (Cursor, Verify, Deliver,
// State) run on the goroutine that called Run, one at a time, so they need no
// locks against each other. While a callback runs nothing is read from the
// socket; a Deliver that takes longer than the relay's patience (about 50 s)
// costs the connection but no message. Byte slices given to a callback are
// never used again by this package.
package relay
