package payby

import (
	zipfile "archive/zip"
	"bytes"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	ownID          = "200000000888"
	transactionCSV = "Purchase_Statement_15072026_001.csv"
	settlementCSV  = "Purchase_Settle_Statement_15072026_001.csv"
	fundCSV        = "200000000888_20260714_fund_statement_001.csv"
)

var own = StatementOptions{PartnerID: ownID}

func sampleText(t testing.TB, set, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "statement", set, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sampleSet opens the files of a sample folder as they lie on disk.
func sampleSet(t testing.TB, set string) *Statement {
	t.Helper()
	dir := filepath.Join("testdata", "statement", set)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var files []StatementFile
	for _, e := range entries {
		files = append(files, StatementFile{Name: e.Name(), Open: func() (io.ReadCloser, error) {
			return os.Open(filepath.Join(dir, e.Name()))
		}})
	}
	s, err := OpenStatementFiles(files, own)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func textFile(name, text string) StatementFile {
	return StatementFile{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

// texts opens files given as name, text, name, text …
func texts(t testing.TB, namesAndTexts ...string) *Statement {
	t.Helper()
	var files []StatementFile
	for i := 0; i < len(namesAndTexts); i += 2 {
		files = append(files, textFile(namesAndTexts[i], namesAndTexts[i+1]))
	}
	s, err := OpenStatementFiles(files, own)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func statementZIP(t testing.TB, namesAndTexts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zipfile.NewWriter(&b)
	for i := 0; i < len(namesAndTexts); i += 2 {
		f, err := w.Create(namesAndTexts[i])
		if err == nil {
			_, err = io.WriteString(f, namesAndTexts[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func openZIP(b []byte, o StatementOptions) (*Statement, error) {
	return OpenStatement(bytes.NewReader(b), int64(len(b)), o)
}

// all collects rows; any error fails the test.
func all[R any](t testing.TB, rows iter.Seq2[*R, error]) []R {
	t.Helper()
	var list []R
	for row, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, *row)
	}
	return list
}

// outcome reads to the end and counts what came.
func outcome[R any](t testing.TB, rows iter.Seq2[*R, error]) (good int, damaged []*StatementError, fatal *StatementError) {
	t.Helper()
	for row, err := range rows {
		var e *StatementError
		switch {
		case fatal != nil:
			t.Fatal("rows after an error that ends the file")
		case (row == nil) != (err != nil):
			t.Fatalf("row %v with error %v", row, err)
		case err == nil:
			good++
		case !errors.As(err, &e) || e.Problem == "" || e.Err == nil:
			t.Fatalf("%T %v", err, err)
		case e.Row:
			damaged = append(damaged, e)
		default:
			fatal = e
		}
	}
	return good, damaged, fatal
}

// change replaces the only occurrence of old.
func change(t testing.TB, text, old, with string) string {
	t.Helper()
	if n := strings.Count(text, old); n != 1 {
		t.Fatalf("%q occurs %d times", old, n)
	}
	return strings.Replace(text, old, with, 1)
}
