package payby

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Check names what a finding is about.
type Check string

// The checks. Sums and the payout equation are held by both official samples
// and not promised by the gateway (protocol.md §14.5).
const (
	CheckRow     Check = "row"     // a row that cannot be read; Finding.Row says why
	CheckCount   Check = "count"   // number of rows
	CheckSum     Check = "sum"     // a total of the summary against its rows
	CheckPayout  Check = "payout"  // opening + credit - debit = settleToBank + stay
	CheckOutcome Check = "outcome" // whether the bank was paid is not said in a known word
	CheckBalance Check = "balance" // beginning + income - payout = ending
	CheckStep    Check = "step"    // before ± amount = after
	CheckMore    Check = "more"    // further findings were left out; Found is their number
)

// Unit is what a finding's figures count.
type Unit string

// The units of Finding.Stated and Finding.Found.
const (
	UnitRows    Unit = "rows"
	UnitFils    Unit = "fils"
	UnitBalance Unit = "balance" // ten-thousandths of AED, as in Balance
)

// Finding is one place where a statement contradicts itself. It holds no payer
// data.
type Finding struct {
	Check  Check
	File   string
	Line   int
	Column string // the figure that is stated, under its documented name
	Unit   Unit
	Stated int64 // what the statement says
	Found  int64 // what its other figures come to
	Row    *StatementError
}

// Difference is Found less Stated, in Unit. It always fits.
func (f Finding) Difference() int64 { return f.Found - f.Stated }

// String is a sentence with place, both figures and their difference.
func (f Finding) String() string {
	where := fmt.Sprintf("%s line %d", f.File, f.Line)
	switch f.Check {
	case CheckRow:
		return strings.TrimPrefix(f.Row.Error(), "payby: ")
	case CheckMore:
		return fmt.Sprintf("%s: %d further findings", f.File, f.Found)
	case CheckOutcome:
		return where + ": " + f.Column + " does not say whether AED " + Fils(f.Stated).String() + " reached the bank"
	}
	more, difference := "more", f.Difference()
	if difference < 0 {
		more, difference = "less", -difference
	}
	return fmt.Sprintf("%s: %s is stated as %s and comes to %s, %s %s",
		where, f.Column, f.Unit.text(f.Stated), f.Unit.text(f.Found), f.Unit.text(difference), more)
}

func (u Unit) text(n int64) string {
	switch u {
	case UnitFils:
		return "AED " + Fils(n).String()
	case UnitBalance:
		return "AED " + Balance(n).String()
	}
	return fmt.Sprint(n)
}

// Checked is what a pass over a whole file came to. Damaged rows are counted
// and are in no sum.
type Checked struct {
	Rows, Damaged int64
	In, Out       int64 // rows by direction; 0 for transactions
	Credit, Debit Fils  // sums by direction; 0 for transactions
	Comm, VAT     Fils  // only settlements have them
	Findings      []Finding
}

// mostFindings bounds what a file that is wrong throughout costs.
const mostFindings = 1000

// CheckTransactions reads the whole transaction file and compares the number of
// rows. The error, a *StatementError, tells that the file could not be read to
// its end; what the statement gets wrong are findings.
func (s *Statement) CheckTransactions() (*Checked, error) {
	return check(s, transactionLayout(), readTransactionSummary, readTransaction, figures[TransactionSummary, Transaction]{
		stated: func(sum *TransactionSummary) []figure {
			return []figure{{CheckCount, "totalCount", UnitRows, sum.TotalCount}}
		},
		row:     func(*Transaction) []int64 { return []int64{1} },
		own:     func(*TransactionSummary) []Finding { return nil },
		step:    func(*Transaction) []Finding { return nil },
		fill:    func(*Checked, tally) {},
		damaged: []int64{1},
	})
}

