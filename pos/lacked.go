package pos

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// lacked reads what was told after event after of an order that the journal
// lacked, or of all of them when no is empty, oldest first.
func (c *core) lacked(no SaleNo, after int64) ([]Fact, error) {
	events, err := c.cfg.Journal.Lacked(context.Background(), no, after)
	if err != nil {
		return nil, fmt.Errorf("read the news of %q: %w", no, err)
	}
	told := make([]Fact, 0, len(events))
	for _, e := range events {
		f, err := e.Fact()
		if err != nil {
			return nil, err
		}
		told = append(told, f)
	}
	return told, nil
}

// toldOf is what an order must bring along that is adopted now.
func (c *core) toldOf(no SaleNo) ([]Fact, error) {
	told, err := c.lacked(no, 0)
	if err != nil {
		return nil, err
	}
	for _, f := range told {
		if p := f.RefundReport; p != nil { // it may be known, as another sale's
			if _, err := c.fetchRefund(context.Background(), p.Refund); err != nil {
				return nil, err
			}
		}
	}
	return told, nil
}

// lookTold looks an order up whose money f tells of.
func (c *core) lookTold(no SaleNo, f Fact, now time.Time) {
	k := &lookup{number: string(no), told: true, order: f.Order}
	if f.RefundReport != nil {
		k.refunds = []RefundReport{*f.RefundReport}
	}
	c.look(k, now)
}

// lookAgain looks up what was told since the recovery was ordered, and what
// the till had not found yet when it stopped. What a person was told of and has
// dealt with is left to the pages.
func (c *core) lookAgain(now time.Time) error {
	var since int64
	for _, a := range c.alerts {
		if a.Kind == AlertRecovering && (since == 0 || a.ID < since) {
			since = a.ID
		}
	}
	var err error
	if c.reading.dealt, err = c.loadDealt(context.Background(), since); err != nil {
		c.cfg.Log.Error("what a person has dealt with is not known; somebody is told again", "err", err)
	}
	told, err := c.lacked("", since)
	if err != nil {
		return err
	}
	found := map[SaleNo]bool{}
	for _, f := range told {
		no := f.Notice.Lacked
		if _, asked := found[no]; !asked {
			s, err := c.known(no)
			if err != nil {
				return err
			}
			found[no] = s != nil
		}
		switch {
		case found[no], f.Chargeback != nil: // of a chargeback a person was told
		case c.dealtWith(AlertMissing, newsKey(AlertMissing, f)):
		default:
			c.lookTold(no, f, now)
		}
	}
	return nil
}

// alertNews is what an alert about no sale of this journal tells.
type alertNews struct {
	kind AlertKind
	key  string
}

// dealtWith reports that a person has dealt with the same news since the recovery
// was ordered: no restart tells them again.
func (c *core) dealtWith(kind AlertKind, key string) bool {
	return c.reading != nil && c.reading.dealt[alertNews{kind, key}]
}

// loadDealt reads from the chain what [core.dealtWith] reports.
func (c *core) loadDealt(ctx context.Context, since int64) (map[alertNews]bool, error) {
	raised, ended := map[int64]alertNews{}, map[alertNews]bool{}
	err := c.eachFact(ctx, since, []Kind{AlertRaised, AlertResolved}, func(seq int64, f Fact) {
		switch {
		case f.Alert == nil:
		case f.Kind == AlertRaised && (f.Alert.Kind == AlertMissing || f.Alert.Kind == AlertEntry):
			raised[seq] = alertNews{f.Alert.Kind, f.Alert.Key}
		case f.Kind == AlertResolved && f.By != "":
			if news, ok := raised[f.Alert.Raised]; ok {
				ended[news] = true
			}
		}
	})
	return ended, err
}

// hear takes what was told of an order before it was adopted, and ends the
// alerts about that and about the payment that the adoption has brought. An
// alert about other money stays.
func (c *core) hear(s *openSale, told []Fact, by, note string, now time.Time) {
	heard := map[string]bool{}
	for _, f := range told {
		heard[newsKey(AlertStranger, f)] = true
		switch p := f.RefundReport; {
		case f.Order != nil:
			c.report(s, f.Order, nil, now)
		case f.Chargeback != nil:
			c.emit(now, Fact{Kind: SaleChargedBack, Sale: s.No, Chargeback: f.Chargeback})
		case p != nil && c.refunds[p.Refund] == nil:
			c.adoptRefund(s, p, now)
		case p != nil && c.refunds[p.Refund].Sale == s.No:
			c.refundReport(c.refunds[p.Refund], p, nil, now)
			c.planRefund(c.refunds[p.Refund], now)
		}
	}
	for _, a := range c.alerts {
		if (a.Kind == AlertMissing || a.Kind == AlertStranger) && (heard[a.Key] || a.paid(&s.Sale)) && !c.resolving(a.ID) {
			c.emit(now, Fact{Kind: AlertResolved, By: by, Note: note, Alert: &AlertFact{Kind: a.Kind, Raised: a.ID}})
		}
	}
}

// paid reports an alert about a payment that s has; see [newsKey].
func (a *Alert) paid(s *Sale) bool {
	rest, ok := strings.CutPrefix(a.Key, string(s.No)+" ")
	if status, _, _ := strings.Cut(rest, " "); !ok || allDigits(status) {
		return false // of another order, or of a chargeback
	}
	payments := s.Again
	if s.Payment != nil {
		payments = append(slices.Clone(payments), *s.Payment)
	}
	return strings.HasSuffix(rest, fmt.Sprint(" ", s.Intent.ExpiresMs)) || // it names no payment
		slices.ContainsFunc(payments, func(p Payment) bool {
			return strings.HasSuffix(rest, fmt.Sprint(" ", int64(p.Paid), " ", p.AtMs))
		})
}
