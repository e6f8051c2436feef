package ui

import (
	"context"
	"fmt"
	"image"
	"strings"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/test"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/ui/widgets"
)

// engine is a till whose answers a test writes.
type engine struct {
	mu      sync.Mutex
	view    *pos.View
	changes chan struct{}
	calls   []string
	charged []pos.ChargeRequest
	refunds []pos.RefundRequest
	// hold, when not nil, is received from before a Charge or Refund answers.
	hold    chan struct{}
	fail    error
	sales   []pos.Sale
	queries []pos.SaleQuery
	given   []pos.Refund
	story   []pos.Event
	ended   bool
}

func (e *engine) View() *pos.View {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.view
}

func (e *engine) Changes() (<-chan struct{}, func()) {
	return e.changes, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.ended = true
	}
}

func (e *engine) note(format string, args ...any) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = append(e.calls, fmt.Sprintf(format, args...))
	return e.fail
}

func (e *engine) wait(ctx context.Context) {
	e.mu.Lock()
	hold := e.hold
	e.mu.Unlock()
	if hold == nil {
		return
	}
	select {
	case <-hold:
	case <-ctx.Done():
	}
}

func (e *engine) Charge(ctx context.Context, r pos.ChargeRequest) (pos.SaleNo, error) {
	e.mu.Lock()
	e.charged = append(e.charged, r)
	e.mu.Unlock()
	e.wait(ctx)
	return "S1", e.note("charge %s", r.Amount)
}

func (e *engine) Abort(_ context.Context, no pos.SaleNo, by string) error {
	return e.note("abort %s by %s", no, by)
}
func (e *engine) Dismiss(no pos.SaleNo) { _ = e.note("dismiss %s", no) }
func (e *engine) Park(no pos.SaleNo)    { _ = e.note("park %s", no) }
func (e *engine) Show(no pos.SaleNo)    { _ = e.note("show %s", no) }

func (e *engine) Refund(ctx context.Context, r pos.RefundRequest) (pos.RefundNo, error) {
	e.mu.Lock()
	e.refunds = append(e.refunds, r)
	e.mu.Unlock()
	e.wait(ctx)
	return "R1", e.note("refund %s", r.Amount)
}

func (e *engine) CustomerSaysPaid(ctx context.Context, no pos.SaleNo, by string) error {
	e.wait(ctx)
	return e.note("paid? %s by %s", no, by)
}

func (e *engine) Renew(ctx context.Context, no pos.SaleNo, by string) error {
	e.wait(ctx)
	return e.note("renew %s by %s", no, by)
}

func (e *engine) ReleaseWith(ctx context.Context, a pos.Approval, no pos.SaleNo, by, note string) error {
	e.wait(ctx)
	return e.note("release %s by %s: %s", no, by, note)
}

func (e *engine) AttachWith(ctx context.Context, a pos.Approval, no, other pos.SaleNo, by, note string) error {
	e.wait(ctx)
	return e.note("attach %s to %s by %s: %s", no, other, by, note)
}

func (e *engine) Reverse(ctx context.Context, r pos.ReverseRequest) error {
	e.wait(ctx)
	return e.note("reverse %s by %s, %s: %s", r.Sale, r.Requester, r.Approver, r.Note)
}

func (e *engine) ResolveAlertWith(_ context.Context, a pos.Approval, id int64, by, note string) error {
	return e.note("resolve %d by %s: %s", id, by, note)
}

func (e *engine) Sale(_ context.Context, no pos.SaleNo) (pos.Sale, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.sales {
		if s.No == no {
			return s, nil
		}
	}
	return pos.Sale{}, pos.ErrNotFound
}

func (e *engine) Refunds(context.Context, pos.SaleNo) ([]pos.Refund, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]pos.Refund(nil), e.given...), nil
}

func (e *engine) RefundByNo(context.Context, pos.RefundNo) (pos.Refund, error) {
	return pos.Refund{}, pos.ErrNotFound
}

