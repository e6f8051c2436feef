package payby

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

const orderCore = `"merchantOrderNo":"M","orderNo":"1","status":"PAID_SUCCESS","totalAmount":{"amount":"1.0","currency":"AED"}`

func readOrder(t *testing.T, more string) (Order, error) {
	t.Helper()
	text := `{` + orderCore
	if more != "" {
		text += "," + more
	}
	var o Order
	err := json.Unmarshal([]byte(text+`}`), &o)
	return o, err
}

func TestRevokedInAllItsForms(t *testing.T) {
	for more, want := range map[string]bool{
		``: false, `"revoked":null`: false, `"revoked":""`: false,
		`"revoked":"false"`: false, `"revoked":false`: false, `"revoked":"False"`: false, `"revoke":"false"`: false,
		`"revoked":"true"`: true, `"revoked":true`: true, `"revoked":"TRUE"`: true, `"revoke":"true"`: true, `"revoke":true`: true,
		`"revoked":"false","revoke":"true"`: true, `"revoked":true,"revoke":false`: true,
		`"Revoked":"true"`: false, `"REVOKE":true`: false,
	} {
		if o, err := readOrder(t, more); err != nil || o.Revoked != want {
			t.Errorf("%s: %t, %v; want %t", more, o.Revoked, err, want)
		}
	}
	for _, more := range []string{`"revoked":1`, `"revoked":"yes"`, `"revoked":{}`, `"revoke":[]`, `"revoked":"false","revoked":"true"`} {
		if o, err := readOrder(t, more); !errors.Is(err, ErrMalformed) || o.Status != "" {
			t.Errorf("%s: read as %+v, %v", more, o, err)
		}
	}
}

// Another spelling of a name is another member; it must neither replace the
// real one nor stand in for it.
func TestCaseTricksChangeNothing(t *testing.T) {
	for _, more := range []string{
		`"Status":"SETTLED"`, `"STATUS":"SETTLED"`, `"\u017ftatus":"SETTLED"`,
		`"TotalAmount":{"amount":9,"currency":"AED"}`, `"totalamount":{"amount":9,"currency":"AED"}`,
		`"MerchantOrderNo":"X"`, `"merchantOrderNO":"X"`, `"PaymentInfo":{}`, `"PAYMENTINFO":{}`, `"payeemid":"X"`, `"ExpiredTime":5`,
	} {
		o, err := readOrder(t, more)
		if err != nil || o.Status != PaidSuccess || o.TotalAmount != AED(100) || o.MerchantOrderNo != "M" ||
			o.PaymentInfo != nil || o.PayeeMid != "" || o.ExpiredTime != 0 {
			t.Errorf("%s: %+v, %v", more, o, err)
		}
	}
	for _, more := range []string{
		`"status":"SETTLED"`, `"st\u0061tus":"SETTLED"`, `"totalAmount":{"amount":9,"currency":"AED"}`, `"merchantOrderNo":"M"`,
		`"paymentInfo":null,"paymentInfo":{}`, `"unknown":1,"unknown":2`,
		`"paymentInfo":{"paidTime":1,"paidTime":2}`, `"paymentInfo":{"paidAmount":{"amount":1,"amount":1,"currency":"AED"}}`,
	} {
		if o, err := readOrder(t, more); !errors.Is(err, ErrMalformed) {
			t.Errorf("a member twice, %s: %+v, %v", more, o, err)
		}
	}
}

// What no decision hangs on must not hide a payment.
func TestUnreadableSideInformationIsDropped(t *testing.T) {
	o, err := readOrder(t, `"accessoryContent":"{\"terminalDetail\":{}}","subject":["x"],"reserved":{"a":1},"requestTime":"soon","notifyUrl":5,
		"deviceId":"","sharingInfoList":[{}],"somethingNew":{"a":{"a":1}},"paySceneParams":{"oneTimePayment":false,"odd":{}},
		"paymentInfo":{"paidAmount":{"amount":1,"currency":"AED"},"paidTime":"1784009771854","payerMid":100000012396,"payerFeeAmount":"none",
			"payeeFeeAmount":{"amount":0.0051,"currency":"AED"},"settlementAmount":{"amount":124.685,"currency":"AED"},
			"cardInfo":{"expYear":31,"expMonth":"05","cardToken":"tok"},"channelParam":{"extension":{"RRN":"1","n":2,"deep":{}}},"settledTime":{}}`)
	if err != nil {
		t.Fatal(err)
	}
	p := o.PaymentInfo
	if p == nil || p.PaidAmount != AED(100) || p.PaidTime != 1784009771854 || p.PayerMid != "100000012396" {
		t.Fatalf("%+v", p)
	}
	if p.PayerFeeAmount != nil || p.PayeeFeeAmount != nil || p.SettlementAmount != nil || p.SettledTime != 0 {
		t.Errorf("an inexact fee was read: %+v", p)
	}
	if p.CardInfo.ExpYear != "31" || p.ChannelParam.Extension["RRN"] != "1" || p.ChannelParam.Extension["n"] != "2" || len(p.ChannelParam.Extension) != 2 {
		t.Errorf("%+v %+v", p.CardInfo, p.ChannelParam)
	}
	if o.AccessoryContent != nil || o.Subject != "" || o.Reserved != "" || o.NotifyURL != "5" || o.PaySceneParams["oneTimePayment"] != "false" {
		t.Errorf("%+v", o)
	}
	b := must[[]byte](t)(json.Marshal(o))
	if strings.Contains(string(b), "tok") || strings.Contains(string(b), "cardToken") {
		t.Errorf("the card token was kept: %s", b)
	}
}

