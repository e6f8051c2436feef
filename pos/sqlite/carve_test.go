package sqlite

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
)

// chainFile is a closed journal's bytes, and its events. Some are larger than
// a page.
func chainFile(t testing.TB, sales int) (content []byte, chain []pos.Event, root int64) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	j, err := Open(t.Context(), path, Options{ReserveBytes: 4096})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	facts := []pos.Fact{{Kind: pos.JournalBound, At: at, Binding: &pos.Binding{Environment: "uat", Host: "h", Partner: "2"}}}
	for n := range sales {
		facts = append(facts, pos.Fact{Kind: pos.AlertRaised, At: at.Add(time.Duration(n) * time.Second),
			Alert: &pos.AlertFact{Kind: pos.AlertMismatch}, Note: string(bytes.Repeat([]byte{'a' + byte(n%26)}, n*n%9001))})
	}
	if chain, err = j.Record(t.Context(), pos.Batch{Facts: facts}); err != nil {
		t.Fatal(err)
	}
	if err := j.writer.QueryRow("SELECT rootpage FROM sqlite_schema WHERE name = 'events'").Scan(&root); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if content, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return content, chain, root
}

func TestSalvageFindsEventsWhosePageIsReachedByNoOther(t *testing.T) {
	content, chain, root := chainFile(t, 150)
	for name, lost := range map[string][]int64{"schema": {1}, "root": {root}, "both": {1, root}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			broken := bytes.Clone(content)
			for _, page := range lost {
				clear(broken[(page-1)*pageSize : page*pageSize])
			}
			path := filepath.Join(dir, "damaged.db")
			if err := os.WriteFile(path, broken, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := Salvage(t.Context(), path, filepath.Join(dir, "new.db"), time.Now())
			if err != nil || s.Saved != int64(len(chain)) {
				t.Fatalf("%d of %d events were saved, %v", s.Saved, len(chain), err)
			}
			j, err := Open(t.Context(), s.Path, Options{ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			got, err := j.Events(t.Context(), 1, s.Saved)
			if err != nil {
				t.Fatal(err)
			}
			for i, e := range got {
				if e.Hash != chain[i].Hash || !bytes.Equal(e.Data, chain[i].Data) {
					t.Fatalf("event %d is not the original one", e.Seq)
				}
			}
		})
	}
}

// The chain ends at an event that does not follow, however sound it is in
// itself, and at one that was changed, also when its old text lies elsewhere in
// the file: what stands behind it was never found in its place.
func TestSalvageKeepsNothingBehindABreak(t *testing.T) {
	content, chain, _ := chainFile(t, 150)
	const last = 60
	broken := chain[last] // event 61
	record := append(bytes.Clone(broken.Prev[:]), broken.Hash[:]...)
	where := bytes.Index(content, record)
	if where < 0 || bytes.Count(content, record) != 1 {
		t.Fatal("the event is not where it was written")
	}
	elsewhere := bytes.Clone(content[where/pageSize*pageSize:][:pageSize])
	stranger := broken
	stranger.Prev[0] ^= 1
	stranger.Hash = stranger.Sum()
	for name, spoil := range map[string]func([]byte) []byte{
		"another predecessor, in a bare page": func(b []byte) []byte {
			copy(b[where:], append(bytes.Clone(stranger.Prev[:]), stranger.Hash[:]...))
			clear(b[:pageSize])
			return b
		},
		"changed, and as it was in a page of no table": func(b []byte) []byte {
			b[where+len(broken.Prev)] ^= 1
			return append(b, elsewhere...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "damaged.db")
			if err := os.WriteFile(path, spoil(bytes.Clone(content)), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := Salvage(t.Context(), path, filepath.Join(dir, "new.db"), time.Now())
			if err != nil || s.Saved != last {
				t.Errorf("%d events were saved, %v; want %d", s.Saved, err, last)
			}
		})
	}
}

func TestCarvingReadsEveryEventOfASoundFile(t *testing.T) {
	content, chain, _ := chainFile(t, 150)
	path := filepath.Join(t.TempDir(), "journal.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := carve(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for _, e := range chain {
		got, ok := c.lookup(e.Seq)
		if !ok || got.Hash != e.Hash || got.At != e.At || got.Kind != e.Kind || !bytes.Equal(got.Data, e.Data) {
			t.Fatalf("event %d: %v, %+v", e.Seq, ok, got)
		}
	}
	if _, ok := c.lookup(int64(len(chain)) + 1); ok {
		t.Error("an event too many")
	}
}

func TestVarintsAreReadLikeSQLiteWritesThem(t *testing.T) {
	for _, c := range []struct {
		bytes []byte
		v     int64
		n     int
	}{
		{[]byte{0x00}, 0, 1},
		{[]byte{0x7f}, 127, 1},
		{[]byte{0x81, 0x00}, 128, 2},
		{[]byte{0x82, 0x2c, 0xff}, 300, 2},
		{bytes.Repeat([]byte{0xff}, 9), -1, 9},
		{[]byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x05}, 5, 9},
		{nil, 0, 0},
		{[]byte{0x81}, 0, 0},
		{bytes.Repeat([]byte{0xff}, 8), 0, 0},
	} {
		if v, n := varint(c.bytes); v != c.v || n != c.n {
			t.Errorf("%x: %d in %d bytes, want %d in %d", c.bytes, v, n, c.v, c.n)
		}
	}
}

// A header that was broken itself does not fill the disk.
func TestAHoleIsNoLargerThanTheFile(t *testing.T) {
	content, _, _ := chainFile(t, 12)
	path := filepath.Join(t.TempDir(), "journal.db")
	copy(content[offPageCount:], []byte{0xff, 0xff, 0xff, 0})
	for name, file := range map[string][]byte{path: content, path + "-wal": bytes.Repeat([]byte{7}, 3*pageSize)} {
		if err := os.WriteFile(name, file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	name, err := mended(path, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if want := 2*int64(len(content)) + minHole + 3*pageSize; err != nil || name == path || info.Size() != want {
		t.Errorf("%d KiB instead of %d KiB, %v", info.Size()>>10, want>>10, err)
	}
	s, err := Salvage(t.Context(), path, filepath.Join(t.TempDir(), "new.db"), time.UnixMilli(0))
	if err != nil || s.Saved < 12 {
		t.Errorf("saved %d events: %v", s.Saved, err)
	}
}

// FuzzCarve reads pages of anything: no panic, and no event that does not
// carry its own hash.
func FuzzCarve(f *testing.F) {
	content, _, root := chainFile(f, 12)
	f.Add(content[:pageSize])
	f.Add(content[(root-1)*pageSize : root*pageSize])
	f.Add(content)
	cut := bytes.Clone(content)
	for i := 100; i < len(cut); i += 97 {
		cut[i] ^= byte(i)
	}
	f.Add(cut)
	leaf := bytes.Repeat([]byte{0xff}, 2*pageSize)
	leaf[0] = leafOfTable
	f.Add(leaf)
	f.Fuzz(func(t *testing.T, raw []byte) {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := carve(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.close()
		for _, found := range c.found {
			if e, ok := c.lookup(found.seq); !ok || e.Hash != e.Sum() || e.Seq != found.seq {
				t.Errorf("event %d: %v", found.seq, ok)
			}
		}
	})
}
