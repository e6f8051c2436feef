package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// history records count sales of all kinds and returns them newest first.
func history(t testing.TB, j *sqlite.Journal, count int) []pos.Sale {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 4))
	const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	var facts []pos.Fact
	var numbers []pos.SaleNo
	for n := range count {
		no := []byte("S260301-")
		for range 20 {
			no = append(no, letters[random.IntN(len(letters))])
		}
		sale := paidSale(n / 3) // three sales share each time, amount and reference
		switch n % 5 {
		case 1:
			sale = sale[:1]
		case 2:
			sale = append(sale[:3:3], failed(n/3))
		}
		for _, f := range sale {
			f.Sale = pos.SaleNo(no)
			if f.Intent != nil {
				intent := *f.Intent
				intent.Cashier = []string{"c1", "c2"}[n%7/6] // c2 comes every seventh time
				f.Intent = &intent
			}
			if f.Order != nil {
				report := *f.Order
				report.ProviderNo = providerNo(n*7919 + 13)
				f.Order = &report
			}
			facts = append(facts, f)
		}
		numbers = append(numbers, pos.SaleNo(no))
	}
	record(t, j, facts...)
	var list []pos.Sale
	for _, no := range numbers {
		s, err := j.Sale(t.Context(), no)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b pos.Sale) int {
		if c := b.CreatedAt.Compare(a.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(string(b.No), string(a.No))
	})
	return list
}

// matches says in plain words what a query means.
func matches(q pos.SaleQuery, s pos.Sale) bool {
	text := strings.ToLower(strings.TrimSpace(pos.NormalizeDigits(q.Text)))
	no, provider := strings.ToLower(string(s.No)), strings.ToLower(s.ProviderNo)
	found := text == "" || strings.HasPrefix(no, text) || strings.HasSuffix(no, text) ||
		strings.HasPrefix(provider, text) || strings.HasSuffix(provider, text) ||
		strings.HasPrefix(strings.ToLower(s.Intent.Reference), text)
	return found &&
		(len(q.States) == 0 || slices.Contains(q.States, s.State)) &&
		(q.Cashier == "" || q.Cashier == s.Intent.Cashier) &&
		(q.Amount == 0 || q.Amount == s.Intent.Amount) &&
		(q.From.IsZero() || !s.CreatedAt.Before(q.From)) &&
		(q.To.IsZero() || s.CreatedAt.Before(q.To))
}

func TestSalesFindsExactlyWhatMatchesPageByPage(t *testing.T) {
	j := bound(t, newPath(t))
	all := history(t, j, 240)
	some := all[100]
	texts := []string{"", "S", "s260301-", string(some.No), strings.ToLower(string(some.No)), some.No.Short(),
		string(some.No)[:12], some.ProviderNo, some.ProviderNo[len(some.ProviderNo)-6:], "1317400", "131740000000001",
		"table", "Table 3", " table 3 ", "table ٣", "able", "%", "*", "?", "S260301-%", "nothing", "'", strings.Repeat("S", 500)}
	states := [][]pos.SaleState{nil, {pos.SalePaid}, {pos.SaleClosed, pos.SaleCreating}, {pos.SaleUnknown},
		{pos.SalePaid, pos.SalePaid, pos.SaleClosed}}
	amounts := []pos.Fils{0, amount(3), 7}
	times := [][2]time.Time{{}, {at(10), at(40)}, {at(70), {}}, {{}, at(5)}}
	// Whether sales are listed changes nothing that is found.
	// Neither does the way that many hits of a text are dealt with.
	for i, listed := range []func() error{
		func() error { return j.Unlist(true) },
		func() error { return j.Tidy(t.Context()) },
		func() error { return j.Unlist(false) },
		func() error { return j.Tidy(t.Context()) },
		func() error { return j.Unlist(false) },
	} {
		j.Patience([]int64{2000, 2000, 3, 3, 3}[i], []int64{5000, 5000, 5000, 5000, 8}[i])
		if err := listed(); err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, q := range queries(texts, states, amounts, times) {
			var want []pos.Sale
			for _, s := range all {
				if matches(q, s) {
					want = append(want, s)
				}
			}
			got := pages(t, j, q)
			if !slices.EqualFunc(got, want, func(a, b pos.Sale) bool { return a.No == b.No }) {
				t.Errorf("%+v: %d sales, want %d", q, len(got), len(want))
			}
			found += len(got)
		}
		if found < len(all) {
			t.Errorf("the queries found %d sales in all", found)
		}
	}
}

