package server_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/filspos/fils/relay/server"
)

// askedStore counts the questions whether it can be used.
type askedStore struct {
	server.Store
	checks atomic.Int64
}

func (c *askedStore) Check(ctx context.Context) error {
	c.checks.Add(1)
	return c.Store.Check(ctx)
}

// Anybody may ask for /readyz, and a cluster's leader answers each question of
// the store.
func TestReady_AFloodAsksTheStoreSeldom(t *testing.T) {
	store := &askedStore{Store: newMemory(t, server.MemoryConfig{})}
	n := startNode(t, server.Config{Store: store})
	const questions = 400
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			for range questions / 8 {
				resp, err := http.Get(n.url + "/readyz")
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					t.Errorf("answered with status %d", resp.StatusCode)
				}
			}
		})
	}
	asking.Wait()
	if asked := store.checks.Load(); asked > questions/10 {
		t.Errorf("the store was asked %d times", asked)
	}
}
