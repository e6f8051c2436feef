package sandbox

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
)

// storyDay plays the day of the published sample files, as far as a wallet can.
func storyDay(b *bench) {
	b.t.Helper()
	b.atUAE(14, "10:15:30.000")
	o := sale("POS01-1", 12600)
	o.Reserved = "POS01/shift-1"
	o.AccessoryContent = &payby.AccessoryContent{TerminalDetail: &payby.TerminalDetail{
		OperatorID: "CASHIER-07", StoreID: "S00001", TerminalID: "POS01", StoreName: "Corner Shop - Marina",
	}}
	b.must(payby.OpCreate, o)
	b.command("pay", `{"merchantOrderNo":"POS01-1"}`)
	b.atUAE(14, "11:47:36.000")
	o = sale("POS01-2", 6000)
	o.Subject = "Corner Shop & Café سوق"
	b.must(payby.OpCreate, o)
	b.command("pay", `{"merchantOrderNo":"POS01-2"}`)
	b.atUAE(14, "13:13:33.000")
	b.must(payby.OpRefund, refundOf("POS01-2", "R-1", 2600))
	b.clock.Advance(5 * time.Second)
	b.must(payby.OpCreate, sale("POS01-3", 1550))
	b.command("pay", `{"merchantOrderNo":"POS01-3"}`)
	b.must(payby.OpRevoke, payby.OrderRef{MerchantOrderNo: "POS01-3"})
	b.must(payby.OpCreate, sale("never-paid", 100))
	b.atUAE(14, "23:50:12.000")
	b.command("settle", `{"merchantOrderNo":"POS01-1"}`)
	b.command("settle", `{"merchantOrderNo":"POS01-2"}`)
	b.atUAE(15, "00:10:00.000")
}

func (b *bench) download(day string) (*payby.Download, []byte, error) {
	b.t.Helper()
	var file bytes.Buffer
	d, err := b.client.DownloadStatement(context.Background(), payby.StatementQuery{StatementDate: day}, b.clock.Now(), &file)
	return d, file.Bytes(), err
}

// statementOf downloads a day and lets payby's own reader find nothing wrong with it.
func (b *bench) statementOf(day string) (*payby.Statement, []byte) {
	b.t.Helper()
	_, raw, err := b.download(day)
	if err != nil {
		b.t.Fatal(err)
	}
	s, err := payby.OpenStatement(bytes.NewReader(raw), int64(len(raw)), payby.StatementOptions{PartnerID: partner})
	if err != nil {
		b.t.Fatal(err)
	}
	for name, check := range map[string]func() (*payby.Checked, error){
		"transactions": s.CheckTransactions, "settlement": s.CheckSettlement, "fund": s.CheckFund,
	} {
		c, err := check()
		if err != nil || len(c.Findings) > 0 || c.Damaged > 0 {
			b.t.Fatalf("%s: %+v %v", name, c, err)
		}
	}
	return s, raw
}

func unzip(t *testing.T, raw []byte) (names []string, files map[string]string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	files = make(map[string]string)
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		names, files[f.Name] = append(names, f.Name), string(text)
	}
	return names, files
}

