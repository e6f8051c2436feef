package payby

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func checkAll(t *testing.T, s *Statement) (tx, settled, fund *Checked) {
	t.Helper()
	tx, err1 := s.CheckTransactions()
	settled, err2 := s.CheckSettlement()
	fund, err3 := s.CheckFund()
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	return tx, settled, fund
}

func TestChecks_HoldInTheSamples(t *testing.T) {
	for _, set := range []string{"v1", "v1_asterisks", "v2", "v2_asterisks"} {
		tx, settled, fund := checkAll(t, sampleSet(t, set))
		if want := (&Checked{Rows: 4}); !reflect.DeepEqual(tx, want) {
			t.Errorf("%s: %+v, want %+v", set, tx, want)
		}
		if want := (&Checked{Rows: 3, In: 2, Out: 1, Credit: 18405, Debit: 2600, Comm: 186, VAT: 9}); !reflect.DeepEqual(settled, want) {
			t.Errorf("%s: %+v, want %+v", set, settled, want)
		}
		if want := (&Checked{Rows: 4, In: 2, Out: 2, Credit: 18405, Debit: 18405}); !reflect.DeepEqual(fund, want) {
			t.Errorf("%s: %+v, want %+v", set, fund, want)
		}
	}
	if _, err := sampleSet(t, "v1_no_mid").CheckFund(); !errors.Is(err, ErrNoStatementFile) {
		t.Error(err)
	}
}

