package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// onlyFile fails when anything but name lies in its folder.
func onlyFile(t *testing.T, name string) {
	t.Helper()
	list, err := os.ReadDir(filepath.Dir(name))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.Name() != filepath.Base(name) {
			t.Errorf("%s was left beside %s", e.Name(), name)
		}
	}
}

func TestABackupIsAWholeJournal(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	for n := range 20 {
		record(t, j, paidSale(n)...)
	}
	record(t, j, intended(20))
	count, hash, err := j.Head(t.Context())
	if err != nil || count != 82 {
		t.Fatalf("head: %d, %v", count, err)
	}
	if err := j.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := map[string][]byte{}
	for _, suffix := range []string{"", "-wal", ".reserve"} {
		if before[suffix], err = os.ReadFile(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	target := filepath.Join(t.TempDir(), "backup of today.db")
	c, err := j.Backup(t.Context(), target, false)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "copy", c, sqlite.Copy{Path: target, Count: count, Head: hash})
	onlyFile(t, target)
	for suffix, content := range before {
		if now, err := os.ReadFile(path + suffix); err != nil || !bytes.Equal(now, content) {
			t.Errorf("journal.db%s was changed: %v", suffix, err)
		}
	}
	info, err := os.Stat(target)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: %v, %v", info.Mode(), err)
	}
	verified(t, target, count)
	restored := open(t, target)
	if l, err := restored.Load(t.Context()); err != nil || l.Head != hash || len(l.Sales) != 1 {
		t.Errorf("restored: %+v, %v", l, err)
	}
	record(t, restored, attempted(20))
}

func TestABackupReplacesNothingUnasked(t *testing.T) {
	path := closedJournal(t)
	target := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(target, []byte("dear"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Backup(t.Context(), path, target, false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("backup: %v", err)
	}
	if b, err := os.ReadFile(target); err != nil || string(b) != "dear" {
		t.Errorf("the file there: %q, %v", b, err)
	}
	onlyFile(t, target)
	if _, err := sqlite.Backup(t.Context(), path, target, true); err != nil {
		t.Fatal(err)
	}
	onlyFile(t, target)
	verified(t, target, 9)
	for _, suffix := range []string{"", "-wal", "-shm", ".lock", ".reserve"} {
		if _, err := sqlite.Backup(t.Context(), path, path+suffix, true); err == nil {
			t.Errorf("the journal's own %q was replaced", suffix)
		}
	}
	if err := os.Link(path, target+".again"); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Backup(t.Context(), path, target+".again", true); err == nil {
		t.Error("the journal was replaced under another name")
	}
	other := newPath(t)
	used := bound(t, other)
	if _, err := sqlite.Backup(t.Context(), path, other, true); err == nil {
		t.Error("a journal in use was replaced")
	}
	record(t, used, paidSale(1)...)
	verified(t, other, 5)
	verified(t, path, 9)
}

func TestABackupReadsBesideATillThatWrites(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	history(t, j, 1500)
	ctx, stop := context.WithCancel(t.Context())
	written := make(chan error)
	began := make(chan struct{})
	go func() {
		for n := 5000; ctx.Err() == nil; n++ {
			if _, err := j.Record(t.Context(), pos.Batch{Facts: paidSale(n)}); err != nil {
				written <- err
				return
			}
			if n == 5000 {
				close(began)
			}
		}
		written <- nil
	}()
	<-began
	before, _, err := j.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(t.TempDir(), "copy.db")
	c, err := j.Backup(t.Context(), target, false)
	stop()
	if err := errors.Join(err, <-written); err != nil {
		t.Fatal(err)
	}
	after, _, err := j.Head(t.Context())
	if err != nil || c.Count < before || c.Count >= after {
		t.Errorf("the copy has %d events, the journal had %d before and %d after, %v", c.Count, before, after, err)
	}
	if hash, err := j.HashAt(t.Context(), c.Count); err != nil || hash != c.Head {
		t.Errorf("the copy is not the journal's beginning: %v", err)
	}
	if _, err := j.HashAt(t.Context(), after+1); !errors.Is(err, pos.ErrNotFound) {
		t.Errorf("hash of an event that is not there: %v", err)
	}
	verified(t, target, c.Count)
}

func TestABackupThatFailsLeavesNothing(t *testing.T) {
	whole := closedJournal(t)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	broken, lying := copyFile(t, whole), copyFile(t, whole)
	tamper(t, broken, "UPDATE events SET at_ms = at_ms + 1 WHERE seq = 3")
	tamper(t, lying, "UPDATE sales SET amount = amount + 1")
	for name, c := range map[string]struct {
		ctx  context.Context
		path string
		want error
	}{
		"a broken chain":      {t.Context(), broken, pos.ErrJournalDamaged},
		"edited tables":       {t.Context(), lying, pos.ErrJournalDamaged},
		"no journal":          {t.Context(), newPath(t), fs.ErrNotExist},
		"nobody waits for it": {cancelled, whole, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			target := filepath.Join(t.TempDir(), "copy.db")
			if _, err := sqlite.Backup(c.ctx, c.path, target, false); !errors.Is(err, c.want) {
				t.Errorf("backup: %v; want %v", err, c.want)
			}
			if list, err := os.ReadDir(filepath.Dir(target)); err != nil || name != "no journal" && len(list) != 0 {
				t.Errorf("left behind: %v, %v", list, err)
			}
		})
	}
	if _, err := sqlite.Backup(t.Context(), whole, filepath.Join(newPath(t), "no folder", "c.db"), false); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}
