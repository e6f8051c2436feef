package ui

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/filspos/fils/pos"
)

// book is an engine with shifts.
type book struct {
	*engine
	mu sync.Mutex
	// held, when not nil, is received from before a shift is closed.
	held   chan struct{}
	shifts []pos.Shift
	z      map[int64]pos.Z
	refuse error
}

func (b *book) XWith(ctx context.Context, a pos.Approval) (pos.Z, error) {
	b.mu.Lock()
	refuse := b.refuse
	b.mu.Unlock()
	if refuse != nil {
		return pos.Z{}, refuse
	}
	if _, err := b.engine.XWith(ctx, a); err != nil {
		return pos.Z{}, err
	}
	x := b.z[13]
	x.ClosedAt, x.ClosedBy, x.Check = time.Time{}, "", nil
	return x, nil
}

func (b *book) CloseShiftWith(ctx context.Context, a pos.Approval, number int64, by string) (pos.Z, error) {
	if _, err := b.engine.CloseShiftWith(ctx, a, number, by); err != nil {
		return pos.Z{}, err
	}
	b.mu.Lock()
	held, z := b.held, b.z[number]
	b.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
			return pos.Z{}, ctx.Err()
		}
	}
	return z, nil
}

func (b *book) Z(ctx context.Context, number int64) (pos.Z, error) {
	_, err := b.engine.Z(ctx, number)
	return b.z[number], err
}

func (b *book) Shifts(_ context.Context, before int64, limit int) ([]pos.Shift, error) {
	var list []pos.Shift
	for _, s := range b.shifts {
		if (before == 0 || s.Number < before) && len(list) < limit {
			list = append(list, s)
		}
	}
	return list, nil
}

// cannedZ is a shift in which money came, went and stayed unknown.
func cannedZ(number int64) pos.Z {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	line := func(no pos.SaleNo, state pos.SaleState, f pos.Fils) pos.SaleLine {
		return pos.SaleLine{Sale: no, State: state, Amount: f, CreatedAt: at}
	}
	own := pos.Totals{Own: pos.Sum{Count: 3, Amount: 12_345}, Carried: pos.Sum{Count: 1, Amount: 1_500}, Late: pos.Sum{Count: 1, Amount: 4_200},
		Refunds: pos.Sum{Count: 1, Amount: 2_500}, Reversals: pos.Sum{Count: 1, Amount: 700}}
	return pos.Z{
		Number: number, OpenedAt: at, OpenedBy: "Maryam", ClosedAt: at.Add(time.Hour), ClosedBy: "Omar", BusinessDate: "2026-11-23", Totals: own,
		Dates:   []pos.Group{{Key: "2026-11-23", Totals: own}},
		Carried: []pos.SaleLine{line("SCARRY1", pos.SalePaid, 1_500)}, Late: []pos.SaleLine{line("SLATE02", pos.SalePaid, 4_200)},
		Forward: []pos.SaleLine{line("SUNKN03", pos.SaleUnknown, 999), line("SWAIT04", pos.SaleAwaiting, 8_650)},
		Refunds: []pos.RefundLine{{Refund: "RSELF05", Sale: "SAAA111", State: pos.RefundDone, Amount: 2_500, Requester: "Maryam", Approver: "Maryam", Self: true, CreatedAt: at}},
		Adopted: []pos.SaleLine{line("SOTHER6", pos.SalePaid, 18_900)},
		Check: &pos.PageCheck{From: "2026-11-23", To: "2026-11-23", At: at, Complete: true, Others: pos.Sum{Count: 31, Amount: 745_000},
			Missing: []pos.MissingLine{{Number: "SLOST07", ProviderNo: "131795428150888", Amount: 6_400}}},
		Count: 918, Head: pos.Hash{0x9f, 0x86, 0xd0, 0x81},
	}
}

func shiftView(number int64) *pos.View {
	v := quiet()
	v.Shift = &pos.ShiftView{Number: number, OpenedAt: time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC), OpenedBy: "Maryam", BusinessDate: "2026-11-23"}
	return v
}

