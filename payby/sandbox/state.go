package sandbox

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/filspos/fils/payby"
)

const (
	keptOrders = 20_000
	keptFor    = 200 * 24 * time.Hour
	lineLimit  = 16 << 20
)

// stateFile is an append-only file of order snapshots, one JSON object per line; the last
// snapshot of an order counts. It survives a killed process, not a power cut.
type stateFile struct {
	file *os.File
	err  error
}

func (s *stateFile) broken() bool { return s != nil && s.err != nil }

func (s *stateFile) close() error {
	if s == nil {
		return nil
	}
	return s.file.Close()
}

type orderLine struct {
	Partner     string          `json:"partner"`
	No          string          `json:"no"`
	PayByNo     string          `json:"payby_no"`
	Digest      string          `json:"digest"`
	Fils        int64           `json:"fils"`
	Decimals    int8            `json:"decimals"`
	Subject     string          `json:"subject"`
	SubjectAr   string          `json:"subject_ar,omitempty"`
	NotifyURL   string          `json:"notify_url,omitempty"`
	Payee       string          `json:"payee"`
	Device      string          `json:"device,omitempty"`
	Secondary   string          `json:"secondary,omitempty"`
	Reserved    string          `json:"reserved,omitempty"`
	Accessory   json.RawMessage `json:"accessory"`
	RequestTime int64           `json:"request_ms"`
	Created     int64           `json:"created_ms"`
	Expires     int64           `json:"expires_ms"`
	Token       string          `json:"token"`
	TokenTime   int64           `json:"token_ms"`
	Status      string          `json:"status"`
	Payment     *paymentLine    `json:"payment,omitempty"`
	Revoked     bool            `json:"revoked,omitempty"`
	AnyPayer    bool            `json:"any_payer,omitempty"`
	OneTime     bool            `json:"one_time,omitempty"`
	BoundTo     string          `json:"bound_to,omitempty"`
	Scanned     string          `json:"scanned,omitempty"`
	LatePayer   string          `json:"late_payer,omitempty"`
	Declined    uint32          `json:"declined,omitempty"`
	Sent        uint32          `json:"sent,omitempty"`
	Acked       uint32          `json:"acked,omitempty"`
	Refunds     []refundLine    `json:"refunds,omitempty"`
	Notices     []noticeLine    `json:"notices,omitempty"` // not yet delivered
}

type paymentLine struct {
	Fils     int64  `json:"fils"`
	Time     int64  `json:"ms"`
	Payer    string `json:"payer"`
	Discount bool   `json:"discount,omitempty"`
	Settled  int64  `json:"settled_ms,omitempty"`
}

type noticeLine struct {
	RefundNo string          `json:"refund_no,omitempty"`
	URL      string          `json:"url"`
	Body     json.RawMessage `json:"body"`
	Attempt  int             `json:"attempt,omitempty"`
	Single   bool            `json:"single,omitempty"`
	Forged   bool            `json:"forged,omitempty"`
	Next     int64           `json:"next_ms"`
}

