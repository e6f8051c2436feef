package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/filspos/fils/pos"
)

// LimitPages makes SQLite find the disk full at its present size plus extra
// pages of 4 KiB, for tests where no small disk can be had.
func (j *Journal) LimitPages(extra int64) error {
	var pages int64
	if err := j.writer.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
		return err
	}
	_, err := j.writer.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages+extra))
	return err
}

// Synchronous is the durability of the writer's connection.
func (j *Journal) Synchronous() (level int64, err error) {
	err = j.writer.QueryRow("PRAGMA synchronous").Scan(&level)
	return level, err
}

// OpenWithMigration opens like a program that knows one more migration.
func OpenWithMigration(ctx context.Context, path string, opt Options, text string) (*Journal, error) {
	list, err := migrations()
	if err != nil {
		return nil, err
	}
	list = append(list, migration{int64(len(list) + 1), "extra", text})
	return open(ctx, path, opt, list)
}

// Explain is SQLite's plan for the query behind Sales.
func (j *Journal) Explain(ctx context.Context, q pos.SaleQuery) ([]string, error) {
	s, err := plan(ctx, j.readers, q, pageDefault, j.patience)
	if err != nil {
		return nil, err
	}
	return j.explain(ctx, s.String(), s.args...)
}

// ExplainUnread is SQLite's plan for the news that nobody took.
func (j *Journal) ExplainUnread(ctx context.Context) ([]string, error) {
	return j.explain(ctx, unreadNews, pos.MaxUnread)
}

// ExplainLacked is SQLite's plan for the query behind Lacked.
func (j *Journal) ExplainLacked(ctx context.Context, no pos.SaleNo) ([]string, error) {
	where, args := lackedNews(no, 0)
	return j.explain(ctx, selectEvents+where, args...)
}

func (j *Journal) explain(ctx context.Context, query string, args ...any) (steps []string, err error) {
	rows, err := j.readers.QueryContext(ctx, "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int64
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return steps, rows.Err()
}

// Tidy does at once what the keeper does when it is quiet.
func (j *Journal) Tidy(ctx context.Context) error { return j.tidy(ctx) }

// Unlist takes all sales out of the indexes of the search again, or every
// third one only.
func (j *Journal) Unlist(all bool) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	_, err := j.writer.Exec("UPDATE sales SET listed = 0 WHERE ? OR rowid % 3 = 0", all)
	return err
}

// Unlisted counts the sales that are in no index of the search.
func (j *Journal) Unlisted() (n int, err error) {
	err = j.readers.QueryRow("SELECT count(*) FROM sales WHERE listed = 0").Scan(&n)
	return n, err
}

// LogPages counts the pages that wait in the write-ahead log.
func (j *Journal) LogPages() (int, error) {
	var busy, pages, moved int
	err := j.keeper.log.QueryRow("PRAGMA wal_checkpoint(NOOP)").Scan(&busy, &pages, &moved)
	return pages - moved, err
}

// Patience sets how many hits of a text are looked at, and how many sorted.
func (j *Journal) Patience(few, some int64) { j.patience = patience{few, some} }

// RestoreRenaming is Restore on a disk on which rename is how files move.
func RestoreRenaming(ctx context.Context, from, path string, now time.Time, rename func(from, to string) error) error {
	_, err := restore(ctx, from, path, now, rename)
	return err
}
