package payby

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadNotificationSamples(t *testing.T) {
	for name, check := range map[string]func(*Notification) bool{
		"notify.payment.json": func(n *Notification) bool {
			o := n.Order
			return o != nil && o.Status == PaidSuccess && o.TotalAmount == AED(12600) && o.PaymentInfo.PaidAmount == AED(12600) &&
				o.PaymentInfo.PaidTime == 1784009771854 && o.PayeeMid == "200000000888" && o.ExpiredTime == 1784010030318 &&
				!o.Revoked && *o.PaymentInfo.SettlementAmount == AED(12468) && n.ID == "202607140007499051" && n.Timestamp == 1784009773043 &&
				o.AccessoryContent.TerminalDetail.OperatorID == "CASHIER-07"
		},
		"notify.payment_failure.json": func(n *Notification) bool {
			return n.Order != nil && n.Order.Status == Failure && n.Order.PaymentInfo == nil
		},
		"notify.refund.json": func(n *Notification) bool {
			return n.Refund != nil && n.Refund.Status == RefundSuccess && n.Refund.Amount == AED(2600) && n.Refund.OriginMerchantOrderNo == storyNo
		},
		"notify.refund_refunded_settled.json": func(n *Notification) bool {
			return n.Refund != nil && n.Refund.Status == RefundedSettled
		},
		"notify.refund_failure.json": func(n *Notification) bool {
			return n.Refund != nil && n.Refund.Status == RefundFailure && n.Refund.FailCode == "62045"
		},
		"notify.void.json": func(n *Notification) bool {
			return n.Void != nil && n.Void.Status == "SUCCESS" && *n.Void.Amount == AED(10000) && n.Void.OriginMerchantOrderNo == "M202607140001" && n.Void.FailCode == ""
		},
		"notify.chargeback.json": func(n *Notification) bool {
			c := n.Chargeback
			return c != nil && c.MerchantOrderNo == storyNo && *c.ChargebackAmount == AED(12600) && *c.PayAmount == AED(12600) &&
				c.ChargebackTime == 1784010663043 && c.CaseType == "dispute" && c.PartnerID == "200000000888"
		},
	} {
		raw := sample(t, name)
		n, err := ReadNotification(gatewayKeys(), gatewaySign(t, raw), raw)
		if err != nil || !check(n) {
			t.Errorf("%s: %+v, %v", name, n, err)
			continue
		}
		objects := 0
		for _, set := range []bool{n.Order != nil, n.Refund != nil, n.Void != nil, n.Chargeback != nil} {
			if set {
				objects++
			}
		}
		if objects != 1 {
			t.Errorf("%s: %d objects", name, objects)
		}
	}
}

func TestReadNotificationVector(t *testing.T) {
	dir := filepath.Join("testdata", "signing")
	pem := must[[]byte](t)(os.ReadFile(filepath.Join(dir, "payby_test_public.pem")))
	raw := must[[]byte](t)(os.ReadFile(filepath.Join(dir, "notify.payment.body")))
	var file struct {
		Vectors []struct{ BodyFile, Sign string }
	}
	if err := json.Unmarshal(must[[]byte](t)(os.ReadFile(filepath.Join(dir, "vectors.json"))), &file); err != nil {
		t.Fatal(err)
	}
	key, err := ParsePublicKey(pem)
	if err != nil {
		t.Fatal(err)
	}
	keys := append(gatewayKeys(), key)
	n, err := ReadNotification(keys, file.Vectors[1].Sign, raw)
	if err != nil || n.Order.Status != PaidSuccess {
		t.Fatalf("%+v, %v", n, err)
	}
	if _, err := ReadNotification(gatewayKeys(), file.Vectors[1].Sign, raw); !errors.Is(err, ErrSignature) {
		t.Errorf("another merchant's key took it: %v", err)
	}
}

func TestReadNotificationRefuses(t *testing.T) {
	raw := sample(t, "notify.payment.json")
	sign := gatewaySign(t, raw)
	for name, c := range map[string]struct {
		sign string
		raw  []byte
		want error
	}{
		"no signature":      {"", raw, ErrUnsigned},
		"wrong signature":   {gatewaySign(t, []byte("x")), raw, ErrSignature},
		"amount changed":    {sign, []byte(strings.Replace(string(raw), "126.00", "125.00", 1)), ErrSignature},
		"one byte more":     {sign, append(raw[:len(raw):len(raw)], '\n'), ErrSignature},
		"too large":         {sign, make([]byte, MaxBody+1), ErrTooLarge},
		"too large, signed": {gatewaySign(t, make([]byte, MaxBody+1)), make([]byte, MaxBody+1), ErrTooLarge},
	} {
		if n, err := ReadNotification(gatewayKeys(), c.sign, c.raw); n != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v", name, n, err)
		}
	}
	refund := `"refundOrder":{"refundMerchantOrderNo":"R","status":"SUCCESS","amount":{"amount":1,"currency":"AED"}}`
	order := `"acquireOrder":{"merchantOrderNo":"M","orderNo":"1","status":"PAID_SUCCESS","totalAmount":{"amount":1,"currency":"AED"}}`
	for name, text := range map[string]string{
		"empty":              ``,
		"null":               `null`,
		"not JSON":           `x`,
		"two types":          `{` + refund + `,` + order + `}`,
		"two orders":         `{` + order + `,` + order + `}`,
		"order a text":       `{"acquireOrder":"x"}`,
		"order empty":        `{"acquireOrder":{}}`,
		"refund empty":       `{"refundOrder":{}}`,
		"void empty":         `{"voidOrder":{}}`,
		"chargeback empty":   `{"acquireChargeback":{}}`,
		"total negative":     `{"acquireOrder":{"merchantOrderNo":"M","orderNo":"1","status":"PAID_SUCCESS","totalAmount":{"amount":-1,"currency":"AED"}}}`,
		"status twice":       `{"acquireOrder":{"merchantOrderNo":"M","orderNo":"1","status":"CREATED","status":"PAID_SUCCESS","totalAmount":{"amount":1,"currency":"AED"}}}`,
		"chargeback inexact": `{"acquireChargeback":{"merchantOrderNo":"M","chargebackAmount":{"amount":0.001,"currency":"AED"}}}`,
	} {
		n, err := ReadNotification(gatewayKeys(), gatewaySign(t, []byte(text)), []byte(text))
		if n != nil || !errors.Is(err, ErrMalformed) || errors.Is(err, ErrSignature) {
			t.Errorf("%s: %+v, %v", name, n, err)
		}
	}
}

func TestAnUnknownNotificationTypeIsGenuineAndEmpty(t *testing.T) {
	for _, text := range []string{`{"notify_id":"1","rewardOrder":{"x":1}}`, `{"notify_id":1,"AcquireOrder":{"status":"PAID_SUCCESS"},"acquireOrder":null}`} {
		n, err := ReadNotification(gatewayKeys(), gatewaySign(t, []byte(text)), []byte(text))
		if err != nil || n.ID != "1" || n.Order != nil || n.Refund != nil || n.Void != nil || n.Chargeback != nil {
			t.Errorf("%s: %+v, %v", text, n, err)
		}
	}
}

func TestAckIsWhatTheGatewayWants(t *testing.T) {
	var want, got struct{ Response string }
	if err := json.Unmarshal(sample(t, "notify.ack.json"), &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(Ack), &got); err != nil || got != want || got.Response != "SUCCESS" {
		t.Errorf("%s", Ack)
	}
}
