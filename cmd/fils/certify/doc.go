// Package certify runs PayBy's acceptance cases 001 to 009 (protocol.md §15)
// with the till's own engine and writes a report about them.
//
// A [Bench] stands between the engine and the provider: it notes every call
// and spoils the ones that a case wants spoiled, on the till's side of the
// wire, so that the same code runs against the practice gateway ([OpenSandbox])
// and against a real account. A [Session] plays the cases one after the other
// and judges what the bench has seen. [FromJournal] judges sales that were made
// on the screen, as far as a journal holds what a rule needs.
//
// Times of calls are the till's: the start is the moment at which the request
// was handed to the network. The report holds neither keys nor tokens, payer
// data nor raw answers.
package certify
