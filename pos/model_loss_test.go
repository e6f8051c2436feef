package pos_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/filspos/fils/pos"
	"pgregory.net/rapid"
)

// keyring keeps the head of the chain on a PC. It outlives the till.
type keyring struct {
	mu      sync.Mutex
	count   int64
	hash    pos.Hash
	ok      bool
	failing int
}

func (k *keyring) set(failing int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failing = failing
}

func (k *keyring) empty() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.count, k.hash, k.ok = 0, pos.Hash{}, false
}

// keyOf is a till's hold on the keyring. It dies with the till's process.
type keyOf struct {
	*keyring
	life *life
}

func (k keyOf) KeptHead(context.Context) (int64, pos.Hash, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.count, k.hash, k.ok, nil
}

func (k keyOf) KeepHead(_ context.Context, count int64, hash pos.Hash) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.life.over() {
		return errCrashed
	}
	if k.failing > 0 {
		k.failing--
		return errors.New("the keyring is locked")
	}
	k.count, k.hash, k.ok = count, hash, true
	return nil
}

// mayLack tells whether a till that starts now must find that its journal may
// lack something.
func (w *world) mayLack() bool {
	n := len(w.book.events)
	if n == 0 {
		return true
	}
	for _, a := range w.book.alerts {
		if a.Kind == pos.AlertRecovering {
			return true
		}
	}
	return w.shows()
}

// shows tells whether the keyring betrays that the journal is not the newest.
func (w *world) shows() bool {
	n := len(w.book.events)
	k := w.keeper
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.ok || k.count > int64(n) || k.count > 0 && w.book.events[k.count-1].Hash != k.hash
}

// betrayed tells whether a loss must be found. A first journal that is still
// reading the pages knows of none: what it sold itself it holds for complete.
func (w *world) betrayed() bool {
	for _, a := range w.book.alerts {
		if a.Kind == pos.AlertRecovering && !strings.HasPrefix(a.Key, string(pos.RecoveryNew)+" ") {
			return true
		}
	}
	return len(w.book.events) == 0 || w.shows()
}

// lacks judges a till that has just started: it recovers when, and only when,
// its journal may lack something.
func (w *world) lacks(expected bool) {
	var last pos.Alert
	for _, a := range w.till.View().Alerts {
		if a.Kind == pos.AlertRecovering {
			last = a
		}
	}
	recovers := last.ID > 0
	w.mu.Lock()
	defer w.mu.Unlock()
	if recovers != expected {
		w.wrong("the journal may lack something: %v; the till recovers: %v", expected, recovers)
	}
	if !recovers || last == w.ordered {
		return // what came into the journal since it was ordered cannot be missing
	}
	w.ordered, w.recovery, w.mustKnow = last, w.clock.truth(), map[pos.RefundNo]bool{}
	w.rested = w.clock.rest()
	for no := range w.provider.refunds {
		w.mustKnow[no] = true
	}
}

// maxDisasters bounds what one check loses.
const maxDisasters = 3

// disaster loses the journal, or a part of it, or the keyring.
func (a actor) disaster(r *rapid.T) {
	w := a.w
	if w.disasters >= maxDisasters {
		r.Skip("enough")
	}
	w.disasters++
	kind := rapid.SampledFrom([]string{"lost", "restored", "restored", "salvaged", "moved"}).Draw(r, "disaster")
	old, keys := w.book, rapid.Bool().Draw(r, "with notice keys")
	old.mu.Lock()
	batches, events := len(old.marks), len(old.events)
	old.mu.Unlock()
	batch, event := rapid.IntRange(0, batches-1).Draw(r, "copy"), rapid.IntRange(1, events).Draw(r, "saved")
	elsewhere := kind == "moved" || rapid.IntRange(0, 3).Draw(r, "another PC") == 0
	w.life.kill()
	w.end()
	w.mu.Lock()
	w.note("DISASTER: the journal is %s after event %d", kind, len(old.events))
	switch kind {
	case "lost":
		w.book = newBook()
	case "restored":
		w.book = w.copied(batch)
	case "salvaged":
		w.book = w.salvaged(event, keys)
	}
	if elsewhere {
		w.keeper.empty()
	}
	if kind != "moved" {
		w.forgotten()
		w.hidden = w.hidden || !w.betrayed()
	}
	w.replay = slices.Clone(w.relayed[w.position():])
	w.later = slices.DeleteFunc(w.later, func(l later) bool { return !w.book.keeps(l.raw) })
	w.told, w.checked, w.compared = map[pos.SaleNo]bool{}, 0, 0
	w.note("%d events left, %d notifications to come again, hidden %v", len(w.book.events), len(w.replay), w.hidden)
	w.mu.Unlock()
	w.start()
}

// forgotten marks what only the old journal knew of.
func (w *world) forgotten() {
	for _, b := range w.provider.refunds {
		b.past = true
	}
	for f := range w.flights {
		f.stray = true
	}
}

// copied is the journal as it was after batch i.
func (w *world) copied(i int) *book {
	old := w.book
	b := w.prefix(old.marks[i].events)
	b.cursor, b.marks = old.marks[i].cursor, slices.Clone(old.marks[:i+1])
	for _, m := range b.marks {
		b.keys[m.key] = true
	}
	delete(b.keys, "")
	return b
}

