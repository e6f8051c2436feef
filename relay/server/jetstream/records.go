package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"github.com/filspos/fils/relay/server"
)

const (
	recordPage = 256
	nodeHeader = "Fils-Node"
)

// Record implements server.Records.
func (s *Store) Record(ctx context.Context, key string) (server.Record, error) {
	l, err := s.current()
	if err != nil {
		return server.Record{}, err
	}
	entry, err := l.kv.Get(ctx, key)
	if errors.Is(err, natsjs.ErrKeyNotFound) {
		return server.Record{}, server.ErrNoRecord
	}
	if err != nil {
		return server.Record{}, fmt.Errorf("read record: %w", err)
	}
	return server.Record{Key: key, Value: entry.Value(), Rev: entry.Revision()}, nil
}

// PutRecord implements server.Records.
func (s *Store) PutRecord(ctx context.Context, key string, value []byte, rev uint64) error {
	l, err := s.current()
	if err != nil {
		return err
	}
	if rev == 0 {
		_, err = l.kv.Create(ctx, key, value)
	} else {
		_, err = l.kv.Update(ctx, key, value, rev)
	}
	return s.written(err)
}

// DropRecord implements server.Records.
func (s *Store) DropRecord(ctx context.Context, key string, rev uint64) error {
	l, err := s.current()
	if err != nil {
		return err
	}
	return s.written(l.kv.Delete(ctx, key, natsjs.LastRevision(rev)))
}

func (s *Store) written(err error) error {
	var refused *natsjs.APIError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, natsjs.ErrKeyExists),
		errors.As(err, &refused) && (refused.ErrorCode == natsjs.JSErrCodeStreamWrongLastSequence ||
			refused.ErrorCode == natsjs.JSErrCodeStreamWrongLastSequenceConstant):
		return server.ErrConflict
	}
	s.look()
	return fmt.Errorf("write record: %w", err)
}

// RecordsSince implements server.Records. The bucket keeps the last change of
// each record, so reading on from a place brings everything that matters.
func (s *Store) RecordsSince(ctx context.Context, after server.Position) (changed []server.Record, now server.Position, whole bool, err error) {
	l, err := s.current()
	if err != nil {
		return nil, after, false, err
	}
	stream, prefix := bucketStream(s.names.bucket), "$KV."+s.names.bucket+"."
	info, err := l.end(ctx, stream)
	if err != nil {
		s.look()
		return nil, after, false, err
	}
	end := info.State.LastSeq
	now = server.Position{Epoch: "k" + strconv.FormatInt(info.Created.UnixNano(), 36), Seq: after.Seq}
	if now.Epoch != after.Epoch || end < after.Seq {
		now.Seq, whole = 0, true
	}
	for now.Seq < end {
		page, err := l.read(ctx, stream, prefix+">", now.Seq, recordPage)
		if err != nil {
			return nil, after, false, err
		}
		if len(page) == 0 {
			return nil, after, false, errors.New("relay store: registry: the server that answered lags behind")
		}
		for _, f := range page {
			r := server.Record{Key: strings.TrimPrefix(f.subject, prefix), Value: f.msg.Data, Rev: f.seq}
			if f.msg.Header.Get("KV-Operation") != "" { // deleted or purged
				r.Value = nil
			}
			changed = append(changed, r)
			now.Seq = f.seq
		}
	}
	return changed, now, whole, nil
}

// Tell implements server.Nodes.
func (s *Store) Tell(message []byte) error {
	l, err := s.current()
	if err != nil {
		return err
	}
	m := nats.NewMsg(s.names.node)
	m.Header.Set(nodeHeader, s.node)
	m.Data = message
	return l.nc.PublishMsg(m)
}

// Hear implements server.Nodes. Its heard runs on a goroutine of the caller's.
func (s *Store) Hear(ctx context.Context, heard func(message []byte)) error {
	for {
		l := s.next(ctx)
		if l == nil {
			return nil
		}
		news := make(chan *nats.Msg, liveQueue)
		sub, err := l.nc.ChanSubscribe(s.names.node, news)
		if err != nil {
			return fmt.Errorf("hear other nodes: %w", err)
		}
		for open := true; open; {
			select {
			case <-ctx.Done():
				open = false
			case <-l.dead:
				open = false
			case m := <-news:
				if m.Header.Get(nodeHeader) != s.node {
					heard(m.Data)
				}
			}
		}
		sub.Unsubscribe()
		if ctx.Err() != nil {
			return nil
		}
	}
}
