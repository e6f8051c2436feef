package certify

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
)

func begin() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }

// at makes calls of one operation, answered with code and outcome after 100 ms,
// at the given seconds of the sale (in tenths).
func at(operation, code, outcome string, tenths ...int) []Call {
	var out []Call
	for _, n := range tenths {
		out = append(out, Call{
			Operation: operation, Order: "S1", Start: begin().Add(time.Duration(n) * 100 * time.Millisecond),
			Took: Span(100 * time.Millisecond), HTTP: 200, Code: code, Outcome: outcome, Named: true,
		})
	}
	return out
}

func join(lists ...[]Call) []Call {
	all := slices.Concat(lists...)
	slices.SortStableFunc(all, func(a, b Call) int { return a.Start.Compare(b.Start) })
	return all
}

func raised(kind pos.AlertKind, tenths int) []Notified {
	return []Notified{{kind, begin().Add(time.Duration(tenths) * 100 * time.Millisecond)}}
}

const systemErrorWord = "SYSTEM_ERROR"

// model is a till that keeps every rule of a case.
func model(id string) evidence {
	created := at(opCreate, "0", createdWord, 0)
	open := at(opQuery, "0", createdWord, 30, 60, 90)
	closing := join(at(opQuery, "0", createdWord, 600, 620), at(opCancel, "0", failureWord, 600))
	long := at(opQuery, "0", createdWord, 30, 80, 130, 180, 230, 280, 330, 380, 430, 480, 530, 570)
	switch id {
	case "001":
		return evidence{amount: 50_000, state: pos.SalePaid, calls: join(created, open, at(opQuery, "0", paidWord, 120)), sources: []pos.Source{pos.SourceQuery}}
	case "002":
		return evidence{amount: 50_000, state: pos.SaleClosed, calls: join(created, long, closing)}
	case "003":
		return evidence{amount: 2500, state: pos.SaleClosed, calls: join(at(opCreate, "500", systemErrorWord, 0), long, closing)}
	case "004":
		return evidence{amount: 2500, state: pos.SaleClosed, calls: join(at(opCreate, "", "no answer", 0), long, closing)}
	case "005":
		return evidence{amount: 2500, state: pos.SaleClosed, calls: join(created, long,
			at(opQuery, "0", createdWord, 600, 633, 666), at(opCancel, "500", systemErrorWord, 600, 633), at(opCancel, "0", failureWord, 666))}
	case "006":
		return evidence{amount: 2500, state: pos.SaleUnknown, alerts: raised(pos.AlertUnknown, 720), calls: join(created, long,
			at(opQuery, "0", createdWord, 600, 633, 666, 699), at(opCancel, "500", systemErrorWord, 600, 633, 666, 699, 820))}
	case "007":
		return evidence{amount: 2500, state: pos.SalePaid, calls: join(created, at(opQuery, "500", systemErrorWord, 30, 60), at(opQuery, "0", paidWord, 90))}
	case "008":
		return evidence{amount: 2500, state: pos.SaleAwaiting, alerts: raised(pos.AlertUnreachable, 121), calls: join(created, at(opQuery, "500", systemErrorWord, 30, 60, 90, 120, 420))}
	}
	return evidence{amount: 2500, state: pos.SalePaid, sources: []pos.Source{pos.SourceNotification},
		calls: join(created, at(opNotice, "0", paidWord, 40)), answers: []answered{{begin(), 200, true}}}
}

// TestJudge_Passes: a till that keeps all rules passes all cases.
func TestJudge_Passes(t *testing.T) {
	for _, sc := range scenarios(false) {
		findings := judge(sc.id, model(sc.id))
		if len(findings) < 3 {
			t.Errorf("%s has %d rules", sc.id, len(findings))
		}
		for _, f := range findings {
			if f.Result != Pass || f.Measured == "" {
				t.Errorf("%s %s: %s: %s", sc.id, f.Result, f.Rule, f.Measured)
			}
		}
	}
}

// broken is one way to break a rule, and the beginning of that rule.
type broken struct {
	name, id string
	spoil    func(e *evidence)
	rule     string
}

func without(operation string) func(*evidence) {
	return func(e *evidence) {
		e.calls = slices.DeleteFunc(e.calls, func(c Call) bool { return c.Operation == operation })
	}
}

func add(lists ...[]Call) func(*evidence) {
	return func(e *evidence) { e.calls = join(append(lists, e.calls)...) }
}

// move shifts the nth call of an operation by tenths of a second.
func move(operation string, nth, tenths int) func(*evidence) {
	return func(e *evidence) {
		for i := range e.calls {
			if e.calls[i].Operation != operation {
				continue
			}
			if nth--; nth == 0 {
				e.calls[i].Start = e.calls[i].Start.Add(time.Duration(tenths) * 100 * time.Millisecond)
			}
		}
		e.calls = join(e.calls)
	}
}

