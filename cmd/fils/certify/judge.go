package certify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/filspos/fils/pos"
)

// PasswordFrom is the amount from which PayBy's app asks for the payment
// password (protocol.md §15, case 001): AED 500.00.
const PasswordFrom pos.Fils = 50_000

// The official limits (protocol.md §15).
const (
	queryMin       = 2 * time.Second
	queryMax       = 6 * time.Second
	cancelFrom     = 20 * time.Second // after the start of the sale
	cancelTo       = 120 * time.Second
	cancelMin      = 3 * time.Second
	cancelMax      = 10 * time.Second
	attemptsMin    = 3
	giveUpFailures = 4 // "more than 3"
	giveUpAfter    = 10 * time.Second
	// followUp is how slowly an order may be asked about after giving up: no
	// quicker than repeats are ever allowed to be slow.
	followUp = cancelMax
	// grain is how far a time measured here may be from PayBy's measure.
	grain = 50 * time.Millisecond
)

// Result of a rule.
type Result string

// Results.
const (
	Pass Result = "pass"
	Fail Result = "fail"
	// NotRecorded: what was seen does not show it.
	NotRecorded Result = "not recorded"
)

// Finding is one rule and how it was kept.
type Finding struct {
	Rule     string `json:"rule"`
	Measured string `json:"measured"`
	Result   Result `json:"result"`
}

// Notified is an alert that was put before people.
type Notified struct {
	Kind pos.AlertKind `json:"kind"`
	At   time.Time     `json:"at"`
}

// evidence is what is known of one case.
type evidence struct {
	amount pos.Fils
	calls  []Call
	state  pos.SaleState
	alerts []Notified
	// sources proved the sale's state.
	sources []pos.Source
	// answers are the relay's; nil when nobody heard them.
	answers []answered
	// fromJournal: no times of queries, no envelopes, no relay. recorded counts
	// the queries that brought news; the others leave no event.
	fromJournal bool
	recorded    int
}

// of returns the calls of one operation that belong to the case.
func (e evidence) of(operation string) []Call {
	var out []Call
	for _, c := range e.calls {
		if c.Operation == operation && !c.After {
			out = append(out, c)
		}
	}
	return out
}

// start is the first create's.
func (e evidence) start() time.Time {
	if c := e.of(opCreate); len(c) > 0 {
		return c[0].Start
	}
	return time.Time{}
}

// judged are the queries and cancels whose intervals the case is about.
func (e evidence) judged(id string) (queries, cancels []Call) {
	queries, cancels = e.of(opQuery), e.of(opCancel)
	switch id {
	case "006":
		cancels = untilGivenUp(cancels)
		queries = e.queriesUntil(cancels)
	case "008":
		queries = untilGivenUp(queries)
	}
	return queries, cancels
}

// judge returns the findings of a case.
func judge(id string, e evidence) []Finding {
	queries, cancels := e.judged(id)
	asked := []Finding{e.asked(), e.pace(queries)}
	closed := func() []Finding { return append(asked, e.firstCancel(), e.named()) }
	repeated := func() []Finding {
		return append(asked, e.firstCancel(), e.cancelPace(cancels), e.tries(cancels, "cancel"))
	}
	switch id {
	case "001":
		return append([]Finding{e.password(), e.created()}, append(asked, e.lastPaid(), e.named())...)
	case "002":
		return append([]Finding{e.created()}, closed()...)
	case "003":
		return append([]Finding{e.createError()}, closed()...)
	case "004":
		return append([]Finding{e.createSilence()}, closed()...)
	case "005":
		return append(repeated(), e.lastCancelOnly(), e.named())
	case "006":
		return append(repeated(), e.allFailed(opCancel), e.stops(opCancel), e.notified(pos.AlertUnknown), e.named())
	case "007":
		return []Finding{e.failFirst(), e.tries(queries, "query"), e.pace(queries), e.lastPaid(), e.named()}
	case "008":
		return []Finding{e.tries(queries, "query"), e.pace(queries), e.allFailed(opQuery), e.stops(opQuery),
			e.notified(pos.AlertUnreachable), e.named()}
	case "009":
		return []Finding{e.arrived(), e.processed(), e.acknowledged()}
	}
	return nil
}

func found(rule string, ok bool, format string, args ...any) Finding {
	f := Finding{Rule: rule, Measured: fmt.Sprintf(format, args...), Result: Fail}
	if ok {
		f.Result = Pass
	}
	return f
}

