package sandbox

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/filspos/fils/payby"
)

// The columns, spelled as published.
const (
	transactionsV1 = "paidTime transactionType totalAmount orderCurrency productName paySceneCode merchantOrderNo " +
		"orderNo status paymentMethodType subject payeeMid terminalId operatorId storeId merchantName storeName " +
		"originMerchantOrderNo reserved"
	transactionsV2 = "merchantOrderNo orderNo paidTime payeeMid merchantName terminalId operatorId storeId storeName " +
		"scheme orderCurrency totalAmount transactionType productName paySceneCode paymentMethodType subject " +
		"installmentPlan planAcceptanceID originMerchantOrderNo reserved status authCode cardNumber " +
		"cardIssuingCountry cardLevel cardType customerName mobileNumber emailAddress source agreementType " +
		"authProtocolNo dccAmount dccCurrency exchangeRate dccMarkup dccQuoteId"
	settlementV1 = "settledTIme transactionType direction settlementAmount orderCurrency productName paySceneCode " +
		"merchantOrderNo orderNo paidTime status comm commCurrency VAT VATCurrency paymentMethodType subject " +
		"payeeMid terminalId operatorId storeId merchantName storeName originMerchantOrderNo reserved"
	settlementV2 = "merchantOrderNo orderNo settledTime paidTime payeeMid merchantName terminalId operatorId storeId " +
		"storeName scheme orderCurrency totalAmount transactionType direction productName paySceneCode " +
		"paymentMethodType subject installmentPlan planAcceptanceID originMerchantOrderNo reserved status " +
		"settlementAmount commCurrency comm VATCurrency VAT authCode cardNumber cardIssuingCountry cardLevel " +
		"cardType source agreementType authProtocolNo dccAmount dccCurrency exchangeRate dccMarkup dccQuoteId"
	fundColumns = "ACCOUNTING_TIME TXN_NO PRODUCT BUSINESS_TYPE DIRECTION TXN_AMT BEFORE_AMT AFTER_AMT ACCOUNT_TYPE " +
		"MERCHANT_ORDER_NO ORDER_NO"
	fundSummary = "ACCOUNTING_DATE NUMBER_INCOME AMOUNT_INCOME NUMBER_PAYOUT AMOUNT_PAYOUT BEGINNING_BALANCE ENDING_BALANCE"
)

const (
	rowTime     = "2006-01-02T15:04:05-0700"
	summaryTime = "2006-01-02 15:04"
)

func header(columns string) string { return strings.ReplaceAll(columns, " ", "|") }

func stamp(ms int64) string { return time.UnixMilli(ms).In(uae()).Format(rowTime) }

// clean takes line ends out of text from merchants. A separator stays: the format has no
// way to escape one (protocol.md §14.3).
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

func (s *ledger) byLayout(v1, v2 string) string {
	if s.papers.Layout == LayoutV2 {
		return v2
	}
	return v1
}

// summary is the first line of the transaction and settlement files.
func (s *ledger) summary(number string) string {
	return fmt.Sprintf("mid:%s|%s:%s%s|startTime:%s|endTime:%s", s.partner, number, s.byLayout("", s.partner),
		s.period.end().Format("20060102"), s.period.from.Format(summaryTime), s.period.until.Format(summaryTime))
}

func (s *ledger) transactions() sheet {
	columns := s.byLayout(transactionsV1, transactionsV2)
	return sheet{
		name: s.dated("Purchase_Statement_"),
		head: []string{s.summary("periodNo") + fmt.Sprintf("|totalCount:%d", len(s.sales)), header(columns)},
		rows: len(s.sales), row: rower(s.sales, columns),
	}
}

func (s *ledger) settlement() sheet {
	var comm, tax payby.Fils
	for i := range s.booked {
		comm, tax = comm+s.booked[i].comm, tax+s.booked[i].tax
	}
	fate := "success"
	if s.papers.PayoutFails {
		fate = "failure"
	}
	columns := s.byLayout(settlementV1, settlementV2)
	return sheet{
		name: s.dated("Purchase_Settle_Statement_"),
		head: []string{s.summary("settlePeriodNo") + fmt.Sprintf("|openingAmount:AED %s|totalCount:%d|totalCredit:AED %s|"+
			"totalDebit:AED %s|totalComm:AED %s|totalVAT:AED %s|settleToBank:AED %s %s|stayAmount:AED %s",
			s.opening, len(s.booked), s.credit, s.debit, comm, tax, s.payout, fate, s.stay), header(columns)},
		rows: len(s.booked), row: rower(s.booked, columns),
	}
}

// dated names files after the day that follows the statement day, as the published
// example does (protocol.md §14.2).
func (s *ledger) dated(prefix string) func(int) string {
	return func(part int) string {
		return fmt.Sprintf("%s%s_%03d.csv", prefix, s.period.end().Format("02012006"), part)
	}
}

