package pos

import (
	"fmt"
	"log/slog"
	"testing"
	"time"
)

func TestView_RefundsOfOneAgeKeepTheirPlaces(t *testing.T) {
	c := newCore(Config{Log: slog.New(slog.DiscardHandler)})
	at := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC)
	s := &openSale{Sale: Sale{No: "S1", State: SalePaid, CreatedAt: at}}
	c.sales[s.No] = s
	for _, no := range []RefundNo{"R1", "R2", "R3", "R4", "R5"} {
		c.refunds[no] = &openRefund{Refund: Refund{No: no, Sale: "S1", State: RefundAccepted, CreatedAt: at}}
	}
	for range 50 {
		for i, r := range c.saleView(s, at).Refunds {
			if want := fmt.Sprint("R", i+1); string(r.No) != want {
				t.Fatalf("place %d holds %s", i, r.No)
			}
		}
	}
}
