package payby

import (
	"bufio"
	"bytes"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

// statementLayout is what the two versions of a file have in common: the
// documented names, of which some have to be there.
type statementLayout struct {
	kind            StatementKind
	keyed           bool     // the summary is key:value, not names above values
	counts          []string // what the summary calls the number of rows
	summary         []string
	summaryRequired []string
	columns         []string
	required        []string
}

// record is one line with a name for each field.
type record struct {
	part   int
	file   string
	line   int
	fields [][]byte
	at     map[string]int // documented name -> index in fields
	err    *StatementError
}

// sheet is one pass over the parts of a file. Its user closes it.
type sheet struct {
	s       *Statement
	layout  *statementLayout
	parts   []statementPart
	buffer  *bufio.Reader
	part    int // index of the open part
	file    io.Closer
	lines   lineReader
	limited limitReader
	left    int64 // bytes of MaxTotal that no part has been given yet

	heads   []record // the summaries seen so far, one for each part that has one
	names   []string // the header row, folded, as it was in the last part with one
	at      map[string]int
	version StatementVersion
	row     record
	waiting []byte // a row that was found where a header might have been
	waitsAt int
}

func (s *Statement) sheet(layout *statementLayout) (*sheet, error) {
	if !s.Has(layout.kind) {
		return nil, &StatementError{Problem: "it contains no " + string(layout.kind) + " file", Err: ErrNoStatementFile}
	}
	sh := &sheet{
		s: s, layout: layout, parts: s.parts[layout.kind], left: s.options.MaxTotal,
		buffer: bufio.NewReaderSize(nil, longestLine),
	}
	if err := sh.open(0); err != nil {
		sh.close()
		return nil, err
	}
	return sh, nil
}

func (sh *sheet) close() {
	if sh.file != nil {
		_ = sh.file.Close() // only read from
		sh.file = nil
	}
}

func (sh *sheet) fail(line int, column, problem string) *StatementError {
	return &StatementError{File: sh.parts[sh.part].name, Line: line, Column: column, Problem: problem, Err: ErrMalformed}
}

func (sh *sheet) open(part int) error {
	sh.close()
	sh.part = part
	name := sh.parts[part].name
	f, err := sh.parts[part].open()
	if err != nil {
		return &StatementError{File: name, Problem: "cannot be opened", Err: err}
	}
	sh.file = f
	sh.limited = limitReader{
		r: f, left: min(sh.s.options.MaxFile, sh.left),
		err: &StatementError{File: name, Problem: "is larger than allowed", Err: ErrTooLarge},
	}
	sh.left -= sh.limited.left
	sh.buffer.Reset(&sh.limited)
	sh.lines = lineReader{in: sh.buffer, file: name, current: sh.lines.current, ahead: sh.lines.ahead}
	return sh.preamble()
}

// preamble reads the lines above the rows. Whether parts after the first have
// them is not published (protocol.md §14.2), so there they are optional.
func (sh *sheet) preamble() error {
	line, number, err := sh.lines.next()
	if err == io.EOF {
		return sh.fail(0, "", "is empty")
	}
	if err != nil {
		return err
	}
	switch {
	case sh.isSummary(line):
		if err := sh.readSummary(line, number); err != nil {
			return err
		}
		line, number, err = sh.lines.next()
		if err == io.EOF {
			return sh.withoutHeader()
		}
		if err != nil {
			return err
		}
	case sh.part == 0:
		return sh.fail(number, "", "the first line is not the summary of a "+string(sh.layout.kind)+" file")
	}
	if sh.part == 0 || sh.isHeader(line) {
		return sh.readHeader(line, number)
	}
	if sh.at == nil {
		return sh.fail(number, "", "there are rows but no column names")
	}
	sh.waiting, sh.waitsAt = line, number
	return nil
}

// withoutHeader takes a summary alone for a day without rows, but not when the
// summary says otherwise.
func (sh *sheet) withoutHeader() error {
	head := &sh.heads[len(sh.heads)-1]
	for _, count := range sh.layout.counts {
		if n := head.number(count); head.err != nil {
			return head.err
		} else if sh.part == 0 && n > 0 {
			return sh.fail(head.line, count, "the file ends after the summary, which promises rows")
		}
	}
	return nil
}

func fold(field []byte) string { return strings.ToLower(string(bytes.TrimSpace(field))) }

// isSummary needs two known names and after the first part, where a row may
// stand instead, one of them to be a count.
func (sh *sheet) isSummary(line []byte) bool {
	counted, known := false, 0
	for field := range bytes.SplitSeq(line, []byte("|")) {
		if sh.layout.keyed {
			var colon bool
			if field, _, colon = bytes.Cut(field, []byte(":")); !colon {
				continue
			}
		}
		name := fold(field)
		counted = counted || name == strings.ToLower(sh.layout.counts[0])
		if slices.ContainsFunc(sh.layout.summary, func(s string) bool { return strings.ToLower(s) == name }) {
			known++
		}
	}
	return known >= 2 && (counted || sh.part == 0)
}

func isName(b []byte) bool {
	b = bytes.TrimSpace(b)
	return len(b) > 0 && !bytes.ContainsFunc(b, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_'
	})
}

