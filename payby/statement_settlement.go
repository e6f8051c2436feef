package payby

import (
	"fmt"
	"iter"
	"strings"
	"time"
)

// PayoutStatus tells whether a settlement reached the bank; an open set.
type PayoutStatus string

// The documented payout statuses.
const (
	PayoutSuccess PayoutStatus = "success"
	PayoutFailure PayoutStatus = "failure"
)

// SettlementSummary is the first line of a settlement file
// (protocol.md §14.5).
type SettlementSummary struct {
	File    string
	Line    int
	Version StatementVersion

	Mid, PeriodNo, PeriodEnd string // as in TransactionSummary
	Start, End               time.Time

	TotalCount    int64
	OpeningAmount Balance
	TotalCredit   Fils // what came in, net of commission
	TotalDebit    Fils // what went out
	TotalComm     Fils
	TotalVAT      Fils // on the commission
	// SettleToBank was sent to the bank, or should have been if Payout is not
	// PayoutSuccess.
	SettleToBank Fils
	Payout       PayoutStatus // "" when the file does not tell
	StayAmount   Balance      // what remains with the gateway
}

// Settlement is a row of the settlement file: what an order did to the balance.
// Match fees on these, and sales on the transaction file: V1 calls the settled
// amount "order amount", though in its sample too it is net of commission.
type Settlement struct {
	File             string
	Line             int
	SettledTime      time.Time // UAE time
	PaidTime         time.Time // UAE time, zero when the file does not tell
	Direction        Direction
	SettlementAmount Fils  // net of commission, never negative
	TotalAmount      *Fils // what the customer paid; nil in V1, which lacks it
	Comm             *Fils // nil when empty; may be negative
	VAT              *Fils // on the commission; nil when empty; may be negative
	RowOrder
}

// String names the row and the order, and nothing about the payer.
func (s *Settlement) String() string {
	return fmt.Sprintf("%s line %d: %s %s %q AED %s", s.File, s.Line, s.Direction, s.Type, s.MerchantOrderNo, s.SettlementAmount)
}

func settlementLayout() *statementLayout {
	return &statementLayout{
		kind: SettlementFile, keyed: true, counts: []string{"totalCount"},
		summary: strings.Fields("mid settlePeriodNo startTime endTime openingAmount totalCount " +
			"totalCredit totalDebit totalComm totalVAT settleToBank stayAmount"),
		summaryRequired: strings.Fields("settlePeriodNo startTime endTime openingAmount totalCount " +
			"totalCredit totalDebit totalComm totalVAT settleToBank stayAmount"),
		// V1 misspells settledTIme; names are compared ignoring case.
		columns: strings.Fields("settledTime direction settlementAmount comm commCurrency VAT VATCurrency " + baseColumns + " " + cardColumns),
		required: strings.Fields("settledTime transactionType direction settlementAmount merchantOrderNo orderNo status " +
			"comm VAT originMerchantOrderNo"),
	}
}

// SettlementSummary reads the summary of the settlement file. The error is a
// *StatementError, ErrNoStatementFile when there is no such file.
func (s *Statement) SettlementSummary() (*SettlementSummary, error) {
	return summaryOf(s, settlementLayout(), readSettlementSummary)
}

// Settlements reads the rows of the settlement file, with the rules of
// [Statement.Transactions].
func (s *Statement) Settlements() iter.Seq2[*Settlement, error] {
	return rows(s, settlementLayout(), readSettlement)
}

func readSettlementSummary(sh *sheet, h *record) *SettlementSummary {
	amount := func(column string) Fils { return Fils(h.scaled(column, 2)) }
	sum := &SettlementSummary{
		File: h.file, Line: h.line, Version: sh.version,
		Mid: h.text("mid"), PeriodNo: h.text("settlePeriodNo"), PeriodEnd: h.periodEnd("settlePeriodNo"),
		Start: h.summaryTime("startTime"), End: h.summaryTime("endTime"),
		TotalCount:    h.number("totalCount"),
		OpeningAmount: h.balance("openingAmount"),
		TotalCredit:   amount("totalCredit"), TotalDebit: amount("totalDebit"),
		TotalComm: amount("totalComm"), TotalVAT: amount("totalVAT"),
		StayAmount: h.balance("stayAmount"),
	}
	// "AED 139.49 success": amount and outcome in one field.
	paid := strings.TrimSpace(string(withoutCurrency(h.raw("settleToBank"))))
	figure, outcome, _ := strings.Cut(paid, " ")
	n, ok := parseScaled([]byte(figure), 2)
	if !ok {
		h.fail("settleToBank", "is not an amount of whole fils and an outcome")
	}
	sum.SettleToBank, sum.Payout = Fils(n), PayoutStatus(strings.ToLower(strings.TrimSpace(outcome)))
	return sum
}

func readSettlement(r *record) *Settlement {
	r.currency("commCurrency")
	r.currency("VATCurrency")
	s := &Settlement{
		File: r.file, Line: r.line,
		SettledTime: r.rowTime("settledTime"),
		Direction:   r.direction("direction"), SettlementAmount: r.amount("settlementAmount"),
		Comm: r.fee("comm"), VAT: r.fee("VAT"),
		RowOrder: r.rowOrder(),
	}
	if len(r.raw("paidTime")) > 0 {
		s.PaidTime = r.rowTime("paidTime")
	}
	if len(r.raw("totalAmount")) > 0 {
		total := r.amount("totalAmount")
		s.TotalAmount = &total
	}
	return s
}