func (s *ledger) fundName(part int) string {
	return fmt.Sprintf("%s_%s_fund_statement_%03d.csv", s.partner, s.period.name(), part)
}

func rower(list []booking, columns string) func(int) string {
	names := strings.Fields(columns)
	return func(i int) string {
		b := &list[i]
		var content struct {
			TerminalDetail terminalDetail `json:"terminalDetail"`
		}
		_ = json.Unmarshal(b.accessory, &content) // written by this package
		at := content.TerminalDetail
		if b.refund {
			at = terminalDetail{MerchantName: at.MerchantName}
		}
		values := make([]string, len(names))
		for n, name := range names {
			values[n] = b.value(name, &at)
		}
		return strings.Join(values, "|")
	}
}

// value is one field; what a wallet payment does not have is empty.
func (b *booking) value(column string, at *terminalDetail) string {
	pick := func(payment, refund string) string {
		if b.refund {
			return refund
		}
		return payment
	}
	switch column {
	case "paidTime":
		return stamp(b.paid)
	case "settledTIme", "settledTime":
		return stamp(b.settled)
	case "transactionType":
		return pick("PAYMENT", "REFUND")
	case "direction":
		return pick("IN", "OUT")
	case "totalAmount":
		return b.gross.String()
	case "settlementAmount":
		return b.net().String()
	case "orderCurrency", "commCurrency", "VATCurrency":
		return "AED"
	case "comm":
		return b.comm.String()
	case "VAT":
		return b.tax.String()
	case "productName":
		return product
	case "paySceneCode":
		return "DYNQR"
	case "paymentMethodType":
		return "BALANCE"
	case "status":
		if b.reverted {
			return "REVERTED"
		}
		return "SUCCESS"
	case "merchantOrderNo":
		return clean(b.no)
	case "orderNo":
		return b.payByNo
	case "originMerchantOrderNo":
		return b.origin
	case "subject":
		return clean(b.subject)
	case "payeeMid":
		return b.payee
	case "reserved":
		return clean(b.reserved)
	case "terminalId":
		return clean(at.TerminalID)
	case "operatorId":
		return clean(at.OperatorID)
	case "storeId":
		return clean(at.StoreID)
	case "merchantName":
		return clean(at.MerchantName)
	case "storeName":
		return clean(at.StoreName)
	}
	return ""
}

// fund is the account's own file; the payout to the bank is its last row.
func (s *ledger) fund() sheet {
	balance := make([]payby.Fils, len(s.booked)+1)
	balance[0] = s.opening
	var ins, outs int
	for i := range s.booked {
		if b := &s.booked[i]; b.refund {
			outs++
			balance[i+1] = balance[i] - b.net()
		} else {
			ins++
			balance[i+1] = balance[i] + b.net()
		}
	}
	rows, paidOut := len(s.booked), s.debit
	if s.payout > 0 && !s.papers.PayoutFails {
		rows++
		outs++
		paidOut += s.payout
	}
	// The beginning balance has four decimals in the published example.
	summary := []string{
		s.period.from.Format(rowTime), strconv.Itoa(ins), s.credit.String(), strconv.Itoa(outs), paidOut.String(),
		s.opening.String() + "00", s.stay.String(),
	}
	return sheet{
		name: s.fundName,
		head: []string{header(fundSummary), strings.Join(summary, "|"), header(fundColumns)},
		rows: rows,
		row: func(i int) string {
			if i == len(s.booked) {
				return s.payoutRow(i)
			}
			b := &s.booked[i]
			direction := "Income"
			if b.refund {
				direction = "Payout"
			}
			return s.fundRow(i, b.settled, product, direction, b.net(), balance[i], balance[i+1], clean(b.no), b.payByNo)
		},
	}
}

// payoutRow lies 41 s before the day ends, or with the last booking when that is later.
func (s *ledger) payoutRow(i int) string {
	at := s.period.until.Add(-41 * time.Second).UnixMilli()
	if len(s.booked) > 0 {
		at = max(at, s.booked[len(s.booked)-1].settled)
	}
	return s.fundRow(i, at, "Settlement", "Payout", s.payout, s.stay+s.payout, s.stay,
		"statement2withdraw-"+s.period.name()+"000000001", fmt.Sprintf("13%010d%06d", at/1000, i%1_000_000))
}

func (s *ledger) fundRow(i int, at int64, what, direction string, amount, before, after payby.Fils, no, payByNo string) string {
	return strings.Join([]string{
		stamp(at), fmt.Sprintf("fd%s%09d", s.period.name(), i+1), what, "Pay", direction, amount.String(),
		before.String(), after.String(), "BASIC", no, payByNo,
	}, "|")
}