// openBook shows the shift screen of a till that has closed twelve shifts.
func openBook(t *testing.T, v *pos.View, change func(*Config)) (*desk, *book) {
	t.Helper()
	b := &book{z: map[int64]pos.Z{}}
	for n := int64(12); n > 0; n-- {
		b.shifts = append(b.shifts, pos.Shift{Number: n, Closed: n * 100, ClosedBy: "Omar", BusinessDate: fmt.Sprintf("2026-11-%02d", n),
			Totals: pos.Totals{Own: pos.Sum{Count: 1, Amount: pos.Fils(n * 10_000)}}})
		b.z[n] = cannedZ(n)
	}
	b.z[13] = cannedZ(13)
	d := open(t, v, func(c *Config) {
		b.engine = c.Engine.(*engine)
		c.Engine = b
		if change != nil {
			change(c)
		}
	})
	d.press(fyne.KeyF7)
	d.until("the shifts", func() bool { return d.has("shift/z/12") })
	return d, b
}

func (d *desk) pressButton(id string) {
	d.Helper()
	d.app.focus(id)
	if d.app.focusID != id || d.app.focused() == nil {
		d.Fatalf("%s cannot be reached by keyboard", id)
	}
	d.press(fyne.KeyReturn)
}

func TestShift_the_buttons_of_the_question_fit_a_low_window(t *testing.T) {
	for _, lang := range languages {
		d, b := openBook(t, shiftView(13), func(c *Config) { c.Lang = lang })
		z := b.z[13]
		z.Totals.Returned, z.Totals.Discount = pos.Sum{Count: 1, Amount: 700}, pos.Sum{Count: 1, Amount: 300}
		z.Forward = append(append(z.Forward, z.Forward...), z.Forward...)
		z.InFlight = z.Refunds
		b.z[13] = z
		d.app.Window().Resize(fyne.NewSize(1024, 600))
		d.pressButton("shift/close")
		d.until("the read-back", func() bool { return d.has("close/yes") })
		button := d.button("close/yes")
		if y := fyne.CurrentApp().Driver().AbsolutePositionForObject(button).Y + button.Size().Height; y > 600 {
			t.Errorf("%s: the button ends at %v of 600", lang, y)
		}
	}
}

func TestShift_X_shows_the_totals_and_changes_nothing(t *testing.T) {
	d, _ := openBook(t, shiftView(13), nil)
	for _, text := range []string{"Shift 13 is open", "Maryam", "23 Nov 2026, 09:00:00", "Earlier shifts", "Z 12", "AED 1,200.00"} {
		d.wantText(text)
	}
	d.pressButton("shift/x")
	d.until("the X", func() bool { return d.sees("X of shift 13") })
	for _, text := range []string{"Paid by customers", "AED 180.45", "AED -25.00", "AED -7.00", "Net takings", "AED 148.45", "So far. Nothing is closed"} {
		d.wantText(text)
	}
	d.wantNoText("Not compared with PayBy")
	d.wantCalls("x")
	d.press(fyne.KeyEscape)
	d.wantText("Shift 13 is open")
}

func TestShift_close_reads_back_before_anything_happens(t *testing.T) {
	d, _ := openBook(t, shiftView(13), nil)
	d.press(fyne.KeyReturn, fyne.KeyReturn)
	d.until("the read-back", func() bool { return d.sees("Close shift 13?") })
	for _, text := range []string{"Paid by customers", "AED 180.45", "Refunds that left the account", "AED -25.00", "Payments reversed", "AED -7.00", "AED 148.45", "2 sales are still open and are carried forward by name", "UNKN03", "Not known yet", "WAIT04", "Waiting"} {
		d.wantText(text)
	}
	d.wantCalls("x")
	d.press(fyne.KeyReturn) // what Enter does is the way back
	d.wantNoText("Close shift 13?")
	d.wantCalls("x")

	d.pressButton("shift/close")
	d.until("the read-back", func() bool { return d.sees("Close shift 13?") })
	d.press(fyne.KeyTab, fyne.KeyReturn)
	d.until("the Z", func() bool { return d.sees("Z 13") })
	d.wantCalls("x", "x", "close shift 13 by Maryam")
	d.wantText("by Omar")
}

