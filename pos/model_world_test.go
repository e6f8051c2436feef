package pos_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/filspos/fils/pos"
)

// world is one shop: a till, its journal, its clock, the network and the
// provider, in virtual time. It lives in a synctest bubble. Only the bubble's
// main goroutine acts and checks; mu guards what calls of the till reach.
type world struct {
	mu       sync.Mutex
	clock    *pcClock
	book     *book
	provider *provider
	latency  time.Duration
	faults   map[string][]bad
	flights  map[*flight]bool
	race     map[pos.SaleNo]time.Duration
	// awake is when the PC last woke.
	awake time.Time
	// told are sales whose payment the till was told of.
	told     map[pos.SaleNo]bool
	problems []string
	story    []string
	// exempt is when a sale may have been in front last.
	exempt map[pos.SaleNo]time.Time
	began  time.Time

	till *pos.Till
	line *line
	life *life
	stop context.CancelFunc
	done chan error
	boot int
	// checked is how much of the chain was verified.
	checked int
	// looks counts, and compared is the length of the chain at the last one.
	looks, compared int
	// shown are the QR codes that a customer may have seen, sorted by age.
	shown []pos.SaleNo
	// left is when the first create of a sale left, by true time.
	left map[pos.SaleNo]time.Time
	// keeper is the PC's keyring, relayed what the relay keeps and replay what
	// of it is to be delivered again.
	keeper  *keyring
	relayed []news
	replay  []news
	// disasters counts lost journals; hidden: one of them could not be
	// noticed. mustKnow are refunds that the provider had when the last
	// recovery began.
	disasters int
	hidden    bool
	mustKnow  map[pos.RefundNo]bool
	// cut are sales whose last facts were salvaged without their alerts.
	cut map[pos.SaleNo]bool
	// byHand are other tills' sales that a person wanted to adopt.
	byHand map[pos.SaleNo]bool
	// recovery is when the last recovery was ordered, by true time; ordered is
	// the order.
	recovery time.Time
	// rested is how long the PC had slept by then.
	rested  time.Duration
	ordered pos.Alert
	// later is what the till keeps and cannot verify yet.
	later []later
	// twice are sales of whose second payment the till was told.
	twice map[pos.SaleNo]bool
	// shy: the provider refused to show an order, so that a payment may have
	// become an alert instead of a sale.
	shy bool
	// waived: a person has dealt with what nobody could read, so that refunds
	// may be missing.
	waived bool
	// asked are the refunds that the till accepted from a person.
	asked int
	// failed is told of the first problem.
	failed func(*world)
}

// newWorld begins at a time of day, UTC: the provider's day ends at 20:00.
func newWorld(day time.Duration) *world {
	w := &world{
		clock: &pcClock{slept: day}, book: newBook(), provider: newProvider(), latency: 25 * time.Millisecond,
		faults: map[string][]bad{}, flights: map[*flight]bool{}, race: map[pos.SaleNo]time.Duration{},
		told: map[pos.SaleNo]bool{}, exempt: map[pos.SaleNo]time.Time{}, left: map[pos.SaleNo]time.Time{}, began: time.Now(),
		keeper: &keyring{}, mustKnow: map[pos.RefundNo]bool{}, byHand: map[pos.SaleNo]bool{}, cut: map[pos.SaleNo]bool{}, twice: map[pos.SaleNo]bool{},
	}
	w.start()
	return w
}

// loud turns the engine's own complaints about itself into failures.
type loud struct {
	slog.Handler
	w *world
}

func (l loud) Enabled(context.Context, slog.Level) bool { return true }

func (l loud) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "does not fold") || strings.Contains(r.Message, "renewal not started") {
		text := r.Message
		r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
		l.w.mu.Lock()
		defer l.w.mu.Unlock()
		l.w.wrong("%s", text)
	}
	return nil
}

