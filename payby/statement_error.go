package payby

import (
	"errors"
	"fmt"
)

var (
	// ErrOtherMerchant matches a statement that names another Partner-Id.
	ErrOtherMerchant = errors.New("payby: statement of another merchant")
	// ErrNoStatementFile matches what a statement does not contain; the fund
	// file may be missing (protocol.md §14.2).
	ErrNoStatementFile = errors.New("payby: no such statement file")
	// ErrMissingPart matches a statement file with a gap in its numbered parts.
	ErrMissingPart = errors.New("payby: part of a statement file missing")
	// ErrOverflow matches a sum that does not fit; it is never wrapped around.
	ErrOverflow = errors.New("payby: sum too large")
)

// StatementError is the only error type of reading a statement. Its text is
// safe to log: it repeats no field of a row and no unknown column's name. The
// text of Err may hold a path of this machine.
type StatementError struct {
	File    string // name without folders, "" when it is about the whole set
	Line    int    // from 1, 0 when it is about the whole file
	Column  string // documented name, "" when it is about the whole line
	Problem string // what is wrong, in words
	// Row says that only this row is left out and the next can be read. After
	// any other error nothing that was read from the file counts.
	Row bool
	Err error // what kind of error, for errors.Is
}

func (e *StatementError) Error() string {
	s := "payby: statement"
	if e.File != "" {
		s += " file " + e.File
	}
	if e.Line > 0 {
		s += fmt.Sprintf(", line %d", e.Line)
	}
	if e.Column != "" {
		s += ", " + e.Column
	}
	return s + ": " + e.Problem
}

// Unwrap returns the kind of error.
func (e *StatementError) Unwrap() error { return e.Err }
