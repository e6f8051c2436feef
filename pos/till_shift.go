package pos

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// tallyChunk is how many events a tally reads at once.
const tallyChunk = 1000

// OpenShift opens the next shift for by and returns it. While one is open that
// one is returned and nothing changes.
//
// A till that is forgotten blocks no queue: the first charge or refund while
// no shift is open opens one by itself, in the name of who made it. No shift
// is ever closed by itself. On a till with an owner by is an active
// [MemberID]; no PIN is needed.
func (t *Till) OpenShift(ctx context.Context, by string) (Shift, error) {
	if e := t.View().Trading; e != nil {
		return Shift{}, e
	}
	err := t.submit(ctx, func(now time.Time) error {
		if err := t.core.may("open shift", PermitCharge, by); err != nil {
			return err
		}
		if !t.core.shift.Open() {
			t.core.openShift(by, false, now)
		}
		return nil
	})
	if err != nil {
		return Shift{}, err
	}
	list, err := t.cfg.Journal.Shifts(ctx, 0, 1)
	if err == nil && len(list) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Shift{}, journalError("read shift", err)
	}
	return list[0], nil
}

// CloseShift closes shift number and returns its Z as the journal sealed it.
// The number says which shift the person who closes it has seen: when it is
// closed already, by another window or before a crash, the same Z is returned
// and nothing changes, whatever shift is open by then. What is open in the
// shift is carried forward; an empty shift closes, too. [CodeNotFound] means
// that there never was such a shift. A till with an owner needs an approval:
// see [Till.CloseShiftWith].
func (t *Till) CloseShift(ctx context.Context, number int64, by string) (Z, error) {
	return t.CloseShiftWith(ctx, Approval{}, number, by)
}

// CloseShiftWith is CloseShift on an approval for [PermitShift], which a till
// with an owner needs; whoever gave it is recorded as who closed the shift.
// The approval is used up also when the shift was closed already: its figures
// are what the PIN was given for.
//
// First the provider's pages are read, which takes a few seconds, and the Z
// carries what they say ([Z.Check]). A provider that cannot be reached holds no
// shift open: after at most two minutes it is closed unchecked.
func (t *Till) CloseShiftWith(ctx context.Context, a Approval, number int64, by string) (Z, error) {
	z, err := t.Z(ctx, number)
	var e *Error
	open := errors.As(err, &e) && e.Code == CodeShiftOpen
	if err != nil && !open {
		return Z{}, err
	}
	if e := t.View().Trading; open && e != nil {
		return Z{}, e
	}
	err = t.submit(ctx, func(now time.Time) error {
		given, err := t.core.spend("close shift", PermitShift, a, now)
		by = given.or(by)
		return err
	})
	if err != nil || !open {
		return z, err
	}
	check := t.checkPages(ctx)
	// The day is added up here, beside the till's work; what comes in
	// meanwhile is added when nothing more can come in between.
	y, err := t.tally(ctx)
	if err != nil {
		return Z{}, err
	}
	err = t.submit(ctx, func(now time.Time) error { return t.core.closeShift(ctx, y, number, by, check, now) })
	if err != nil && !errors.Is(err, errShiftClosed) { // by another window meanwhile
		return Z{}, err
	}
	return t.Z(ctx, number)
}

// X is the tally of the open shift so far; it changes nothing. While no shift
// is open it shows what has happened since the last Z. A till with an owner
// needs an approval: see [Till.XWith].
func (t *Till) X(ctx context.Context) (Z, error) { return t.XWith(ctx, Approval{}) }

// XWith is X on an approval for [PermitShift], which a till with an owner
// needs.
func (t *Till) XWith(ctx context.Context, a Approval) (Z, error) {
	// Without members there is nothing to ask, and an X is shown also while
	// nothing can be written.
	if len(t.View().Staff) > 0 {
		err := t.submit(ctx, func(now time.Time) error {
			_, err := t.core.spend("read X", PermitShift, a, now)
			return err
		})
		if err != nil {
			return Z{}, err
		}
	}
	y, err := t.tally(ctx)
	if err != nil {
		return Z{}, err
	}
	return y.Z(), nil
}

// Z returns the sealed Z of a shift. It fails with [CodeShiftOpen] while the
// shift is open and with [CodeNotFound] when there was none.
func (t *Till) Z(ctx context.Context, number int64) (Z, error) {
	return ReadSealed(ctx, t.cfg.Journal, number)
}

// ReadSealed reads the Z of a shift without a till; see [Till.Z].
func ReadSealed(ctx context.Context, chain Chain, number int64) (Z, error) {
	list, err := chain.Shifts(ctx, number+1, 1)
	switch {
	case err != nil:
		return Z{}, journalError("read shift", err)
	case number <= 0 || len(list) == 0 || list[0].Number != number:
		return Z{}, &Error{Code: CodeNotFound, Op: "read Z"}
	case list[0].Open():
		return Z{}, &Error{Code: CodeShiftOpen, Op: "read Z"}
	}
	z, err := sealed(ctx, chain, list[0])
	if err != nil {
		return Z{}, journalError("read Z", err)
	}
	return z, nil
}

// Shifts lists shifts numbered below before, newest first; before zero begins
// with the last one. The totals of closed ones are those of their Z. limit is
// 50 when zero and at most 500.
func (t *Till) Shifts(ctx context.Context, before int64, limit int) ([]Shift, error) {
	list, err := t.cfg.Journal.Shifts(ctx, before, limit)
	if err != nil {
		return nil, journalError("list shifts", err)
	}
	return list, nil
}