func TestStatement_OneDayInEveryForm(t *testing.T) {
	for _, layout := range []StatementLayout{LayoutV1, LayoutV2} {
		for _, marks := range []bool{false, true} {
			b := newBench(t, func(o *Options) { o.Statements = StatementOptions{Layout: layout, Asterisks: marks} })
			storyDay(b)
			s, raw := b.statementOf("20260714")
			names, files := unzip(t, raw)
			if got := strings.Join(names, " "); got != "Purchase_Statement_15072026_001.csv Purchase_Settle_Statement_15072026_001.csv "+partner+"_20260714_fund_statement_001.csv" {
				t.Errorf("files %s", got)
			}
			for name, text := range files {
				if strings.HasPrefix(text, "*") != marks || strings.HasSuffix(text, "*\n") != marks || strings.Count(text, "*") > 2 {
					t.Errorf("%s, marks %v: %s", name, marks, text)
				}
			}
			var rows []string
			for r, err := range s.Transactions() {
				if err != nil {
					t.Fatal(err)
				}
				rows = append(rows, strings.Join([]string{r.PaidTime.Format(rowTime), string(r.Type), r.TotalAmount.String(), r.MerchantOrderNo, r.OriginMerchantOrderNo, string(r.Status), r.OperatorID, r.Reserved}, ","))
			}
			want := "2026-07-14T10:15:30+0400,PAYMENT,126.00,POS01-1,,SUCCESS,CASHIER-07,POS01/shift-1\n" +
				"2026-07-14T11:47:36+0400,PAYMENT,60.00,POS01-2,,SUCCESS,,\n" +
				"2026-07-14T13:13:35+0400,REFUND,26.00,R-1,POS01-2,SUCCESS,,\n" +
				"2026-07-14T13:13:38+0400,PAYMENT,15.50,POS01-3,,REVERTED,,"
			if got := strings.Join(rows, "\n"); got != want {
				t.Errorf("transactions\n%s\nwant\n%s", got, want)
			}
			sum, err := s.SettlementSummary()
			if err != nil || sum.TotalCredit != 18405 || sum.TotalDebit != 2600 || sum.TotalComm != 186 || sum.TotalVAT != 9 ||
				sum.SettleToBank != 15805 || sum.Payout != payby.PayoutSuccess || sum.TotalCount != 3 {
				t.Errorf("settlement %+v %v", sum, err)
			}
			fund, err := s.FundSummary()
			if err != nil || fund.NumberIncome != 2 || fund.NumberPayout != 2 || fund.BeginningBalance != 1_000_000 || fund.EndingBalance != 1_000_000 {
				t.Errorf("fund %+v %v", fund, err)
			}
		}
	}
}

// The head lines are those of the published samples but for the amounts of the day,
// which are the same by construction.
func TestStatement_HeadLinesAreThoseOfTheSamples(t *testing.T) {
	for layout, want := range map[StatementLayout][]string{
		LayoutV1: {
			"mid:200000000888|periodNo:20260715|startTime:2026-07-14 00:00|endTime:2026-07-15 00:00|totalCount:4\npaidTime|transactionType|",
			"mid:200000000888|settlePeriodNo:20260715|startTime:2026-07-14 00:00|endTime:2026-07-15 00:00|openingAmount:AED 100.00|totalCount:3|totalCredit:AED 184.05|totalDebit:AED 26.00|totalComm:AED 1.86|totalVAT:AED 0.09|settleToBank:AED 158.05 success|stayAmount:AED 100.00\nsettledTIme|",
		},
		LayoutV2: {
			"mid:200000000888|periodNo:20000000088820260715|startTime:2026-07-14 00:00|endTime:2026-07-15 00:00|totalCount:4\nmerchantOrderNo|orderNo|paidTime|",
			"mid:200000000888|settlePeriodNo:20000000088820260715|startTime:",
		},
	} {
		b := newBench(t, func(o *Options) { o.Statements.Layout = layout })
		storyDay(b)
		_, raw := b.statementOf("20260714")
		_, files := unzip(t, raw)
		for i, name := range []string{"Purchase_Statement_15072026_001.csv", "Purchase_Settle_Statement_15072026_001.csv"} {
			if !strings.HasPrefix(files[name], want[i]) {
				t.Errorf("%s begins with %.500s", name, files[name])
			}
		}
		fund := "ACCOUNTING_DATE|NUMBER_INCOME|AMOUNT_INCOME|NUMBER_PAYOUT|AMOUNT_PAYOUT|BEGINNING_BALANCE|ENDING_BALANCE\n" +
			"2026-07-14T00:00:00+0400|2|184.05|2|184.05|100.0000|100.00\nACCOUNTING_TIME|TXN_NO|PRODUCT|"
		if got := files[partner+"_20260714_fund_statement_001.csv"]; !strings.HasPrefix(got, fund) || !strings.Contains(got, "|Settlement|Pay|Payout|158.05|258.05|100.00|BASIC|statement2withdraw-20260714") {
			t.Errorf("fund %s", got)
		}
	}
}

