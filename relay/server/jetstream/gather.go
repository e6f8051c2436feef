package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/filspos/fils/relay/server"
)

const (
	// singles is how many notices are on their way one by one before others wait,
	// and how many have to wait before they are stored as one batch.
	singles      = 16
	batchMost    = 512
	batchBytes   = 8 << 20
	batchTimeout = 2 * time.Second
)

// Headers of an atomic batch.
const (
	batchID       = "Nats-Batch-Id"
	batchSequence = "Nats-Batch-Sequence"
	batchCommit   = "Nats-Batch-Commit"
)

// Errors of the server that have no name in its client.
const (
	codeStoreFailed = 10077 // also for a full stream
	statusFull      = "maximum bytes exceeded"
)

// gather stores notices one by one while few come at a time, because that is
// quickest for each. One sync per message bounds how many that can be, so those
// that have to wait are stored as an atomic batch, with one sync for all. One of
// the waiting callers does that for the others; there is no goroutine besides
// theirs.
type gather struct {
	store *Store

	mu       sync.Mutex
	inFlight int // singles on their way
	batching bool
	queue    []*waiting
}

// waiting is a notice whose caller waits for its turn.
type waiting struct {
	msg  *nats.Msg
	turn chan turn // gets one turn
}

// turn tells a waiting caller what to do.
type turn struct {
	batch []*waiting // store these, oneself among them
	done  bool       // somebody has: seq
	seq   uint64
	// Neither: store the notice singly.
}

// Append implements server.Store.
func (s *Store) Append(ctx context.Context, n server.Notice) (seq uint64, stored bool, err error) {
	msg := s.message(n)
	if s.cfg.Singly {
		return s.single(ctx, msg, false)
	}
	w, alone := s.gather.enter(msg)
	if w == nil {
		defer s.gather.leave()
		return s.single(ctx, msg, alone)
	}
	var t turn
	select {
	case t = <-w.turn:
	case <-ctx.Done():
		if s.gather.withdraw(w) {
			return 0, false, ctx.Err()
		}
		t = <-w.turn // given meanwhile, and to be taken
	case <-s.ctx.Done():
		return 0, false, errAway
	}
	if t.batch != nil {
		t = s.batch(t.batch, w)
	}
	if t.done {
		return t.seq, true, nil
	}
	defer s.gather.leave()
	return s.single(ctx, msg, false)
}

// enter lets a notice go at once, w being nil, or makes it wait. One that goes
// while no other is on its way is alone.
func (g *gather) enter(msg *nats.Msg) (w *waiting, alone bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.batching && g.inFlight < singles && len(g.queue) == 0 {
		g.inFlight++
		return nil, g.inFlight == 1
	}
	w = &waiting{msg: msg, turn: make(chan turn, 1)}
	g.queue = append(g.queue, w)
	g.next()
	return w, false
}

// leave ends the way of a single.
func (g *gather) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inFlight--
	g.next()
}

// withdraw takes w out of the queue; false means that it has got its turn, or
// that a batch with it is on its way.
func (g *gather) withdraw(w *waiting) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.queue, w)
	if i < 0 {
		return false
	}
	g.queue = slices.Delete(g.queue, i, i+1)
	return true
}

// next gives out turns. g.mu is held.
func (g *gather) next() {
	if g.batching {
		return
	}
	if len(g.queue) >= singles {
		batch := g.cut()
		g.batching = true
		batch[0].turn <- turn{batch: batch}
		return
	}
	for g.inFlight < singles && len(g.queue) > 0 {
		g.release(g.queue[0])
		g.queue = g.queue[1:]
	}
}

// release lets w go singly. g.mu is held.
func (g *gather) release(w *waiting) {
	g.inFlight++
	w.turn <- turn{}
}

// cut takes a batch off the queue. A repetition of a notice in it would have the
// whole batch refused, so it goes singly. g.mu is held.
func (g *gather) cut() []*waiting {
	var batch []*waiting
	seen := map[string]bool{}
	n, size := 0, 0
	for ; n < len(g.queue) && len(batch) < batchMost && size < batchBytes; n++ {
		w := g.queue[n]
		if id := w.msg.Header.Get(natsjs.MsgIDHeader); seen[id] {
			g.release(w)
		} else {
			seen[id] = true
			batch = append(batch, w)
			size += len(w.msg.Data)
		}
	}
	g.queue = slices.Clone(g.queue[n:])
	return batch
}