func unseen(rule string) Finding {
	return Finding{Rule: rule, Measured: "the journal does not hold it", Result: NotRecorded}
}

func (e evidence) password() Finding {
	return found("The amount is AED 500.00 or more, so that the wallet asks for the payment password",
		e.amount >= PasswordFrom, "AED %s", e.amount.Grouped())
}

func (e evidence) created() Finding {
	rule := "The create request is answered with an order in status CREATED"
	creates := e.of(opCreate)
	if len(creates) == 0 {
		return found(rule, false, "no create request")
	}
	c := creates[0]
	return found(rule, c.ok() && c.Outcome == createdWord, "code %s, %s", orNone(c.Code), c.Outcome)
}

func (e evidence) createError() Finding {
	rule := "The create request is answered with 500 SYSTEM_ERROR"
	creates := e.of(opCreate)
	if len(creates) == 0 {
		return found(rule, false, "no create request")
	}
	return found(rule, creates[0].Code == "500", "code %s, %s", orNone(creates[0].Code), repeats(creates))
}

func (e evidence) createSilence() Finding {
	rule := "The create request gets no answer in time"
	creates := e.of(opCreate)
	if len(creates) == 0 {
		return found(rule, false, "no create request")
	}
	c := creates[0]
	measured := fmt.Sprintf("no answer, %s", repeats(creates))
	switch {
	case c.Code != "":
		measured = "answered with code " + c.Code
	case !e.fromJournal:
		measured = fmt.Sprintf("given up after %s, %s", c.Took, repeats(creates))
	}
	return found(rule, c.Code == "", "%s", measured)
}

func repeats(creates []Call) string {
	if len(creates) == 1 {
		return "sent once"
	}
	return fmt.Sprintf("sent %d times under one number", len(creates))
}

func orNone(code string) string {
	if code == "" {
		return "none"
	}
	return code
}

