package payby

import (
	zipfile "archive/zip"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// Statement is one day's set of statement files (protocol.md §14): the
// transactions, their settlement and the movements of the balance. It holds no
// rows; every pass over them reads the files again, in memory that does not
// grow with their length.
//
// A Statement is not changed by reading. Passes may run at the same time when
// the underlying reader allows that, as *os.File does; it has to stay open as
// long as the Statement is used.
type Statement struct {
	options StatementOptions
	parts   map[StatementKind][]statementPart
}

// StatementKind is one of the three files of a day.
type StatementKind string

// The files of a day. A file of more than 50,000 rows comes in numbered parts.
// The fund file may be missing (protocol.md §14.2).
const (
	TransactionFile StatementKind = "transaction"
	SettlementFile  StatementKind = "settlement"
	FundFile        StatementKind = "fund"
)

// StatementVersion is the layout of a transaction or settlement file.
type StatementVersion int

// The layouts of protocol.md §14.3. The fund file has only one, and a file
// without rows may not tell: both have version 0.
const (
	StatementV1 StatementVersion = 1
	StatementV2 StatementVersion = 2
)

// StatementOptions says whose statement is expected and how much of it is
// read. A limit of 0 stands for the default.
type StatementOptions struct {
	// PartnerID is the own Partner-Id. A file that names another merchant is
	// refused with ErrOtherMerchant.
	PartnerID string
	// MaxZIP bounds the packed size in bytes (256 MiB).
	MaxZIP int64
	// MaxEntries bounds the entries of a ZIP, or the files given (1,000).
	MaxEntries int
	// MaxFile bounds the bytes of one unpacked part (256 MiB).
	MaxFile int64
	// MaxTotal bounds the bytes of all unpacked parts together (4 GiB).
	MaxTotal int64
}

func (o StatementOptions) withDefaults() StatementOptions {
	for _, d := range []struct {
		limit *int64
		value int64
	}{{&o.MaxZIP, 256 << 20}, {&o.MaxFile, 256 << 20}, {&o.MaxTotal, 4 << 30}} {
		if *d.limit <= 0 {
			*d.limit = d.value
		}
	}
	if o.MaxEntries <= 0 {
		o.MaxEntries = 1000
	}
	return o
}

func newStatement(o StatementOptions) (*Statement, error) {
	if o.PartnerID == "" {
		return nil, &StatementError{Problem: "the own Partner-Id is needed to read a statement", Err: ErrInvalid}
	}
	return &Statement{options: o.withDefaults(), parts: map[StatementKind][]statementPart{}}, nil
}

// StatementFile is a statement file outside a ZIP. Open is called for every
// pass over the rows.
type StatementFile struct {
	Name string
	Open func() (io.ReadCloser, error)
}

// OpenStatement reads the directory of a statement ZIP of the given size in
// bytes. Folders inside it are ignored, as is every file that is not named like
// a statement file; nothing is unpacked to disk. Every error is a
// *StatementError.
func OpenStatement(r io.ReaderAt, size int64, options StatementOptions) (*Statement, error) {
	s, err := newStatement(options)
	if err != nil {
		return nil, err
	}
	o := s.options
	if size > o.MaxZIP {
		return nil, &StatementError{Problem: "the ZIP is larger than allowed", Err: ErrTooLarge}
	}
	// The directory is kept in memory whole, and its length is the sender's
	// word: reading it gets a budget.
	budget := &budgetReader{r: r, left: 1<<20 + int64(o.MaxEntries)*1024}
	z, err := zipfile.NewReader(budget, size)
	if errors.Is(err, ErrTooLarge) || err == nil && len(z.File) > o.MaxEntries {
		return nil, &StatementError{Problem: "the ZIP has more entries than allowed", Err: ErrTooLarge}
	}
	if err != nil && !errors.Is(err, zipfile.ErrInsecurePath) {
		return nil, &StatementError{Problem: "this is no readable ZIP", Err: errors.Join(ErrMalformed, err)}
	}
	budget.left = -1
	total := uint64(0)
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		p, ok, err := s.take(baseName(f.Name))
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if !f.Mode().IsRegular() || f.Flags&1 != 0 {
			return nil, p.problem("is a link or encrypted", ErrMalformed)
		}
		total += min(f.UncompressedSize64, 1<<62)
		if f.UncompressedSize64 > uint64(o.MaxFile) || total > uint64(o.MaxTotal) {
			return nil, p.problem("is larger than allowed when unpacked", ErrTooLarge)
		}
		p.open = f.Open
		s.add(p)
	}
	return s.finish()
}

