package payby

import (
	zipfile "archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func sampleZIP(t testing.TB, folder string, more ...string) []byte {
	return statementZIP(t, append([]string{
		folder + transactionCSV, sampleText(t, "v2", transactionCSV),
		folder + settlementCSV, sampleText(t, "v2", settlementCSV),
		folder + fundCSV, sampleText(t, "v2", fundCSV),
	}, more...)...)
}

func TestOpenStatement_ReadsAZIPOnDisk(t *testing.T) {
	name := filepath.Join(t.TempDir(), "200000000888_20260714Transaction_Settle_Statement.zip")
	packed := sampleZIP(t, "")
	if err := os.WriteFile(name, packed, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	s, err := OpenStatement(f, int64(len(packed)), own)
	if err != nil {
		t.Fatal(err)
	}
	loose := sampleSet(t, "v2")
	if got, want := all(t, s.Transactions()), all(t, loose.Transactions()); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got, want := all(t, s.Settlements()), all(t, loose.Settlements()); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got, want := all(t, s.FundEntries()), all(t, loose.FundEntries()); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if left, err := os.ReadDir(filepath.Dir(name)); err != nil || len(left) != 1 {
		t.Errorf("unpacked something: %v, %v", left, err)
	}
}

func TestOpenStatement_IgnoresFoldersAndOtherFiles(t *testing.T) {
	for _, folder := range []string{"a/b/", "../../etc/", `..\..\windows\`, "/absolute/", `C:\x\`, "./"} {
		s, err := openZIP(sampleZIP(t, folder, "README.txt", "x", "../evil.csv", "x", "__MACOSX/._"+transactionCSV, "x", "notes/", ""), own)
		if err != nil {
			t.Errorf("%q: %v", folder, err)
			continue
		}
		if n := len(all(t, s.Transactions())); n != 4 || !reflect.DeepEqual(s.Files(TransactionFile), []string{transactionCSV}) {
			t.Errorf("%q: %d rows of %q", folder, n, s.Files(TransactionFile))
		}
	}
}

func TestOpenStatement_NamesDecideAndNotTheirDates(t *testing.T) {
	tx := sampleText(t, "v1", transactionCSV)
	for _, name := range []string{"Purchase_Statement_15072026_001.csv", "purchase_statement_14072026_001.CSV", "Purchase_Statement_20260714_1.csv", "Purchase_Statement_15072026.csv", "Purchase_Statement.csv"} {
		if n := len(all(t, texts(t, name, tx).Transactions())); n != 4 {
			t.Errorf("%s: %d rows", name, n)
		}
	}
	fund := sampleText(t, "v1", fundCSV)
	for _, name := range []string{"200000000888_20260714_fund_statement_001.csv", "200000000888_15072026_FUND_STATEMENT_1.csv", "200000000888_fund_statement.csv"} {
		if n := len(all(t, texts(t, name, fund).FundEntries())); n != 4 {
			t.Errorf("%s: %d rows", name, n)
		}
	}
}

func TestOpenStatement_Refuses(t *testing.T) {
	tx, fund := sampleText(t, "v1", transactionCSV), sampleText(t, "v1", fundCSV)
	link := func(b []byte) []byte { // every entry of the directory becomes a symbolic link
		return patchDirectory(b, func(h []byte) { h[5] = 3; binary.LittleEndian.PutUint32(h[38:], 0o120777<<16) })
	}
	for name, c := range map[string]struct {
		zip     []byte
		options StatementOptions
		want    error
	}{
		"no ZIP":             {[]byte("<html>"), own, ErrMalformed},
		"empty":              {nil, own, ErrMalformed},
		"cut short":          {sampleZIP(t, "")[:900], own, ErrMalformed},
		"nothing to read":    {statementZIP(t, "a.csv", tx), own, ErrNoStatementFile},
		"no own number":      {sampleZIP(t, ""), StatementOptions{}, ErrInvalid},
		"packed size":        {sampleZIP(t, ""), StatementOptions{PartnerID: ownID, MaxZIP: 1000}, ErrTooLarge},
		"entries":            {sampleZIP(t, "", "a", "", "b", ""), StatementOptions{PartnerID: ownID, MaxEntries: 4}, ErrTooLarge},
		"one file":           {sampleZIP(t, ""), StatementOptions{PartnerID: ownID, MaxFile: 1000}, ErrTooLarge},
		"all files":          {sampleZIP(t, ""), StatementOptions{PartnerID: ownID, MaxTotal: 3000}, ErrTooLarge},
		"bomb":               {statementZIP(t, transactionCSV, strings.Repeat("0", 8<<20)), StatementOptions{PartnerID: ownID, MaxFile: 4 << 20}, ErrTooLarge},
		"other merchant":     {statementZIP(t, strings.Replace(fundCSV, ownID, "200000000889", 1), fund), own, ErrOtherMerchant},
		"twice in folders":   {statementZIP(t, "a/"+transactionCSV, tx, "b/"+transactionCSV, tx), own, ErrMalformed},
		"two days":           {statementZIP(t, transactionCSV, tx, "Purchase_Statement_16072026_002.csv", tx), own, ErrMalformed},
		"part missing":       {statementZIP(t, transactionCSV, tx, "Purchase_Statement_15072026_003.csv", tx), own, ErrMissingPart},
		"first part missing": {statementZIP(t, "Purchase_Statement_15072026_002.csv", tx), own, ErrMissingPart},
		"part 000":           {statementZIP(t, "Purchase_Statement_15072026_000.csv", tx), own, ErrMissingPart},
		"no part number":     {statementZIP(t, "Purchase_Statement_15072026_x.csv", tx), own, ErrMalformed},
		"hostile name":       {statementZIP(t, "Purchase_Statement_\x1b[31m_001.csv", tx), own, ErrMalformed},
		"folding name":       {statementZIP(t, "Purchase_Statement_\u212a_001.csv", tx), own, ErrMalformed},
		"link":               {link(sampleZIP(t, "")), own, ErrMalformed},
		"encrypted":          {patchDirectory(sampleZIP(t, ""), func(h []byte) { h[8] |= 1 }), own, ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := openZIP(c.zip, c.options)
			var e *StatementError
			if s != nil || !errors.Is(err, c.want) || !errors.As(err, &e) || e.Problem == "" {
				t.Fatalf("%v, %v, want %v", s, err, c.want)
			}
			for _, r := range err.Error() {
				if r < ' ' || r > '~' {
					t.Errorf("unprintable: %q", err)
				}
			}
		})
	}
}

// patchDirectory changes every record of the central directory.
func patchDirectory(b []byte, change func(h []byte)) []byte {
	b = bytes.Clone(b)
	for i := 0; ; {
		n := bytes.Index(b[i:], []byte("PK\x01\x02"))
		if n < 0 {
			return b
		}
		change(b[i+n:])
		i += n + 4
	}
}

func flood(t *testing.T, n int) []byte {
	var b bytes.Buffer
	w := zipfile.NewWriter(&b)
	for i := range n {
		if _, err := w.CreateHeader(&zipfile.FileHeader{Name: fmt.Sprint(i), Method: zipfile.Store}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Counting the entries afterwards would be too late: the directory would be in
// memory by then.
func TestOpenStatement_DoesNotReadAFloodOfEntries(t *testing.T) {
	b := flood(t, 60_000)
	r := &countingReaderAt{r: bytes.NewReader(b)}
	if _, err := OpenStatement(r, int64(len(b)), own); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	if most := int64(1<<20 + 1000*1024); r.read > most || int64(len(b)) < 2*most {
		t.Errorf("%d bytes of %d were read", r.read, len(b))
	}
}

type countingReaderAt struct {
	r    io.ReaderAt
	read int64
}

func (c *countingReaderAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.r.ReadAt(p, off)
	c.read += int64(n)
	return n, err
}

// The directory's sizes are the sender's word; what is unpacked counts.
func TestOpenStatement_ALyingDirectoryIsDamage(t *testing.T) {
	size := func(n uint32) func([]byte) {
		return func(h []byte) { binary.LittleEndian.PutUint32(h[24:], n) }
	}
	for name, b := range map[string][]byte{
		"says less":      patchDirectory(sampleZIP(t, ""), size(700)),
		"says more":      patchDirectory(sampleZIP(t, ""), size(9000)),
		"wrong checksum": patchDirectory(sampleZIP(t, ""), func(h []byte) { h[16] ^= 1 }),
		"unknown method": patchDirectory(sampleZIP(t, ""), func(h []byte) { h[10] = 97 }),
		"broken stream":  spoil(sampleZIP(t, "")),
	} {
		t.Run(name, func(t *testing.T) {
			s, err := openZIP(b, own)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, fatal := outcome(t, s.Transactions()); fatal == nil || fatal.File != transactionCSV {
				t.Errorf("read to the end: %v", fatal)
			}
			if c, err := s.CheckTransactions(); c != nil || err == nil {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
}

func spoil(b []byte) []byte {
	b = bytes.Clone(b)
	at := bytes.Index(b, []byte(transactionCSV)) + len(transactionCSV)
	for i := range 40 {
		b[at+100+i] ^= 0x5a
	}
	return b
}

func TestOpenStatementFiles_LimitsWhatIsRead(t *testing.T) {
	text := sampleText(t, "v1", transactionCSV)
	for name, o := range map[string]StatementOptions{
		"file":  {PartnerID: ownID, MaxFile: int64(len(text)) - 1},
		"total": {PartnerID: ownID, MaxTotal: 2*int64(len(text)) - 1},
	} {
		t.Run(name, func(t *testing.T) {
			files := []StatementFile{textFile(transactionCSV, text), textFile("Purchase_Statement_15072026_002.csv", text)}
			s, err := OpenStatementFiles(files, o)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, fatal := outcome(t, s.Transactions()); fatal == nil || !errors.Is(fatal, ErrTooLarge) {
				t.Errorf("%v", fatal)
			}
		})
	}
	for _, exact := range []StatementOptions{
		{PartnerID: ownID, MaxFile: int64(len(text)), MaxTotal: 2 * int64(len(text))},
		{PartnerID: ownID, MaxTotal: 2 * int64(len(text))},
	} {
		s, err := OpenStatementFiles([]StatementFile{textFile(transactionCSV, text), textFile("Purchase_Statement_15072026_002.csv", text)}, exact)
		if err != nil {
			t.Fatal(err)
		}
		if n, damaged, fatal := outcome(t, s.Transactions()); n != 8 || len(damaged) != 0 || fatal != nil {
			t.Errorf("%d rows, %v, %v", n, damaged, fatal)
		}
	}
	if _, err := OpenStatementFiles(make([]StatementFile, 3), StatementOptions{PartnerID: ownID, MaxEntries: 2}); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

func TestStatement_ClosesWhatItOpened(t *testing.T) {
	open := 0
	text := sampleText(t, "v1", transactionCSV)
	file := func(name string) StatementFile {
		return StatementFile{Name: name, Open: func() (io.ReadCloser, error) {
			open++
			return &closing{strings.NewReader(text), &open}, nil
		}}
	}
	s, err := OpenStatementFiles([]StatementFile{file(transactionCSV), file("Purchase_Statement_15072026_002.csv")}, own)
	if err != nil {
		t.Fatal(err)
	}
	for range s.Transactions() {
		break
	}
	all(t, s.Transactions())
	if _, err := s.TransactionSummary(); err != nil {
		t.Error(err)
	}
	if _, err := s.CheckTransactions(); err != nil {
		t.Error(err)
	}
	if open != 0 {
		t.Errorf("%d files left open", open)
	}
}

type closing struct {
	io.Reader
	open *int
}

func (c *closing) Close() error { *c.open--; return nil }
