package relaytest_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// The relay is killed at random moments under load and started again at once:
// every acknowledged notification reaches its till.
func TestKill_NothingAcknowledgedIsLost(t *testing.T) {
	n := newNode(t, "--data", t.TempDir())
	p := n.start(t)
	n.addMerchant(t)
	var tills []*till
	for i := range 8 {
		s := newTill(fmt.Sprint("POS", i))
		tills = append(tills, s)
		stop := s.run(t, n.addTill(t, s.name), n.url())
		defer stop()
	}
	sender := newProvider(n.url())
	stop := sender.pour(t, tills, 24) // enough for batches
	for range *points {
		<-time.After(50*time.Millisecond + rand.N(700*time.Millisecond))
		p.kill()
		p = n.start(t)
	}
	<-time.After(200 * time.Millisecond)
	stop()
	sender.settle(t, tills)
	p.interrupt(t)
}