// salvaged is what is left of a journal that broke after event n.
func (w *world) salvaged(n int, keys bool) *book {
	old := w.book
	b := w.prefix(n)
	for _, m := range old.marks {
		if m.events > n {
			break
		}
		if !keys {
			m.key, m.cursor = "", ""
		} else if m.key != "" {
			b.keys[m.key] = true
		}
		b.marks = append(b.marks, m) // a copy of this one has them, too
	}
	last, failing := b.events[n-1], b.failing
	b.failing = 0
	whole := 0
	for _, m := range old.marks {
		if m.events <= n {
			whole = m.events
		}
	}
	for _, e := range b.events[whole:] { // of a batch that was cut: its alerts may be gone
		w.cut[e.Sale] = true
	}
	facts := pos.SalvageFacts(w.clock.Now(), last.At, pos.SalvageFact{Saved: int64(n), Broken: "hash", Head: fmt.Sprintf("%x", last.Hash)})
	if _, err := b.Record(context.Background(), pos.Batch{Facts: facts}); err != nil {
		panic(err)
	}
	b.failing = failing
	return b
}

func (w *world) prefix(n int) *book {
	b := newBook()
	for _, e := range w.book.events[:n] {
		if err := b.add(e); err != nil {
			panic(err)
		}
		if raw := w.book.bodies[e.Seq]; raw != nil {
			b.bodies[e.Seq] = raw
		}
	}
	b.failing, b.full = w.book.failing, false
	return b
}

// position is how much of what the relay keeps the journal has taken.
func (w *world) position() int {
	n := 0
	if w.book.cursor != "" {
		if _, err := fmt.Sscanf(w.book.cursor, "c%d", &n); err != nil {
			panic(err)
		}
	}
	return min(n, len(w.relayed))
}

// checkCursor: the relay goes on behind the journal's cursor, so what is there
// must be in the journal.
func (w *world) checkCursor() {
	n := w.position()
	if n == 0 {
		return
	}
	sum := sha256.Sum256(w.relayed[n-1].raw)
	if key := hex.EncodeToString(sum[:]); !w.book.keys[key] && !w.book.keys["unverified:"+key] {
		w.wrong("the cursor is behind notification %d (%s), which is not in the journal", n, w.relayed[n-1].what)
	}
}

// relays gives a notification its place among what the relay keeps.
func (w *world) relays(n news, sign string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.relayed {
		if string(w.relayed[i].raw) == string(n.raw) {
			return fmt.Sprint("c", i+1)
		}
	}
	if sign == badSign {
		w.book.mu.Lock()
		defer w.book.mu.Unlock()
		return fmt.Sprint("c", w.position())
	}
	w.relayed = append(w.relayed, n)
	return fmt.Sprint("c", len(w.relayed))
}

// again delivers the next notification that the relay sends once more.
func (w *world) again() error {
	n := w.replay[0]
	w.mu.Lock()
	w.note("again: %s %s", n.what, n.sale.Short())
	w.mu.Unlock()
	err := w.deliver(n, goodSign)
	if err == nil && len(w.replay) > 0 {
		w.replay = w.replay[1:]
	}
	return err
}

func (a actor) replay(r *rapid.T) {
	if len(a.w.replay) == 0 {
		r.Skip("nothing to come again")
	}
	for range rapid.IntRange(1, 6).Draw(r, "notices") {
		if len(a.w.replay) == 0 || a.w.again() != nil || a.w.crashed() {
			return
		}
	}
}

func (w *world) replayAll() {
	for range 1000 {
		if len(w.replay) == 0 {
			return
		}
		if w.again() != nil {
			w.pass(5*time.Second, time.Second)
		}
	}
}

func (a actor) keyring(r *rapid.T) {
	a.w.keeper.set(rapid.IntRange(1, 4).Draw(r, "times"))
}

// strayed marks what a request of a lost journal has done by arriving.
func (w *world) strayed(f *flight) {
	if !f.stray {
		return
	}
	switch f.op {
	case "refund":
		if b := w.provider.refunds[f.refund]; b != nil && !b.past {
			if w.reads() {
				b.past, w.mustKnow[f.refund] = true, true
			} else {
				b.stray = true
			}
		}
	case "revoke":
		if o := w.provider.orders[f.sale]; o != nil {
			o.outsiders = true
		}
	}
}

// reads reports that the till is recovering what another journal here may have
// known: what the provider does meanwhile
// must come into the journal.
func (w *world) reads() bool {
	return slices.ContainsFunc(w.book.alerts, func(a pos.Alert) bool {
		return a.Kind == pos.AlertRecovering && !strings.HasPrefix(a.Key, string(pos.RecoveryNew))
	})
}

// late tells of refunds that reached the provider after a recovery had read
// its pages: only the provider's own arithmetic keeps them in bounds.
func (w *world) late(no pos.SaleNo) bool {
	for _, b := range w.provider.refunds {
		if b.stray && b.report.Sale == no {
			return true
		}
	}
	return false
}

// inspectRead: no refund leaves before the refunds of its sale were read.
func (w *world) inspectRead(r request) {
	if w.hidden || w.waived {
		return
	}
	for no := range w.mustKnow {
		if b := w.provider.refunds[no]; b.report.Sale == r.sale {
			if _, err := w.book.RefundByNo(context.Background(), no); err != nil {
				w.wrong("refund %s of %s leaves before refund %s was read", r.refund.Short(), r.sale.Short(), no.Short())
			}
		}
	}
}

// inspectOthers: what another till made is not this till's to end.
func (w *world) inspectOthers(r request) {
	o := w.provider.orders[r.sale]
	if o == nil || !o.elsewhere {
		return
	}
	switch {
	case r.op == "cancel", r.op == "create", (r.op == "refund" || r.op == "revoke") && !w.byHand[r.sale] && o.terminal != "":
		w.wrong("%s of %s, which another till made", r.op, r.sale.Short())
	}
}
