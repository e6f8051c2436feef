package certify

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"time"
)

//go:embed report.html
var page string

// uae is the zone of every time that a person reads.
func uae() *time.Location { return time.FixedZone("Asia/Dubai", 4*60*60) }

// HTML draws the report as one page without scripts or outside parts.
func (r *Report) HTML() ([]byte, error) {
	t, err := template.New("report").Funcs(template.FuncMap{
		"class": class, "bound": bound, "alert": alertWord, "timeline": draw, "start": startOf,
		"day":     func(t time.Time) string { return t.In(uae()).Format("2006-01-02") },
		"date":    func(t time.Time) string { return t.In(uae()).Format("2 January 2006, 15:04") + " UAE time" },
		"clock":   func(t time.Time) string { return t.In(uae()).Format("15:04:05.000") },
		"since":   func(start, t time.Time) string { return Span(t.Sub(start)).String() },
		"queries": func(c Case) string { return c.queries() },
	}).Parse(page)
	if err != nil {
		return nil, fmt.Errorf("the report's page: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, r); err != nil {
		return nil, fmt.Errorf("the report's page: %w", err)
	}
	return out.Bytes(), nil
}

func class(r Result) string {
	switch r {
	case Pass:
		return "pass"
	case Fail:
		return "fail"
	}
	return "open"
}

// bound keeps a number and its unit on one line.
func bound(text string) string { return seconds.ReplaceAllString(text, "$1\u00a0s") }

var seconds = regexp.MustCompile(`(\d) s\b`)

// Whole prints full seconds.
func (s Span) Whole() string {
	return fmt.Sprintf("%d s", time.Duration(s).Round(time.Second)/time.Second)
}

// QueryRange and CancelRange are the least and the greatest interval.
func (c Case) QueryRange() string  { return span(c.QueryIntervals) }
func (c Case) CancelRange() string { return span(c.CancelIntervals) }

func span(all []Span) string {
	switch {
	case len(all) == 0:
		return "–"
	case slices.Min(all) == slices.Max(all):
		return all[0].String()
	}
	return short(slices.Min(all)) + "–" + short(slices.Max(all)) + " s"
}

// short prints seconds with two decimals and no unit.
func short(s Span) string {
	cs := time.Duration(s).Round(10*time.Millisecond).Milliseconds() / 10
	return fmt.Sprintf("%d.%02d", cs/100, cs%100)
}

func (c Case) queries() string {
	n := 0
	for _, call := range c.Calls {
		if call.Operation == opQuery && !call.After {
			n++
		}
	}
	if n == 0 {
		return "–"
	}
	return fmt.Sprint(n)
}

func startOf(c Case) time.Time {
	for _, call := range c.Calls {
		if call.Operation == opCreate {
			return call.Start
		}
	}
	if len(c.Calls) > 0 {
		return c.Calls[0].Start
	}
	return time.Time{}
}

// timeline is a drawing of a case's calls; lengths are units of its view box,
// 1000 wide.
type timeline struct {
	Height int
	Band   *band
	Ticks  []mark
	Lanes  []mark
	Marks  []mark
	Alerts []mark
}

type band struct{ X, Y, W int }

type mark struct {
	X, Y, W, BarY, TextX, TextY     int
	Name, Text, Color, Fill, Anchor string
}

const (
	lanesFrom = 110 // left edge of the time axis
	lanesTo   = 975
	laneStep  = 26
)

// draw lays out the timeline; nil when there is nothing to show.
func draw(c Case) *timeline {
	if len(c.Calls) < 2 {
		return nil
	}
	start, end := startOf(c), startOf(c)
	for _, call := range c.Calls {
		if e := call.end(); e.After(end) {
			end = e
		}
	}
	total := max(end.Sub(start), 10*time.Second)
	x := func(t time.Time) int {
		return lanesFrom + int(t.Sub(start).Milliseconds()*(lanesTo-lanesFrom)/total.Milliseconds())
	}
	t := &timeline{}
	y := map[string]int{}
	for _, op := range []string{opCreate, opQuery, opCancel, opNotice} {
		if slices.ContainsFunc(c.Calls, func(call Call) bool { return call.Operation == op }) {
			y[op] = 34 + laneStep*len(t.Lanes)
			t.Lanes = append(t.Lanes, mark{Name: op, Y: y[op], TextY: y[op] + 5})
		}
	}
	bottom := 34 + laneStep*(len(t.Lanes)-1) + 14
	t.Height = bottom + 22
	if at, ok := y[opCancel]; ok && total > cancelFrom {
		from := x(start.Add(cancelFrom))
		to := min(x(start.Add(cancelTo)), lanesTo)
		t.Band = &band{from, at - 11, to - from}
	}
	step := 10 * time.Second
	if total <= 20*time.Second {
		step = 2 * time.Second
	}
	for d := time.Duration(0); d <= total; d += step {
		t.Ticks = append(t.Ticks, mark{X: x(start.Add(d)), Y: bottom, TextY: bottom + 16, Text: Span(d).Whole()})
	}
	for _, call := range c.Calls {
		t.Marks = append(t.Marks, dot(call, x(call.Start), x(call.end()), y[call.Operation]))
	}
	for _, a := range c.Alerts {
		m := mark{X: x(a.At), TextX: x(a.At) + 6, Y: bottom, Text: "alert: " + alertWord(a.Kind), Anchor: "start"}
		if m.X > (lanesFrom+lanesTo)/2 {
			m.TextX, m.Anchor = m.X-6, "end"
		}
		t.Alerts = append(t.Alerts, m)
	}
	return t
}

// dot is green for a verified answer, red and hollow for a failure, grey for
// what came after the case.
func dot(c Call, from, to, y int) mark {
	m := mark{X: from, Y: y, W: max(0, to-from), BarY: y - 2, Color: "#0c6b3f", Fill: "#0c6b3f"}
	if !c.ok() {
		m.Color, m.Fill = "#b3261e", "#ffffff"
	}
	if c.After {
		m.Color, m.Fill = "#9aa6b0", "#ffffff"
	}
	return m
}
