package pos

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Unread is news that lies in the journal and was not taken: no key of this
// till fitted its signature, or this program did not understand it.
type Unread struct {
	// Seq is the event that keeps it, At when that was written.
	Seq int64
	At  time.Time
	// Body is the hash of what came and Size its length in bytes; Size is zero
	// once the body was pruned.
	Body Hash
	Size int
	// Verified: the provider had signed it.
	Verified bool
	// Dropped, when above zero, is no news but [NoticeFact.Dropped].
	Dropped int
}

const (
	// MaxUnread bounds what a start tries again of the news that no key verified:
	// the newest. It is what five days can bring at most; once that is taken, the
	// next start tries what is behind it. What the provider has
	// signed is not bounded, so that nothing that anybody can send pushes it out.
	MaxUnread = 10_000
	// unverifiedCount and unverifiedBytes bound what one UTC day can make this
	// till keep that no key verifies: far above the news of a busy day, so that
	// a key of the provider's may be missing for days. The bound is for each day
	// so that what a relay sent once does not make the till deaf for ever.
	unverifiedCount = 2_000
	unverifiedBytes = 4 << 20
	// rereadPause is the pause after which news that could not be written is
	// tried again.
	rereadPause = 10 * time.Minute
)

// UnverifiedNews counts messages that claim to be the provider's and that no
// key of this till verifies, since [AlertUnverified] was raised.
type UnverifiedNews struct {
	// Kept lie in the journal and are tried again at each start; Since is when
	// the oldest of them came.
	Kept  int
	Since time.Time
	// Dropped is at least how many more came than a day may bring.
	Dropped int
}

// unread is what a core knows of the news that was not taken.
type unread struct {
	list []Unread // oldest first
	// unverified counts what of the list no key verified. behind: older such news
	// is in the journal and not on the list.
	unverified int
	behind     bool
	// count and bytes are what did not verify on day, UTC.
	day          string
	count, bytes int
	// dropped is how many were not kept since the alert was raised.
	dropped int
}

func (u *unread) load(list []Unread, alert Alert) {
	counted := 0
	for _, n := range list {
		if !n.Verified {
			counted++
		}
		switch {
		case n.Dropped == 0:
			u.add(n)
		case n.Seq > alert.ID && alert.ID > 0:
			u.dropped = max(u.dropped, n.Dropped)
		}
	}
	u.behind = u.behind || counted > MaxUnread
}

func (u *unread) add(n Unread) {
	if !n.Verified {
		if day := utcDay(n.At); day != u.day {
			u.day, u.count, u.bytes = day, 0, 0
		}
		u.count++
		u.bytes += n.Size
		u.unverified++
	}
	u.list = append(u.list, n)
	if u.unverified > MaxUnread {
		u.forgetOldest()
	}
}

// forgetOldest drops the oldest news that no key verified.
func (u *unread) forgetOldest() {
	u.unverified--
	u.behind = true
	if !u.list[0].Verified {
		u.list = u.list[1:]
		return
	}
	i := slices.IndexFunc(u.list, func(n Unread) bool { return !n.Verified })
	u.list = slices.Delete(u.list, i, i+1)
}

// room reports that a message of size bytes may be kept.
func (u *unread) room(now time.Time, size int) bool {
	if utcDay(now) != u.day {
		return size <= unverifiedBytes
	}
	return u.count < unverifiedCount && u.bytes+size <= unverifiedBytes
}

func utcDay(at time.Time) string { return at.UTC().Format(time.DateOnly) }

// committed takes in what the facts of a batch have become, one event each.
func (u *unread) committed(events []Event, facts []Fact) {
	for i, e := range events {
		if e.Body == (Hash{}) || e.Kind != NoticeUnverified && e.Kind != NoticeReceived {
			continue
		}
		if e.Kind == NoticeReceived { // whichever way it came this time
			u.list = slices.DeleteFunc(u.list, func(n Unread) bool {
				if n.Body == e.Body && !n.Verified {
					u.unverified--
				}
				return n.Body == e.Body
			})
		}
		if i < len(facts) && facts[i].unread() {
			u.add(Unread{Seq: e.Seq, At: e.At, Body: e.Body, Size: len(facts[i].Body), Verified: e.Kind == NoticeReceived})
		}
	}
}

// unread reports a fact that only keeps news.
func (f *Fact) unread() bool {
	return f.Kind == NoticeUnverified || f.Kind == NoticeReceived && f.Notice != nil && f.Notice.Other == noticeUnreadable
}

// openAlert is the newest alert of a kind about no sale; its ID is zero when
// there is none.
func (c *core) openAlert(kind AlertKind) (newest Alert) {
	for _, a := range c.alerts {
		if a.Kind == kind && a.Sale == "" && a.ID > newest.ID {
			newest = a
		}
	}
	return newest
}

func (c *core) unverifiedNews() (n UnverifiedNews) {
	alert := c.openAlert(AlertUnverified)
	if alert.ID == 0 {
		return n
	}
	n.Dropped = c.unread.dropped
	for _, u := range c.unread.list {
		if u.Verified || u.Seq < alert.ID {
			continue
		}
		if n.Kept++; n.Kept == 1 {
			n.Since = u.At
		}
	}
	return n
}

