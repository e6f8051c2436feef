package payby

import (
	"errors"
	"iter"
	"strings"
	"testing"
)

func seedStatements(f *testing.F, name string) {
	f.Helper()
	for _, set := range sampleSets {
		if set == "v1_no_mid" && name == fundCSV {
			continue
		}
		text := sampleText(f, set, name)
		lines := strings.SplitAfter(text, "\n")
		f.Add([]byte(text), []byte(nil))
		f.Add([]byte(strings.ReplaceAll(text, "\n", "\r\n")), []byte(lines[len(lines)-2]))
		f.Add([]byte("\ufeff"+text), []byte(text))
		f.Add([]byte(strings.Join(lines[:3], "")), []byte(strings.Join(lines[2:], "")))
	}
	f.Add([]byte("*"), []byte("**"))
	f.Add([]byte("mid:|MID:"), []byte("\xff\xfe"))
}

// fuzzRows reads two parts to their end in every way there is. A row is sound
// or it is an error with a place; a check counts what the loop counts; and
// the line ends do not matter.
func fuzzRows[R any](t *testing.T, first, second []byte, names [2]string,
	rows func(*Statement) iter.Seq2[*R, error], check func(*Statement) (*Checked, error), sound func(*R) bool) {
	t.Helper()
	parts := []string{names[0], string(first), names[1], string(second)}
	if len(second) == 0 {
		parts = parts[:2]
	}
	s := texts(t, parts...)
	good, damaged, fatal := outcome(t, rows(s))
	for _, e := range append(damaged, fatal) {
		if e == nil {
			continue
		}
		text := e.Error()
		if e.File == "" || len(text) > 300 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Fatalf("%q", text)
		}
	}
	for row, err := range rows(s) {
		if err == nil && !sound(row) {
			t.Fatalf("%+v", row)
		}
	}
	c, err := check(s)
	if (c == nil) != (err != nil) || fatal != nil && c != nil {
		t.Fatalf("%+v, %v after %v", c, err, fatal)
	}
	if c != nil {
		if c.Rows != int64(good+len(damaged)) || c.Damaged != int64(len(damaged)) {
			t.Fatalf("%+v of %d rows and %d damaged", c, good, len(damaged))
		}
		for _, f := range c.Findings {
			if f.String() == "" || f.File == "" {
				t.Fatalf("%+v", f)
			}
		}
	}
	if strings.Contains(string(first)+string(second), "\r") || fatal != nil && errors.Is(fatal, ErrTooLarge) {
		return
	}
	for i := 1; i < len(parts); i += 2 {
		parts[i] = strings.ReplaceAll(parts[i], "\n", "\r\n")
	}
	g, d, f := outcome(t, rows(texts(t, parts...)))
	if f != nil && errors.Is(f, ErrTooLarge) {
		return // a line as long as allowed is too long with one byte more
	}
	if g != good || len(d) != len(damaged) || (f == nil) != (fatal == nil) {
		t.Fatalf("%d, %v, %v with CR LF, %d, %v, %v without", g, d, f, good, damaged, fatal)
	}
}

func inRange(f Fils) bool { return f >= 0 && f <= MaxAmount }

func FuzzTransactionFile(f *testing.F) {
	seedStatements(f, transactionCSV)
	f.Fuzz(func(t *testing.T, first, second []byte) {
		fuzzRows(t, first, second, [2]string{partName(1), partName(2)}, (*Statement).Transactions, (*Statement).CheckTransactions,
			func(r *Transaction) bool {
				return inRange(r.TotalAmount) && !r.PaidTime.IsZero() && r.MerchantOrderNo+r.OrderNo != "" && r.Type != "" && r.Line > 0
			})
	})
}

func FuzzSettlementFile(f *testing.F) {
	seedStatements(f, settlementCSV)
	second := strings.Replace(settlementCSV, "_001", "_002", 1)
	f.Fuzz(func(t *testing.T, one, two []byte) {
		fuzzRows(t, one, two, [2]string{settlementCSV, second}, (*Statement).Settlements, (*Statement).CheckSettlement,
			func(r *Settlement) bool {
				return inRange(r.SettlementAmount) && (r.TotalAmount == nil || inRange(*r.TotalAmount)) && !r.SettledTime.IsZero() &&
					(r.Direction == DirectionIn || r.Direction == DirectionOut) && r.MerchantOrderNo+r.OrderNo != ""
			})
	})
}

func FuzzFundFile(f *testing.F) {
	seedStatements(f, fundCSV)
	second := strings.Replace(fundCSV, "_001", "_002", 1)
	f.Fuzz(func(t *testing.T, one, two []byte) {
		fuzzRows(t, one, two, [2]string{fundCSV, second}, (*Statement).FundEntries, (*Statement).CheckFund,
			func(e *FundEntry) bool {
				back, err := ParseBalance(e.Before.String())
				return err == nil && back == e.Before && inRange(e.Amount) && !e.AccountingTime.IsZero() &&
					(e.Direction == DirectionIn || e.Direction == DirectionOut)
			})
	})
}

func FuzzStatementZIP(f *testing.F) {
	for _, set := range sampleSets {
		b := statementZIP(f, transactionCSV, sampleText(f, set, transactionCSV), "../x/"+settlementCSV, sampleText(f, set, settlementCSV))
		f.Add(b)
	}
	f.Add(sampleZIP(f, ""))
	f.Add(sampleZIP(f, "")[:2000])
	limits := StatementOptions{PartnerID: ownID, MaxZIP: 1 << 20, MaxEntries: 10, MaxFile: 1 << 18, MaxTotal: 1 << 19}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := openZIP(b, limits)
		var e *StatementError
		if (s == nil) != (err != nil) || err != nil && !errors.As(err, &e) {
			t.Fatalf("%v, %v", s, err)
		}
		if s == nil {
			return
		}
		for _, kind := range []StatementKind{TransactionFile, SettlementFile, FundFile} {
			if s.Has(kind) != (len(s.Files(kind)) > 0) {
				t.Fatal(kind)
			}
			for _, name := range s.Files(kind) {
				if strings.ContainsAny(name, `/\:`) || strings.Contains(name, "..") {
					t.Fatalf("%q", name)
				}
			}
		}
		outcome(t, s.Transactions())
		outcome(t, s.Settlements())
		outcome(t, s.FundEntries())
	})
}
