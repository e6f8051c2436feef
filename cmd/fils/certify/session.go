package certify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/filspos/fils/pos"
)

// Session plays the cases on one till. All members but Cases and Say are
// required.
type Session struct {
	Bench *Bench
	// Till must be running, with its gateway, transport and relay on Bench.
	Till    *pos.Till
	Journal pos.Reader
	Payer   Payer
	Now     func() time.Time
	// Window is the till's payment window.
	Window time.Duration
	// Cashier is who charges.
	Cashier string
	// Amount is charged where no password is asked for, PasswordAmount where
	// one is: AED 500 or more.
	Amount, PasswordAmount pos.Fils
	// Relay tells that notifications reach this till; Heard that Bench hears
	// what the relay answers.
	Relay, Heard bool
	// Silent lets what fails give no answer instead of SYSTEM_ERROR.
	Silent bool
	// Cases are the ids to play; empty means all.
	Cases []string
	// Say hears about progress, one line at a time; nil hears nothing.
	Say func(line string)
}

const (
	// tick bounds how long a case waits before it looks again.
	tick = 200 * time.Millisecond
	// overdue is how long after its window a sale may take to end.
	overdue = time.Minute
	// clearing is how long an order is given to close after its case.
	clearing = 2 * time.Minute
	// readiness is how long a till waits for its relay.
	readiness = 20 * time.Second
)

