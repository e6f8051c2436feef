package ui

import (
	"image/color"
	"slices"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// aftermath is the gravest thing that happened to a payment after it was made.
type aftermath int

const (
	intact aftermath = iota
	// partly: some of it went back, or is on its way.
	partly
	// returning: all of it went back or is on its way. returned: all of it is gone.
	returning
	returned
	reversing
	chargedBack
	// twice: the customer's second payment is still there, whatever became of the
	// first.
	twice
)

// aftermathKeys are an aftermath in a word or two, as the large headline of
// the result, and as the sentence under it.
func aftermathKeys() map[aftermath][3]string {
	return map[aftermath][3]string{
		partly:      {"after.partly", "phase.paid.head", "phase.paid.text"},
		returning:   {"after.returning", "after.returning.head", "after.returning.text"},
		returned:    {"after.returned", "after.returned.head", "after.returned.text"},
		reversing:   {"after.reversing", "after.reversing.head", "detail.reversing.text"},
		chargedBack: {"after.charged", "after.charged.head", "after.charged.text"},
		twice:       {"after.twice", "after.twice.head", "after.twice.text"},
	}
}

func after(s *pos.Sale) aftermath {
	gone := s.Refunded + s.Elsewhere
	switch {
	case len(s.Again) > 0:
		return twice
	case len(s.Chargebacks) > 0:
		return chargedBack
	case s.State != pos.SalePaid:
		return intact
	case s.Reversing:
		return reversing
	case gone >= s.Intent.Amount:
		return returned
	case gone+s.Pending >= s.Intent.Amount:
		return returning
	case gone+s.Pending > 0:
		return partly
	}
	return intact
}

// afterKey changes when what is said of a sale's aftermath does.
func afterKey(v *pos.SaleView) []any {
	s := &v.Sale
	return []any{after(s), s.Refunded, s.Pending, s.Elsewhere, s.Again, s.Chargebacks, unknownRefund(v)}
}

func unknownRefund(v *pos.SaleView) bool {
	return slices.ContainsFunc(v.Refunds, func(r pos.Refund) bool { return r.State == pos.RefundUnknown })
}

// stands is how a sale is called and coloured where it is one of many.
func (a *App) stands(s *pos.Sale, p pos.Phase) (word, icon string, soft, ink color.NRGBA) {
	l, happened := a.look, after(s)
	if happened == intact {
		icon, soft, ink = a.tone(p)
		return a.words.phase(p, 0), icon, soft, ink
	}
	word = a.words.t(aftermathKeys()[happened][0])
	switch happened {
	case twice:
		return word, "alert", l.CautionSoft, l.CautionText
	case chargedBack:
		return word, "alert", l.FailureSoft, l.FailureText
	case reversing:
		return word, "clock", l.CautionSoft, l.CautionText
	}
	return word, "undo", l.Hover, l.Muted
}

func (a *App) saleChip(s *pos.Sale, p pos.Phase) fyne.CanvasObject {
	word, icon, soft, ink := a.stands(s, p)
	return chip(a.look, icon, word, soft, ink)
}

// returns are the amounts that went back of a sale or are on their way.
func (w *words) returns(s *pos.Sale) []string {
	var out []string
	for _, part := range []struct {
		key    string
		amount pos.Fils
	}{{"after.refunded", s.Refunded}, {"after.pending", s.Pending}, {"after.elsewhere", s.Elsewhere}, {"after.bank", s.ChargedBack()}} {
		if part.amount > 0 {
			out = append(out, w.t(part.key, "amount", w.money(part.amount)))
		}
	}
	return out
}

// dressed is how the result looks after that; ok is false when the payment is
// as good as ever.
func (a *App) dressed(s *pos.Sale) (d dress, ok bool) {
	l := a.look
	switch after(s) {
	case twice:
		return dress{"alert", l.Caution, l.OnCaution}, true
	case chargedBack:
		return dress{"alert", l.Failure, l.OnFailure}, true
	case reversing:
		return dress{"clock", l.Caution, l.OnCaution}, true
	case returning, returned:
		return dress{"undo", l.Quiet, l.OnQuiet}, true
	}
	return dress{}, false
}

// told is the sentence under the headline, empty when the payment's own will do.
func (a *App) told(s *pos.Sale) string {
	w := a.words
	switch happened := after(s); happened {
	case intact, partly:
		return ""
	case twice:
		if !a.owed(s) {
			return w.t("after.twice.text")
		}
		if sum, known := secondMoney(s); known {
			return w.t("after.twice.back", "amount", w.money(sum))
		}
		return w.t("after.twice.one")
	default:
		return w.t(aftermathKeys()[happened][2])
	}
}

// owed reports a second payment that nobody has dealt with: whoever is told
// twice gives it back twice.
func (a *App) owed(s *pos.Sale) bool {
	return s.Refunded == 0 && s.Pending == 0 && s.Elsewhere == 0 &&
		slices.ContainsFunc(a.view.Alerts, func(al pos.Alert) bool { return al.Kind == pos.AlertPaidAgain && al.Sale == s.No })
}

// secondMoney is what was paid beyond the first payment; known is false when
// that is no sum in dirhams.
func secondMoney(s *pos.Sale) (sum pos.Fils, known bool) {
	for _, p := range s.Again {
		if p.Currency != pos.Currency || p.Paid <= 0 {
			return 0, false
		}
		sum += p.Paid
	}
	return sum, sum > 0
}

// returns is what went back under a row of sales.
func (a *App) returns(s *pos.Sale) []fyne.CanvasObject {
	lines := a.words.returns(s)
	if len(lines) == 0 {
		return nil
	}
	return []fyne.CanvasObject{a.look.NewLabel(strings.Join(lines, " · "), widgets.TextSmall, a.look.Muted).Wrapped()}
}

// returns is what went back under the headline of a result.
func (s *saleScreen) returns(v *pos.SaleView, ink color.NRGBA) []fyne.CanvasObject {
	l, w := s.app.look, s.app.words
	lines := w.returns(&v.Sale)
	if len(lines) == 0 {
		return nil
	}
	out := []fyne.CanvasObject{l.NewLabel(strings.Join(lines, " · "), widgets.TextTitle, ink).Bold().Aligned(widgets.Middle).Wrapped()}
	if unknownRefund(v) {
		out = append(out, l.NewLabel(w.t("refund.unknown.text"), widgets.TextLarge, ink).Bold().Aligned(widgets.Middle).Wrapped())
	}
	return out
}
