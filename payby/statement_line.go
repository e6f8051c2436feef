package payby

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// longestLine bounds one line of a statement; the widest documented row has 42
// columns of at most 200 characters.
const longestLine = 64 << 10

// lineReader hands out the lines of one file without byte order mark, line
// ends, empty lines and the asterisks of protocol.md §14.3: one before the
// first line and one after the last. It looks one line ahead to know the last.
type lineReader struct {
	in      *bufio.Reader
	file    string
	current []byte
	ahead   []byte
	number  int   // of the line ahead
	failed  error // why there is no line ahead
	started bool
	marked  bool // there was a leading asterisk
}

// next returns a line, valid until the next call, and its number from 1. At
// the end of the file the error is io.EOF, else a *StatementError.
func (l *lineReader) next() ([]byte, int, error) {
	if !l.started {
		l.started = true
		l.look(true)
	}
	if l.failed != nil {
		return nil, l.number, l.failed
	}
	l.current, l.ahead = l.ahead, l.current
	number := l.number
	l.look(false)
	if l.failed == io.EOF {
		l.current = bytes.TrimSuffix(l.current, []byte("*"))
		if len(l.current) == 0 {
			return nil, number, io.EOF
		}
	}
	return l.current, number, nil
}

func (l *lineReader) look(first bool) {
	for {
		line, err := l.in.ReadSlice('\n')
		if err != nil && (err != io.EOF || len(line) == 0) {
			l.failed = l.wrap(err)
			return
		}
		l.number++
		if first && l.number == 1 {
			if bytes.HasPrefix(line, []byte("\xff\xfe")) || bytes.HasPrefix(line, []byte("\xfe\xff")) {
				l.failed = &StatementError{File: l.file, Line: 1, Problem: "is UTF-16 and not UTF-8", Err: ErrMalformed}
				return
			}
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
			line, l.marked = bytes.CutPrefix(line, []byte("*"))
		}
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		if len(line) > 0 {
			l.ahead = append(l.ahead[:0], line...)
			return
		}
	}
}

func (l *lineReader) wrap(err error) error {
	e := &StatementError{File: l.file, Line: l.number + 1, Err: errors.Join(ErrMalformed, err)}
	var own *StatementError
	switch {
	case err == io.EOF:
		return io.EOF
	case errors.As(err, &own):
		return own
	case errors.Is(err, bufio.ErrBufferFull):
		e.Problem, e.Err = "is longer than any statement line", ErrTooLarge
	default:
		e.Problem = "the file is damaged or cannot be read from here on"
	}
	return e
}

// limitReader fails, instead of ending, after n bytes: a file cut short must
// not pass for a whole one.
type limitReader struct {
	r    io.Reader
	left int64
	err  error
}

func (l *limitReader) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, l.err
	}
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	if l.left < 0 {
		return 0, l.err
	}
	return n, err
}