// queries combines all that it is given, now and then with a cashier.
func queries(texts []string, states [][]pos.SaleState, amounts []pos.Fils, times [][2]time.Time) (all []pos.SaleQuery) {
	for _, text := range texts {
		for _, state := range states {
			for _, amount := range amounts {
				for _, span := range times {
					q := pos.SaleQuery{Text: text, States: state, Amount: amount, From: span[0], To: span[1], Limit: 7}
					switch n := len(all); {
					case n%5 == 2:
						q.Cashier = "c2"
					case n%11 == 3:
						q.Cashier = "nobody"
					}
					all = append(all, q)
				}
			}
		}
	}
	return all
}

// pages follows a query to its end.
func pages(t *testing.T, j *sqlite.Journal, q pos.SaleQuery) (all []pos.Sale) {
	t.Helper()
	for range 1000 {
		page, err := j.Sales(t.Context(), q)
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		if page.Next != nil && len(page.Sales) != q.Limit || len(page.Sales) > q.Limit {
			t.Fatalf("%+v: a page of %d", q, len(page.Sales))
		}
		all = append(all, page.Sales...)
		if page.Next == nil {
			return all
		}
		q.Before = *page.Next
	}
	t.Fatalf("%+v has no end", q)
	return nil
}

// What a slip, a receipt or PayBy's statement prints of a refund leads to its
// sale.
func TestARefundsNumberFindsItsSale(t *testing.T) {
	j := bound(t, newPath(t))
	all := history(t, j, 120)
	paid := slices.DeleteFunc(slices.Clone(all), func(s pos.Sale) bool { return s.State != pos.SalePaid })
	first, second := paid[3], paid[len(paid)/2]
	numbers := map[pos.SaleNo][]pos.RefundNo{
		first.No: {"R260301-0123456789ABCDEFGH12", "R260301-AAAA456789ABCDEF7Q9Z"}, second.No: {"outside-7q9zab"},
	}
	for sale, list := range numbers {
		for i, no := range list {
			asked := refundIntended(70+i, sale, 10)
			done := refundNews(80+i, sale, 10, pos.RefundArrived, pos.RefundReportDone)
			asked.Refund, done.Refund, done.RefundReport.Refund = no, no, no
			done.RefundReport.ProviderNo = "19174000556" + string(sale[len(sale)-1:]) + fmt.Sprint(i) + "7788"
			record(t, j, asked, done)
		}
	}
	provider := func(no pos.RefundNo) string {
		r, err := j.RefundByNo(t.Context(), no)
		if err != nil || r.ProviderNo == "" {
			t.Fatalf("%+v, %v", r, err)
		}
		return r.ProviderNo
	}
	ours, theirs := provider(numbers[first.No][0]), provider(numbers[second.No][0])
	for i, listed := range []func() error{
		func() error { return j.Unlist(true) }, func() error { return j.Tidy(t.Context()) },
		func() error { return j.Unlist(false) }, func() error { return j.Tidy(t.Context()) }, func() error { return j.Unlist(true) },
	} {
		j.Patience([]int64{2000, 2000, 2000, -1, -1}[i], []int64{5000, 5000, 5000, -1, 5000}[i])
		if err := listed(); err != nil {
			t.Fatal(err)
		}
		for text, want := range map[string][]pos.SaleNo{
			string(numbers[first.No][0]): {first.No}, strings.ToLower(string(numbers[first.No][0])): {first.No},
			" defgh12 ": {first.No}, "EFGH12": {first.No}, "FGH12": nil, "EFGH13": nil, "XEFGH12": nil,
			"OUTSIDE-7Q9ZAB": {second.No}, "7q9zab": {second.No}, "DEF7Q9Z": {first.No},
			ours: {first.No}, ours[len(ours)-6:]: {first.No}, theirs: {second.No}, theirs[:len(theirs)-1]: nil,
		} {
			for _, q := range []pos.SaleQuery{{Text: text}, {Text: text, States: []pos.SaleState{pos.SalePaid}}} {
				q.Limit = 3
				var got []pos.SaleNo
				for _, s := range pages(t, j, q) {
					got = append(got, s.No)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%d: %+v finds %v, want %v", i, q, got, want)
				}
			}
		}
		if got := pages(t, j, pos.SaleQuery{Text: "EFGH12", States: []pos.SaleState{pos.SaleClosed}, Limit: 3}); len(got) != 0 {
			t.Errorf("%d: another state finds %v", i, got)
		}
	}
	for _, few := range []int64{2000, -1} {
		j.Patience(few, few)
		steps, err := j.Explain(t.Context(), pos.SaleQuery{Text: "EFGH12"})
		if plan := strings.Join(steps, "\n"); err != nil || !strings.Contains(plan, "refunds_last (<expr>=?)") ||
			!strings.Contains(plan, "refunds_provider_last (<expr>=?)") || strings.Contains(plan, "SCAN refunds") {
			t.Errorf("%v\n%s", err, plan)
		}
	}
}

