package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// closedJournal has 9 events (two sales) and is closed.
func closedJournal(t testing.TB) string {
	t.Helper()
	path := newPath(t)
	j := bound(t, path)
	record(t, j, paidSale(1)...)
	record(t, j, paidSale(2)...)
	closeJournal(t, j)
	return path
}

func TestVerifyNamesTheEventThatWasChanged(t *testing.T) {
	original := closedJournal(t)
	verified(t, original, 9)
	changes := map[string]string{
		"time":         "at_ms = at_ms + 1",
		"kind":         "kind = 'sale.closed'",
		"sale":         "sale = sale || 'x'",
		"refund":       "refund = 'R1'",
		"data":         "data = CAST(replace(data, '}', ' }') AS BLOB)",
		"body":         "body = randomblob(32)",
		"no body":      "body = CASE WHEN body IS NULL THEN randomblob(32) ELSE NULL END",
		"empty body":   "body = CASE WHEN body IS NULL THEN zeroblob(32) ELSE NULL END",
		"prev":         "prev = randomblob(32)",
		"hash":         "hash = randomblob(32)",
		"short hash":   "hash = randomblob(31)",
		"short prev":   "prev = randomblob(31)",
		"hash removed": "hash = x''",
	}
	for name, change := range changes {
		for _, seq := range []int64{1, 2, 4, 9} {
			t.Run(fmt.Sprintf("%s of %d", name, seq), func(t *testing.T) {
				path := copyFile(t, original)
				tamper(t, path, "PRAGMA ignore_check_constraints = 1",
					fmt.Sprintf("UPDATE events SET %s WHERE seq = %d", change, seq))
				broken(t, path, seq)
			})
		}
	}
}

func TestVerifyNamesWhatIsMissingOrOutOfPlace(t *testing.T) {
	original := closedJournal(t)
	for name, c := range map[string]struct {
		seq        int64
		statements []string
	}{
		"an event removed": {5, []string{"DELETE FROM events WHERE seq = 5"}},
		"an event removed and the rest moved up": {5, []string{"DELETE FROM events WHERE seq = 5",
			"UPDATE events SET seq = seq - 1 WHERE seq > 5"}},
		"the first removed":   {1, []string{"DELETE FROM events WHERE seq = 1"}},
		"all removed":         {1, []string{"DELETE FROM events"}},
		"the tail removed":    {8, []string{"DELETE FROM events WHERE seq >= 8"}},
		"the last removed":    {9, []string{"DELETE FROM events WHERE seq = 9"}},
		"two events swapped":  {4, []string{"UPDATE events SET seq = -4 WHERE seq = 4", "UPDATE events SET seq = 4 WHERE seq = 7", "UPDATE events SET seq = 7 WHERE seq = -4"}},
		"numbering off":       {1, []string{"UPDATE events SET seq = -seq", "UPDATE events SET seq = 1 - seq"}},
		"an event replaced":   {3, []string{"REPLACE INTO events SELECT 3, at_ms, kind, sale, refund, data, body, prev, hash FROM events WHERE seq = 4"}},
		"a body changed":      {4, []string{"UPDATE bodies SET raw = CAST('paid' AS BLOB) WHERE seq = 4"}},
		"two bodies changed":  {4, []string{"UPDATE bodies SET raw = CAST('paid' AS BLOB)"}},
		"a body nobody named": {6, []string{"UPDATE bodies SET seq = 6 WHERE seq = 5"}},
		"a body too many":     {12, []string{"INSERT INTO bodies VALUES (12, x'00')"}},
		"a column added":      {0, []string{"ALTER TABLE sales ADD COLUMN x TEXT"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := copyFile(t, original)
			tamper(t, path, c.statements...)
			broken(t, path, c.seq)
		})
	}
}

