package payby

import (
	"encoding/json"
	"fmt"
)

// PageParam says which page of a list is meant.
type PageParam struct {
	Number int `json:"number"` // counted from 0
	Size   int `json:"size"`   // items on a full page, 1 to MaxPageSize
}

// UnmarshalJSON takes absent members as zero.
func (p *PageParam) UnmarshalJSON(raw []byte) error {
	var read PageParam
	err := readObject(raw, fields{"number": countInto(&read.Number), "size": countInto(&read.Size)})
	if err == nil {
		*p = read
	}
	return err
}

// Page is one page of orders or refunds (protocol.md §11). The list can move
// between two pages, see [OrderPageQuery].
//
// Items carry less than the answer about a single order: product and revoked
// may be missing, so that Revoked is false for "not told" as well. Ask
// [Order.NeedsQuery] before believing one.
type Page[T any] struct {
	TotalElements int        // in the whole list, at the moment of the answer
	TotalPages    int        // 0 when not told
	Param         *PageParam // as the gateway understood it; nil when not told
	Items         []T
	// Unreadable holds the items that make no sense, as they came. They may
	// hold payer data. A page with one is not complete: look its order up.
	Unreadable []json.RawMessage
}

// Last tells whether no page follows the one with this number, as far as the
// answer says so.
func (p *Page[T]) Last(number int) bool {
	if len(p.Items)+len(p.Unreadable) == 0 {
		return true
	}
	return p.TotalPages > 0 && number+1 >= p.TotalPages
}

func readPage[T any, P interface {
	*T
	json.Unmarshaler
}](body map[string]json.RawMessage, number int) (*Page[T], error) {
	p := new(Page[T])
	if err := readMember(body, "totalElements", countInto(&p.TotalElements)); err != nil {
		return nil, err
	}
	if raw, ok := body["totalPages"]; ok {
		_ = countInto(&p.TotalPages)(raw)
	}
	if raw, ok := body["sortPageParam"]; ok && !isNull(raw) {
		if err := objectInto(&p.Param)(raw); err != nil {
			return nil, fmt.Errorf("sortPageParam: %w", err)
		}
		if p.Param.Number != number {
			return nil, fmt.Errorf("%w: another page", ErrOtherOrder)
		}
	}
	raw, ok := body["items"]
	if !ok || isNull(raw) {
		if p.TotalElements > 0 {
			return nil, fmt.Errorf("%w: items is missing", ErrMalformed)
		}
		return p, nil
	}
	var items []json.RawMessage
	if first(raw) != '[' || json.Unmarshal(raw, &items) != nil {
		return nil, fmt.Errorf("items: %w: not a list", ErrMalformed)
	}
	for _, item := range items {
		var v T
		if err := P(&v).UnmarshalJSON(item); err != nil {
			p.Unreadable = append(p.Unreadable, item)
			continue
		}
		p.Items = append(p.Items, v)
	}
	return p, nil
}

// NeedsQuery tells whether status and payment of an order from a page
// contradict each other, or leave open where the money is. The gateway's own
// sample has an order that is CREATED and paid: trust neither and ask with
// [Client.GetOrder] (protocol.md §11).
func (o *Order) NeedsQuery() bool {
	paid := o.PaymentInfo != nil
	switch o.Status {
	case Created:
		return paid
	case PaidSuccess, Settled:
		return !paid
	case Failure:
		return paid && !o.Revoked
	}
	return true
}

// Payer is what the gateway tells about the person who scanned or paid
// (protocol.md §9.3). All of it is personal data: do not store it without need,
// and never take a scan for a payment. Printing and logging it gives no data.
type Payer struct {
	PayerMid         string `json:"payerMid,omitempty"`
	MobileNumberMask string `json:"mobileNumberMask,omitempty"` // such as +971-58*92
	DeviceID         string `json:"deviceId,omitempty"`         // of the payer's telephone
	IPAddress        string `json:"ipAddress,omitempty"`
}

// UnmarshalJSON leaves out what it cannot read.
func (p *Payer) UnmarshalJSON(raw []byte) error {
	return readObject(raw, fields{
		"payerMid":         noteInto(&p.PayerMid),
		"mobileNumberMask": noteInto(&p.MobileNumberMask),
		"deviceId":         noteInto(&p.DeviceID),
		"ipAddress":        noteInto(&p.IPAddress),
	})
}

// String hides the data from prints and, through them, from logs.
func (Payer) String() string { return "payer (personal data)" }

// GoString does the same for %#v.
func (p Payer) GoString() string { return p.String() }
