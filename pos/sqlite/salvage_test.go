package sqlite_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// notice is a notification as a till records it.
func notice(n int) pos.Batch {
	raw := []byte(fmt.Sprintf("notification %d", n))
	sum := sha256.Sum256(raw)
	cursor := fmt.Sprint("cursor ", n)
	return pos.Batch{
		Facts: []pos.Fact{{Kind: pos.NoticeReceived, At: at(n), Sale: saleNo(n), Body: raw,
			Notice: &pos.NoticeFact{ID: fmt.Sprint(n), ReceivedAt: at(n)}}, paid(n)},
		NoticeKey: hex.EncodeToString(sum[:]), Cursor: &cursor,
	}
}

// lively fills a journal with all that a salvage carries over. saved are the
// events of its chain; sales is how many there are.
func lively(t *testing.T, j *sqlite.Journal, sales int) (chain []pos.Event) {
	t.Helper()
	record(t, j, shiftOpened(0, 1))
	for n := range sales {
		record(t, j, paidSale(n)[:3]...)
		if _, err := j.Record(t.Context(), notice(n)); err != nil {
			t.Fatal(err)
		}
	}
	record(t, j, refundIntended(1, saleNo(1), 300))
	record(t, j, raised(3, saleNo(1), pos.AlertPaidAgain))
	_, err := j.Record(t.Context(), pos.Batch{PINs: []pos.PINRecord{{Member: "m1", Salt: []byte("salt"), Hash: []byte("hash"),
		Passes: 1, MemoryKiB: 64, Threads: 1, Pepper: []byte("pepper")}}})
	if err != nil {
		t.Fatal(err)
	}
	chain, err = j.Events(t.Context(), 1, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

// wrecked salvages the file and holds the outcome to the original chain.
func wrecked(t *testing.T, path string, original []pos.Event) (s sqlite.Salvaged, target string, ok bool) {
	t.Helper()
	before := folder(t, path)
	target = newPath(t)
	s, err := sqlite.Salvage(t.Context(), path, target, at(1000))
	if after := folder(t, path); !equalFolders(before, after) {
		t.Errorf("the damaged journal's folder was changed: %d files, then %d", len(before), len(after))
	}
	if err != nil {
		if !errors.Is(err, pos.ErrJournalDamaged) {
			t.Errorf("salvage: %v; want a journal or %v", err, pos.ErrJournalDamaged)
		}
		if list, err := os.ReadDir(filepath.Dir(target)); err != nil || len(list) != 0 {
			t.Errorf("left behind: %v, %v", list, err)
		}
		return s, target, false
	}
	onlyFile(t, target)
	verified(t, target, s.Count)
	j, err := sqlite.Open(t.Context(), target, sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer closeJournal(t, j)
	events, err := j.Events(t.Context(), 1, s.Count)
	if err != nil || s.Saved < 1 || s.Saved > int64(len(original)) {
		t.Fatalf("%d events were saved of %d, %v", s.Saved, len(original), err)
	}
	for i, e := range events[:s.Saved] {
		if e.Hash != original[i].Hash || !bytes.Equal(e.Data, original[i].Data) {
			t.Fatalf("event %d is not the original one", e.Seq)
		}
	}
	added := events[s.Saved:]
	if len(added) == 0 || added[0].Kind != pos.JournalSalvaged {
		t.Fatalf("the salvaged journal goes on with %d events", len(added))
	}
	if s.Reason == "" {
		t.Error("there is no reason")
	}
	if l, err := j.Load(t.Context()); err != nil || l.Cursor != "" || l.Count != s.Count || l.Head != s.Head {
		t.Errorf("load: %+v, %v", l, err)
	}
	return s, target, true
}

func folder(t *testing.T, path string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	list, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if files[e.Name()], err = os.ReadFile(filepath.Join(filepath.Dir(path), e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func equalFolders(a, b map[string][]byte) bool {
	for name, content := range a {
		if !bytes.Equal(b[name], content) {
			return false
		}
	}
	return len(a) == len(b)
}

// livelyFile is a closed journal and its chain.
func livelyFile(t *testing.T, sales int) (path string, chain []pos.Event) {
	t.Helper()
	path = newPath(t)
	j := bound(t, path)
	chain = lively(t, j, sales)
	closeJournal(t, j)
	return path, chain
}

func TestSalvageSavesTheChainUpToItsBreak(t *testing.T) {
	whole, chain := livelyFile(t, 12)
	all := int64(len(chain))
	data := func(seq int64) string {
		return fmt.Sprintf("UPDATE events SET data = CAST(replace(data, '}', ' }') AS BLOB) WHERE seq = %d", seq)
	}
	for name, c := range map[string]struct {
		saved      int64
		reason     string
		statements []string
	}{
		"nothing":                {all, "nothing tells", nil},
		"data changed":           {19, "event 20: its content", []string{data(20)}},
		"two events changed":     {9, "event 10: its content", []string{data(10), data(20)}},
		"the last changed":       {all - 1, "its content", []string{data(all)}},
		"a hash changed":         {29, "event 30", []string{"UPDATE events SET hash = randomblob(32) WHERE seq = 30"}},
		"a hash cut":             {29, "event 30", []string{"PRAGMA ignore_check_constraints = 1", "UPDATE events SET hash = x'00' WHERE seq = 30"}},
		"an event removed":       {24, "event 25: it is missing", []string{"DELETE FROM events WHERE seq = 25"}},
		"the end removed":        {39, "event 40: it is missing; event", []string{"DELETE FROM events WHERE seq >= 40"}},
		"an event of other type": {14, "event 15", []string{"PRAGMA ignore_check_constraints = 1", "UPDATE events SET kind = 'x' WHERE seq = 15"}},
		"no derived tables":      {all, "nothing tells", []string{"DROP TABLE refunds", "DROP TABLE sales", "DROP TABLE alerts", "DROP TABLE shifts"}},
		"no side tables":         {all, "nothing tells", []string{"DROP TABLE notices", "DROP TABLE bodies", "DROP TABLE pins", "DROP TABLE polls", "DROP TABLE meta"}},
		"derived tables edited":  {all, "nothing tells", []string{"UPDATE sales SET state = 'closed', doc = '{}'"}},
		"indexes gone":           {all, "nothing tells", []string{"DROP INDEX events_sale", "DROP INDEX sales_time"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := copyFile(t, whole)
			tamper(t, path, c.statements...)
			s, _, ok := wrecked(t, path, chain)
			if !ok || s.Saved != c.saved || !strings.Contains(s.Reason, c.reason) {
				t.Errorf("%d of %d events were saved, because %q", s.Saved, all, s.Reason)
			}
		})
	}
	for name, statement := range map[string]string{
		"the first changed": data(1), "the first removed": "DELETE FROM events WHERE seq = 1",
	} {
		t.Run(name, func(t *testing.T) {
			path := copyFile(t, whole)
			db := raw(t, path)
			for _, trigger := range []string{"events_no_update", "events_no_delete", "events_append"} {
				mustExec(t, db, "DROP TRIGGER "+trigger)
			}
			mustExec(t, db, statement)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if s, _, ok := wrecked(t, path, chain); ok {
				t.Errorf("%d events were saved", s.Saved)
			}
		})
	}
}

func TestSalvageCarriesOverWhatBelongsToTheSavedEvents(t *testing.T) {
	path, chain := livelyFile(t, 12)
	const brokenAt = 40 // in the middle of sale 7
	tamper(t, path, fmt.Sprintf("DELETE FROM events WHERE seq = %d", brokenAt),
		"UPDATE bodies SET raw = CAST('paid' AS BLOB) WHERE seq = (SELECT min(seq) FROM bodies)",
		"UPDATE notices SET seq = 5") // a key of lost news that claims to be saved
	bodies := int64(0)
	for _, e := range chain[:brokenAt-1] {
		if e.Body != (pos.Hash{}) {
			bodies++
		}
	}
	s, target, ok := wrecked(t, path, chain)
	if !ok || s.Saved != brokenAt-1 || s.BodiesBefore != bodies || s.Bodies != bodies-1 || s.PINs != 1 {
		t.Fatalf("salvaged: %+v; want %d bodies", s, bodies-1)
	}
	j := open(t, target)
	if list, err := j.PINs(t.Context()); err != nil || len(list) != 1 || string(list[0].Pepper) != "pepper" {
		t.Errorf("PINs: %+v, %v", list, err)
	}
	lost := 0
	for n := range 12 {
		saved := false
		for _, e := range chain[:brokenAt-1] {
			saved = saved || e.Kind == pos.NoticeReceived && e.Sale == saleNo(n)
		}
		b := notice(n)
		b.Facts = b.Facts[:1]
		_, err := j.Record(t.Context(), b)
		if saved != errors.Is(err, pos.ErrDuplicateNotice) || !saved && err != nil {
			t.Errorf("notification %d, saved %v: %v", n, saved, err)
		}
		if !saved {
			lost++
		}
	}
	if lost == 0 || lost == 12 {
		t.Errorf("%d notifications were lost: the test proves nothing", lost)
	}
}

func TestSalvageOfAnyBrokenFileGivesAPrefixOrAnError(t *testing.T) {
	whole, chain := livelyFile(t, 10)
	content, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(5, 6))
	const page = 4096
	broken := map[string][]byte{}
	for size := 0; size < len(content); size += 3*page + 1000 {
		broken[fmt.Sprintf("cut off at %d", size)] = content[:size]
	}
	for at := 0; at < len(content); at += page {
		b := bytes.Clone(content)
		switch at / page % 3 {
		case 0:
			clear(b[at : at+page])
		case 1:
			for i := range page {
				b[at+i] = byte(random.Uint32())
			}
		case 2: // a page of another place
			from := random.IntN(len(b)/page) * page
			copy(b[at:at+page], content[from:from+page])
		}
		broken[fmt.Sprintf("page %d overwritten", at/page+1)] = b
	}
	for i := range 40 {
		b := bytes.Clone(content)
		b[random.IntN(len(b))] ^= byte(1 + random.IntN(255))
		broken[fmt.Sprintf("byte flipped %d", i)] = b
	}
	zeroed := bytes.Clone(content)
	clear(zeroed[:100])
	broken["header zeroed"] = zeroed
	broken["text"] = bytes.Repeat([]byte("not a database\n"), 1000)
	saved, complete := 0, 0
	for name, b := range broken {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			s, _, ok := wrecked(t, path, chain)
			if ok {
				saved++
			}
			if s.Saved == int64(len(chain)) {
				complete++
			}
			if name == "header zeroed" && s.Saved != int64(len(chain)) {
				t.Errorf("%d of %d events were saved without the header", s.Saved, len(chain))
			}
		})
	}
	t.Logf("of %d broken files %d gave a journal, %d of them the whole chain", len(broken), saved, complete)
	if saved < len(broken)/2 || complete == saved {
		t.Errorf("of %d broken files %d gave a journal, %d of them the whole chain", len(broken), saved, complete)
	}
}

func TestSalvageSavesWhatIsLeftOfAFileThatWasCutOff(t *testing.T) {
	whole, chain := livelyFile(t, 100)
	content, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	last := int64(0)
	for _, percent := range []int{40, 60, 75, 90, 97} {
		path := newPath(t)
		if err := os.WriteFile(path, content[:len(content)*percent/100], 0o600); err != nil {
			t.Fatal(err)
		}
		s, _, ok := wrecked(t, path, chain)
		if !ok || s.Saved <= last || s.Saved >= int64(len(chain)) || s.PINs != 1 || percent > 70 && s.Bodies == 0 {
			t.Errorf("%d%% of the file gave %+v of %d events, less of it %d", percent, s, len(chain), last)
		}
		last = s.Saved
	}
}

func TestSalvageReadsTheLogOfAKilledTill(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	chain := lively(t, j, 10)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wal, err := os.ReadFile(path + "-wal")
	if err != nil || len(wal) < 100_000 {
		t.Fatalf("the log has %d bytes, %v", len(wal), err)
	}
	random := rand.New(rand.NewPCG(7, 8))
	garbage := make([]byte, len(wal))
	for i := range garbage {
		garbage[i] = byte(random.Uint32())
	}
	flipped := bytes.Clone(wal)
	flipped[len(flipped)/2] ^= 1
	for name, c := range map[string]struct {
		wal   []byte
		least int64
		most  int64
	}{
		"as it was":    {wal, int64(len(chain)), int64(len(chain))},
		"garbage":      {garbage, 0, 1},
		"half":         {wal[:len(wal)/2], 2, int64(len(chain)) - 1},
		"byte flipped": {flipped, 2, int64(len(chain)) - 1},
		"and garbage":  {append(bytes.Clone(wal), garbage...), int64(len(chain)), int64(len(chain))},
		"empty":        {nil, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			killed := filepath.Join(dir, "journal.db")
			if err := errors.Join(os.WriteFile(killed, content, 0o600), os.WriteFile(killed+"-wal", c.wal, 0o600)); err != nil {
				t.Fatal(err)
			}
			s, _, ok := wrecked(t, killed, chain)
			if ok != (s.Saved > 0) || s.Saved < c.least || s.Saved > c.most {
				t.Errorf("%d of %d events, %q", s.Saved, len(chain), s.Reason)
			}
		})
	}
}

func TestSalvageTouchesNothingItMustNot(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	if _, err := sqlite.Salvage(t.Context(), path, newPath(t), at(1)); !errors.Is(err, pos.ErrJournalLocked) {
		t.Errorf("a journal in use: %v", err)
	}
	closeJournal(t, j)
	taken := newPath(t)
	if err := os.WriteFile(taken, []byte("dear"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Salvage(t.Context(), path, taken, at(1)); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a target that exists: %v", err)
	}
	if _, err := sqlite.Salvage(t.Context(), path, path, at(1)); err == nil {
		t.Error("the damaged file itself as target")
	}
	if _, err := sqlite.Salvage(t.Context(), newPath(t), newPath(t), at(1)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	db := raw(t, path)
	mustExec(t, db, "PRAGMA user_version = 99")
	db.Close()
	if _, err := sqlite.Salvage(t.Context(), path, newPath(t), at(1)); !errors.Is(err, pos.ErrJournalNewer) {
		t.Errorf("a newer journal: %v", err)
	}
	old, chain := fixture(t, "format3.db.gz"), int64(109)
	s, err := sqlite.Salvage(t.Context(), old, newPath(t), at(1))
	if err != nil || s.Saved != chain {
		t.Errorf("an older journal: %+v, %v", s, err)
	}
}

func TestSalvageEndsBeforeAnEventThatDoesNotFold(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	record(t, j, paidSale(1)...)
	chain, err := j.Events(t.Context(), 1, 100)
	if err != nil {
		t.Fatal(err)
	}
	closeJournal(t, j)
	// Sound links, but a payment of a sale that was never intended.
	last := chain[len(chain)-1]
	e, err := pos.NewEvent(last.Seq+1, last.Hash, pos.Fact{Kind: pos.SaleWasPaid, At: at(9), Sale: saleNo(9), Order: report(9, pos.OrderPaid)})
	if err != nil {
		t.Fatal(err)
	}
	db := raw(t, path)
	mustExec(t, db, "INSERT INTO events (seq, at_ms, kind, sale, refund, data, prev, hash) VALUES (?, ?, ?, ?, '', ?, ?, ?)",
		e.Seq, e.At.UnixMilli(), string(e.Kind), string(e.Sale), e.Data, e.Prev[:], e.Hash[:])
	db.Close()
	s, _, ok := wrecked(t, path, append(chain, e))
	if !ok || s.Saved != last.Seq || !strings.Contains(s.Reason, "does not fold") {
		t.Errorf("salvaged: %+v", s)
	}
}

// What a salvage needs on the disk never takes the place of anything.
func TestSalvageRemovesNothingThatItDidNotMake(t *testing.T) {
	for name, lies := range map[string]string{
		"called like its work": ".salvage", "in a directory called so": ".salvage/damaged.db",
		"called like a new file": ".new", "called like a part": ".part",
	} {
		t.Run(name, func(t *testing.T) {
			target := newPath(t)
			path := target + filepath.FromSlash(lies)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			const only = "the only copy of the day's payments"
			if err := os.WriteFile(path, []byte(only), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := sqlite.Salvage(t.Context(), path, target, at(1000)); !errors.Is(err, pos.ErrJournalDamaged) {
				t.Errorf("salvage: %v", err)
			}
			if b, err := os.ReadFile(path); err != nil || string(b) != only {
				t.Fatalf("the damaged journal: %q, %v", b, err)
			}
			if list, err := os.ReadDir(filepath.Dir(target)); err != nil || len(list) != 1 {
				t.Errorf("left behind: %v, %v", list, err)
			}
			if j, err := sqlite.Open(t.Context(), target, sqlite.Options{}); err != nil || j.Close() != nil {
				t.Error(err)
			}
			if _, err := sqlite.Backup(t.Context(), closedJournal(t), target, true); err != nil {
				t.Error(err)
			}
			if b, err := os.ReadFile(path); err != nil || string(b) != only {
				t.Fatalf("the damaged journal: %q, %v", b, err)
			}
		})
	}
}

// A column of another type reads as text, which database/sql quotes.
func TestSalvageNamesNoPayer(t *testing.T) {
	const payer = "100000012396"
	path, chain := livelyFile(t, 5)
	tamper(t, path,
		"CREATE TABLE e2 (seq INTEGER PRIMARY KEY, at_ms, kind TEXT, sale TEXT, refund TEXT, data BLOB, body BLOB, prev BLOB, hash BLOB)",
		"INSERT INTO e2 SELECT * FROM events", "DROP TABLE events", "ALTER TABLE e2 RENAME TO events",
		`UPDATE events SET at_ms = '{"payment":{"payer":"`+payer+`"}}' WHERE seq = 6`, "VACUUM")
	s, _, ok := wrecked(t, path, chain)
	if !ok || s.Saved != 5 || strings.Contains(s.Reason, payer) || !strings.Contains(s.Reason, "another kind of value") {
		t.Errorf("saved %d, because %q", s.Saved, s.Reason)
	}
	if _, err := sqlite.Verify(t.Context(), path); err == nil || strings.Contains(err.Error(), payer) {
		t.Errorf("verify: %v", err)
	}
}
