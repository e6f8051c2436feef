package fils

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
)

// foundAtMost is how many sales a search prints.
const foundAtMost = 50

// findSales prints the newest sales with a number, reference or amount.
func findSales(ctx context.Context, o records, asked []string, c console) error {
	list, more, err := o.search(ctx, c, "journal find", asked[0])
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return fmt.Errorf("no sale is found by %s", quoted(asked[0]))
	}
	s := slip{tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0), setup.Location()}
	for _, sale := range list {
		fmt.Fprintf(s.w, "%s\t%s\t%s\t%s\t%s\n", s.time(sale.CreatedAt), sale.No, sale.Intent.Amount.Grouped(), sale.State,
			words(sale.ProviderNo, sale.Intent.Cashier, sale.Intent.Reference))
	}
	if more {
		fmt.Fprintf(s.w, "the newest %d; say more of the number to find others\n", len(list))
	}
	return s.w.Flush()
}

// search finds sales by what a person has at hand, for whoever may see what
// others did.
func (o records) search(ctx context.Context, c console, purpose, text string) (list []pos.Sale, more bool, err error) {
	if err := haveJournal(o.path()); err != nil {
		return nil, false, err
	}
	if err := o.pass(ctx, c, pos.PermitHistory, purpose); err != nil {
		return nil, false, err
	}
	j, err := openReading(ctx, o.path())
	if err != nil {
		return nil, false, err
	}
	defer j.Close()
	page, err := pos.FindSales(ctx, j, pos.SaleQuery{Limit: foundAtMost, Text: text})
	return page.Sales, page.Next != nil, err
}

// tellStory prints every event of one sale and its refunds.
func tellStory(ctx context.Context, o records, asked []string, c console) error {
	list, _, err := o.search(ctx, c, "journal story", asked[0])
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
	events, err := j.Story(ctx, list[0].No)
	if err != nil {
		return err
	}
	s := slip{tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0), setup.Location()}
	fmt.Fprintf(s.w, "%s\tAED %s\t%s\t%s\n", list[0].No, list[0].Intent.Amount.Grouped(), list[0].State, plain(list[0].ProviderNo))
	for _, e := range events {
		f, err := e.Fact()
		if err != nil {
			return err
		}
		fmt.Fprintf(s.w, "%d\t%s\t%s\t%s\n", e.Seq, s.time(e.At)+e.At.In(s.at).Format(":05.000"), e.Kind, detail(f))
	}
	return s.w.Flush()
}

// detail says of a fact what a person who looks into a sale needs, and nothing
// about the payer.
func detail(f pos.Fact) string {
	parts := []string{people(f.By, f.Approver, f.Self)}
	if f.Refund != "" {
		parts = append(parts, string(f.Refund))
	}
	if f.RefundIntent != nil {
		parts = append(parts, people(f.RefundIntent.Requester, f.RefundIntent.Approver, f.RefundIntent.Self),
			"AED "+f.RefundIntent.Amount.Grouped(), f.RefundIntent.Reason)
	}
	if f.Attempt != nil {
		parts = append(parts, fmt.Sprint("attempt ", f.Attempt.N))
	}
	if f.Order != nil {
		parts = append(parts, string(f.Order.Source), string(f.Order.Status), f.Order.Trace)
	}
	if f.RefundReport != nil {
		parts = append(parts, string(f.RefundReport.Status))
	}
	if f.Failure != nil {
		parts = append(parts, string(f.Source), string(f.Failure.Outcome), f.Failure.Code, f.Failure.Trace)
	}
	if f.Alert != nil {
		parts = append(parts, string(f.Alert.Kind))
	}
	return words(append(parts, string(f.Abort), string(f.Proof), string(f.Other), f.Note)...)
}
