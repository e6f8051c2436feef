package ui

import (
	"context"
	"time"

	"github.com/filspos/fils/pos"
)

// draft is what a member had typed for a refund when the till locked itself.
// Nothing was asked for. It is theirs alone, lies in memory only and holds no PIN.
type draft struct {
	by                   pos.MemberID
	sale                 pos.SaleNo
	amount, reason, note string
	needsNote            bool
	began                time.Time
}

// keep saves what was typed from the lock.
func (r *refundDialog) keep() {
	if r.step != refundEnter && r.step != refundConfirm {
		return
	}
	a := r.app
	a.draft = &draft{by: a.member, sale: r.sale.No, amount: r.input.text, reason: r.reason, note: r.note,
		needsNote: r.needsNote, began: a.idle.last}
}

// resume fills in what the same member had typed for the same sale.
func (r *refundDialog) resume() {
	d := r.app.draft
	if d == nil || d.by != r.app.member || d.sale != r.sale.No {
		return
	}
	r.app.draft = nil
	r.input.text, r.reason, r.note, r.needsNote, r.began = d.amount, d.reason, d.note, d.needsNote, d.began
}

// takeUp opens the refund again that whoever signed in had begun. With a
// customer in front it waits for the next time.
func (a *App) takeUp() {
	d, by := a.draft, a.member
	if d == nil || d.by != by || a.view.Front != nil || len(a.dialogs) > 0 {
		return
	}
	a.work(func(ctx context.Context) func() {
		sale, err := a.cfg.Reader.Sale(ctx, d.sale)
		return func() {
			if err != nil || a.draft != d || a.member != by || a.view.Front != nil || len(a.dialogs) > 0 {
				return
			}
			if sale.Refundable() == 0 {
				a.draft = nil // somebody else gave it back meanwhile
				return
			}
			a.openAllowed(d.sale, true)
			a.openRefund(sale)
		}
	})
}
