package payby

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
)

func TestStatement_DamageIsNamedWithFileAndLine(t *testing.T) {
	const noRow = -1
	for name, c := range map[string]struct {
		set, file string
		old, with string
		line      int
		column    string
		good      int // rows that are still read; noRow when the file is given up
		want      error
	}{
		"too many fields":         {"v1", transactionCSV, "|REFUND|", "|REFUND|x|", 5, "", 3, ErrMalformed},
		"too few fields":          {"v1", transactionCSV, "|REFUND|", "|", 5, "", 3, ErrMalformed},
		"cut off in a row":        {"v1", transactionCSV, "|REVERTED|BALANCE|Corner Shop purchase|200000000888|POS02|CASHIER-02|S00001|CORNER SHOP TRADING LLC|Corner Shop - Marina||\n", "|REV", 6, "", 3, ErrMalformed},
		"not whole fils":          {"v1", transactionCSV, "|126.00|", "|126.001|", 3, "totalAmount", 3, ErrMalformed},
		"amount empty":            {"v1", transactionCSV, "|126.00|", "||", 3, "totalAmount", 3, ErrMalformed},
		"amount grouped":          {"v1", transactionCSV, "|126.00|", "|1,126.00|", 3, "totalAmount", 3, ErrMalformed},
		"amount negative":         {"v1", transactionCSV, "|126.00|", "|-126.00|", 3, "totalAmount", 3, ErrMalformed},
		"amount in exponents":     {"v1", transactionCSV, "|126.00|", "|1.26E+2|", 3, "totalAmount", 3, ErrMalformed},
		"amount of 13 digits":     {"v1", transactionCSV, "|126.00|", "|1000000000000.00|", 3, "totalAmount", 3, ErrMalformed},
		"other currency":          {"v1", transactionCSV, "126.00|AED|", "126.00|USD|", 3, "orderCurrency", 3, ErrMalformed},
		"amount with currency":    {"v1", transactionCSV, "|126.00|", "|USD 126.00|", 3, "totalAmount", 3, ErrMalformed},
		"no time":                 {"v1", transactionCSV, "2026-07-14T10:16:11+0400", "", 3, "paidTime", 3, ErrMalformed},
		"no such time":            {"v1", transactionCSV, "2026-07-14T10:16:11+0400", "2026-02-30T10:16:11+0400", 3, "paidTime", 3, ErrMalformed},
		"no type":                 {"v1", transactionCSV, "|REFUND|", "||", 5, "transactionType", 3, ErrMalformed},
		"no numbers at all":       {"v1", transactionCSV, "R-POS01-20260714131313-01|191784020413002297", "|", 5, "merchantOrderNo", 3, ErrMalformed},
		"not UTF-8":               {"v1", transactionCSV, "Café", "Caf\xe9", 4, "", 3, ErrMalformed},
		"control characters":      {"v1", transactionCSV, "Café", "Caf\x00", 4, "", 3, ErrMalformed},
		"direction unknown":       {"v1", settlementCSV, "|REFUND|OUT|", "|REFUND|SIDEWAYS|", 5, "direction", 2, ErrMalformed},
		"direction empty":         {"v2", settlementCSV, "|REFUND|OUT|", "|REFUND||", 5, "direction", 2, ErrMalformed},
		"fee unreadable":          {"v1", settlementCSV, "|1.26|", "|1.2x|", 3, "comm", 2, ErrMalformed},
		"VAT in other money":      {"v1", settlementCSV, "|0.06|AED|", "|0.06|EUR|", 3, "VATCurrency", 2, ErrMalformed},
		"settled amount":          {"v2", settlementCSV, "|124.68|", "|124.685|", 3, "settlementAmount", 2, ErrMalformed},
		"gross amount":            {"v2", settlementCSV, "AED|126.00|", "AED|126.005|", 3, "totalAmount", 2, ErrMalformed},
		"paid time":               {"v2", settlementCSV, "2026-07-14T10:16:11+0400", "yesterday", 3, "paidTime", 2, ErrMalformed},
		"fund balance":            {"v1", fundCSV, "|74.00|BASIC", "|74.00001|BASIC", 4, "AFTER_AMT", 3, ErrMalformed},
		"fund amount in 4 digits": {"v1", fundCSV, "|26.00|", "|26.0050|", 4, "TXN_AMT", 3, ErrMalformed},
		"empty":                   {"v1", transactionCSV, "", "", 0, "", noRow, ErrMalformed},
		"other file inside":       {"v1", fundCSV, "", "a|b|c\n1|2|3\n", 1, "", noRow, ErrMalformed},
		"summary missing":         {"v1", transactionCSV, "mid:200000000888|periodNo:20260715|startTime:2026-07-14 00:00|endTime:2026-07-15 00:00|totalCount:4\n", "", 1, "", noRow, ErrMalformed},
		"other merchant":          {"v1", transactionCSV, "mid:200000000888", "mid:200000000889", 1, "mid", noRow, ErrOtherMerchant},
		"merchant left empty":     {"v1", transactionCSV, "mid:200000000888", "mid:", 1, "mid", noRow, ErrOtherMerchant},
		"merchant named twice":    {"v1", transactionCSV, "mid:200000000888", "mid:200000000888|MID:200000000888", 1, "mid", noRow, ErrMalformed},
		"other merchant's period": {"v2", settlementCSV, "settlePeriodNo:20000000088820260715", "settlePeriodNo:20000000088920260715", 1, "settlePeriodNo", noRow, ErrOtherMerchant},
		"other merchant, no mid":  {"v2", transactionCSV, "mid:200000000888|periodNo:200000000888", "periodNo:200000000889", 1, "periodNo", noRow, ErrOtherMerchant},
		"count missing":           {"v1", transactionCSV, "|totalCount:4", "", 1, "totalCount", noRow, ErrMalformed},
		"summary without names":   {"v1", transactionCSV, "|totalCount:4", "|totalCount:4|rest", 1, "", noRow, ErrMalformed},
		"column missing":          {"v1", transactionCSV, "|totalAmount|", "|total|", 2, "totalAmount", noRow, ErrMalformed},
		"column twice":            {"v1", transactionCSV, "|subject|", "|TOTALAMOUNT|", 2, "totalAmount", noRow, ErrMalformed},
		"unknown column twice":    {"v1", transactionCSV, "|subject|reserved", "|x|X", 2, "", noRow, ErrMalformed},
		"rows promised":           {"v1", transactionCSV, "", "mid:200000000888|periodNo:20260715|startTime:2026-07-14 00:00|endTime:2026-07-15 00:00|totalCount:4\n", 1, "totalCount", noRow, ErrMalformed},
		"payouts promised":        {"v1", fundCSV, "", "ACCOUNTING_DATE|NUMBER_INCOME|AMOUNT_INCOME|NUMBER_PAYOUT|AMOUNT_PAYOUT|BEGINNING_BALANCE|ENDING_BALANCE\n2026-07-14T00:00:00+0400|0|0|2|184.05|100.0000|100.00\n", 2, "NUMBER_PAYOUT", noRow, ErrMalformed},
		"fund values missing":     {"v1", fundCSV, "", "ACCOUNTING_DATE|NUMBER_INCOME|AMOUNT_INCOME|NUMBER_PAYOUT|AMOUNT_PAYOUT|BEGINNING_BALANCE|ENDING_BALANCE\n", 1, "", noRow, ErrMalformed},
		"fund values too many":    {"v1", fundCSV, "|100.0000|100.00\n", "|100.0000|100.00|0\n", 2, "", noRow, ErrMalformed},
		"UTF-16":                  {"v1", transactionCSV, "", "\xff\xfem\x00i\x00d\x00", 1, "", noRow, ErrMalformed},
		"endless line":            {"v1", transactionCSV, "|REFUND|", strings.Repeat("x", 1<<17), 5, "", noRow, ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			text := c.with
			if c.old != "" {
				text = sampleText(t, c.set, c.file)
				if name == "unknown column twice" {
					text = strings.Replace(text, "originMerchantOrderNo|reserved", "subject|reserved", 1)
					text = strings.Replace(text, "|subject|payeeMid", "|originMerchantOrderNo|payeeMid", 1)
				}
				text = change(t, text, c.old, c.with)
			}
			s := texts(t, c.file, text)
			var good int
			var damaged []*StatementError
			var fatal *StatementError
			switch c.file {
			case transactionCSV:
				good, damaged, fatal = outcome(t, s.Transactions())
			case settlementCSV:
				good, damaged, fatal = outcome(t, s.Settlements())
			default:
				good, damaged, fatal = outcome(t, s.FundEntries())
			}
			e := fatal
			if c.good != noRow {
				if fatal != nil || len(damaged) != 1 || good != c.good {
					t.Fatalf("%d rows, damaged %v, fatal %v", good, damaged, fatal)
				}
				e = damaged[0]
			}
			if e == nil || e.File != c.file || e.Line != c.line || e.Column != c.column || !errors.Is(e, c.want) {
				t.Fatalf("%v (%+v), want line %d column %q %v", e, e, c.line, c.column, c.want)
			}
			if c.line > 0 && !strings.Contains(e.Error(), fmt.Sprintf("%s, line %d", c.file, c.line)) {
				t.Errorf("%q names no place", e)
			}
		})
	}
}

