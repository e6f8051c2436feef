package certify

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
)

// TestHTML_OfEveryCase draws kept and broken cases and looks for what a reader
// needs.
func TestHTML_OfEveryCase(t *testing.T) {
	r := SandboxReport("1.2.3", begin(), true)
	for _, sc := range scenarios(false) {
		c := newCase(sc.id, sc.title, sc.story, model(sc.id))
		c.Final = pos.SaleClosed
		r.Cases = append(r.Cases, c)
	}
	bad := model("008")
	bad.alerts = nil
	r.Cases = append(r.Cases, newCase("008", "again", "", bad), Case{ID: "009", Title: "none", Result: NotRun, Note: "no relay is paired"})
	r.Finish()
	page, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"1.2.3", "23 November 2026, 13:00 UAE time", "••••••••0888", "7 of 9 passed, 1 failed, 1 not run",
		"alert: unreachable", "no relay is paired", "SYSTEM_ERROR", "13:00:00.000", "3.300\u00a0s", "@page",
	} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if outside := regexp.MustCompile(`(?i)<script|<link|<img|https?://|url\(|@import`).Find(page); outside != nil {
		t.Errorf("the page is not on its own: %q", outside)
	}
	for _, id := range []string{"001", "002", "003", "004", "005", "006", "007", "008", "009"} {
		if !bytes.Contains(page, []byte("<span>"+id+" ")) {
			t.Errorf("case %s is not drawn", id)
		}
	}
	if strings.Count(string(page), "<svg") != 10 {
		t.Errorf("%d timelines", strings.Count(string(page), "<svg"))
	}
}

func TestHTML_EscapesWhatItIsGiven(t *testing.T) {
	r := &Report{Made: begin(), Store: "<b>Shop</b>", Cases: []Case{{ID: "001", Story: "<i>x</i>"}}}
	page, err := r.HTML()
	if err != nil || bytes.Contains(page, []byte("<b>Shop")) || bytes.Contains(page, []byte("<i>x")) {
		t.Errorf("%v: markup gets through", err)
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.000 s", 1999600 * time.Microsecond: "2.000 s", 3300 * time.Millisecond: "3.300 s", -time.Second: "-1.000 s", 61 * time.Second: "61.000 s",
	} {
		if got := Span(d).String(); got != want {
			t.Errorf("%v prints %s, want %s", d, got, want)
		}
	}
	if got := bound("2 intervals: 3.000 s to 4.000 s; 5 stops"); got != "2 intervals: 3.000\u00a0s to 4.000\u00a0s; 5 stops" {
		t.Errorf("%q", got)
	}
}

func TestReport_Verdict(t *testing.T) {
	nine := func(change func(cases []Case) []Case) *Report {
		r := &Report{}
		for _, sc := range scenarios(false) {
			r.Cases = append(r.Cases, Case{ID: sc.id, Result: Pass})
		}
		r.Cases = change(r.Cases)
		r.Finish()
		return r
	}
	for _, tc := range []struct {
		name   string
		change func([]Case) []Case
		want   Result
		good   bool
	}{
		{"all", func(c []Case) []Case { return c }, Pass, true},
		{"one fails", func(c []Case) []Case { c[4].Result = Fail; return c }, Fail, false},
		{"one of two sales fails", func(c []Case) []Case { return append(c, Case{ID: "002", Result: Fail}) }, Fail, false},
		{"one is missing", func(c []Case) []Case { return c[1:] }, Incomplete, true},
		{"one was not run", func(c []Case) []Case { c[8].Result = NotRun; return c }, Incomplete, true},
		{"nothing", func([]Case) []Case { return nil }, Incomplete, false},
	} {
		if r := nine(tc.change); r.Verdict != tc.want || r.Good() != tc.good {
			t.Errorf("%s: %s, %s", tc.name, r.Verdict, r.Summary)
		}
	}
}
