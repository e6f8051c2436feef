package server

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/filspos/fils/relay"
)

const (
	pageSize     = 32
	behindPause  = 50 * time.Millisecond // before a read that was behind Last is tried again
	behindTries  = 100
	closeTimeout = time.Second // for a till to answer the closing of its connection
	readLimit    = 512         // bytes of a frame from a till, which sends only control frames
)

// session is one till's connection. Two goroutines belong to it: run, which
// alone writes messages, and read, which sees pongs and the end.
type session struct {
	server       *Server
	till         Address
	lane         Address // where its notifications are stored
	id           string  // among the connections of all nodes
	since        time.Time
	installation string
	token        TokenHash
	after        string // the cursor that the till gave
	conn         *websocket.Conn

	wake  chan struct{} // holds a signal while there is something to do
	mu    sync.Mutex
	queue []Entry // live entries, filled by the hub; nil most of the time
	again bool    // the store has to be read again

	ctx    context.Context // ends when the session is to end
	cancel context.CancelFunc
	once   sync.Once
	code   int // close code, set before ctx ends; 0 closes without a word

	// Only run uses these.
	at   Position // sequence last sent, and the epoch it belongs to
	ping *time.Ticker
}

// errMoved says that the store is not the one the session began with.
var errMoved = errors.New("store was rebuilt")

// offer queues a live entry. A till whose queue is full reads the store again.
// It does not block.
func (s *session) offer(e Entry) {
	s.mu.Lock()
	if len(s.queue) < s.server.cfg.Queue {
		s.queue = append(s.queue, e)
	} else {
		s.again = true
	}
	s.mu.Unlock()
	s.ring()
}

// reread asks for the store to be read again. It does not block.
func (s *session) reread() {
	s.mu.Lock()
	s.again = true
	s.mu.Unlock()
	s.ring()
}

func (s *session) ring() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// take empties the queue.
func (s *session) take() (entries []Entry, again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, again = s.queue, s.again
	s.queue, s.again = nil, false
	return entries, again
}

// stop ends the session with the given close code; the first call decides. It
// does not block.
func (s *session) stop(code int) {
	s.once.Do(func() {
		s.code = code
		s.cancel()
	})
}

// run serves the till until its connection ends, and returns when nothing of
// the session is left.
func (s *session) run() {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		s.read()
	}()
	s.ping = time.NewTicker(s.server.cfg.PingEvery)
	defer s.ping.Stop()
	if code := s.server.hub.enter(s); code != 0 {
		s.stop(code)
	} else {
		s.server.tell(nodeMessage{Kind: kindClaim, Lane: s.lane, Installation: s.installation, Session: s.id})
		s.stop(s.closeCode(s.serve()))
		s.server.hub.leave(s, s.server.cfg.Now())
	}
	if s.code != 0 {
		bye := websocket.FormatCloseMessage(s.code, closeReason(s.code))
		if s.conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(closeTimeout)) == nil {
			// Closing at once could destroy the close frame on its way.
			timer := time.NewTimer(closeTimeout)
			select {
			case <-gone:
			case <-timer.C:
			}
			timer.Stop()
		}
	}
	s.conn.Close()
	<-gone
	s.server.cfg.Meter.Disconnected(s.code)
	s.server.log.Info("till disconnected", "till", s.till.String(), "code", s.code)
}

// closeCode sorts the end of serve.
func (s *session) closeCode(err error) int {
	var failed storeError
	switch {
	case errors.Is(err, errMoved):
		return relay.CloseGoElsewhere
	case errors.As(err, &failed):
		s.server.log.Error("read store", "till", s.till.String(), "err", err.Error())
		return relay.CloseGoElsewhere
	}
	return 0
}

// closeReason is the human's version of a close code.
func closeReason(code int) string {
	switch code {
	case relay.CloseGoElsewhere:
		return "connect again"
	case relay.CloseRevoked:
		return "token revoked"
	case relay.CloseReplaced:
		return "a newer connection took over"
	case relay.CloseOccupied:
		return "another installation is connected as this till"
	case relay.CloseSlow:
		return "no sign of life"
	case websocket.CloseUnsupportedData:
		return "tills send no messages"
	}
	return ""
}

// read watches for signs of life and for the end of the connection.
func (s *session) read() {
	alive := func() { s.conn.SetReadDeadline(time.Now().Add(s.server.cfg.DeadAfter)) }
	s.conn.SetReadLimit(readLimit)
	s.conn.SetPongHandler(func(string) error {
		alive()
		return nil
	})
	alive()
	_, _, err := s.conn.NextReader()
	var timeout interface{ Timeout() bool }
	switch {
	case err == nil:
		s.stop(websocket.CloseUnsupportedData)
	case errors.As(err, &timeout) && timeout.Timeout():
		s.stop(relay.CloseSlow)
	default:
		s.stop(0)
	}
}