func TestStatement_DamagedSummariesAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		file, old, with, column string
	}{
		"period":       {transactionCSV, "periodNo:20260715", "periodNo:July", "periodNo"},
		"no such day":  {transactionCSV, "periodNo:20260715", "periodNo:20260732", "periodNo"},
		"start":        {transactionCSV, "startTime:2026-07-14 00:00", "startTime:14-07-2026", "startTime"},
		"count":        {transactionCSV, "totalCount:4", "totalCount:4.0", "totalCount"},
		"below zero":   {transactionCSV, "totalCount:4", "totalCount:-4", "totalCount"},
		"opening":      {settlementCSV, "openingAmount:AED 100.00", "openingAmount:AED", "openingAmount"},
		"credit":       {settlementCSV, "totalCredit:AED 184.05", "totalCredit:AED 184.055", "totalCredit"},
		"to the bank":  {settlementCSV, "AED 158.05 success", "success", "settleToBank"},
		"date":         {fundCSV, "2026-07-14T00:00:00+0400", "today", "ACCOUNTING_DATE"},
		"ending":       {fundCSV, "|100.0000|100.00\n", "|100.0000|100.00001\n", "ENDING_BALANCE"},
		"income count": {fundCSV, "|2|184.05|2|", "|two|184.05|2|", "NUMBER_INCOME"},
	} {
		t.Run(name, func(t *testing.T) {
			s := texts(t, c.file, change(t, sampleText(t, "v1", c.file), c.old, c.with))
			var errs [2]error
			switch c.file {
			case transactionCSV:
				_, errs[0] = s.TransactionSummary()
				_, errs[1] = s.CheckTransactions()
			case settlementCSV:
				_, errs[0] = s.SettlementSummary()
				_, errs[1] = s.CheckSettlement()
			default:
				_, errs[0] = s.FundSummary()
				_, errs[1] = s.CheckFund()
			}
			for _, err := range errs {
				var e *StatementError
				if !errors.As(err, &e) || e.Column != c.column || e.File != c.file || e.Line == 0 || e.Row {
					t.Errorf("%v", err)
				}
			}
		})
	}
}

