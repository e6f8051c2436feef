package sqlite_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

func unverified(n int, raw string) pos.Batch {
	return pos.Batch{NoticeKey: "unverified:" + hashOf(raw), Facts: []pos.Fact{
		{Kind: pos.NoticeUnverified, At: at(n), Notice: &pos.NoticeFact{ReceivedAt: at(n), Sign: "s"}, Body: []byte(raw)}}}
}

func received(n int, raw, other string) pos.Batch {
	key := hashOf(raw)
	if other == "unreadable" {
		key = other + ":" + key
	}
	return pos.Batch{NoticeKey: key, Facts: []pos.Fact{
		{Kind: pos.NoticeReceived, At: at(n), Notice: &pos.NoticeFact{ReceivedAt: at(n), Sign: "s", Other: other}, Body: []byte(raw)}}}
}

func hashOf(raw string) string {
	sum := sha256.Sum256([]byte(raw))
	return hex.EncodeToString(sum[:])
}

func put(t *testing.T, j *sqlite.Journal, b pos.Batch) {
	t.Helper()
	if _, err := j.Record(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func unread(t *testing.T, j *sqlite.Journal) (out []string) {
	t.Helper()
	l, err := j.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range l.Unread {
		line := fmt.Sprint(u.Seq, " ", u.Size, " ", u.Verified, " ", u.Dropped)
		if u.Dropped == 0 {
			line += " " + hex.EncodeToString(u.Body[:4])
		}
		if !u.At.Equal(at(int(u.Seq))) {
			t.Errorf("event %d at %v", u.Seq, u.At)
		}
		out = append(out, line)
	}
	return out
}

func short(raw string) string { return hashOf(raw)[:8] }

func TestLoadFindsTheNewsThatNobodyTook(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	put(t, j, unverified(2, "waits"))
	put(t, j, unverified(3, "taken"))
	put(t, j, received(4, "strange", "unreadable"))
	put(t, j, received(5, "a void", "void"))
	put(t, j, pos.Batch{Facts: []pos.Fact{{Kind: pos.NoticeUnverified, At: at(6), Notice: &pos.NoticeFact{ReceivedAt: at(6), Dropped: 4}}}})
	put(t, j, unverified(7, "verified, not understood"))
	put(t, j, received(8, "taken", ""))
	put(t, j, received(9, "verified, not understood", "unreadable"))
	put(t, j, unverified(10, "pruned"))
	mustExec(t, raw(t, path), "DELETE FROM bodies WHERE seq = 10")
	want := []string{
		"2 5 false 0 " + short("waits"), "4 7 true 0 " + short("strange"), "6 0 false 4",
		"9 24 true 0 " + short("verified, not understood"), "10 0 false 0 " + short("pruned"),
	}
	equal(t, "unread", unread(t, j), want)
	if err := j.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, "unread after a rebuild", unread(t, j), want)
	put(t, j, received(11, "strange", ""))
	equal(t, "unread", unread(t, j), append(want[:1:1], want[2:]...))
	closeJournal(t, j)
	verified(t, path, 11)
}

// What anybody can send is bounded; what PayBy has signed is found however much
// of that came since.
func TestNoUnverifiedNewsPushesSignedNewsOff(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	put(t, j, unverified(2, "oldest"))
	put(t, j, received(3, "strange", "unreadable"))
	flood := pos.Batch{}
	for i := range pos.MaxUnread + 1 {
		flood.Facts = append(flood.Facts, unverified(4+i, fmt.Sprint("nobody's ", i)).Facts...)
	}
	put(t, j, flood)
	list := unread(t, j)
	if len(list) != pos.MaxUnread+2 {
		t.Fatalf("%d unread", len(list))
	}
	equal(t, "the first", list[:2], []string{"3 7 true 0 " + short("strange"), "4 10 false 0 " + short("nobody's 0")})
	closeJournal(t, j)
}

// A start reads the index of what was not taken, however long the journal is.
func TestTheSearchForUnreadNewsWalksItsIndex(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	put(t, j, unverified(2, "waits"))
	steps, err := j.ExplainUnread(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	walks := slices.DeleteFunc(slices.Clone(steps), func(step string) bool { return !strings.HasPrefix(step, "SCAN") })
	equal(t, "walks", walks, []string{
		"SCAN events USING INDEX events_unread", "SCAN events USING INDEX events_unread", "SCAN (subquery-4)",
	})
}

// What was saved of a broken journal is tried again unless it was taken in
// what was saved.
func TestASalvagedJournalKeepsItsUnreadNews(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	put(t, j, unverified(2, "taken"))
	put(t, j, unverified(3, "waits"))
	put(t, j, unverified(4, "taken too late"))
	put(t, j, received(5, "taken", ""))
	put(t, j, received(6, "taken too late", ""))
	put(t, j, unverified(7, "behind the break"))
	closeJournal(t, j)
	tamper(t, path, "DELETE FROM events WHERE seq = 6")
	saved := newPath(t)
	if _, err := sqlite.Salvage(t.Context(), path, saved, small.Now()); err != nil {
		t.Fatal(err)
	}
	j, err := sqlite.Open(t.Context(), saved, small)
	if err != nil {
		t.Fatal(err)
	}
	defer closeJournal(t, j)
	equal(t, "unread", unread(t, j), []string{"3 5 false 0 " + short("waits"), "4 14 false 0 " + short("taken too late")})
}

// More than a start tries again is tried by the starts after it: what was taken
// since stands in no older news' way.
func TestUnverifiedNewsThatWasTakenMakesRoomForOlder(t *testing.T) {
	path := newPath(t)
	j := bound(t, path)
	put(t, j, unverified(2, "oldest"))
	put(t, j, unverified(3, "older"))
	flood := pos.Batch{}
	for i := range pos.MaxUnread {
		flood.Facts = append(flood.Facts, unverified(4+i, fmt.Sprint("PayBy's ", i)).Facts...)
	}
	put(t, j, flood)
	if list := unread(t, j); len(list) != pos.MaxUnread+1 || list[0] != "3 5 false 0 "+short("older") {
		t.Fatalf("%d unread, from %s on", len(list), list[0])
	}
	keys := raw(t, path)
	mustExec(t, keys, "INSERT INTO notices (key, seq) SELECT lower(hex(body)), seq FROM events WHERE seq BETWEEN 4 AND 5003")
	mustExec(t, keys, "INSERT INTO notices (key, seq) SELECT 'unreadable:' || lower(hex(body)), seq FROM events WHERE seq > 5003")
	equal(t, "unread", unread(t, j), []string{"2 6 false 0 " + short("oldest"), "3 5 false 0 " + short("older")})
	closeJournal(t, j)
}