func (e *engine) Sales(_ context.Context, q pos.SaleQuery) (pos.SalePage, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queries = append(e.queries, q)
	var page pos.SalePage
	for _, s := range e.sales {
		if (q.Amount == 0 || s.Intent.Amount == q.Amount) && (q.Text == "" || strings.HasPrefix(string(s.No), q.Text)) {
			page.Sales = append(page.Sales, s)
		}
	}
	if q.Before == (pos.PageMark{}) && len(e.sales) > 2 {
		page.Next = &pos.PageMark{AtMs: 1, No: e.sales[0].No}
	}
	return page, nil
}

func (e *engine) Story(context.Context, pos.SaleNo) ([]pos.Event, error) { return e.story, nil }

func (e *engine) said() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.calls...)
}

func (e *engine) setHold(c chan struct{}) { e.mu.Lock(); defer e.mu.Unlock(); e.hold = c }
func (e *engine) setFail(err error)       { e.mu.Lock(); defer e.mu.Unlock(); e.fail = err }

// desk is an App under test: the UI goroutine is the test's own.
type desk struct {
	*testing.T
	app    *App
	engine *engine
	posts  chan func()
	mu     sync.Mutex
	now    time.Time
	sounds []Sound
}

func open(t *testing.T, view *pos.View, change func(*Config)) *desk {
	t.Helper()
	d := &desk{T: t, posts: make(chan func(), 4096), now: time.Date(2026, 11, 23, 10, 2, 30, 0, time.UTC)}
	d.engine = &engine{view: view, changes: make(chan struct{}, 1), sales: []pos.Sale{
		sale("SAAA111", pos.SalePaid, 12000), sale("SBBB222", pos.SaleClosed, 4200), sale("SCCC333", pos.SaleUnknown, 999)}}
	cfg := Config{App: test.NewTempApp(t), Engine: d.engine, Reader: d.engine, Lang: "en", Cashier: "Maryam",
		Now: d.clock, Post: func(f func()) { d.posts <- f }, Sound: func(s Sound) { d.sounds = append(d.sounds, s) }}
	if change != nil {
		change(&cfg)
	}
	d.app = New(cfg)
	d.app.Show(t.Context())
	t.Cleanup(d.app.Close)
	return d
}

// until runs what was posted until a condition holds.
func (d *desk) until(what string, ok func() bool) {
	d.Helper()
	late := time.After(10 * time.Second)
	for !ok() {
		select {
		case f := <-d.posts:
			f()
		case <-late:
			d.Fatalf("%s did not happen; the screen says %q; calls %q", what, d.texts(), d.engine.said())
		}
	}
}

// show hands the App a new view and waits until it has drawn it.
func (d *desk) show(v *pos.View) {
	d.Helper()
	d.engine.mu.Lock()
	d.engine.view = v
	d.engine.mu.Unlock()
	d.engine.changes <- struct{}{}
	d.until("the new view", func() bool { return d.app.view == v })
}

func (d *desk) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *desk) after(t time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(t)
}

// typed types characters as fingers do.
func (d *desk) typed(text string) {
	for _, r := range text {
		d.after(90 * time.Millisecond)
		d.app.root.TypedRune(r)
	}
}

// press presses keys as fingers do.
func (d *desk) press(keys ...fyne.KeyName) {
	for _, k := range keys {
		d.after(90 * time.Millisecond)
		d.app.root.TypedKey(&fyne.KeyEvent{Name: k})
	}
}

// scan types characters and Enter as a scanner does.
func (d *desk) scan(text string) {
	d.after(time.Second)
	for _, r := range text {
		d.after(4 * time.Millisecond)
		d.app.root.TypedRune(r)
	}
	d.after(4 * time.Millisecond)
	d.app.root.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
}

func (d *desk) paste(text string) {
	clipboard := test.NewClipboard()
	clipboard.SetContent(text)
	d.app.root.TypedShortcut(&fyne.ShortcutPaste{Clipboard: clipboard})
}