// batch stores all of batch in one go, hands the others their turns and returns
// the caller's own. What the server refuses, or leaves without an answer, every
// caller tries singly: then a message stored before is recognised by its id.
func (s *Store) batch(batch []*waiting, own *waiting) (mine turn) {
	ctx, cancel := context.WithTimeout(s.ctx, batchTimeout)
	last, err := s.commit(ctx, batch)
	cancel()
	if err != nil {
		s.cfg.Log.Debug("batch not stored, sending singly", "size", len(batch), "err", err.Error())
	}
	g := &s.gather
	g.mu.Lock()
	defer g.mu.Unlock()
	g.batching = false
	for i, w := range batch {
		switch {
		case err == nil:
			t := turn{done: true, seq: last - uint64(len(batch)-1-i)}
			if w == own {
				mine = t
			} else {
				w.turn <- t
			}
		case w == own:
			g.inFlight++
		default:
			g.release(w)
		}
	}
	g.next()
	return mine
}

// commit publishes an atomic batch and returns the sequence of its last message.
func (s *Store) commit(ctx context.Context, batch []*waiting) (last uint64, err error) {
	l, err := s.current()
	if err != nil {
		return 0, err
	}
	id := []string{nuid.Next()}
	// The messages are this batch's for as long as it lasts. Without it they are as
	// they were.
	defer func() {
		for _, w := range batch {
			delete(w.msg.Header, batchID)
			delete(w.msg.Header, batchSequence)
			delete(w.msg.Header, batchCommit)
		}
	}()
	for i, w := range batch {
		m := w.msg
		m.Header[batchID], m.Header[batchSequence] = id, []string{strconv.Itoa(i + 1)}
		if i < len(batch)-1 {
			if err := l.nc.PublishMsg(m); err != nil {
				return 0, err
			}
			continue
		}
		m.Header.Set(batchCommit, "1")
		answer, err := l.nc.RequestMsgWithContext(ctx, m)
		if err != nil {
			s.look()
			return 0, err
		}
		return readBatchAck(answer.Data, len(batch))
	}
	return 0, errors.New("empty batch")
}

// pubAck is the server's answer to a message or to a batch.
type pubAck struct {
	Error     *natsjs.APIError `json:"error"`
	Seq       uint64           `json:"seq"`
	Duplicate bool             `json:"duplicate"`
	Count     int              `json:"count"` // of a batch
}

func readAck(data []byte) (ack pubAck, err error) {
	err = json.Unmarshal(data, &ack)
	switch {
	case err != nil || ack.Error == nil && ack.Seq == 0:
		return pubAck{}, errors.New("answer not understood")
	case ack.Error != nil:
		return pubAck{}, ack.Error
	}
	return ack, nil
}

func readBatchAck(data []byte, size int) (last uint64, err error) {
	ack, err := readAck(data)
	switch {
	case err != nil:
		return 0, err
	case ack.Count != size || ack.Seq < uint64(size):
		return 0, fmt.Errorf("%d of %d messages acknowledged", ack.Count, size)
	}
	return ack.Seq, nil
}

// single stores one message.
func (s *Store) single(ctx context.Context, msg *nats.Msg, alone bool) (seq uint64, stored bool, err error) {
	l, err := s.current()
	if err != nil {
		return 0, false, err
	}
	asker := &l.asker
	if alone {
		asker = &l.quick
	}
	answer, err := asker.ask(ctx, msg)
	if err == nil {
		var ack pubAck
		if ack, err = readAck(answer); err == nil {
			return ack.Seq, !ack.Duplicate, nil
		}
	}
	var refused *natsjs.APIError
	if errors.As(err, &refused) && refused.ErrorCode == codeStoreFailed && refused.Description == statusFull {
		return 0, false, server.ErrFull
	}
	s.look()
	return 0, false, fmt.Errorf("store notification: %w", err)
}
