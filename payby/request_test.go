package payby

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func order() CreateOrder {
	return CreateOrder{MerchantOrderNo: storyNo, Subject: "Corner Shop", TotalAmount: AED(12600), PaySceneCode: SceneDYNQR}
}

func refund() PlaceRefund {
	return PlaceRefund{RefundMerchantOrderNo: refundNo, OriginMerchantOrderNo: storyNo, Amount: AED(2600)}
}

func TestEncodeOrderLimits(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct {
		field string
		fits  func(*CreateOrder)
		too   func(*CreateOrder)
	}{
		{"merchantOrderNo", func(o *CreateOrder) { o.MerchantOrderNo = long(64) }, func(o *CreateOrder) { o.MerchantOrderNo = long(65) }},
		{"merchantOrderNo", func(o *CreateOrder) { o.MerchantOrderNo = "aZ09-_" }, func(o *CreateOrder) { o.MerchantOrderNo = "a b" }},
		{"merchantOrderNo", func(o *CreateOrder) {}, func(o *CreateOrder) { o.MerchantOrderNo = "رقم" }},
		{"merchantOrderNo", func(o *CreateOrder) {}, func(o *CreateOrder) { o.MerchantOrderNo = "" }},
		{"subject", func(o *CreateOrder) { o.Subject = long(64) }, func(o *CreateOrder) { o.Subject = long(65) }},
		{"subject", func(o *CreateOrder) { o.Subject = strings.Repeat("ش", 64) }, func(o *CreateOrder) { o.Subject = strings.Repeat("🧾", 33) }},
		{"subject", func(o *CreateOrder) { o.Subject = strings.Repeat("🧾", 32) }, func(o *CreateOrder) { o.Subject = " " }},
		{"subject", func(o *CreateOrder) {}, func(o *CreateOrder) { o.Subject = "a\nb" }},
		{"subject", func(o *CreateOrder) {}, func(o *CreateOrder) { o.Subject = "a\xff" }},
		{"subjectAr", func(o *CreateOrder) { o.SubjectAr = strings.Repeat("ش", 200) }, func(o *CreateOrder) { o.SubjectAr = strings.Repeat("ش", 201) }},
		{"totalAmount", func(o *CreateOrder) { o.TotalAmount = AED(1) }, func(o *CreateOrder) { o.TotalAmount = AED(0) }},
		{"totalAmount", func(o *CreateOrder) { o.TotalAmount = AED(MaxAmount) }, func(o *CreateOrder) { o.TotalAmount = AED(MaxAmount + 1) }},
		{"totalAmount", func(o *CreateOrder) {}, func(o *CreateOrder) { o.TotalAmount = AED(-1) }},
		{"totalAmount", func(o *CreateOrder) {}, func(o *CreateOrder) { o.TotalAmount.Currency = "USD" }},
		{"totalAmount", func(o *CreateOrder) {}, func(o *CreateOrder) { o.TotalAmount.Currency = "aed" }},
		{"expiredTime", func(o *CreateOrder) { o.ExpiredTime = 1784010030318 }, func(o *CreateOrder) { o.ExpiredTime = -1 }},
		{"payeeMid", func(o *CreateOrder) { o.PayeeMid = long(12) }, func(o *CreateOrder) { o.PayeeMid = long(13) }},
		{"paySceneCode", func(o *CreateOrder) {}, func(o *CreateOrder) { o.PaySceneCode = "" }},
		{"paySceneParams.changePayer", func(o *CreateOrder) { o.PaySceneParams = map[string]string{"changePayer": "false"} }, func(o *CreateOrder) { o.PaySceneParams = map[string]string{"changePayer": "True"} }},
		{"paySceneParams.oneTimePayment", func(o *CreateOrder) { o.PaySceneParams = map[string]string{"oneTimePayment": "true"} }, func(o *CreateOrder) { o.PaySceneParams = map[string]string{"oneTimePayment": ""} }},
		{"notifyUrl", func(o *CreateOrder) { o.NotifyURL = "https://a.example/?a=b&c=d" }, func(o *CreateOrder) { o.NotifyURL = "a.example" }},
		{"notifyUrl", func(o *CreateOrder) { o.NotifyURL = "https://a.example/" + long(182) }, func(o *CreateOrder) { o.NotifyURL = "https://a.example/" + long(183) }},
		{"deviceId", func(o *CreateOrder) { o.DeviceID = long(32) }, func(o *CreateOrder) { o.DeviceID = long(33) }},
		{"deviceId", func(o *CreateOrder) { o.DeviceID, o.SecondaryMerchantID = "d", long(64) }, func(o *CreateOrder) { o.SecondaryMerchantID = "s" }},
		{"secondaryMerchantId", func(o *CreateOrder) {}, func(o *CreateOrder) { o.DeviceID, o.SecondaryMerchantID = "d", long(65) }},
		{"reserved", func(o *CreateOrder) { o.Reserved = long(20) }, func(o *CreateOrder) { o.Reserved = long(21) }},
		{"terminalDetail.operatorId", terminal(long(200)), terminal(long(201))},
		{"goodsDetail.goodsName", goods(long(200), 1), goods(long(201), 1)},
		{"goodsDetail.quantity", goods("x", Quantity(MaxAmount)), goods("x", -1)},
		{"amountDetail.vatAmount", vat(AED(0)), vat(AED(-1))},
	} {
		o := order()
		c.fits(&o)
		if _, err := Encode(o); err != nil {
			t.Errorf("%s: %v", c.field, err)
		}
		o = order()
		c.too(&o)
		if b, err := Encode(&o); !errors.Is(err, ErrInvalid) || b != nil || !strings.Contains(err.Error(), " "+c.field+" ") {
			t.Errorf("%s: %s, %v", c.field, b, err)
		}
	}
}

