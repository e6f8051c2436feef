package sqlite

import (
	"context"
	"fmt"
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
