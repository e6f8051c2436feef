package pos

import (
	"context"
	"errors"
	"time"
)

// mend tries to lift what restricts the journal. Nothing may be decided before
// it is certain what the journal holds.
func (t *Till) mend(now time.Time) error {
	state := t.cfg.Journal.State()
	unsure := errors.Is(state, ErrJournalUnsure)
	if !unsure && (!errors.Is(state, ErrJournalFull) || now.Sub(t.refilled) < refillEvery) {
		return nil
	}
	t.refilled = now
	err := t.cfg.Journal.Refill()
	if err == nil {
		t.cfg.Log.Info("the journal can be written again")
	}
	if errors.Is(err, ErrJournalUnsure) {
		return err
	}
	return nil
}

// commit writes the batch, if there is one.
func (t *Till) commit(ctx context.Context) error {
	b := t.core.batch
	if len(b.Facts) == 0 && b.Cursor == nil && len(b.Polls) == 0 && len(b.PINs) == 0 {
		t.core.undo = nil
		return nil
	}
	// A batch in flight is finished even while the till is being closed.
	events, err := t.cfg.Journal.Record(context.WithoutCancel(ctx), b)
	if err != nil {
		return err
	}
	t.core.committed(events)
	return nil
}

// trading is nil when sales may be made, else the reason why not.
func (t *Till) trading(stuck error) *Error {
	if stuck == nil {
		stuck = t.cfg.Journal.State()
	}
	if stuck == nil && t.cfg.Idle {
		stuck = ErrJournalReadOnly
	}
	if stuck == nil {
		return nil
	}
	return journalError("write journal", stuck)
}

// journalError gives a journal's trouble its code.
func journalError(op string, err error) *Error {
	code := CodeJournal
	switch {
	case errors.Is(err, ErrJournalUnsure):
		code = CodeJournalUnsure
	case errors.Is(err, ErrJournalFull):
		code = CodeJournalFull
	case errors.Is(err, ErrJournalReadOnly):
		code = CodeJournalRead
	case errors.Is(err, ErrJournalLocked):
		code = CodeJournalLocked
	case errors.Is(err, ErrJournalNewer):
		code = CodeJournalNewer
	case errors.Is(err, ErrJournalDamaged):
		code = CodeJournalDamaged
	}
	return &Error{Code: code, Op: op, Err: err}
}