// Whoever closes a shift adds up what is read back.
func TestShift_close_reads_back_lines_that_add_up(t *testing.T) {
	sum := func(n int, f pos.Fils) pos.Sum { return pos.Sum{Count: n, Amount: f} }
	for name, c := range map[string]struct {
		totals pos.Totals
		lines  []string
		absent []string
	}{
		"a refund":   {pos.Totals{Own: sum(1, 1234), Refunds: sum(1, 500)}, []string{"AED 12.34", "AED -5.00", "AED 7.34"}, []string{"Payments reversed", "came back", "For information"}},
		"all of it":  {pos.Totals{Own: sum(9, 10_000), Late: sum(1, 300), Refunds: sum(2, 700), Returned: sum(1, 200), Reversals: sum(1, 1_100)}, []string{"AED 103.00", "AED -7.00", "AED 2.00", "AED -11.00", "AED 87.00"}, nil},
		"a discount": {pos.Totals{Own: sum(1, 1234), Discount: sum(1, 34)}, []string{"AED 12.34", "Discounts that PayBy bears", "AED 0.34", "For information"}, []string{"Refunds that left"}},
		"below zero": {pos.Totals{Refunds: sum(1, 500)}, []string{"AED 0.00", "AED -5.00"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			d, b := openBook(t, shiftView(13), nil)
			z := cannedZ(13)
			z.Totals = c.totals
			b.z[13] = z
			d.pressButton("shift/close")
			d.until("the read-back", func() bool { return d.sees("Close shift 13?") })
			for _, text := range c.lines {
				d.wantText(text)
			}
			for _, text := range c.absent {
				d.wantNoText(text)
			}
		})
	}
}

func TestShift_closing_does_not_hold_up_the_till(t *testing.T) {
	d, b := openBook(t, shiftView(13), nil)
	b.held = make(chan struct{})
	d.pressButton("shift/close")
	d.until("the read-back", func() bool { return d.sees("Close shift 13?") })
	d.pressButton("close/yes")
	d.wantText("Closing shift 13")
	d.wantText("at most two minutes")
	d.after(75 * time.Second)
	d.app.tick()
	d.wantText("1:15")
	if d.has("shift/close") || d.has("shift/x") {
		t.Error("a shift that is being closed can be closed again")
	}
	d.app.shift.askClose()
	d.press(fyne.KeyEscape)
	d.until("the close", func() bool { return slices.Contains(d.engine.said(), "close shift 13 by Maryam") })
	d.typed("5.00")
	d.press(fyne.KeyReturn)
	d.until("the charge", func() bool { return slices.Contains(d.engine.said(), "charge 5.00") })
	close(b.held)
	d.until("the end", func() bool { return d.sees("Shift 13 is closed") })
	d.wantCalls("x", "close shift 13 by Maryam", "charge 5.00")
	d.wantText("Amount") // nothing came over the till
	d.press(fyne.KeyF7)
	d.wantText("Z 13")
}

// Another window has closed the shift since it was read back: its number is
// what was seen, and its Z is what comes.
func TestShift_a_second_close_shows_the_same_Z(t *testing.T) {
	d, _ := openBook(t, shiftView(13), nil)
	for range 2 {
		d.app.page = pageShift
		d.show(shiftView(13))
		d.pressButton("shift/close")
		d.until("the read-back", func() bool { return d.sees("Close shift 13?") })
		d.show(shiftView(14))
		d.pressButton("close/yes")
		d.until("the Z", func() bool { return d.sees("Z 13") })
		d.wantText("AED 148.45")
		d.press(fyne.KeyEscape)
	}
	d.wantCalls("x", "close shift 13 by Maryam", "x", "close shift 13 by Maryam")
}

func TestShift_of_another_number_is_not_read_back(t *testing.T) {
	d, _ := openBook(t, shiftView(14), nil)
	d.pressButton("shift/close") // the X that comes is of shift 13
	d.until("the refusal", func() bool { return d.app.shift.trouble != nil })
	d.wantNoText("Close shift 14?")
	d.wantCalls("x")
}