func TestALimitIsKeptInBounds(t *testing.T) {
	j := bound(t, newPath(t))
	history(t, j, 600)
	for limit, want := range map[int]int{0: 50, -1: 50, 1: 1, 100_000: 500} {
		page, err := j.Sales(t.Context(), pos.SaleQuery{Limit: limit})
		if err != nil || len(page.Sales) != want || page.Next == nil {
			t.Errorf("limit %d: %d sales, %v", limit, len(page.Sales), err)
		}
	}
}

func TestNoQueryReadsTheWholeHistory(t *testing.T) {
	j := bound(t, newPath(t))
	history(t, j, 60)
	j.Patience(10, 20)
	for _, q := range []pos.SaleQuery{
		{},
		{Text: "S26"},
		{Text: "S26", Cashier: "c2"},
		{Text: "S26", States: []pos.SaleState{pos.SaleClosed}},
		{Before: pos.PageMark{AtMs: 1, No: "S"}},
		{From: at(1), To: at(9)},
		{Amount: 1003},
		{Amount: 1003, States: []pos.SaleState{pos.SalePaid, pos.SaleClosed}},
		{States: []pos.SaleState{pos.SalePaid}},
		{States: []pos.SaleState{pos.SalePaid, pos.SaleClosed}, From: at(1)},
		{Text: "S260301-0"},
		{Text: "Table 1", Amount: 1003},
		{Cashier: "c1"},
		{Cashier: "c1", From: at(1), To: at(9), States: []pos.SaleState{pos.SalePaid}},
		{Cashier: "c1", Amount: 1003},
		{Cashier: "c1", States: []pos.SaleState{pos.SaleClosed}},
	} {
		steps, err := j.Explain(t.Context(), q)
		if err != nil || len(steps) == 0 {
			t.Fatalf("%+v: %v", q, err)
		}
		// A sale is live for an hour at most; a merge sorts one page of each walk.
		sorts := 0
		for _, step := range steps {
			if strings.HasPrefix(step, "SCAN sales") && !strings.Contains(step, "INDEX sales_time") && !strings.Contains(step, "INDEX sales_live") {
				t.Errorf("%+v: %s\n%s", q, step, strings.Join(steps, "\n"))
			}
			if strings.Contains(step, "TEMP B-TREE FOR ORDER BY") {
				sorts++
			}
		}
		if merged := slices.Contains(steps, "COMPOUND QUERY"); q.Text == "" && (sorts > 1 || sorts == 1 && !merged) {
			t.Errorf("%+v sorts all of its hits\n%s", q, strings.Join(steps, "\n"))
		}
	}
}