func terminal(s string) func(*CreateOrder) {
	return func(o *CreateOrder) {
		o.AccessoryContent = &AccessoryContent{TerminalDetail: &TerminalDetail{OperatorID: s}}
	}
}

func goods(s string, q Quantity) func(*CreateOrder) {
	return func(o *CreateOrder) {
		o.AccessoryContent = &AccessoryContent{GoodsDetail: &GoodsDetail{GoodsName: s, Quantity: q}}
	}
}

func vat(m Money) func(*CreateOrder) {
	return func(o *CreateOrder) {
		o.AccessoryContent = &AccessoryContent{AmountDetail: &AmountDetail{VatAmount: &m}}
	}
}

func TestEncodeRefundLimits(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	for field, changes := range map[string][]func(*PlaceRefund){
		"refundMerchantOrderNo": {func(r *PlaceRefund) { r.RefundMerchantOrderNo = "" }, func(r *PlaceRefund) { r.RefundMerchantOrderNo = long(65) }},
		"originMerchantOrderNo": {func(r *PlaceRefund) { r.OriginMerchantOrderNo = "" }, func(r *PlaceRefund) { r.OriginOrderNo = "13" }, func(r *PlaceRefund) { r.OriginMerchantOrderNo = "a/b" }},
		"originOrderNo":         {func(r *PlaceRefund) { r.OriginMerchantOrderNo, r.OriginOrderNo = "", long(33) }},
		"amount":                {func(r *PlaceRefund) { r.Amount = AED(0) }, func(r *PlaceRefund) { r.Amount = AED(MaxAmount + 1) }, func(r *PlaceRefund) { r.Amount = Money{Amount: 1} }},
		"operatorName":          {func(r *PlaceRefund) { r.OperatorName = long(201) }},
		"reason":                {func(r *PlaceRefund) { r.Reason = long(65) }},
		"notifyUrl":             {func(r *PlaceRefund) { r.NotifyURL = "ftp://a.example" }},
		"reserved":              {func(r *PlaceRefund) { r.Reserved = long(201) }},
		"deviceId":              {func(r *PlaceRefund) { r.SecondaryMerchantID = "s" }},
	} {
		for i, change := range changes {
			r := refund()
			change(&r)
			if b, err := Encode(r); !errors.Is(err, ErrInvalid) || b != nil || !strings.Contains(err.Error(), " "+field+" ") {
				t.Errorf("%s %d: %s, %v", field, i, b, err)
			}
		}
	}
	r := refund()
	r.OriginMerchantOrderNo, r.OriginOrderNo = "", "131784009730900852"
	r.Reason, r.OperatorName, r.Reserved = long(64), long(200), long(200)
	if _, err := Encode(&r); err != nil {
		t.Errorf("at the limits: %v", err)
	}
}

func TestEncodeTakesExactlyOneNumber(t *testing.T) {
	for _, bad := range []any{
		OrderRef{}, OrderRef{MerchantOrderNo: "a", OrderNo: "1"}, OrderRef{OrderNo: strings.Repeat("1", 33)}, OrderRef{MerchantOrderNo: "a b"},
		&RefundRef{}, RefundRef{RefundMerchantOrderNo: "a", OrderNo: "1"},
		nil, "text", 5, map[string]string{"merchantOrderNo": "a"}, Order{}, (*OrderRef)(nil), (*CreateOrder)(nil), (*PlaceRefund)(nil), (*RefundRef)(nil),
	} {
		if b, err := Encode(bad); !errors.Is(err, ErrInvalid) || b != nil {
			t.Errorf("%#v: %s, %v", bad, b, err)
		}
	}
	for want, good := range map[string]any{
		`{"merchantOrderNo":"a"}`:       OrderRef{MerchantOrderNo: "a"},
		`{"orderNo":"1"}`:               &OrderRef{OrderNo: "1"},
		`{"refundMerchantOrderNo":"a"}`: RefundRef{RefundMerchantOrderNo: "a"},
	} {
		if b, err := Encode(good); err != nil || string(b) != want {
			t.Errorf("%s, %v; want %s", b, err, want)
		}
	}
}

func TestEncodeWritesReadableBytes(t *testing.T) {
	o := order()
	o.Subject, o.SubjectAr, o.NotifyURL = `Fish & "Chips" <1>`, "متجر", "https://a.example/n?a=b&c=d"
	b := must[[]byte](t)(Encode(o))
	for _, want := range []string{`"amount":126.00,"currency":"AED"`, `Fish & \"Chips\" <1>`, "متجر", "?a=b&c=d"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s lacks %s", b, want)
		}
	}
	var back CreateOrder
	if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(back, o) {
		t.Errorf("read back as %+v, %v", back, err)
	}
}
