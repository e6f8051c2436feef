package payby

import (
	zipfile "archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func partName(n int) string { return fmt.Sprintf("Purchase_Statement_15072026_%03d.csv", n) }

func TestSplit_PartsWithAndWithoutRepeatedLines(t *testing.T) {
	for _, set := range []string{"v1", "v2"} {
		other := strings.SplitAfter(sampleText(t, map[string]string{"v1": "v2", "v2": "v1"}[set], transactionCSV), "\n")
		l := strings.SplitAfter(sampleText(t, set, transactionCSV), "\n")
		summary, header, rows := l[0], l[1], l[2:6]
		count := func(n int) string {
			return strings.Replace(summary, "totalCount:4", fmt.Sprintf("totalCount:%d", n), 1)
		}
		moved := strings.SplitAfter(reversed(summary+header+rows[2]+rows[3]), "\n")
		for name, c := range map[string]struct {
			first, second string
			finding       bool
		}{
			"nothing repeated":            {summary + header + rows[0] + rows[1], rows[2] + rows[3], false},
			"names repeated":              {summary + header + rows[0] + rows[1], header + rows[2] + rows[3], false},
			"both repeated":               {summary + header + rows[0] + rows[1], summary + header + rows[2] + rows[3], false},
			"summary repeated":            {summary + header + rows[0] + rows[1], summary + rows[2] + rows[3], false},
			"a summary for each part":     {count(3) + header + rows[0] + rows[1] + rows[2], count(1) + header + rows[3], false},
			"equal summaries of parts":    {count(2) + header + rows[0] + rows[1], count(2) + header + rows[2] + rows[3], false},
			"columns moved":               {summary + header + rows[0] + rows[1], strings.Join(moved[1:], ""), false},
			"asterisks":                   {"*" + summary + header + rows[0] + strings.TrimSuffix(rows[1], "\n") + "*", "*" + rows[2] + strings.TrimSuffix(rows[3], "\n") + "*", false},
			"other ends":                  {"\ufeff" + strings.ReplaceAll(summary+header+rows[0]+rows[1], "\n", "\r\n"), "\ufeff" + header + rows[2] + rows[3], false},
			"other layout":                {summary + header + rows[0] + rows[1], other[1] + other[4] + other[5], false},
			"only a summary":              {summary + header + strings.Join(rows, ""), summary, false},
			"only names":                  {summary + header + strings.Join(rows, ""), header, false},
			"a row lost, one summary":     {summary + header + rows[0] + rows[1], rows[2], true},
			"a row lost, same summaries":  {summary + header + rows[0], summary + header + rows[1] + rows[2], true},
			"a row lost, other summaries": {count(3) + header + rows[0] + rows[1], count(1) + header + rows[2], true},
		} {
			t.Run(set+"/"+name, func(t *testing.T) {
				s := texts(t, partName(2), c.second, partName(1), c.first)
				var numbers []string
				for _, r := range all(t, s.Transactions()) {
					numbers = append(numbers, r.OrderNo)
				}
				want := "131784009730900852 131784015203006982 191784020413002297 131784021500006990"
				if got := strings.Join(numbers, " "); got != want && !c.finding {
					t.Errorf("%s", got)
				}
				checked, err := s.CheckTransactions()
				if err != nil || len(checked.Findings) > 0 != c.finding {
					t.Errorf("%+v, %v", checked, err)
				}
			})
		}
	}
}

func TestSplit_DamageInALaterPart(t *testing.T) {
	text := sampleText(t, "v1", transactionCSV)
	header := strings.SplitAfter(text, "\n")[1]
	for name, c := range map[string]struct {
		second string
		want   error
	}{
		"empty":          {"", ErrMalformed},
		"other merchant": {strings.Replace(text, ownID, "200000000889", 1), ErrOtherMerchant},
		"column twice":   {strings.Replace(header, "|subject|", "|status|", 1), ErrMalformed},
		"column missing": {strings.Replace(header, "|totalAmount|", "|", 1), ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			n, _, fatal := outcome(t, texts(t, partName(1), text, partName(2), c.second).Transactions())
			if n != 4 || fatal == nil || fatal.File != partName(2) || !errors.Is(fatal, c.want) {
				t.Errorf("%d rows, %v", n, fatal)
			}
		})
	}
}

