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
