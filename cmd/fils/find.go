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
	list, more, err := o.search(ctx, c, pos.PermitHistory, "journal find", asked[0])
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return fmt.Errorf("no sale is found by %s", quoted(asked[0]))
	}
	s := slip{w: tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0), at: setup.Location()}
	for _, sale := range list {
		fmt.Fprintf(s.w, "%s\t%s\t%s\t%s\t%s\n", s.time(sale.CreatedAt), sale.No, sale.Intent.Amount.Grouped(), sale.State,
			words(sale.ProviderNo, sale.Intent.Cashier, sale.Intent.Reference))
	}
	if more {
		fmt.Fprintf(s.w, "the newest %d; say more of the number to find others\n", len(list))
	}
	return s.w.Flush()
}

// search finds sales by what a person has at hand, for whoever has p.
func (o records) search(ctx context.Context, c console, p pos.Permission, purpose, text string) (list []pos.Sale, more bool, err error) {
	if err := haveJournal(o.path()); err != nil {
		return nil, false, err
	}
	if err := o.pass(ctx, c, p, purpose); err != nil {
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
