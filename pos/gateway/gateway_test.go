package gateway

import (
	"errors"
	"testing"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/pos"
)

// TestOutcome_Table: what each refusal proves, by operation. Everything that
// is not listed as refused or absent here must stay unknown or a question.
func TestOutcome_Table(t *testing.T) {
	all := []payby.Operation{payby.OpCreate, payby.OpGet, payby.OpCancel, payby.OpRevoke, payby.OpRefund, payby.OpRefundQuery}
	for _, tc := range []struct {
		code string
		want map[payby.Operation]pos.Outcome
	}{
		{"62001", map[payby.Operation]pos.Outcome{payby.OpCreate: pos.OutcomeAsk, payby.OpCancel: pos.OutcomeAsk}},
		{"62002", map[payby.Operation]pos.Outcome{payby.OpCreate: pos.OutcomeAsk, payby.OpCancel: pos.OutcomeAsk, payby.OpRefund: pos.OutcomeRefused}},
		{"62003", map[payby.Operation]pos.Outcome{payby.OpCreate: pos.OutcomeAsk, payby.OpCancel: pos.OutcomeAsk}},
		{"62016", map[payby.Operation]pos.Outcome{payby.OpCreate: pos.OutcomeAsk}},
		{"62017", map[payby.Operation]pos.Outcome{payby.OpRefund: pos.OutcomeAsk}},
		{"62004", map[payby.Operation]pos.Outcome{payby.OpGet: pos.OutcomeAbsent, payby.OpCancel: pos.OutcomeAbsent, payby.OpRevoke: pos.OutcomeAbsent, payby.OpRefund: pos.OutcomeRefused}},
		{"62007", map[payby.Operation]pos.Outcome{payby.OpRefundQuery: pos.OutcomeAbsent}},
		{"62006", map[payby.Operation]pos.Outcome{payby.OpRefund: pos.OutcomeRefused}},
		{"62026", map[payby.Operation]pos.Outcome{payby.OpCreate: pos.OutcomeRefused}},
		{"62040", map[payby.Operation]pos.Outcome{payby.OpRefund: pos.OutcomeRefused}},
		{"402", map[payby.Operation]pos.Outcome{payby.OpCreate: pos.OutcomeBusy, payby.OpGet: pos.OutcomeBusy, payby.OpRefund: pos.OutcomeBusy}},
		{"500", map[payby.Operation]pos.Outcome{payby.OpCreate: pos.OutcomeUnknown, payby.OpCancel: pos.OutcomeUnknown, payby.OpRefund: pos.OutcomeUnknown, payby.OpGet: pos.OutcomeUnknown}},
		{"504", map[payby.Operation]pos.Outcome{payby.OpCreate: pos.OutcomeUnknown, payby.OpRefund: pos.OutcomeUnknown}},
		{"404", map[payby.Operation]pos.Outcome{payby.OpCreate: pos.OutcomeUnknown, payby.OpRefund: pos.OutcomeUnknown}},
		{"99999", map[payby.Operation]pos.Outcome{payby.OpCreate: pos.OutcomeUnknown, payby.OpRefund: pos.OutcomeUnknown, payby.OpGet: pos.OutcomeUnknown}},
	} {
		for op, want := range tc.want {
			e := &payby.Error{Op: op, Code: tc.code, Class: payby.Classify(op, "SUCCESS", tc.code, ""), Signed: true}
			if got := outcome(op, e); got != want {
				t.Errorf("%s on %s proves %q, want %q", tc.code, op, got, want)
			}
		}
	}
	for _, op := range all {
		for _, code := range []string{"62004", "62007", "62006", "62026", "400", "403", "601", "62001"} {
			e := &payby.Error{Op: op, Code: code, Class: payby.Classify(op, "SUCCESS", code, "")}
			if got := outcome(op, e); got != pos.OutcomeUnknown {
				t.Errorf("unsigned %s on %s proves %q", code, op, got)
			}
		}
		if got := outcome(op, &payby.Error{Op: op, Code: "0", Class: payby.ClassOK, Signed: true}); got != pos.OutcomeUnknown {
			t.Errorf("code 0 without a body on %s proves %q", op, got)
		}
	}
}