// as sets the answer of the nth call of an operation, counted from the end
// when nth is negative.
func as(operation string, nth int, code, outcome string) func(*evidence) {
	return func(e *evidence) {
		var list []*Call
		for i := range e.calls {
			if e.calls[i].Operation == operation {
				list = append(list, &e.calls[i])
			}
		}
		if nth < 0 {
			nth += len(list) + 1
		}
		list[nth-1].Code, list[nth-1].Outcome = code, outcome
	}
}

func table() []broken {
	unnamed := func(e *evidence) { e.calls[0].Named = false }
	list := []broken{
		{"too little for a password", "001", func(e *evidence) { e.amount = 49_999 }, "The amount is"},
		{"create refused", "001", as(opCreate, 1, "62026", "refused"), "The create request is answered with an order"},
		{"no query", "001", without(opQuery), "The order is queried"},
		{"query after 1 s", "001", move(opQuery, 2, -20), "Queries start"},
		{"query after 7 s", "001", move(opQuery, 4, 40), "Queries start"},
		{"last query unpaid", "001", as(opQuery, -1, "0", createdWord), "The last query reports"},
		{"cancel after 10 s", "002", move(opCancel, 1, -500), "The first cancel"},
		{"cancel after 130 s", "002", move(opCancel, 1, 700), "The first cancel"},
		{"no cancel", "002", without(opCancel), "The first cancel"},
		{"create answered well", "003", as(opCreate, 1, "0", createdWord), "The create request is answered with 500"},
		{"cancel after 10 s", "003", move(opCancel, 1, -500), "The first cancel"},
		{"create answered at all", "004", as(opCreate, 1, "500", systemErrorWord), "The create request gets no answer"},
		{"cancel after 130 s", "004", move(opCancel, 1, 700), "The first cancel"},
		{"cancel after 1 s", "005", move(opCancel, 2, -23), "Repeated cancels"},
		{"cancel after 11 s", "005", move(opCancel, 3, 80), "Repeated cancels"},
		{"success not last", "005", as(opCancel, 2, "0", failureWord), "Only the last cancel"},
		{"last fails, too", "005", as(opCancel, -1, "500", systemErrorWord), "Only the last cancel"},
		{"one succeeds", "006", as(opCancel, 5, "0", failureWord), "Every cancel fails"},
		{"goes on at 4 s", "006", add(at(opCancel, "500", systemErrorWord, 739, 779)), "Repeating the cancel"},
		{"goes on beyond 10 s", "006", move(opCancel, 4, 12), "Repeating the cancel"},
		{"nobody is told", "006", func(e *evidence) { e.alerts = nil }, "The responsible person"},
		{"told of something else", "006", func(e *evidence) { e.alerts = raised(pos.AlertUnreachable, 720) }, "The responsible person"},
		{"no query fails", "007", func(e *evidence) { as(opQuery, 1, "0", createdWord)(e); as(opQuery, 2, "0", createdWord)(e) }, "The first queries fail"},
		{"query after 7 s", "007", move(opQuery, 3, 40), "Queries start"},
		{"never succeeds", "007", as(opQuery, -1, "500", systemErrorWord), "The last query reports"},
		{"query after 1 s", "008", move(opQuery, 2, -20), "Queries start"},
		{"one succeeds", "008", as(opQuery, 5, "0", createdWord), "Every query fails"},
		{"goes on at 3 s", "008", add(at(opQuery, "500", systemErrorWord, 150, 180)), "Repeating the query"},
		{"begins again at 3 s", "008", add(at(opQuery, "500", systemErrorWord, 450)), "Repeating the query"},
		{"nobody is told", "008", func(e *evidence) { e.alerts = nil }, "The responsible person"},
		{"no notification", "009", without(opNotice), "The payment is made"},
		{"not processed", "009", func(e *evidence) { e.sources = []pos.Source{pos.SourceQuery} }, "The notification is processed"},
		{"not answered", "009", func(e *evidence) { e.answers = []answered{} }, "The notification is answered"},
		{"answered with 503", "009", func(e *evidence) { e.answers = []answered{{begin(), 503, false}} }, "The notification is answered"},
	}
	for _, id := range []string{"001", "002", "003", "004", "005", "006", "007", "008"} {
		list = append(list, broken{"a request without Partner-Id", id, unnamed, "Every request carries"})
	}
	return list
}

