// Package sandbox is a PayBy gateway for training, demonstrations and tests: an
// http.Handler that speaks the acquiring protocol on PayBy's own paths, shows a page
// to the paying customer, and can be told to misbehave.
//
// # What it serves
//
//   - /sgs/api/... the signed operations (protocol.md §1.1), with create for scene DYNQR
//     only. Statements, fund statements and invoices are written from the gateway's own
//     orders and refunds.
//   - /sgs/verifySign, the key test ("echo").
//   - / with the query of a tokenUrl: the page of the paying customer. Opening it is a
//     scan; Pay late is a drill in which money arrives for an order that the shop has
//     seen closed, which the real gateway neither documents nor excludes.
//     The bare address leads a browser on this machine to the newest open order's.
//   - /_control/..., the test bench: list orders, pay, decline, inject faults. It answers
//     only programs on this machine.
//
// # Life and concurrency
//
// A Gateway is safe for concurrent use. Its answers need nothing but New; notifications
// leave only while Run is running, and Run waits for every goroutine it started. State
// lives in memory, guarded by one lock, and moves with the clock at the start of each
// call, so that an answer never depends on how far Run has got.
//
// # Evidence
//
// Where protocol.md marks a behaviour as unpublished, the sandbox takes the recommended
// answer of that document; the options name the choices.
package sandbox
