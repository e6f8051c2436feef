// Package pos is the till: money, sales, refunds, the rules that move them,
// and the engine that applies those rules.
//
// Start with [Till], which owns everything that happens after a key press.
// It decides with [SaleTransitions] and [RefundTransitions], the one table of each, keeps every [Fact] in
// a [Journal] before anybody acts on it, and talks to the payment provider
// through a [Gateway]. Both are interfaces; this package knows no screen, no
// SQL and no HTTP.
//
// Two promises hold everywhere. Only the provider's verified word makes a sale
// paid, and only its verified word (or the proof that it never heard of the
// order) makes it closed; until then a sale is unknown and is followed. And
// nothing is sent to the provider, shown on a screen or counted in a total
// before the fact behind it is committed.
package pos
