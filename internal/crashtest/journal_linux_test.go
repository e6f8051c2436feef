package crashtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

// faulty runs the test that calls it once more with the library loaded; there
// it returns the hold on it, here nil when the other one has passed.
func faulty(t *testing.T) *faults {
	t.Helper()
	if name := os.Getenv("FILS_FAULT"); name != "" {
		f := &faults{name: name}
		f.attach(t)
		return f
	}
	t.Parallel()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), newFaults(t).env()...)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
	return nil
}

var began = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// book is a journal and what it has said of each batch so far.
type book struct {
	t        *testing.T
	path     string
	journal  *sqlite.Journal
	recorded []pos.SaleNo // reported as recorded
	refused  []pos.SaleNo // reported as not recorded
	unsure   []pos.SaleNo // reported as neither
}

func newBook(t *testing.T) *book {
	t.Helper()
	b := &book{t: t, path: filepath.Join(t.TempDir(), "journal.db")}
	j := b.open(b.path)
	_, err := j.Record(t.Context(), pos.Batch{Facts: []pos.Fact{{
		Kind: pos.JournalBound, At: began, Binding: &pos.Binding{Environment: "training", Host: "h", Partner: partner},
	}}})
	if err := errors.Join(err, j.Close()); err != nil {
		t.Fatal(err)
	}
	settled(t, b.path)
	b.journal = b.open(b.path)
	return b
}

func (b *book) open(path string) *sqlite.Journal {
	b.t.Helper()
	j, err := sqlite.Open(b.t.Context(), path, sqlite.Options{ReserveBytes: 4096})
	if err != nil {
		b.t.Fatal(err)
	}
	return j
}

// sell records one sale and takes down what the journal said.
func (b *book) sell(n int) error {
	no := pos.SaleNo(fmt.Sprintf("S260301-%020d", n))
	at := began.Add(time.Duration(n) * time.Second)
	_, err := b.journal.Record(b.t.Context(), pos.Batch{Facts: []pos.Fact{
		{Kind: pos.SaleIntended, At: at, Sale: no, By: "c1", Intent: &pos.SaleIntent{
			Amount: pos.Fils(100 + n), Currency: pos.Currency, Cashier: "c1", BusinessDate: "2026-03-01", Payee: partner,
			Subject: strings.Repeat("Shop ", 200), Biz: []byte("{}"),
		}},
		{Kind: pos.SaleAttempted, At: at, Sale: no, Attempt: &pos.Attempt{N: 1, RequestMs: at.UnixMilli()}},
	}})
	switch {
	case err == nil:
		b.recorded = append(b.recorded, no)
	case errors.Is(err, pos.ErrJournalUnsure):
		b.unsure = append(b.unsure, no)
	default:
		b.refused = append(b.refused, no)
	}
	return err
}

// audit restarts on what each aftermath leaves: what was reported must be so.
func (b *book) audit(what string, random *rand.Rand) {
	b.t.Helper()
	for _, a := range aftermaths() {
		path := filepath.Join(b.t.TempDir(), "left") // a name without faults
		a.leave(b.t, b.path, path, random)
		b.look(fmt.Sprintf("%s, %s", what, a), path)
	}
}

func (b *book) look(what, path string) {
	b.t.Helper()
	ctx := b.t.Context()
	j := b.open(path)
	for _, no := range b.recorded {
		if _, err := j.Sale(ctx, no); err != nil {
			b.t.Errorf("%s: a recorded sale: %v", what, err)
		}
	}
	for _, no := range b.refused {
		if _, err := j.Sale(ctx, no); !errors.Is(err, pos.ErrNotFound) {
			b.t.Errorf("%s: a sale that was not recorded is there: %v", what, err)
		}
	}
	came := 0
	for _, no := range b.unsure {
		s, err := j.Sale(ctx, no)
		if err == nil && s.Attempts == 1 {
			came++
		} else if !errors.Is(err, pos.ErrNotFound) {
			b.t.Errorf("%s: half a sale: %v", what, err)
		}
	}
	count, _, err := j.Head(ctx)
	if want := int64(1 + 2*(len(b.recorded)+came)); err != nil || count != want {
		b.t.Errorf("%s: %d events, %v; want %d", what, count, err, want)
	}
	next := &book{t: b.t, path: path, journal: j}
	if err := next.sell(999); err != nil {
		b.t.Errorf("%s: the next sale: %v", what, err)
	}
	if err := j.Close(); err != nil {
		b.t.Errorf("%s: close: %v", what, err)
	}
	if n, err := sqlite.Verify(ctx, path); err != nil || n != count+2 {
		b.t.Errorf("%s: verify: %d events, %v", what, n, err)
	}
	if path != b.path {
		return // what is derived is compared once at the end of a life
	}
	if err := sqlite.CheckDerived(ctx, path); err != nil {
		b.t.Errorf("%s: derived: %v", what, err)
	}
}

