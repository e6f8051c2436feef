package payby

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// DefaultMaxDownload limits a file when Client.MaxDownload does not: a zipped
// statement of a million rows stays below it.
const DefaultMaxDownload = 64 << 20

// Download describes a file that was written, or where it is to be found.
type Download struct {
	// Name is the file's name as the gateway gave it. It starts with the own
	// partner id and holds letters, digits and . _ - only, so it is safe below
	// a folder of the caller's.
	Name string
	Size int64     // bytes written
	Date time.Time // the answer's Date header in UTC, zero if absent
	// Link is set, and nothing was written, when the gateway answered with an
	// address instead of the file (a statement's form of 2022).
	Link *FileLink
}

// FileLink is an address from which a person may fetch the file. It was signed
// by the gateway, points to some other host and contains the permission to
// read, so it is shown to the operator, kept out of logs and never followed by
// this package. Printing gives the name only.
type FileLink struct {
	FileName string
	FilePath string // https URL
}

// String hides the address, which works like a password.
func (l FileLink) String() string { return "link to " + l.FileName }

// GoString does the same for %#v.
func (l FileLink) GoString() string { return l.String() }

// DownloadStatement writes the ZIP with the statements of one day to w; it can
// be fetched from about 30 minutes after the merchant's settlement cut-off on
// (protocol.md §14). 62013 and 62014 mean that there is no file (yet).
//
// The gateway signs no files. What protects one is TLS to the configured host
// and the checks made here: content type, name with the own partner id, first
// and last bytes, size. They do not cover the day: read it, and the partner id
// again, from the content. Nothing is written before header and first bytes
// are right, but after an error w can hold a part of the file: write to a
// temporary file and rename it after success.
//
// Client.HTTP's timeout covers the whole transfer. Every failure is an
// [*Error]; refusals in JSON are verified like those of Call. A failure of w
// is found in it with errors.Is.
func (c *Client) DownloadStatement(ctx context.Context, q StatementQuery, requestTime time.Time, w io.Writer) (*Download, error) {
	return c.download(ctx, OpStatement, q, requestTime, w)
}

// DownloadFundStatement writes the fund statement of one day alone, as CSV or
// as ZIP, which the name tells. The vendor's SDK has this operation, its
// documents do not. The rules are those of [Client.DownloadStatement].
func (c *Client) DownloadFundStatement(ctx context.Context, q StatementQuery, requestTime time.Time, w io.Writer) (*Download, error) {
	return c.download(ctx, OpFundStatement, q, requestTime, w)
}

// DownloadInvoice writes the gateway's invoice of one month as PDF, with the
// rules of [Client.DownloadStatement]. 62013 means that there is none. A month
// that is not over or lies before the onboarding is refused in the words of a
// clock error, so the two cannot be told apart (protocol.md §14.7).
func (c *Client) DownloadInvoice(ctx context.Context, q InvoiceQuery, requestTime time.Time, w io.Writer) (*Download, error) {
	return c.download(ctx, OpInvoice, q, requestTime, w)
}

func (c *Client) download(ctx context.Context, op Operation, query any, at time.Time, w io.Writer) (*Download, error) {
	biz, err := Encode(query)
	if err != nil {
		return nil, unsent(op, err)
	}
	if w == nil {
		return nil, unsent(op, fmt.Errorf("%w: nowhere to write to", ErrInvalid))
	}
	resp, a, err := c.ask(ctx, op, biz, at)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if len(resp.Header.Values("Content-Disposition")) == 0 {
		if err := a.receive(resp, c.MaxResponse); err != nil {
			return nil, a.fail(op, err)
		}
		return a.link(op, c.PartnerID, c.Keys)
	}
	d := &Download{Date: a.date}
	if err := d.take(op, resp, c.PartnerID, c.MaxDownload, w); err != nil {
		return nil, a.fail(op, err)
	}
	return d, nil
}

// take checks the head of a file answer and copies the file.
func (d *Download) take(op Operation, resp *http.Response, partner string, limit int64, w io.Writer) error {
	name, kind, err := fileHead(op, resp.Header, partner)
	if err != nil {
		return err
	}
	if kind.whole == nil && openEnded(resp) {
		return fmt.Errorf("%w: nothing tells where the file ends", ErrUnexpected)
	}
	if limit <= 0 {
		limit = DefaultMaxDownload
	}
	if resp.ContentLength > limit {
		return tooLong(limit)
	}
	d.Name = name
	d.Size, err = kind.copy(w, resp.Body, limit)
	return err
}

// openEnded tells whether only the end of the connection ends the body, which
// looks the same when the connection breaks.
func openEnded(resp *http.Response) bool {
	return resp.ContentLength < 0 && resp.ProtoMajor < 2 && len(resp.TransferEncoding) == 0 && !resp.Uncompressed
}

func tooLong(limit int64) error { return fmt.Errorf("%w: file above %d bytes", ErrTooLarge, limit) }

// copy checks the first bytes before any of them is written.
func (k fileKind) copy(w io.Writer, r io.Reader, limit int64) (int64, error) {
	in := bufio.NewReaderSize(r, 32<<10)
	head, err := in.Peek(longestStart)
	if err != nil && err != io.EOF {
		return 0, err
	}
	if !k.starts(head) {
		return 0, fmt.Errorf("%w: the file is not what its name says", ErrMalformed)
	}
	var end tail
	buf := make([]byte, 32<<10)
	for {
		n, err := in.Read(buf)
		if end.size+int64(n) > limit {
			return end.size, tooLong(limit)
		}
		if wrote, err := w.Write(buf[:n]); err != nil {
			return end.size, fmt.Errorf("%w: %w", errWriting, err)
		} else if wrote != n {
			return end.size, fmt.Errorf("%w: %w", errWriting, io.ErrShortWrite)
		}
		end.add(buf[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			return end.size, err
		}
	}
	if k.whole != nil && !k.whole(end) {
		return end.size, fmt.Errorf("%w: the file is cut off", ErrMalformed)
	}
	return end.size, nil
}

// link reads an answer in JSON where a file was asked for.
func (a answer) link(op Operation, partner string, keys []*rsa.PublicKey) (*Download, error) {
	head, body, err := a.open(op, keys)
	if err != nil {
		return nil, err
	}
	if op != OpStatement {
		return nil, a.useless(op, head, fmt.Errorf("%w: no file", ErrUnexpected))
	}
	l, err := readLink(body, partner)
	if err != nil {
		return nil, a.useless(op, head, err)
	}
	return &Download{Name: l.FileName, Date: a.date, Link: l}, nil
}

func readLink(body json.RawMessage, partner string) (*FileLink, error) {
	l := new(FileLink)
	err := readObject(body, fields{"fileName": wordInto(&l.FileName), "filePath": wordInto(&l.FilePath)}, "fileName", "filePath")
	if err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	if err := checkName(l.FileName, partner, ".zip"); err != nil {
		return nil, err
	}
	u, err := url.Parse(l.FilePath)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(l.FilePath) > 4096 ||
		strings.ContainsFunc(l.FilePath, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return nil, fmt.Errorf("%w: filePath is not a plain https address", ErrMalformed)
	}
	return l, nil
}

// tail remembers the last bytes of a stream.
type tail struct {
	b    []byte
	size int64 // of the whole stream
}

func (t *tail) add(p []byte) {
	t.size += int64(len(p))
	t.b = append(t.b, p...)
	if len(t.b) > 2*longestEnd {
		t.b = bytes.Clone(t.b[len(t.b)-longestEnd:])
	}
}
