package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"
)

const (
	// listAtOnce bounds the sales that one transaction lists: a fact that
	// comes meanwhile waits for it.
	listAtOnce = 8
	// quiet is how long no fact came before the keeper begins; quietAtMost is
	// how long it waits for that.
	quiet       = 150 * time.Millisecond
	quietAtMost = 2 * time.Second
	// movePages is how many pages wait in the write-ahead log before the
	// keeper moves them into the file.
	movePages = 250
)

// keeper does, between the commits, what no commit has to wait for: it lists
// sales for the search, derives again what an older version derived, and moves
// the write-ahead log into the file. Its one
// goroutine lives from Open to Close.
type keeper struct {
	wake    chan struct{}
	awake   atomic.Bool // from a wake to the next wait
	began   time.Time
	last    atomic.Int64 // the last commit, in nanoseconds after began
	commits atomic.Int64
	seen    int64 // commits when the last pause was over
	stop    context.CancelFunc
	done    chan struct{}
	log     *sql.DB // its own connection: a checkpoint hinders no writer
}

func (j *Journal) startKeeper() {
	ctx, stop := context.WithCancel(context.Background())
	k := &keeper{
		wake: make(chan struct{}, 1), began: time.Now(), stop: stop, done: make(chan struct{}),
		log: connect(j.path, accessWrite, 1),
	}
	j.keeper = k
	k.nudge() // the last till may have left something
	go func() {
		defer close(k.done)
		for k.await(ctx) {
			if err := j.tidy(ctx); err != nil && ctx.Err() == nil {
				j.log.Warn("the journal was not tidied", "err", err)
			}
		}
	}()
}

// close waits for the goroutine.
func (k *keeper) close() error {
	if k == nil {
		return nil
	}
	k.stop()
	<-k.done
	return k.log.Close()
}

// nudge tells that there may be something to do. In a row of commits only the
// first has to wake anybody.
func (k *keeper) nudge() {
	if k == nil {
		return
	}
	k.last.Store(int64(time.Since(k.began)))
	k.commits.Add(1)
	if k.awake.Swap(true) {
		return
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// await returns when facts came and then none for a while; false means the end.
func (k *keeper) await(ctx context.Context) bool {
	k.awake.Store(false)
	if k.commits.Load() == k.seen {
		select {
		case <-k.wake:
		case <-ctx.Done():
			return false
		}
	}
	k.awake.Store(true)
	defer func() { k.seen = k.commits.Load() }()
	pause := time.NewTimer(quiet)
	defer pause.Stop()
	for waited := time.Duration(0); waited < quietAtMost; {
		select {
		case <-pause.C:
		case <-ctx.Done():
			return false
		}
		still := time.Since(k.began) - time.Duration(k.last.Load())
		if still >= quiet {
			return true
		}
		pause.Reset(quiet - still)
		waited += quiet
	}
	return true
}

// tidy leaves a full disk alone: there the reserve belongs to facts.
func (j *Journal) tidy(ctx context.Context) error {
	for n := int64(listAtOnce); n == listAtOnce; {
		if ctx.Err() != nil || j.full.Load() {
			return ctx.Err()
		}
		var err error
		if n, err = j.listSome(ctx); err != nil {
			return err
		}
	}
	more, err := j.refoldSome(ctx)
	if more {
		j.keeper.nudge()
	}
	return errors.Join(err, j.moveLog(ctx))
}

// listSome lists a few sales in a transaction of its own.
func (j *Journal) listSome(ctx context.Context) (n int64, err error) {
	j.writing.Lock()
	defer j.writing.Unlock()
	if j.writer == nil {
		return 0, nil
	}
	var waiting bool
	const query = "SELECT EXISTS (SELECT 1 FROM sales INDEXED BY sales_live WHERE listed = 0 AND open = 0)"
	if err := j.writer.QueryRowContext(ctx, query).Scan(&waiting); err != nil || !waiting {
		return 0, err
	}
	tx, err := begin(ctx, j.writer)
	if err != nil {
		return 0, err
	}
	defer tx.rollback(context.WithoutCancel(ctx))
	if n, err = listSales(ctx, tx, listAtOnce); err != nil {
		return 0, err
	}
	return n, tx.commit(context.WithoutCancel(ctx))
}

// listSales enters at most limit sales that are no longer open into the indexes of
// the search, the oldest first.
func listSales(ctx context.Context, tx executor, limit int64) (n int64, err error) {
	result, err := tx.ExecContext(ctx, `UPDATE sales SET listed = 1 WHERE rowid IN (SELECT rowid FROM sales
		INDEXED BY sales_live WHERE listed = 0 AND open = 0 ORDER BY at_ms, no LIMIT ?)`, limit)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// moveLog moves a long write-ahead log into the file, beside the writer.
func (j *Journal) moveLog(ctx context.Context) error {
	var busy, pages, moved int64
	err := j.keeper.log.QueryRowContext(ctx, "PRAGMA wal_checkpoint(NOOP)").Scan(&busy, &pages, &moved)
	if err != nil || pages-moved < movePages || j.full.Load() {
		return err
	}
	err = j.keeper.log.QueryRowContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &pages, &moved)
	if meaning := meaningOf(err); meaning != nil {
		err = errors.Join(meaning, err)
	}
	return err
}
