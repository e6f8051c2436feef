package jetstream

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"github.com/filspos/fils/relay/server"
)

// Headers of a stored message.
const (
	signHeader     = "Fils-Sign"
	receivedHeader = "Fils-Received" // ms UTC
)

const (
	maxStored = 80 << 10 // a message with its headers
	pageBytes = 1 << 20  // of one read
)

// message is the stored form of n.
func (s *Store) message(n server.Notice) *nats.Msg {
	id := n.ID()
	m := nats.NewMsg(s.names.subject(n.Address))
	m.Data = n.Body
	m.Header.Set(natsjs.MsgIDHeader, hex.EncodeToString(id[:]))
	m.Header.Set(signHeader, n.Sign)
	m.Header.Set(receivedHeader, strconv.FormatInt(n.Received.UnixMilli(), 10))
	return m
}

// found is a message as the server hands it out: republished, or read.
type found struct {
	subject string
	seq     uint64
	prev    uint64 // republished: on the same subject; read: in the same answer
	msg     *nats.Msg
}

func readFound(m *nats.Msg) (found, error) {
	f := found{subject: m.Header.Get(natsjs.SubjectHeader), msg: m}
	var err, errPrev error
	f.seq, err = strconv.ParseUint(m.Header.Get(natsjs.SequenceHeader), 10, 64)
	f.prev, errPrev = strconv.ParseUint(m.Header.Get(natsjs.LastSequenceHeader), 10, 64)
	if err != nil || errPrev != nil || f.seq == 0 {
		return found{}, errors.New("relay store: message without its place")
	}
	return f, nil
}

// entry reads a stored notice.
func (s *Store) entry(f found) (server.Entry, error) {
	address, ok := s.names.address(f.subject)
	ms, err := strconv.ParseInt(f.msg.Header.Get(receivedHeader), 10, 64)
	if !ok || err != nil {
		return server.Entry{}, fmt.Errorf("relay store: message %d was not stored by a relay", f.seq)
	}
	return server.Entry{
		Notice: server.Notice{
			Address: address, Received: time.UnixMilli(ms).UTC(), Sign: f.msg.Header.Get(signHeader), Body: f.msg.Data,
		},
		Seq: f.seq, Prev: f.prev,
	}, nil
}

// getRequest is the body of a read.
type getRequest struct {
	Seq      uint64 `json:"seq,omitempty"`
	NextFor  string `json:"next_by_subj,omitempty"`
	LastFor  string `json:"last_by_subj,omitempty"`
	Batch    int    `json:"batch,omitempty"`
	MaxBytes int    `json:"max_bytes,omitempty"`
}

// read returns up to limit messages on subject with a sequence above after, from
// whichever server answers: in order, without a hole, perhaps ending early.
func (l *link) read(ctx context.Context, stream, subject string, after uint64, limit int) ([]found, error) {
	ask, err := json.Marshal(getRequest{Seq: after + 1, NextFor: subject, Batch: limit, MaxBytes: pageBytes})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	inbox := l.nc.NewInbox()
	sub, err := l.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", stream, err)
	}
	defer sub.Unsubscribe()
	if err := l.nc.PublishRequest("$JS.API.DIRECT.GET."+stream, inbox, ask); err != nil {
		return nil, fmt.Errorf("read %s: %w", stream, err)
	}
	var page []found
	for before := uint64(0); ; {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", stream, err)
		}
		switch status := m.Header.Get("Status"); status {
		case "":
		case "204", "404":
			return page, nil
		default:
			return nil, fmt.Errorf("read %s: answered with status %s", stream, status)
		}
		f, err := readFound(m)
		if err != nil {
			return nil, err
		}
		if f.prev != before || f.seq <= after {
			return nil, fmt.Errorf("read %s: the answer has a hole before %d", stream, f.seq)
		}
		before = f.seq
		page = append(page, f)
	}
}

// Next implements server.Store.
func (s *Store) Next(ctx context.Context, a server.Address, after uint64, limit int) ([]server.Entry, error) {
	l, err := s.current()
	if err != nil {
		return nil, err
	}
	page, err := l.read(ctx, s.names.stream, s.names.subject(a), after, limit)
	if err != nil {
		s.look()
		return nil, err
	}
	entries := make([]server.Entry, 0, len(page))
	for _, f := range page {
		e, err := s.entry(f)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// Last implements server.Store. Only the leader answers.
func (s *Store) Last(ctx context.Context, a server.Address) (server.Position, server.Entry, error) {
	at := server.Position{Epoch: *s.epoch.Load()}
	l, err := s.current()
	if err != nil {
		return at, server.Entry{}, err
	}
	ask, err := json.Marshal(getRequest{LastFor: s.names.subject(a)})
	if err != nil {
		return at, server.Entry{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	m, err := l.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+s.names.stream, ask)
	if err != nil {
		s.look()
		return at, server.Entry{}, fmt.Errorf("end of %s: %w", a, err)
	}
	f, err := readLast(m.Data)
	if err != nil || f.seq == 0 {
		if err != nil {
			err = fmt.Errorf("end of %s: %w", a, err)
		}
		return at, server.Entry{}, err
	}
	e, err := s.entry(f)
	at.Seq = f.seq
	return at, e, err
}

// readLast reads the leader's answer; found.seq is 0 when nothing is kept.
func readLast(data []byte) (found, error) {
	var answer struct {
		Error   *natsjs.APIError `json:"error"`
		Message struct {
			Subject string `json:"subject"`
			Seq     uint64 `json:"seq"`
			Header  []byte `json:"hdrs"`
			Data    []byte `json:"data"`
		} `json:"message"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return found{}, errors.New("answer not understood")
	}
	switch stored := answer.Message; {
	case answer.Error != nil && answer.Error.ErrorCode == natsjs.JSErrCodeMessageNotFound:
		return found{}, nil
	case answer.Error != nil:
		return found{}, answer.Error
	default:
		header, err := nats.DecodeHeadersMsg(stored.Header)
		if err != nil || stored.Seq == 0 {
			return found{}, errors.New("answer not understood")
		}
		return found{subject: stored.Subject, seq: stored.Seq, msg: &nats.Msg{Header: header, Data: stored.Data}}, nil
	}
}

// setEpoch names this incarnation of the stream by when it was created.
func (s *Store) setEpoch(created time.Time) {
	epoch := "j" + strconv.FormatInt(created.UnixNano(), 36)
	s.epoch.Store(&epoch)
}
