package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/filspos/fils/pos"
)

// applicationID marks our files in SQLite's header: "Fils".
const applicationID = 0x46696c73

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one step of the schema. Published ones never change.
type migration struct {
	version int64
	name    string
	sql     string
}

// migrations returns every step in order.
func migrations() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var list []migration
	for _, name := range names {
		text, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		base := strings.TrimSuffix(path.Base(name), ".sql")
		number, title, _ := strings.Cut(base, "_")
		version, err := strconv.ParseInt(number, 10, 32)
		if err != nil || version != int64(len(list)+1) {
			return nil, fmt.Errorf("migration %s is out of order", base)
		}
		list = append(list, migration{version, title, string(text)})
	}
	return list, nil
}

// migrate applies what db lacks, each step together with its record.
func migrate(ctx context.Context, db *sql.DB, list []migration, now time.Time) error {
	have, err := version(ctx, db)
	if err != nil {
		return err
	}
	for _, m := range list {
		if m.version <= have {
			continue
		}
		if err := apply(ctx, db, m, now); err != nil {
			return fmt.Errorf("migrate to %d (%s): %w", m.version, m.name, err)
		}
	}
	return nil
}

func apply(ctx context.Context, db *sql.DB, m migration, now time.Time) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, m.sql); err != nil {
		return err
	}
	const record = "INSERT INTO migrations (version, name, at_ms) VALUES (?, ?, ?)"
	if _, err := tx.ExecContext(ctx, record, m.version, m.name, now.UnixMilli()); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", m.version)); err != nil {
		return err
	}
	return tx.Commit()
}

func version(ctx context.Context, db querier) (v int64, err error) {
	err = db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&v)
	return v, err
}

// create makes a journal under a name of its own and moves it into place when
// it is complete, so that no crash leaves half a file at path.
func create(ctx context.Context, path string, list []migration, now time.Time) (err error) {
	temp, err := privateFile(filepath.Dir(path), filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeIfThere(temp), removeIfThere(temp+"-wal"), removeIfThere(temp+"-shm"))
		}
	}()
	if err := fill(ctx, temp, list, now); err != nil {
		return err
	}
	if !walEmpty(temp) {
		return errors.New("a new file was not written completely")
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func fill(ctx context.Context, path string, list []migration, now time.Time) (err error) {
	db := connect(path, accessWrite, 1)
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
		return err
	}
	if err := migrate(ctx, db, list, now); err != nil {
		return err
	}
	if err := putOld(ctx, db, ""); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

// snapshot copies the file as it is before a migration to
// PATH.before-VERSION and returns that name.
func snapshot(ctx context.Context, db *sql.DB, path string, next int64) (string, error) {
	name := fmt.Sprintf("%s.before-%d", path, next)
	temp := name + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", temp); err != nil {
		return "", err
	}
	f, err := os.OpenFile(temp, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	if err := errors.Join(f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return "", err
	}
	if err := os.Rename(temp, name); err != nil {
		return "", err
	}
	return name, syncDir(filepath.Dir(path))
}

// upgrade brings an existing file to the newest schema, with a snapshot first.
func (j *Journal) upgrade(ctx context.Context, list []migration) error {
	have, err := version(ctx, j.writer)
	if err != nil {
		return err
	}
	newest := int64(len(list))
	switch {
	case have > newest:
		return newer(have, newest)
	case have == newest:
		return nil
	}
	name, err := snapshot(ctx, j.writer, j.path, have+1)
	if err != nil {
		return fmt.Errorf("copy before migrating: %w", err)
	}
	j.log.Info("journal copied before migrating", "copy", name, "from", have, "to", newest)
	if err := migrate(ctx, j.writer, list, j.now()); err != nil {
		return err
	}
	// A migration may have written all rows anew; its log need not stay as long.
	_, err = j.writer.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

func newer(have, newest int64) error {
	return fmt.Errorf("%w: format %d, this program knows %d", pos.ErrJournalNewer, have, newest)
}

// object is a table, index or trigger.
type object struct{ kind, name, sql string }

// checkSchema compares the file's schema with the one that list makes: a
// missing trigger is as bad as a missing table.
func checkSchema(ctx context.Context, db querier, list []migration) error {
	fresh := sql.OpenDB(connector{"file::memory:", &sqlite3.SQLiteDriver{}})
	fresh.SetMaxOpenConns(1)
	defer fresh.Close()
	if err := migrate(ctx, fresh, list, time.Time{}); err != nil {
		return err
	}
	want, err := schema(ctx, fresh)
	if err != nil {
		return err
	}
	have, err := schema(ctx, db)
	if err != nil {
		return err
	}
	for o := range want {
		if !have[o] {
			return &BrokenError{Reason: fmt.Sprintf("the %s %s is missing or changed", o.kind, o.name)}
		}
	}
	for o := range have {
		if !want[o] {
			return &BrokenError{Reason: fmt.Sprintf("there is an unknown %s %s", o.kind, o.name)}
		}
	}
	return nil
}

func schema(ctx context.Context, db querier) (map[object]bool, error) {
	const query = `SELECT type, name, coalesce(sql, '') FROM sqlite_schema
		WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\'`
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	set := map[object]bool{}
	for rows.Next() {
		var o object
		if err := rows.Scan(&o.kind, &o.name, &o.sql); err != nil {
			return nil, err
		}
		set[o] = true
	}
	return set, rows.Err()
}
