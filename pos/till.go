package pos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a till is made of. Journal, Gateway, Clock, Random and Log
// are required; the till does not close the journal.
type Config struct {
	Journal Journal
	Gateway Gateway
	// Binding names the merchant; a new journal is bound to it, and one bound
	// to another merchant is refused.
	Binding Binding
	Mode    Mode
	Clock   Clock
	// Random must be cryptographically strong.
	Random io.Reader
	Log    *slog.Logger

	// Window is how long a customer may pay: 60 s to 15 min, default 110 s.
	Window time.Duration
	// Location and CutOff define the business date; default UTC and midnight.
	Location *time.Location
	CutOff   time.Duration

	// Payee is the member id that must receive the money.
	Payee string
	// Store and Terminal go into every order; Subject is what the payer reads.
	Store, Terminal, Subject string
	// NotifyURL is empty without a relay.
	NotifyURL string
	// PINs and Pepper keep the verifiers of staff; without them nobody can be
	// set up, and nobody who was can prove themselves.
	PINs   PINStore
	Pepper Pepper
	// Idle is for a program that only lets staff prove themselves: nothing but
	// the gateway's clock is asked for, and no sale is followed.
	Idle bool
	// Heads keeps the head of the chain outside the journal; nil keeps it
	// nowhere.
	Heads HeadKeeper
	// Archive is what the provider keeps, for a journal that lacks something;
	// without it nothing can be recovered or adopted.
	Archive Archive
	// RecoverNew is how far back a new journal reads it; zero is not at all.
	RecoverNew time.Duration
	// Keys are the fingerprints of the provider's keys that Gateway believes,
	// see [Alert.AddedKeys]; without them the journal takes nothing down.
	Keys []string
}

const (
	defaultWindow = 110 * time.Second
	minWindow     = 60 * time.Second
	maxWindow     = 15 * time.Minute
	// expiryMargin is how much longer than the window an order can be paid.
	expiryMargin = 60 * time.Second

	createTimeout = 8 * time.Second
	queryTimeout  = 5 * time.Second
	// stuckRetry is the pause before a failed commit is tried again.
	stuckRetry = time.Second
	// refillEvery is how often a journal on a full disk tries to recover.
	refillEvery = 30 * time.Second
	// probeEvery is how often the gateway's clock is asked for while it is not
	// known, or not since the PC slept.
	probeEvery = 10 * time.Second
	// idleTick is how often an idle till looks whether the PC has slept.
	idleTick = 5 * time.Second
	// asleep is a difference between wall clock and monotonic clock that only
	// a sleeping PC or a changed clock explains.
	asleep = 10 * time.Second
)

// Till owns everything that happens after a key press. One goroutine, in
// [Till.Run], applies commands, answers and notifications in order; network
// calls run beside it and come back as facts. All methods may be called from
// any goroutine; those with a context and an error wait for the commit.
type Till struct {
	cfg      Config
	core     *core
	staff    *Staff
	commands chan command
	results  chan result
	posts    chan func(now time.Time)
	done     chan struct{}
	// keeping is full while the head of the chain is being kept.
	keeping chan struct{}

	// refilled is when a full journal last tried to recover; Run's own.
	refilled time.Time

	current   atomic.Pointer[View]
	clockSeen atomic.Bool

	mu       sync.Mutex
	watchers map[chan struct{}]struct{}
}

// command is applied by Run: do changes the core, and when its facts are
// committed reply gets nil.
type command struct {
	do    func(now time.Time) error
	reply chan error
}

// New loads the journal, binds it when it is new, and returns a till that
// acts once Run is called. Errors are *[Error].
func New(ctx context.Context, cfg Config) (*Till, error) {
	if cfg.Window == 0 {
		cfg.Window = defaultWindow
	}
	if cfg.Window < minWindow || cfg.Window > maxWindow {
		return nil, &Error{Code: CodeInternal, Op: "new till", Err: fmt.Errorf("payment window %v is outside 1 to 15 minutes", cfg.Window)}
	}
	if cfg.Location == nil {
		cfg.Location = time.UTC
	}
	loaded, tampered, err := load(ctx, cfg)
	if err != nil {
		return nil, journalError("load journal", err)
	}
	readOnly := errors.Is(cfg.Journal.State(), ErrJournalReadOnly)
	if loaded.Binding != nil && *loaded.Binding != cfg.Binding {
		return nil, &Error{Code: CodeJournalOther, Op: "open journal",
			Err: fmt.Errorf("journal belongs to %s at %s (%s)", loaded.Binding.Partner, loaded.Binding.Host, loaded.Binding.Environment)}
	}
	headKnown := true
	if !readOnly {
		if loaded, headKnown, err = prepare(ctx, cfg, loaded); err != nil {
			return nil, journalError("bind journal", err)
		}
	}
	born, err := bornAt(ctx, cfg.Journal)
	if err != nil {
		return nil, journalError("load journal", err)
	}
	t := &Till{
		cfg: cfg, core: newCore(cfg),
		commands: make(chan command), results: make(chan result),
		posts: make(chan func(time.Time), 64), done: make(chan struct{}), keeping: make(chan struct{}, 1),
		watchers: map[chan struct{}]struct{}{},
	}
	t.staff = &Staff{till: t, checking: make(chan struct{}, 1), memoryKiB: pinMemoryKiB}
	now := cfg.Clock.Now()
	t.core.readOnly, t.core.born = readOnly || cfg.Idle, born
	t.core.load(loaded, now)
	t.core.chain.deaf = !headKnown
	if err := t.loadPINs(ctx, now); err != nil {
		return nil, err
	}
	if tampered && !readOnly {
		t.core.alert(now, AlertTampered, Fact{}, 0)
	}
	t.current.Store(t.core.view(now, t.trading(nil)))
	return t, nil
}