// sealed reads the Z of a closed shift.
func sealed(ctx context.Context, chain Chain, s Shift) (Z, error) {
	events, err := chain.Events(ctx, s.Closed, s.Closed)
	if err != nil {
		return Z{}, err
	}
	if len(events) != 1 || events[0].Hash != events[0].Sum() {
		return Z{}, fmt.Errorf("%w: the Z of shift %d is not there", ErrJournalDamaged, s.Number)
	}
	z, err := ReadZ(events[0])
	if err == nil && (z.Number != s.Number || z.From != s.From) {
		err = fmt.Errorf("%w: event %d is the Z of shift %d, not %d", ErrJournalDamaged, s.Closed, z.Number, s.Number)
	}
	return z, err
}

// tally adds up everything since the last Z.
func (t *Till) tally(ctx context.Context) (*Tally, error) {
	return tallyOf(ctx, t.cfg.Journal, t.cfg.Location, t.cfg.CutOff)
}

// Records are a journal that is only read.
type Records interface {
	Reader
	Chain
}

// ReadX takes the X of a journal without a till, also while a till writes; see
// [Till.X]. It asks nobody for a PIN. Errors are *[Error].
func ReadX(ctx context.Context, records Records, location *time.Location, cutOff time.Duration) (Z, error) {
	y, err := tallyOf(ctx, records, location, cutOff)
	if err != nil {
		return Z{}, err
	}
	return y.Z(), nil
}

// LastZ reads the newest sealed Z of a journal; nil before the first one. It
// asks nobody for a PIN.
func LastZ(ctx context.Context, records Records) (*Z, error) {
	z, err := lastZ(ctx, records)
	if err != nil {
		return nil, journalError("read Z", err)
	}
	return z, nil
}

func tallyOf(ctx context.Context, j Records, location *time.Location, cutOff time.Duration) (*Tally, error) {
	for {
		previous, err := lastZ(ctx, j)
		if err == nil {
			y := NewTally(previous, location, cutOff, j.Story)
			if err = y.follow(ctx, j); err == nil {
				return y, nil
			}
		}
		if !errors.Is(err, errShiftClosed) {
			return nil, journalError("tally", err)
		}
		// Somebody closed the shift meanwhile: begin behind its Z.
	}
}

// lastZ is nil before the first one.
func lastZ(ctx context.Context, j Chain) (*Z, error) {
	list, err := j.Shifts(ctx, 0, 2)
	if err != nil {
		return nil, err
	}
	for _, s := range list {
		if !s.Open() {
			z, err := sealed(ctx, j, s)
			if err != nil {
				return nil, err
			}
			return &z, nil
		}
	}
	return nil, nil
}

// follow adds what the chain holds by now.
func (t *Tally) follow(ctx context.Context, chain Chain) error {
	for {
		events, err := chain.Events(ctx, t.Next(), t.Next()+tallyChunk-1)
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := t.Add(ctx, e); err != nil {
				return err
			}
		}
		if len(events) < tallyChunk {
			return nil
		}
	}
}

// openShift records that the next shift begins.
func (c *core) openShift(by string, byItself bool, now time.Time) {
	c.batch.Facts = append(c.batch.Facts, Fact{
		Kind: ShiftOpened, At: now.UTC().Truncate(time.Millisecond), By: by,
		Shift: &ShiftFact{Number: c.shift.Number + 1, BusinessDate: c.today(c.clock.now(now)), ByItself: byItself},
	})
}

// needShift opens a shift by itself when none is open.
func (c *core) needShift(by string, now time.Time) {
	if c.shift.Open() {
		return
	}
	for _, f := range c.batch.Facts {
		if f.Kind == ShiftOpened {
			return
		}
	}
	c.openShift(by, true, now)
}

// shiftName is the number of the shift that a sale or refund begun now
// belongs to.
func (c *core) shiftName() string {
	number := c.shift.Number
	if !c.shift.Open() {
		number++
	}
	return strconv.FormatInt(number, 10)
}

func (c *core) today(at time.Time) string { return businessDate(at, c.cfg.Location, c.cfg.CutOff) }

// closeShift seals what y has added up and what came in since.
func (c *core) closeShift(ctx context.Context, y *Tally, number int64, by string, check *PageCheck, now time.Time) error {
	if !c.shift.Open() || c.shift.Number != number {
		return errShiftClosed
	}
	if err := y.follow(ctx, c.cfg.Journal); err != nil {
		if errors.Is(err, errShiftClosed) {
			return err
		}
		return journalError("tally", err)
	}
	z := y.Z()
	if z.Number != number || len(c.batch.Facts) > 0 {
		// A fact in front of the seal would be in no Z.
		return &Error{Code: CodeInternal, Op: "close shift"}
	}
	z.Check = check
	z.ClosedAt, z.ClosedBy = now.UTC().Truncate(time.Millisecond), by
	c.batch.Facts = append(c.batch.Facts, Fact{Kind: ShiftClosed, At: z.ClosedAt, By: by, Z: &z})
	return nil
}

func (c *core) shiftView(now time.Time) *ShiftView {
	s := c.shift
	if !s.Open() {
		return nil
	}
	return &ShiftView{
		Number: s.Number, OpenedAt: s.OpenedAt, OpenedBy: s.OpenedBy, BusinessDate: s.BusinessDate,
		Overdue: s.BusinessDate != c.today(c.clock.now(now)),
	}
}
