package fils

import (
	"strings"
	"testing"

	"github.com/filspos/fils/pos"
)

func TestFind_SalesAndTheirStory(t *testing.T) {
	s := openShop(t, stationOptions{dir: t.TempDir(), training: true})
	s.await(func(v *pos.View) bool { return v.Hop.Relay == pos.HopLive })
	no, qr := s.charge(4200)
	other, _ := s.charge(4300)
	s.till.Show(no)
	s.pay(no)
	sale := s.awaitWitness(no, pos.SourceNotification)
	if _, err := s.till.Refund(s.ctx, pos.RefundRequest{Sale: no, Amount: 500, Reason: "broken", Requester: "Aisha", Approver: "Omar"}); err != nil {
		t.Fatal(err)
	}
	s.await(func(v *pos.View) bool { return len(v.RefundsInFlight) == 0 })
	run := func(args ...string) ran { return fils(append(args, "--data", s.dir, "--training")...) }

	for _, by := range []string{string(no), string(no)[len(no)-4:], "42.00", "٤٢٫٠٠", "42", "0,042.00", " 42.00 "} {
		r := run("journal", "find", by)
		if r.code != 0 || strings.Count(r.out, "\n") != 1 || !strings.Contains(r.out, string(no)) || !strings.Contains(r.out, "42.00  paid") {
			t.Errorf("by %q: %+v", by, r)
		}
	}
	wantFailure(t, run("journal", "find", "99.99"), 1, "no sale")
	wantFailure(t, run("journal", "story", "99.99"), 1, "no sale")
	common := 0
	for common < len(no) && no[common] == other[common] {
		common++
	}
	wantFailure(t, run("journal", "story", string(no[:common])), 1, "several sales")

	r := run("journal", "story", string(no))
	if r.code != 0 || r.err != "" {
		t.Fatalf("%+v", r)
	}
	for _, says := range []string{string(pos.SaleIntended), "attempt 1", string(pos.SaleWasPaid), "notification", "Aisha, approved by Omar", "AED 5.00", "broken", string(pos.RefundArrived),
		string(no) + ", AED 42.00, paid; PayBy's number " + sale.ProviderNo + "\n", "times are those of Asia/Dubai, UTC+04:00\n",
		"AED 42.00; paid AED 42.00; at 20", "channel ", "PayBy's number "} {
		if !strings.Contains(r.out, says) {
			t.Errorf("the story does not say %q:\n%s", says, r.out)
		}
	}
	if strings.Contains(r.out, "applyStatus") {
		t.Errorf("the story shows raw answers:\n%s", r.out)
	}
	r = run("journal", "story", string(no), "--raw")
	for _, says := range []string{"what PayBy sent, payer and QR code masked: ", `"applyStatus":"SUCCESS"`, `"payerMid":"•••` + sale.Payment.Payer[len(sale.Payment.Payer)-4:]} {
		if r.code != 0 || !strings.Contains(r.out, says) {
			t.Errorf("raw, the story does not say %q:\n%s", says, r.out)
		}
	}
	for _, secret := range []string{sale.Payment.Payer, qr[strings.Index(qr, "ft=")+3:]} {
		if strings.Contains(r.out, secret) {
			t.Errorf("the story holds %q", secret)
		}
	}
}
