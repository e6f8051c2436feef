//go:build unix

package setup

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/filspos/fils/pos"
)

func TestHeads_OneJournalUnderTwoNames(t *testing.T) {
	dir, keys := t.TempDir(), newMemoryRing()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if err := newHeads(t, headSettings(InKeyring), dir, filepath.Join(dir, "journal.db"), keys).KeepHead(t.Context(), 7, pos.Hash{7}); err != nil {
		t.Fatal(err)
	}
	wantHead(t, newHeads(t, headSettings(InKeyring), link, filepath.Join(link, "journal.db"), keys), 7, pos.Hash{7}, true)
}
