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

// The engine is also its staff. What it notes of a PIN is for tests only.

func (e *engine) SetUp(_ context.Context, owner pos.Member, pin string) (pos.RecoveryCode, error) {
	return pos.RecoveryCode{}, e.note("set up %s (%s) %s", owner.ID, owner.Name, pin)
}

func (e *engine) Add(_ context.Context, _ pos.Approval, m pos.Member) error {
	return e.note("add %s (%s) %s", m.ID, m.Name, m.Role)
}

func (e *engine) Change(_ context.Context, _ pos.Approval, m pos.Member) error {
	return e.note("change %s (%s) %s %v", m.ID, m.Name, m.Role, m.Active)
}

func (e *engine) SetPIN(_ context.Context, _ pos.Approval, id pos.MemberID, pin string) error {
	return e.note("set PIN of %s to %s", id, pin)
}

func (e *engine) ChangePIN(_ context.Context, id pos.MemberID, old, pin string) error {
	return e.note("change PIN of %s from %s to %s", id, old, pin)
}

func (e *engine) Verify(ctx context.Context, id pos.MemberID, pin string) error {
	e.wait(ctx)
	return e.note("verify %s %s", id, pin)
}

func (e *engine) Authorize(ctx context.Context, p pos.Permission, id pos.MemberID, pin string) (pos.Approval, error) {
	e.wait(ctx)
	return pos.Approval{}, e.note("authorize %s by %s %s", p, id, pin)
}

func (e *engine) Use(_ context.Context, _ pos.Approval, p pos.Permission) error {
	return e.note("use %s", p)
}

func (e *engine) Recover(_ context.Context, code string, owner pos.MemberID, pin string) (pos.RecoveryCode, error) {
	return pos.RecoveryCode{}, e.note("recover %s by %s %s", owner, code, pin)
}

func (e *engine) NewRecoveryCode(context.Context, pos.Approval) (pos.RecoveryCode, error) {
	return pos.RecoveryCode{}, e.note("new code")
}
