package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/filspos/fils/pos"
)

// base is the moment at which every picture is taken.
func base() time.Time { return time.Date(2026, 11, 23, 10, 2, 30, 0, time.UTC) }

// clock moves on a little with each reading, so that keys are never as quick
// as a scanner's.
type clock struct {
	mu    sync.Mutex
	calls int
	ahead time.Duration
}

// leave lets time pass in which nobody does anything.
func (c *clock) leave(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	return base().Add(c.ahead + time.Duration(c.calls)*90*time.Millisecond)
}

// canned is an engine and a journal with fixed contents.
type canned struct {
	mu      sync.Mutex
	view    *pos.View
	changes chan struct{}
	// code is what a new owner is shown.
	code pos.RecoveryCode
}

func (c *canned) View() *pos.View {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.view
}

func (c *canned) set(v *pos.View) {
	c.mu.Lock()
	c.view = v
	c.mu.Unlock()
	c.changes <- struct{}{}
}

func (c *canned) Changes() (<-chan struct{}, func()) { return c.changes, func() {} }

func (c *canned) Charge(_ context.Context, r pos.ChargeRequest) (pos.SaleNo, error) {
	if r.Amount == 4200 && !r.Confirmed {
		return "", &pos.Error{Code: pos.CodeSameAmount, Sale: "S2D6YJ8P3NW5FZQ1"}
	}
	return "S1", nil
}
func (c *canned) Abort(context.Context, pos.SaleNo, string) error            { return nil }
func (c *canned) CustomerSaysPaid(context.Context, pos.SaleNo, string) error { return nil }
func (c *canned) Renew(context.Context, pos.SaleNo, string) error            { return nil }
func (c *canned) ReleaseWith(context.Context, pos.Approval, pos.SaleNo, string, string) error {
	return nil
}
func (c *canned) AttachWith(context.Context, pos.Approval, pos.SaleNo, pos.SaleNo, string, string) error {
	return nil
}
func (c *canned) Reverse(context.Context, pos.ReverseRequest) error { return nil }
func (c *canned) Dismiss(pos.SaleNo)                                {}
func (c *canned) Park(pos.SaleNo)                                   {}
func (c *canned) Show(pos.SaleNo)                                   {}
func (c *canned) Refund(context.Context, pos.RefundRequest) (pos.RefundNo, error) {
	return "R5C8VN2PLQ7ZJY4A", nil
}
func (c *canned) ResolveAlertWith(context.Context, pos.Approval, int64, string, string) error {
	return nil
}
func (c *canned) ProposeRefund(context.Context, pos.RefundRequest) (pos.ProposalID, error) {
	return "P1", nil
}
func (c *canned) ApproveRefund(context.Context, pos.ProposalID, string, pos.Approval) (pos.RefundNo, error) {
	return "R5C8VN2PLQ7ZJY4A", nil
}
func (c *canned) DeclineRefund(context.Context, pos.ProposalID, string, string, pos.Approval) error {
	return nil
}

func (c *canned) Sale(_ context.Context, no pos.SaleNo) (pos.Sale, error) {
	for _, s := range append(c.sold(), adopted(), chargedBack()) {
		if s.No == no {
			return s, nil
		}
	}
	return pos.Sale{}, pos.ErrNotFound
}

func (c *canned) Refunds(_ context.Context, no pos.SaleNo) ([]pos.Refund, error) {
	if no != history()[1].No {
		return nil, nil
	}
	var out []pos.Refund
	for i, state := range []pos.RefundState{pos.RefundUnknown, pos.RefundSettled} {
		out = append(out, pos.Refund{No: pos.RefundNo(fmt.Sprintf("R%dC8VN2PLQ7ZJY4A", i)), Sale: no, State: state, CreatedAt: base().Add(-9 * time.Minute),
			Intent: pos.RefundIntent{Amount: 2000 + pos.Fils(i)*500, Requester: "Maryam", Approver: "Omar", Reason: "Wrong size"}, ProviderNo: fmt.Sprintf("13179542815099%d", i)})
	}
	return out, nil
}