func TestAnEventHashedAgainIsBetrayedByTheNext(t *testing.T) {
	path := closedJournal(t)
	j := open(t, path)
	story, err := j.Story(t.Context(), saleNo(1))
	if err != nil {
		t.Fatal(err)
	}
	closeJournal(t, j)
	e := story[2]
	e.Data = []byte(strings.Replace(string(e.Data), "1001", "9001", 1))
	e.Hash = e.Sum()
	tamper(t, path, fmt.Sprintf("UPDATE events SET data = x'%x', hash = x'%x' WHERE seq = %d", e.Data, e.Hash[:], e.Seq))
	broken(t, path, e.Seq+1)
}

func TestASecondBindingOrAnotherFirstEventIsNoChain(t *testing.T) {
	for name, facts := range map[string][]pos.Fact{
		"another first": {intended(1)},
		"a second":      {bind(), bind()},
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			closeJournal(t, open(t, path))
			db := raw(t, path)
			var prev pos.Hash
			for i, f := range facts {
				e, err := pos.NewEvent(int64(i+1), prev, f)
				if err != nil {
					t.Fatal(err)
				}
				mustExec(t, db, "INSERT INTO events (seq, at_ms, kind, sale, refund, data, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
					e.Seq, e.At.UnixMilli(), string(e.Kind), string(e.Sale), "", e.Data, e.Prev[:], e.Hash[:])
				prev = e.Hash
			}
			broken(t, path, int64(len(facts)))
			if _, err := sqlite.Open(t.Context(), path, small); !errors.Is(err, pos.ErrJournalDamaged) {
				t.Errorf("open: %v", err)
			}
		})
	}
}

func TestPrunedBodiesAreNoDamage(t *testing.T) {
	path := closedJournal(t)
	mustExec(t, raw(t, path), "DELETE FROM bodies WHERE seq < 6")
	verified(t, path, 9)
}

func TestEventsCanOnlyBeAppended(t *testing.T) {
	path := closedJournal(t)
	db := raw(t, path)
	before := query[string](t, db, "SELECT hex(hash) FROM events ORDER BY seq")
	const columns = "at_ms, kind, sale, refund, data, body, prev, hash"
	row := func(seq string) string {
		return "SELECT " + seq + ", " + columns + " FROM events WHERE seq = 3"
	}
	statements := []string{
		"UPDATE events SET data = data",
		"UPDATE events SET seq = 10 WHERE seq = 9",
		"UPDATE OR REPLACE events SET seq = 3 WHERE seq = 4",
		"UPDATE OR IGNORE events SET kind = 'x'",
		"DELETE FROM events",
		"DELETE FROM events WHERE seq = 9",
		"INSERT INTO events " + row("11"),
		"INSERT INTO events " + row("9"),
		"INSERT INTO events " + row("0"),
		"INSERT INTO events " + row("-1"),
		"INSERT INTO events " + row("NULL"),
		"INSERT OR REPLACE INTO events " + row("9"),
		"INSERT OR REPLACE INTO events " + row("3"),
		"REPLACE INTO events " + row("1"),
		"INSERT OR IGNORE INTO events " + row("12"),
		"INSERT INTO events " + row("9") + " ON CONFLICT (seq) DO UPDATE SET kind = 'x'",
	}
	for _, recursive := range []string{"0", "1"} {
		mustExec(t, db, "PRAGMA recursive_triggers = "+recursive)
		for _, s := range statements {
			if _, err := db.Exec(s); err == nil {
				t.Errorf("recursive_triggers %s: %s was allowed", recursive, s)
			}
		}
	}
	equal(t, "events", query[string](t, db, "SELECT hex(hash) FROM events ORDER BY seq"), before)
	verified(t, path, 9)
	// What follows the last event is allowed, and only caught by the chain.
	mustExec(t, db, "INSERT INTO events "+row("10"))
	broken(t, path, 10)
}

func TestVerifyReadsWhileTheTillWrites(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	record(t, j, paidSale(1)...)
	verified(t, path, 5)
	record(t, j, paidSale(2)...)
	verified(t, path, 9)
}

func TestVerifyGivesUpWithItsContext(t *testing.T) {
	path := closedJournal(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sqlite.Verify(ctx, path); !errors.Is(err, context.Canceled) || errors.Is(err, pos.ErrJournalDamaged) {
		t.Errorf("verify: %v", err)
	}
}
