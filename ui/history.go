package ui

import (
	"context"
	"fmt"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// historyPage is the number of sales on one page.
const historyPage = 25

// filter is a choice of states.
type filter struct {
	key    string
	states []pos.SaleState
}

func filters() []filter {
	return []filter{
		{"filter.all", nil},
		{"filter.paid", []pos.SaleState{pos.SalePaid}},
		{"filter.open", []pos.SaleState{pos.SaleCreating, pos.SaleAwaiting, pos.SaleUnknown}},
		{"filter.closed", []pos.SaleState{pos.SaleClosed}},
		{"filter.trouble", []pos.SaleState{pos.SaleUnknown, pos.SaleReversed, pos.SaleDisputed}},
	}
}

// historyScreen lists sales beside the details of one.
type historyScreen struct {
	app    *App
	search string
	// everybody lists what others sold, too: of cashier alone unless it is empty.
	everybody bool
	cashier   string
	// allowed is the one sale of somebody else that may be seen all the same.
	allowed pos.SaleNo
	filter  int
	// marks are the starts of the pages gone through, the present one last.
	marks []pos.PageMark
	page  pos.SalePage
	// asked numbers the reads: an answer to an older one is dropped.
	asked   int
	failed  *message
	loading bool

	chosen pos.SaleNo
	detail *saleDetail

	left              *fyne.Container
	chips, list, side *region
	listScroll        *widgets.Scroll
}

func newHistoryScreen(a *App) *historyScreen {
	return &historyScreen{app: a, marks: []pos.PageMark{{}}}
}

func (h *historyScreen) build() fyne.CanvasObject {
	l, w := h.app.look, h.app.words
	h.chips, h.list, h.side = newRegion(), newRegion(), newRegion()
	search := h.app.field("history/search", w.t("history.search"), 40)
	search.SetText(h.search)
	search.OnChange = func(text string) {
		h.search = text
		h.restart()
	}
	search.OnEnter = func() {
		if len(h.page.Sales) > 0 {
			h.choose(h.page.Sales[0].No)
		}
	}
	title := h.head(l.NewButton("history/adopt", widgets.Ghost, w.t("adopt.open"), "", func() { h.app.openAdopt("") }))
	h.left = widgets.Column(widgets.Space3, title, search, h.chips.box, widgets.Stretch(h.list.box))
	h.load()
	h.read()
	return widgets.Pad(widgets.Space5, widgets.Space4, l.Row(widgets.Space5, widgets.StretchBy(6, h.left), widgets.StretchBy(5, h.side.box)))
}

// restart goes back to the first page of what is asked for now.
func (h *historyScreen) restart() {
	h.marks = []pos.PageMark{{}}
	h.load()
}

// query is what [pos.FindSales] looks for.
func (h *historyScreen) query() pos.SaleQuery {
	return pos.SaleQuery{Before: h.marks[len(h.marks)-1], Limit: historyPage, States: filters()[h.filter].states, Cashier: h.whose(),
		Text: pos.NormalizeDigits(strings.TrimSpace(h.search))}
}

func (h *historyScreen) load() {
	a := h.app
	h.asked++
	asked, q := h.asked, h.query()
	h.loading = true
	a.work(func(ctx context.Context) func() {
		page, err := pos.FindSales(ctx, a.cfg.Reader, q)
		return func() {
			if asked != h.asked {
				return
			}
			h.loading, h.failed = false, nil
			if err != nil {
				a.cfg.Log.Error("read history", "error", err)
				m := a.words.explain(err)
				h.failed = &m
			} else {
				h.page = page
			}
			h.update()
		}
	})
}

func (h *historyScreen) update() {
	if h.app.screen != h || h.list == nil {
		return
	}
	if h.chips.show(h.drawChips, h.filter) {
		h.left.Refresh() // a hint takes a line of its own
	}
	key := []any{h.failed != nil, h.whose(), h.chosen, h.page.Next != nil, len(h.marks), h.loading && len(h.page.Sales) == 0}
	for i := range h.page.Sales {
		s := &h.page.Sales[i]
		key = append(key, s.No, s.State, s.Aborted, after(s), s.Adopted, "|")
	}
	h.list.show(h.drawList, key...)
	h.drawSide()
	h.follow()
	h.app.refocus()
}

// follow reads again what the engine's news may have changed.
func (h *historyScreen) follow() {
	if d := h.detail; d != nil && d.seen != h.app.view {
		d.seen = h.app.view
		h.read()
		h.load()
	}
}

func (h *historyScreen) drawChips() fyne.CanvasObject {
	l, w := h.app.look, h.app.words
	var chips []fyne.CanvasObject
	for i, f := range filters() {
		label := l.NewLabel(w.t(f.key), widgets.TextBody, l.Text)
		chips = append(chips, l.NewPress("filter/"+fmt.Sprint(i), widgets.Plain, widgets.Pad(widgets.Space3, widgets.Space2, label), func() {
			h.filter = i
			h.restart()
			h.update()
		}).Selected(i == h.filter))
	}
	if filters()[h.filter].key != "filter.trouble" {
		return l.Row(widgets.Space2, chips...)
	}
	// Late and second payments are paid sales: no index finds them, their alerts do.
	return widgets.Column(widgets.Space2, l.Row(widgets.Space2, chips...), l.NewLabel(w.t("filter.trouble.text"), widgets.TextSmall, l.Muted).Wrapped())
}

func (h *historyScreen) drawList() fyne.CanvasObject {
	l, w := h.app.look, h.app.words
	empty, elsewhere := "", false
	switch {
	case h.failed != nil:
		empty = h.failed.title + " " + h.failed.next
	case len(h.page.Sales) == 0 && h.loading:
		empty = w.t("history.loading")
	case len(h.page.Sales) == 0:
		empty, elsewhere = h.none(), h.whose() == "" && strings.TrimSpace(h.search) != ""
	}
	if empty != "" {
		body := []fyne.CanvasObject{l.NewLabel(empty, widgets.TextLarge, l.Muted).Wrapped()}
		if elsewhere {
			body = append(body, l.NewLabel(w.t("adopt.search"), widgets.TextBody, l.Muted).Wrapped(), l.Row(widgets.Space3,
				l.NewButton("history/adopt/number", widgets.Plain, w.t("adopt.open"), "", func() { h.app.openAdopt(strings.TrimSpace(h.search)) }), widgets.Filler()))
		}
		return l.Card(widgets.Space5, widgets.Space5, widgets.Column(widgets.Space3, body...))
	}
	offset := float32(0)
	if h.listScroll != nil {
		offset = h.listScroll.Offset()
	}
	var rows []fyne.CanvasObject
	for i := range h.page.Sales {
		rows = append(rows, h.row(&h.page.Sales[i]))
	}
	h.listScroll = widgets.NewScroll(160, widgets.Column(2, rows...))
	older := l.NewButton("history/older", widgets.Plain, w.t("history.older"), "Page Down", h.older)
	older.SetEnabled(h.page.Next != nil)
	newer := l.NewButton("history/newer", widgets.Plain, w.t("history.newer"), "Page Up", h.newer)
	newer.SetEnabled(len(h.marks) > 1)
	defer h.listScroll.ScrollTo(offset)
	return widgets.Column(widgets.Space3, widgets.Stretch(l.Card(widgets.Space2, widgets.Space2, h.listScroll)),
		l.Row(widgets.Space3, widgets.Stretch(newer), widgets.Stretch(older)))
}

func (h *historyScreen) row(s *pos.Sale) fyne.CanvasObject {
	a := h.app
	l, w := a.look, a.words
	no := s.No
	side := []fyne.CanvasObject{a.saleChip(s, phaseOf(s))}
	if s.Adopted {
		side = append([]fyne.CanvasObject{chip(l, "search", w.t("adopt.chip"), l.Hover, l.Muted)}, side...)
	}
	name := l.NewLabel(h.named(s), widgets.TextSmall, l.Muted)
	line := l.Row(widgets.Space3,
		widgets.Stretch(widgets.Column(0, l.NewLabel(w.money(s.Intent.Amount), widgets.TextLarge, l.Text).Bold(),
			l.Row(widgets.Space3, l.NewLabel(a.when(s.CreatedAt), widgets.TextSmall, l.Muted), widgets.Stretch(name)))),
		l.Row(widgets.Space2, side...))
	return l.NewPress("row/"+string(no), widgets.Item, widgets.Pad(widgets.Space3, widgets.Space2, line), func() { h.choose(no) }).Selected(no == h.chosen)
}

func (h *historyScreen) older() {
	if h.page.Next != nil {
		h.marks = append(h.marks, *h.page.Next)
		h.turn()
	}
}

func (h *historyScreen) newer() {
	if len(h.marks) > 1 {
		h.marks = h.marks[:len(h.marks)-1]
		h.turn()
	}
}

func (h *historyScreen) turn() {
	h.listScroll = nil
	h.page.Next = nil
	h.load()
}

// openSale goes to the history with one sale chosen. What somebody else sold
// is shown on a PIN, wherever the way to it began.
func (a *App) openSale(no pos.SaleNo) { a.openAllowed(no, false) }

// openAllowed is openSale of a sale that a PIN, just given, was about.
func (a *App) openAllowed(no pos.SaleNo, allowed bool) {
	a.open(pageHistory)
	if a.page == pageHistory {
		if allowed {
			a.history.allowed = no
		}
		a.history.choose(no)
	}
}

func (h *historyScreen) choose(no pos.SaleNo) {
	h.chosen = no
	if h.detail == nil || h.detail.sale.No != no {
		h.detail = nil
	}
	h.read()
	h.update()
}

// step chooses the next or the previous sale of the list.
func (h *historyScreen) step(by int) {
	at := -1
	for i := range h.page.Sales {
		if h.page.Sales[i].No == h.chosen {
			at = i
		}
	}
	at += by
	if at < 0 || at >= len(h.page.Sales) {
		return
	}
	no := h.page.Sales[at].No
	h.choose(no)
	for _, t := range h.app.targets() {
		if t.ID() == "row/"+string(no) {
			h.listScroll.Reveal(t)
		}
	}
}

func (h *historyScreen) tick()    {}
func (h *historyScreen) pasted()  {}
func (h *historyScreen) scanned() {}

// typed starts a search: no click needed.
func (h *historyScreen) typed(c rune, _, _ bool) {
	if c == ' ' {
		return
	}
	h.app.focus("history/search")
	if f, ok := h.app.focused().(*widgets.Field); ok {
		f.TypeRune(c)
	}
}

func (h *historyScreen) enter() {
	if h.detail != nil && h.detail.sale.Refundable() > 0 {
		h.app.focus("detail/refund")
	}
}

func (h *historyScreen) key(k fyne.KeyName) bool {
	switch k {
	case fyne.KeyEscape:
		switch {
		case h.search != "":
			h.search = ""
			h.restart()
			h.app.focus("")
			h.app.rebuild()
		case h.app.focusID != "":
			h.app.focus("")
		default:
			h.app.open(pageTill)
		}
	case fyne.KeyPageDown:
		h.older()
	case fyne.KeyPageUp:
		h.newer()
	case fyne.KeyDown:
		h.step(1)
	case fyne.KeyUp:
		h.step(-1)
	case fyne.KeyF5:
		h.load()
		h.read()
	case fyne.KeyF9:
		h.choosePerson()
	default:
		return false
	}
	return true
}