// Run plays the cases in order and returns what each showed. After an error,
// which is a person's interrupt or the till's own trouble, it returns the cases
// so far, the last of them not run.
func (s *Session) Run(ctx context.Context) ([]Case, error) {
	if s.Say == nil {
		s.Say = func(string) {}
	}
	all := scenarios(s.Silent)
	for _, id := range s.Cases {
		if !Known(id) {
			return nil, noCase(id)
		}
	}
	if s.Relay {
		if err := s.live(ctx); err != nil {
			return nil, err
		}
	}
	var cases []Case
	for _, sc := range all {
		if len(s.Cases) > 0 && !slices.Contains(s.Cases, sc.id) {
			continue
		}
		if sc.needsRelay && !s.Relay {
			cases = append(cases, Case{ID: sc.id, Title: sc.title, Story: sc.story, Result: NotRun, Note: "no relay is paired"})
			s.Say(fmt.Sprintf("case %s  not run: no relay is paired", sc.id))
			continue
		}
		c, err := s.play(ctx, sc)
		if err != nil {
			cases = append(cases, Case{ID: sc.id, Title: sc.title, Story: sc.story, Result: NotRun, Note: "it was stopped before its end"})
			return cases, fmt.Errorf("case %s: %w", sc.id, err)
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// live waits until the relay brings notifications; without it case 009 fails
// by itself.
func (s *Session) live(ctx context.Context) error {
	end := s.Now().Add(readiness)
	changes, stop := s.Till.Changes()
	defer stop()
	for s.Till.View().Hop.Relay != pos.HopLive && s.Now().Before(end) {
		if err := wait(ctx, changes); err != nil {
			return err
		}
	}
	return nil
}

// wait returns when the till has changed, or after a tick.
func wait(ctx context.Context, changes <-chan struct{}) error {
	timer := time.NewTimer(tick)
	defer timer.Stop()
	select {
	case <-changes:
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// play runs one case from the first key press until its order is cleared away.
func (s *Session) play(ctx context.Context, sc scenario) (Case, error) {
	amount := s.Amount
	if sc.password {
		amount = s.PasswordAmount
	}
	if sc.customer != customerAbsent {
		if err := s.Payer.Ready(ctx, sc.id, sc.story); err != nil {
			return Case{}, err
		}
	}
	s.Say(fmt.Sprintf("case %s  %s: %s", sc.id, sc.title, sc.story))
	defer s.Bench.heal()
	s.Bench.spoil(sc.faults...)
	if sc.hold {
		s.Bench.hold()
	}
	began := s.Now()
	no, err := s.Till.Charge(ctx, pos.ChargeRequest{
		Amount: amount, Reference: "case " + sc.id, Cashier: s.Cashier, Confirmed: true,
	})
	if err != nil {
		return Case{}, err
	}
	s.Bench.aim(no)
	if err := s.follow(ctx, sc, no, amount, began); err != nil {
		return Case{}, err
	}
	over, shown := s.Now().UTC(), s.look(no, began).sale.Sale.State
	answers := s.Bench.answeredSince(began.UTC())
	s.Bench.heal()
	sale, err := s.clear(ctx, no)
	if err != nil {
		return Case{}, err
	}
	e, err := s.evidence(ctx, sale, over)
	if err != nil {
		return Case{}, err
	}
	if s.Heard {
		e.answers = append([]answered{}, answers...)
	}
	c := newCase(sc.id, sc.title, sc.story, e)
	c.Shown, c.Final = shown, sale.State
	s.Say(fmt.Sprintf("case %s  %s  (%s)", sc.id, c.Result, Span(s.Now().Sub(began)).Whole()))
	return c, nil
}

// follow waits for the end of the case, and is the customer in between.
func (s *Session) follow(ctx context.Context, sc scenario, no pos.SaleNo, amount pos.Fils, began time.Time) error {
	changes, stop := s.Till.Changes()
	defer stop()
	deadline := began.Add(s.Window + overdue)
	var offered, watchUntil time.Time
	acted := sc.customer == customerAbsent
	for {
		now := s.Now()
		at := s.look(no, began)
		if at.sale.QR != "" && offered.IsZero() {
			offered = now
		}
		if !acted && !offered.IsZero() && !now.Before(offered.Add(s.Payer.Thinks())) {
			acted = true
			if err := s.act(ctx, sc, Offer{Sale: no, Amount: amount, Token: at.sale.QR}); err != nil {
				return err
			}
		}
		if watchUntil.IsZero() && sc.over(at) {
			watchUntil = now.Add(sc.watch)
		}
		if !watchUntil.IsZero() && (!now.Before(watchUntil) || sc.watch > 0 && s.closing(at, now)) || now.After(deadline) {
			return nil
		}
		if err := wait(ctx, changes); err != nil {
			return err
		}
	}
}

// closing reports that the window of a watched sale is about to end: the close
// that follows belongs to no case about queries.
func (s *Session) closing(at seen, now time.Time) bool {
	d := at.sale.Deadline
	return !d.IsZero() && !now.Before(d.Add(-2*tick))
}

func (s *Session) act(ctx context.Context, sc scenario, o Offer) error {
	if o.Token == "" {
		return nil // the code is gone again: nobody can pay
	}
	if sc.customer == customerPays {
		return s.Payer.Pay(ctx, o)
	}
	return s.Payer.GiveUp(ctx, o)
}

// look is the till's picture of the sale, and the bench's.
func (s *Session) look(no pos.SaleNo, began time.Time) seen {
	v := s.Till.View()
	at := seen{alerts: v.Alerts, heard: !s.Heard || len(s.Bench.answeredSince(began.UTC())) > 0}
	if sale := find(v, no); sale != nil {
		at.sale = *sale
	}
	for _, c := range s.Bench.seen(no) {
		switch c.Operation {
		case opQuery:
			at.queries = append(at.queries, c)
		case opNotice:
			at.notices++
		}
	}
	return at
}

func find(v *pos.View, no pos.SaleNo) *pos.SaleView {
	if v.Front != nil && v.Front.Sale.No == no {
		return v.Front
	}
	for _, list := range [][]pos.SaleView{v.Cards, v.Recent} {
		for i := range list {
			if list[i].Sale.No == no {
				return &list[i]
			}
		}
	}
	return nil
}

// errLeft is an order that could not be closed.
var errLeft = errors.New("its order is still open; the till that has this journal follows it")

// clear ends the order of a case, so that nothing is left payable.
func (s *Session) clear(ctx context.Context, no pos.SaleNo) (pos.Sale, error) {
	changes, stop := s.Till.Changes()
	defer stop()
	end := s.Now().Add(clearing)
	for {
		sale, err := s.Journal.Sale(ctx, no)
		if err != nil {
			return pos.Sale{}, err
		}
		if sale.State.Final() {
			s.Till.Dismiss(no)
			return sale, nil
		}
		if (sale.State == pos.SaleCreating || sale.State == pos.SaleAwaiting) && sale.Aborted == "" {
			if err := s.Till.Abort(ctx, no, s.Cashier); err != nil && !isNotOpen(err) {
				return pos.Sale{}, err
			}
		}
		if s.Now().After(end) {
			return pos.Sale{}, fmt.Errorf("sale %s: %w", no, errLeft)
		}
		if err := wait(ctx, changes); err != nil {
			return pos.Sale{}, err
		}
	}
}

// isNotOpen is a sale that ended by itself meanwhile.
func isNotOpen(err error) bool {
	var e *pos.Error
	return errors.As(err, &e) && e.Code == pos.CodeNotOpen
}

// evidence gathers what bench and journal hold of the sale, alerts until the
// case was over.
func (s *Session) evidence(ctx context.Context, sale pos.Sale, over time.Time) (evidence, error) {
	e := evidence{amount: sale.Intent.Amount, state: sale.State, calls: s.Bench.seen(sale.No)}
	for _, w := range sale.Witnesses {
		e.sources = append(e.sources, w.Source)
	}
	alerts, err := alertsOf(ctx, s.Journal, sale.No)
	for _, a := range alerts {
		if !a.At.After(over) {
			e.alerts = append(e.alerts, a)
		}
	}
	return e, err
}

// alertsOf reads from the journal which alerts a sale raised.
func alertsOf(ctx context.Context, j pos.Reader, no pos.SaleNo) ([]Notified, error) {
	story, err := j.Story(ctx, no)
	if err != nil {
		return nil, err
	}
	var out []Notified
	for _, ev := range story {
		if ev.Kind != pos.AlertRaised {
			continue
		}
		f, err := ev.Fact()
		if err != nil {
			return nil, err
		}
		if f.Alert != nil {
			out = append(out, Notified{f.Alert.Kind, f.At.UTC()})
		}
	}
	return out, nil
}
