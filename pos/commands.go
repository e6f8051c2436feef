package pos

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	maxReference = 40
	maxReason    = 64
	// guardTime is how long a closed sale makes the till ask before the same
	// amount is charged again.
	guardTime = 10 * time.Minute
	// refundDays is how long a payment can be refunded (protocol.md §10.1).
	refundDays = 180
)

// Charge starts a sale and puts it in front; it returns after the intent is
// committed, while the request to the provider is under way. Errors are
// *[Error]; after an error nothing was sent and nothing was written.
func (t *Till) Charge(ctx context.Context, r ChargeRequest) (SaleNo, error) {
	if r.Amount <= 0 || r.Amount > MaxAmount {
		return "", &Error{Code: CodeAmount, Op: "charge", Amount: r.Amount}
	}
	if !fits(r.Reference, maxReference) {
		return "", &Error{Code: CodeReference, Op: "charge"}
	}
	if e := t.View().Trading; e != nil {
		return "", e
	}
	if !t.clockSeen.Load() {
		t.probe(ctx) // a gateway that is away does not hold the sale back
	}
	if !r.Confirmed {
		if err := t.guardClosed(ctx, r.Amount); err != nil {
			return "", err
		}
	}
	var no SaleNo
	err := t.submit(ctx, func(now time.Time) error {
		err := t.core.may("charge", PermitCharge, r.Cashier)
		if err == nil {
			no, err = t.core.charge(r, now)
		}
		return err
	})
	return no, err
}

func printable(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return false
		}
	}
	return true
}

// fits reports printable text of at most limit UTF-16 units, as the provider
// counts them.
func fits(s string, limit int) bool {
	units := 0
	for _, r := range s {
		units += utf16.RuneLen(r)
	}
	return printable(s) && units <= limit
}

// guardClosed asks before the amount of a sale closed a short while ago is
// charged again: its customer may still pay on the old QR.
func (t *Till) guardClosed(ctx context.Context, amount Fils) error {
	now := t.cfg.Clock.Now()
	page, err := t.cfg.Journal.Sales(ctx, SaleQuery{
		Amount: amount, States: []SaleState{SaleClosed}, Limit: 20,
		From: now.Add(-guardTime - maxWindow - absentAfter).UTC(),
	})
	if err != nil {
		return journalError("look for the same amount", err)
	}
	for _, s := range page.Sales {
		if s.Proof != ProofRefused && now.Round(0).Sub(s.EndedAt) < guardTime {
			return &Error{Code: CodeSameAmount, Op: "charge", Sale: s.No, Amount: amount}
		}
	}
	return nil
}

// charge records the intent of a sale and its first attempt.
func (c *core) charge(r ChargeRequest, now time.Time) (SaleNo, error) {
	if !r.Confirmed {
		for _, s := range c.sales {
			// A sale may have closed after the journal was asked.
			closed := s.State == SaleClosed && s.Proof != ProofRefused && now.Sub(c.ended(s, now)) < guardTime
			if (!s.State.Final() || closed) && s.Intent.Amount == r.Amount {
				return "", &Error{Code: CodeSameAmount, Op: "charge", Sale: s.No, Amount: r.Amount}
			}
		}
	}
	at := c.clock.now(now).Truncate(time.Millisecond)
	number, err := newNumber("S", at, c.cfg.Random)
	if err != nil {
		return "", &Error{Code: CodeInternal, Op: "charge", Err: err}
	}
	no := SaleNo(number)
	intent := SaleIntent{
		Amount: r.Amount, Currency: Currency, Reference: r.Reference, Cashier: r.Cashier,
		Shift: c.shiftName(), BusinessDate: c.today(at),
		Payee: c.cfg.Payee, ExpiresMs: at.Add(c.cfg.Window + expiryMargin).UnixMilli(),
		WindowMs: c.cfg.Window.Milliseconds(), Store: c.cfg.Store, Terminal: c.cfg.Terminal,
		Subject: c.cfg.Subject, NotifyURL: c.cfg.NotifyURL, RenewOf: r.renewOf,
	}
	if intent.Biz, err = c.cfg.Gateway.EncodeSale(no, intent); err != nil {
		return "", &Error{Code: CodeInternal, Op: "encode sale", Err: err}
	}
	c.needShift(r.Cashier, now)
	c.emit(now, Fact{Kind: SaleIntended, Sale: no, By: r.Cashier, Intent: &intent})
	c.emit(now, Fact{Kind: SaleAttempted, Sale: no, Attempt: &Attempt{N: 1, RequestMs: at.UnixMilli()}})
	s := c.sales[no]
	if s == nil || s.Attempts != 1 {
		return "", &Error{Code: CodeInternal, Op: "charge", Err: errors.New("the sale's facts do not fold")}
	}
	s.plan = plan{inflight: opCreate, started: now, lastCreate: now}
	if !c.clock.known || c.clock.guessed || c.clock.rough() {
		s.plan.born = now
	}
	front := c.front
	c.undo = append(c.undo, func() { c.front = front })
	c.front = no
	c.calls = append(c.calls, call{op: opCreate, sale: no, biz: intent.Biz, at: at})
	return no, nil
}

