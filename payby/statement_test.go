package payby

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

var sampleSets = []string{"v1", "v1_asterisks", "v1_no_mid", "v2", "v2_asterisks"}

func TestStatement_EverySampleIsTheSameDay(t *testing.T) {
	for _, set := range sampleSets {
		t.Run(set, func(t *testing.T) {
			s := sampleSet(t, set)
			version, period := StatementV1, "20260715"
			if strings.HasPrefix(set, "v2") {
				version, period = StatementV2, ownID+"20260715"
			}
			mid := ownID
			if set == "v1_no_mid" {
				mid = ""
			}
			from, to := uae(t, "2026-07-14 00:00:00"), uae(t, "2026-07-15 00:00:00")
			tx, err := s.TransactionSummary()
			if want := (TransactionSummary{transactionCSV, 1, version, mid, period, "20260715", from, to, 4}); err != nil || !reflect.DeepEqual(*tx, want) {
				t.Errorf("%+v, %v, want %+v", tx, err, want)
			}
			st, err := s.SettlementSummary()
			if want := (SettlementSummary{settlementCSV, 1, version, mid, period, "20260715", from, to,
				3, 1_000_000, 18405, 2600, 186, 9, 15805, PayoutSuccess, 1_000_000}); err != nil || !reflect.DeepEqual(*st, want) {
				t.Errorf("%+v, %v, want %+v", st, err, want)
			}
			if got, want := all(t, s.Transactions()), all(t, sampleSet(t, "v1").Transactions()); !reflect.DeepEqual(plainOrders(got, transactionOrder), plainOrders(want, transactionOrder)) {
				t.Errorf("%+v\nwant\n%+v", got, want)
			}
			settled, want := all(t, s.Settlements()), all(t, sampleSet(t, "v1").Settlements())
			for i, total := range []Fils{12600, 6000, 2600} {
				if version == StatementV2 {
					if settled[i].TotalAmount == nil || *settled[i].TotalAmount != total {
						t.Errorf("row %d: total %v, want %v", i, settled[i].TotalAmount, total)
					}
					settled[i].TotalAmount = nil
				}
			}
			if !reflect.DeepEqual(plainOrders(settled, settlementOrder), plainOrders(want, settlementOrder)) {
				t.Errorf("%+v\nwant\n%+v", settled, want)
			}
			if set == "v1_no_mid" {
				if _, err := s.FundSummary(); !errors.Is(err, ErrNoStatementFile) || s.Has(FundFile) {
					t.Errorf("no fund file: %v", err)
				}
				return
			}
			fund, err := s.FundSummary()
			if want := (FundSummary{fundCSV, 2, from, 2, 1_840_500, 2, 1_840_500, 1_000_000, 1_000_000}); err != nil || *fund != want {
				t.Errorf("%+v, %v, want %+v", fund, err, want)
			}
			if got, want := all(t, s.FundEntries()), all(t, sampleSet(t, "v1").FundEntries()); !reflect.DeepEqual(got, want) {
				t.Errorf("%+v\nwant\n%+v", got, want)
			}
		})
	}
}

func transactionOrder(t *Transaction) *RowOrder { return &t.RowOrder }
func settlementOrder(s *Settlement) *RowOrder   { return &s.RowOrder }

// plainOrders leaves what both layouts tell: V2 has card columns and calls a
// bank card BANK.
func plainOrders[R any](rows []R, order func(*R) *RowOrder) []R {
	for i := range rows {
		o := order(&rows[i])
		o.Scheme, o.CardIssuingCountry, o.CardLevel, o.CardType, o.Payer = "", "", "", "", RowPayer{}
		if o.PaymentMethodType == "BANK" {
			o.PaymentMethodType = "BANKCARD"
		}
	}
	return rows
}