func TestStatement_ADayWithoutRows(t *testing.T) {
	summary := "mid:200000000888|periodNo:20260715|startTime:2026-07-14 00:00|endTime:2026-07-15 00:00|totalCount:0"
	header := strings.Split(sampleText(t, "v2", transactionCSV), "\n")[1]
	for _, text := range []string{summary, summary + "\n", "*" + summary + "*\r\n", summary + "\n" + header, "*" + summary + "\n" + header + "*\n"} {
		s := texts(t, transactionCSV, text)
		if n := len(all(t, s.Transactions())); n != 0 {
			t.Errorf("%d rows", n)
		}
		if c, err := s.CheckTransactions(); err != nil || !reflect.DeepEqual(c, &Checked{}) {
			t.Errorf("%+v, %v", c, err)
		}
	}
}

func TestStatement_Asterisks(t *testing.T) {
	text := sampleText(t, "v1", transactionCSV)
	reserved := func(text string) (list []string) {
		for _, r := range all(t, texts(t, transactionCSV, text).Transactions()) {
			list = append(list, r.Reserved)
		}
		return list
	}
	row3, row4, last := "|POS01/shift-1\n", "Café|200000000888|POS01|CASHIER-07|S00001|CORNER SHOP TRADING LLC|Corner Shop - Marina||", "|POS02|CASHIER-02|S00001|CORNER SHOP TRADING LLC|Corner Shop - Marina||"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"none":                         {text, []string{"POS01/shift-1", "", "", ""}},
		"glued to the last value":      {change(t, text, last, last+"x*"), []string{"POS01/shift-1", "", "", "x"}},
		"only one is the mark":         {change(t, text, last, last+"x**"), []string{"POS01/shift-1", "", "", "x*"}},
		"lone ones, not marked":        {change(t, text, row4, row4+"*"), []string{"POS01/shift-1", "*", "", ""}},
		"lone ones, marked":            {"*" + change(t, text, row4, row4+"*"), []string{"POS01/shift-1", "", "", ""}},
		"glued ones stay, marked":      {"*" + change(t, text, row3, "|POS01/shift-1*\n"), []string{"POS01/shift-1*", "", "", ""}},
		"two alone stay, marked":       {"*" + change(t, text, row4, row4+"**"), []string{"POS01/shift-1", "**", "", ""}},
		"in front of an inner field":   {"*" + change(t, text, "Café", "*"), []string{"POS01/shift-1", "", "", ""}},
		"last line after the mark":     {"*" + text + "*\n", []string{"POS01/shift-1", "", "", ""}},
		"byte order mark before marks": {"\ufeff*" + change(t, text, row4, row4+"*"), []string{"POS01/shift-1", "", "", ""}},
		"empty lines behind the mark":  {"*" + change(t, text, last, last+"x*") + "\r\n\n", []string{"POS01/shift-1", "", "", "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := reserved(c.text); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	if _, _, fatal := outcome(t, texts(t, transactionCSV, "**"+text).Transactions()); fatal == nil {
		t.Error("two leading asterisks were taken for one")
	}
}

// Every field of every row is a secret here, and every row damaged in another
// place: none may show up in an error or, printed, in a row.
func TestStatement_ErrorsAndTextsKeepThePayerOut(t *testing.T) {
	secrets := map[string]string{"customerName": "Fatima Secret", "mobileNumber": "+971500000042", "emailAddress": "fatima@secret.example",
		"cardNumber": "412345******4242", "authCode": "774411", "authProtocolNo": "AGREEMENT-4711"}
	lines := strings.Split(strings.TrimSuffix(sampleText(t, "v2", transactionCSV), "\n"), "\n")
	names := strings.Split(lines[1], "|")
	fields := strings.Split(lines[2], "|")
	for i, name := range names {
		if secret, ok := secrets[name]; ok {
			fields[i] = secret
		}
	}
	sound := strings.Join(fields, "|")
	clean := func(what, text string) {
		t.Helper()
		for name, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s tells %s: %s", what, name, text)
			}
		}
	}
	for i := range names {
		for _, value := range []string{"", secrets["customerName"], "a|" + secrets["mobileNumber"], secrets["emailAddress"] + "\x00", "\xff"} {
			damaged := strings.Split(sound, "|")
			damaged[i] = value
			s := texts(t, transactionCSV, lines[0]+"\n"+lines[1]+"\n"+strings.Join(damaged, "|")+"\n"+sound+"\n")
			for row, err := range s.Transactions() {
				if err != nil {
					clean("error", fmt.Sprintf("%v", err))
					clean("cause", fmt.Sprintf("%v", errors.Unwrap(err)))
				} else if row.Line == 4 {
					if row.Payer.Name() != secrets["customerName"] || row.Payer.Mobile() != secrets["mobileNumber"] || row.Payer.Email() != secrets["emailAddress"] ||
						row.Payer.CardNumber() != secrets["cardNumber"] || row.Payer.AuthCode() != secrets["authCode"] || row.Payer.AuthProtocolNo() != secrets["authProtocolNo"] {
						t.Fatalf("payer not read")
					}
					encoded, err := json.Marshal(row)
					if err != nil {
						t.Fatal(err)
					}
					clean("row", fmt.Sprintf("%v %+v %#v %s %v %+v %#v %x %q", row, row, row, row, *row, *row, *row, row.Payer, row.Payer)+row.String()+string(encoded))
				}
			}
			c, err := s.CheckTransactions()
			clean("check", fmt.Sprintf("%v %+v", err, c))
			if c != nil {
				for _, f := range c.Findings {
					clean("finding", f.String())
				}
			}
		}
	}
	for _, text := range []string{sound, "mid:" + sound, lines[0] + "\n" + sound, lines[0] + "\n" + lines[1] + "|" + secrets["mobileNumber"] + "|" + secrets["mobileNumber"]} {
		_, _, fatal := outcome(t, texts(t, transactionCSV, text).Transactions())
		if fatal == nil {
			t.Fatalf("%q was read", text)
		}
		clean("error", fatal.Error())
	}
}

func TestStatement_UnreadableFileIsAnError(t *testing.T) {
	broken := errors.New("disk on fire")
	for name, open := range map[string]func() (io.ReadCloser, error){
		"open": func() (io.ReadCloser, error) { return nil, broken },
		"read": func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(strings.NewReader(sampleText(t, "v1", transactionCSV)), failing{broken})), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := OpenStatementFiles([]StatementFile{{Name: transactionCSV, Open: open}}, own)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, fatal := outcome(t, s.Transactions()); !errors.Is(fatal, broken) || strings.Contains(fatal.Error(), "fire") {
				t.Errorf("%v", fatal)
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
