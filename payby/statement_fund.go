package payby

import (
	"fmt"
	"iter"
	"strings"
	"time"
)

// FundSummary is the second line of a fund file, which the first one names
// (protocol.md §14.6). The merchant is named only by the file's name.
type FundSummary struct {
	File             string
	Line             int
	AccountingDate   time.Time // UAE time
	NumberIncome     int64
	AmountIncome     Balance
	NumberPayout     int64
	AmountPayout     Balance
	BeginningBalance Balance
	EndingBalance    Balance
}

// FundEntry is a row of the fund file: one movement of the balance.
type FundEntry struct {
	File            string
	Line            int
	AccountingTime  time.Time // UAE time
	TxnNo           string
	Product         string
	BusinessType    string
	Direction       Direction
	Amount          Fils // never negative
	Before, After   Balance
	AccountType     string
	MerchantOrderNo string // empty or the gateway's own where no order is behind it
	OrderNo         string
}

// String names the row and the movement.
func (e *FundEntry) String() string {
	return fmt.Sprintf("%s line %d: %s %q AED %s", e.File, e.Line, e.Direction, e.TxnNo, e.Amount)
}

func fundLayout() *statementLayout {
	const summary = "ACCOUNTING_DATE NUMBER_INCOME AMOUNT_INCOME NUMBER_PAYOUT AMOUNT_PAYOUT BEGINNING_BALANCE ENDING_BALANCE"
	return &statementLayout{
		kind: FundFile, counts: []string{"NUMBER_INCOME", "NUMBER_PAYOUT"},
		summary: strings.Fields(summary), summaryRequired: strings.Fields(summary),
		columns: strings.Fields("ACCOUNTING_TIME TXN_NO PRODUCT BUSINESS_TYPE DIRECTION TXN_AMT BEFORE_AMT AFTER_AMT " +
			"ACCOUNT_TYPE MERCHANT_ORDER_NO ORDER_NO"),
		required: strings.Fields("ACCOUNTING_TIME TXN_NO DIRECTION TXN_AMT BEFORE_AMT AFTER_AMT MERCHANT_ORDER_NO ORDER_NO"),
	}
}

// FundSummary reads the summary of the fund file. The error is a
// *StatementError, ErrNoStatementFile when there is no such file.
func (s *Statement) FundSummary() (*FundSummary, error) {
	return summaryOf(s, fundLayout(), readFundSummary)
}

// FundEntries reads the rows of the fund file, with the rules of
// [Statement.Transactions].
func (s *Statement) FundEntries() iter.Seq2[*FundEntry, error] {
	return rows(s, fundLayout(), readFundEntry)
}

func readFundSummary(_ *sheet, h *record) *FundSummary {
	return &FundSummary{
		File: h.file, Line: h.line,
		AccountingDate: h.rowTime("ACCOUNTING_DATE"),
		NumberIncome:   h.number("NUMBER_INCOME"), AmountIncome: h.balance("AMOUNT_INCOME"),
		NumberPayout: h.number("NUMBER_PAYOUT"), AmountPayout: h.balance("AMOUNT_PAYOUT"),
		BeginningBalance: h.balance("BEGINNING_BALANCE"), EndingBalance: h.balance("ENDING_BALANCE"),
	}
}

func readFundEntry(r *record) *FundEntry {
	return &FundEntry{
		File: r.file, Line: r.line,
		AccountingTime: r.rowTime("ACCOUNTING_TIME"),
		TxnNo:          r.text("TXN_NO"), Product: r.text("PRODUCT"), BusinessType: r.text("BUSINESS_TYPE"),
		Direction: r.direction("DIRECTION"), Amount: r.amount("TXN_AMT"),
		Before: r.balance("BEFORE_AMT"), After: r.balance("AFTER_AMT"),
		AccountType: r.text("ACCOUNT_TYPE"), MerchantOrderNo: r.text("MERCHANT_ORDER_NO"), OrderNo: r.text("ORDER_NO"),
	}
}
