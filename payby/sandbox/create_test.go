package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
)

const goodSale = `{"merchantOrderNo":"S-1","subject":"x","totalAmount":{"amount":1.00,"currency":"AED"},"paySceneCode":"DYNQR"}`

// edit replaces members of goodSale; a value of "" removes one.
func edit(t *testing.T, members map[string]string) string {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(goodSale), &m); err != nil {
		t.Fatal(err)
	}
	for k, v := range members {
		if v == "" {
			delete(m, k)
			continue
		}
		m[k] = json.RawMessage(v)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func quoted(n int) string { return `"` + strings.Repeat("a", n) + `"` }

func TestCreate_FieldLimits(t *testing.T) {
	money := func(amount string) string { return `{"amount":` + amount + `,"currency":"AED"}` }
	ms := func(d time.Duration) string { return fmt.Sprint(storyTime().Add(d).UnixMilli()) }
	for _, c := range []struct {
		name, member, value string
		strict, lenient     string
	}{
		{"no number", "merchantOrderNo", "", "400", "400"},
		{"number 64", "merchantOrderNo", quoted(64), "0", "0"},
		{"number 65", "merchantOrderNo", quoted(65), "400", "400"},
		{"number with blank", "merchantOrderNo", `"a b"`, "400", "400"},
		{"number not ASCII", "merchantOrderNo", `"س"`, "400", "400"},
		{"number not text", "merchantOrderNo", `12`, "400", "400"},
		{"no subject", "subject", "", "400", "400"},
		{"subject 64", "subject", quoted(64), "0", "0"},
		{"subject 65", "subject", quoted(65), "400", "400"},
		{"subject Arabic", "subject", `"` + strings.Repeat("س", 64) + `"`, "0", "0"},
		{"subjectAr 200", "subjectAr", quoted(200), "0", "0"},
		{"subjectAr 201", "subjectAr", quoted(201), "400", "400"},
		{"no amount", "totalAmount", "", "400", "400"},
		{"amount 0", "totalAmount", money("0"), "400", "400"},
		{"amount negative", "totalAmount", money("-1"), "400", "400"},
		{"amount 1 fils", "totalAmount", money("0.01"), "0", "0"},
		{"amount half a fils", "totalAmount", money("0.005"), "400", "400"},
		{"amount three decimals", "totalAmount", money("1.000"), "400", "400"},
		{"amount highest", "totalAmount", money("999999999999.99"), "0", "0"},
		{"amount above highest", "totalAmount", money("1000000000000"), "400", "400"},
		{"amount exponent", "totalAmount", money("1E+3"), "0", "0"},
		{"amount negative exponent", "totalAmount", money("125e-2"), "0", "0"},
		{"amount exponent bomb", "totalAmount", money("1E+999999999"), "400", "400"},
		{"amount quoted", "totalAmount", money(`"1.00"`), "400", "0"},
		{"amount not a number", "totalAmount", money("true"), "400", "400"},
		{"currency", "totalAmount", `{"amount":1,"currency":"USD"}`, "400", "400"},
		{"currency missing", "totalAmount", `{"amount":1}`, "400", "400"},
		{"expiry now", "expiredTime", ms(0), "62008", "62008"},
		{"expiry in the past", "expiredTime", ms(-time.Second), "62008", "62008"},
		{"expiry next ms", "expiredTime", ms(time.Millisecond), "0", "0"},
		{"expiry 48 h", "expiredTime", ms(48 * time.Hour), "0", "0"},
		{"expiry above 48 h", "expiredTime", ms(48*time.Hour + time.Millisecond), "62009", "62009"},
		{"expiry as text", "expiredTime", `"2026-07-14"`, "400", "400"},
		{"no scene", "paySceneCode", "", "400", "400"},
		{"unknown scene", "paySceneCode", `"CASH"`, "62012", "62012"},
		{"scene not applied for", "paySceneCode", `"PAYPAGE"`, "62026", "62026"},
		{"QRPAY without code", "paySceneCode", `"QRPAY"`, "62033", "62033"},
		{"changePayer upper case", "paySceneParams", `{"changePayer":"True"}`, "0", "0"},
		{"changePayer as JSON", "paySceneParams", `{"changePayer":true}`, "400", "0"},
		{"changePayer nonsense", "paySceneParams", `{"changePayer":"x"}`, "400", "400"},
		{"oneTimePayment nonsense", "paySceneParams", `{"oneTimePayment":"x"}`, "62073", "62073"},
		{"payee unknown", "payeeMid", `"100"`, "62019", "62019"},
		{"payee itself", "payeeMid", `"` + partner + `"`, "0", "0"},
		{"payee 21", "payeeMid", quoted(21), "400", "400"},
		{"notifyUrl 201", "notifyUrl", quoted(201), "400", "400"},
		{"notifyUrl not an address", "notifyUrl", `"pos"`, "400", "0"},
		{"reserved 20", "reserved", quoted(20), "0", "0"},
		{"reserved 21", "reserved", quoted(21), "400", "0"},
		{"reserved 201", "reserved", quoted(201), "400", "400"},
		{"device unknown", "deviceId", `"D1"`, "62036", "62036"},
		{"secondary without device", "secondaryMerchantId", `"M1"`, "400", "400"},
		{"riskInfo text", "riskInfo", `"{}"`, "0", "0"},
		{"riskInfo object", "riskInfo", `{"a":1}`, "0", "0"},
		{"riskInfo 513", "riskInfo", quoted(513), "400", "400"},
		{"stray member", "redirectUrl", `"https://x"`, "0", "0"},
		{"null member", "subjectAr", `null`, "0", "0"},
		{"empty objects", "accessoryContent", `{"amountDetail":{},"goodsDetail":{},"terminalDetail":{}}`, "0", "0"},
		{"accessory text 200", "accessoryContent", `{"terminalDetail":{"storeId":` + quoted(200) + `}}`, "0", "0"},
		{"accessory text 201", "accessoryContent", `{"terminalDetail":{"storeId":` + quoted(201) + `}}`, "400", "400"},
		{"accessory bad amount", "accessoryContent", `{"amountDetail":{"vatAmount":{"amount":1}}}`, "400", "400"},
		{"accessory not an object", "accessoryContent", `[]`, "400", "400"},
		{"quantity three decimals", "accessoryContent", `{"goodsDetail":{"quantity":1.001}}`, "400", "400"},
	} {
		t.Run(c.name, func(t *testing.T) {
			biz := edit(t, map[string]string{c.member: c.value})
			for mode, want := range map[Mode]string{Strict: c.strict, Lenient: c.lenient} {
				b := newBench(t, func(o *Options) { o.Mode = mode })
				if got, msg := b.sendJSON(payby.OpCreate, biz); got != want {
					t.Errorf("%s: %s %s, want %s", mode, got, msg, want)
				}
			}
		})
	}
}

func TestCreate_EnvelopeAndClock(t *testing.T) {
	b := newBench(t)
	at := func(d time.Duration) string {
		return fmt.Sprintf(`{"requestTime":%d,"bizContent":{"merchantOrderNo":"S-1"}}`, storyTime().Add(d).UnixMilli())
	}
	get := "/sgs/api" + payby.OpGet.Path()
	page := "/sgs/api" + payby.OpOrderPage.Path()
	for _, c := range []struct{ name, path, body, code, msg string }{
		{"15 min behind", get, at(-15 * time.Minute), "62004", "MERCHANT_ORDER_NO_NOT_EXIST"},
		{"more behind", get, at(-15*time.Minute - time.Millisecond), "400", "REQUESTTIME_TOO_EARLY"},
		{"15 min ahead", get, at(15 * time.Minute), "62004", "MERCHANT_ORDER_NO_NOT_EXIST"},
		{"more ahead", get, at(15*time.Minute + time.Millisecond), "400", "REQUESTTIME_TOO_LATER"},
		{"page, behind", page, at(-time.Hour), "71002", "REQUESTTIME_TOO_EARLY"},
		{"page, ahead", page, at(time.Hour), "71003", "REQUESTTIME_TOO_LATER"},
		{"page, in time", page, at(0), "400", "INVALID_PARAMETER"},
		{"RFC 3339", get, `{"requestTime":"2026-07-14T10:15:30+04:00","bizContent":{}}`, "400", "INVALID_PARAMETER"},
		{"no time", get, `{"bizContent":{"merchantOrderNo":"S-1"}}`, "400", "INVALID_PARAMETER"},
		{"no content", get, fmt.Sprintf(`{"requestTime":%d}`, storyTime().UnixMilli()), "400", "INVALID_PARAMETER"},
		{"both numbers", get, strings.Replace(at(0), `"S-1"`, `"S-1","orderNo":"13"`, 1), "400", "INVALID_PARAMETER"},
		{"no number", get, strings.Replace(at(0), `"merchantOrderNo":"S-1"`, ``, 1), "400", "INVALID_PARAMETER"},
		{"member twice", get, strings.Replace(at(0), `"S-1"`, `"S-1","merchantOrderNo":"S-2"`, 1), "400", "INVALID_PARAMETER"},
		{"not JSON", get, `x`, "400", "INVALID_PARAMETER"},
		{"cut short", get, `{"requestTime":1`, "400", "INVALID_PARAMETER"},
		{"two values", get, at(0) + at(0), "400", "INVALID_PARAMETER"},
		{"trailing line end", get, at(0) + "\r\n", "62004", "MERCHANT_ORDER_NO_NOT_EXIST"},
		{"not UTF-8", get, strings.Replace(at(0), "S-1", "\xff", 1), "400", "INVALID_PARAMETER"},
		{"member in another case", get, strings.Replace(at(0), "merchantOrderNo", "MerchantOrderNo", 1), "400", "INVALID_PARAMETER"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, raw := b.send(c.path, []byte(c.body), keys().merchant, nil)
			if code, msg := headOf(t, raw); code != c.code || msg != c.msg {
				t.Errorf("%s %s", code, msg)
			}
		})
	}
}

