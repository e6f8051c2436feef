package certify

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// TestFromJournal_SeesWhatIsThere judges the cases again, this time by the
// journal that they left: what it holds is judged the same, and what it does
// not hold is neither passed nor failed.
func TestFromJournal_SeesWhatIsThere(t *testing.T) {
	keys, err := testKeys()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		network := &pipes{listeners: map[string]*pipeListener{}}
		s, err := OpenSandbox(t.Context(), SandboxOptions{Keys: keys, Network: network.network(), Dir: dir, Relay: true})
		if err != nil {
			t.Fatal(err)
		}
		live, err := s.Session.Run(t.Context())
		if err == nil {
			err = s.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		j, err := sqlite.Open(t.Context(), dir+"/certify.db", sqlite.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		var numbers []pos.SaleNo
		for _, c := range live {
			numbers = append(numbers, c.Sale)
		}
		cases, err := FromJournal(t.Context(), j, numbers, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for _, was := range live {
			i := slices.IndexFunc(cases, func(c Case) bool { return c.ID == was.ID && c.Sale == was.Sale })
			if was.ID == "007" {
				continue // a failed query leaves no event
			}
			if i < 0 {
				t.Errorf("sale of case %s is not judged by it", was.ID)
				continue
			}
			compare(t, was, cases[i])
		}
		all, err := FromJournal(t.Context(), j, nil, begin().AddDate(-50, 0, 0))
		if err != nil || len(all) < len(cases)-2 {
			t.Errorf("all sales: %d cases, %v", len(all), err)
		}
		none, err := FromJournal(t.Context(), j, nil, time.Now().Add(time.Hour))
		if err != nil || slices.ContainsFunc(none, func(c Case) bool { return c.Result != NotRun }) {
			t.Errorf("no sale since, but %+v, %v", none, err)
		}
		short, err := FromJournal(t.Context(), j, []pos.SaleNo{pos.SaleNo(live[0].Sale.Short())}, time.Time{})
		if err != nil || !slices.ContainsFunc(short, func(c Case) bool { return c.Sale == live[0].Sale }) {
			t.Errorf("a sale by the end of its number: %v", err)
		}
		// Who names sales is shown all of them.
		first := live[0].Sale
		named, err := FromJournal(t.Context(), j, []pos.SaleNo{first, first, first, first}, time.Time{})
		count := 0
		for _, c := range named {
			if c.ID == live[0].ID && c.Sale == first {
				count++
			}
		}
		if err != nil || count != 4 {
			t.Errorf("%d of 4 named sales are shown, %v", count, err)
		}
		for _, no := range []pos.SaleNo{"NOSUCHSALE", "S000101"} {
			if _, err := FromJournal(t.Context(), j, []pos.SaleNo{no}, time.Time{}); err == nil {
				t.Errorf("%s is judged, which names no sale or several", no)
			}
		}
	})
}

// compare holds what the journal says against what the bench has seen.
func compare(t *testing.T, live, journal Case) {
	t.Helper()
	seen := 0
	for _, f := range journal.Findings {
		if f.Result == NotRecorded {
			continue
		}
		seen++
		i := slices.IndexFunc(live.Findings, func(l Finding) bool { return l.Rule == f.Rule })
		if i < 0 || live.Findings[i].Result != f.Result {
			t.Errorf("case %s, %s: %s (%s) by the journal, %+v by the bench", live.ID, f.Rule, f.Result, f.Measured, live.Findings)
		}
	}
	if seen == 0 {
		t.Errorf("case %s: the journal shows nothing", live.ID)
	}
	for _, c := range journal.Calls {
		if c.Operation == opQuery || c.HTTP != 0 {
			t.Errorf("case %s: the journal invents %+v", live.ID, c)
		}
	}
	for _, rule := range []string{"Queries start", "Every request carries"} {
		for _, f := range journal.Findings {
			if strings.HasPrefix(f.Rule, rule) && f.Result != NotRecorded {
				t.Errorf("case %s: %s is %s by a journal that cannot show it", live.ID, f.Rule, f.Result)
			}
		}
	}
}

// Codes come from outside, unsigned ones too: a report shows numbers only.
func TestDigits_AreAllThatIsKept(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "62004": "62004", "1234567890": "1234567890", "": "",
		"12345678901": "", "6200x": "", "-1": "", " 1": "", "<b>": "", "٦٢": "",
	} {
		if got := digits(text); got != want {
			t.Errorf("%q is kept as %q, want %q", text, got, want)
		}
	}
}
