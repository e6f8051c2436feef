package ui

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// saleDetail is everything the journal knows about one sale.
type saleDetail struct {
	sale    pos.Sale
	refunds []pos.Refund
	story   []pos.Event
	// seen is the view after which it was read.
	seen *pos.View
}

func readDetail(ctx context.Context, r pos.Reader, no pos.SaleNo) (*saleDetail, error) {
	sale, err := r.Sale(ctx, no)
	if err != nil {
		return nil, fmt.Errorf("read sale %s: %w", no, err)
	}
	refunds, err := r.Refunds(ctx, no)
	if err != nil {
		return nil, fmt.Errorf("read refunds of %s: %w", no, err)
	}
	story, err := r.Story(ctx, no)
	if err != nil {
		return nil, fmt.Errorf("read story of %s: %w", no, err)
	}
	return &saleDetail{sale: sale, refunds: refunds, story: story}, nil
}

// read fetches the chosen sale.
func (h *historyScreen) read() {
	a, no := h.app, h.chosen
	if no == "" {
		return
	}
	seen := a.view
	a.work(func(ctx context.Context) func() {
		d, err := readDetail(ctx, a.cfg.Reader, no)
		return func() {
			if h.chosen != no {
				return
			}
			if err != nil {
				a.cfg.Log.Error("read sale", "error", err)
				a.tell(a.words.explain(&pos.Error{Code: pos.CodeNotFound, Sale: no, Err: err}))
				h.chosen = ""
				h.update()
				return
			}
			if h.others(&d.sale) {
				h.withhold(no)
				return
			}
			d.seen = seen
			h.detail = d
			h.update()
			if dialog := a.dialog(); dialog != nil && dialog.update != nil {
				dialog.update()
			}
		}
	})
}

func (h *historyScreen) drawSide() {
	d := h.detail
	if d == nil || h.chosen == "" {
		h.side.show(h.drawNothing, h.chosen)
		return
	}
	key := []any{d.sale.No, d.sale.State, d.sale.Aborted, d.sale.Refunded, d.sale.Pending, d.sale.Elsewhere, len(d.sale.Chargebacks), d.sale.Reversing, d.sale.Released != nil, d.sale.AttachedTo, len(d.sale.Witnesses), len(d.story), d.sale.Unread}
	for _, r := range d.refunds {
		key = append(key, r.No, r.State)
	}
	h.side.show(h.drawDetail, key...)
}

func (h *historyScreen) drawNothing() fyne.CanvasObject {
	l := h.app.look
	return l.Card(widgets.Space5, widgets.Space5, widgets.Centre(widgets.Column(widgets.Space3, l.Icon("history", 56, l.Faint),
		l.NewLabel(h.app.words.t("detail.none"), widgets.TextLarge, l.Muted).Aligned(widgets.Middle))))
}

func (h *historyScreen) drawDetail() fyne.CanvasObject {
	a, d := h.app, h.detail
	l, w := a.look, a.words
	s := &d.sale
	phase := phaseOf(s)
	head := l.Row(widgets.Space3, widgets.Stretch(l.NewLabel(w.money(s.Intent.Amount), widgets.TextHeading+6, l.Text).Bold().Fitting(widgets.TextTitle)), a.saleChip(s, phase))
	body := []fyne.CanvasObject{}
	if phase != pos.PhasePaid {
		body = append(body, l.NewLabel(w.phase(phase, 2), widgets.TextBody, l.Text).Wrapped())
	}
	if s.Adopted {
		body = append(body, h.adopted(s))
	}
	body = append(body, h.facts(s)...)
	body = append(body, h.refunds()...)
	body = append(body, widgets.AtLeast(0, widgets.Space2, widgets.Layers()), l.NewLabel(w.t("detail.story"), widgets.TextLarge, l.Text).Bold())
	for i := range d.story {
		body = append(body, h.event(&d.story[i]))
	}
	parts := []fyne.CanvasObject{head, l.Rule(), widgets.Stretch(widgets.NewScroll(160, widgets.Column(widgets.Space2, body...)))}
	if s.Reversing {
		card, _ := panel(l, "clock", l.Caution, l.OnCaution, widgets.TextLarge, w.t("detail.reversing"), w.t("detail.reversing.text"))
		parts = append(parts, card)
	}
	if !s.Reversing && slices.ContainsFunc(d.refunds, func(r pos.Refund) bool { return r.State == pos.RefundUnknown }) {
		// Its card may have been scrolled away, and the button is here.
		parts = append(parts, l.Row(widgets.Space3, l.Icon("question", 22, l.CautionText),
			widgets.Stretch(l.NewLabel(w.t("refund.unknown.text"), widgets.TextBody, l.CautionText).Bold().Wrapped())))
	}
	if !s.State.Final() {
		no := s.No
		parts = append(parts, l.NewButton("detail/show", widgets.Plain, w.t("detail.show"), "", func() {
			a.cfg.Engine.Show(no)
			a.open(pageTill)
		}))
	}
	if deeds := h.deeds(s); len(deeds) > 0 {
		parts = append(parts, l.Row(widgets.Space3, deeds...))
	}
	if rest := s.Refundable(); rest > 0 && !s.Unread {
		// The amount has a line of its own: beside the buttons a narrow window
		// would cut it, and half an amount is a wrong one.
		left := l.Row(widgets.Space3, widgets.Stretch(l.NewLabel(w.t("detail.rest"), widgets.TextBody, l.Muted)), l.NewLabel(w.money(rest), widgets.TextTitle, l.Text).Bold())
		row := []fyne.CanvasObject{widgets.Filler()}
		if reversible(s) {
			row = append(row, l.NewButton("detail/reverse", widgets.Ghost, w.t("detail.reverse"), "", func() { a.openReverse(d.sale) }))
		}
		parts = append(parts, l.Rule(), left, l.Row(widgets.Space2, append(row,
			l.NewButton("detail/refund", widgets.Plain, w.t("detail.refund"), "", func() { a.openRefund(d.sale) }))...))
	}
	return l.Card(widgets.Space5, widgets.Space4, widgets.Column(widgets.Space2, parts...))
}

