package fils

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

func TestPruner_DropsOldAnswersAndKeepsTheChain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	bound := pos.Fact{Kind: pos.JournalBound, At: now.AddDate(-2, 0, 0), Binding: &pos.Binding{Environment: "training", Host: "h", Partner: "1"}}
	said := func(at time.Time) pos.Fact {
		return pos.Fact{Kind: pos.NoticeReceived, At: at, Notice: &pos.NoticeFact{ReceivedAt: at, Other: "void"}, Body: []byte(`{"void":{}}`)}
	}
	if _, err := j.Record(t.Context(), pos.Batch{Facts: []pos.Fact{bound, said(now.AddDate(-1, -6, 0)), said(now.AddDate(0, -1, 0))}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	dropped := make(chan int64, 1)
	p := &pruner{journal: j, now: time.Now, first: 0, every: time.Hour, log: slog.New(slog.DiscardHandler), pruned: func(n int64) { dropped <- n }}
	done := make(chan error, 1)
	go func() { done <- p.run(ctx) }()
	if n := <-dropped; n != 1 {
		t.Errorf("%d answers were dropped, want the old one", n)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := j.Body(t.Context(), 2); !errors.Is(err, pos.ErrNotFound) {
		t.Errorf("the old answer: %v", err)
	}
	if _, err := j.Body(t.Context(), 3); err != nil {
		t.Errorf("the young answer: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Verify(t.Context(), path); err != nil {
		t.Errorf("the chain: %v", err)
	}
}