// TestFault_Commit lets the calls of a commit fail one by one, once and for
// good, before and after they were really done, and looks at each of the files
// that a restart may find. FILS_KILLS has it try every call instead of a few.
func TestFault_Commit(t *testing.T) {
	f := faulty(t)
	if f == nil {
		return
	}
	random := rand.New(rand.NewPCG(5, 6))
	unsure, refused, lives := 0, 0, 0
	for _, x := range []fault{
		{Calls: callSync, How: doNothing}, {Calls: callSync, How: doAll},
		{Calls: callWrite, How: doNothing}, {Calls: callWrite, How: doAll}, {Calls: callWrite, How: doHalf},
		{Calls: callWrite, How: doShort},
		{Calls: callSync, How: doAll, Err: syscall.ENOSPC}, {Calls: callWrite, How: doHalf, Err: syscall.ENOSPC},
	} {
		x.Files = fileLog
		for _, before := range []int{0, 3} { // the first commit begins the log
			if before == 0 && x.Calls == callWrite && !thorough(t) {
				continue
			}
			for _, x.Skip = range some(t, commitFails(t, f, x, before, random, &unsure, &refused)) {
				for _, x.Times = range []int32{1, 2, forever} {
					once := x.How == doShort // twice means that there is no room
					if once && x.Times != 1 || x.Times == 2 && !thorough(t) || t.Failed() {
						continue
					}
					commitFails(t, f, x, before, random, &unsure, &refused)
					lives++
				}
			}
			x.Skip, x.Times = 0, 0
		}
	}
	if unsure == 0 || refused == 0 {
		t.Errorf("%d batches of unknown outcome, %d refused", unsure, refused)
	}
	t.Logf("%d lives, %d batches of unknown outcome, %d refused", lives, unsure, refused)
}

// thorough is what takes a minute.
func thorough(t *testing.T) bool { return times(t, "FILS_KILLS", 0) > 0 }

