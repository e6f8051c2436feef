package payby

import (
	"fmt"
	"iter"
	"strings"
	"time"
)

// TransactionSummary is the first line of a transaction file
// (protocol.md §14.4).
type TransactionSummary struct {
	File    string
	Line    int
	Version StatementVersion
	// Mid is "" in old layouts that do not name the merchant. If PeriodNo is
	// only a day too, nothing in the file confirmed whose it is.
	Mid       string
	PeriodNo  string
	PeriodEnd string // the last day, YYYYMMDD in UAE time
	// Start is inclusive. The period need not be 24 h: the cut-off can move.
	Start, End time.Time
	TotalCount int64 // rows the file says it has
}

// Transaction is a row of the transaction file: an amount as the customer paid
// or got back, without commission. Match sales on these.
type Transaction struct {
	File        string
	Line        int
	PaidTime    time.Time // UAE time
	TotalAmount Fils      // never negative
	RowOrder
}

// String names the row and the payment, and nothing about the payer.
func (t *Transaction) String() string {
	return fmt.Sprintf("%s line %d: %s %q AED %s", t.File, t.Line, t.Type, t.MerchantOrderNo, t.TotalAmount)
}

func transactionLayout() *statementLayout {
	return &statementLayout{
		kind: TransactionFile, keyed: true, counts: []string{"totalCount"},
		summary:         strings.Fields("mid periodNo startTime endTime totalCount"),
		summaryRequired: strings.Fields("periodNo startTime endTime totalCount"),
		columns:         strings.Fields(baseColumns + " " + cardColumns),
		required:        strings.Fields("paidTime transactionType totalAmount merchantOrderNo orderNo status originMerchantOrderNo"),
	}
}

// TransactionSummary reads the summary of the transaction file. The error is a
// *StatementError, ErrNoStatementFile when there is no such file.
func (s *Statement) TransactionSummary() (*TransactionSummary, error) {
	return summaryOf(s, transactionLayout(), readTransactionSummary)
}

// Transactions reads the rows of the transaction file, over all its parts. With
// an error, always a *StatementError, there is no row; unless it is one of that
// row only (StatementError.Row), it is the last and the rows before it may be
// not all there are. Each loop over the sequence is a new pass.
func (s *Statement) Transactions() iter.Seq2[*Transaction, error] {
	return rows(s, transactionLayout(), readTransaction)
}

func readTransactionSummary(sh *sheet, h *record) *TransactionSummary {
	return &TransactionSummary{
		File: h.file, Line: h.line, Version: sh.version,
		Mid: h.text("mid"), PeriodNo: h.text("periodNo"), PeriodEnd: h.periodEnd("periodNo"),
		Start: h.summaryTime("startTime"), End: h.summaryTime("endTime"),
		TotalCount: h.number("totalCount"),
	}
}

func readTransaction(r *record) *Transaction {
	return &Transaction{
		File: r.file, Line: r.line,
		PaidTime: r.rowTime("paidTime"), TotalAmount: r.amount("totalAmount"),
		RowOrder: r.rowOrder(),
	}
}
