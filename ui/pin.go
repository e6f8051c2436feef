package ui

import (
	"context"
	"strings"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

const (
	// maxPIN is the longest PIN in digits.
	maxPIN = 12
	// pinScan is how many keys at a scanner's pace are a barcode here. It is the
	// shortest code on goods: a slow PC hands over a PIN in one lump, too, and
	// who cannot sign in cannot sell.
	pinScan = 8
)

// pinField is a masked line of digits. It takes digits of any script from
// fingers only: what a scanner types is taken back, and nothing is pasted. It
// keeps what was typed until take and nowhere else.
type pinField struct {
	app   *App
	id    string
	hint  string
	large bool
	field *widgets.Field
	enter func()
	// reason is the catalogue key of what is wrong with the last key.
	reason string
	// mark is the number of digits at the last pause in typing, keys are the
	// times since then, and scan says that they came from a scanner.
	mark int
	keys []time.Time
	scan bool
	// changed is called after reason or the digits changed; may be nil.
	changed func()
}

// build makes the field for the present look; the digits move into it.
func (p *pinField) build() *widgets.Field {
	before := p.field
	f := p.app.field(p.id, p.hint, maxPIN).Masked()
	if p.large {
		f.Large()
	}
	if before != nil {
		f.SetText(before.Text())
		before.SetText("")
	}
	f.OnEnter = p.enter
	f.OnScan = func() {
		if p.scan {
			p.takeBack()
			return
		}
		p.enter()
	}
	f.OnChange = func(string) { p.say("") }
	f.Refuse = func(text string, pasted bool) bool {
		if pasted {
			p.say("pin.pasted")
			return true
		}
		return p.refuse(text)
	}
	p.field = f
	return f
}

// refuse takes digits by itself, so that they are stored as ASCII.
func (p *pinField) refuse(text string) bool {
	if p.app.guard.first {
		p.mark, p.keys, p.scan = len(p.field.Text()), nil, false
	}
	if p.keys = append(p.keys, p.app.guard.last); len(p.keys) > pinScan {
		p.keys = p.keys[1:]
	}
	p.scan = p.scan || len(p.keys) == pinScan && p.app.guard.last.Sub(p.keys[0]) <= (pinScan-1)*scannerPace
	if p.scan {
		p.takeBack()
		return true
	}
	p.add(text)
	return true
}

// add puts digits at the end.
func (p *pinField) add(text string) {
	digits := pos.NormalizeDigits(text)
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		p.say("pin.digits")
		return
	}
	if held := p.field.Text(); len(held)+len(digits) <= maxPIN {
		p.field.SetText(held + digits)
	}
	p.say("")
}

// takeBack removes what a scanner typed.
func (p *pinField) takeBack() {
	p.field.SetText(p.field.Text()[:min(p.mark, len(p.field.Text()))])
	p.say("pin.scanned")
}

func (p *pinField) back() {
	p.field.TypeKey(fyne.KeyBackspace)
}

func (p *pinField) say(reason string) {
	p.reason = reason
	if p.changed != nil {
		p.changed()
	}
}

// take returns what was typed and forgets it.
func (p *pinField) take() string {
	p.mark, p.keys = 0, nil
	if p.field == nil {
		return ""
	}
	pin := p.field.Text()
	p.field.SetText("")
	return pin
}

// pinPad asks one of several people for their PIN: a list of names, the masked
// digits, and keys for fingers. It is part of a dialog or a screen.
type pinPad struct {
	app *App
	// id begins the ids of its targets.
	id string
	// people are those who may be chosen, in order.
	people func() []pos.StaffView
	// check proves the PIN beside the UI; then runs on the UI goroutine once it
	// was right.
	check func(ctx context.Context, id pos.MemberID, pin string) error
	then  func(id pos.MemberID)

	chosen pos.MemberID
	// anew: it is not who works here that is asked for.
	anew   bool
	busy   bool
	failed string
	pin    pinField
	until  map[pos.MemberID]time.Time

	list, status *region
	yes          *widgets.Press
}

func (a *App) newPINPad(id string) *pinPad {
	p := &pinPad{app: a, id: id, until: map[pos.MemberID]time.Time{}}
	p.pin = pinField{app: a, id: id + "/pin", large: true, enter: p.submit, changed: p.typedPIN}
	return p
}

