package setup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/filspos/fils/pos"
)

func headSettings(store string) *Settings {
	return &Settings{Environment: Custom, Host: "https://gateway.example", Partner: "200000000888", store: store}
}

func newHeads(t *testing.T, s *Settings, dir, path string, keys Keyring) *Heads {
	t.Helper()
	h, err := NewHeads(s, dir, path, keys)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func wantHead(t *testing.T, h *Heads, count int64, hash pos.Hash, ok bool) {
	t.Helper()
	gotCount, gotHash, gotOK, err := h.KeptHead(t.Context())
	if err != nil || gotCount != count || gotHash != hash || gotOK != ok {
		t.Errorf("kept %d %x %v, %v; want %d %x %v", gotCount, gotHash[:4], gotOK, err, count, hash[:4], ok)
	}
}

func TestHeads_KeepWhatTheyAreGiven(t *testing.T) {
	for _, store := range []string{InKeyring, InFile} {
		t.Run(store, func(t *testing.T) {
			dir, keys := t.TempDir(), newMemoryRing()
			path := filepath.Join(dir, "journal.db")
			h := newHeads(t, headSettings(store), dir, path, keys)
			wantHead(t, h, 0, pos.Hash{}, false)
			for i, hash := range []pos.Hash{{1, 2}, {3, 4}, {5, 6}} {
				if err := h.KeepHead(t.Context(), int64(10+i), hash); err != nil {
					t.Fatal(err)
				}
				wantHead(t, h, int64(10+i), hash, true)
			}
			// A later start of the same till.
			h = newHeads(t, headSettings(store), dir, path, keys)
			wantHead(t, h, 12, pos.Hash{5, 6}, true)

			// The journal was put elsewhere, or another merchant's stands here.
			wantHead(t, newHeads(t, headSettings(store), dir, filepath.Join(dir, "moved.db"), keys), 0, pos.Hash{}, false)
			other := headSettings(store)
			other.Partner = "200000000999"
			wantHead(t, newHeads(t, other, dir, path, keys), 0, pos.Hash{}, false)

			files, err := os.ReadDir(dir)
			if err != nil || (len(files) == 1) != (store == InFile) {
				t.Fatalf("%v, %v", files, err)
			}
			if store == InFile {
				if info, err := files[0].Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
					t.Errorf("others may read it: %v, %v", info.Mode(), err)
				}
			}
		})
	}
}

func TestHeads_TellTroubleFromNothing(t *testing.T) {
	dir, keys := t.TempDir(), newMemoryRing()
	path := filepath.Join(dir, "journal.db")
	h := newHeads(t, headSettings(InKeyring), dir, path, keys)
	trouble := func(h *Heads, want Problem) {
		t.Helper()
		_, _, ok, err := h.KeptHead(t.Context())
		if p, _ := ProblemOf(err); ok || p != want {
			t.Errorf("%v, %v", ok, err)
		}
	}
	keys.fail = errors.New("locked")
	trouble(h, ProblemKeyring)
	if p, _ := ProblemOf(h.KeepHead(t.Context(), 1, pos.Hash{1})); p != ProblemKeyring {
		t.Errorf("keeping: %s", p)
	}
	keys.fail = nil
	for _, text := range []string{"", "{", "1:1:" + "00", `{"count":1,"hash":"00"}`} {
		if err := keys.Set(service, h.item, text); err != nil {
			t.Fatal(err)
		}
		trouble(h, ProblemKeyring)
		if _, _, _, err := h.KeptHead(t.Context()); !errors.Is(err, pos.ErrHeadUnreadable) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := h.ring.set(h.item, `{"count":-1,"hash":""}`); err != nil {
		t.Fatal(err)
	}
	trouble(h, ProblemKeyring)

	file := newHeads(t, headSettings(InFile), dir, path, keys)
	if err := os.WriteFile(file.file, []byte("not a head"), 0o600); err != nil {
		t.Fatal(err)
	}
	trouble(file, ProblemDisk)
}

func TestHeads_WaitNoLongerThanAsked(t *testing.T) {
	keys := newMemoryRing()
	keys.hang = make(chan struct{})
	defer close(keys.hang)
	h := newHeads(t, headSettings(InKeyring), t.TempDir(), "journal.db", keys)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.KeepHead(ctx, 1, pos.Hash{1}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