// Run applies everything until ctx ends, and returns when all calls it
// started have ended. It must be called once.
func (t *Till) Run(ctx context.Context) error {
	defer close(t.done)
	var calls sync.WaitGroup
	defer t.keepLast(ctx)
	defer calls.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	if t.core.rereads() && !t.core.readOnly {
		calls.Go(func() { t.reread(ctx) })
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	last := t.cfg.Clock.Now()
	var stuck error // the batch could not be committed
	probing := make(chan struct{}, 1)
	probe := func() {
		select {
		case probing <- struct{}{}:
			calls.Go(func() { defer func() { <-probing }(); t.probe(ctx) })
		default:
		}
	}
	var probed time.Time
	for {
		commands, results, posts := t.commands, t.results, t.posts
		answer := func() {} // after the view shows what the command did
		if stuck != nil {
			results = nil // their facts must wait behind the ones in the batch
		}
		var do func(now time.Time)
		select {
		case <-ctx.Done():
			return nil
		case c := <-commands:
			do = func(time.Time) {
				err := t.execute(ctx, c, stuck)
				answer = func() { c.reply <- err }
			}
		case r := <-results:
			do = func(time.Time) { t.take(r) }
		case do = <-posts:
		case <-timer.C:
			do = func(time.Time) {}
		}
		now := t.cfg.Clock.Now()
		if gap := now.Round(0).Sub(last.Round(0)) - now.Sub(last); gap.Abs() > asleep {
			t.clockSeen.Store(false)
			t.core.slept(gap)
		}
		if !t.clockSeen.Load() && (!t.core.readOnly || t.cfg.Idle) && now.Sub(probed) >= probeEvery {
			probed = now
			probe()
		}
		last = now
		do(now)
		var wake time.Time
		wake, stuck = t.settle(ctx, now, stuck != nil, &calls)
		t.publish(now, stuck)
		t.keepHead(ctx, now, &calls)
		answer()
		timer.Stop()
		switch {
		case stuck != nil:
			timer.Reset(stuckRetry)
		case !wake.IsZero() && wake.Sub(now) < idleTick:
			timer.Reset(max(0, wake.Sub(t.cfg.Clock.Now())))
		default:
			timer.Reset(idleTick)
		}
	}
}

// settle commits what is waiting, starts what is due, commits the intents of
// that, and only then lets the calls go out. A till whose journal cannot be
// written sends nothing.
func (t *Till) settle(ctx context.Context, now time.Time, wasStuck bool, calls *sync.WaitGroup) (time.Time, error) {
	if t.core.readOnly {
		return time.Time{}, nil
	}
	if err := t.mend(now); err != nil {
		if !wasStuck {
			t.cfg.Log.Error("nobody knows what the journal holds; everything waits", "err", err)
		}
		t.core.withdraw(now)
		return time.Time{}, err
	}
	if err := t.commit(ctx); err != nil {
		if !wasStuck {
			t.cfg.Log.Error("journal cannot be written; everything waits", "err", err)
		} else if !errors.Is(err, ErrJournalFull) && !errors.Is(err, ErrJournalReadOnly) {
			t.core.dropBodies() // the facts are the money; their raw text is not worth a standstill
		}
		t.core.withdraw(now)
		return time.Time{}, err
	}
	wake := t.core.tick(now)
	if err := t.commit(ctx); err != nil {
		t.cfg.Log.Error("journal cannot be written; everything waits", "err", err)
		t.core.withdraw(now)
		return time.Time{}, err
	}
	for _, c := range t.core.calls {
		calls.Go(func() { t.perform(ctx, c) })
	}
	t.core.calls = nil
	t.core.forget()
	if t.cfg.Journal.State() != nil {
		if again := now.Add(refillEvery); wake.IsZero() || again.Before(wake) {
			wake = again
		}
	}
	return wake, nil
}

// execute applies a command and commits it; on any error nothing has happened.
func (t *Till) execute(ctx context.Context, c command, stuck error) error {
	if stuck != nil {
		return journalError("write journal", stuck)
	}
	// What the start found is no part of the command, which may take itself back.
	if err := t.commit(ctx); err != nil {
		return journalError("write journal", err)
	}
	if err := c.do(t.cfg.Clock.Now()); err != nil {
		t.core.rollback()
		return err
	}
	if err := t.commit(ctx); err != nil {
		t.core.rollback()
		if errors.Is(err, ErrDuplicateNotice) {
			return nil
		}
		return journalError("write journal", err)
	}
	return nil
}

func (t *Till) take(r result) {
	now := t.cfg.Clock.Now()
	switch {
	case r.listing != nil:
		t.core.listed(r, now)
	case r.lookup != nil:
		t.core.found(r, now)
	case r.refund != "":
		t.core.refundAnswered(r, now)
	default:
		t.core.answered(r, now)
	}
	if t.core.clock.known && !t.core.clock.guessed {
		t.clockSeen.Store(true)
	}
}

// perform makes one call and hands its answer to Run.
func (t *Till) perform(ctx context.Context, c call) {
	timeout := queryTimeout
	if c.listing != nil || c.op == opCreate && !c.again || c.op == opRefund || c.op == opRevoke {
		timeout = createTimeout
	}
	callCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r := result{call: c, sent: t.cfg.Clock.Now()}
	g := t.cfg.Gateway
	switch c.op {
	case opCreate:
		r.answer = g.Create(callCtx, c.biz, c.at)
	case opQuery:
		r.answer = g.Query(callCtx, c.sale, c.at)
	case opCancel:
		r.answer = g.Cancel(callCtx, c.sale, c.at)
	case opRevoke:
		r.answer = g.Revoke(callCtx, c.sale, c.at)
	case opRefund:
		r.answer = g.Refund(callCtx, c.biz, c.at)
	case opQueryRefund:
		r.answer = g.QueryRefund(callCtx, c.refund, c.at)
	case opListOrders:
		r.answer = t.cfg.Archive.ListOrders(callCtx, c.day, c.page, c.at)
	case opListRefunds:
		r.answer = t.cfg.Archive.ListRefunds(callCtx, c.day, c.page, c.at)
	case opFind:
		r.answer = t.cfg.Archive.FindOrder(callCtx, c.lookup.number, c.provider, c.at)
	}
	r.received = t.cfg.Clock.Now()
	select {
	case t.results <- r:
	case <-ctx.Done():
	}
}

// probe asks the gateway for its clock.
func (t *Till) probe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	sent := t.cfg.Clock.Now()
	date, err := t.cfg.Gateway.Time(ctx)
	if err != nil {
		t.cfg.Log.Warn("gateway clock not read", "err", err)
		t.apply(ctx, func(time.Time) { t.core.hop.Gateway = HopFailing })
		return
	}
	received := t.cfg.Clock.Now()
	// Wait until the core has it: a charge that asked for the clock uses it.
	t.apply(ctx, func(time.Time) {
		t.core.clock.observe(date, sent, received)
		t.core.hop.Gateway, t.core.hop.GatewaySince = HopLive, received
		t.clockSeen.Store(true)
	})
}

