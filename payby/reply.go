package payby

import (
	"bytes"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Head is the head of an answer (protocol.md §3.2). TraceCode is the reference
// that support asks for.
type Head struct {
	ApplyStatus string `json:"applyStatus"`
	Code        string `json:"code"`
	Msg         string `json:"msg"`
	TraceCode   string `json:"traceCode,omitempty"`
}

// UnmarshalJSON takes the code as text or number; a head without code is
// refused.
func (h *Head) UnmarshalJSON(raw []byte) error {
	var read Head
	err := readObject(raw, fields{
		"applyStatus": textInto(&read.ApplyStatus),
		"code":        textInto(&read.Code),
		"msg":         noteInto(&read.Msg),
		"traceCode":   noteInto(&read.TraceCode),
	}, "code")
	if err == nil {
		*h = read
	}
	return err
}

// Reply is a verified answer with code 0 about what was asked for. The caller
// owns it.
//
// Verified means that the gateway once signed it, not that it is new: an older
// answer about the same order can be replayed, so a status may only move
// forward (protocol.md §7).
type Reply struct {
	Op       Operation
	Raw      []byte // the exact body, for the journal
	Head     Head
	Date     time.Time      // the Date header in UTC, zero if absent: the gateway's clock
	Order    *Order         // create, get, cancel, revoke and update expiry; never nil there
	TokenURL string         // create: the text of the QR code, "" when the answer had none
	Refund   *RefundOrder   // refund and refund query; never nil there
	Summary  *RefundSummary // refund and refund query; nil when absent

	Payer   *Payer             // order payer; scan detection, nil there while nobody has scanned
	Orders  *Page[Order]       // order page; never nil there
	Refunds *Page[RefundOrder] // refund page; never nil there
}

// answer is what came back over HTTP, as far as it came.
type answer struct {
	status int
	date   time.Time
	sign   string
	raw    []byte
}

// fail is the error of a call without a usable answer.
func (a answer) fail(op Operation, cause error) *Error {
	return &Error{
		Op: op, Class: unanswered(op), Status: a.status, Raw: a.raw, Date: a.date, Err: cause,
	}
}

// open applies the table of protocol.md §4: signed answers are used, unsigned
// ones only to tell the operator of a gateway fault, anything else is
// discarded. It returns the head and body of a signed answer with code 0.
func (a answer) open(op Operation, keys []*rsa.PublicKey) (Head, json.RawMessage, error) {
	if err := Verify(keys, a.raw, a.sign); errors.Is(err, ErrUnsigned) {
		return Head{}, nil, a.unsigned(op)
	} else if err != nil {
		return Head{}, nil, a.fail(op, err)
	}
	head, body, err := envelope(a.raw)
	if err != nil {
		e := a.fail(op, err)
		e.Signed = true
		return Head{}, nil, e
	}
	class := Classify(op, head.ApplyStatus, head.Code, head.Msg)
	if class != ClassOK {
		e := a.refusal(op, head, class)
		e.Signed = true
		return Head{}, nil, e
	}
	return head, body, nil
}

func (a answer) reply(op Operation, asked numbers, keys []*rsa.PublicKey) (*Reply, error) {
	head, body, err := a.open(op, keys)
	if err != nil {
		return nil, err
	}
	r := &Reply{Op: op, Raw: a.raw, Head: head, Date: a.date}
	if err := r.read(body, asked); err != nil {
		return nil, a.useless(op, head, err)
	}
	return r, nil
}

// useless is the error of a signed success that cannot be used.
func (a answer) useless(op Operation, head Head, cause error) *Error {
	e := a.refusal(op, head, unanswered(op))
	e.Signed, e.Err = true, cause
	return e
}

func (a answer) refusal(op Operation, head Head, class Class) *Error {
	e := a.fail(op, nil)
	e.Code, e.Msg, e.Trace, e.Class = head.Code, head.Msg, head.TraceCode, class
	return e
}

func (a answer) unsigned(op Operation) *Error {
	head, _, err := envelope(a.raw)
	if err != nil || !mayBeUnsigned(head.Code) {
		return a.fail(op, ErrUnsigned)
	}
	return a.refusal(op, head, Classify(op, head.ApplyStatus, head.Code, head.Msg))
}

// mayBeUnsigned lists the codes that the gateway sends without a signature
// (protocol.md §2.2).
func mayBeUnsigned(code string) bool {
	return slices.Contains([]string{"400", "402", "403", "404", "500", "504", "601"}, code) ||
		strings.HasPrefix(code, "58")
}

// envelope leaves the body unread: only a success has one that counts.
func envelope(raw []byte) (head Head, body json.RawMessage, err error) {
	err = readObject(raw, fields{
		"head": valueInto(&head),
		"body": func(raw json.RawMessage) error { body = raw; return nil },
	}, "head")
	return head, body, err
}

// read takes what the operation answers with.
func (r *Reply) read(raw json.RawMessage, asked numbers) error {
	if r.Op == OpCashierURL && (len(raw) == 0 || isNull(raw)) {
		return nil // what comes before a scan is unpublished (protocol.md §9.3)
	}
	body, err := members(raw)
	if err != nil {
		return fmt.Errorf("body: %w", err)
	}
	switch r.Op {
	case OpRefund, OpRefundQuery:
		if err := readMember(body, "refundOrder", objectInto(&r.Refund)); err != nil {
			return err
		}
		if raw, ok := body["refundSummary"]; ok && !isNull(raw) {
			_ = objectInto(&r.Summary)(raw)
		}
		return asked.matchRefund(r.Refund)
	case OpCashierURL:
		if raw, ok := body["payer"]; ok && !isNull(raw) {
			if err := readMember(body, "payer", objectInto(&r.Payer)); err != nil {
				return err
			}
			if *r.Payer == (Payer{}) {
				r.Payer = nil
			}
		}
		return nil
	case OpPayer:
		return readMember(body, "payer", objectInto(&r.Payer))
	case OpOrderPage:
		r.Orders, err = readPage[Order](body, asked.page)
		return err
	case OpRefundPage:
		r.Refunds, err = readPage[RefundOrder](body, asked.page)
		return err
	}
	if err := readMember(body, "acquireOrder", objectInto(&r.Order)); err != nil {
		return err
	}
	if r.Op == OpCreate {
		r.TokenURL = tokenURL(body)
	}
	return asked.matchOrder(r.Order)
}

func readMember(body map[string]json.RawMessage, name string, read readFunc) error {
	raw, ok := body[name]
	if !ok || isNull(raw) {
		return fmt.Errorf("%w: %s is missing", ErrMalformed, name)
	}
	if err := read(raw); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// numbers are the order numbers in a bizContent, or the number of a page. An
// answer with other numbers was signed for somebody else's question.
type numbers struct {
	merchantOrderNo, orderNo, refundNo, originNo string
	page                                         int
}

// readAsked checks biz as far as a call depends on it.
func readAsked(op Operation, biz []byte) (numbers, error) {
	var n numbers
	if len(biz) > maxRequest {
		return n, fmt.Errorf("%w: request above %d bytes", ErrTooLarge, maxRequest)
	}
	to := fields{}
	about := "" // what a request without an order number is about
	switch op {
	case OpCreate:
		to["merchantOrderNo"] = textInto(&n.merchantOrderNo)
	case OpGet, OpCancel, OpRevoke, OpExpiry, OpPayer:
		to["merchantOrderNo"] = textInto(&n.merchantOrderNo)
		to["orderNo"] = textInto(&n.orderNo)
	case OpRefund:
		to["refundMerchantOrderNo"] = textInto(&n.refundNo)
		to["originMerchantOrderNo"] = textInto(&n.originNo)
	case OpRefundQuery:
		to["refundMerchantOrderNo"] = textInto(&n.refundNo)
		to["orderNo"] = textInto(&n.orderNo)
	case OpCashierURL:
		to["tokenUrl"] = textInto(&about)
	case OpOrderPage, OpRefundPage:
		to["startDate"] = textInto(&about)
		to["sortPageParam"] = func(raw json.RawMessage) error {
			var p PageParam
			err := p.UnmarshalJSON(raw)
			n.page = p.Number
			return err
		}
	default:
		return n, fmt.Errorf("%w: not an operation of Call", ErrInvalid)
	}
	if err := readObject(biz, to); err != nil {
		return n, fmt.Errorf("%w: bizContent: %w", ErrInvalid, err)
	}
	if n.merchantOrderNo == "" && n.orderNo == "" && n.refundNo == "" && about == "" {
		return n, fmt.Errorf("%w: bizContent does not say what it is about", ErrInvalid)
	}
	return n, nil
}

func (n numbers) matchOrder(o *Order) error {
	if n.merchantOrderNo != "" && n.merchantOrderNo != o.MerchantOrderNo ||
		n.orderNo != "" && n.orderNo != o.OrderNo {
		return ErrOtherOrder
	}
	return nil
}

func (n numbers) matchRefund(r *RefundOrder) error {
	if n.refundNo != "" && n.refundNo != r.RefundMerchantOrderNo ||
		n.orderNo != "" && n.orderNo != r.OrderNo ||
		n.originNo != "" && r.OriginMerchantOrderNo != "" && n.originNo != r.OriginMerchantOrderNo {
		return ErrOtherOrder
	}
	return nil
}

func readLimited(r io.Reader, limit int64) ([]byte, error) {
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(r, limit+1))
	switch {
	case n > limit:
		return nil, fmt.Errorf("%w: answer above %d bytes", ErrTooLarge, limit)
	case err != nil:
		return nil, err
	}
	return b.Bytes(), nil
}