func TestCreate_SameContentInOtherWords(t *testing.T) {
	first := `{"merchantOrderNo":"S-1","subject":"x y","totalAmount":{"amount":1.50,"currency":"AED"},"paySceneCode":"DYNQR","paySceneParams":{"changePayer":"false","oneTimePayment":"false"}}`
	for _, c := range []struct{ name, again, want string }{
		{"other order and scale", `{ "paySceneParams": {"oneTimePayment":"false","changePayer":"false"}, "paySceneCode":"DYNQR", "totalAmount":{"currency":"AED","amount":1.5},"subject":"x y","merchantOrderNo":"S-1"}`, "0"},
		{"exponent", strings.Replace(first, "1.50", "15E-1", 1), "0"},
		{"escaped text", strings.Replace(first, "x y", `x\u0020y`, 1), "0"},
		{"stray member", strings.Replace(first, "{", `{"redirectUrl":"x",`, 1), "0"},
		{"null member", strings.Replace(first, "{", `{"reserved":null,`, 1), "0"},
		{"other amount", strings.Replace(first, "1.50", "1.51", 1), "62016"},
		{"other subject", strings.Replace(first, "x y", "x  y", 1), "62016"},
		{"expiry added", strings.Replace(first, "{", fmt.Sprintf(`{"expiredTime":%d,`, storyTime().Add(2*time.Hour).UnixMilli()), 1), "62016"},
		{"notifyUrl added", strings.Replace(first, "{", `{"notifyUrl":"http://127.0.0.1/",`, 1), "62016"},
		{"accessory added", strings.Replace(first, "{", `{"accessoryContent":{"terminalDetail":{"storeId":"1"}},`, 1), "62016"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			if got, _ := b.sendJSON(payby.OpCreate, first); got != "0" {
				t.Fatal(got)
			}
			if got, _ := b.sendJSON(payby.OpCreate, c.again); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if state := b.order("S-1"); state.TotalFils != 150 {
				t.Errorf("amount became %d fils", state.TotalFils)
			}
		})
	}
}