// CheckSettlement reads the whole settlement file and compares the number of
// rows, the four totals and the payout (protocol.md §14.5). For the error see
// [Statement.CheckTransactions].
func (s *Statement) CheckSettlement() (*Checked, error) {
	return check(s, settlementLayout(), readSettlementSummary, readSettlement, figures[SettlementSummary, Settlement]{
		stated: func(sum *SettlementSummary) []figure {
			return []figure{
				{CheckCount, "totalCount", UnitRows, sum.TotalCount},
				{CheckSum, "totalCredit", UnitFils, int64(sum.TotalCredit)}, {CheckSum, "totalDebit", UnitFils, int64(sum.TotalDebit)},
				{CheckSum, "totalComm", UnitFils, int64(sum.TotalComm)}, {CheckSum, "totalVAT", UnitFils, int64(sum.TotalVAT)},
			}
		},
		row: func(r *Settlement) []int64 {
			n := []int64{1, 0, 0, 0, 0, 0, 0}
			if r.Direction == DirectionIn {
				n[1], n[5] = int64(r.SettlementAmount), 1
			} else {
				n[2], n[6] = int64(r.SettlementAmount), 1
			}
			if r.Comm != nil {
				n[3] = int64(*r.Comm)
			}
			if r.VAT != nil {
				n[4] = int64(*r.VAT)
			}
			return n
		},
		own:  (*SettlementSummary).Check,
		step: func(*Settlement) []Finding { return nil },
		fill: func(c *Checked, t tally) {
			c.Credit, c.Debit, c.Comm, c.VAT = Fils(t.figure(1)), Fils(t.figure(2)), Fils(t.figure(3)), Fils(t.figure(4))
			c.In, c.Out = t.figure(5), t.figure(6)
		},
		damaged: []int64{1},
	})
}

// CheckFund reads the whole fund file and compares the numbers and sums of
// both directions, the balances and every row's step (protocol.md §14.6). For
// the error see [Statement.CheckTransactions].
func (s *Statement) CheckFund() (*Checked, error) {
	return check(s, fundLayout(), readFundSummary, readFundEntry, figures[FundSummary, FundEntry]{
		stated: func(sum *FundSummary) []figure {
			return []figure{
				{CheckCount, "NUMBER_INCOME", UnitRows, sum.NumberIncome}, {CheckSum, "AMOUNT_INCOME", UnitBalance, int64(sum.AmountIncome)},
				{CheckCount, "NUMBER_PAYOUT", UnitRows, sum.NumberPayout}, {CheckSum, "AMOUNT_PAYOUT", UnitBalance, int64(sum.AmountPayout)},
			}
		},
		row: func(e *FundEntry) []int64 {
			if e.Direction == DirectionIn {
				return []int64{1, 100 * int64(e.Amount), 0, 0}
			}
			return []int64{0, 0, 1, 100 * int64(e.Amount)}
		},
		own:  (*FundSummary).Check,
		step: (*FundEntry).Check,
		fill: func(c *Checked, t tally) {
			c.In, c.Credit = t.figure(0), Fils(t.figure(1)/100)
			c.Out, c.Debit = t.figure(2), Fils(t.figure(3)/100)
		},
	})
}

// Check compares opening + credit - debit with what went to the bank and what
// stayed. When the payout failed, all of it stayed (protocol.md §14.5).
func (s *SettlementSummary) Check() []Finding {
	f := Finding{Check: CheckPayout, File: s.File, Line: s.Line, Column: "stayAmount", Unit: UnitBalance}
	f.Found = int64(s.OpeningAmount) + 100*int64(s.TotalCredit) - 100*int64(s.TotalDebit)
	switch {
	case s.Payout == PayoutSuccess || s.Payout == "" && s.SettleToBank == 0:
		f.Found -= 100 * int64(s.SettleToBank)
	case s.Payout != PayoutFailure:
		return []Finding{{Check: CheckOutcome, File: s.File, Line: s.Line, Column: "settleToBank",
			Unit: UnitFils, Stated: int64(s.SettleToBank), Found: int64(s.SettleToBank)}}
	}
	f.Stated = int64(s.StayAmount)
	return f.ifDifferent()
}

// Check compares beginning + income - payout with the ending balance.
func (s *FundSummary) Check() []Finding {
	return Finding{
		Check: CheckBalance, File: s.File, Line: s.Line, Column: "ENDING_BALANCE", Unit: UnitBalance,
		Stated: int64(s.EndingBalance), Found: int64(s.BeginningBalance) + int64(s.AmountIncome) - int64(s.AmountPayout),
	}.ifDifferent()
}

// Check compares the balance before, with the amount added or taken, with the
// balance after.
func (e *FundEntry) Check() []Finding {
	f := Finding{Check: CheckStep, File: e.File, Line: e.Line, Column: "AFTER_AMT", Unit: UnitBalance, Stated: int64(e.After)}
	if f.Found = int64(e.Before) + 100*int64(e.Amount); e.Direction == DirectionOut {
		f.Found = int64(e.Before) - 100*int64(e.Amount)
	}
	return f.ifDifferent()
}