func TestShift_a_failure_is_a_sentence_and_closes_nothing(t *testing.T) {
	d, b := openBook(t, shiftView(13), nil)
	d.engine.setFail(&pos.Error{Code: pos.CodeJournalFull})
	b.refuse = nil
	d.pressButton("shift/close")
	d.until("the sentence", func() bool { return d.sees("The disk of this PC is full.") })
	d.wantText("Shift 13 is open")
	d.wantNoText("Close shift 13?")
}

func TestShift_opens_by_one_key_when_none_is_open(t *testing.T) {
	d, _ := openBook(t, quiet(), nil)
	d.wantText("No shift is open")
	d.press(fyne.KeyReturn, fyne.KeyReturn)
	d.until("the answer", func() bool { return len(d.engine.said()) == 1 && d.app.shift.doing == "" })
	d.wantCalls("open shift by Maryam")
	d.show(shiftView(13))
	d.wantText("Shift 13 is open")
}

func TestShift_earlier_ones_are_paged_and_opened_again(t *testing.T) {
	d, _ := openBook(t, shiftView(13), nil)
	if d.has("shift/z/2") {
		t.Error("the first page holds more than a page")
	}
	d.press(fyne.KeyPageDown)
	d.until("the second page", func() bool { return d.has("shift/z/1") })
	d.press(fyne.KeyPageDown)
	if len(d.app.shift.befores) != 2 {
		t.Error("there is a page after the last")
	}
	d.press(fyne.KeyPageUp)
	d.until("the first page", func() bool { return d.has("shift/z/12") })
	d.pressButton("shift/z/11")
	d.until("the Z", func() bool { return d.sees("Z 11") && d.sees("Net takings") })
	d.wantCalls("z 11")
	d.press(fyne.KeyEscape, fyne.KeyEscape)
	d.wantText("Charge")
}

func TestShift_overdue_is_said_calmly(t *testing.T) {
	v := shiftView(13)
	v.Shift.Overdue = true
	d, _ := openBook(t, v, nil)
	d.wantText("Another business day has begun")
	d.press(fyne.KeyEscape)
	d.wantText("Shift 13 is from an earlier day.")
	d.typed("5")
	d.wantText("Charge AED 5.00")
}

func TestShift_key_does_not_leave_a_customer(t *testing.T) {
	d, _ := openBook(t, shiftView(13), nil)
	d.press(fyne.KeyEscape)
	d.show(d.awaiting())
	d.press(fyne.KeyF7)
	d.settled()
	d.wantCalls()
	d.wantText("Waiting for the customer")
	d.wantText("Finish this sale first, or set it aside with F2")
	d.show(front(pos.PhaseUnknown, pos.SaleUnknown, nil))
	d.press(fyne.KeyF7)
	d.wantText("NOT KNOWN YET")
	d.show(front(pos.PhasePaid, pos.SalePaid, nil))
	d.press(fyne.KeyF7)
	d.wantText("No shift is open")
	d.press(fyne.KeyEscape)
	d.wantText("PAID")
	d.wantCalls()
}

func TestShift_leaving_the_program_while_it_closes_is_asked_about(t *testing.T) {
	d, b := openBook(t, shiftView(13), nil)
	b.held = make(chan struct{})
	d.pressButton("shift/close")
	d.until("the read-back", func() bool { return d.has("close/yes") })
	d.pressButton("close/yes")
	d.app.askToClose()
	d.wantText("the shift stays open")
	d.press(fyne.KeyReturn)
	if d.app.ctx.Err() != nil {
		t.Error("Enter ended the program")
	}
	close(b.held)
	d.until("the Z", func() bool { return d.sees("Net takings") })
}

// What a PIN was given for is not left lying for whoever comes next.
func TestShift_a_Z_is_gone_once_its_reader_has_left_it(t *testing.T) {
	s := openShop(t)
	s.staffed()
	s.work("omar", managerPIN)
	s.paid(5000, "omar")
	read := func() {
		s.press(fyne.KeyF7)
		s.until("the shift", func() bool { return s.has("shift/x") })
		s.pressButton("shift/x")
		s.choose("permit", "omar")
		s.typed(managerPIN)
		s.press(fyne.KeyReturn)
		s.until("the X", func() bool { return s.sees("Net takings") })
	}
	read()
	s.press(fyne.KeyF4, fyne.KeyF7)
	s.wantNoText("Net takings")
	s.press(fyne.KeyEscape)
	read()
	s.work("amna", cashierPIN)
	s.wantNoText("Net takings")
}

