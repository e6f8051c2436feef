package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/mattn/go-sqlite3"
)

// access is how a connection may use the file.
type access string

const (
	// accessWrite writes an existing file.
	accessWrite access = "write"
	// accessRead reads while others may write.
	accessRead access = "read"
	// accessFrozen reads a file that nobody can write: SQLite then needs
	// neither -wal nor -shm, which a full disk or a read-only folder denies.
	accessFrozen access = "frozen"
	// accessScratch is a private file that may be lost.
	accessScratch access = "scratch"
)

// dsn is the only place that says how a connection behaves. path must be
// absolute.
func dsn(path string, a access) string {
	v := url.Values{}
	v.Set("_foreign_keys", "1")
	v.Set("_busy_timeout", "5000")
	v.Set("_stmt_cache_size", "64")
	switch a {
	case accessWrite:
		v.Set("mode", "rw")
		v.Set("_journal_mode", "WAL")
		// The driver's default is NORMAL, which may lose the last commits.
		v.Set("_synchronous", "FULL")
		v.Set("_txlock", "immediate")
		// In KiB; what the driver's 2 MiB cannot hold, a commit reads again.
		v.Set("_cache_size", "-8192")
	case accessScratch:
		v.Set("mode", "rwc")
		v.Set("_journal_mode", "OFF")
		v.Set("_synchronous", "OFF")
	case accessFrozen:
		v.Set("immutable", "1")
		fallthrough
	default:
		v.Set("mode", "ro")
		v.Set("_query_only", "1")
	}
	return uri(path) + "?" + v.Encode()
}

// uri escapes what SQLite would take for a query or a fragment.
func uri(path string) string {
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p // C:/… on Windows
	}
	return "file://" + (&url.URL{Path: p}).EscapedPath()
}

// connector opens connections without touching the global driver list.
type connector struct {
	dsn    string
	driver *sqlite3.SQLiteDriver
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c connector) Driver() driver.Driver                        { return c.driver }

// connect returns a pool of at most conns connections; nothing is opened yet.
func connect(path string, a access, conns int) *sql.DB {
	db := sql.OpenDB(connector{dsn(path, a), &sqlite3.SQLiteDriver{ConnectHook: prepare}})
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db
}

// prepare sets what a DSN cannot say. Without fullfsync a commit on a Mac may
// still lie in the drive's cache; elsewhere the pragma does nothing. A schema
// from outside may call no function with side effects.
func prepare(c *sqlite3.SQLiteConn) error {
	_, err := c.Exec("PRAGMA fullfsync = 1; PRAGMA trusted_schema = 0", nil)
	return err
}

// executor is a querier that writes.
type executor interface {
	querier
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// transaction writes on one connection. That of database/sql would start a
// goroutine for itself and for every query, which takes as long as the rest of
// a commit. It ends with commit or rollback; rollback after commit does nothing.
type transaction struct {
	*sql.Conn
	ended bool
}

// begin takes a connection of db. commit and rollback want a ctx that has not
// ended.
func begin(ctx context.Context, db *sql.DB) (*transaction, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return nil, errors.Join(fmt.Errorf("begin: %w", err), conn.Close())
	}
	return &transaction{Conn: conn}, nil
}

func (t *transaction) commit(ctx context.Context) error {
	if _, err := t.ExecContext(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	t.ended = true
	_ = t.Close() // gives the connection back; what is committed stays so
	return nil
}

func (t *transaction) rollback(ctx context.Context) {
	if t.ended {
		return
	}
	t.ended = true
	// It fails when SQLite has rolled back by itself, which is as good; a
	// connection that is still in its transaction must not be used again.
	_, _ = t.ExecContext(ctx, "ROLLBACK")
	_ = t.Raw(func(c any) error {
		if !c.(*sqlite3.SQLiteConn).AutoCommit() {
			return driver.ErrBadConn
		}
		return nil
	})
	_ = t.Close()
}