func (sh *sheet) isHeader(line []byte) bool {
	known := 0
	for field := range bytes.SplitSeq(line, []byte("|")) {
		name := fold(field)
		if slices.ContainsFunc(sh.layout.columns, func(s string) bool { return strings.ToLower(s) == name }) {
			known++
		}
	}
	return known >= 3
}

func (sh *sheet) readSummary(line []byte, number int) error {
	head := record{part: sh.part, file: sh.parts[sh.part].name, line: number}
	var names []string
	for _, field := range bytes.Split(bytes.Clone(line), []byte("|")) {
		if sh.layout.keyed {
			name, value, colon := bytes.Cut(field, []byte(":"))
			// A misread name would be passed over as unknown, and mid with it.
			if !colon && len(field) > 0 || colon && !isName(name) {
				return sh.fail(number, "", "a summary field has no readable name")
			}
			field = name
			head.fields = append(head.fields, value)
		}
		names = append(names, fold(field))
	}
	at, err := sh.place(names, sh.layout.summary, sh.layout.summaryRequired, number)
	if err != nil {
		return err
	}
	head.at = at
	if !sh.layout.keyed {
		values, number, err := sh.lines.next()
		if err != nil && err != io.EOF {
			return err
		}
		head.line = number
		head.fields = bytes.Split(bytes.Clone(values), []byte("|"))
		if len(head.fields) != len(names) {
			return sh.fail(number, "", "the summary has not as many values as names")
		}
	}
	sh.heads = append(sh.heads, head)
	return sh.checkMerchant(&head)
}

// checkMerchant compares with the own Partner-Id whatever the summary says
// about the merchant; old layouts say nothing (protocol.md §14.4).
func (sh *sheet) checkMerchant(head *record) error {
	own := sh.s.options.PartnerID
	other := sh.fail(head.line, "", "the statement belongs to another merchant")
	other.Err = ErrOtherMerchant
	if _, ok := head.at["mid"]; ok && head.text("mid") != own {
		other.Column = "mid"
		return other
	}
	for _, column := range []string{"periodNo", "settlePeriodNo"} {
		if period := head.text(column); len(period) > 8 && period[:len(period)-8] != own {
			other.Column = column
			return other
		}
	}
	return nil
}

func (sh *sheet) readHeader(line []byte, number int) error {
	var names []string
	for field := range bytes.SplitSeq(line, []byte("|")) {
		names = append(names, fold(field))
	}
	at, err := sh.place(names, sh.layout.columns, sh.layout.required, number)
	if err != nil {
		return err
	}
	sh.names, sh.at = names, at
	if sh.layout.keyed && sh.version == 0 {
		sh.version = versionOf(names)
	}
	return nil
}

