package pos

import (
	"context"
	"strings"
)

// FindSales is [Reader.Sales] for q.Text as a person types it: a number with a
// point is an amount, with or without commas between thousands; anything else
// is a text first, and where that finds nothing, digits alone are an amount,
// too, because a person may mean either.
func FindSales(ctx context.Context, r Reader, q SaleQuery) (SalePage, error) {
	amount, bad := ParseAmount(strings.ReplaceAll(strings.TrimSpace(q.Text), ",", ""))
	byAmount := q
	byAmount.Text, byAmount.Amount = "", amount
	if bad == nil && strings.Contains(NormalizeDigits(q.Text), ".") {
		return r.Sales(ctx, byAmount)
	}
	page, err := r.Sales(ctx, q)
	if err != nil || len(page.Sales) > 0 || bad != nil {
		return page, err
	}
	return r.Sales(ctx, byAmount)
}