func (f Finding) ifDifferent() []Finding {
	if f.Stated == f.Found {
		return nil
	}
	return []Finding{f}
}

// figure is what a summary says that rows can be compared with.
type figure struct {
	check  Check
	column string
	unit   Unit
	n      int64
}

// figures is what the check of a file knows about its summary and rows.
type figures[S, R any] struct {
	stated func(*S) []figure
	own    func(*S) []Finding
	row    func(*R) []int64 // what a row adds to each stated figure, and perhaps to more
	step   func(*R) []Finding
	fill   func(*Checked, tally) // takes the sums over the rows
	// damaged is what a row counts that is there but cannot be read.
	damaged []int64
}

func check[S, R any](s *Statement, layout *statementLayout, readSum func(*sheet, *record) *S, read func(*record) *R, f figures[S, R]) (*Checked, error) {
	sh, err := s.sheet(layout)
	if err != nil {
		return nil, err
	}
	defer sh.close()
	out := &Checked{}
	parts := make([]tally, len(sh.parts))
	for {
		r, err := sh.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		out.Rows++
		n := f.damaged
		if row, err := readRow(r, read); err != nil {
			out.Damaged++
			out.note(Finding{Check: CheckRow, File: r.file, Line: r.line, Column: r.err.Column, Row: r.err})
		} else {
			n = f.row(row)
			out.note(f.step(row)...)
		}
		if err := parts[r.part].add(n); err != nil {
			return nil, &StatementError{File: r.file, Line: r.line, Problem: "the sum of the rows up to here does not fit", Err: err}
		}
	}
	var total tally
	for i, t := range parts {
		if err := total.add(t); err != nil {
			return nil, &StatementError{File: sh.parts[i].name, Problem: "the sum of the parts up to here does not fit", Err: err}
		}
	}
	f.fill(out, total)
	var stated []statedHead
	for i := range sh.heads {
		sum, err := readHead(sh, &sh.heads[i], readSum)
		if err != nil {
			return nil, err
		}
		h := statedHead{part: sh.heads[i].part, file: sh.heads[i].file, line: sh.heads[i].line, figures: f.stated(sum)}
		if len(stated) == 0 || !slices.Equal(h.figures, stated[0].figures) {
			out.note(f.own(sum)...)
		}
		stated = append(stated, h)
	}
	out.note(compareFigures(stated, parts, total)...)
	return out, nil
}

// note keeps findings up to a limit; from then on the last one counts the rest.
func (c *Checked) note(found ...Finding) {
	for _, f := range found {
		if last := len(c.Findings) - 1; last == mostFindings {
			c.Findings[last].Found++
		} else if last+1 == mostFindings {
			c.Findings = append(c.Findings, Finding{Check: CheckMore, File: f.File, Unit: UnitRows, Found: 1})
		} else {
			c.Findings = append(c.Findings, f)
		}
	}
}

// tally are the sums over one part, one for each stated figure.
type tally []int64

func (t *tally) add(row []int64) error {
	for len(*t) < len(row) {
		*t = append(*t, 0)
	}
	for i, n := range row {
		sum, ok := addExact((*t)[i], n)
		if !ok {
			return ErrOverflow
		}
		(*t)[i] = sum
	}
	return nil
}

func (t tally) figure(i int) int64 {
	if i < len(t) {
		return t[i]
	}
	return 0
}

type statedHead struct {
	part    int
	file    string
	line    int
	figures []figure
}

func (h statedHead) against(t tally) []Finding {
	var found []Finding
	for i, s := range h.figures {
		found = append(found, Finding{
			Check: s.check, File: h.file, Line: h.line, Column: s.column, Unit: s.unit, Stated: s.n, Found: t.figure(i),
		}.ifDifferent()...)
	}
	return found
}

// compareFigures allows both readings of a file in several parts with a summary
// each, because it is not published which one holds: every summary speaks of
// the whole file, or each of its own part.
func compareFigures(heads []statedHead, parts []tally, total tally) []Finding {
	var whole, each []Finding
	same := true
	for _, h := range heads {
		same = same && slices.Equal(h.figures, heads[0].figures)
		whole = append(whole, h.against(total)...)
		each = append(each, h.against(parts[h.part])...)
	}
	switch {
	case len(heads) == len(parts) && (len(each) == 0 || !same):
		return each
	case same:
		return heads[0].against(total)
	}
	return whole
}