// adopted marks a sale that came from PayBy's lists.
func (h *historyScreen) adopted(s *pos.Sale) fyne.CanvasObject {
	l, w := h.app.look, h.app.words
	text := w.t("adopt.mark.text")
	if s.Unread {
		text += "\n" + w.t("adopt.reading")
	}
	return widgets.Layers(widgets.Rounded(l.AccentSoft, widgets.Radius), widgets.Pad(widgets.Space4, widgets.Space3,
		l.Row(widgets.Space3, l.Icon("search", 26, l.Accent), widgets.Stretch(widgets.Column(2,
			l.NewLabel(w.t("adopt.mark"), widgets.TextBody, l.Text).Bold().Wrapped(), l.NewLabel(text, widgets.TextSmall, l.Text).Wrapped())))))
}

// reversible reports a payment of which nothing went back yet.
func reversible(s *pos.Sale) bool {
	return s.State == pos.SalePaid && !s.Reversing && s.Refunded == 0 && s.Pending == 0 && s.Elsewhere == 0 && len(s.Chargebacks) == 0
}

// deeds are the notes that a manager can make.
func (h *historyScreen) deeds(s *pos.Sale) []fyne.CanvasObject {
	a, sale := h.app, *s
	var row []fyne.CanvasObject
	add := func(id, key string, press func()) {
		row = append(row, widgets.Stretch(a.look.NewButton(id, widgets.Plain, a.words.t(key), "", press)))
	}
	if s.State == pos.SalePaid && s.Late && s.AttachedTo == "" {
		add("detail/attach", "detail.attach", func() { a.openAttach(sale) })
	}
	if s.State == pos.SaleUnknown && s.Released == nil {
		add("detail/release", "detail.release", func() { a.openRelease(sale) })
	}
	return row
}

// facts are the sale's data as lines of name and value.
func (h *historyScreen) facts(s *pos.Sale) []fyne.CanvasObject {
	a := h.app
	w := a.words
	var out []fyne.CanvasObject
	add := func(name, value string) {
		if value != "" {
			out = append(out, h.fact(name, value))
		}
	}
	add(w.t("detail.number"), string(s.No))
	add(w.t("detail.provider"), s.ProviderNo)
	add(w.t("detail.reference"), s.Intent.Reference)
	add(w.t("detail.renewed"), s.Intent.RenewOf.Short())
	add(w.t("detail.started"), a.moment(s.CreatedAt))
	if p := s.Payment; p != nil {
		add(w.t("detail.paid"), a.moment(p.At()))
		if p.Paid != s.Intent.Amount {
			add(w.t("detail.payer"), w.money(p.Paid))
		}
	}
	add(w.t("detail.cashier"), a.person(s.Intent.Cashier))
	if s.Adopted {
		add(w.t("detail.till"), s.Intent.Terminal)
	}
	add(w.t("detail.day"), a.day(s.Intent.BusinessDate))
	add(w.t("detail.witnesses"), a.witnesses(s.Witnesses))
	if s.Refunded > 0 {
		add(w.t("detail.refunded"), w.money(s.Refunded))
	}
	if s.Pending > 0 {
		add(w.t("detail.pending"), w.money(s.Pending))
	}
	if s.Elsewhere > 0 {
		add(w.t("detail.elsewhere"), w.money(s.Elsewhere))
	}
	for _, c := range s.Chargebacks {
		add(w.t("detail.chargedback"), w.sum(c.Amount, c.Currency))
	}
	if r := s.Released; r != nil {
		add(w.t("detail.released"), a.person(r.By)+" · "+a.moment(r.At)+" · "+r.Note)
	}
	add(w.t("detail.attached"), s.AttachedTo.Short())
	if s.Proof != "" {
		add(w.t("detail.proof"), w.proof(s.Proof))
	}
	if r := s.Refusal; r != nil {
		add(w.t("detail.refusal"), w.refusal(r))
		add(w.t("detail.code"), strings.TrimSpace(r.Code+" "+r.Message))
		add(w.t("detail.trace"), r.Trace)
	}
	return out
}

