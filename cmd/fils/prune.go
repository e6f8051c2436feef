package fils

import (
	"context"
	"log/slog"
	"time"

	"github.com/filspos/fils/pos/sqlite"
)

const (
	// pruneFirst spares the start of the till, pruneEvery the days of one that
	// is never closed.
	pruneFirst = time.Hour
	pruneEvery = 24 * time.Hour
)

// pruner drops the raw answers that are older than anybody can ask for. Their
// hashes stay in the chain.
type pruner struct {
	journal      *sqlite.Journal
	now          func() time.Time
	first, every time.Duration
	log          *slog.Logger
	pruned       func(n int64) // for tests; may be nil
}

func (p *pruner) run(ctx context.Context) error {
	wait := time.NewTimer(p.first)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-wait.C:
		}
		n, err := p.journal.Prune(ctx, p.now().Add(-sqlite.KeepBodies))
		switch {
		case err != nil && ctx.Err() == nil:
			p.log.Warn("old answers were not dropped", "err", err)
		case n > 0:
			p.log.Info("old answers were dropped", "answers", n)
		}
		if p.pruned != nil {
			p.pruned(int64(n))
		}
		wait.Reset(p.every)
	}
}