// start boots a till over what the journal holds.
func (w *world) start() {
	w.boot++
	w.restamp()
	w.life = &life{}
	w.line = &line{
		w: w, life: w.life, lastQuery: map[string]time.Time{}, lastCancel: map[string]time.Time{}, lastRevoke: map[string]time.Time{},
	}
	noticed := w.mayLack()
	cfg := pos.Config{
		Journal: handle{w.book, w.life}, Gateway: w.line,
		Binding: pos.Binding{Environment: "training", Host: "h", Partner: modelPayee},
		Clock:   w.clock, Random: rand.NewChaCha8([32]byte{1, byte(w.boot)}), Log: slog.New(loud{slog.DiscardHandler, w}),
		Payee: modelPayee, Store: "S1", Terminal: "T1", Subject: "Corner Shop", Mode: pos.ModeTraining,
		Archive: w.line, Heads: keyOf{w.keeper, w.life}, RecoverNew: recoverBack,
		Keys: []string{fmt.Sprint("key-", w.boot/3)}, // somebody puts another one in now and then
	}
	till, err := pos.New(context.Background(), cfg)
	for errors.Is(err, errDisk) { // a person starts it once more
		till, err = pos.New(context.Background(), cfg)
	}
	if err != nil {
		panic(fmt.Sprintf("the till does not start: %v\n%s", err, w.tale()))
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.till, w.stop, w.done = till, cancel, make(chan error, 1)
	w.lacks(noticed)
	w.checkKeys(cfg.Keys)
	if front := till.View().Front; front != nil {
		w.inFront(front.Sale.No)
	}
	go func() { w.done <- till.Run(ctx) }()
	synctest.Wait()
}

// crash ends the till's process: what it knew and had not written is gone,
// what it had sent is not.
func (w *world) crash() {
	w.life.kill()
	w.end()
	w.mu.Lock()
	w.told = map[pos.SaleNo]bool{}
	w.note("CRASH after event %d", len(w.book.events))
	w.mu.Unlock()
	w.start()
}

func (w *world) end() {
	w.stop()
	<-w.done
	w.done = nil
}

// crashed restarts a till that died at an armed moment.
func (w *world) crashed() bool {
	if w.life.over() {
		w.crash()
		return true
	}
	return false
}

// pass lets d go by and looks at everything on the way.
func (w *world) pass(d, step time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(min(step, time.Until(end)))
		w.look()
	}
}

// look lets the provider's time move and checks every invariant.
func (w *world) look() {
	synctest.Wait()
	if w.crashed() {
		synctest.Wait()
	}
	w.mu.Lock()
	now := w.clock.truth()
	for _, o := range w.provider.sortedOrders(func(*paidOrder) bool { return true }) {
		w.provider.move(o, now)
	}
	w.mu.Unlock()
	w.check()
}

// exemption is how long a call may take to leave after the sale that it is
// for left the front.
const exemption = 10 * time.Millisecond

func (w *world) inFront(no pos.SaleNo) { w.exempt[no] = time.Now() }

func (w *world) nextFault(op string) bad {
	list := w.faults[op]
	if len(list) == 0 {
		return bad{}
	}
	f := list[0]
	if list[0].times--; list[0].times <= 0 {
		w.faults[op] = list[1:]
	}
	return f
}

func (w *world) note(format string, args ...any) {
	w.story = append(w.story, fmt.Sprintf("%10v ", time.Since(w.began).Round(time.Millisecond))+fmt.Sprintf(format, args...))
}

func (w *world) wrong(format string, args ...any) {
	if len(w.problems) > 0 {
		return // the rest follows from the first
	}
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
	w.note("WRONG: "+format, args...)
}

// tale is what happened, for a person who reads a failure.
func (w *world) tale() string {
	out := strings.Join(w.story, "\n") + "\n"
	for _, e := range w.book.events {
		out += fmt.Sprintf("%4d %s %s %s%s %s\n", e.Seq, e.At.Format("15:04:05.000"), e.Kind, e.Sale.Short(), e.Refund.Short(), brief(e.Data))
	}
	return out
}

func brief(data []byte) string {
	if len(data) > 160 {
		return string(data[:160]) + "…"
	}
	return string(data)
}

// deliver hands the till one notification of the queue; it tells whether the
// relay may go on.
func (w *world) deliver(n news, sign string) error {
	if n.at.IsZero() {
		n.at = w.clock.truth()
	}
	cursor := w.relays(n, sign)
	err := w.till.Deliver(context.Background(), pos.Delivery{Cursor: cursor, ReceivedAt: n.at, Sign: sign, Raw: n.raw})
	var e *pos.Error
	if err != nil && !errors.As(err, &e) {
		w.problems = append(w.problems, fmt.Sprintf("deliver: %v", err))
	}
	if err != nil || sign == badSign {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.verifies(sign) {
		w.later = append(w.later, later{n, sign})
		return nil
	}
	w.tell(n)
	return nil
}

// later is news that a till will verify once it has the key.
type later struct {
	news
	sign string
}

// learn tells what a till that has been started anew reads of what it kept.
func (w *world) learn() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.later = slices.DeleteFunc(w.later, func(l later) bool {
		if w.verifies(l.sign) {
			w.tell(l.news)
			return true
		}
		return false
	})
}

// tell notes what the till must know from now on.
func (w *world) tell(n news) {
	if n.paid && !w.life.over() {
		w.told[n.sale] = true
	}
	if n.what == "second payment" && !w.life.over() {
		w.twice[n.sale] = true
	}
	if b := w.provider.refunds[n.refund]; b != nil {
		b.told = true
	}
}

func sameJSON(a, b any) bool {
	x, err := json.Marshal(a)
	if err != nil {
		return false
	}
	y, err := json.Marshal(b)
	return err == nil && string(x) == string(y)
}
