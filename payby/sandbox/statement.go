package sandbox

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/filspos/fils/payby"
)

// StatementLayout is one of the two published column sets (protocol.md §14.4, §14.5).
type StatementLayout string

// How a merchant of the real gateway gets the second one is unpublished.
const (
	LayoutV1 StatementLayout = "v1"
	LayoutV2 StatementLayout = "v2"
)

// StatementOptions say how statements look and when they are there.
type StatementOptions struct {
	Layout StatementLayout // "" is LayoutV1
	// CutOff is the time of day, UAE, at which a statement day begins and ends; 0 is
	// midnight, less than 24 h.
	CutOff time.Duration
	// Ready is how long after its end a day's statement appears. 0 is 10 min; negative:
	// no time at all.
	Ready time.Duration
	// Asterisks puts the marks of protocol.md §14.3 around each file.
	Asterisks bool
	// Link answers with the JSON of 2022, which names a file in an object store. Nothing
	// is stored there.
	Link bool
	// PayoutFails lets no payout reach the bank, so that the balance stays and grows.
	PayoutFails bool

	partRows int // rows in one file; 0 is partRows
}

func (o *StatementOptions) complete() error {
	switch o.Layout {
	case "":
		o.Layout = LayoutV1
	case LayoutV1, LayoutV2:
	default:
		return fmt.Errorf("sandbox: statement layout %q is neither v1 nor v2", o.Layout)
	}
	if o.CutOff < 0 || o.CutOff >= day {
		return errors.New("sandbox: the cut-off must be a time of day")
	}
	if o.partRows == 0 {
		o.partRows = partRows
	}
	if o.Ready == 0 {
		o.Ready = 10 * time.Minute
	}
	return nil
}

// partRows is how many rows one file holds before the next number follows
// (protocol.md §14.2). Whether header lines count and are repeated is unpublished: here
// they do not count, and every part has them.
const partRows = 50_000

// period is a statement day.
type period struct {
	day         time.Time // its midnight, UAE
	from, until time.Time // until is the first instant after it
}

func (g *Gateway) period(midnight time.Time) period {
	from := midnight.Add(g.papers.CutOff)
	return period{midnight, from, from.Add(day)}
}

func (p period) holds(ms int64) bool { return ms >= p.from.UnixMilli() && ms < p.until.UnixMilli() }

// name is the statement day, YYYYMMDD.
func (p period) name() string { return p.day.Format("20060102") }

// end is the day that follows, which numbers the period and dates most files.
func (p period) end() time.Time { return p.day.AddDate(0, 0, 1) }

// download is an answer that is a file. write runs without the gateway's lock.
type download struct {
	name, contentType string
	write             func(io.Writer) error
}

type linkBody struct {
	FileName string `json:"fileName"`
	FilePath string `json:"filePath"`
}

func downloads(op payby.Operation) bool {
	return op == payby.OpStatement || op == payby.OpFundStatement || op == payby.OpInvoice
}

// statement answers both statement operations. A day without any movement has no file,
// like one that is not over.
func (g *Gateway) statement(c *call) (any, *refusal) {
	text := c.biz.required("statementDate", 8)
	midnight, err := time.ParseInLocation("20060102", text, uae())
	if c.biz.bad != "" || err != nil {
		return nil, invalidParameter
	}
	p := g.period(midnight)
	ready := p.until.Add(max(g.papers.Ready/g.scale, 0))
	if c.now.Before(ready) && !g.closed[p.name()] {
		return nil, statementMissing
	}
	s := g.ledger(c.merchant, p, c.now)
	if len(s.sales)+len(s.booked) == 0 {
		return nil, statementMissing
	}
	switch {
	case c.op == payby.OpFundStatement && len(s.booked) < g.papers.partRows:
		return &download{s.fundName(1), "text/csv; charset=utf-8", s.writeFund}, nil
	case c.op == payby.OpFundStatement:
		return &download{s.partner + "_" + p.name() + "_fund_statement.zip", "application/zip", func(w io.Writer) error {
			return s.writeZIP(w, s.fund)
		}}, nil
	}
	name := s.partner + "_" + p.name() + "Transaction_Settle_Statement.zip"
	if g.papers.Link {
		return linkBody{name, "https://statement-store.example.com/" + s.partner + "/compress/" + p.name() + "/" + name +
			fmt.Sprintf("?Expires=%d&Signature=SANDBOX", c.now.Add(time.Hour).Unix())}, nil
	}
	return &download{name, "application/zip", func(w io.Writer) error {
		return s.writeZIP(w, s.transactions, s.settlement, s.fund)
	}}, nil
}

// sheet is one kind of file before it is split into parts.
type sheet struct {
	name func(part int) string
	head []string // the lines before the rows
	rows int
	row  func(i int) string
}

func (s *ledger) writeZIP(w io.Writer, sheets ...func() sheet) error {
	z := zip.NewWriter(w)
	for _, make := range sheets {
		sh := make()
		for part := 0; part == 0 || part*s.papers.partRows < sh.rows; part++ {
			out, err := z.CreateHeader(&zip.FileHeader{
				Name: sh.name(part + 1), Method: zip.Deflate, Modified: s.period.until.UTC(),
			})
			if err != nil {
				return err
			}
			if err := s.writePart(out, sh, part); err != nil {
				return err
			}
		}
	}
	return z.Close()
}

func (s *ledger) writeFund(w io.Writer) error { return s.writePart(w, s.fund(), 0) }

// writePart writes part 0, 1, … of a sheet.
func (s *ledger) writePart(w io.Writer, sh sheet, part int) error {
	b := bufio.NewWriter(w)
	if s.papers.Asterisks {
		_ = b.WriteByte('*')
	}
	for i, line := range sh.head {
		if i > 0 {
			_ = b.WriteByte('\n')
		}
		_, _ = b.WriteString(line)
	}
	size := s.papers.partRows
	for i := part * size; i < min((part+1)*size, sh.rows); i++ {
		_ = b.WriteByte('\n')
		_, _ = b.WriteString(sh.row(i))
	}
	if s.papers.Asterisks {
		_ = b.WriteByte('*')
	}
	_ = b.WriteByte('\n')
	return b.Flush() // returns the first error of all the writes
}