// serve sends everything after the till's cursor and then what comes in. The
// hub has the session already; see the package comment for why.
func (s *session) serve() error {
	// A token revoked between the check and the hub would otherwise live on.
	if holder, lane, err := s.server.directory.holder(s.ctx, s.token, false); err != nil || holder != s.till || lane != s.lane {
		if errors.Is(err, errUnknown) || err == nil {
			s.stop(relay.CloseRevoked)
		}
		return err
	}
	at, end, err := resume(s.ctx, s.server.cfg.Store, s.lane, s.after, s.server.cfg.After)
	if err != nil {
		return storeError{err}
	}
	s.at = at
	resumed := at.Seq > 0
	hello := relay.Message{
		Type: relay.TypeHello, Merchant: s.till.Merchant, Till: s.till.Till,
		Resumed: resumed, NowMS: s.server.cfg.Now().UnixMilli(),
	}
	if err := s.send(hello); err != nil {
		return err
	}
	s.server.log.Info("till connected", "till", s.till.String(), "resumed", resumed, "after", s.at.Seq)
	if err := s.catchUp(end); err != nil {
		return err
	}
	if err := s.send(relay.Message{Type: relay.TypeLive}); err != nil {
		return err
	}
	for {
		select {
		case <-s.ctx.Done():
			return nil
		case <-s.ping.C:
			err = s.sendPing()
		case <-s.wake:
			err = s.pass()
		}
		if err != nil {
			return err
		}
	}
}

// pass sends what is in the queue, and reads the store where that has a gap.
func (s *session) pass() error {
	entries, again := s.take()
	for _, e := range entries {
		switch {
		case again: // a read finds it, too
		case e.Seq <= s.at.Seq: // sent by a read
		case e.Prev <= s.at.Seq:
			if err := s.sendEntry(e, false); err != nil {
				return err
			}
		default:
			again = true
		}
	}
	if !again {
		return nil
	}
	end, _, err := s.server.cfg.Store.Last(s.ctx, s.lane)
	if err != nil {
		return storeError{err}
	}
	return s.catchUp(end)
}

// catchUp reads the store from where the session stands to end, which was asked
// for when the hub had the session already.
func (s *session) catchUp(end Position) error {
	for behind := 0; ; {
		// An end before what was sent, though not empty: the store was rolled back.
		if end.Epoch != s.at.Epoch || end.Seq != 0 && end.Seq < s.at.Seq {
			return errMoved
		}
		if s.at.Seq >= end.Seq {
			return nil
		}
		page, err := s.server.cfg.Store.Next(s.ctx, s.lane, s.at.Seq, pageSize)
		if err != nil {
			return storeError{err}
		}
		for _, e := range page {
			if err := s.sendEntry(e, true); err != nil {
				return err
			}
		}
		if len(page) > 0 {
			end.Seq = max(end.Seq, s.at.Seq)
			continue
		}
		if behind++; behind == behindTries {
			return storeError{fmt.Errorf("reads of %s stay behind its end", s.till)}
		}
		select {
		case <-s.ctx.Done():
			return s.ctx.Err()
		case <-s.server.cfg.After(behindPause):
		}
		if end, _, err = s.server.cfg.Store.Last(s.ctx, s.lane); err != nil {
			return storeError{err}
		}
	}
}

// storeError marks what the store, not the till, is to blame for.
type storeError struct{ error }

func (e storeError) Unwrap() error { return e.error }

// sendEntry sends e and moves the session on to it.
func (s *session) sendEntry(e Entry, replayed bool) error {
	err := s.send(relay.Message{
		Type: relay.TypeNotice, Cursor: cursorOf(s.at.Epoch, e).String(),
		ReceivedMS: e.Received.UnixMilli(), Sign: e.Sign, Body: e.Body,
	})
	if err == nil {
		s.at.Seq = e.Seq
		s.server.cfg.Meter.Delivered(s.server.cfg.Now().Sub(e.Received), replayed)
	}
	return err
}

// send writes one message. It keeps the heartbeat going, because a long replay
// leaves no time for it elsewhere. A till that does not take the message within
// the write timeout is cut off.
func (s *session) send(m relay.Message) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	select {
	case <-s.ping.C:
		if err := s.sendPing(); err != nil {
			return err
		}
	default:
	}
	text, err := m.Encode()
	if err != nil {
		return err
	}
	s.conn.SetWriteDeadline(time.Now().Add(s.server.cfg.WriteTimeout))
	return s.conn.WriteMessage(websocket.TextMessage, text)
}

func (s *session) sendPing() error {
	return s.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(s.server.cfg.WriteTimeout))
}
