package fils

import (
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/sqlite"
)

func TestUnread_SaysWhatWaitsInTheJournal(t *testing.T) {
	j, err := sqlite.Open(t.Context(), t.TempDir()+"/journal.db", sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	bound := pos.Fact{Kind: pos.JournalBound, At: at, Binding: &pos.Binding{Environment: "training", Host: "h", Partner: "1"}}
	if _, err := j.Record(t.Context(), pos.Batch{Facts: []pos.Fact{bound}}); err != nil {
		t.Fatal(err)
	}
	if text, err := unread(t.Context(), j); err != nil || text != "" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := j.Record(t.Context(), pos.Batch{Facts: []pos.Fact{
		{Kind: pos.NoticeUnverified, At: at, Notice: &pos.NoticeFact{Sign: "s"}, Body: []byte("1")},
		{Kind: pos.NoticeUnverified, At: at, Notice: &pos.NoticeFact{Sign: "s"}, Body: []byte("2")},
		{Kind: pos.NoticeUnverified, At: at, Notice: &pos.NoticeFact{Dropped: 1}},
		{Kind: pos.NoticeReceived, At: at, Notice: &pos.NoticeFact{Sign: "s", Other: "unreadable"}, Body: []byte("3")},
	}}); err != nil {
		t.Fatal(err)
	}
	text, err := unread(t.Context(), j)
	if err != nil || !strings.Contains(text, "2 that no PayBy key of this till verifies, 1 that this version does not understand") {
		t.Errorf("%q, %v", text, err)
	}
}