func TestFailed_NamesSignatureAndClock(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  *payby.Error
		want string
	}{
		{"wrong signature", &payby.Error{Op: payby.OpGet, Err: payby.ErrSignature}, pos.ClassSignature},
		{"no signature", &payby.Error{Op: payby.OpGet, Class: payby.ClassRetry, Err: payby.ErrUnsigned}, string(payby.ClassRetry)},
		{"clock", &payby.Error{Op: payby.OpCreate, Code: "400", Msg: "REQUESTTIME_TOO_EARLY", Signed: true, Class: payby.ClassCallerBug}, pos.ClassClock},
		{"page clock", &payby.Error{Op: payby.OpOrderPage, Code: "71003", Signed: true}, pos.ClassClock},
		{"plain 400", &payby.Error{Op: payby.OpCreate, Code: "400", Msg: "INVALID_PARAMETER", Signed: true, Class: payby.ClassCallerBug}, string(payby.ClassCallerBug)},
	} {
		if got := failed(tc.err.Op, tc.err).Failure.Class; got != tc.want {
			t.Errorf("%s: class %q, want %q", tc.name, got, tc.want)
		}
	}
	for _, signed := range []bool{true, false} {
		f := failed(payby.OpRefund, &payby.Error{Op: payby.OpRefund, Code: "62006", Signed: signed, Class: payby.ClassBusiness}).Failure
		if f.Exceeds != signed || f.Verified != signed {
			t.Errorf("62006, signed %t: exceeds %t, verified %t", signed, f.Exceeds, f.Verified)
		}
	}
	if a := failed(payby.OpGet, errors.New("boom")); a.Failure.Outcome != pos.OutcomeUnknown {
		t.Errorf("a plain error proves %q", a.Failure.Outcome)
	}
}

func TestUsableToken(t *testing.T) {
	good := "https://uat-qr.test2pay.com?BIZ_TYPE=202&ft=ce5444b05cb64826b70e6a8b77fe73ad&t=1784012531714"
	if usableToken(good) != good {
		t.Error("a real token was changed")
	}
	for _, bad := range []string{"", "javascript:alert(1)", "https://", "no url", good + string(make([]byte, 600)), "file:///etc/passwd", "ftp://qr.example/pay", "javascript://qr.example/%0aalert(1)"} {
		if usableToken(bad) != "" {
			t.Errorf("%.40q would be shown as a QR", bad)
		}
	}
}

func TestOrderReport_KeepsWhatTheRulesNeed(t *testing.T) {
	o := &payby.Order{
		MerchantOrderNo: "S1", OrderNo: "13", Status: payby.Failure, Revoked: true, TotalAmount: payby.AED(12600),
		PayeeMid: "200000000888", ExpiredTime: 7,
		PaymentInfo: &payby.PaymentInfo{PaidAmount: payby.AED(12000), PaidTime: 9, PayerMid: "p", PayChannel: "BALANCE"},
	}
	r := orderReport(o, pos.SourceQuery)
	want := pos.OrderReport{
		Source: pos.SourceQuery, Sale: "S1", ProviderNo: "13", Status: pos.OrderFailed, Reversed: true, Total: 12600,
		Currency: "AED", Payee: "200000000888", ExpiresMs: 7,
		Payment: &pos.Payment{Paid: 12000, Currency: "AED", AtMs: 9, Payer: "p", Channel: "BALANCE"},
	}
	if *r.Payment != *want.Payment {
		t.Errorf("payment %+v", r.Payment)
	}
	r.Payment, want.Payment = nil, nil
	if *r != want {
		t.Errorf("got %+v, want %+v", *r, want)
	}
	for status, want := range map[payby.OrderStatus]pos.OrderStatus{
		payby.Created: pos.OrderOpen, payby.PaidSuccess: pos.OrderPaid, payby.Settled: pos.OrderSettled,
		payby.Failure: pos.OrderFailed, payby.Void: pos.OrderOther, "NEW_WORD": pos.OrderOther,
	} {
		if got := orderStatus(status); got != want {
			t.Errorf("%s is %s, want %s", status, got, want)
		}
	}
}
