package server_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/filspos/fils/relay/server"
)

// A till gets signatures and bodies word for word, so whoever has its token, or
// runs it, can send them in again and again and fill the store of all shops.
func TestWebhook_WhatIsKeptIsNotKeptAgain(t *testing.T) {
	var later atomic.Int64
	began := time.Now()
	now := func() time.Time { return began.Add(time.Duration(later.Load())) }
	store := newMemory(t, server.MemoryConfig{Now: now, MaxAge: time.Hour})
	n := startNode(t, server.Config{Store: store, Now: now})
	if _, err := n.AddTill("shop", "POS02"); err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"notify_id":"1"}`)
	signature := sign(t, gatewayKey(), body)
	send := func(till string) {
		t.Helper()
		if a := n.post(t, "/n/shop/"+till, body, signature); a.status != http.StatusOK {
			t.Fatalf("answered %d", a.status)
		}
	}
	for range 5 {
		send("POS01")
		later.Add(int64(11 * time.Minute)) // past the store's own window
	}
	if kept := len(n.kept(t, pos01())); kept != 1 {
		t.Errorf("kept %d times", kept)
	}
	send("POS02")
	if kept := len(n.kept(t, server.Address{Merchant: "shop", Till: "POS02"})); kept != 1 {
		t.Errorf("kept %d times for another till", kept)
	}
	// What has expired is news again.
	later.Add(int64(2 * time.Hour))
	send("POS01")
	if kept := len(n.kept(t, pos01())); kept != 1 {
		t.Errorf("kept %d times after it had expired", kept)
	}
}

// swappedStore is a store that is rebuilt while it is in use.
type swappedStore struct{ now atomic.Pointer[server.Memory] }

func (s *swappedStore) Append(ctx context.Context, n server.Notice) (uint64, bool, error) {
	return s.now.Load().Append(ctx, n)
}

func (s *swappedStore) Next(ctx context.Context, a server.Address, after uint64, limit int) ([]server.Entry, error) {
	return s.now.Load().Next(ctx, a, after, limit)
}

func (s *swappedStore) Last(ctx context.Context, a server.Address) (server.Position, server.Entry, error) {
	return s.now.Load().Last(ctx, a)
}

func (s *swappedStore) Live(ctx context.Context, sink server.Sink) error {
	return s.now.Load().Live(ctx, sink)
}

func (s *swappedStore) Check(ctx context.Context) error { return s.now.Load().Check(ctx) }

// What PayBy repeats is acknowledged only where the store has just that, not
// because something else lies where it was.
func TestWebhook_RepetitionOfWhatTheStoreHasLostIsStored(t *testing.T) {
	store := &swappedStore{}
	store.now.Store(newMemory(t, server.MemoryConfig{}))
	n := startNode(t, server.Config{Store: store})
	body := []byte(`{"notify_id":"1"}`)
	signature := sign(t, gatewayKey(), body)
	wantAck(t, n.post(t, "/n/shop/POS01", body, signature))
	store.now.Store(newMemory(t, server.MemoryConfig{}))
	n.put(t, "something else")
	wantAck(t, n.post(t, "/n/shop/POS01", body, signature))
	if kept := n.kept(t, pos01()); len(kept) != 2 || string(kept[1].Body) != string(body) {
		t.Errorf("%d kept after PayBy's repetition", len(kept))
	}
}
