package sqlite

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/filspos/fils/pos"
)

// exportTime is RFC 3339 in UTC with milliseconds.
const exportTime = "2006-01-02T15:04:05.000Z07:00"

// exported is one line of an export.
type exported struct {
	Seq    int64           `json:"seq"`
	At     string          `json:"at"`
	Kind   pos.Kind        `json:"kind"`
	Sale   pos.SaleNo      `json:"sale,omitempty"`
	Refund pos.RefundNo    `json:"refund,omitempty"`
	Data   json.RawMessage `json:"data"`
	Body   string          `json:"body,omitempty"`
	Prev   string          `json:"prev"`
	Hash   string          `json:"hash"`
}

// Export writes every event of the journal at path to w, oldest first, one
// JSON object a line: seq, at (RFC 3339, UTC, milliseconds), kind, sale,
// refund, data, and in hexadecimal the hashes body, prev and hash. Members
// that are empty are left out, except data, prev and hash. Of the payer's
// member id and of a QR token only the last four characters are written;
// everything else in data is byte for byte what was hashed. Export reads one
// moment in constant memory and may run while a till writes. It checks
// nothing: see [Verify].
func Export(ctx context.Context, path string, w io.Writer) error {
	return reading(ctx, path, func(tx *sql.Tx, _ []migration) error {
		rows, err := tx.QueryContext(ctx, selectEvents+" ORDER BY seq")
		if err != nil {
			return err
		}
		defer rows.Close()
		out := bufio.NewWriter(w)
		for rows.Next() {
			e, err := scanEvent(rows)
			if err != nil {
				return err
			}
			line, err := exportLine(e)
			if err != nil {
				return err
			}
			if _, err := out.Write(line); err != nil {
				return err
			}
		}
		return errors.Join(rows.Err(), out.Flush())
	})
}

func exportLine(e pos.Event) ([]byte, error) {
	data, err := mask(e.Data)
	if err != nil {
		return nil, &BrokenError{Seq: e.Seq, Reason: "its data is not JSON"}
	}
	line := exported{
		Seq: e.Seq, At: e.At.UTC().Format(exportTime), Kind: e.Kind, Sale: e.Sale, Refund: e.Refund,
		Data: data, Prev: hex.EncodeToString(e.Prev[:]), Hash: hex.EncodeToString(e.Hash[:]),
	}
	if e.Body != (pos.Hash{}) {
		line.Body = hex.EncodeToString(e.Body[:])
	}
	b, err := json.Marshal(line)
	if err != nil {
		return nil, fmt.Errorf("export event %d: %w", e.Seq, err)
	}
	return append(b, '\n'), nil
}

// masked members, wherever they stand in a fact.
func masked(member string) bool {
	switch strings.ToLower(member) {
	case "payer", "payermid", "token", "tokenurl":
		return true
	}
	return false
}

// mask copies JSON and hides what an export must not show. The order of
// members and the spelling of everything else stay as they are.
func mask(data []byte) ([]byte, error) { return maskAs(data, masked) }

// maskAs hides the members that secret names.
func maskAs(data []byte, secret func(member string) bool) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var out bytes.Buffer
	if err := maskValue(&out, d, secret, false); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return out.Bytes(), nil
}

func maskValue(out *bytes.Buffer, d *json.Decoder, secret func(string) bool, hide bool) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch v := token.(type) {
	case json.Delim:
		return maskNested(out, d, v, secret, hide)
	case string:
		if hide {
			token = lastFour(v)
		}
	case json.Number:
		if hide {
			token = lastFour(v.String())
		}
	}
	return put(out, token)
}

// maskNested copies an array or object whose first delimiter was read.
func maskNested(out *bytes.Buffer, d *json.Decoder, opening json.Delim, secret func(string) bool, hide bool) error {
	out.WriteString(opening.String())
	for first := true; d.More(); first = false {
		if !first {
			out.WriteByte(',')
		}
		hideValue := hide
		if opening == '{' {
			member, err := d.Token()
			if err != nil {
				return err
			}
			if err := put(out, member); err != nil {
				return err
			}
			out.WriteByte(':')
			name, _ := member.(string)
			hideValue = hide || secret(name)
		}
		if err := maskValue(out, d, secret, hideValue); err != nil {
			return err
		}
	}
	closing, err := d.Token()
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(out, closing)
	return err
}

func put(out *bytes.Buffer, token json.Token) error {
	b, err := json.Marshal(token)
	out.Write(b)
	return err
}

// lastFour shows four characters of a longer text and nothing of a short one.
func lastFour(text string) string {
	r := []rune(text)
	if len(r) <= 4 {
		return "•••"
	}
	return "•••" + string(r[len(r)-4:])
}
