package fils

import (
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
)

func TestShift_IsClosedOnTheCommandLine(t *testing.T) {
	dir, _ := staffed(t)
	by := func(member, pin string, args ...string) ran {
		return filsReading(pin+"\n", append(args, "--data", dir, "--by", member, "--pin-file", "-")...)
	}
	wantFailure(t, by("huda", ownerPIN, "shift", "z", "1"), 1, "shift 1 is not closed")
	wantFailure(t, by("huda", ownerPIN, "shift", "z", "7"), 1, "no shift 7")
	wantFailure(t, fils("shift", "close", "--data", dir), 2, "--by MEMBER")
	wantFailure(t, by("amna", cashierPIN, "shift", "close"), 1, "takes a supervisor")
	wantFailure(t, by("omar", "555123", "shift", "close"), 1, "the PIN is wrong")

	lock, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	wantFailure(t, by("omar", managerPIN, "shift", "close"), 1, "the till is open", "on its screen")
	lock.Close()

	closed := by("omar", managerPIN, "shift", "close")
	if closed.code != 0 || closed.err != "" {
		t.Fatalf("%+v", closed)
	}
	for _, says := range []string{"Z 1\n", "by Aisha (by itself)", "closed ", "by omar\n", "sales begun", "42.00", "outcome open: 1", "head: event "} {
		if !strings.Contains(closed.out, says) {
			t.Errorf("the Z does not say %q:\n%s", says, closed.out)
		}
	}
	again := by("huda", ownerPIN, "shift", "z", "1")
	if again.code != 0 || again.out != closed.out {
		t.Errorf("printed again:\n%s\n%s", again.out, closed.out)
	}
	wantFailure(t, by("omar", managerPIN, "shift", "close"), 1, "no shift is open")
	if x := by("omar", managerPIN, "shift", "x"); x.code != 0 || !strings.HasPrefix(x.out, "X; no shift is open\n") {
		t.Errorf("%+v", x)
	}
	if given, _ := consents(t, dir); len(given) < 5 {
		t.Errorf("%q", given)
	}
}

func TestShift_InTrainingAsksNobody(t *testing.T) {
	dir := t.TempDir()
	s := openShop(t, stationOptions{dir: dir, training: true})
	s.charge(1234)
	if _, err := s.till.Staff().SetUp(s.ctx, pos.Member{ID: "huda", Name: "Huda"}, ownerPIN); err != nil {
		t.Fatal(err)
	}
	if r := fils("shift", "x", "--data", dir, "--training"); r.code != 0 || !strings.Contains(r.out, "12.34") {
		t.Errorf("%+v", r)
	}
}

func TestSlip_NamesEverything(t *testing.T) {
	line := pos.SaleLine{Sale: "S1", State: pos.SalePaid, Amount: 123456, By: "huda", Approver: "huda", Self: true, Note: "wrong till"}
	refund := pos.RefundLine{Refund: "R1", Sale: "S1", State: pos.RefundDone, Amount: 500, Requester: "amna", Approver: "omar"}
	totals := pos.Totals{Own: pos.Sum{Count: 2, Amount: 200000}, Refunds: pos.Sum{Count: 1, Amount: 500}, Reversals: pos.Sum{Count: 1, Amount: 300000}}
	z := pos.Z{
		Number: 3, RestoredAt: time.UnixMilli(1_800_000_000_000), From: 1, To: 9, Totals: totals, Count: 10, Head: pos.Hash{0xab},
		Dates: []pos.Group{{Key: "2026-11-23", Totals: totals}}, Channels: []pos.Group{{Totals: totals}},
		Late: []pos.SaleLine{line}, Carried: []pos.SaleLine{line}, Discounts: []pos.SaleLine{line}, Reversals: []pos.SaleLine{line},
		Again: []pos.SaleLine{line}, Disputed: []pos.SaleLine{{Sale: "S7", State: pos.SaleDisputed, Amount: 4200}}, Chargebacks: []pos.SaleLine{line}, Released: []pos.SaleLine{line}, Forward: []pos.SaleLine{line},
		Refunds: []pos.RefundLine{refund}, Returned: []pos.RefundLine{refund}, InFlight: []pos.RefundLine{{Refund: "R2", Sale: "S1", Outside: true}},
		Adopted: []pos.SaleLine{line}, AdoptedRefunds: []pos.RefundLine{refund},
		Check: &pos.PageCheck{From: "2026-11-22", To: "2026-11-23", At: time.UnixMilli(1_800_000_000_000), Complete: true, Others: pos.Sum{Count: 3, Amount: 77700}, Missing: []pos.MissingLine{
			{Number: "131", ProviderNo: "777", Amount: 9900, AtMs: 1_800_000_000_000}, {Refund: true, Number: "132", Terminal: "till-2\x1b[2J"},
		}},
		Alerts: []pos.Alert{{Kind: pos.AlertLatePayment, Sale: "S9", Amount: 700},
			{Kind: pos.AlertMissing, Number: "131\x1b", Amount: 500, Currency: "USD"}},
	}
	var out strings.Builder
	held := func(no pos.SaleNo) string { return "PayBy holds AED 41.00 of " + string(no) }
	if err := writeSlip(&out, &z, setup.Location(), held); err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{
		"X of shift 3\n", "put back 2027-01-15 12:00: if there is another Z 3", "-1,005.00", "1,234.56", "huda, approved by the same person", "amna, approved by omar", "wrong till", "not known",
		"not asked for here", "late payment", "S9", "head: event 10, hash ab0000", "carried forward, outcome open: 1", "chargebacks, in no total: 1",
		"refunds that came back: 1", "refunds under way: 1", "alerts waiting: 2", "131\uFFFD  USD 5.00", "S7",
		"42.00  disputed  charged; PayBy holds AED 41.00 of S7", "payments of the merchant's other tills there: 3, AED 777.00", "events 1 to 9; times are those of Asia/Dubai",
		"taken over from PayBy, in no total: 1", "of 2026-11-22 to 2026-11-23, read 2027-01-15 12:00; missing here: 2", "131", "777", "99.00", "till-2\uFFFD[2J",
	} {
		if !strings.Contains(out.String(), says) {
			t.Errorf("no %q in\n%s", says, out.String())
		}
	}
}
