package main

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	logFlushEvery = 200 * time.Millisecond
	logHold       = 32 << 10 // bytes
)

// lineBuffer collects lines of the log. A relay that takes thousands of
// notifications a second would otherwise spend a tenth of its time on writing
// about them, one by one.
type lineBuffer struct {
	mu   sync.Mutex
	out  io.Writer
	held []byte
}

// Write implements io.Writer.
func (b *lineBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = append(b.held, line...)
	if len(b.held) >= logHold {
		b.flush()
	}
	return len(line), nil
}

// flush writes what is held. b.mu is held.
func (b *lineBuffer) flush() {
	if len(b.held) > 0 {
		_, _ = b.out.Write(b.held) // there is nobody to tell
		b.held = b.held[:0]
	}
}

// Flush writes what is held.
func (b *lineBuffer) Flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flush()
}

// run writes regularly until ctx ends, and then the rest.
func (b *lineBuffer) run(ctx context.Context) {
	tick := time.NewTicker(logFlushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			b.Flush()
			return
		case <-tick.C:
			b.Flush()
		}
	}
}

// promptHandler has warnings and errors written at once, after what came before
// them.
type promptHandler struct {
	slog.Handler
	lines *lineBuffer
}

// Handle implements slog.Handler.
func (h promptHandler) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		h.lines.Flush()
	}
	return err
}

// WithAttrs implements slog.Handler.
func (h promptHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return promptHandler{h.Handler.WithAttrs(attrs), h.lines}
}

// WithGroup implements slog.Handler.
func (h promptHandler) WithGroup(name string) slog.Handler {
	return promptHandler{h.Handler.WithGroup(name), h.lines}
}

// newLog returns a log on w and the function that ends it.
func newLog(w io.Writer, level slog.Level) (log *slog.Logger, end func()) {
	lines := &lineBuffer{out: w}
	ctx, cancel := context.WithCancel(context.Background())
	var writing sync.WaitGroup
	writing.Go(func() { lines.run(ctx) })
	log = slog.New(promptHandler{slog.NewJSONHandler(lines, &slog.HandlerOptions{Level: level}), lines})
	return log, func() {
		cancel()
		writing.Wait()
	}
}