// Abort is the cashier's cancel: the QR leaves every display at once and the
// sale is then proven not paid, or found paid. by is the staff member. A sale
// that needs no cancel any more is left as it is, with [CodeNotOpen].
func (t *Till) Abort(ctx context.Context, no SaleNo, by string) error {
	return t.submit(ctx, func(now time.Time) error {
		s := t.core.sales[no]
		if s == nil || s.State != SaleCreating && s.State != SaleAwaiting {
			return &Error{Code: CodeNotOpen, Op: "abort", Sale: no}
		}
		if err := t.core.may("abort", PermitCancel, by); err != nil {
			return err
		}
		if s.Aborted == "" {
			t.core.abort(s, AbortCashier, by, now)
		}
		return nil
	})
}

// Dismiss takes a result that was seen off the screen. A sale that is not
// final becomes a card instead.
func (t *Till) Dismiss(no SaleNo) {
	t.post(func(time.Time) {
		if s := t.core.sales[no]; s != nil && s.State.Final() {
			s.unseen = false
		}
		if t.core.front == no {
			t.core.front = ""
		}
	})
}

// Park makes the sale in front a card, so that the next one can start.
func (t *Till) Park(no SaleNo) {
	t.post(func(time.Time) {
		if t.core.front == no {
			t.core.front = ""
		}
	})
}

// Show brings a card to the front.
func (t *Till) Show(no SaleNo) {
	t.post(func(time.Time) {
		if t.core.sales[no] != nil {
			t.core.front = no
		}
	})
}

// Refund asks for money to be given back and returns after the intent is
// committed. Errors are *[Error]; after an error nothing was sent.
func (t *Till) Refund(ctx context.Context, r RefundRequest) (RefundNo, error) {
	if !fits(r.Reason, maxReason) {
		return "", &Error{Code: CodeReference, Op: "refund", Sale: r.Sale}
	}
	if r.Requester == "" || r.Approver == "" && r.Approval.Member() == "" {
		return "", &Error{Code: CodeApproval, Op: "refund", Sale: r.Sale}
	}
	if r.Note != "" {
		if err := checkNote("refund", r.Sale, r.Note); err != nil {
			return "", err
		}
	}
	if e := t.View().Trading; e != nil {
		return "", e
	}
	if !t.clockSeen.Load() {
		t.probe(ctx)
	}
	var no RefundNo
	err := t.submit(ctx, func(now time.Time) error {
		var err error
		no, err = t.core.refund(ctx, r, now)
		return err
	})
	return no, err
}

func (c *core) refund(ctx context.Context, r RefundRequest, now time.Time) (RefundNo, error) {
	s, err := c.fetchSale(ctx, r.Sale)
	if errors.Is(err, ErrNotFound) {
		return "", &Error{Code: CodeNotFound, Op: "refund", Sale: r.Sale, Err: err}
	}
	if err != nil {
		return "", journalError("refund", err)
	}
	at := c.clock.now(now).Truncate(time.Millisecond)
	if err := c.mayRefund(ctx, s, r, at); err != nil {
		return "", err
	}
	given, err := c.spendFor("refund", PermitRefund, r.Requester, r.Approval, now)
	if err != nil {
		return "", err
	}
	number, err := newNumber("R", at, c.cfg.Random)
	if err != nil {
		return "", &Error{Code: CodeInternal, Op: "refund", Err: err}
	}
	no := RefundNo(number)
	intent := RefundIntent{
		Amount: r.Amount, Currency: Currency, Reason: r.Reason, Requester: r.Requester,
		Approver: given.or(r.Approver), Self: given.self,
		Shift: c.shiftName(), BusinessDate: c.today(at), NotifyURL: c.cfg.NotifyURL,
	}
	if intent.Biz, err = c.cfg.Gateway.EncodeRefund(no, r.Sale, intent); err != nil {
		return "", &Error{Code: CodeInternal, Op: "encode refund", Err: err}
	}
	c.needShift(r.Requester, now)
	c.emit(now, Fact{Kind: RefundIntended, Sale: r.Sale, Refund: no, By: r.Requester, RefundIntent: &intent, Note: r.Note})
	c.emit(now, Fact{Kind: RefundAttempted, Sale: r.Sale, Refund: no, Attempt: &Attempt{N: 1, RequestMs: at.UnixMilli()}})
	open := c.refunds[no]
	if open == nil || open.Attempts != 1 {
		return "", &Error{Code: CodeInternal, Op: "refund", Err: errors.New("the refund's facts do not fold")}
	}
	open.plan = plan{inflight: opRefund, started: now, lastCreate: now}
	c.calls = append(c.calls, call{op: opRefund, sale: r.Sale, refund: no, biz: intent.Biz, at: at})
	return no, nil
}