func TestChecks_NameWhatDiffersByHowMuch(t *testing.T) {
	for name, c := range map[string]struct {
		file, old, with string
		want            []string
	}{
		"a row is missing": {transactionCSV, "totalCount:4", "totalCount:5",
			[]string{transactionCSV + " line 1: totalCount is stated as 5 and comes to 4, 1 less"}},
		"credit": {settlementCSV, "|59.37|AED|", "|59.38|AED|",
			[]string{settlementCSV + " line 1: totalCredit is stated as AED 184.05 and comes to AED 184.06, AED 0.01 more"}},
		"debit": {settlementCSV, "|26.00|AED|", "|25.00|AED|",
			[]string{settlementCSV + " line 1: totalDebit is stated as AED 26.00 and comes to AED 25.00, AED 1.00 less"}},
		"commission given back": {settlementCSV, "|0.00|AED|0.00|", "|-0.26|AED|-0.01|",
			[]string{settlementCSV + " line 1: totalComm is stated as AED 1.86 and comes to AED 1.60, AED 0.26 less",
				settlementCSV + " line 1: totalVAT is stated as AED 0.09 and comes to AED 0.08, AED 0.01 less"}},
		"a direction turned round": {settlementCSV, "|REFUND|OUT|", "|REFUND|IN|",
			[]string{settlementCSV + " line 1: totalCredit is stated as AED 184.05 and comes to AED 210.05, AED 26.00 more",
				settlementCSV + " line 1: totalDebit is stated as AED 26.00 and comes to AED 0.00, AED 26.00 less"}},
		"payout equation": {settlementCSV, "stayAmount:AED 100.00", "stayAmount:AED 100.0050",
			[]string{settlementCSV + " line 1: stayAmount is stated as AED 100.0050 and comes to AED 100.00, AED 0.0050 less"}},
		"payout failed, but the money went": {settlementCSV, "AED 158.05 success", "AED 158.05 failure",
			[]string{settlementCSV + " line 1: stayAmount is stated as AED 100.00 and comes to AED 258.05, AED 158.05 more"}},
		"payout failed and all stayed": {settlementCSV, "AED 158.05 success|stayAmount:AED 100.00", "AED 158.05 FAILURE|stayAmount:AED 258.05", nil},
		"payout unknown": {settlementCSV, "AED 158.05 success", "AED 158.05 pending",
			[]string{settlementCSV + " line 1: settleToBank does not say whether AED 158.05 reached the bank"}},
		"payout not told": {settlementCSV, "AED 158.05 success", "AED 158.05",
			[]string{settlementCSV + " line 1: settleToBank does not say whether AED 158.05 reached the bank"}},
		"nothing to pay out": {settlementCSV, "AED 158.05 success|stayAmount:AED 100.00", "AED 0.00|stayAmount:AED 258.05", nil},
		"opening below zero": {settlementCSV, "openingAmount:AED 100.00", "openingAmount:AED -100.00",
			[]string{settlementCSV + " line 1: stayAmount is stated as AED 100.00 and comes to AED -100.00, AED 200.00 less"}},
		"a damaged row is in no sum": {settlementCSV, "|59.37|AED|", "|x|AED|",
			[]string{"statement file " + settlementCSV + ", line 4, settlementAmount: is not a plain decimal of whole fils",
				settlementCSV + " line 1: totalCredit is stated as AED 184.05 and comes to AED 124.68, AED 59.37 less",
				settlementCSV + " line 1: totalComm is stated as AED 1.86 and comes to AED 1.26, AED 0.60 less",
				settlementCSV + " line 1: totalVAT is stated as AED 0.09 and comes to AED 0.06, AED 0.03 less"}},
		"fund income": {fundCSV, "|2|184.05|2|", "|3|184.06|2|",
			[]string{fundCSV + " line 2: ENDING_BALANCE is stated as AED 100.00 and comes to AED 100.01, AED 0.01 more",
				fundCSV + " line 2: NUMBER_INCOME is stated as 3 and comes to 2, 1 less",
				fundCSV + " line 2: AMOUNT_INCOME is stated as AED 184.06 and comes to AED 184.05, AED 0.01 less"}},
		"fund balance": {fundCSV, "|100.0000|100.00\n", "|100.0001|100.00\n",
			[]string{fundCSV + " line 2: ENDING_BALANCE is stated as AED 100.00 and comes to AED 100.0001, AED 0.0001 more"}},
		"fund step in": {fundCSV, "|124.68|74.00|", "|124.68|74.0010|",
			[]string{fundCSV + " line 5: AFTER_AMT is stated as AED 198.68 and comes to AED 198.6810, AED 0.0010 more"}},
		"fund step out": {fundCSV, "|158.05|258.05|", "|158.05|258.04|",
			[]string{fundCSV + " line 7: AFTER_AMT is stated as AED 100.00 and comes to AED 99.99, AED 0.01 less"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := texts(t, c.file, change(t, sampleText(t, "v1", c.file), c.old, c.with))
			check := map[string]func() (*Checked, error){transactionCSV: s.CheckTransactions, settlementCSV: s.CheckSettlement, fundCSV: s.CheckFund}[c.file]
			checked, err := check()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range checked.Findings {
				got = append(got, f.String())
				if f.Check == CheckRow != (f.Row != nil) || f.File != c.file || f.Line == 0 {
					t.Errorf("%+v", f)
				}
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestCheckSettlement_TellsADamagedRowFromAMissingOne(t *testing.T) {
	c, err := texts(t, settlementCSV, change(t, sampleText(t, "v1", settlementCSV), "|REFUND|OUT|", "|REFUND||OUT|")).CheckSettlement()
	if err != nil || c.Rows != 3 || c.Damaged != 1 || c.Out != 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	for _, f := range c.Findings {
		if f.Check == CheckCount {
			t.Errorf("the row is there: %s", f)
		}
	}
}

func TestChecks_SumsDoNotWrapAround(t *testing.T) {
	lines := strings.Split(sampleText(t, "v1", settlementCSV), "\n")
	row := strings.Replace(lines[2], "|124.68|", "|999999999999.99|", 1)
	// 2^62 fils are 46,117 times the highest amount and a bit.
	s := texts(t, settlementCSV, lines[0]+"\n"+lines[1]+"\n"+strings.Repeat(row+"\n", 46_117))
	c, err := s.CheckSettlement()
	var e *StatementError
	if c != nil || !errors.Is(err, ErrOverflow) || !errors.As(err, &e) || e.Line != 46_119 {
		t.Errorf("%+v, %v", c, err)
	}
	part := func(n int) string { return fmt.Sprintf("Purchase_Settle_Statement_15072026_%03d.csv", n) }
	half := lines[0] + "\n" + lines[1] + "\n" + strings.Repeat(row+"\n", 30_000)
	if c, err := texts(t, part(1), half, part(2), half).CheckSettlement(); c != nil || !errors.Is(err, ErrOverflow) {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestChecks_BoundTheirFindings(t *testing.T) {
	lines := strings.Split(sampleText(t, "v1", transactionCSV), "\n")
	c, err := texts(t, transactionCSV, lines[0]+"\n"+lines[1]+"\n"+strings.Repeat("x\n", 5000)).CheckTransactions()
	if err != nil || len(c.Findings) != mostFindings+1 || c.Damaged != 5000 {
		t.Fatalf("%d findings, %v", len(c.Findings), err)
	}
	// 4,000 rows and the count.
	if last := c.Findings[mostFindings]; last.Check != CheckMore || last.Found != 4001 || !strings.Contains(last.String(), "4001 further") {
		t.Errorf("%+v", last)
	}
}
