package fils

import (
	"context"
	"errors"
	"time"

	"github.com/filspos/fils/pos"
)

// nowhere is the gateway of a till that only shows its history: it reaches
// nobody and believes nobody.
type nowhere struct{}

var _ pos.Gateway = nowhere{}

var errNowhere = errors.New("this till is open for reading only")

func (nowhere) answer() pos.Answer {
	return pos.Answer{Failure: &pos.Failure{Outcome: pos.OutcomeUnknown, Err: errNowhere}}
}

func (nowhere) EncodeSale(pos.SaleNo, pos.SaleIntent) ([]byte, error) { return nil, errNowhere }

func (nowhere) EncodeRefund(pos.RefundNo, pos.SaleNo, pos.RefundIntent) ([]byte, error) {
	return nil, errNowhere
}

func (n nowhere) Create(context.Context, []byte, time.Time) pos.Answer     { return n.answer() }
func (n nowhere) Query(context.Context, pos.SaleNo, time.Time) pos.Answer  { return n.answer() }
func (n nowhere) Cancel(context.Context, pos.SaleNo, time.Time) pos.Answer { return n.answer() }
func (n nowhere) Revoke(context.Context, pos.SaleNo, time.Time) pos.Answer { return n.answer() }
func (n nowhere) Refund(context.Context, []byte, time.Time) pos.Answer     { return n.answer() }

func (n nowhere) QueryRefund(context.Context, pos.RefundNo, time.Time) pos.Answer {
	return n.answer()
}

func (nowhere) ReadNotice([]byte, string) (pos.Notice, error) {
	return pos.Notice{}, pos.ErrNotVerified
}

func (nowhere) Time(context.Context) (time.Time, error) { return time.Time{}, errNowhere }
