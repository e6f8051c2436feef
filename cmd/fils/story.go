package fils

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
	"github.com/filspos/fils/pos/sqlite"
)

// tellStory prints every event of one sale and its refunds, and with --raw what
// PayBy sent about them.
func tellStory(ctx context.Context, o records, asked []string, c console) error {
	permission, purpose := pos.PermitHistory, "journal story"
	if o.raw {
		permission, purpose = pos.PermitExport, "journal story --raw"
	}
	list, _, err := o.search(ctx, c, permission, purpose, asked[0])
	switch {
	case err != nil:
		return err
	case len(list) == 0:
		return fmt.Errorf("no sale is found by %s", quoted(asked[0]))
	case len(list) > 1:
		return fmt.Errorf("several sales are found by %s; fils journal find lists them", quoted(asked[0]))
	}
	j, err := openReading(ctx, o.path())
	if err != nil {
		return err
	}
	defer j.Close()
	s := slip{w: tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0), at: setup.Location()}
	if err := s.story(ctx, j, &list[0]); err != nil {
		return err
	}
	if o.raw {
		return s.raw(ctx, j, list[0].No)
	}
	return nil
}

func (s slip) story(ctx context.Context, j *sqlite.Journal, sale *pos.Sale) error {
	events, err := j.Story(ctx, sale.No)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.w, "%s, AED %s, %s\n%s\n", sale.No, sale.Intent.Amount.Grouped(), words(string(sale.State), held(sale), named("PayBy's number", sale.ProviderNo)), s.zone(sale.CreatedAt))
	for _, e := range events {
		f, err := e.Fact()
		if err != nil {
			return err
		}
		fmt.Fprintf(s.w, "%d\t%s\t%s\t%s\n", e.Seq, s.time(e.At)+e.At.In(s.at).Format(":05.000"), e.Kind, s.detail(f))
	}
	numbers := []string{string(sale.No)}
	refunds, err := j.Refunds(ctx, sale.No)
	if err != nil {
		return err
	}
	for _, r := range refunds {
		numbers = append(numbers, string(r.No))
	}
	for _, no := range numbers {
		count, last, err := j.Polls(ctx, no)
		if err != nil {
			return err
		}
		if count > 0 {
			fmt.Fprintf(s.w, "%s: %d answers that brought nothing new, the last %s\n", no, count, s.time(last))
		}
	}
	return s.w.Flush()
}

// raw prints what PayBy sent, without the payer.
func (s slip) raw(ctx context.Context, j *sqlite.Journal, no pos.SaleNo) error {
	list, err := j.Raws(ctx, no)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.w, "\nwhat PayBy sent, payer and QR code masked: %d\n", len(list))
	for _, r := range list {
		text := r.Text
		if text == "" {
			text = "not JSON, so it is not shown"
		}
		fmt.Fprintf(s.w, "event %d: %s\n", r.Seq, plain(text))
	}
	return s.w.Flush()
}

// zone says once in which zone the times are: the log and the export have UTC.
func (s slip) zone(at time.Time) string {
	text := "times are those of " + s.at.String()
	if at.IsZero() {
		return text
	}
	return text + ", UTC" + at.In(s.at).Format("-07:00")
}

// held is what PayBy holds of a disputed sale.
func held(sale *pos.Sale) string {
	if sale.Held == 0 {
		return ""
	}
	return "PayBy holds AED " + sale.Held.Grouped()
}

// detail says of a fact what a person who looks into a sale needs, and nothing
// about the payer.
func (s slip) detail(f pos.Fact) string {
	parts := []string{people(f.By, f.Approver, f.Self), string(f.Refund)}
	if i := f.RefundIntent; i != nil {
		parts = append(parts, people(i.Requester, i.Approver, i.Self), money(i.Amount, ""), i.Reason)
	}
	if f.Attempt != nil {
		parts = append(parts, fmt.Sprint("attempt ", f.Attempt.N))
	}
	if r := f.Order; r != nil {
		parts = append(parts, string(r.Source), string(r.Status))
		parts = append(append(parts, s.paid(r)...), named("trace", r.Trace))
	}
	if r := f.RefundReport; r != nil {
		parts = append(parts, string(r.Source), string(r.Status), money(r.Amount, r.Currency), named("PayBy's number", r.ProviderNo),
			r.FailCode, named("trace", r.Trace))
	}
	if b := f.Chargeback; b != nil {
		parts = append(parts, money(b.Amount, b.Currency), s.moment(b.AtMs))
	}
	if f.Failure != nil {
		parts = append(parts, string(f.Source), string(f.Failure.Outcome), f.Failure.Code, named("trace", f.Failure.Trace))
	}
	if a := f.Alert; a != nil {
		parts = append(parts, string(a.Kind))
		if a.Amount != 0 {
			parts = append(parts, money(a.Amount, a.Currency))
		}
		parts = append(parts, a.Code, named("trace", a.Trace))
	}
	return words(append(parts, string(f.Abort), string(f.Proof), string(f.Other), f.Note)...)
}

// paid says what was paid for an order, when and how.
func (s slip) paid(r *pos.OrderReport) []string {
	p := r.Payment
	if p == nil {
		return []string{money(r.Total, r.Currency)}
	}
	parts := []string{money(r.Total, r.Currency), "paid " + money(p.Paid, p.Currency)}
	if less := r.Total - p.Paid; less > 0 && p.Currency == r.Currency {
		parts = append(parts, "discount "+money(less, p.Currency))
	}
	if p.AtMs > 0 {
		parts = append(parts, "at "+s.moment(p.AtMs))
	}
	return append(parts, named("channel", p.Channel))
}

// moment is a time of PayBy's to the second, empty for none.
func (s slip) moment(ms int64) string {
	if ms <= 0 {
		return ""
	}
	return time.UnixMilli(ms).In(s.at).Format("2006-01-02 15:04:05")
}

// money is an amount in its currency; AED is also what is left out.
func money(amount pos.Fils, currency string) string {
	if currency == "" {
		currency = pos.Currency
	}
	return currency + " " + amount.Grouped()
}

// named is a value with its name, empty without a value.
func named(name, value string) string {
	if value == "" {
		return ""
	}
	return name + " " + value
}