func TestShift_needs_the_PIN_of_somebody_who_may(t *testing.T) {
	s := openShop(t)
	s.staffed()
	s.work("amna", cashierPIN)
	s.paid(5000, "amna")
	s.press(fyne.KeyF7)
	s.until("the shift", func() bool { return s.has("shift/close") })
	s.pressButton("shift/close")
	s.wantText("Close shift 1?")
	if s.has("permit/who/amna") || !s.has("permit/who/omar") {
		t.Errorf("offered: %q", s.texts())
	}
	s.press(fyne.KeyEscape)
	if n := len(s.facts(pos.ShiftClosed)); n != 0 || s.app.dialog() != nil {
		t.Fatalf("%d shifts were closed without a PIN", n)
	}

	s.pressButton("shift/close")
	s.choose("permit", "omar")
	s.typed(managerPIN)
	s.press(fyne.KeyReturn)
	s.until("the read-back", func() bool { return s.sees("Paid by customers") && s.has("close/yes") })
	s.wantText("AED 50.00")
	s.pressButton("close/yes")
	s.until("the Z", func() bool { return s.sees("Z 1") && s.sees("Net takings") })
	closed := s.facts(pos.ShiftClosed)
	if len(closed) != 1 || closed[0].By != "omar" || closed[0].Z.Totals.Net() != 5000 {
		t.Errorf("closed: %+v", closed)
	}
	s.wantText("Omar")
	s.wantText("Not compared with PayBy")
	s.press(fyne.KeyEscape)
	s.until("the list", func() bool { return s.has("shift/z/1") })
	s.wantNoText("AED 50.00") // what was taken is for those who may read a Z
	s.pressButton("shift/z/1")
	if !s.has("permit/who/omar") {
		t.Error("a Z is shown without a PIN")
	}
	s.wantNoPIN(managerPIN, cashierPIN)
}

// An approval that grew old while the figures were read is not used: the PIN
// is asked for again.
func TestShift_a_slow_read_back_asks_for_the_PIN_again(t *testing.T) {
	s := openShop(t)
	s.staffed()
	s.work("omar", managerPIN)
	s.paid(5000, "omar")
	s.press(fyne.KeyF7)
	s.until("the shift", func() bool { return s.has("shift/close") })
	s.pressButton("shift/close")
	s.choose("permit", "omar")
	s.typed(managerPIN)
	s.press(fyne.KeyReturn)
	s.until("the read-back", func() bool { return s.has("close/yes") })
	s.after(grantFor + time.Second)
	s.pressButton("close/yes")
	if !s.has("permit/who/omar") || len(s.facts(pos.ShiftClosed)) != 0 {
		t.Fatal("an old approval closed the shift")
	}
	s.choose("permit", "omar")
	s.typed(managerPIN)
	s.press(fyne.KeyReturn)
	s.until("the Z", func() bool { return s.sees("Net takings") })
	if n := len(s.facts(pos.ShiftClosed)); n != 1 {
		t.Errorf("%d shifts were closed", n)
	}
}

func TestTill_says_calmly_that_it_reads_from_PayBy(t *testing.T) {
	v := quiet()
	v.Alerts = []pos.Alert{{ID: 1, Kind: pos.AlertRecovering}}
	d := open(t, v, nil)
	d.wantText("Reading from PayBy what this till may lack.")
	d.wantNoText("Reading back what this till may have lost")
	d.wantNoText("1 alert")
	d.press(fyne.KeyF4)
	d.wantText("Reading back what this till may have lost")
	if d.has("alert/resolve/1") {
		t.Error("what the till takes back by itself can be resolved")
	}
	v2 := *v
	v2.Alerts = append([]pos.Alert{{ID: 2, Kind: pos.AlertLatePayment, Amount: 100}}, v.Alerts...)
	d.press(fyne.KeyEscape)
	d.show(&v2)
	d.wantText("Paid after it was closed")
	d.wantText("1 alert")
	d.show(quiet())
	d.wantNoText("Reading from PayBy")
}
