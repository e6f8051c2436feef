package fils

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A journal that an older version wrote is verified as it is; nobody can say
// who may read it before the till has opened it.
func TestJournal_OfAnOlderVersion(t *testing.T) {
	dir := t.TempDir()
	packed, err := os.Open(filepath.Join("..", "..", "pos", "sqlite", "testdata", "format1.db.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	write(t, journalPath(dir, false), string(text))
	before := list(t, dir)
	r := fils("journal", "verify", "--data", dir)
	if r.code != 0 || r.err != "" || !strings.Contains(r.out, " events\n") || !strings.Contains(r.out, "the till must open this journal once") {
		t.Errorf("%+v", r)
	}
	for _, args := range []string{"journal export", "shift x", "journal backup " + filepath.Join(dir, "copy.db")} {
		wantFailure(t, fils(append(strings.Fields(args), "--data", dir)...), 1, "the till must open this journal once")
	}
	if after := list(t, dir); after["journal.db"] != before["journal.db"] {
		t.Error("the journal was changed")
	}
}
