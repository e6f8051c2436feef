package ui

import (
	"context"

	"github.com/filspos/fils/pos"
)

func (e *engine) ProposeRefund(ctx context.Context, r pos.RefundRequest) (pos.ProposalID, error) {
	e.wait(ctx)
	return "P1", e.note("propose %s of %s by %s: %s", r.Amount, r.Sale, r.Requester, r.Reason)
}

func (e *engine) ApproveRefund(ctx context.Context, id pos.ProposalID, approver string, a pos.Approval) (pos.RefundNo, error) {
	e.wait(ctx)
	return "R1", e.note("approve %s by %s", id, approver)
}

func (e *engine) DeclineRefund(ctx context.Context, id pos.ProposalID, by, note string, a pos.Approval) error {
	e.wait(ctx)
	return e.note("decline %s by %s: %s", id, by, note)
}

func (e *engine) Adopt(ctx context.Context, a pos.Approval, number, by, note string) (pos.SaleNo, error) {
	e.wait(ctx)
	return "SADOPT1", e.note("adopt %s by %s: %s", number, by, note)
}

func (e *engine) OpenShift(ctx context.Context, by string) (pos.Shift, error) {
	e.wait(ctx)
	return pos.Shift{}, e.note("open shift by %s", by)
}

func (e *engine) CloseShiftWith(ctx context.Context, a pos.Approval, number int64, by string) (pos.Z, error) {
	e.wait(ctx)
	return pos.Z{}, e.note("close shift %d by %s", number, by)
}

func (e *engine) XWith(ctx context.Context, a pos.Approval) (pos.Z, error) {
	e.wait(ctx)
	return pos.Z{}, e.note("x")
}

func (e *engine) Z(_ context.Context, number int64) (pos.Z, error) {
	return pos.Z{}, e.note("z %d", number)
}

func (e *engine) Shifts(_ context.Context, before int64, limit int) ([]pos.Shift, error) {
	return nil, e.note("shifts before %d", before)
}
