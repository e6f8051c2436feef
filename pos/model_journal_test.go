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

	"github.com/filspos/fils/pos"
)

var (
	errCrashed = errors.New("the process is dead")
	errDisk    = errors.New("input/output error")
)

// book is the durable part of a journal: it outlives the till. It derives
// sales and refunds from the stored bytes of its events, as a real journal
// does, and can be told to fail.
type book struct {
	pos.Journal // nothing below asks for more

	mu      sync.Mutex
	events  []pos.Event
	sales   map[pos.SaleNo]*pos.Sale
	refunds map[pos.RefundNo]*pos.Refund
	alerts  []pos.Alert
	raised  map[pos.AlertKind]map[pos.SaleNo]int
	// named are the provider's numbers that alerts have named.
	named  map[string]bool
	keys   map[string]bool
	bodies map[int64][]byte
	cursor string
	folder pos.Folder
	shifts []pos.Shift

	// marks is the journal after each batch, for copies of it.
	marks []mark

	// failing is how many more times Record fails; full is what State says.
	failing int
	full    bool
}

// mark is a moment at which the journal could have been copied.
type mark struct {
	events      int
	key, cursor string
}

func newBook() *book {
	return &book{
		sales: map[pos.SaleNo]*pos.Sale{}, refunds: map[pos.RefundNo]*pos.Refund{},
		raised: map[pos.AlertKind]map[pos.SaleNo]int{}, named: map[string]bool{}, keys: map[string]bool{}, bodies: map[int64][]byte{}, folder: pos.NewFolder(),
	}
}

func (b *book) Record(_ context.Context, batch pos.Batch) ([]pos.Event, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failing > 0 {
		b.failing--
		return nil, errDisk
	}
	if batch.NoticeKey != "" && b.keys[batch.NoticeKey] {
		if batch.Cursor != nil {
			b.cursor = *batch.Cursor
		}
		return nil, pos.ErrDuplicateNotice
	}
	events, err := b.chain(batch.Facts)
	if err != nil {
		return nil, err
	}
	for i, e := range events {
		if err := b.add(e); err != nil {
			return nil, err
		}
		if strings.HasPrefix(string(e.Kind), "notice.") {
			b.bodies[e.Seq] = batch.Facts[i].Body
		}
	}
	if batch.NoticeKey != "" {
		b.keys[batch.NoticeKey] = true
	}
	if batch.Cursor != nil {
		b.cursor = *batch.Cursor
	}
	b.marks = append(b.marks, mark{len(b.events), batch.NoticeKey, b.cursor})
	return events, nil
}

func (b *book) chain(facts []pos.Fact) ([]pos.Event, error) {
	var prev pos.Hash
	if n := len(b.events); n > 0 {
		prev = b.events[n-1].Hash
	}
	var events []pos.Event
	for i, f := range facts {
		if first := len(b.events)+i == 0; first != (f.Kind == pos.JournalBound) || f.At.IsZero() {
			return nil, fmt.Errorf("fact %s cannot stand here", f.Kind)
		}
		e, err := pos.NewEvent(int64(len(b.events)+i+1), prev, f)
		if err != nil {
			return nil, err
		}
		events, prev = append(events, e), e.Hash
	}
	return events, nil
}