func TestSplit_FundFile(t *testing.T) {
	l := strings.SplitAfter(sampleText(t, "v1", fundCSV), "\n")
	second := strings.Replace(fundCSV, "_001", "_002", 1)
	for name, head := range map[string]string{"nothing repeated": "", "names repeated": l[2], "all repeated": l[0] + l[1] + l[2]} {
		t.Run(name, func(t *testing.T) {
			s := texts(t, fundCSV, l[0]+l[1]+l[2]+l[3]+l[4], second, head+l[5]+l[6])
			if n := len(all(t, s.FundEntries())); n != 4 {
				t.Errorf("%d rows", n)
			}
			if c, err := s.CheckFund(); err != nil || len(c.Findings) != 0 {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
}

const (
	bigDay  = 120_000
	bigPart = 50_000
)

// bigRow is a row of the long day; its amount is its number in fils.
func bigRow(i int) string {
	return fmt.Sprintf("2026-07-14T%02d:%02d:%02d+0400|PAYMENT|%s|AED|Basic Payment Gateway|DYNQR|POS01-20260714-%07d|13%016d|SUCCESS|BALANCE|"+
		"Corner Shop purchase|200000000888|POS01|CASHIER-07|S00001|CORNER SHOP TRADING LLC|Corner Shop - Marina||POS01/shift-1\n",
		i/3600%24, i/60%60, i%60, Fils(i+1), i, i)
}

// bigReader writes one part of the long day as it is read, so that the test
// does not hold it either.
type bigReader struct {
	next, end int
	rest      string
}

func (b *bigReader) Read(p []byte) (int, error) {
	if b.rest == "" {
		if b.next == b.end {
			return 0, io.EOF
		}
		b.rest = bigRow(b.next)
		b.next++
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *bigReader) Close() error { return nil }

func bigParts(t testing.TB, repeat bool) []StatementFile {
	l := strings.SplitAfter(sampleText(t, "v1", transactionCSV), "\n")
	head := strings.Replace(l[0], "totalCount:4", fmt.Sprint("totalCount:", bigDay), 1) + l[1]
	var files []StatementFile
	for from := 0; from < bigDay; from += bigPart {
		files = append(files, StatementFile{Name: partName(from/bigPart + 1), Open: func() (io.ReadCloser, error) {
			r := &bigReader{next: from, end: min(from+bigPart, bigDay)}
			if from == 0 || repeat {
				r.rest = head
			}
			return r, nil
		}})
	}
	return files
}

func TestSplit_ALongDayIsCheckedInConstantMemory(t *testing.T) {
	s, err := OpenStatementFiles(bigParts(t, true), own)
	if err != nil {
		t.Fatal(err)
	}
	base := heap()
	c, err := s.CheckTransactions()
	if err != nil || c.Rows != bigDay || len(c.Findings) != 0 {
		t.Errorf("%+v, %v", c, err)
	}
	if grown := int64(heap()) - int64(base); grown > 1<<20 {
		t.Errorf("%d bytes are held after checking", grown)
	}
	runtime.KeepAlive(s)
}

func TestSplit_ALongDayTakesConstantMemory(t *testing.T) {
	loose, err := OpenStatementFiles(bigParts(t, false), own)
	if err != nil {
		t.Fatal(err)
	}
	packed := bigZIP(t)
	for name, s := range map[string]*Statement{"loose files": loose, "ZIP on disk": packed} {
		t.Run(name, func(t *testing.T) {
			base, most := heap(), uint64(0)
			rows, sum := 0, Fils(0)
			for r, err := range s.Transactions() {
				if err != nil {
					t.Fatal(err)
				}
				rows++
				if sum, err = AddFils(sum, r.TotalAmount); err != nil || r.TotalAmount != Fils(rows) {
					t.Fatalf("row %d: %v, %v", rows, r, err)
				}
				if rows%10_000 == 0 {
					most = max(most, heap())
				}
			}
			if rows != bigDay || sum != bigDay*(bigDay+1)/2 {
				t.Errorf("%d rows, %v", rows, sum)
			}
			// 120,000 rows are 27 MB of text; the line buffers are 64 KiB each.
			if grown := int64(most) - int64(base); grown > 1<<20 {
				t.Errorf("%d bytes are held while reading", grown)
			}
			runtime.KeepAlive(s)
		})
	}
}

// heap is what is reachable now.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func bigZIP(t *testing.T) *Statement {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "day.zip"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	w := zipfile.NewWriter(f)
	for _, part := range bigParts(t, true) {
		in, err1 := part.Open()
		out, err2 := w.Create(part.Name)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(out, in); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	s, err := OpenStatement(f, info.Size(), own)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A kept field must not keep its row: the numbers of a long day are kept by
// whoever matches them.
func TestTransaction_KeptNumbersDoNotKeepTheirRows(t *testing.T) {
	const rows = 20_000
	s, err := OpenStatementFiles(bigParts(t, true), own)
	if err != nil {
		t.Fatal(err)
	}
	kept := make([]string, 0, rows)
	base := heap()
	for r, err := range s.Transactions() {
		if err != nil {
			t.Fatal(err)
		}
		if kept = append(kept, r.MerchantOrderNo); len(kept) == rows {
			break
		}
	}
	if grown := int64(heap()) - int64(base); len(kept) != rows || grown > rows*64 {
		t.Errorf("%d numbers hold %d bytes", len(kept), grown)
	}
	runtime.KeepAlive(kept)
}