// TestJudge_FailsWhatBreaksARule: one broken rule fails that rule and no other.
func TestJudge_FailsWhatBreaksARule(t *testing.T) {
	for _, b := range table() {
		t.Run(b.id+" "+b.name, func(t *testing.T) {
			e := model(b.id)
			b.spoil(&e)
			c := newCase(b.id, "", "", e)
			hit := false
			for _, f := range c.Findings {
				switch {
				case strings.HasPrefix(f.Rule, b.rule):
					hit = f.Result == Fail
					t.Log(f.Rule, "·", f.Measured)
				case f.Result == Fail && !follows(b.rule, f.Rule):
					t.Errorf("also fails: %s: %s", f.Rule, f.Measured)
				}
			}
			if !hit || c.Result != Fail {
				t.Errorf("%q passes: %+v", b.rule, c.Findings)
			}
		})
	}
}

// follows: a till without any query keeps no rule about queries.
func follows(rule, other string) bool {
	return rule == "The order is queried" && (strings.HasPrefix(other, "Queries start") || strings.HasPrefix(other, "The last query"))
}

func TestJudge_TooFewRepeats(t *testing.T) {
	for _, tc := range []struct {
		id, operation string
		calls         []Call
	}{
		{"005", opCancel, join(at(opCancel, "500", systemErrorWord, 600), at(opCancel, "0", failureWord, 633))},
		{"006", opCancel, at(opCancel, "500", systemErrorWord, 600, 633)},
		{"007", opQuery, join(at(opQuery, "500", systemErrorWord, 30), at(opQuery, "0", paidWord, 60))},
		{"008", opQuery, at(opQuery, "500", systemErrorWord, 30, 60)},
		{"008", opQuery, at(opQuery, "", "no answer", 30, 80, 380)}, // the third is no repeat any more
	} {
		e := model(tc.id)
		without(tc.operation)(&e)
		add(tc.calls)(&e)
		failed := ""
		for _, f := range judge(tc.id, e) {
			if f.Result == Fail {
				failed += f.Rule + "; "
			}
		}
		if !strings.Contains(failed, "At least 3 "+tc.operation) {
			t.Errorf("%s passes with two: %s", tc.id, failed)
		}
	}
}

// TestJudge_Edges: the official limits themselves are kept, as is what only
// two clocks' grain takes beyond them.
func TestJudge_Edges(t *testing.T) {
	for _, tc := range []struct {
		gap  time.Duration
		want Result
	}{
		{1940 * time.Millisecond, Fail}, {1950 * time.Millisecond, Pass}, {2 * time.Second, Pass},
		{6 * time.Second, Pass}, {6050 * time.Millisecond, Pass}, {6060 * time.Millisecond, Fail},
	} {
		calls := at(opQuery, "0", createdWord, 30, 30)
		calls[1].Start = calls[0].Start.Add(tc.gap)
		if f := (evidence{}).pace(calls); f.Result != tc.want {
			t.Errorf("%v: %s (%s)", tc.gap, f.Result, f.Measured)
		}
	}
	for _, tc := range []struct {
		tenths int
		want   Result
	}{{199, Fail}, {200, Pass}, {1200, Pass}, {1201, Fail}} {
		e := evidence{calls: join(at(opCreate, "0", createdWord, 0), at(opCancel, "0", failureWord, tc.tenths))}
		if f := e.firstCancel(); f.Result != tc.want {
			t.Errorf("cancel at %d tenths: %s (%s)", tc.tenths, f.Result, f.Measured)
		}
	}
}

// TestJudge_EdgesOfRepeats: the limits of repeated cancels, of giving up and of
// what follows.
func TestJudge_EdgesOfRepeats(t *testing.T) {
	failing := func(gaps ...time.Duration) []Call {
		calls := at(opCancel, "500", systemErrorWord, 600)
		for _, gap := range gaps {
			next := calls[len(calls)-1]
			next.Start = next.Start.Add(gap)
			calls = append(calls, next)
		}
		return calls
	}
	const usual = 3300 * time.Millisecond
	for _, tc := range []struct {
		gap  time.Duration
		want Result
	}{
		{2940 * time.Millisecond, Fail}, {2950 * time.Millisecond, Pass}, {3 * time.Second, Pass},
		{10 * time.Second, Pass}, {10050 * time.Millisecond, Pass}, {10060 * time.Millisecond, Fail},
	} {
		if f := (evidence{}).cancelPace(failing(tc.gap)); f.Result != tc.want {
			t.Errorf("cancels %v apart: %s (%s)", tc.gap, f.Result, f.Measured)
		}
	}
	for _, tc := range []struct {
		name string
		gaps []time.Duration
		n    int
	}{
		{"three failures", []time.Duration{usual, usual}, 3},
		{"more than three", []time.Duration{usual, usual, usual, usual}, 4},
		// Each takes 0.1 s, and the time counts from the end of the first.
		{"10 s of them", []time.Duration{5 * time.Second, 5150 * time.Millisecond}, 3},
		{"more than 10 s of them", []time.Duration{5 * time.Second, 5160 * time.Millisecond}, 2},
	} {
		if n, _ := series(failing(tc.gaps...)); n != tc.n {
			t.Errorf("%s: %d requests before giving up, want %d", tc.name, n, tc.n)
		}
	}
	for _, tc := range []struct {
		follow []time.Duration
		want   Result
	}{
		{[]time.Duration{9950 * time.Millisecond}, Pass}, {[]time.Duration{9940 * time.Millisecond}, Fail},
		{[]time.Duration{30 * time.Second, 9940 * time.Millisecond}, Fail},
		{[]time.Duration{9940 * time.Millisecond, 30 * time.Second}, Fail},
	} {
		e := evidence{calls: failing(append([]time.Duration{usual, usual, usual}, tc.follow...)...)}
		if f := e.stops(opCancel); f.Result != tc.want {
			t.Errorf("followed up after %v: %s (%s)", tc.follow, f.Result, f.Measured)
		}
	}
}