// add derives what e means.
func (b *book) add(e pos.Event) error {
	f, err := e.Fact()
	if err != nil {
		return err
	}
	var sale pos.Sale
	var refund pos.Refund
	if s := b.sales[f.Sale]; s != nil {
		sale = *s
	}
	if r := b.refunds[f.Refund]; r != nil {
		refund = *r
	}
	var last pos.Shift
	if n := len(b.shifts); n > 0 {
		last = b.shifts[n-1]
	}
	shift, err := pos.FoldShift(last, e.Seq, f)
	if err != nil {
		return err
	}
	// An alert may name a sale that this journal does not have.
	alert := f.Kind == pos.AlertRaised || f.Kind == pos.AlertResolved
	if !alert || b.sales[f.Sale] != nil && (f.Refund == "" || b.refunds[f.Refund] != nil) {
		if _, err := b.folder.Fold(&sale, &refund, f); err != nil {
			return err
		}
		if f.Sale != "" {
			b.sales[f.Sale] = &sale
		}
		if f.Refund != "" {
			b.refunds[f.Refund] = &refund
		}
	}
	switch f.Kind {
	case pos.AlertRaised:
		a := pos.NewAlert(e.Seq, f)
		b.alerts = append(b.alerts, a)
		if a.Kind == pos.AlertMissing || a.Kind == pos.AlertStranger {
			b.named[a.Number] = true
		}
		if b.raised[a.Kind] == nil {
			b.raised[a.Kind] = map[pos.SaleNo]int{}
		}
		b.raised[a.Kind][a.Sale]++
	case pos.AlertResolved:
		b.alerts = slices.DeleteFunc(slices.Clone(b.alerts), func(a pos.Alert) bool { return a.ID == f.Alert.Raised })
	}
	b.events = append(b.events, e)
	switch {
	case shift.Number > last.Number:
		b.shifts = append(b.shifts, shift)
	case shift.Number > 0:
		b.shifts[len(b.shifts)-1] = shift
	}
	return nil
}

func (b *book) Load(context.Context) (pos.Loaded, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := pos.Loaded{Alerts: slices.Clone(b.alerts), Unread: b.unread(), Cursor: b.cursor, Count: int64(len(b.events))}
	if n := len(b.shifts); n > 0 {
		l.Shift = b.shifts[n-1]
	}
	for _, e := range b.events {
		if e.Kind == pos.KeysBelieved {
			f, err := e.Fact()
			if err != nil {
				return l, err
			}
			l.Keys = f.Keys
		}
	}
	if len(b.events) > 0 {
		first, err := b.events[0].Fact()
		if err != nil {
			return l, err
		}
		l.Binding, l.Head = first.Binding, b.events[len(b.events)-1].Hash
	}
	origin := map[pos.SaleNo]bool{}
	for _, r := range b.refunds {
		if !r.State.Final() {
			l.Refunds, origin[r.Sale] = append(l.Refunds, *r), true
		}
	}
	for _, s := range b.newest() {
		switch {
		case s.Followed():
			l.Sales = append(l.Sales, s)
		case origin[s.No]:
			l.Origins = append(l.Origins, s)
		}
		if len(l.Recent) < 5 {
			l.Recent = append(l.Recent, s)
		}
	}
	return l, nil
}

// unread is the news that no later event has taken.
func (b *book) unread() (list []pos.Unread) {
	for _, e := range b.events {
		f, err := e.Fact()
		strange := err == nil && e.Kind == pos.NoticeReceived && f.Notice.Other == "unreadable"
		if b.keys[hex.EncodeToString(e.Body[:])] || e.Kind != pos.NoticeUnverified && !strange {
			continue
		}
		list = append(list, pos.Unread{Seq: e.Seq, At: e.At, Body: e.Body, Size: len(b.bodies[e.Seq]), Verified: strange})
	}
	return list
}

// keeps reports that the chain has the news, understood or not.
func (b *book) keeps(raw []byte) bool {
	return slices.ContainsFunc(b.events, func(e pos.Event) bool { return e.Body == sha256.Sum256(raw) })
}

func (b *book) Body(_ context.Context, seq int64) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if raw := b.bodies[seq]; len(raw) > 0 {
		return raw, nil
	}
	return nil, pos.ErrNotFound
}

func (b *book) newest() []pos.Sale {
	var all []pos.Sale
	for _, s := range b.sales {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(x, y pos.Sale) int {
		if c := y.CreatedAt.Compare(x.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(string(y.No), string(x.No))
	})
	return all
}

func (b *book) State() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.full {
		return pos.ErrJournalFull
	}
	return nil
}

