package pos_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

const keyA, keyB, keyC = "aaaa0000aaaa0000aaaa", "bbbb0000bbbb0000bbbb", "cccc0000cccc0000cccc"

// believe starts a till that believes keys, has act look at it, and stops it.
func believe(t *testing.T, path string, keys []string, act func(*pos.Till)) {
	t.Helper()
	till, _, stop := openWith(t, path, func(c *pos.Config) { c.Keys = keys })
	if act != nil {
		act(till)
	}
	stop()
}

// recorded are the sets of keys that the journal took down, oldest first.
func recorded(t *testing.T, path string) []string {
	t.Helper()
	j, err := sqlite.Open(t.Context(), path, sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	events, err := j.Events(t.Context(), 1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var sets []string
	for _, e := range events {
		if e.Kind != pos.KeysBelieved {
			continue
		}
		f, err := e.Fact()
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, strings.Join(f.Keys, " "))
	}
	return sets
}

func wantRecorded(t *testing.T, path string, want ...string) {
	t.Helper()
	if got := recorded(t, path); !slices.Equal(got, want) {
		t.Errorf("the journal took down %q, want %q", got, want)
	}
}

// added are the open alerts about a key, newest first.
func added(till *pos.Till) (list []pos.Alert) {
	for _, a := range till.View().Alerts {
		if a.Kind == pos.AlertKeyAdded {
			list = append(list, a)
		}
	}
	return list
}

func wantAdded(t *testing.T, path string, keys []string, want int) {
	t.Helper()
	believe(t, path, keys, func(till *pos.Till) {
		if got := added(till); len(got) != want {
			t.Errorf("believing %q: %d alerts, want %d: %+v", keys, len(got), want, got)
		}
	})
}

// Whoever has the till's account can have it believe a key of their own. They
// must not be able to do it without anybody noticing.
func TestKeys_ANewOneIsLoudUntilAManagerExplainsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	wantAdded(t, path, []string{keyB, keyA, keyB}, 0) // the first
	wantRecorded(t, path, keyA+" "+keyB)
	wantAdded(t, path, []string{keyA, keyB}, 0)
	wantRecorded(t, path, keyA+" "+keyB)

	wantAdded(t, path, []string{keyC, keyA}, 1)
	wantAdded(t, path, []string{keyC, keyA}, 1) // it stays
	wantRecorded(t, path, keyA+" "+keyB, keyA+" "+keyC)
	believe(t, path, []string{keyA, keyC}, func(till *pos.Till) {
		a := added(till)[0]
		before, since := a.AddedKeys()
		if !slices.Equal(before, []string{keyA, keyB}) || !slices.Equal(since, []string{keyA, keyC}) || a.By != "" || time.Since(a.At) > time.Hour {
			t.Errorf("%+v", a)
		}
		var e *pos.Error
		if err := till.ResolveAlert(t.Context(), a.ID, "Huda", ""); !errors.As(err, &e) || e.Code != pos.CodeNote {
			t.Errorf("closed without a word: %v", err)
		}
		if err := till.ResolveAlert(t.Context(), a.ID, "Huda", "PayBy renewed its key"); err != nil {
			t.Error(err)
		}
	})
	wantAdded(t, path, []string{keyA, keyC}, 0)
	if _, err := sqlite.Verify(t.Context(), path); err != nil {
		t.Error(err)
	}
}

// Putting the old key back after a fraud hides nothing.
func TestKeys_ChangingThemBackIsAnotherAlert(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	wantAdded(t, path, []string{keyA}, 0)
	wantAdded(t, path, []string{keyB}, 1)
	wantAdded(t, path, []string{keyA}, 2)
	wantRecorded(t, path, keyA, keyB, keyA)
}

func TestKeys_OneLeftOutIsOnlyTakenDown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	wantAdded(t, path, []string{keyA, keyB}, 0)
	wantAdded(t, path, []string{keyB}, 0)
	wantRecorded(t, path, keyA+" "+keyB, keyB)
	wantAdded(t, path, []string{keyA, keyB}, 1)
}

// A journal of an older version knows no keys; a program that has none to tell
// changes nothing.
func TestKeys_AJournalThatNeverKnewThemBeginsNow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	wantAdded(t, path, nil, 0)
	wantRecorded(t, path)
	wantAdded(t, path, []string{keyA}, 0)
	wantAdded(t, path, nil, 0)
	wantRecorded(t, path, keyA)
}

func TestKeys_ATillThatOnlyChecksPINsTakesThemDown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	wantAdded(t, path, []string{keyA}, 0)
	_, _, stop := openWith(t, path, func(c *pos.Config) { c.Keys, c.Idle = []string{keyB}, true })
	stop()
	wantRecorded(t, path, keyA, keyB)
	wantAdded(t, path, []string{keyB}, 1)
}

func TestKeys_OutliveEveryRescue(t *testing.T) {
	dir := t.TempDir()
	path, copied, saved := filepath.Join(dir, "journal.db"), filepath.Join(dir, "copy.db"), filepath.Join(dir, "saved.db")
	wantAdded(t, path, []string{keyA}, 0)
	if _, err := sqlite.Backup(t.Context(), path, copied, false); err != nil {
		t.Fatal(err)
	}
	wantAdded(t, path, []string{keyB}, 1)

	j, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.Rebuild(t.Context()), j.Close(), sqlite.CheckDerived(t.Context(), path)); err != nil {
		t.Fatal(err)
	}
	wantAdded(t, path, []string{keyB}, 1)

	if _, err := sqlite.Salvage(t.Context(), path, saved, time.Now()); err != nil {
		t.Fatal(err)
	}
	wantRecorded(t, saved, keyA, keyB)
	wantAdded(t, saved, []string{keyB}, 1)

	// The copy is older than the alert; what it knows is not what is believed.
	if _, err := sqlite.Restore(t.Context(), copied, path, time.Now()); err != nil {
		t.Fatal(err)
	}
	wantRecorded(t, path, keyA)
	wantAdded(t, path, []string{keyB}, 1)
}

func TestKeys_WhoConnectsIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	wantAdded(t, path, []string{keyA}, 0)
	j, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	alerted, err := pos.RecordKeys(t.Context(), j, time.Now(), []string{keyA, keyB}, "omar")
	again, e := pos.RecordKeys(t.Context(), j, time.Now(), []string{keyB, keyA}, "omar")
	if err := errors.Join(err, e, j.Close()); err != nil || !alerted || again {
		t.Fatalf("%v, %v, %v", alerted, again, err)
	}
	believe(t, path, []string{keyA, keyB}, func(till *pos.Till) {
		if list := added(till); len(list) != 1 || list[0].By != "omar" {
			t.Errorf("%+v", list)
		}
	})
	wantRecorded(t, path, keyA, keyA+" "+keyB)
}

func TestShortKey_NeverReadsBeyond(t *testing.T) {
	for print, want := range map[string]string{"": "", "ab": "ab", strings.Repeat("ab", 32): "abababababababab"} {
		if got := pos.ShortKey(print); got != want {
			t.Errorf("%q: %q", print, got)
		}
	}
}