// TestJudge_WhatDidNotHappenPassesNoRule: nothing was seen, so nothing was kept,
// by a till that was watched or in a journal.
func TestJudge_WhatDidNotHappenPassesNoRule(t *testing.T) {
	for _, sc := range scenarios(false) {
		for _, e := range []evidence{{answers: []answered{}}, {fromJournal: true}} {
			for _, f := range judge(sc.id, e) {
				if f.Result == Pass {
					t.Errorf("%s passes (journal: %t): %s: %s", sc.id, e.fromJournal, f.Rule, f.Measured)
				}
			}
			if c := newCase(sc.id, "", "", e); c.Result == Pass {
				t.Errorf("case %s passes (journal: %t)", sc.id, e.fromJournal)
			}
		}
	}
	// What a journal cannot show is no fault of the till's.
	e := model("001")
	e.fromJournal, e.sources = true, []pos.Source{pos.SourceNotification}
	for _, f := range []Finding{e.asked(), e.pace(e.of(opQuery)), e.lastPaid(), e.failFirst(), e.named(), e.tries(nil, "query")} {
		if f.Result != NotRecorded {
			t.Errorf("%s: %s (%s)", f.Rule, f.Result, f.Measured)
		}
	}
	if f := e.pace(at(opQuery, "0", createdWord, 30)); f.Result != NotRecorded {
		t.Errorf("no interval in a journal: %s", f.Result)
	}
	e.fromJournal = false
	if f := e.pace(at(opQuery, "0", createdWord, 30)); f.Result != NotRecorded {
		t.Errorf("one query shows no interval: %s (%s)", f.Result, f.Measured)
	}
	if got := worst([]Finding{{Result: NotRecorded}, {Result: NotRecorded}}); got != NotRecorded {
		t.Errorf("a case of which nothing was seen is %q", got)
	}
	if got := worst(nil); got != NotRecorded {
		t.Errorf("a case without rules is %q", got)
	}
}

// TestJudge_HalfIsNotEnough: one good answer does not make up for another, and a
// success between failures begins their count anew.
func TestJudge_HalfIsNotEnough(t *testing.T) {
	e := model("009")
	e.answers = append(e.answers, answered{begin(), 503, false})
	if f := e.acknowledged(); f.Result != Fail {
		t.Errorf("%s: %s", f.Result, f.Measured)
	}
	e = model("001")
	as(opCreate, 1, "0", paidWord)(&e)
	if f := e.created(); f.Result != Fail {
		t.Errorf("created as %s: %s", paidWord, f.Result)
	}
	calls := join(at(opCancel, "500", systemErrorWord, 600, 633, 666), at(opCancel, "0", failureWord, 700),
		at(opCancel, "500", systemErrorWord, 733, 766))
	if n, reached := series(calls); n != len(calls) || reached {
		t.Errorf("given up after %d of %d requests: %t", n, len(calls), reached)
	}
	e = evidence{calls: calls[:2]}
	if f := e.stops(opCancel); f.Result != Fail {
		t.Errorf("stopped after two: %s (%s)", f.Result, f.Measured)
	}
}

// TestJudge_LeavesOutWhatCameAfterwards: clearing up is not part of a case.
func TestJudge_LeavesOutWhatCameAfterwards(t *testing.T) {
	e := model("006")
	later := join(at(opQuery, "0", createdWord, 900, 901), at(opCancel, "0", failureWord, 902))
	for i := range later {
		later[i].After = true
	}
	add(later)(&e)
	if c := newCase("006", "", "", e); c.Result != Pass {
		t.Errorf("%+v", c.Findings)
	}
}