// OpenStatementFiles takes files that are already unpacked, the parts of any
// kinds in any order. Files that are not named like a statement file are
// ignored. Every error is a *StatementError.
func OpenStatementFiles(files []StatementFile, options StatementOptions) (*Statement, error) {
	s, err := newStatement(options)
	if err != nil {
		return nil, err
	}
	if len(files) > s.options.MaxEntries {
		return nil, &StatementError{Problem: "there are more files than allowed", Err: ErrTooLarge}
	}
	for _, f := range files {
		p, ok, err := s.take(baseName(f.Name))
		if err != nil {
			return nil, err
		}
		if ok {
			p.open = f.Open
			s.add(p)
		}
	}
	return s.finish()
}

// Has tells whether there is a file of the kind.
func (s *Statement) Has(kind StatementKind) bool { return len(s.parts[kind]) > 0 }

// Files returns the names of the parts of a file in their order.
func (s *Statement) Files(kind StatementKind) []string {
	var names []string
	for _, p := range s.parts[kind] {
		names = append(names, p.name)
	}
	return names
}

func (s *Statement) add(p statementPart) { s.parts[p.kind] = append(s.parts[p.kind], p) }

// finish puts the parts in order. A gap would be money left out in silence.
func (s *Statement) finish() (*Statement, error) {
	if len(s.parts) == 0 {
		return nil, &StatementError{Problem: "there is no statement file in it", Err: ErrNoStatementFile}
	}
	for _, parts := range s.parts {
		slices.SortFunc(parts, func(a, b statementPart) int { return a.number - b.number })
		for i, p := range parts {
			switch {
			case !strings.EqualFold(p.stem, parts[0].stem):
				return nil, p.problem("belongs to another day than "+parts[0].name, ErrMalformed)
			case i > 0 && p.number == parts[i-1].number:
				return nil, p.problem("is there twice", ErrMalformed)
			case p.number != i+1:
				return nil, p.problem(fmt.Sprintf("has part %03d missing before it", i+1), ErrMissingPart)
			}
		}
	}
	return s, nil
}

// statementPart is one numbered file of a kind.
type statementPart struct {
	kind   StatementKind
	name   string // without folders, safe to show
	stem   string // the name before the number
	number int    // 1 for 001
	open   func() (io.ReadCloser, error)
}

func (p statementPart) problem(text string, err error) *StatementError {
	return &StatementError{File: p.name, Problem: text, Err: err}
}

func baseName(name string) string { return path.Base(strings.ReplaceAll(name, `\`, "/")) }

// take reads a file name (protocol.md §14.2). The date in it is passed over,
// because it is sometimes the statement's day and sometimes the next.
func (s *Statement) take(name string) (p statementPart, ok bool, err error) {
	lower, csv := strings.CutSuffix(strings.ToLower(name), ".csv")
	if !csv {
		return p, false, nil
	}
	var rest string
	if rest, ok = strings.CutPrefix(lower, "purchase_settle_statement"); ok {
		p.kind = SettlementFile
	} else if rest, ok = strings.CutPrefix(lower, "purchase_statement"); ok {
		p.kind = TransactionFile
	} else {
		var owner string
		if owner, rest, ok = strings.Cut(lower, "_fund_statement"); !ok {
			return p, false, nil
		}
		p.kind = FundFile
		if owner, _, _ = strings.Cut(owner, "_"); owner != strings.ToLower(s.options.PartnerID) {
			return p, false, &StatementError{Problem: "the fund file is named for another merchant", Err: ErrOtherMerchant}
		}
	}
	// Lower case may be shorter than the name it came from: the Kelvin sign's is k.
	odd := strings.ContainsFunc(lower, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '.'
	})
	if odd || len(name) > 128 || len(name) != len(lower)+len(".csv") || rest != "" && rest[0] != '_' {
		return p, false, &StatementError{Problem: "a file is named almost like a " + string(p.kind) + " file", Err: ErrMalformed}
	}
	p.name, p.stem, p.number = name, name[:len(lower)], 1
	cut := strings.LastIndexByte(rest, '_')
	if cut < 0 || cut == 0 && p.kind != FundFile {
		return p, true, nil // a date alone, or nothing
	}
	digits := rest[cut+1:]
	if !shortNumber(digits, 6) {
		return p, false, p.problem("does not end in a part number", ErrMalformed)
	}
	p.number = 0
	for _, c := range digits {
		p.number = p.number*10 + int(c-'0')
	}
	p.stem = name[:len(lower)-len(digits)]
	return p, true, nil
}

// budgetReader refuses to read on when its budget is spent; a negative one
// never is.
type budgetReader struct {
	r    io.ReaderAt
	left int64
}

func (b *budgetReader) ReadAt(p []byte, off int64) (int, error) {
	if b.left >= 0 {
		if int64(len(p)) > b.left {
			return 0, ErrTooLarge
		}
		b.left -= int64(len(p))
	}
	return b.r.ReadAt(p, off)
}