// labels are the labels on the screen, dialogs last.
func (d *desk) labels() []*widgets.Label {
	var out []*widgets.Label
	for _, o := range test.LaidOutObjects(d.app.root) {
		if l, ok := o.(*widgets.Label); ok && l.Text() != "" {
			out = append(out, l)
		}
	}
	return out
}

func (d *desk) texts() []string {
	var out []string
	for _, l := range d.labels() {
		// Amounts hold a space that does not break.
		out = append(out, strings.ReplaceAll(l.Text(), "\u00a0", " "))
	}
	return out
}

func (d *desk) sees(text string) bool {
	for _, s := range d.texts() {
		if strings.Contains(s, text) {
			return true
		}
	}
	return false
}

func (d *desk) wantText(text string) {
	d.Helper()
	if !d.sees(text) {
		d.Errorf("the screen does not say %q; it says %q", text, d.texts())
	}
}

func (d *desk) wantNoText(text string) {
	d.Helper()
	if d.sees(text) {
		d.Errorf("the screen says %q", text)
	}
}

func (d *desk) wantCalls(want ...string) {
	d.Helper()
	if got := d.engine.said(); fmt.Sprint(got) != fmt.Sprint(want) {
		d.Errorf("calls %q, want %q", got, want)
	}
}

// button finds a target by its id, anywhere on the screen.
func (d *desk) button(id string) *widgets.Press {
	d.Helper()
	for _, o := range test.LaidOutObjects(d.app.root) {
		if p, ok := o.(*widgets.Press); ok && p.ID() == id {
			return p
		}
	}
	d.Fatalf("there is no %s", id)
	return nil
}

func (d *desk) has(id string) bool {
	for _, o := range test.LaidOutObjects(d.app.root) {
		if p, ok := o.(*widgets.Press); ok && p.ID() == id {
			return true
		}
	}
	return false
}

func (d *desk) picture() image.Image { return d.app.win.Canvas().Capture() }

// drawn are the text objects that the toolkit would draw.
func (d *desk) drawn() []*canvas.Text {
	var out []*canvas.Text
	for _, o := range test.LaidOutObjects(d.app.root) {
		if t, ok := o.(*canvas.Text); ok {
			out = append(out, t)
		}
	}
	return out
}

func sale(no string, state pos.SaleState, amount pos.Fils) pos.Sale {
	at := time.Date(2026, 11, 23, 9, 58, 0, 0, time.UTC)
	s := pos.Sale{No: pos.SaleNo(no), State: state, CreatedAt: at,
		Intent: pos.SaleIntent{Amount: amount, Currency: pos.Currency, Cashier: "Maryam", BusinessDate: "2026-11-23", WindowMs: 110_000}}
	if state == pos.SalePaid {
		s.Payment = &pos.Payment{Paid: amount, AtMs: at.Add(247 * time.Second).UnixMilli()}
		s.Witnesses = []pos.Witness{{Source: pos.SourceNotification, At: at.Add(247 * time.Second)}, {Source: pos.SourceQuery, At: at.Add(249 * time.Second)}}
	}
	return s
}

func quiet() *pos.View { return &pos.View{Mode: pos.ModeTraining} }

const token = "https://checkout.payby.example/qr?BIZ_TYPE=202&ft=9f86d081884c7d659a2feaa0c55ad015&t=1795428150123"

// front is a view with a sale in front.
func front(phase pos.Phase, state pos.SaleState, change func(*pos.SaleView)) *pos.View {
	v := quiet()
	f := pos.SaleView{Sale: sale("SFRONT9", state, 1234), Phase: phase}
	if change != nil {
		change(&f)
	}
	v.Front = &f
	return v
}

func (d *desk) awaiting() *pos.View {
	return front(pos.PhaseAwaiting, pos.SaleAwaiting, func(f *pos.SaleView) {
		f.QR, f.Deadline = token, d.now.Add(95*time.Second)
	})
}