// mayRefund is the ceiling of design §2.9.
func (c *core) mayRefund(ctx context.Context, s *openSale, r RefundRequest, at time.Time) error {
	refuse := func(code Code, limit Fils) error {
		return &Error{Code: code, Op: "refund", Sale: r.Sale, Amount: limit}
	}
	if s.State != SalePaid && s.State != SaleDisputed {
		return refuse(CodeRefundState, 0)
	}
	if unread, err := c.unreadRefunds(ctx, &s.Sale); err != nil {
		return journalError("refund", err)
	} else if unread {
		return refuse(CodeRecovering, 0)
	}
	for _, open := range c.refunds {
		if open.Sale == s.No && open.State == RefundUnknown {
			return refuse(CodeRefundUnknown, open.Intent.Amount)
		}
	}
	if at.Sub(time.UnixMilli(s.FirstRequest)) > refundDays*24*time.Hour {
		return refuse(CodeRefundWindow, 0)
	}
	left := s.Refundable()
	if r.Amount <= 0 || r.Amount > left {
		return refuse(CodeRefundAmount, left)
	}
	if len(s.Chargebacks) > 0 && r.Note == "" {
		return refuse(CodeRefundCharged, s.ChargedBack())
	}
	if s.Payment != nil && r.Note == "" && s.Refunded+s.Pending+s.Elsewhere+r.Amount > s.Payment.Paid {
		return refuse(CodeRefundNote, s.Payment.Paid)
	}
	return nil
}

// ResolveAlert closes an alert with the reason a manager wrote.
func (t *Till) ResolveAlert(ctx context.Context, id int64, by, note string) error {
	return t.ResolveAlertWith(ctx, Approval{}, id, by, note)
}

// ResolveAlertWith is ResolveAlert on an approval for [PermitAlerts], which a
// till with an owner needs; whoever gave it is recorded.
func (t *Till) ResolveAlertWith(ctx context.Context, a Approval, id int64, by, note string) error {
	if err := checkNote("resolve alert", "", note); err != nil {
		return err
	}
	if by == "" && a.Member() == "" {
		return &Error{Code: CodeNote, Op: "resolve alert"}
	}
	return t.submit(ctx, func(now time.Time) error {
		for _, open := range t.core.alerts {
			if open.ID == id {
				if open.Kind == AlertRecovering {
					return &Error{Code: CodeRecovering, Op: "resolve alert"}
				}
				given, err := t.core.spend("resolve alert", PermitAlerts, a, now)
				if err != nil {
					return err
				}
				t.core.batch.Facts = append(t.core.batch.Facts, Fact{
					Kind: AlertResolved, At: now.UTC().Truncate(time.Millisecond), Sale: open.Sale, Refund: open.Refund,
					By: given.or(by), Note: note, Alert: &AlertFact{Kind: open.Kind, Raised: id},
				})
				return nil
			}
		}
		return &Error{Code: CodeNotFound, Op: "resolve alert", Err: fmt.Errorf("no alert %d", id)}
	})
}

// Deliver takes one message of the relay. It returns after the notification,
// what it means and the cursor are committed together, so that a relay client
// may go on to the next message; after an error it must deliver again.
func (t *Till) Deliver(ctx context.Context, d Delivery) error {
	n, err := t.cfg.Gateway.ReadNotice(d.Raw, d.Sign)
	if errors.Is(err, ErrNotVerified) {
		t.cfg.Log.Warn("notification does not verify", "err", err)
		return t.submit(ctx, func(now time.Time) error {
			t.core.unverified(d, now)
			return nil
		})
	}
	if err != nil {
		t.cfg.Log.Error("notification not understood", "err", err)
		return t.submit(ctx, func(now time.Time) error {
			t.core.unreadable(d, now)
			return nil
		})
	}
	return t.submit(ctx, func(now time.Time) error { return t.core.notice(ctx, d, n, now) })
}

// Cursor is where the relay must resume.
func (t *Till) Cursor(ctx context.Context) (string, error) {
	l, err := t.cfg.Journal.Load(ctx)
	if err != nil {
		return "", journalError("read cursor", err)
	}
	return l.Cursor, nil
}

// SetRelay tells the till how its connection to the relay stands; polling
// slows down while it is live.
func (t *Till) SetRelay(state HopState) {
	t.post(func(now time.Time) {
		if t.core.hop.Relay == state {
			return
		}
		t.core.hop.Relay, t.core.hop.RelaySince = state, now
		for _, s := range t.core.sales {
			t.core.planSale(s, now)
		}
	})
}
