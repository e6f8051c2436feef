// Package server is the relay: PayBy's signed notifications come in by HTTP,
// are stored, and go out to each till over a websocket.
//
// A notification is verified against its merchant's PayBy keys and answered
// with SUCCESS only after the Store has it; until then PayBy repeats it. Each
// till's messages keep the order of the store. The place a till has reached is
// kept by the till, not here, so any node with the same store can serve it.
//
// # The seam
//
// A till that connects is put into the hub first, so that nothing stored from
// then on passes unseen; then the store is asked for the last sequence, then
// read from the till's cursor until that sequence is reached, and only then are
// live messages used. A live message follows on when its predecessor on the
// same address was sent; any gap, and any overflow of the till's short queue,
// is healed by reading the store again. Nothing is missed, and nothing is sent
// twice on one connection.
//
// # Lifecycle and concurrency
//
// Notifications are taken whenever the store takes them; websockets are answered
// with 503 until Run is called, and again once Run's context has ended. Run owns every goroutine of the server, those of the
// websockets included, and returns when all have ended. All methods may be
// called from any goroutine. A Store is used by many goroutines at a time; the
// server does not close it.
package server
