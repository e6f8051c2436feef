package sqlite_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

func TestExportWritesEveryEventInOrderAndMasksThePayer(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	events := record(t, j, paidSale(1)...)
	record(t, j, refundIntended(1, saleNo(1), 300))
	var out bytes.Buffer
	if err := sqlite.Export(t.Context(), path, &out); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), payer) || strings.Contains(out.String(), token) ||
		strings.Contains(out.String(), "0123456789abcdef") {
		t.Error("the export shows the payer or a token")
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 6 {
		t.Fatalf("%d lines", len(lines))
	}
	type line struct {
		Seq                int64
		At, Kind, Sale     string
		Refund, Body, Prev string
		Hash               string
		Data               json.RawMessage
	}
	var parsed []line
	for _, text := range lines {
		var l line
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		parsed = append(parsed, l)
	}
	intent := parsed[1]
	e := events[0]
	equal(t, "intent", []string{intent.At, intent.Kind, intent.Sale, intent.Body, intent.Hash, string(intent.Data)},
		[]string{"2026-03-01T08:00:01.123Z", "sale.intended", string(saleNo(1)), "", hex.EncodeToString(e.Hash[:]), string(e.Data)})
	equal(t, "body", parsed[3].Body, hex.EncodeToString(events[2].Body[:]))
	equal(t, "refund", parsed[5].Refund, string(refundNo(1)))
	for i, l := range parsed {
		if l.Seq != int64(i+1) || i > 0 && l.Prev != parsed[i-1].Hash {
			t.Errorf("line %d is event %d after %s", i+1, l.Seq, l.Prev)
		}
	}
	masked := strings.Replace(string(events[3].Data), payer, "•••7766", 1)
	equal(t, "payment", string(parsed[4].Data), masked)
	if !strings.Contains(string(parsed[3].Data), `"token":"•••\u0026t=1"`) {
		t.Errorf("token: %s", parsed[3].Data)
	}
}

func TestExportMasksWhereverThePayerStands(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	short := paid(1)
	short.Order.Payment.Payer = "1234"
	note := pos.Fact{Kind: pos.NoticeUnverified, At: at(1), Note: "a <b> & \"c\" \u2028", Notice: &pos.NoticeFact{ID: "n-1"}}
	witness := paid(1)
	witness.Kind = pos.SaleWitnessed
	record(t, j, intended(1), short, witness, note)
	var out bytes.Buffer
	if err := sqlite.Export(t.Context(), path, &out); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), payer) || strings.Contains(out.String(), `"1234"`) {
		t.Errorf("the export shows a payer: %s", out.String())
	}
	if n := strings.Count(out.String(), `"payer":"•••7766"`); n != 1 {
		t.Errorf("%d masked payers", n)
	}
	if !strings.Contains(out.String(), `"payer":"•••"`) {
		t.Error("a short payer is not masked whole")
	}
	if !slices.ContainsFunc(strings.Split(out.String(), "\n"), func(l string) bool {
		var v struct{ Data struct{ Note string } }
		return json.Unmarshal([]byte(l), &v) == nil && v.Data.Note == note.Note
	}) {
		t.Error("the note did not survive")
	}
}

type fullPipe struct{}

var errPipe = errors.New("pipe is full")

func (fullPipe) Write([]byte) (int, error) { return 0, errPipe }

func TestExportReportsWhatItCannotDo(t *testing.T) {
	if err := sqlite.Export(t.Context(), closedJournal(t), fullPipe{}); !errors.Is(err, errPipe) {
		t.Errorf("full pipe: %v", err)
	}
	missing := filepath.Join(t.TempDir(), "none.db")
	if err := sqlite.Export(t.Context(), missing, &bytes.Buffer{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if _, err := sqlite.Verify(t.Context(), missing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}