func (c *canned) RefundByNo(context.Context, pos.RefundNo) (pos.Refund, error) {
	return pos.Refund{}, pos.ErrNotFound
}

func (c *canned) Sales(_ context.Context, q pos.SaleQuery) (pos.SalePage, error) {
	if q.Text != "" || q.Amount > 0 {
		var page pos.SalePage
		for _, s := range history() {
			if q.Text != "" && strings.HasSuffix(string(s.No), q.Text) {
				page.Sales = append(page.Sales, s)
			}
		}
		return page, nil
	}
	page := pos.SalePage{Sales: c.sold(), Next: &pos.PageMark{AtMs: 1, No: "x"}}
	page.Sales = slices.DeleteFunc(page.Sales, func(s pos.Sale) bool { return q.Cashier != "" && s.Intent.Cashier != q.Cashier })
	return page, nil
}

// sold is the history, each sale with the member who made it where there is staff.
func (c *canned) sold() []pos.Sale {
	list := history()
	if len(c.View().Staff) > 0 {
		for i := range list {
			list[i].Intent.Cashier = []string{"maryam", "noor", "maryam", "salim"}[i%4]
		}
	}
	return list
}

func (c *canned) Story(_ context.Context, no pos.SaleNo) ([]pos.Event, error) {
	var out []pos.Event
	for _, s := range append(history(), adopted(), chargedBack()) {
		if s.No != no {
			continue
		}
		for i, f := range story(&s) {
			data, err := json.Marshal(f)
			if err != nil {
				return nil, err
			}
			out = append(out, pos.Event{Seq: int64(i + 1), At: s.CreatedAt.Add(time.Duration(i*9) * time.Second), Kind: f.Kind, Sale: no, Data: data})
		}
	}
	return out, nil
}

// story is how a sale may have come to its state.
func story(s *pos.Sale) []pos.Fact {
	query := &pos.OrderReport{Source: pos.SourceQuery}
	notice := &pos.OrderReport{Source: pos.SourceNotification}
	if s.Adopted {
		return []pos.Fact{{Kind: pos.SaleAdopted, By: "Omar", Note: "Till 2 is broken", Order: query}, {Kind: pos.SaleWasPaid, Order: query}}
	}
	facts := []pos.Fact{{Kind: pos.SaleIntended, By: s.Intent.Cashier}, {Kind: pos.SaleAttempted}}
	if s.Refusal != nil {
		return append(facts, pos.Fact{Kind: pos.SaleRefused, Failure: &pos.Failure{Code: s.Refusal.Code, Message: s.Refusal.Message, Trace: s.Refusal.Trace}})
	}
	facts = append(facts, pos.Fact{Kind: pos.SaleOffered, Order: &pos.OrderReport{Source: pos.SourceCreate}})
	closed := []pos.Fact{{Kind: pos.SaleAborted, Abort: pos.AbortWindow}, {Kind: pos.SaleCancelAttempted}, {Kind: pos.SaleFailed, Order: query}}
	switch {
	case s.State == pos.SaleUnknown:
		return append(facts, pos.Fact{Kind: pos.SaleAborted, Abort: pos.AbortWindow}, pos.Fact{Kind: pos.SaleCancelAttempted},
			pos.Fact{Kind: pos.SaleUncertain, Failure: &pos.Failure{Outcome: pos.OutcomeUnknown, Trace: "7f3e9a"}})
	case s.State == pos.SaleClosed:
		return append(facts, closed...)
	case s.State == pos.SaleDisputed:
		return append(facts, pos.Fact{Kind: pos.SaleMismatched, Order: query})
	case s.Late:
		facts = append(facts, closed...)
	}
	facts = append(facts, pos.Fact{Kind: pos.SaleWasPaid, Order: notice}, pos.Fact{Kind: pos.SaleWitnessed, Order: query})
	if s.State == pos.SaleReversed {
		facts = append(facts, pos.Fact{Kind: pos.SaleWasReversed, Order: notice})
	}
	return facts
}