// submit lets Run apply do and waits for the commit.
func (t *Till) submit(ctx context.Context, do func(now time.Time) error) error {
	c := command{do: do, reply: make(chan error, 1)}
	select {
	case t.commands <- c:
	case <-ctx.Done():
		return &Error{Code: CodeStopped, Op: "wait for the till", Err: ctx.Err()}
	case <-t.done:
		return &Error{Code: CodeStopped, Op: "wait for the till"}
	}
	return <-c.reply
}

// apply lets Run change what is in memory only, also while the journal cannot
// be written, and waits until it has.
func (t *Till) apply(ctx context.Context, do func(now time.Time)) {
	applied := make(chan struct{})
	select {
	case t.posts <- func(now time.Time) { do(now); close(applied) }:
	case <-ctx.Done():
		return
	case <-t.done:
		return
	}
	select {
	case <-applied:
	case <-ctx.Done():
	case <-t.done:
	}
}

// post hands a change of the screens' state to Run without waiting.
func (t *Till) post(do func(now time.Time)) {
	select {
	case t.posts <- do:
	case <-t.done:
	}
}

// View returns the newest picture; it is never nil.
func (t *Till) View() *View { return t.current.Load() }

// Changes returns a channel that gets a signal after the view changed;
// signals that were not read are merged. The function ends the subscription.
func (t *Till) Changes() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	t.mu.Lock()
	t.watchers[ch] = struct{}{}
	t.mu.Unlock()
	return ch, func() {
		t.mu.Lock()
		delete(t.watchers, ch)
		t.mu.Unlock()
	}
}

func (t *Till) publish(now time.Time, stuck error) {
	v := t.core.view(now, t.trading(stuck))
	if stuck != nil {
		// The core is ahead of the journal: what is not committed is not shown.
		v = t.core.stale(t.current.Load(), now, t.trading(stuck))
	}
	t.current.Store(v)
	t.mu.Lock()
	defer t.mu.Unlock()
	for ch := range t.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}