// unverified keeps a notification whose signature does not match: raw, so
// that it can be tried again with another key, and without any effect. A
// person is told once, however many come.
func (c *core) unverified(d Delivery, now time.Time) {
	c.batch.Cursor = &d.Cursor
	dropped := c.unread.dropped
	c.undo = append(c.undo, func() { c.unread.dropped = dropped })
	if !c.alerted(AlertUnverified, "", "", "") {
		c.unread.dropped = 0
		// The alert goes first: what it counts comes behind it.
		c.alert(now, AlertUnverified, Fact{}, 0)
	}
	notice := &NoticeFact{ReceivedAt: d.receivedAt()}
	if len(d.Sign) <= maxSign && len(d.Raw) > 0 && c.unread.room(now, len(d.Raw)) {
		notice.Sign = d.Sign
		c.batch.NoticeKey = "unverified:" + d.key()
		c.emit(now, Fact{Kind: NoticeUnverified, Notice: notice, Body: d.Raw})
		return
	}
	c.unread.dropped++
	if n := c.unread.dropped; n&(n-1) == 0 { // a restart knows it by half, and a flood writes little
		notice.Dropped = n
		c.emit(now, Fact{Kind: NoticeUnverified, Notice: notice})
	}
}

// unreadable keeps what PayBy signed and this program does not understand. Its
// key is not the notice's own, so that a newer program can take it up again.
func (c *core) unreadable(d Delivery, now time.Time) {
	c.name(d, "unreadable:"+d.key())
	notice := &NoticeFact{ReceivedAt: d.receivedAt(), Sign: d.Sign, Other: noticeUnreadable, First: d.first}
	c.emit(now, Fact{Kind: NoticeReceived, Notice: notice, Body: d.Raw})
	c.alert(now, AlertUnreadable, Fact{}, 0)
}

// caughtUp takes back the alerts about news that has been taken since. What is
// behind the list is for the next start, which finds room for it.
func (c *core) caughtUp(now time.Time) {
	if n := c.unverifiedNews(); n.Kept == 0 && n.Dropped == 0 && !c.unread.behind {
		c.resolve(now, "", "", AlertUnverified)
	}
	if !slices.ContainsFunc(c.unread.list, func(n Unread) bool { return n.Verified }) {
		c.resolve(now, "", "", AlertUnreadable)
	}
}

// rereads reports that news waits, or an alert about it.
func (c *core) rereads() bool {
	return len(c.unread.list) > 0 || c.openAlert(AlertUnverified).ID > 0 || c.openAlert(AlertUnreadable).ID > 0
}

// reread tries the news again that was not taken: since it came, a key of the
// provider's may have been added, or a newer program been started.
func (t *Till) reread(ctx context.Context) {
	for !t.rereadAll(ctx) {
		select {
		case <-time.After(rereadPause):
		case <-ctx.Done():
			return
		}
	}
}

// rereadAll returns false when something could not be written.
func (t *Till) rereadAll(ctx context.Context) bool {
	var list []Unread
	t.apply(ctx, func(time.Time) { list = slices.Clone(t.core.unread.list) })
	done := true
	for _, u := range list {
		if ctx.Err() != nil {
			return false
		}
		if err := t.rereadOne(ctx, u); err != nil {
			t.cfg.Log.Error("news that can be read now was not taken", "event", u.Seq, "err", err)
			done = false
		}
	}
	err := t.submit(ctx, func(now time.Time) error {
		t.core.caughtUp(now)
		return nil
	})
	return done && err == nil
}

func (t *Till) rereadOne(ctx context.Context, u Unread) error {
	d, err := t.kept(ctx, u)
	if err != nil {
		if !errors.Is(err, ErrNotFound) { // it was pruned
			t.cfg.Log.Error("news in the journal cannot be read back", "event", u.Seq, "err", err)
		}
		return nil
	}
	n, err := t.cfg.Gateway.ReadNotice(d.Raw, d.Sign)
	switch {
	case errors.Is(err, ErrNotVerified), err != nil && u.Verified:
		return nil
	case err != nil:
		return t.submit(ctx, func(now time.Time) error {
			t.core.unreadable(d, now)
			return nil
		})
	}
	return t.submit(ctx, func(now time.Time) error { return t.core.notice(ctx, d, n, now) })
}

// kept is the delivery that an event has kept.
func (t *Till) kept(ctx context.Context, u Unread) (Delivery, error) {
	raw, err := t.cfg.Journal.Body(ctx, u.Seq)
	if err != nil {
		return Delivery{}, err
	}
	events, err := t.cfg.Journal.Events(ctx, u.Seq, u.Seq)
	if err != nil {
		return Delivery{}, err
	}
	if len(events) != 1 {
		return Delivery{}, ErrNotFound
	}
	f, err := events[0].Fact()
	if err != nil || f.Notice == nil {
		return Delivery{}, errors.Join(err, ErrJournalDamaged)
	}
	return Delivery{ReceivedAt: f.Notice.ReceivedAt, Sign: f.Notice.Sign, Raw: raw, first: u.Seq}, nil
}
