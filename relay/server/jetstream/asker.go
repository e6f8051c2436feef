package jetstream

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// asker publishes a message and waits for the server's answer, like a request of
// nats.go with one hand-over less: the caller itself reads an inbox that is its
// own for as long as the question lasts, and no goroutine sorts answers.
type asker struct {
	nc    *nats.Conn
	asked atomic.Uint64

	mu   sync.Mutex
	idle []*nats.Subscription // of inboxes where nothing is awaited
}

// anyAnswer ends the subject of an inbox, whose questions have subjects of their own.
const anyAnswer = "*"

// ask sends msg, which stays as it is, and returns the answer.
func (a *asker) ask(ctx context.Context, msg *nats.Msg) (answer []byte, err error) {
	inbox, err := a.take()
	if err != nil {
		return nil, err
	}
	// A question may be answered twice, by two servers while the leader changes.
	reply := strings.TrimSuffix(inbox.Subject, anyAnswer) + strconv.FormatUint(a.asked.Add(1), 36)
	err = a.nc.PublishMsg(&nats.Msg{Subject: msg.Subject, Reply: reply, Header: msg.Header, Data: msg.Data})
	var m *nats.Msg
	for err == nil && (m == nil || m.Subject != reply) {
		m, err = inbox.NextMsgWithContext(ctx)
	}
	if err != nil {
		// What comes too late must not answer the next question.
		_ = inbox.Unsubscribe()
		return nil, err
	}
	a.give(inbox)
	if m.Header.Get("Status") == "503" {
		return nil, nats.ErrNoResponders
	}
	return m.Data, nil
}

func (a *asker) take() (*nats.Subscription, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if last := len(a.idle) - 1; last >= 0 {
		inbox := a.idle[last]
		a.idle = a.idle[:last]
		return inbox, nil
	}
	return a.nc.SubscribeSync(a.nc.NewInbox() + "." + anyAnswer)
}

func (a *asker) give(inbox *nats.Subscription) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.idle) < singles {
		a.idle = append(a.idle, inbox)
		return
	}
	_ = inbox.Unsubscribe()
}
