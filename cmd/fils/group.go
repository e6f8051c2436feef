package fils

import (
	"context"
	"sync"
)

// group owns goroutines: the first that fails ends the others, and stop waits
// for all of them.
type group struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup
}

func newGroup(ctx context.Context) *group {
	g := &group{}
	g.ctx, g.cancel = context.WithCancelCause(ctx)
	return g
}

// start runs f until it returns. f must return when its context ends.
func (g *group) start(f func(ctx context.Context) error) {
	g.wg.Go(func() {
		if err := f(g.ctx); err != nil {
			g.cancel(err)
		}
	})
}

// stop ends everything and returns what the first failure was, if any.
func (g *group) stop() error {
	g.cancel(nil)
	g.wg.Wait()
	if err := context.Cause(g.ctx); err != context.Canceled {
		return err
	}
	return nil
}
