package payby

import "time"

// ClockOffset estimates how far the gateway's clock is ahead of the local one
// (negative: behind). date is Reply.Date, Download.Date or Error.Date; sent and
// received are the local times just before and just after that call.
//
// The Date header drops fractions of a second and may have been written at any
// moment of the call, so the true offset lies within offset ± within. Add
// offset to the local time to get the request time that the gateway expects;
// at 15 minutes' distance it refuses every call, see [ErrClock]. One answer is
// only as honest as its Date header, which no signature covers: warn by it, and
// never move a business decision.
//
// ok is false when there was no Date, or when sent lies after received because
// the local clock was set meanwhile.
func ClockOffset(date, sent, received time.Time) (offset, within time.Duration, ok bool) {
	// Without the monotonic reading: the wall clock is what is measured.
	sent, received = sent.Round(0), received.Round(0)
	if date.IsZero() || sent.IsZero() || received.Before(sent) {
		return 0, 0, false
	}
	low := date.Sub(received)
	high := date.Add(time.Second).Sub(sent)
	within = (high - low) / 2
	return low + within, within, true
}

// Forms of a date on the wire.
const (
	layoutPage      = "2006-01-02"
	layoutStatement = "20060102"
	layoutMonth     = "200601"
)

// inUAE is t on the clock of the gateway's calendar days: four hours ahead of
// UTC the whole year.
func inUAE(t time.Time) time.Time { return t.In(time.FixedZone("UAE", 4*60*60)) }

// PageDay returns the UAE day of t as page queries name it, "2026-07-14".
func PageDay(t time.Time) string { return inUAE(t).Format(layoutPage) }

// StatementDay returns the UAE day of t as statements name it, "20260714". A
// statement day begins at the merchant's settlement cut-off, midnight unless
// the portal says otherwise.
func StatementDay(t time.Time) string { return inUAE(t).Format(layoutStatement) }

// InvoiceMonth returns the UAE month of t as invoices name it, "202607".
func InvoiceMonth(t time.Time) string { return inUAE(t).Format(layoutMonth) }