func TestStatement_IsUnsignedAndNamed(t *testing.T) {
	b := newBench(t)
	storyDay(b)
	body := `{"requestTime":` + ms(b.clock.Now()) + `,"bizContent":{"statementDate":"20260714"}}`
	resp, raw := b.send("/sgs/api"+payby.OpStatement.Path(), []byte(body), keys().merchant, nil)
	if got := resp.Header.Get("Content-Disposition"); got != "attachment; filename=200000000888_20260714Transaction_Settle_Statement.zip" {
		t.Errorf("disposition %q", got)
	}
	if resp.Header.Get("Content-Type") != "application/zip" || resp.Header.Get("sign") != "" || !bytes.HasPrefix(raw, []byte("PK\x03\x04")) {
		t.Errorf("%v", resp.Header)
	}
	wrapped := `{"body":` + body + `}`
	for mode, want := range map[Mode]bool{Strict: false, Lenient: true} {
		b.g.strict = mode == Strict
		resp, _ := b.send("/sgs/api"+payby.OpStatement.Path(), []byte(wrapped), keys().merchant, nil)
		if got := resp.Header.Get("Content-Disposition") != ""; got != want {
			t.Errorf("wrapped in body, %s: %v", mode, got)
		}
	}
}

func ms(t time.Time) string { return itoa(t.UnixMilli()) }

func TestStatement_ExistsTenMinutesAfterTheCutOff(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Statements.CutOff = 4 * time.Hour })
	b.atUAE(15, "03:59:59.999")
	b.must(payby.OpCreate, sale("late-night", 100))
	b.command("pay", `{"merchantOrderNo":"late-night"}`)
	b.atUAE(15, "04:00:00.000")
	b.must(payby.OpCreate, sale("next-day", 200))
	b.command("pay", `{"merchantOrderNo":"next-day"}`)
	exists := func(day string) string {
		_, _, err := b.download(day)
		return code(t, err)
	}
	b.atUAE(15, "04:09:59.999")
	if got := exists("20260714"); got != "62013" {
		t.Errorf("too early: %s", got)
	}
	b.atUAE(15, "04:10:00.000")
	s, raw := b.statementOf("20260714")
	sum, err := s.TransactionSummary()
	if err != nil || sum.TotalCount != 1 || sum.PeriodNo != "20260715" || sum.Start.Format(summaryTime) != "2026-07-14 04:00" || sum.End.Format(summaryTime) != "2026-07-15 04:00" {
		t.Errorf("%+v %v", sum, err)
	}
	if _, files := unzip(t, raw); !strings.Contains(files["Purchase_Statement_15072026_001.csv"], "late-night") {
		t.Errorf("files %v", files)
	}
	for day, want := range map[string]string{"20260713": "62013", "20260715": "62013", "20270101": "62013"} {
		if got := exists(day); got != want {
			t.Errorf("%s: %s", day, got)
		}
	}
	b.command("statement", `{"date":"20260715"}`)
	if got := exists("20260715"); got != "0" {
		t.Errorf("closed by hand: %s", got)
	}
	if status, _ := b.control(http.MethodPost, "/_control/statement", `{"date":"15-07-2026"}`); status != http.StatusBadRequest {
		t.Errorf("bad date: %d", status)
	}
	for _, day := range []string{`"2026-07-14"`, `"20260230"`, `20260714`, `""`, `null`, `"202607140"`} {
		if got, _ := b.sendJSON(payby.OpStatement, `{"statementDate":`+day+`}`); got != "400" {
			t.Errorf("%s: %s", day, got)
		}
	}
}