// some of n places: the first and the last one, or all of them.
func some(t *testing.T, n int32) []int32 {
	list := []int32{0, n - 1}
	if thorough(t) {
		list = nil
		for i := range n {
			list = append(list, i)
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	return slices.DeleteFunc(list, func(i int32) bool { return i < 0 })
}

// commitFails is one life of a journal that fails as x at the commit after so
// many others. It adds how many batches were of unknown outcome and how many were refused, and
// returns how many calls the fault could have been in.
func commitFails(t *testing.T, f *faults, x fault, before int, random *rand.Rand, unsure, refused *int) (calls int32) {
	t.Helper()
	what := fmt.Sprintf("%+v after %d commits", x, before)
	b := newBook(t)
	for n := range before {
		if err := b.sell(n); err != nil {
			t.Fatal(err)
		}
	}
	f.arm(x)
	err := b.sell(3)
	calls = f.get(6)
	if (x.Times != 0) != (f.get(7) > 0) || x.How == doShort && err != nil {
		t.Errorf("%s: %d of %d calls failed: %v", what, f.get(7), calls, err)
	}
	b.audit(what, random)
	if x.Times == forever {
		_ = b.sell(4)
		b.audit(what+", and another", random)
	}
	f.mend()
	if err := b.journal.Refill(); err != nil {
		t.Errorf("%s: mended: %v", what, err)
	}
	*unsure, *refused = *unsure+len(b.unsure), *refused+len(b.refused)
	b.refused, b.unsure = append(b.refused, b.unsure...), nil // now it is certain
	if err := b.sell(5); err != nil {
		t.Errorf("%s: mended: %v", what, err)
	}
	b.audit(what+", mended", random)
	if err := b.journal.Close(); err != nil {
		t.Errorf("%s: close: %v", what, err)
	}
	b.look(what+", closed", b.path)
	return calls
}

// TestFault_Checkpoint lets the calls fail that move the log into the file when
// a till ends: whatever is left, nothing that was recorded is lost.
func TestFault_Checkpoint(t *testing.T) {
	f := faulty(t)
	if f == nil {
		return
	}
	random := rand.New(rand.NewPCG(9, 10))
	lives := 0
	for _, x := range []fault{
		{Calls: callSync, Files: fileLog, How: doNothing}, {Calls: callSync, Files: fileJournal, How: doNothing},
		{Calls: callSync, Files: fileJournal, How: doAll}, {Calls: callTruncate, Files: fileJournal, How: doNothing},
		{Calls: callWrite, Files: fileJournal, How: doNothing}, {Calls: callWrite, Files: fileJournal, How: doHalf},
		{Calls: callWrite, Files: fileJournal, How: doAll}, {Calls: callRead, Files: fileLog, How: doNothing},
	} {
		for _, x.Skip = range some(t, checkpointFails(t, f, x, random)) {
			for _, x.Times = range []int32{1, forever} {
				if !t.Failed() {
					checkpointFails(t, f, x, random)
					lives++
				}
			}
		}
	}
	t.Logf("%d lives", lives)
}

func checkpointFails(t *testing.T, f *faults, x fault, random *rand.Rand) (calls int32) {
	t.Helper()
	what := fmt.Sprintf("%+v", x)
	b := newBook(t)
	for n := range 4 {
		if err := b.sell(n); err != nil {
			t.Fatal(err)
		}
	}
	f.arm(x)
	err := b.journal.Close() // it may say so or not
	calls = f.get(6)
	if (x.Times != 0) != (f.get(7) > 0) {
		t.Errorf("%s: %d of %d calls failed: %v", what, f.get(7), calls, err)
	}
	f.mend()
	b.audit(what, random)
	b.look(what+", started again", b.path)
	return calls
}

// TestFault_Open lets the calls fail that a start makes, above all those that
// read back what a crash has left in the log. The start fails, or it has
// everything; it never takes a disk that cannot be read for a journal that
// ends earlier, or for none.
func TestFault_Open(t *testing.T) {
	f := faulty(t)
	if f == nil {
		return
	}
	random := rand.New(rand.NewPCG(11, 12))
	lives, opened := 0, 0
	for _, x := range []fault{
		{Calls: callRead, Files: fileLog, How: doNothing}, {Calls: callRead, Files: fileLog, How: doShort},
		{Calls: callRead, Files: fileJournal, How: doNothing}, {Calls: callSync | callWrite, Files: fileJournal | fileLog, How: doNothing},
		{Calls: callSync | callWrite, Files: fileJournal | fileLog, How: doAll},
	} {
		for _, x.Skip = range some(t, openFails(t, f, x, random, &opened)) {
			for _, x.Times = range []int32{1, forever} {
				if !t.Failed() {
					openFails(t, f, x, random, &opened)
					lives++
				}
			}
		}
	}
	t.Logf("%d lives, %d of which opened", lives, opened)
}

func openFails(t *testing.T, f *faults, x fault, random *rand.Rand, opened *int) (calls int32) {
	t.Helper()
	what := fmt.Sprintf("%+v", x)
	crashed := newBook(t)
	for n := range 4 {
		if err := crashed.sell(n); err != nil {
			t.Fatal(err)
		}
	}
	b := &book{t: t, path: filepath.Join(t.TempDir(), "journal.db"), recorded: crashed.recorded}
	asSeen.leave(t, crashed.path, b.path, random)
	if err := crashed.journal.Close(); err != nil {
		t.Fatal(err)
	}
	settled(t, b.path)
	f.arm(x)
	j, err := sqlite.Open(t.Context(), b.path, sqlite.Options{ReserveBytes: 4096})
	calls = f.get(6)
	if err == nil {
		*opened++
		f.mend()
		for _, no := range b.recorded {
			if _, err := j.Sale(t.Context(), no); err != nil {
				t.Errorf("%s: opened without a recorded sale: %v", what, err)
			}
		}
		if err := j.Close(); err != nil {
			t.Errorf("%s: close: %v", what, err)
		}
	}
	f.mend()
	b.audit(what, random)
	b.look(what+", started again", b.path)
	return calls
}
