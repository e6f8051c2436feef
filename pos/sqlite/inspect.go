package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/filspos/fils/pos"
)

// magic begins every SQLite file; pageSize is that of every journal.
const (
	magic    = "SQLite format 3\x00"
	pageSize = 4096
)

// headerSize is the fixed part of every SQLite file; the offsets below are
// those of SQLite's file format, big-endian.
const (
	headerSize       = 100
	offPageSize      = 16
	offFormats       = 18 // to write and to read: 2 with a write-ahead log, 1 without
	offChangeCounter = 24
	offPageCount     = 28
	offUserVersion   = 60
	offApplicationID = 68
	offValidFor      = 92
)

// inspect judges the file by its first bytes and its size, before SQLite may
// touch it. A missing file is fs.ErrNotExist. It must not be called for a file
// that this process has open as a database: to close any descriptor of a file
// gives up all POSIX locks of the process on it, SQLite's among them. A program
// with an older SQLite that closes the file then removes the log the till goes
// on writing.
func inspect(path string, newest int64) error {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) && !walEmpty(path) {
			return damaged("the file is gone, but not its write-ahead log")
		}
		if errors.Is(err, fs.ErrNotExist) && len(parts(path)) > 0 {
			return damaged("the file was being replaced by a copy when that was interrupted; restore the copy again")
		}
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return damaged("not a regular file")
	}
	head := make([]byte, headerSize)
	if _, err := io.ReadFull(f, head); err != nil {
		if errors.Is(err, io.EOF) {
			return damaged("the file is empty")
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return damaged("the file is cut off")
		}
		return err
	}
	if !bytes.HasPrefix(head, []byte(magic)) {
		return damaged("not a database")
	}
	if binary.BigEndian.Uint32(head[offApplicationID:]) != applicationID {
		return damaged("a database, but not a journal")
	}
	if v := int64(binary.BigEndian.Uint32(head[offUserVersion:])); v > newest {
		return newer(v, newest)
	}
	if bytes.Equal(head[offFormats:offFormats+2], []byte{1, 1}) && !walEmpty(path) {
		// SQLite marks the file before it begins a log, and the mark stays.
		return damaged("the write-ahead log beside it belongs to another file")
	}
	if walEmpty(path) && info.Size() < wantSize(head) {
		return damaged("the file is cut off")
	}
	return nil
}

// wantSize is the size the header promises, zero when it does not say.
func wantSize(head []byte) int64 {
	if !bytes.Equal(head[offChangeCounter:offChangeCounter+4], head[offValidFor:offValidFor+4]) {
		return 0
	}
	page := int64(binary.BigEndian.Uint16(head[offPageSize:]))
	if page == 1 {
		page = 65536
	}
	return page * int64(binary.BigEndian.Uint32(head[offPageCount:]))
}

// walEmpty reports that nothing committed waits in the write-ahead log.
func walEmpty(path string) bool {
	info, err := os.Stat(path + "-wal")
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return info.Size() == 0
}

// restriction keeps errors.Is working for State.
func restriction(full, readOnly bool) error {
	switch {
	case full:
		return pos.ErrJournalFull
	case readOnly:
		return pos.ErrJournalReadOnly
	}
	return nil
}