func TestStatement_BalanceGoesOnFromDayToDay(t *testing.T) {
	for _, fails := range []bool{false, true} {
		b := newBench(t, func(o *Options) { o.Statements.PayoutFails = fails })
		for day := 14; day <= 18; day++ {
			b.atUAE(day, "12:00:00.000")
			if day == 16 {
				// A day of refunds only takes the balance below what is kept.
				b.must(payby.OpRefund, refundOf("S-14", "R-16", 5000))
				b.clock.Advance(5 * time.Second)
				continue
			}
			no := "S-" + itoa(int64(day))
			b.must(payby.OpCreate, sale(no, 10000))
			b.command("pay", `{"merchantOrderNo":"`+no+`"}`)
			b.command("settle", `{"merchantOrderNo":"`+no+`"}`)
		}
		b.atUAE(19, "12:00:00.000")
		want := payby.Balance(1_000_000)
		for day := 14; day <= 18; day++ {
			s, _ := b.statementOf("202607" + itoa(int64(day)))
			sum, err := s.SettlementSummary()
			if err != nil || sum.OpeningAmount != want || (sum.Payout == payby.PayoutSuccess) == fails {
				t.Fatalf("day %d: %+v %v, want opening %d", day, sum, err, want)
			}
			want = sum.StayAmount
		}
		if end := map[bool]payby.Balance{false: 1_000_000, true: 1_000_000 + 4*989_500 - 500_000}[fails]; want != end {
			t.Errorf("payout fails %v: ends with %d, want %d", fails, want, end)
		}
	}
}

func TestStatement_RevokedAfterSettlementShowsItsRefund(t *testing.T) {
	b := newBench(t)
	b.must(payby.OpCreate, sale("S-1", 10000))
	b.command("pay", `{"merchantOrderNo":"S-1"}`)
	b.command("settle", `{"merchantOrderNo":"S-1"}`)
	b.must(payby.OpRevoke, payby.OrderRef{MerchantOrderNo: "S-1"})
	b.atUAE(15, "12:00:00.000")
	s, _ := b.statementOf("20260714")
	var got []string
	for r, err := range s.Transactions() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(r.Type)+" "+string(r.Status))
	}
	if strings.Join(got, ", ") != "PAYMENT SUCCESS, REFUND SUCCESS" {
		t.Errorf("rows %s", got)
	}
}

func TestStatement_SplitsAfterFiftyThousandRows(t *testing.T) {
	g := newBench(t).g
	if g.papers.partRows != 50_000 {
		t.Errorf("%d rows in a file", g.papers.partRows)
	}
	const size = 500
	l := &ledger{partner: partner, period: g.period(time.Date(2026, 7, 14, 0, 0, 0, 0, uae())), opening: kept}
	l.papers.partRows = size
	for i := range size + 1 {
		l.sales = append(l.sales, booking{paid: storyTime().UnixMilli(), no: "S-" + itoa(int64(i)), payByNo: "13", gross: 100})
	}
	var file bytes.Buffer
	if err := l.writeZIP(&file, l.transactions); err != nil {
		t.Fatal(err)
	}
	names, files := unzip(t, file.Bytes())
	if strings.Join(names, " ") != "Purchase_Statement_15072026_001.csv Purchase_Statement_15072026_002.csv" {
		t.Fatalf("files %s", names)
	}
	if a, b := strings.Count(files[names[0]], "\n"), strings.Count(files[names[1]], "\n"); a != size+2 || b != 3 {
		t.Errorf("%d and %d lines", a, b)
	}
	s, err := payby.OpenStatement(bytes.NewReader(file.Bytes()), int64(file.Len()), payby.StatementOptions{PartnerID: partner})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := s.CheckTransactions(); err != nil || c.Rows != size+1 || len(c.Findings) > 0 {
		t.Errorf("%+v %v", c, err)
	}
}

func TestStatement_LinkOf2022(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Statements.Link = true })
	storyDay(b)
	d, raw, err := b.download("20260714")
	if err != nil || len(raw) > 0 || d.Link == nil || d.Link.FileName != partner+"_20260714Transaction_Settle_Statement.zip" ||
		!strings.HasPrefix(d.Link.FilePath, "https://statement-store.example.com/") {
		t.Errorf("%+v %v", d, err)
	}
}

