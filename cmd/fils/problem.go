package fils

import (
	"errors"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
)

// problem gives whatever keeps the till from opening the code that a screen
// words.
func problem(err error) *pos.Error {
	var p *pos.Error
	if errors.As(err, &p) {
		return p
	}
	if s, ok := setup.ProblemOf(err); ok {
		return &pos.Error{Code: pos.Code(s), Op: "open settings", Err: err}
	}
	for _, known := range []struct {
		err  error
		code pos.Code
	}{
		{pos.ErrJournalDamaged, pos.CodeJournalDamaged},
		{pos.ErrJournalNewer, pos.CodeJournalNewer},
		{pos.ErrJournalLocked, pos.CodeJournalLocked},
		{pos.ErrJournalFull, pos.CodeJournalFull},
		{pos.ErrJournalReadOnly, pos.CodeJournalRead},
	} {
		if errors.Is(err, known.err) {
			return &pos.Error{Code: known.code, Op: "open journal", Err: err}
		}
	}
	return &pos.Error{Code: pos.CodeInternal, Op: "open till", Err: err}
}

// journalProblem is that of a journal which does not open. What has no code of
// its own is the disk's, not the program's.
func journalProblem(err error) error {
	p := problem(err)
	if p.Code == pos.CodeInternal {
		p.Code, p.Op = pos.CodeJournal, "open journal"
	}
	return p
}
