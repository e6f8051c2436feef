package gateway

import (
	"errors"
	"net/url"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/pos"
)

// maxToken is far above the 92 characters of today's QR texts and still fits
// a QR code that a phone reads easily.
const maxToken = 512

// usableToken returns the QR text unchanged, or nothing when it is no web
// address that a wallet could open (protocol.md §6.4).
func usableToken(token string) string {
	if len(token) > maxToken {
		return ""
	}
	u, err := url.Parse(token)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return ""
	}
	return token
}

func orderReport(o *payby.Order, source pos.Source) *pos.OrderReport {
	r := &pos.OrderReport{
		Source: source, Sale: pos.SaleNo(o.MerchantOrderNo), ProviderNo: o.OrderNo,
		Status: orderStatus(o.Status), Reversed: o.Revoked,
		Total: pos.Fils(o.TotalAmount.Amount), Currency: o.TotalAmount.Currency,
		Payee: o.PayeeMid, ExpiresMs: o.ExpiredTime,
	}
	if p := o.PaymentInfo; p != nil {
		r.Payment = &pos.Payment{
			Paid: pos.Fils(p.PaidAmount.Amount), Currency: p.PaidAmount.Currency,
			AtMs: p.PaidTime, Payer: p.PayerMid, Channel: p.PayChannel,
		}
	}
	return r
}

func orderStatus(s payby.OrderStatus) pos.OrderStatus {
	switch s {
	case payby.Created:
		return pos.OrderOpen
	case payby.PaidSuccess:
		return pos.OrderPaid
	case payby.Settled:
		return pos.OrderSettled
	case payby.Failure:
		return pos.OrderFailed
	}
	return pos.OrderOther
}

func refundReport(o *payby.RefundOrder, source pos.Source) *pos.RefundReport {
	return &pos.RefundReport{
		Source: source, Refund: pos.RefundNo(o.RefundMerchantOrderNo), Sale: pos.SaleNo(o.OriginMerchantOrderNo),
		ProviderNo: o.OrderNo, Status: refundStatus(o.Status),
		Amount: pos.Fils(o.Amount.Amount), Currency: o.Amount.Currency,
		FailCode: o.FailCode, FailText: o.FailDes,
	}
}

func refundStatus(s payby.RefundStatus) pos.RefundStatus {
	switch s {
	case payby.RefundCreated:
		return pos.RefundReportAccepted
	case payby.RefundedSettled:
		return pos.RefundReportSettled
	case payby.RefundSuccess:
		return pos.RefundReportDone
	case payby.RefundFailure:
		return pos.RefundReportFailed
	}
	return pos.RefundReportOther
}

func chargebackReport(c *payby.Chargeback) *pos.ChargebackReport {
	r := &pos.ChargebackReport{Sale: pos.SaleNo(c.MerchantOrderNo), ProviderNo: c.OrderNo, AtMs: c.ChargebackTime}
	if c.ChargebackAmount != nil {
		r.Amount, r.Currency = pos.Fils(c.ChargebackAmount.Amount), c.ChargebackAmount.Currency
	}
	return r
}

// failed words a call that brought no order.
func failed(op payby.Operation, err error) pos.Answer {
	var e *payby.Error
	if !errors.As(err, &e) {
		return unsent(err)
	}
	f := &pos.Failure{
		Outcome: outcome(op, e), Class: string(e.Class), Code: e.Code, Message: e.Msg, Trace: e.Trace,
		Verified: e.Signed, Exceeds: e.Signed && e.Code == "62006", Err: err,
	}
	switch {
	case errors.Is(err, payby.ErrSignature) && !errors.Is(err, payby.ErrUnsigned):
		f.Class = pos.ClassSignature
	case isClock(e):
		f.Class = pos.ClassClock
	}
	return pos.Answer{Failure: f, Date: e.Date, Body: e.Raw}
}

// isClock reports the complaints about requestTime (protocol.md §3.1).
func isClock(e *payby.Error) bool {
	switch e.Code {
	case "71002", "71003":
		return true
	case "400":
		return e.Msg == "REQUESTTIME_TOO_EARLY" || e.Msg == "REQUESTTIME_TOO_LATER"
	}
	return false
}

// outcome says what a failed call proves. Only a signed answer proves
// anything, and a code that asks for a query never does.
func outcome(op payby.Operation, e *payby.Error) pos.Outcome {
	if e.Code == "402" {
		return pos.OutcomeBusy
	}
	if !e.Signed || e.Code == "" || e.Code == "0" || e.Err != nil {
		return pos.OutcomeUnknown
	}
	switch e.Code {
	case "62004", "62007", "62035":
		switch op {
		case payby.OpGet, payby.OpCancel, payby.OpRevoke, payby.OpRefundQuery:
			return pos.OutcomeAbsent
		}
	case "62001", "62002", "62003", "62016":
		if op != payby.OpRefund {
			return pos.OutcomeAsk
		}
	case "62017", "62039":
		return pos.OutcomeAsk
	}
	switch e.Class {
	case payby.ClassCallerBug, payby.ClassBusiness, payby.ClassConfig, payby.ClassFinal:
		return pos.OutcomeRefused
	}
	return pos.OutcomeUnknown
}
