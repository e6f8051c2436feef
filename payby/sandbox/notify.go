package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	ackLimit     = 64 << 10
	atOnce       = 8 // deliveries under way at the same time
	heldForLong  = 2 * time.Minute
	attemptLimit = 10 * time.Second
)

// notice is one notification until it is acknowledged or given up.
type notice struct {
	order    *order
	refundNo string
	url      string
	body     []byte
	attempt  int // repeats made so far
	forged   bool
	single   bool      // not repeated: a copy, or part of a prank
	next     time.Time // of the next attempt
}

// newClient does not follow redirects: a notification is for the URL it was ordered for.
func newClient() *http.Client {
	dialer := &net.Dialer{Timeout: attemptLimit}
	return &http.Client{
		Timeout: attemptLimit,
		Transport: &http.Transport{
			DialContext:         dialer.DialContext,
			MaxIdleConnsPerHost: 2,
			IdleConnTimeout:     30 * time.Second,
			TLSHandshakeTimeout: attemptLimit,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// uae is the zone of notify_time (protocol.md §16, 31).
func uae() *time.Location { return time.FixedZone("+04", 4*60*60) }

func (g *Gateway) notifyID(now time.Time) string {
	g.counter++
	return now.In(uae()).Format("20060102") + fmt.Sprintf("%010d", g.counter%10_000_000_000)
}

// notifyPayment queues the news of a payment. Called with g.mu held, like all here that
// do not send.
func (g *Gateway) notifyPayment(o *order, now time.Time) {
	n := paymentNotification{
		NotifyTime:      now.In(uae()).Format("20060102150405"),
		AcquireOrder:    o.notifyJSON(),
		InputCharset:    "UTF-8",
		NotifyTimestamp: now.UnixMilli(),
		NotifyID:        g.notifyID(now),
	}
	if g.takeFaultLocked(notificationFaults, FaultWrongAmount) != nil {
		n.AcquireOrder.TotalAmount.fils += 100
	}
	g.enqueue(&notice{order: o, url: o.notifyURL, body: mustEncode(n)}, now)
}

func (g *Gateway) notifyRefund(r *refund, now time.Time) {
	if r.own {
		return
	}
	n := refundNotification{
		InputCharset:    "UTF-8",
		NotifyID:        g.notifyID(now),
		NotifyTime:      now.In(uae()).Format("20060102150405"),
		NotifyTimestamp: now.UnixMilli(),
		RefundOrder:     r.notifyJSON(),
	}
	if g.takeFaultLocked(notificationFaults, FaultWrongAmount) != nil {
		n.RefundOrder.Amount.fils += 100
	}
	url := r.notifyURL
	if url == "" {
		url = r.order.notifyURL
	}
	g.enqueue(&notice{order: r.order, refundNo: r.no, url: url, body: mustEncode(n)}, now)
}

// enqueue plans the first delivery, bent by the notification faults that are set.
func (g *Gateway) enqueue(n *notice, now time.Time) {
	if !deliverable(n.url) {
		return
	}
	at := now
	if g.takeFaultLocked(notificationFaults, FaultLost) != nil {
		g.recordLocked(n.entry(now, "lost", FaultLost))
		return
	}
	if f := g.takeFaultLocked(notificationFaults, FaultLate); f != nil {
		at = at.Add(f.delay())
	}
	if g.takeFaultLocked(notificationFaults, FaultForged) != nil {
		n.forged = true
	}
	if f := g.takeFaultLocked(notificationFaults, FaultReorder); f != nil {
		g.held = append(g.held, n)
		// Nothing may overtake it: then it leaves by itself.
		n.next = at.Add(heldForLong / g.scale)
		n.order.pending = append(n.order.pending, n)
		g.notices.push(n.next, nil)
		g.poke()
		return
	}
	g.promise(n, at)
	if g.takeFaultLocked(notificationFaults, FaultDuplicate) != nil {
		copied := *n
		copied.single = true
		g.promise(&copied, at)
	}
	for _, h := range g.held {
		g.notices.push(at, h)
	}
	g.held = nil
	g.poke()
}

// promise queues an attempt. The order remembers it until it is over, for the state file.
func (g *Gateway) promise(n *notice, at time.Time) {
	n.next = at
	if !slices.Contains(n.order.pending, n) {
		n.order.pending = append(n.order.pending, n)
	}
	g.notices.push(at, n)
}

// poke tells Run to look at the queues again.
func (g *Gateway) poke() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// delivery is the end of one attempt.
type delivery struct {
	notice *notice
	acked  bool
	ended  bool // cut off by the end of Run
	result string
}

// Run delivers notifications until ctx ends; then it waits for the attempts under way
// and returns nil. Only one Run may be active.
func (g *Gateway) Run(ctx context.Context) error {
	// An order is busy while one of its notifications is under way; the others wait
	// behind it, so that they arrive in order unless a fault says otherwise.
	busy := make(map[*order][]timedItem[*notice])
	results := make(chan delivery, atOnce)
	defer g.client.CloseIdleConnections()
	defer func() {
		for range len(busy) {
			d := <-results
			g.finish(d, busy[d.notice.order])
		}
	}()
	for {
		next, some := g.dispatch(ctx, busy, results)
		var timer <-chan time.Time
		stop := func() {}
		if some {
			timer, stop = g.clock.NewTimer(max(next.Sub(g.clock.Now()), 0))
		}
		select {
		case <-ctx.Done():
			stop()
			return nil
		case d := <-results:
			behind := busy[d.notice.order]
			delete(busy, d.notice.order)
			g.finish(d, behind)
		case <-g.wake:
		case <-timer:
		}
		stop()
	}
}

// dispatch starts what is due and tells when to look again.
func (g *Gateway) dispatch(ctx context.Context, busy map[*order][]timedItem[*notice],
	results chan<- delivery,
) (time.Time, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock.Now()
	g.advance(now)
	for len(busy) < atOnce {
		item, ok := g.notices.due(now)
		if !ok {
			break
		}
		n := item.value
		if n == nil {
			for _, h := range g.held {
				g.notices.push(now, h)
			}
			g.held = nil
			continue
		}
		if behind, ok := busy[n.order]; ok {
			busy[n.order] = append(behind, item)
			continue
		}
		busy[n.order] = nil
		n.order.sent++
		go func() { results <- g.deliver(ctx, n) }()
	}
	next, some := g.steps.first()
	// With every place taken, a result will wake Run.
	if at, ok := g.notices.first(); ok && len(busy) < atOnce && (!some || at.Before(next)) {
		next, some = at, true
	}
	return next, some
}

// deliver makes one attempt.
func (g *Gateway) deliver(ctx context.Context, n *notice) delivery {
	d := g.post(ctx, n)
	d.ended = !d.acked && ctx.Err() != nil
	return d
}

func (g *Gateway) post(ctx context.Context, n *notice) delivery {
	d := delivery{notice: n}
	sign, err := g.sign(n.body, !n.forged)
	if err != nil {
		d.result = "not signed"
		return d
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url, bytes.NewReader(n.body))
	if err != nil {
		d.result = "bad address"
		return d
	}
	req.Header.Set("Content-Type", "application/json; charset=UTF-8")
	req.Header.Set("Sign", sign)
	req.Header.Set("User-Agent", "fils-sandbox")
	resp, err := g.client.Do(req)
	if err != nil {
		d.result = "no answer"
		return d
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, ackLimit))
	d.result = fmt.Sprintf("HTTP %d", resp.StatusCode)
	d.acked = err == nil && resp.StatusCode == http.StatusOK && g.acknowledged(raw)
	return d
}

// acknowledged accepts {"response":"SUCCESS"} in any spelling of the word, in strict mode
// in upper case only.
func (g *Gateway) acknowledged(raw []byte) bool {
	var ack struct {
		Response string `json:"response"`
	}
	if json.Unmarshal(raw, &ack) != nil {
		return false
	}
	return ack.Response == "SUCCESS" || (!g.strict && strings.EqualFold(ack.Response, "SUCCESS"))
}

// finish writes the end of an attempt down and plans the next one. behind are the
// notifications that waited for it. An attempt that ended with Run does not count: the
// next Run, or the next gateway on the same state file, makes it at once.
func (g *Gateway) finish(d delivery, behind []timedItem[*notice]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.save(d.notice.order)
	for _, item := range behind {
		g.notices.giveBack(item)
	}
	n, now := d.notice, g.clock.Now()
	fault := ""
	if n.forged {
		fault = FaultForged
	}
	if d.acked {
		n.order.acked++
		d.result += " acknowledged"
	}
	g.recordLocked(n.entry(now, d.result, fault))
	if d.ended {
		g.notices.push(n.next, n)
		return
	}
	if d.acked || n.single || n.attempt >= len(g.schedule) {
		o := n.order
		o.pending = slices.DeleteFunc(o.pending, func(other *notice) bool { return other == n })
		return
	}
	// A forged one was never PayBy's: the true one follows by the schedule.
	n.forged = false
	g.promise(n, now.Add(g.schedule[n.attempt]/g.scale))
	n.attempt++
}

func (n *notice) entry(now time.Time, result, fault string) LogEntry {
	return LogEntry{
		Time: now.UTC(), Operation: notificationFaults, PartnerID: n.order.merchant.id,
		OrderNo: n.order.no, RefundNo: n.refundNo, Outcome: result, Fault: fault,
	}
}