func (e evidence) asked() Finding {
	rule := "The order is queried at least once"
	n := len(e.of(opQuery))
	if e.fromJournal {
		if e.recorded == 0 {
			return unseen(rule)
		}
		return found(rule, true, "%s with news in the journal", counted(e.recorded, "query", "queries"))
	}
	return found(rule, n > 0, "%s", counted(n, "query", "queries"))
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// pace judges the intervals of queries.
func (e evidence) pace(queries []Call) Finding {
	rule := "Queries start 2 to 6 s after each other"
	if e.fromJournal {
		return unseen(rule)
	}
	if len(queries) == 0 {
		return found(rule, false, "no query")
	}
	return spaced(rule, queries, queryMin, queryMax)
}

func (e evidence) cancelPace(cancels []Call) Finding {
	rule := "Repeated cancels start 3 to 10 s after each other"
	if len(cancels) < 2 {
		return found(rule, false, "%s, so no interval", counted(len(cancels), "cancel", "cancels"))
	}
	return spaced(rule, cancels, cancelMin, cancelMax)
}

// spaced judges start-to-start intervals.
func spaced(rule string, calls []Call, least, most time.Duration) Finding {
	if len(calls) == 1 {
		return Finding{Rule: rule, Measured: "one request, so no interval", Result: NotRecorded}
	}
	var wrong []string
	all := Intervals(calls)
	for i, d := range all {
		if d := time.Duration(d); d < least-grain || d > most+grain {
			wrong = append(wrong, fmt.Sprintf("%s before request %d", Span(d), i+2))
		}
	}
	measured := fmt.Sprintf("%s: %s", counted(len(all), "interval", "intervals"), all[0])
	if shortest, longest := slices.Min(all), slices.Max(all); shortest != longest {
		measured = fmt.Sprintf("%d intervals: %s to %s", len(all), shortest, longest)
	}
	if n := len(wrong); n > 0 {
		if n > 3 {
			wrong = append(wrong[:3], fmt.Sprintf("and %d more", n-3))
		}
		measured += "; outside: " + strings.Join(wrong, ", ")
	}
	return found(rule, len(wrong) == 0, "%s", measured)
}

// Intervals are the times from start to start.
func Intervals(calls []Call) []Span {
	out := []Span{}
	for i := 1; i < len(calls); i++ {
		out = append(out, Span(calls[i].Start.Sub(calls[i-1].Start)))
	}
	return out
}

func (e evidence) firstCancel() Finding {
	rule := "The first cancel is sent 20 to 120 s after the start"
	cancels := e.of(opCancel)
	if len(cancels) == 0 {
		return found(rule, false, "no cancel")
	}
	d := cancels[0].Start.Sub(e.start())
	return found(rule, d >= cancelFrom-grain && d <= cancelTo+grain, "%s", Span(d))
}

func (e evidence) tries(calls []Call, what string) Finding {
	rule := fmt.Sprintf("At least %d %s requests are sent before giving up", attemptsMin, what)
	if e.fromJournal && what == "query" {
		return unseen(rule)
	}
	return found(rule, len(calls) >= attemptsMin, "%d", len(calls))
}

func (e evidence) lastCancelOnly() Finding {
	rule := "Only the last cancel is answered with SUCCESS"
	cancels := e.of(opCancel)
	early, last := 0, false
	for i, c := range cancels {
		switch {
		case !c.ok():
		case i == len(cancels)-1:
			last = true
		default:
			early++
		}
	}
	switch {
	case len(cancels) == 0:
		return found(rule, false, "no cancel")
	case early > 0:
		return found(rule, false, "%d before the last succeeded", early)
	case !last:
		return found(rule, false, "the last of %d failed, too", len(cancels))
	}
	return found(rule, true, "%d failed, then SUCCESS", len(cancels)-1)
}

func (e evidence) failFirst() Finding {
	rule := "The first queries fail"
	if e.fromJournal {
		return unseen(rule)
	}
	n := 0
	for _, c := range e.of(opQuery) {
		if c.ok() {
			break
		}
		n++
	}
	return found(rule, n > 0, "%d failed in a row at first", n)
}

func (e evidence) lastPaid() Finding {
	rule := "The last query reports the payment"
	if e.fromJournal {
		ok := slices.Contains(e.sources, pos.SourceQuery)
		f := found(rule, ok, "a query proved the payment")
		if !ok {
			f = unseen(rule)
		}
		return f
	}
	queries := e.of(opQuery)
	if len(queries) == 0 {
		return found(rule, false, "no query")
	}
	last := queries[len(queries)-1]
	return found(rule, last.paid(), "%s", last.Outcome)
}

// named is the condition of all cases that requests say whose they are.
func (e evidence) named() Finding {
	rule := "Every request carries Partner-Id and merchantOrderNo"
	if e.fromJournal {
		return unseen(rule)
	}
	n, good := 0, 0
	for _, c := range e.calls {
		if c.Operation == opNotice {
			continue
		}
		n++
		if c.Named {
			good++
		}
	}
	return found(rule, n > 0 && n == good, "%d of %d", good, n)
}

func (e evidence) notified(kind pos.AlertKind) Finding {
	rule := "The responsible person is notified"
	start := e.start()
	for _, a := range e.alerts {
		if a.Kind == kind {
			return found(rule, true, "alert %q on the till %s after the start, until it is dealt with", alertWord(kind), Span(a.At.Sub(start)))
		}
	}
	return found(rule, false, "no alert %q", alertWord(kind))
}

func alertWord(k pos.AlertKind) string { return strings.ReplaceAll(string(k), "_", " ") }

func (e evidence) arrived() Finding {
	rule := "The payment is made and its notification arrives"
	n := len(e.of(opNotice))
	if e.fromJournal {
		ok := slices.Contains(e.sources, pos.SourceNotification)
		return found(rule, ok, "%s", map[bool]string{true: "a verified notification is in the journal", false: "none in the journal"}[ok])
	}
	return found(rule, n > 0, "%s", counted(n, "verified notification", "verified notifications"))
}

func (e evidence) processed() Finding {
	proved := slices.Contains(e.sources, pos.SourceNotification)
	return found("The notification is processed", proved && e.state == pos.SalePaid, "sale %s, proved by %s", e.state, sourceWords(e.sources))
}

func sourceWords(sources []pos.Source) string {
	var words []string
	for _, s := range sources {
		if !slices.Contains(words, string(s)) {
			words = append(words, string(s))
		}
	}
	if len(words) == 0 {
		return "nobody"
	}
	return strings.Join(words, " and ")
}

func (e evidence) acknowledged() Finding {
	rule := "The notification is answered with SUCCESS"
	if e.answers == nil {
		return Finding{Rule: rule, Result: NotRecorded,
			Measured: "the relay answers, once it has stored what it passes on; its answer is in the relay's log and in PayBy's"}
	}
	good := 0
	for _, a := range e.answers {
		if a.ack {
			good++
		}
	}
	if len(e.answers) == 0 {
		return found(rule, false, "no answer")
	}
	return found(rule, good == len(e.answers), "%d of %d answered HTTP 200 with SUCCESS", good, len(e.answers))
}