func TestStatement_FundFileAlone(t *testing.T) {
	b := newBench(t)
	storyDay(b)
	var file bytes.Buffer
	d, err := b.client.DownloadFundStatement(context.Background(), payby.StatementQuery{StatementDate: "20260714"}, b.clock.Now(), &file)
	if err != nil || d.Name != partner+"_20260714_fund_statement_001.csv" {
		t.Fatalf("%+v %v", d, err)
	}
	_, raw := b.statementOf("20260714")
	if _, files := unzip(t, raw); files[d.Name] != file.String() {
		t.Errorf("alone %s\nin the ZIP %s", file.String(), files[d.Name])
	}
}

func TestStatement_TextFromMerchantsStaysInItsLine(t *testing.T) {
	b := newBench(t)
	biz := strings.Replace(goodSale, `"x"`, `"a\nb\rc\td"`, 1)
	if got, _ := b.sendJSON(payby.OpCreate, biz); got != "0" {
		t.Fatal(got)
	}
	b.command("pay", `{"merchantOrderNo":"S-1"}`)
	b.command("settle", `{"merchantOrderNo":"S-1"}`)
	b.atUAE(16, "00:00:00.000")
	s, _ := b.statementOf("20260714")
	for r, err := range s.Transactions() {
		if err != nil || r.Subject != "a b c d" {
			t.Errorf("%+v %v", r, err)
		}
	}
}

func TestInvoice_MonthsAndCodes(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Merchants[0].Onboarded = time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC) })
	b.must(payby.OpCreate, sale("S-1", 12600))
	b.command("pay", `{"merchantOrderNo":"S-1"}`)
	b.command("settle", `{"merchantOrderNo":"S-1"}`)
	get := func(month string) (*payby.Download, string, string) {
		var file bytes.Buffer
		d, err := b.client.DownloadInvoice(context.Background(), payby.InvoiceQuery{StatementDate: month}, b.clock.Now(), &file)
		var e *payby.Error
		if errors.As(err, &e) {
			return d, file.String(), e.Code + " " + e.Msg
		}
		return d, file.String(), "0"
	}
	for month, want := range map[string]string{
		"202602": "400 REQUESTTIME_TOO_EARLY", "202603": "62013 STATEMENT_NOT_EXIST", "202606": "62013 STATEMENT_NOT_EXIST",
		"202607": "400 REQUESTTIME_TOO_LATER", "202708": "400 REQUESTTIME_TOO_LATER",
	} {
		if _, _, got := get(month); got != want {
			t.Errorf("%s: %s, want %s", month, got, want)
		}
	}
	b.clock.Advance(31 * 24 * time.Hour)
	d, file, got := get("202607")
	if got != "0" || d.Name != partner+"_202607_invoice.pdf" {
		t.Fatalf("%s %+v", got, d)
	}
	mustHold(t, file, "%PDF-1.4\n", registry, "Commission AED 1.26", "VAT AED 0.06", "Total AED 1.32", "%%EOF\n")
	// The reader finds the table by the last number, and the catalogue by the table.
	start := strings.LastIndex(file, "xref\n0 6")
	if !strings.Contains(file, "startxref\n"+itoa(int64(start))+"\n") || strings.Index(file, "5 0 obj") != offset(t, file, 5) {
		t.Errorf("the table of %s is wrong", file)
	}
	for _, biz := range []string{
		`{}`, `{"statementDate":"2026"}`, `{"statementDate":"202613"}`, `{"statementDate":202607}`,
		`{"statementDate":"202607","businessType":"SHOP"}`, `{"statementDate":"202607","needEvictCache":"falsely"}`,
	} {
		if got, _ := b.sendJSON(payby.OpInvoice, biz); got != "400" {
			t.Errorf("%s: %s", biz, got)
		}
	}
}

func offset(t *testing.T, file string, object int) int {
	t.Helper()
	table := file[strings.LastIndex(file, "xref\n0 6")+len("xref\n0 6\n"):]
	n := 0
	for _, c := range table[object*20 : object*20+10] {
		n = n*10 + int(c-'0')
	}
	return n
}
