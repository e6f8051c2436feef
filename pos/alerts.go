package pos

import (
	"fmt"
	"slices"
	"time"
)

// alert raises an alert about the sale or refund of f. The same news raises
// one alert, other news of the same kind another.
func (c *core) alert(now time.Time, kind AlertKind, f Fact, amount Fils) {
	a := AlertFact{Kind: kind, Amount: amount, Key: newsKey(kind, f)}
	switch {
	case f.Order != nil:
		a.Trace, a.Amount, a.Number = f.Order.Trace, f.Order.Total, f.Order.ProviderNo
		a.Currency = foreignCurrency(f.Order.Currency)
	case f.RefundReport != nil:
		a.Trace, a.Amount, a.Number = f.RefundReport.Trace, f.RefundReport.Amount, f.RefundReport.ProviderNo
		a.Currency = foreignCurrency(f.RefundReport.Currency)
	case f.Chargeback != nil:
		a.Amount, a.Number = f.Chargeback.Amount, f.Chargeback.ProviderNo
		a.Currency = foreignCurrency(f.Chargeback.Currency)
	case f.Failure != nil:
		a.Code, a.Trace = f.Failure.Code, f.Failure.Trace
	}
	if c.alerted(kind, f.Sale, f.Refund, a.Key) {
		return
	}
	c.emit(now, Fact{Kind: AlertRaised, Sale: f.Sale, Refund: f.Refund, Alert: &a})
}

func foreignCurrency(currency string) string {
	if currency == Currency {
		return ""
	}
	return currency
}

// newsKey names the news behind an alert. Alerts about a lasting trouble,
// which the till takes back by itself, have none.
func newsKey(kind AlertKind, f Fact) string {
	switch kind {
	case AlertUnknown, AlertUnreachable, AlertRefund, AlertReversal, AlertSignature, AlertTampered, AlertUnlisted,
		AlertReleasedUnpaid:
		return ""
	}
	switch {
	case f.Order != nil:
		o := f.Order
		key := fmt.Sprint(o.Sale, " ", o.Status, " ", o.Reversed, " ", int64(o.Total), " ", o.Currency, " ", o.ExpiresMs)
		if o.Payment != nil {
			key += fmt.Sprint(" ", int64(o.Payment.Paid), " ", o.Payment.AtMs)
		}
		return key
	case f.RefundReport != nil:
		r := f.RefundReport
		return fmt.Sprint(r.Refund, " ", r.Status, " ", int64(r.Amount), " ", r.Currency)
	case f.Recovery != nil:
		r := f.Recovery
		return fmt.Sprint(r.Reason, " ", r.From, " ", r.To, " ", r.Orders.Count, " ", r.Refunds.Count)
	case f.Chargeback != nil:
		return fmt.Sprint(f.Chargeback.Sale, " ", int64(f.Chargeback.Amount), " ", f.Chargeback.AtMs)
	}
	return ""
}

// alerted reports that the same alert waits for a person, or that a person
// has already dealt with the same news.
func (c *core) alerted(kind AlertKind, sale SaleNo, refund RefundNo, key string) bool {
	if s := c.sales[sale]; s != nil && key != "" && slices.Contains(s.Alerted, string(kind)+" "+key) {
		return true
	}
	for _, a := range c.alerts {
		if a.Kind == kind && a.Sale == sale && a.Refund == refund && a.Key == key && !c.resolving(a.ID) {
			return true
		}
	}
	for _, f := range c.batch.Facts {
		if f.Kind == AlertRaised && f.Alert.Kind == kind && f.Sale == sale && f.Refund == refund && f.Alert.Key == key {
			return true
		}
	}
	return false
}

// resolve takes back alerts whose reason is gone.
func (c *core) resolve(now time.Time, sale SaleNo, refund RefundNo, kinds ...AlertKind) {
	for _, a := range c.alerts {
		if a.Sale == sale && a.Refund == refund && slices.Contains(kinds, a.Kind) && !c.resolving(a.ID) {
			c.batch.Facts = append(c.batch.Facts, Fact{
				Kind: AlertResolved, At: now.UTC().Truncate(time.Millisecond), Sale: sale, Refund: refund,
				Alert: &AlertFact{Kind: a.Kind, Raised: a.ID},
			})
		}
	}
}

func (c *core) resolving(id int64) bool {
	for _, f := range c.batch.Facts {
		if f.Kind == AlertResolved && f.Alert.Raised == id {
			return true
		}
	}
	return false
}
