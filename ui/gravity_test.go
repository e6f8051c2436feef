package ui

import (
	"slices"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
)

func TestGravity_ranks_every_alert_once(t *testing.T) {
	for kind := range alertKeys() {
		if n := len(slices.DeleteFunc(slices.Clone(gravity()), func(k pos.AlertKind) bool { return k != kind })); n != 1 {
			t.Errorf("%s is ranked %d times", kind, n)
		}
	}
	rank := func(k pos.AlertKind) int { return slices.Index(gravity(), k) }
	for _, pair := range [][2]pos.AlertKind{
		{pos.AlertPaidAgain, pos.AlertSignature}, {pos.AlertPaidAgain, pos.AlertLatePayment}, {pos.AlertLatePayment, pos.AlertUnknown},
		{pos.AlertMismatch, pos.AlertOutside}, {pos.AlertRefund, pos.AlertMissing}, {pos.AlertTampered, pos.AlertUnlisted},
		{pos.AlertUnknown, pos.AlertUnreachable}, {pos.AlertUnreachable, pos.AlertRecovering},
	} {
		if rank(pair[0]) >= rank(pair[1]) {
			t.Errorf("%s is not graver than %s", pair[0], pair[1])
		}
	}
}

func TestTill_alert_card_shows_the_gravest_then_the_newest(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	v := quiet()
	v.Alerts = []pos.Alert{
		{ID: 1, Kind: pos.AlertSignature, At: at},
		{ID: 2, Kind: pos.AlertPaidAgain, At: at.Add(time.Minute), Sale: "SAAA111", Amount: 1100},
		{ID: 3, Kind: pos.AlertPaidAgain, At: at.Add(2 * time.Minute), Sale: "SBBB222", Amount: 2200},
		{ID: 4, Kind: pos.AlertUnknown, At: at.Add(3 * time.Minute), Sale: "SCCC333", Amount: 3300},
		{ID: 5, Kind: pos.AlertRecovering, At: at.Add(4 * time.Minute)},
	}
	d := open(t, v, nil)
	for _, text := range []string{"Paid twice", "AED 22.00", "Sale BBB222", "and 3 more alerts"} {
		d.wantText(text)
	}
	for _, text := range []string{"Message could not be verified", "AED 11.00", "AED 33.00"} {
		d.wantNoText(text)
	}
	d.app.open(pageAlerts)
	var titles []string
	for _, text := range d.texts() {
		switch text {
		case "Paid twice", "Sale still not known", "Message could not be verified":
			titles = append(titles, text)
		}
	}
	if want := []string{"Paid twice", "Paid twice", "Sale still not known", "Message could not be verified"}; !slices.Equal(titles, want) {
		t.Errorf("the alerts stand as %q", titles)
	}
	d.app.open(pageTill)
	one := quiet()
	one.Alerts = v.Alerts[:1]
	d.show(one)
	d.wantText("Message could not be verified")
	d.wantNoText("more alert")
	if got := one.Alerts[0].ID; got != 1 {
		t.Errorf("the view was changed: %d", got)
	}
}
