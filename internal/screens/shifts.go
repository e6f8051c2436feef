package main

import (
	"context"

	"github.com/filspos/fils/pos"
)

func (c *canned) Adopt(context.Context, pos.Approval, string, string, string) (pos.SaleNo, error) {
	return "S4M8RX2Q7KHTC9VB", nil
}

func (c *canned) OpenShift(context.Context, string) (pos.Shift, error) { return pos.Shift{}, nil }

func (c *canned) CloseShiftWith(context.Context, pos.Approval, int64, string) (pos.Z, error) {
	return pos.Z{}, nil
}

func (c *canned) XWith(context.Context, pos.Approval) (pos.Z, error) { return pos.Z{}, nil }

func (c *canned) Z(context.Context, int64) (pos.Z, error) { return pos.Z{}, nil }

func (c *canned) Shifts(context.Context, int64, int) ([]pos.Shift, error) { return nil, nil }