// build makes the widgets. yes is the text of the button that gives the PIN.
func (p *pinPad) build(yes string) (left, pad fyne.CanvasObject, button *widgets.Press) {
	l, w := p.app.look, p.app.words
	p.settle()
	p.list, p.status = newRegion(), newRegion()
	p.pin.hint = w.t("pin.hint")
	p.yes = l.NewButton(p.id+"/yes", widgets.Primary, yes, "Enter", p.submit)
	left = widgets.Column(widgets.Space3, p.list.box, p.pin.build(), p.status.box)
	p.update()
	return left, p.keys(), p.yes
}

// settle keeps the choice among those who can be chosen. Nobody is chosen
// unasked but the only one, or who works here: a PIN that is typed without a
// look at the names would count against whoever happens to be the first.
func (p *pinPad) settle() {
	people := p.people()
	for _, m := range people {
		if m.ID == p.chosen {
			return
		}
	}
	p.chosen = ""
	var known []pos.MemberID
	for _, m := range people {
		if !p.anew && m.ID == p.app.worker {
			p.chosen = m.ID
			return
		}
		if !p.anew || m.ID != p.app.member {
			known = append(known, m.ID)
		}
	}
	if len(known) == 1 {
		p.chosen = known[0]
	}
}

// update draws what differs in the present view.
func (p *pinPad) update() {
	p.settle()
	var key []any
	for _, m := range p.people() {
		key = append(key, m.ID, m.Name, m.Role, "|")
	}
	if p.list.show(p.drawList, append(key, p.chosen)...) {
		p.fit()
	}
	p.tick()
}

// tick redraws what depends on the time.
func (p *pinPad) tick() {
	text, left := p.said()
	free := !p.busy && left <= 0 && p.chosen != ""
	p.yes.SetEnabled(free)
	p.pin.field.SetEnabled(!p.busy)
	if p.status.show(func() fyne.CanvasObject { return p.drawStatus(text) }, text) {
		p.fit()
	}
}

// fit gives a dialog with the pad another size; a screen takes care of itself.
func (p *pinPad) fit() {
	if d := p.app.dialog(); d != nil {
		d.fit()
	}
}

// said is the sentence under the digits, and how long the next try waits.
func (p *pinPad) said() (string, time.Duration) {
	w := p.app.words
	left := p.wait().Sub(p.app.cfg.Now())
	switch {
	case p.chosen == "" && p.pin.reason == "" && p.pin.field.Text() != "":
		return w.t("pin.who"), 0
	case p.busy:
		return w.t("pin.checking"), 0
	case left > 0:
		return w.t("pin.wait", "time", countdown(left)), left
	case p.pin.reason != "":
		return w.t(p.pin.reason), 0
	}
	return p.failed, 0
}

// wait is when the chosen member's PIN may be tried again.
func (p *pinPad) wait() time.Time {
	until := p.until[p.chosen]
	for _, m := range p.app.view.Staff {
		if m.ID == p.chosen && m.Wait.After(until) {
			until = m.Wait
		}
	}
	return until
}

func (p *pinPad) drawStatus(text string) fyne.CanvasObject {
	l := p.app.look
	colour := l.FailureText
	if p.busy {
		colour = l.Muted
	}
	return widgets.AtLeast(0, 44, l.NewLabel(text, widgets.TextBody, colour).Bold().Wrapped())
}

func (p *pinPad) drawList() fyne.CanvasObject {
	l, w := p.app.look, p.app.words
	people := p.people()
	var rows []fyne.CanvasObject
	for _, m := range people {
		line := l.Row(widgets.Space3, l.Icon("person", 20, l.Muted), widgets.Stretch(l.NewLabel(m.Name, widgets.TextLarge, l.Text).Bold()),
			l.NewLabel(w.role(m.Role), widgets.TextBody, l.Muted))
		rows = append(rows, l.NewPress(p.id+"/who/"+string(m.ID), widgets.Item, widgets.Pad(widgets.Space3, widgets.Space2, line),
			func() { p.choose(m.ID) }).Selected(m.ID == p.chosen && len(people) > 1))
	}
	list := widgets.Column(2, rows...)
	shown, high := 6, float32(240)
	if p.app.height() == scanty {
		shown, high = 4, 156
	}
	if len(rows) <= shown {
		return list
	}
	return widgets.AtLeast(0, high, widgets.NewScroll(high, list))
}

