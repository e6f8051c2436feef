package sqlite_test

import (
	"context"
	"strings"
	"testing"

	"github.com/filspos/fils/pos"
)

func TestRawsShowWhatCameWithoutThePayer(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	news, strange := paid(1), offered(1)
	news.Body = []byte(`{"body":{"acquireOrder":{"orderNo":"131","payerMid":"100000099887766","payer":{"name":"Somebody","list":["+971-50-1234567"]},
		"paymentInfo":{"payerFeeAmount":1.00,"cardInfo":{"last4":"4242"},"mobileNumberMask":"+971-58*92"},"interActionParams":{"tokenUrl":"` + token + `"}}}}`)
	strange.Body = []byte("<html>Somebody</html>")
	record(t, j, intended(1), attempted(1), strange, news, intended(2))
	list, err := j.Raws(t.Context(), saleNo(1))
	if err != nil || len(list) != 2 || list[0].Text != "" || list[0].Seq != 4 || list[1].Seq != 5 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, says := range []string{`"orderNo":"131"`, `"payerFeeAmount":1.00`, `"payerMid":"•••7766"`} {
		if !strings.Contains(list[1].Text, says) {
			t.Errorf("no %s in %s", says, list[1].Text)
		}
	}
	for _, secret := range []string{payer, "Somebody", "1234567", `"4242"`, "971-58", "0123456789abcdef"} {
		if strings.Contains(list[1].Text, secret) {
			t.Errorf("%s in %s", secret, list[1].Text)
		}
	}
	if list, err := j.Raws(t.Context(), saleNo(2)); err != nil || len(list) != 0 {
		t.Errorf("another sale: %+v, %v", list, err)
	}
}

func TestPollsAreCountedByNumber(t *testing.T) {
	j := bound(t, newPath(t))
	record(t, j, intended(1))
	for range 3 {
		if _, err := j.Record(context.Background(), pos.Batch{Polls: []string{string(saleNo(1))}}); err != nil {
			t.Fatal(err)
		}
	}
	if n, last, err := j.Polls(t.Context(), string(saleNo(1))); n != 3 || !last.Equal(start) || err != nil {
		t.Errorf("%d, %v, %v", n, last, err)
	}
	if n, _, err := j.Polls(t.Context(), string(saleNo(2))); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}
