package jetstream_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/relay/server"
	"github.com/filspos/fils/relay/server/jetstream"
)

// appending counts what is to be stored.
type appending struct {
	*jetstream.Store
	count atomic.Int64
}

func (a *appending) Append(ctx context.Context, n server.Notice) (uint64, bool, error) {
	a.count.Add(1)
	return a.Store.Append(ctx, n)
}

// What the store shows to have is acknowledged without storing it again.
func TestRelay_OverJetStreamFindsWhatItHas(t *testing.T) {
	key, err := payby.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	store := &appending{Store: open(t, jetstream.Config{})}
	defer store.Close()
	relayed, err := server.New(server.Config{Store: store, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	if err := relayed.AddMerchant("shop", []*rsa.PublicKey{&key.PublicKey}); err != nil {
		t.Fatal(err)
	}
	if _, err := relayed.AddTill("shop", "A"); err != nil {
		t.Fatal(err)
	}
	for i, body := range []string{"1", "2", "1", "1", "2"} {
		sign, err := payby.Sign(key, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/n/shop/A", strings.NewReader(body))
		r.Header.Set("Sign", sign)
		w := httptest.NewRecorder()
		relayed.ServeHTTP(w, r)
		if w.Code != http.StatusOK || w.Body.String() != payby.Ack {
			t.Errorf("request %d: %d %s", i, w.Code, w.Body)
		}
		if want := min(int64(i+1), 2); store.count.Load() != want {
			t.Errorf("after request %d: %d to store, want %d", i, store.count.Load(), want)
		}
	}
}