// choose picks somebody; their PIN is what is typed next.
func (p *pinPad) choose(id pos.MemberID) {
	if p.busy {
		return
	}
	if id != p.chosen {
		if p.chosen != "" {
			p.pin.take()
		}
		p.chosen, p.failed, p.pin.reason = id, "", ""
	}
	p.update()
	p.reveal()
	p.app.focus(p.pin.id)
}

// key moves the choice by the arrows, so that the digits keep the focus.
func (p *pinPad) key(k fyne.KeyName) bool {
	step := 0
	switch k {
	case fyne.KeyUp:
		step = -1
	case fyne.KeyDown:
		step = 1
	}
	people := p.people()
	if step == 0 || len(people) < 2 || p.app.focusID != p.pin.id {
		return false
	}
	at := -1
	for i, m := range people {
		if m.ID == p.chosen {
			at = i
		}
	}
	if at < 0 && step < 0 {
		at = 0
	}
	p.choose(people[(at+step+len(people))%len(people)].ID)
	return true
}

// reveal scrolls the list to whoever is chosen.
func (p *pinPad) reveal() {
	if p.list == nil {
		return // nobody can be chosen
	}
	for _, s := range widgets.Scrolls(p.list.box) {
		for _, t := range widgets.Targets(s.Content()) {
			if t.ID() == p.id+"/who/"+string(p.chosen) {
				s.Reveal(t)
			}
		}
	}
}

// typed takes a character that nothing else has the focus for.
func (p *pinPad) typed(c rune) {
	if p.busy {
		return
	}
	p.app.focus(p.pin.id)
	p.pin.field.TypeRune(c)
}

func (p *pinPad) typedPIN() {
	p.failed = ""
	if p.status != nil {
		p.tick()
	}
}

// keys are the digits for fingers.
func (p *pinPad) keys() fyne.CanvasObject {
	l, high := p.app.look, float32(56)
	if p.app.height() == scanty {
		high = leastKey
	}
	digit := func(s string) fyne.CanvasObject {
		return widgets.Stretch(widgets.AtLeast(64, high, l.NewKey(p.id+"/key/"+s, s, func() {
			if !p.busy {
				p.app.focus(p.pin.id)
				p.pin.add(s)
			}
		})))
	}
	back := l.NewPress(p.id+"/key/back", widgets.Key, widgets.Pad(0, widgets.Space2, l.Icon("backspace", 26, l.Text)), p.pin.back)
	clearAll := l.NewKey(p.id+"/key/clear", "C", func() {
		p.pin.take()
		p.pin.say("")
	})
	return widgets.Column(widgets.Space2,
		widgets.RowLTR(widgets.Space2, digit("7"), digit("8"), digit("9")),
		widgets.RowLTR(widgets.Space2, digit("4"), digit("5"), digit("6")),
		widgets.RowLTR(widgets.Space2, digit("1"), digit("2"), digit("3")),
		widgets.RowLTR(widgets.Space2, widgets.Stretch(widgets.AtLeast(64, high, clearAll)), digit("0"), widgets.Stretch(widgets.AtLeast(64, high, back))))
}

// submit checks the PIN once. Whatever comes of it, the digits are gone.
func (p *pinPad) submit() {
	a := p.app
	if _, left := p.said(); p.busy || left > 0 {
		return
	}
	if p.chosen == "" {
		p.pin.say("pin.who")
		return
	}
	pin, id := p.pin.take(), p.chosen
	if pin == "" {
		p.pin.say("pin.empty")
		return
	}
	p.busy, p.failed, p.pin.reason = true, "", ""
	p.tick()
	a.work(func(ctx context.Context) func() {
		err := p.check(ctx, id, pin)
		return func() {
			p.busy = false
			if err == nil {
				p.then(id)
				return
			}
			p.refused(id, err)
		}
	})
}

// refused says why a PIN was not taken. A wait is counted down.
func (p *pinPad) refused(id pos.MemberID, err error) {
	a := p.app
	if code(err) == pos.CodeInternal {
		a.cfg.Log.Error("check PIN", "error", err)
	}
	m := a.words.explain(err)
	p.failed = m.title + " " + m.next
	if until := waitOf(err); !until.IsZero() {
		p.until[id] = until
	}
	p.tick()
	if a.focusID == "" || a.focusID == p.yes.ID() {
		a.focus(p.pin.id)
	}
}