func TestCreate_EchoesWhatItWasSent(t *testing.T) {
	b := newBench(t)
	o := sale("S-1", 12600)
	o.SubjectAr, o.Reserved, o.NotifyURL = "مشتريات", "POS01/shift-1", "http://127.0.0.1:1/n"
	o.AccessoryContent = &payby.AccessoryContent{TerminalDetail: &payby.TerminalDetail{
		OperatorID: "CASHIER-07", StoreID: "S00001", TerminalID: "POS01", MerchantName: "Corner Shop",
		StoreName: "Corner Shop - Marina", Location: "Dubai, UAE",
	}}
	got := b.must(payby.OpCreate, o).Order
	terminal := *o.AccessoryContent.TerminalDetail
	terminal.MerchantName = registry
	if got.SubjectAr != o.SubjectAr || got.Reserved != o.Reserved || got.NotifyURL != o.NotifyURL {
		t.Errorf("order %+v", got)
	}
	if *got.AccessoryContent.TerminalDetail != terminal {
		t.Errorf("terminal %+v", got.AccessoryContent.TerminalDetail)
	}
}

func TestCreate_WireScaleIsTheSenders(t *testing.T) {
	b := newBench(t)
	for i, c := range []struct{ sent, answered string }{
		{"0.1", "0.1"}, {"1.01", "1.01"}, {"10", "10"}, {"2.00", "2.00"}, {"1E+3", "1000"}, {"1.5e0", "1.5"},
	} {
		biz := strings.Replace(goodSale, "1.00", c.sent, 1)
		biz = strings.Replace(biz, "S-1", fmt.Sprint("S-", i), 1)
		body := fmt.Sprintf(`{"requestTime":%d,"bizContent":%s}`, storyTime().UnixMilli(), biz)
		_, raw := b.send("/sgs/api"+payby.OpCreate.Path(), []byte(body), keys().merchant, nil)
		if !strings.Contains(string(raw), `"totalAmount":{"amount":`+c.answered+`,"currency"`) {
			t.Errorf("sent %s, answered %s", c.sent, raw)
		}
	}
}

func TestCreate_QuantityComesBackWithADecimal(t *testing.T) {
	for sent, want := range map[string]string{"2": "2.0", "2.5": "2.5", "2.50": "2.5", "1E+1": "10.0", "0": "0.0"} {
		f := &fields{m: map[string]json.RawMessage{"quantity": json.RawMessage(sent)}}
		if got := string(f.quantity("quantity")); got != want || f.bad != "" {
			t.Errorf("%s came back as %s", sent, got)
		}
	}
}

func TestFee_MatchesThePublishedSamples(t *testing.T) {
	for amount, want := range map[payby.Fils]payby.Fils{12600: 132, 2600: 27, 1: 0, 0: 0, payby.MaxAmount: 1_050_000_000_000} {
		if got := fee(amount); got != want {
			t.Errorf("fee of %s is %s, want %s", amount, got, want)
		}
	}
}