func (h *historyScreen) fact(name, value string) fyne.CanvasObject {
	l := h.app.look
	return l.Row(widgets.Space3, widgets.AtLeast(150, 0, l.NewLabel(name, widgets.TextBody, l.Muted)),
		widgets.Stretch(l.NewLabel(value, widgets.TextBody, l.Text).Wrapped()))
}

// witnesses names who proved a state, and when.
func (a *App) witnesses(list []pos.Witness) string {
	var parts []string
	seen := map[pos.Source]bool{}
	for _, s := range list {
		if !seen[s.Source] {
			seen[s.Source] = true
			parts = append(parts, a.words.source(s.Source)+" "+a.clock(s.At))
		}
	}
	return strings.Join(parts, " + ")
}

func (w *words) proof(p pos.CloseProof) string {
	switch p {
	case pos.ProofFailure:
		return w.t("proof.failure")
	case pos.ProofRefused:
		return w.t("proof.refused")
	}
	return w.t("proof.absent")
}

func (h *historyScreen) refunds() []fyne.CanvasObject {
	l, w := h.app.look, h.app.words
	if len(h.detail.refunds) == 0 {
		return nil
	}
	out := []fyne.CanvasObject{widgets.AtLeast(0, widgets.Space2, widgets.Layers()), l.NewLabel(w.t("detail.refunds"), widgets.TextLarge, l.Text).Bold()}
	for i := range h.detail.refunds {
		out = append(out, h.app.refundCard(&h.detail.refunds[i]))
	}
	return out
}

// refundCard is a refund with its state in words.
func (a *App) refundCard(r *pos.Refund) fyne.CanvasObject {
	l, w := a.look, a.words
	icon, soft, ink := "clock", l.AccentSoft, l.Accent
	switch r.State {
	case pos.RefundDone, pos.RefundSettled:
		icon, soft, ink = "check", l.SuccessSoft, l.SuccessText
	case pos.RefundFailed:
		icon, soft, ink = "cross", l.FailureSoft, l.FailureText
	case pos.RefundUnknown:
		icon, soft, ink = "question", l.CautionSoft, l.CautionText
	}
	body := []fyne.CanvasObject{
		l.Row(widgets.Space3, l.Icon(icon, 22, ink), widgets.Stretch(l.NewLabel(w.refund(r.State, 0), widgets.TextBody, ink).Bold()),
			l.NewLabel(w.money(r.Intent.Amount), widgets.TextLarge, l.Text).Bold()),
		l.NewLabel(w.refund(r.State, 1), widgets.TextBody, l.Text).Wrapped(),
	}
	if r.Outside {
		body = append(body, l.NewLabel(w.t("refund.outside"), widgets.TextSmall, l.Text).Wrapped())
	}
	if r.Refusal != nil {
		text := w.refusal(r.Refusal)
		if about := strings.TrimSpace(r.Refusal.Code + " " + r.Refusal.Message); about != "" {
			text += " " + w.t("result.refusal", "code", r.Refusal.Code, "text", r.Refusal.Message)
		}
		body = append(body, l.NewLabel(text+trace(w, r.Refusal.Trace), widgets.TextSmall, l.Text).Wrapped())
	}
	foot := []string{a.moment(r.CreatedAt) + " · " + r.No.Short(), "", a.people(r.Intent.Requester, r.Intent.Approver, r.Intent.Self), r.Intent.Reason}
	if r.ProviderNo != "" {
		foot[1] = w.t("alert.number", "no", r.ProviderNo)
	}
	for _, line := range foot {
		if line != "" {
			body = append(body, l.NewLabel(line, widgets.TextSmall, l.Muted).Wrapped())
		}
	}
	return widgets.Layers(widgets.Rounded(soft, widgets.Radius), widgets.Pad(widgets.Space4, widgets.Space3, widgets.Column(2, body...)))
}