// An empty payment is still a sign that the order may have been paid.
func TestAnEmptyPaymentInfoIsNotAbsent(t *testing.T) {
	if o, err := readOrder(t, `"paymentInfo":{}`); err != nil || o.PaymentInfo == nil {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err := readOrder(t, `"paymentInfo":null`); err != nil || o.PaymentInfo != nil {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := readOrder(t, `"paymentInfo":"none"`); !errors.Is(err, ErrMalformed) {
		t.Errorf("%v", err)
	}
}

func TestOrderIsWrittenAsTheGatewayDoes(t *testing.T) {
	for revoked, want := range map[bool]string{true: `"revoked":"true"`, false: `"revoked":"false"`} {
		b := must[[]byte](t)(json.Marshal(Order{MerchantOrderNo: "M", OrderNo: "1", Status: Created, TotalAmount: AED(100), Revoked: revoked}))
		if strings.Count(string(b), "revoked") != 1 || !strings.Contains(string(b), want) || strings.Contains(string(b), "paymentInfo") {
			t.Errorf("%s", b)
		}
		var o Order
		if err := json.Unmarshal(b, &o); err != nil || o.Revoked != revoked {
			t.Errorf("read back as %+v, %v", o, err)
		}
	}
}

func TestTokenURLInItsThreePlaces(t *testing.T) {
	param := func(s string) string { return `{"tokenUrl":"` + s + `"}` }
	for text, want := range map[string]string{
		`{"interActionParams":` + param("a") + `}`:                                                                   "a",
		`{"interactionParams":` + param("b") + `}`:                                                                   "b",
		`{"acquireOrder":{"interActionParams":` + param("c") + `}}`:                                                  "c",
		`{"acquireOrder":{"interactionParams":` + param("d") + `}}`:                                                  "d",
		`{"interactionParams":` + param("b") + `,"interActionParams":` + param("a") + `}`:                            "a",
		`{"acquireOrder":{"interActionParams":` + param("c") + `},"interactionParams":` + param("b") + `}`:           "b",
		`{"interActionParams":{},"interactionParams":` + param("b") + `}`:                                            "b",
		`{"interActionParams":null,"interactionParams":"x","acquireOrder":{"interActionParams":` + param("c") + `}}`: "c",
		`{"interActionParams":{"tokenUrl":5}}`:                                                                       "",
		`{"interActionParams":{"tokenUrl":"a","tokenUrl":"b"}}`:                                                      "",
		`{"InterActionParams":` + param("a") + `}`:                                                                   "",
		`{"interActionParams":{"deepLink":"x"}}`:                                                                     "",
		`{}`:                                                                                                         "",
		`{"interActionParams":{"tokenUrl":"https://qr.payby.com?BIZ_TYPE=202\u0026ft=7a\u0026t=1"}}`:                 "https://qr.payby.com?BIZ_TYPE=202&ft=7a&t=1",
	} {
		body, err := members([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := tokenURL(body); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestRefundSummarySpellings(t *testing.T) {
	var s RefundSummary
	err := json.Unmarshal([]byte(`{"acquireAmount":{"amount":126,"currency":"AED"},"remainRefundAmount":{"amount":"x","currency":"AED"},
		"sharingRemainRefundInfoList":[{"memeberId":"1","remainRefundAmount":{"amount":5,"currency":"AED"}},{"memberId":2}]}`), &s)
	if err != nil || *s.AcquireAmount != AED(12600) || s.RemainRefundAmount != nil {
		t.Fatalf("%+v, %v", s, err)
	}
	if len(s.Sharing) != 2 || s.Sharing[0].MemberID != "1" || *s.Sharing[0].RemainRefundAmount != AED(500) || s.Sharing[1].MemberID != "2" {
		t.Errorf("%+v", s.Sharing)
	}
}