// versionOf follows protocol.md §14.3, and in a file with its columns moved
// what only the wide layout has.
func versionOf(names []string) StatementVersion {
	switch names[0] {
	case "paidtime", "settledtime":
		return StatementV1
	case "merchantorderno":
		return StatementV2
	}
	if slices.Contains(names, "scheme") || slices.Contains(names, "cardnumber") {
		return StatementV2
	}
	return StatementV1
}

// place finds the documented names. Of two equal names neither is trusted, also
// when this package does not know them.
func (sh *sheet) place(names, documented, required []string, line int) (map[string]int, error) {
	index := make(map[string]int, len(names))
	at := make(map[string]int, len(documented))
	for i, name := range names {
		if _, twice := index[name]; twice {
			e := sh.fail(line, "", "a name occurs twice")
			for _, d := range documented {
				if strings.ToLower(d) == name {
					e.Column = d
				}
			}
			return nil, e
		}
		index[name] = i
	}
	for _, d := range documented {
		if i, ok := index[strings.ToLower(d)]; ok {
			at[d] = i
		} else if slices.Contains(required, d) {
			return nil, sh.fail(line, d, "is missing")
		}
	}
	return at, nil
}

// next returns the next row, valid until the call after it. A row that cannot
// be split as the header says carries an error; an error of next itself ends
// the pass, with io.EOF after the last part.
func (sh *sheet) next() (*record, error) {
	for {
		line, number, err := sh.waiting, sh.waitsAt, error(nil)
		if sh.waiting = nil; line == nil {
			line, number, err = sh.lines.next()
		}
		if err == io.EOF {
			if sh.part+1 == len(sh.parts) {
				return nil, io.EOF
			}
			sh.left += sh.limited.left // what this part left over
			err = sh.open(sh.part + 1)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		if sh.at == nil {
			return nil, sh.fail(number, "", "there are rows but no column names")
		}
		return sh.split(line, number), nil
	}
}

func (sh *sheet) split(line []byte, number int) *record {
	r := &sh.row
	*r = record{part: sh.part, file: sh.parts[sh.part].name, line: number, fields: r.fields[:0], at: sh.at}
	for field := range bytes.SplitSeq(line, []byte("|")) {
		r.fields = append(r.fields, field)
	}
	if last := len(r.fields) - 1; sh.lines.marked && string(r.fields[last]) == "*" {
		r.fields[last] = nil
	}
	switch {
	case len(r.fields) > len(sh.names):
		r.fail("", "the row has more fields than there are columns")
	case len(r.fields) < len(sh.names):
		r.fail("", "the row has fewer fields than there are columns")
	case !utf8.Valid(line):
		r.fail("", "the row is not UTF-8")
	case slices.ContainsFunc(line, func(c byte) bool { return c < ' ' && c != '\t' || c == 0x7f }):
		r.fail("", "the row contains control characters")
	}
	return r
}

// rows makes a pass of its own of each loop over the sequence.
func rows[R any](s *Statement, layout *statementLayout, read func(*record) *R) iter.Seq2[*R, error] {
	return func(yield func(*R, error) bool) {
		sh, err := s.sheet(layout)
		if err != nil {
			yield(nil, err)
			return
		}
		defer sh.close()
		for {
			r, err := sh.next()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			row, err := readRow(r, read)
			if !yield(row, err) {
				return
			}
		}
	}
}

func readRow[R any](r *record, read func(*record) *R) (*R, error) {
	var row *R
	if r.err == nil {
		row = read(r)
	}
	if r.err != nil {
		r.err.Row = true
		return nil, r.err
	}
	return row, nil
}

// readHead reads a summary; its errors are not errors of a row.
func readHead[S any](sh *sheet, head *record, read func(*sheet, *record) *S) (*S, error) {
	sum := read(sh, head)
	if head.err != nil {
		return nil, head.err
	}
	return sum, nil
}

func summaryOf[S any](s *Statement, layout *statementLayout, read func(*sheet, *record) *S) (*S, error) {
	sh, err := s.sheet(layout)
	if err != nil {
		return nil, err
	}
	defer sh.close()
	return readHead(sh, &sh.heads[0], read)
}