type refundLine struct {
	No        string `json:"no"`
	PayByNo   string `json:"payby_no"`
	Digest    string `json:"digest"`
	Fils      int64  `json:"fils"`
	Decimals  int8   `json:"decimals"`
	NotifyURL string `json:"notify_url,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Reserved  string `json:"reserved,omitempty"`
	Device    string `json:"device,omitempty"`
	Secondary string `json:"secondary,omitempty"`
	Status    string `json:"status"`
	Created   int64  `json:"created_ms"`
	Moved     int64  `json:"moved_ms,omitempty"`
	Fail      bool   `json:"fail,omitempty"`
	Own       bool   `json:"own,omitempty"`
}

// save appends the order as it is now. Called with g.mu held, before the answer that
// tells of the change leaves.
func (g *Gateway) save(o *order) {
	if g.state == nil || g.state.err != nil {
		return
	}
	if _, err := g.state.file.Write(append(mustEncode(o.line()), '\n')); err != nil {
		g.state.err = err
		g.log.Error("state file cannot be written; the gateway answers SYSTEM_ERROR from now on", "err", err)
	}
}

// openState loads the file, keeps what is young enough, and starts a fresh file with it.
func (g *Gateway) openState(path string, most int) error {
	lines, err := readState(path)
	if err != nil {
		return err
	}
	now := g.clock.Now()
	oldest := now.Add(-keptFor).UnixMilli()
	kept := lines[:0]
	for _, l := range lines {
		if l.Created >= oldest {
			kept = append(kept, l)
		}
	}
	kept = kept[max(len(kept)-most, 0):]
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range kept {
		// A merchant that is not registered this time keeps its orders for the next.
		if m := g.merchants[l.Partner]; m != nil {
			if err := g.restore(m, l); err != nil {
				return fmt.Errorf("sandbox: state file %s: order %s: %w", path, l.No, err)
			}
		}
	}
	file, err := compactState(path, kept)
	if err != nil {
		return err
	}
	g.state = &stateFile{file: file}
	return nil
}

// readState returns the last snapshot of each order, in order of first appearance.
func readState(path string) ([]*orderLine, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("sandbox: state file: %w", err)
	}
	defer func() { _ = file.Close() }()
	var lines []*orderLine
	place := make(map[[2]string]int)
	r := bufio.NewReader(file)
	for n := 1; ; n++ {
		raw, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return lines, nil // a line without its end was being written when we were killed
		}
		if err != nil {
			return nil, fmt.Errorf("sandbox: state file %s, line %d: %w", path, n, err)
		}
		if len(raw) > lineLimit {
			return nil, fmt.Errorf("sandbox: state file %s, line %d is too long", path, n)
		}
		l := new(orderLine)
		if err := json.Unmarshal(raw, l); err != nil || l.No == "" {
			if _, peek := r.Peek(1); errors.Is(peek, io.EOF) {
				return lines, nil
			}
			return nil, fmt.Errorf("sandbox: state file %s is damaged in line %d", path, n)
		}
		key := [2]string{l.Partner, l.No}
		if at, known := place[key]; known {
			lines[at] = l
			continue
		}
		place[key] = len(lines)
		lines = append(lines, l)
	}
}

// compactState writes a new file beside the old one, puts it in its place and leaves it
// open for appending.
func compactState(path string, lines []*orderLine) (*os.File, error) {
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return nil, fmt.Errorf("sandbox: state file: %w", err)
	}
	give := func(err error) (*os.File, error) {
		_ = temp.Close()
		_ = os.Remove(temp.Name())
		return nil, fmt.Errorf("sandbox: state file: %w", err)
	}
	w := bufio.NewWriter(temp)
	for _, l := range lines {
		if _, err := w.Write(append(mustEncode(l), '\n')); err != nil {
			return give(err)
		}
	}
	if err := w.Flush(); err != nil {
		return give(err)
	}
	if err := temp.Sync(); err != nil {
		return give(err)
	}
	if err := temp.Close(); err != nil {
		return give(err)
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return give(err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sandbox: state file: %w", err)
	}
	return file, nil
}

func (o *order) line() *orderLine {
	l := &orderLine{
		Partner: o.merchant.id, No: o.no, PayByNo: o.payByNo, Digest: hex.EncodeToString(o.digest[:]),
		Fils: int64(o.total.fils), Decimals: o.total.decimals, Subject: o.subject, SubjectAr: o.subjectAr,
		NotifyURL: o.notifyURL, Payee: o.payee, Device: o.device, Secondary: o.secondary, Reserved: o.reserved,
		Accessory: o.accessory, RequestTime: o.requestTime, Created: o.created, Expires: o.expires,
		Token: o.tokenHex(), TokenTime: o.tokenTime, Status: string(o.status), Revoked: o.revoked,
		AnyPayer: o.anyPayer, OneTime: o.oneTime, BoundTo: o.boundTo, Scanned: o.scanned, LatePayer: o.latePayer,
		Declined: o.declined, Sent: o.sent, Acked: o.acked,
	}
	if p := o.payment; p != nil {
		l.Payment = &paymentLine{
			Fils: int64(p.paid), Time: p.time, Payer: p.payer, Discount: p.discount, Settled: p.settled,
		}
	}
	for _, n := range o.pending {
		l.Notices = append(l.Notices, noticeLine{
			RefundNo: n.refundNo, URL: n.url, Body: n.body, Attempt: n.attempt, Single: n.single, Forged: n.forged,
			Next: n.next.UnixMilli(),
		})
	}
	for _, r := range o.refunds {
		l.Refunds = append(l.Refunds, refundLine{
			No: r.no, PayByNo: r.payByNo, Digest: hex.EncodeToString(r.digest[:]), Fils: int64(r.amount.fils),
			Decimals: r.amount.decimals, NotifyURL: r.notifyURL, Reason: r.reason, Reserved: r.reserved,
			Device: r.device, Secondary: r.secondary, Status: string(r.status), Created: r.created,
			Moved: r.moved, Fail: r.fail, Own: r.own,
		})
	}
	return l
}

func (g *Gateway) restore(m *merchant, l *orderLine) error {
	o := &order{
		merchant: m, no: l.No, payByNo: l.PayByNo, total: money{payby.Fils(l.Fils), l.Decimals},
		subject: l.Subject, subjectAr: l.SubjectAr, notifyURL: l.NotifyURL, payee: l.Payee, device: l.Device,
		secondary: l.Secondary, reserved: l.Reserved, accessory: l.Accessory, requestTime: l.RequestTime,
		created: l.Created, expires: l.Expires, tokenTime: l.TokenTime, status: payby.OrderStatus(l.Status),
		revoked: l.Revoked, anyPayer: l.AnyPayer, oneTime: l.OneTime, boundTo: l.BoundTo, scanned: l.Scanned,
		latePayer: l.LatePayer, declined: l.Declined, sent: l.Sent, acked: l.Acked,
	}
	if err := fill(o.digest[:], l.Digest); err != nil {
		return err
	}
	if err := fill(o.token[:], l.Token); err != nil {
		return err
	}
	switch o.status {
	case payby.Created, payby.PaidSuccess, payby.Settled, payby.Failure:
	default:
		return errors.New("unknown status")
	}
	if p := l.Payment; p != nil {
		o.payment = &payment{
			paid: payby.Fils(p.Fils), time: p.Time, payer: p.Payer, discount: p.Discount, settled: p.Settled,
		}
		if o.status == payby.Settled && p.Settled == 0 {
			o.payment.settled = p.Time // a file from before this was written down
		}
	} else if o.status == payby.PaidSuccess || o.status == payby.Settled {
		return errors.New("paid without a payment")
	}
	for _, n := range l.Notices {
		g.promise(&notice{
			order: o, refundNo: n.RefundNo, url: n.URL, body: n.Body, attempt: n.Attempt, single: n.Single,
			forged: n.Forged,
		}, time.UnixMilli(n.Next))
	}
	if o.latePayer != "" {
		// When a cancelled order was closed is not written down; now is late enough.
		closed := g.clock.Now()
		if o.status == payby.Created {
			closed = g.sweepTime(o)
		}
		g.planLate(o, closed)
	}
	for _, rl := range l.Refunds {
		r := &refund{
			order: o, no: rl.No, payByNo: rl.PayByNo, amount: money{payby.Fils(rl.Fils), rl.Decimals},
			notifyURL: rl.NotifyURL, reason: rl.Reason, reserved: rl.Reserved, device: rl.Device,
			secondary: rl.Secondary, status: payby.RefundStatus(rl.Status), created: rl.Created,
			moved: rl.Moved, fail: rl.Fail, own: rl.Own,
		}
		if err := fill(r.digest[:], rl.Digest); err != nil {
			return err
		}
		switch r.status {
		case payby.RefundCreated, payby.RefundFailure:
		case payby.RefundedSettled, payby.RefundSuccess:
			r.moved = max(r.moved, r.created)
		default:
			return errors.New("unknown refund status")
		}
		o.refunds = append(o.refunds, r)
		g.planRefund(r)
	}
	g.adopt(o)
	return nil
}

func fill(to []byte, text string) error {
	if hex.DecodedLen(len(text)) != len(to) {
		return errors.New("damaged identification")
	}
	_, err := hex.Decode(to, []byte(text))
	return err
}
