package certify

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/filspos/fils/pos"
)

// NotRun is the result of a case that was not played, Incomplete the verdict
// on a report in which no case failed and not all nine passed.
const (
	NotRun     Result = "not run"
	Incomplete Result = "incomplete"
)

// Case is one acceptance case in the report.
type Case struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Story string `json:"story"`
	// Sale is the order's number; Amount is in fils.
	Sale   pos.SaleNo `json:"merchantOrderNo,omitempty"`
	Amount pos.Fils   `json:"amountFils,omitempty"`
	Result Result     `json:"result"`
	// Note says why a case was not run.
	Note     string    `json:"note,omitempty"`
	Findings []Finding `json:"findings"`
	// Shown is the sale's state when the case was over, Final after the order
	// was cleared away.
	Shown  pos.SaleState `json:"stateAtEnd,omitempty"`
	Final  pos.SaleState `json:"stateAfterClearing,omitempty"`
	Alerts []Notified    `json:"alerts"`
	// The intervals are those that the rules are about: none of what followed
	// after the till gave up.
	QueryIntervals  []Span `json:"queryIntervalsMs"`
	CancelIntervals []Span `json:"cancelIntervalsMs"`
	// FirstCancel is from the start of the sale; zero without a cancel.
	FirstCancel Span   `json:"startToFirstCancelMs,omitempty"`
	Calls       []Call `json:"calls"`
}

// newCase judges e.
func newCase(id, title, story string, e evidence) Case {
	c := Case{
		ID: id, Title: title, Story: story, Amount: e.amount, Findings: judge(id, e), Shown: e.state, Final: e.state,
		Alerts: e.alerts, Calls: e.calls,
	}
	queries, cancels := e.judged(id)
	c.QueryIntervals, c.CancelIntervals = Intervals(queries), Intervals(cancels)
	if len(e.calls) > 0 {
		c.Sale = e.calls[0].Order
	}
	if len(cancels) > 0 {
		c.FirstCancel = Span(cancels[0].Start.Sub(e.start()))
	}
	c.Result = worst(c.Findings)
	return c
}

// worst sums findings up: one failure fails all; a case of which nothing could
// be seen is not recorded.
func worst(findings []Finding) Result {
	passed := false
	for _, f := range findings {
		switch f.Result {
		case Fail:
			return Fail
		case Pass:
			passed = true
		}
	}
	if passed {
		return Pass
	}
	return NotRecorded
}

// open counts the rules that what was seen does not show.
func (c Case) open() int {
	n := 0
	for _, f := range c.Findings {
		if f.Result == NotRecorded {
			n++
		}
	}
	return n
}

// Report is what a merchant shows PayBy.
type Report struct {
	Program string    `json:"program"`
	Version string    `json:"version"`
	Made    time.Time `json:"made"`
	// Source says what was judged: a run or sales from the journal.
	Source string `json:"source"`
	// Environment and Host are the gateway's.
	Environment string `json:"environment"`
	Host        string `json:"host"`
	// Partner is masked except for its last four characters.
	Partner string `json:"partnerId"`
	Store   string `json:"store,omitempty"`
	Till    string `json:"terminal,omitempty"`
	// Window is the payment window of the till.
	Window Span   `json:"paymentWindowMs,omitempty"`
	Relay  string `json:"relay"`
	// Faults says where failures came from.
	Faults string `json:"faults"`
	// Verdict is pass only when all nine cases passed.
	Verdict Result `json:"verdict"`
	Summary string `json:"summary"`
	Cases   []Case `json:"cases"`
}

// Finish fills verdict and summary from the cases. A case that was judged
// several times passes when all of its sales do.
func (r *Report) Finish() {
	for i := range r.Cases {
		r.Cases[i].fill()
	}
	counts := map[Result]int{}
	unseen := 0
	all := scenarios(false)
	for _, sc := range all {
		counts[r.resultOf(sc.id)]++
	}
	for _, c := range r.Cases {
		unseen += c.open()
	}
	switch {
	case counts[Fail] > 0:
		r.Verdict = Fail
	case counts[Pass] == len(all):
		r.Verdict = Pass
	default:
		r.Verdict = Incomplete
	}
	parts := []string{fmt.Sprintf("%d of %d passed", counts[Pass], len(all))}
	for _, p := range []struct {
		result Result
		word   string
	}{{Fail, "failed"}, {NotRecorded, "not recorded"}, {NotRun, "not run"}, {"", "not chosen"}} {
		if n := counts[p.result]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, p.word))
		}
	}
	if unseen > 0 {
		parts = append(parts, counted(unseen, "rule", "rules")+" not recorded")
	}
	r.Summary = strings.Join(parts, ", ")
}

// fill turns lists that are missing into empty ones, for whoever reads JSON.
func (c *Case) fill() {
	c.Findings, c.Calls, c.Alerts = some(c.Findings), some(c.Calls), some(c.Alerts)
	c.QueryIntervals, c.CancelIntervals = some(c.QueryIntervals), some(c.CancelIntervals)
}

func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// resultOf is the worst result of a case; empty when it was not asked for.
func (r *Report) resultOf(id string) Result {
	var result Result
	for _, c := range r.Cases {
		switch {
		case c.ID != id:
		case c.Result == Fail:
			return Fail
		case result == "" || result == Pass:
			result = c.Result
		}
	}
	return result
}

// Good reports that nothing failed and something passed.
func (r *Report) Good() bool {
	return r.Verdict != Fail && slices.ContainsFunc(r.Cases, func(c Case) bool { return c.Result == Pass })
}

// MaskPartner hides all of a Partner-Id but its last four characters.
func MaskPartner(id string) string {
	if len(id) <= 4 {
		return strings.Repeat("•", len(id))
	}
	return strings.Repeat("•", len(id)-4) + id[len(id)-4:]
}

// Write makes certify.json and certify.html in dir and returns their paths.
func (r *Report) Write(dir string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("the folder for the report: %w", err)
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the report: %w", err)
	}
	page, err := r.HTML()
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, f := range []struct {
		name string
		data []byte
	}{{"certify.json", append(text, '\n')}, {"certify.html", page}} {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, f.data, 0o644); err != nil {
			return nil, fmt.Errorf("write the report: %w", err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}
