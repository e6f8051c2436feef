package sqlite_test

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"testing"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// onLog calls f for every line that is logged, on the logging goroutine.
type onLog struct {
	slog.Handler
	f func(string)
}

func (h onLog) Handle(_ context.Context, r slog.Record) error { h.f(r.Message); return nil }
func (h onLog) Enabled(context.Context, slog.Level) bool      { return true }

func TestTheReserveCarriesTheBatchInFlight(t *testing.T) {
	path := newPath(t)
	opt := small
	var j *sqlite.Journal
	given := 0
	opt.Log = slog.New(onLog{slog.DiscardHandler, func(string) {
		given++
		if _, err := os.Stat(path + ".reserve"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the reserve is still there: %v", err)
		}
		if err := j.LimitPages(1000); err != nil { // the room that it gave
			t.Error(err)
		}
	}})
	j, err := sqlite.Open(t.Context(), path, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	record(t, j, bind())
	if err := j.LimitPages(0); err != nil {
		t.Fatal(err)
	}
	n := 0
	for j.State() == nil {
		n++
		record(t, j, paidSale(n)...)
	}
	if !errors.Is(j.State(), pos.ErrJournalFull) || given != 1 {
		t.Fatalf("state %v, reserve given up %d times", j.State(), given)
	}
	s, err := j.Sale(t.Context(), saleNo(n))
	if err != nil || s.State != pos.SalePaid {
		t.Fatalf("the batch in flight: %+v, %v", s, err)
	}
	verified(t, path, int64(4*n+1))
	if err := j.Refill(); err != nil || j.State() != nil {
		t.Errorf("refill: %v, %v", err, j.State())
	}
}

func TestAFullDiskWithoutReserveWritesNothing(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	if err := j.LimitPages(0); err != nil {
		t.Fatal(err)
	}
	n := 0
	for {
		n++
		_, err := j.Record(t.Context(), pos.Batch{Facts: paidSale(n)})
		if err == nil {
			continue
		}
		if !errors.Is(err, pos.ErrJournalFull) {
			t.Fatalf("record: %v", err)
		}
		break
	}
	if !errors.Is(j.State(), pos.ErrJournalFull) {
		t.Errorf("state: %v", j.State())
	}
	if _, err := j.Sale(t.Context(), saleNo(n)); !errors.Is(err, pos.ErrNotFound) {
		t.Errorf("half a batch: %v", err)
	}
	verified(t, path, int64(4*(n-1)+1))
	if err := j.LimitPages(1000); err != nil {
		t.Fatal(err)
	}
	record(t, j, paidSale(n)...)
	if err := j.Refill(); err != nil {
		t.Errorf("refill: %v", err)
	}
	verified(t, path, int64(4*n+1))
}

// A file system that packs what it stores would give nothing back for a reserve
// that packs well.
func TestTheReserveHoldsWhatNobodyCanPack(t *testing.T) {
	path := newPath(t)
	bound(t, path)
	content, err := os.ReadFile(path + ".reserve")
	if err != nil || int64(len(content)) != small.ReserveBytes {
		t.Fatalf("%d bytes, %v", len(content), err)
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil || packed.Len() < len(content) {
		t.Errorf("packed to %d of %d bytes, %v", packed.Len(), len(content), err)
	}
}
