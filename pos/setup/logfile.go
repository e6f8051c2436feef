package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
)

const (
	// LogName is the log's name in the data directory.
	LogName = "fils.log"
	// logLimit is the size in bytes at which the log is put aside. One former
	// file is kept.
	logLimit = 4 << 20
)

// LogFile is the till's log, bounded in size. Its methods may be called from
// many goroutines.
type LogFile struct {
	path  string
	limit int64

	mu   sync.Mutex
	file *os.File
	size int64
}

// OpenLog opens or makes the log in dataDir, readable by its owner alone, and
// returns a logger whose handler is [Redact] and the file to close at the end.
func OpenLog(dataDir string, level slog.Leveler) (*slog.Logger, *LogFile, error) {
	f, err := openLog(filepath.Join(dataDir, LogName), logLimit)
	if err != nil {
		return nil, nil, err
	}
	h := slog.NewJSONHandler(f, &slog.HandlerOptions{Level: level})
	return slog.New(Redact(h)), f, nil
}

func openLog(path string, limit int64) (*LogFile, error) {
	l := &LogFile{path: path, limit: limit}
	if err := l.open(); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *LogFile) open() error {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("setup: open log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return fmt.Errorf("setup: open log: %w", err)
	}
	l.file, l.size = f, info.Size()
	return nil
}

// Write appends one record. When the file would pass its limit it becomes
// fils.log.1, in the place of the one before.
func (l *LogFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return 0, fs.ErrClosed
	}
	if l.size > 0 && l.size+int64(len(p)) > l.limit {
		if err := l.rotate(); err != nil {
			return 0, err
		}
	}
	n, err := l.file.Write(p)
	l.size += int64(n)
	return n, err
}

func (l *LogFile) rotate() error {
	err := l.file.Close()
	l.file = nil
	if e := os.Rename(l.path, l.path+".1"); e != nil {
		// Better an old log cut off than a disk filled.
		err = errors.Join(err, e, os.Truncate(l.path, 0))
	}
	return errors.Join(l.open(), err)
}

// Close ends the log; later records are lost.
func (l *LogFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}
