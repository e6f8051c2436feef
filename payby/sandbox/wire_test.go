package sandbox

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
)

func testFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	return files
}

func TestWire_HeadsAndHeaders(t *testing.T) {
	b := newBench(t)
	ask := func(op payby.Operation, biz string) (http.Header, string) {
		body := fmt.Sprintf(`{"requestTime":%d,"bizContent":%s}`, b.clock.Now().UnixMilli(), biz)
		sign, err := payby.Sign(keys().merchant, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequest(http.MethodPost, b.url+"/sgs/api"+op.Path(), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		// Spelled as the vendor's SDK does, which Go would put right.
		req.Header["partner-id"], req.Header["SIGN"] = []string{partner}, []string{sign}
		req.Header["content-type"] = []string{"application/json; charset=utf-8"}
		resp, raw := b.do(req)
		return resp.Header, string(raw)
	}
	_, created := ask(payby.OpCreate, goodSale)
	for _, absent := range []string{"notifyUrl", "paySceneParams", "paymentInfo", "deviceId", "reserved", "subjectAr", "promotionInfoList", "failCode"} {
		if strings.Contains(created, `"`+absent+`"`) {
			t.Errorf("%s is not left out of %s", absent, created)
		}
	}
	mustHold(t, created, `"applyStatus":"SUCCESS","code":"0","msg":"SUCCESS"`, `"revoked":"false"`, `"interActionParams":{"tokenUrl":`, `"orderNo":"13`)
	h, refused := ask(payby.OpCreate, strings.Replace(goodSale, "1.00", "2.00", 1))
	mustHold(t, refused, `{"head":{"applyStatus":"SUCCESS","code":"62016","msg":"MERCHANT_ORDER_NO_EXIST","traceCode":"`)
	if h.Get("sign") == "" {
		t.Error("a business refusal is not signed")
	}
	for _, raw := range []string{created, refused} {
		if !regexp.MustCompile(`"traceCode":"\d{6}"`).MatchString(raw) {
			t.Errorf("no traceCode in %s", raw)
		}
	}
	b.command("pay", `{"merchantOrderNo":"S-1"}`)
	b.must(payby.OpRefund, refundOf("S-1", "R-1", 10))
	_, paid := ask(payby.OpGet, `{"merchantOrderNo":"S-1"}`)
	mustHold(t, paid, `"payChannel":"BALANCE"`)
	_, refund := ask(payby.OpRefundQuery, `{"refundMerchantOrderNo":"R-1"}`)
	mustHold(t, refund, `"orderNo":"19`)
}

// Codes and names come as a pair from the published table.
func TestWire_RefusalsHaveTheNamesOfTheCodeTable(t *testing.T) {
	table, err := os.ReadFile("../codes.tsv")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("wire.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`&refusal\{"(\d+)", "(\w+)"\}`).FindAllStringSubmatch(string(source), -1)
	if len(found) < 30 {
		t.Fatalf("%d refusals", len(found))
	}
	for _, m := range found {
		// The code of a bad signature is unpublished (protocol.md §4).
		if m[1] != "58001" && !strings.Contains("\n"+string(table), "\n"+m[1]+"\t"+m[2]+"\t") {
			t.Errorf("%s %s is not in the table", m[1], m[2])
		}
	}
}

func TestFaults_MadeUpAnswersCanBeBare(t *testing.T) {
	b := newBench(t)
	for kind, code := range map[string]string{
		FaultSystemError: "500", FaultTimeout504: "504", FaultRateLimit: "402", FaultForbidden: "403", FaultUnavailable: "404", FaultRisk: "601",
	} {
		for _, bare := range []bool{false, true} {
			b.command("faults", fmt.Sprintf(`{"operation":"get","kind":%q,"bare":%v}`, kind, bare))
			body := fmt.Sprintf(`{"requestTime":%d,"bizContent":{"merchantOrderNo":"S-1"}}`, b.clock.Now().UnixMilli())
			resp, raw := b.send("/sgs/api"+payby.OpGet.Path(), []byte(body), keys().merchant, nil)
			if got, _ := headOf(t, raw); got != code || (resp.Header.Get("sign") == "") != bare {
				t.Errorf("%s, bare %v: %s, sign %q", kind, bare, got, resp.Header.Get("sign"))
			}
		}
	}
	if status, _ := b.control(http.MethodPost, "/_control/faults", `{"operation":"get","kind":"drop","bare":true}`); status != http.StatusBadRequest {
		t.Errorf("bare drop: %d", status)
	}
}

func TestNotify_RefundsWithoutTheStepInBetween(t *testing.T) {
	b := newBench(t, func(o *Options) { o.FinalRefundNoticesOnly = true })
	b.run()
	url, got := b.listener(accepted)
	b.placeAndPay("S-1", url)
	b.next(got)
	b.must(payby.OpRefund, refundOf("S-1", "R-1", 100))
	b.clock.Advance(5 * time.Second)
	b.must(payby.OpGet, payby.OrderRef{MerchantOrderNo: "S-1"})
	if n := b.readNotice(b.next(got)); n.Refund == nil || n.Refund.Status != payby.RefundSuccess {
		t.Errorf("%+v", n)
	}
}

func TestCreate_TakesWhatItDoesNotPlay(t *testing.T) {
	for _, c := range []struct{ member, value, want string }{
		{"paySceneParams", `{"eid":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}`, "0"},
		{"paySceneParams", `{"eid":"anything at all"}`, "0"},
		{"sharingParamList", `[{"sharingIdentity":"` + strings.Repeat("A", 344) + `"}]`, "0"},
		{"promotionInfoList", `[{"appliedRewardId":"1234","settleFlag":"YES"}]`, "0"},
		{"promotionInfoList", `[{"appliedRewardId":` + quoted(65) + `}]`, "400"},
		{"promotionInfoList", `[{"settleFlag":"MAYBE"}]`, "400"},
		{"promotionInfoList", `{}`, "400"},
		{"agreementInfo", `{}`, "0"},
	} {
		for _, mode := range []Mode{Strict, Lenient} {
			b := newBench(t, func(o *Options) { o.Mode = mode })
			if got, _ := b.sendJSON(payby.OpCreate, edit(t, map[string]string{c.member: c.value})); got != c.want {
				t.Errorf("%s %s: %s", c.member, c.value, got)
			}
		}
	}
	b := newBench(t)
	qr := edit(t, map[string]string{"paySceneCode": `"QRPAY"`, "paySceneParams": `{"authCode":"281234567890123456"}`})
	if got, _ := b.sendJSON(payby.OpCreate, qr); got != "62021" {
		t.Errorf("QRPAY: %s", got)
	}
	if got, _ := b.sendJSON(payby.OpCreate, edit(t, map[string]string{"paySceneParams": `{"authCode":"281234567890123456"}`})); got != "0" {
		t.Errorf("authCode with DYNQR: %s", got)
	}
}

func TestReference_FieldLimits(t *testing.T) {
	own, theirs := `"merchantOrderNo":`, `"orderNo":`
	refund := `"refundMerchantOrderNo":`
	for _, c := range []struct {
		op              payby.Operation
		biz             string
		strict, lenient string
	}{
		{payby.OpGet, own + quoted(64), "62004", "62004"},
		{payby.OpGet, own + quoted(65), "400", "400"},
		{payby.OpGet, theirs + quoted(32), "62035", "62035"},
		{payby.OpGet, theirs + quoted(33), "400", "62035"},
		{payby.OpGet, theirs + quoted(65), "400", "400"},
		{payby.OpGet, own + `"S-1","deviceId":` + quoted(32), "0", "0"},
		{payby.OpGet, own + `"S-1","deviceId":` + quoted(33), "400", "0"},
		{payby.OpGet, own + `"S-1","deviceId":` + quoted(201), "400", "400"},
		{payby.OpGet, theirs + `"13","deviceId":"D"`, "400", "400"},
		{payby.OpCancel, own + quoted(65), "400", "400"},
		{payby.OpRevoke, theirs + quoted(33), "400", "62035"},
		{payby.OpPayer, own + quoted(65), "400", "400"},
		{payby.OpExpiry, `"expiredTime":1784013330318,` + theirs + quoted(33), "400", "62035"},
		{payby.OpRefundQuery, refund + quoted(64), "62007", "62007"},
		{payby.OpRefundQuery, refund + quoted(65), "400", "400"},
		{payby.OpRefundQuery, theirs + quoted(32), "62035", "62035"},
		{payby.OpRefundQuery, theirs + quoted(33), "400", "62035"},
		{payby.OpRefundQuery, theirs + quoted(65), "400", "400"},
		{payby.OpRefundQuery, refund + `"R",` + theirs + `"19"`, "400", "400"},
		{payby.OpRefund, refund + quoted(65) + `,"originMerchantOrderNo":"S-1","amount":{"amount":1,"currency":"AED"}`, "400", "400"},
		{payby.OpRefund, refund + `"R","originMerchantOrderNo":` + quoted(65) + `,"amount":{"amount":1,"currency":"AED"}`, "400", "400"},
		{payby.OpRefund, refund + `"R","originOrderNo":` + quoted(64) + `,"amount":{"amount":1,"currency":"AED"}`, "62035", "62035"},
		{payby.OpRefund, refund + `"R","originOrderNo":` + quoted(65) + `,"amount":{"amount":1,"currency":"AED"}`, "400", "400"},
		{payby.OpRefund, refund + `"R","originOrderNo":"13","reserved":` + quoted(201) + `,"amount":{"amount":1,"currency":"AED"}`, "400", "400"},
		{payby.OpRefund, refund + `"R","originOrderNo":"13","notifyUrl":` + quoted(201) + `,"amount":{"amount":1,"currency":"AED"}`, "400", "400"},
		{payby.OpRefund, refund + `"R","originOrderNo":"13","deviceId":` + quoted(201) + `,"amount":{"amount":1,"currency":"AED"}`, "400", "400"},
		{payby.OpRefund, refund + `"R","originOrderNo":"13","deviceId":"D","secondaryMerchantId":` + quoted(201) + `,"amount":{"amount":1,"currency":"AED"}`, "400", "400"},
		{payby.OpRefund, refund + `"R","originOrderNo":"13","amount":{"amount":1.001,"currency":"AED"}`, "400", "400"},
		{payby.OpRefund, refund + `"R","originOrderNo":"13","amount":{"amount":1,"currency":"USD"}`, "400", "400"},
	} {
		for mode, want := range map[Mode]string{Strict: c.strict, Lenient: c.lenient} {
			b := newBench(t, func(o *Options) { o.Mode = mode })
			b.must(payby.OpCreate, sale("S-1", 100))
			if got, msg := b.sendJSON(c.op, "{"+c.biz+"}"); got != want {
				t.Errorf("%s %.90s, %s: %s %s, want %s", c.op, c.biz, mode, got, msg, want)
			}
		}
	}
}

func TestCreate_AccessoryLimits(t *testing.T) {
	for object, names := range map[string]string{
		"terminalDetail": "operatorId storeId terminalId merchantName storeName location",
		"goodsDetail":    "body categoriesTree goodsCategory goodsId goodsName showUrl",
	} {
		for _, name := range strings.Fields(names) {
			for length, want := range map[int]string{200: "0", 201: "400"} {
				for _, mode := range []Mode{Strict, Lenient} {
					b := newBench(t, func(o *Options) { o.Mode = mode })
					biz := edit(t, map[string]string{"accessoryContent": `{"` + object + `":{"` + name + `":` + quoted(length) + `}}`})
					if got, _ := b.sendJSON(payby.OpCreate, biz); got != want {
						t.Errorf("%s.%s with %d: %s", object, name, length, got)
					}
				}
			}
		}
	}
	for _, c := range []struct{ member, value, strict, lenient string }{
		{"deviceId", quoted(201), "400", "400"},
		{"deviceId", quoted(200), "62036", "62036"},
		{"secondaryMerchantId", quoted(65), "400", "400"}, // without a device in lenient mode
		{"paySceneCode", quoted(65), "400", "400"},
	} {
		for mode, want := range map[Mode]string{Strict: c.strict, Lenient: c.lenient} {
			b := newBench(t, func(o *Options) { o.Mode = mode })
			if got, _ := b.sendJSON(payby.OpCreate, edit(t, map[string]string{c.member: c.value})); got != want {
				t.Errorf("%s, %s: %s", c.member, mode, got)
			}
		}
	}
}
