package pos

import (
	"slices"
	"testing"
	"time"
)

func TestUnread_ADayHasRoomForItsNews(t *testing.T) {
	day := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	var u unread
	for i := range unverifiedCount {
		if !u.room(day, 1) {
			t.Fatalf("no room after %d", i)
		}
		u.add(Unread{Seq: int64(i + 1), At: day.Add(time.Duration(i) * time.Second), Size: 1})
		u.add(Unread{Seq: int64(i + 1), At: day, Size: 1, Verified: true}) // PayBy's own is not counted
	}
	if u.room(day.Add(23*time.Hour), 1) {
		t.Error("more than a day may bring")
	}
	if u.room(day.Add(24*time.Hour), unverifiedBytes+1) || !u.room(day.Add(24*time.Hour), unverifiedBytes) {
		t.Error("a new day has another bound")
	}
	u.add(Unread{Seq: 1 << 30, At: day.Add(24 * time.Hour), Size: unverifiedBytes - 10})
	if !u.room(day.Add(24*time.Hour), 10) || u.room(day.Add(24*time.Hour), 11) {
		t.Error("the bound for bytes is not met")
	}
	u = unread{}
	for i := range 2 * MaxUnread {
		u.add(Unread{Seq: int64(i)})
	}
	if len(u.list) != MaxUnread || u.list[MaxUnread-1].Seq != 2*MaxUnread-1 {
		t.Errorf("%d remembered, the last is %d", len(u.list), u.list[len(u.list)-1].Seq)
	}
}

// What anybody can send pushes only its own kind off the list.
func TestUnread_NoUnverifiedNewsPushesSignedNewsOff(t *testing.T) {
	s := newSim(t)
	s.core.unreadable(Delivery{Raw: []byte(`{"signed":1}`), Sign: "x"}, s.now)
	s.settle()
	if !slices.Contains(s.alerts(), AlertUnreadable) || len(s.core.unread.list) != 1 {
		t.Fatalf("alerts %v, %d unread", s.alerts(), len(s.core.unread.list))
	}
	signed := s.core.unread.list[0]
	for i := range MaxUnread + 1 { // five days of a bad relay, or of a key that changed
		s.core.unread.add(Unread{Seq: int64(1000 + i), At: s.now.Add(time.Duration(i) * time.Minute), Size: 10, Body: Hash{1}})
	}
	s.core.caughtUp(s.now)
	s.settle()
	if !slices.Contains(s.alerts(), AlertUnreadable) {
		t.Error("the alert is gone, and nobody has read the news")
	}
	if list := s.core.unread.list; len(list) != MaxUnread+1 || list[0] != signed || list[1].Seq != 1001 || list[MaxUnread].Seq != 1000+MaxUnread {
		t.Errorf("%d remembered, from %+v and %+v on", len(list), list[0], list[1])
	}
}

// What was taken makes room again.
func TestUnread_WhatWasTakenIsNotCounted(t *testing.T) {
	var u unread
	for i := range MaxUnread {
		u.add(Unread{Seq: int64(i), Body: Hash{byte(i % 2)}})
	}
	u.committed([]Event{{Seq: MaxUnread, Kind: NoticeReceived, Body: Hash{1}}}, []Fact{{Kind: NoticeReceived}})
	u.add(Unread{Seq: MaxUnread + 1})
	if len(u.list) != MaxUnread/2+1 || u.list[0].Seq != 0 {
		t.Errorf("%d remembered, the first is %d", len(u.list), u.list[0].Seq)
	}
}

// A start knows what came before it, and from which alert on people were told.
func TestUnread_LoadsWhatItCounted(t *testing.T) {
	day := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	c := newCore(Config{})
	c.alerts = []Alert{{ID: 10, Kind: AlertUnverified}}
	c.unread.load([]Unread{
		{Seq: 3, At: day, Size: 5}, {Seq: 4, Dropped: 64}, {Seq: 11, At: day.Add(time.Hour), Size: 7},
		{Seq: 12, At: day.Add(time.Hour), Size: 7, Verified: true}, {Seq: 13, Dropped: 1}, {Seq: 14, Dropped: 2},
	}, c.alerts[0])
	if n := c.unverifiedNews(); n != (UnverifiedNews{Kept: 1, Since: day.Add(time.Hour), Dropped: 2}) {
		t.Errorf("%+v", n)
	}
	if c.unread.count != 2 || c.unread.bytes != 12 {
		t.Errorf("%d of the day, %d bytes", c.unread.count, c.unread.bytes)
	}
}

// The alert stands until what the list had no room for has been tried, too: the
// next start tries it.
func TestUnread_WhatTheListHadNoRoomForIsNotCaughtUpWith(t *testing.T) {
	for name, kept := range map[string]int{"the start knows of it": MaxUnread + 1, "it came since": MaxUnread} {
		s := newSim(t)
		s.core.unverified(Delivery{Raw: []byte("x"), Sign: "x"}, s.now)
		s.settle()
		alert := s.core.openAlert(AlertUnverified)
		s.core.unread = unread{}
		var list []Unread
		for i := range kept {
			list = append(list, Unread{Seq: alert.ID + int64(1+i), Body: Hash{1}})
		}
		list[kept-1].Dropped = 1 // a count among them takes a place, too
		s.core.unread.load(list, alert)
		if kept == MaxUnread {
			s.core.unread.add(Unread{Seq: 1 << 20, Body: Hash{1}})
			s.core.unread.add(Unread{Seq: 1<<20 + 1, Body: Hash{1}})
		}
		s.core.unread.committed([]Event{{Seq: 1 << 21, Kind: NoticeReceived, Body: Hash{1}}}, []Fact{{Kind: NoticeReceived}})
		s.core.unread.dropped = 0
		s.core.caughtUp(s.now)
		s.settle()
		if len(s.core.unread.list) != 0 || !slices.Contains(s.alerts(), AlertUnverified) {
			t.Errorf("%s: %d on the list, alerts %v", name, len(s.core.unread.list), s.alerts())
		}
		s.core.unread = unread{}
		s.core.unread.load(list[:1], alert)
		s.core.unread.committed([]Event{{Seq: 1 << 21, Kind: NoticeReceived, Body: Hash{1}}}, []Fact{{Kind: NoticeReceived}})
		s.core.caughtUp(s.now)
		s.settle()
		if slices.Contains(s.alerts(), AlertUnverified) {
			t.Errorf("%s: all is taken, alerts %v", name, s.alerts())
		}
	}
}