func uae(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation(time.DateTime, s, statementZone)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// The numbers of one day, written down once; the comparison above carries them
// over to every set.
func TestStatement_NumbersOfTheSampleDay(t *testing.T) {
	s := sampleSet(t, "v1")
	var got []string
	for _, r := range all(t, s.Transactions()) {
		got = append(got, strings.TrimSpace(fmt.Sprintln(r.Line, r.PaidTime.Format(time.DateTime), r.Type, r.Status, r.TotalAmount, r.MerchantOrderNo, r.OriginMerchantOrderNo, r.OrderNo, r.TerminalID)))
	}
	for _, r := range all(t, s.Settlements()) {
		got = append(got, strings.TrimSpace(fmt.Sprintln(r.Line, r.SettledTime.Format(time.DateTime), r.Direction, r.SettlementAmount, *r.Comm, *r.VAT, r.OrderNo, r.PaidTime.Format(time.TimeOnly))))
	}
	for _, r := range all(t, s.FundEntries()) {
		got = append(got, strings.TrimSpace(fmt.Sprintln(r.Line, r.AccountingTime.Format(time.TimeOnly), r.TxnNo, r.Direction, r.Amount, r.Before, r.After, r.Product, r.OrderNo)))
	}
	want := []string{
		"3 2026-07-14 10:16:11 PAYMENT SUCCESS 126.00 POS01-20260714101530-7Q4K2M  131784009730900852 POS01",
		"4 2026-07-14 11:47:36 PAYMENT SUCCESS 60.00 POS01-20260714114643-85QX2B  131784015203006982 POS01",
		"5 2026-07-14 13:13:33 REFUND SUCCESS 26.00 R-POS01-20260714131313-01 POS01-20260712090102-AA11BB 191784020413002297",
		"6 2026-07-14 13:32:02 PAYMENT REVERTED 15.50 POS01-20260714133140-ZZ93KD  131784021500006990 POS02",
		"3 2026-07-14 23:50:12 IN 124.68 1.26 0.06 131784009730900852 10:16:11",
		"4 2026-07-14 23:50:12 IN 59.37 0.60 0.03 131784015203006982 11:47:36",
		"5 2026-07-14 23:50:12 OUT 26.00 0.00 0.00 191784020413002297 13:13:33",
		"4 13:13:33 fd20260714000442901 OUT 26.00 100.00 74.00 Basic Payment Gateway 191784020413002297",
		"5 23:50:12 fd20260714000442955 IN 124.68 74.00 198.68 Basic Payment Gateway 131784009730900852",
		"6 23:50:12 fd20260714000442956 IN 59.37 198.68 258.05 Basic Payment Gateway 131784015203006982",
		"7 23:59:19 fd20260714000442999 OUT 158.05 258.05 100.00 Settlement 131784059159021228",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestStatement_WideRowsTellTheCard(t *testing.T) {
	r := all(t, sampleSet(t, "v2").Transactions())[1]
	if r.Scheme != "MASTERCARD" || r.CardIssuingCountry != "AE" || r.CardLevel != "Premium" || r.CardType != "DC" || r.Subject != "Corner Shop & Café" ||
		r.Payer.CardNumber() != "512345******0008" || r.Payer.AuthCode() != "765210" {
		t.Errorf("%+v card %q auth %q", r, r.Payer.CardNumber(), r.Payer.AuthCode())
	}
}

func TestStatement_TextVariantsReadAlike(t *testing.T) {
	set := func(dir string, vary func(string) string) *Statement {
		return texts(t, transactionCSV, vary(sampleText(t, dir, transactionCSV)),
			settlementCSV, vary(sampleText(t, dir, settlementCSV)), fundCSV, vary(sampleText(t, dir, fundCSV)))
	}
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	for name, vary := range map[string]func(string) string{
		"CR LF":                        crlf,
		"byte order mark":              func(s string) string { return "\ufeff" + s },
		"byte order mark and CR LF":    func(s string) string { return "\ufeff" + crlf(s) },
		"no last line end":             func(s string) string { return strings.TrimSuffix(s, "\n") },
		"empty lines at the end":       func(s string) string { return s + "\n\r\n\n" },
		"names in another case":        otherCase,
		"columns reversed":             reversed,
		"a column nobody knows":        func(s string) string { return appended(s, "loyaltyPoints", "7") },
		"described times":              func(s string) string { return describedTimes(t, s) },
		"prefixed amounts everywhere":  func(s string) string { return strings.ReplaceAll(s, "|26.00|", "|AED 26.00|") },
		"other words for the same way": otherWords,
	} {
		for _, dir := range []string{"v1", "v1_asterisks", "v2", "v2_asterisks"} {
			t.Run(name+"/"+dir, func(t *testing.T) {
				if strings.HasSuffix(dir, "asterisks") && (name == "columns reversed" || name == "a column nobody knows") {
					dir = strings.TrimSuffix(dir, "_asterisks") // the marks would be moved into the file
				}
				plain, varied := set(dir, func(s string) string { return s }), set(dir, vary)
				if got, want := all(t, varied.Transactions()), all(t, plain.Transactions()); !reflect.DeepEqual(got, want) {
					t.Errorf("%+v\nwant\n%+v", got, want)
				}
				if got, want := all(t, varied.Settlements()), all(t, plain.Settlements()); !reflect.DeepEqual(got, want) {
					t.Errorf("%+v\nwant\n%+v", got, want)
				}
				if got, want := all(t, varied.FundEntries()), all(t, plain.FundEntries()); !reflect.DeepEqual(got, want) {
					t.Errorf("%+v\nwant\n%+v", got, want)
				}
				for _, check := range []func() (*Checked, error){varied.CheckTransactions, varied.CheckSettlement, varied.CheckFund} {
					if c, err := check(); err != nil || len(c.Findings) != 0 {
						t.Errorf("%+v, %v", c, err)
					}
				}
			})
		}
	}
}

// headerLine is the index of the line with the column names.
func headerLine(lines []string) int {
	if strings.Contains(lines[0], "ACCOUNTING_DATE") {
		return 2
	}
	return 1
}

func otherCase(s string) string {
	lines := strings.Split(s, "\n")
	h := headerLine(lines)
	lines[h] = strings.ToUpper(lines[h])
	if h == 2 {
		lines[0], lines[h] = strings.ToLower(lines[0]), strings.ToLower(lines[h])
	}
	return strings.Replace(strings.Join(lines, "\n"), "mid:", "MID:", 1)
}

func eachRow(s string, change func(i int, fields []string) []string) string {
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	for i := headerLine(lines); i < len(lines); i++ {
		lines[i] = strings.Join(change(i-headerLine(lines), strings.Split(lines[i], "|")), "|")
	}
	return strings.Join(lines, "\n") + "\n"
}

func reversed(s string) string {
	return eachRow(s, func(_ int, f []string) []string {
		for i, j := 0, len(f)-1; i < j; i, j = i+1, j-1 {
			f[i], f[j] = f[j], f[i]
		}
		return f
	})
}

func appended(s, name, value string) string {
	return eachRow(s, func(i int, f []string) []string {
		if i == 0 {
			return append(f, name)
		}
		return append(f, value)
	})
}

func describedTimes(t *testing.T, s string) string {
	return eachRow(s, func(_ int, f []string) []string {
		for i := range f {
			if at, err := time.Parse("2006-01-02T15:04:05-0700", f[i]); err == nil {
				f[i] = at.In(statementZone).Format("02-01-2006 15:04:05")
			}
		}
		return f
	})
}

func otherWords(s string) string {
	return strings.NewReplacer("|IN|", "|CREDIT|", "|OUT|", "|Debit|", "|Payout|", "|PAYOUT|", "|Income|", "|CREDIT|", "|SUCCESS|", "|success|").Replace(s)
}
