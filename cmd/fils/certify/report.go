package certify

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/filspos/fils/pos"
)

// NotRun is the result of a case that was not played.
const NotRun Result = "not run"

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
	// Verdict is pass only when every case that was asked for passed.
	Verdict Result `json:"verdict"`
	Summary string `json:"summary"`
	Cases   []Case `json:"cases"`
}

// Finish fills verdict and summary from the cases.
func (r *Report) Finish() {
	counts := map[Result]int{}
	unseen := 0
	for _, c := range r.Cases {
		counts[c.Result]++
		unseen += c.open()
	}
	switch {
	case counts[Fail] > 0:
		r.Verdict = Fail
	case counts[Pass] == 0:
		r.Verdict = NotRecorded
	default:
		r.Verdict = Pass
	}
	parts := []string{fmt.Sprintf("%d of %d passed", counts[Pass], len(r.Cases))}
	if n := counts[Fail]; n > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", n))
	}
	if n := counts[NotRun]; n > 0 {
		parts = append(parts, fmt.Sprintf("%d not run", n))
	}
	if unseen > 0 {
		parts = append(parts, counted(unseen, "rule", "rules")+" not recorded")
	}
	r.Summary = strings.Join(parts, ", ")
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