func (b *book) Refill() error {
	b.mu.Lock()
	b.full = false
	b.mu.Unlock()
	return b.State()
}

func (b *book) Lacked(_ context.Context, no pos.SaleNo, after int64) ([]pos.Event, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []pos.Event
	for _, e := range b.events {
		f, err := e.Fact()
		if err != nil {
			return nil, err
		}
		if e.Seq > after && f.Notice != nil && f.Notice.Lacked != "" && (no == "" || f.Notice.Lacked == no) {
			out = append(out, e)
		}
	}
	return out, nil
}

func (b *book) Sale(_ context.Context, no pos.SaleNo) (pos.Sale, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.sales[no]; s != nil {
		return *s, nil
	}
	return pos.Sale{}, pos.ErrNotFound
}

func (b *book) RefundByNo(_ context.Context, no pos.RefundNo) (pos.Refund, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.refunds[no]; r != nil {
		return *r, nil
	}
	return pos.Refund{}, pos.ErrNotFound
}

func (b *book) Refunds(_ context.Context, sale pos.SaleNo) ([]pos.Refund, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []pos.Refund
	for _, r := range b.refunds {
		if r.Sale == sale {
			out = append(out, *r)
		}
	}
	slices.SortFunc(out, func(x, y pos.Refund) int { return strings.Compare(string(y.No), string(x.No)) })
	return out, nil
}

func (b *book) Sales(_ context.Context, q pos.SaleQuery) (pos.SalePage, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var page pos.SalePage
	for _, s := range b.newest() {
		if len(page.Sales) < q.Limit && (q.Amount == 0 || s.Intent.Amount == q.Amount) &&
			(len(q.States) == 0 || slices.Contains(q.States, s.State)) && !s.CreatedAt.Before(q.From) {
			page.Sales = append(page.Sales, s)
		}
	}
	return page, nil
}

func (b *book) Story(_ context.Context, no pos.SaleNo) ([]pos.Event, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []pos.Event
	for _, e := range b.events {
		if e.Sale == no {
			out = append(out, e)
		}
	}
	return out, nil
}

func (b *book) Events(_ context.Context, from, to int64) ([]pos.Event, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	to = min(to, int64(len(b.events)))
	if from = max(from, 1); from > to {
		return nil, nil
	}
	return slices.Clone(b.events[from-1 : to]), nil
}

func (b *book) Shifts(_ context.Context, before int64, limit int) ([]pos.Shift, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []pos.Shift
	for i := len(b.shifts) - 1; i >= 0 && (limit == 0 || len(out) < limit); i-- {
		if before == 0 || b.shifts[i].Number < before {
			out = append(out, b.shifts[i])
		}
	}
	return out, nil
}

// handle is a till's hold on the book. It dies with the till's process.
type handle struct {
	*book
	life *life
}

func (h handle) Record(ctx context.Context, batch pos.Batch) ([]pos.Event, error) {
	if h.life.ends(beforeCommit) {
		return nil, errCrashed
	}
	events, err := h.book.Record(ctx, batch)
	if h.life.ends(afterCommit) {
		return nil, errCrashed
	}
	return events, err
}

func (h handle) State() error {
	if h.life.over() {
		return nil
	}
	return h.book.State()
}

// moment is a point in the life of a till at which it may be killed.
type moment int

const (
	never moment = iota
	beforeCommit
	afterCommit
	beforeCall
)

// life is the till's process: it ends when the countdown of its moment does.
type life struct {
	mu    sync.Mutex
	at    moment
	after int
	dead  bool
}

// ends passes a moment and tells whether the process is dead by now.
func (l *life) ends(m moment) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at == m && !l.dead {
		if l.after == 0 {
			l.dead = true
		}
		l.after--
	}
	return l.dead
}

func (l *life) over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

func (l *life) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
}

func (l *life) arm(m moment, after int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at, l.after = m, after
}
