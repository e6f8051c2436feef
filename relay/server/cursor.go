package server

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/filspos/fils/relay"
)

// cursor is a till's place. Tills treat its text as opaque. The hash guards
// against a store that was rolled back and has since given the same sequence to
// another message.
type cursor struct {
	epoch string
	seq   uint64
	hash  string // of the entry at seq
}

const cursorForm = "1"

func cursorOf(epoch string, e Entry) cursor {
	id := e.ID()
	return cursor{epoch: epoch, seq: e.Seq, hash: hex.EncodeToString(id[:8])}
}

func (c cursor) String() string {
	return strings.Join([]string{cursorForm, c.epoch, strconv.FormatUint(c.seq, 10), c.hash}, ".")
}

// parseCursor reads what a till sent; anything unreadable is no cursor.
func parseCursor(text string) (cursor, bool) {
	if len(text) > relay.MaxCursor {
		return cursor{}, false
	}
	part := strings.Split(text, ".")
	if len(part) != 4 || part[0] != cursorForm {
		return cursor{}, false
	}
	seq, err := strconv.ParseUint(part[2], 10, 64)
	if err != nil || seq == 0 {
		return cursor{}, false
	}
	return cursor{epoch: part[1], seq: seq, hash: part[3]}, true
}

// resume finds where to go on after the till's cursor: its sequence when the
// entry there is the one the till saw, else 0, which replays all that is kept.
// Most tills come back to where they left, and one look at the end tells that.
func resume(ctx context.Context, store Store, a Address, text string, after func(time.Duration) <-chan time.Time) (at, end Position, err error) {
	end, last, err := store.Last(ctx, a)
	if err != nil {
		return Position{}, Position{}, err
	}
	at.Epoch = end.Epoch
	c, ok := parseCursor(text)
	if !ok || c.epoch != end.Epoch || c.seq > end.Seq {
		return at, end, nil
	}
	found := []Entry{last}
	if c.seq < end.Seq {
		found, err = readAt(ctx, store, a, c.seq, after)
	}
	if err != nil {
		return Position{}, Position{}, err
	}
	if len(found) > 0 && found[0].Seq == c.seq && cursorOf(end.Epoch, found[0]) == c {
		at.Seq = c.seq
	}
	return at, end, nil
}

// readAt reads the entry at seq, or else the next one. There is one at the end,
// so a read that finds nothing was behind and is tried again.
func readAt(ctx context.Context, store Store, a Address, seq uint64, after func(time.Duration) <-chan time.Time) (found []Entry, err error) {
	for range behindTries {
		if found, err = store.Next(ctx, a, seq-1, 1); err != nil || len(found) > 0 {
			return found, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-after(behindPause):
		}
	}
	return nil, nil
}
