package certify

import (
	"context"
	"fmt"
	"io"
	"time"

	qrcode "github.com/skip2/go-qrcode"

	"github.com/filspos/fils/payby/sandbox"
	"github.com/filspos/fils/pos"
)

// Offer is a code that a customer may scan.
type Offer struct {
	Sale   pos.SaleNo
	Amount pos.Fils
	// Token is the text of the QR code; it goes into no report.
	Token string
}

// Payer is the customer. A [Session] calls it from its own goroutine.
type Payer interface {
	// Ready prepares the customer for a case.
	Ready(ctx context.Context, id, story string) error
	// Pay makes the customer pay the offer; it may return before they have.
	Pay(ctx context.Context, o Offer) error
	// GiveUp makes the customer scan the offer and stop at the password.
	GiveUp(ctx context.Context, o Offer) error
	// Thinks is how long a customer looks at the code first.
	Thinks() time.Duration
}

// sandboxPayer pays at the practice gateway.
type sandboxPayer struct {
	gateway *sandbox.Gateway
	partner string
}

func (p *sandboxPayer) Ready(context.Context, string, string) error { return nil }

func (p *sandboxPayer) Pay(_ context.Context, o Offer) error {
	return p.gateway.Pay(p.partner, string(o.Sale))
}

func (p *sandboxPayer) GiveUp(_ context.Context, o Offer) error {
	return p.gateway.Decline(p.partner, string(o.Sale))
}

// Thinks lets one query find the order unpaid first.
func (p *sandboxPayer) Thinks() time.Duration { return 4 * time.Second }

// prepare is how long a person has to take up the phone.
const prepare = 15 * time.Second

// Person is a customer at the terminal, who is shown the code and told what to
// do.
type Person struct{ Out io.Writer }

// Ready gives the person time to take up the phone.
func (p *Person) Ready(ctx context.Context, id, story string) error {
	if _, err := fmt.Fprintf(p.Out, "\nCase %s needs you and the PayBy or BOTIM app. %s\nIt begins in %d seconds.\n",
		id, story, int(prepare/time.Second)); err != nil {
		return err
	}
	select {
	case <-time.After(prepare):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Pay shows the code and asks for a payment.
func (p *Person) Pay(_ context.Context, o Offer) error {
	return p.show(o, "Scan it, pay, and type the payment password.")
}

// GiveUp shows the code and asks for no payment.
func (p *Person) GiveUp(_ context.Context, o Offer) error {
	return p.show(o, "Scan it, go on until the app asks for the password, and then close the app. Do not pay.")
}

// Thinks is nothing: a person needs the code at once.
func (p *Person) Thinks() time.Duration { return 0 }

func (p *Person) show(o Offer, todo string) error {
	code, err := qrcode.New(o.Token, qrcode.Medium)
	if err != nil {
		return fmt.Errorf("draw the code of %s: %w", o.Sale, err)
	}
	_, err = fmt.Fprintf(p.Out, "\n%s\nAED %s. %s\n", code.ToSmallString(false), o.Amount.Grouped(), todo)
	return err
}
