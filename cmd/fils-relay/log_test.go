package main

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"testing"
)

// tap passes on what is written, write by write.
type tap chan string

// Write implements io.Writer.
func (t tap) Write(p []byte) (int, error) {
	t <- string(p)
	return len(p), nil
}

func TestLog_KeepsOrderAndLosesNothing(t *testing.T) {
	out := make(tap, 10)
	log, end := newLog(out, slog.LevelInfo)
	log.Debug("unseen")
	log.Info("one")
	if first := <-out; strings.Count(first, "\n") != 1 || !strings.Contains(first, `"one"`) {
		t.Errorf("wrote %q by itself", first)
	}
	log.Info("two", "n", 1)
	log.With("k", "v").WithGroup("g").Warn("three", "n", 2)
	var rest strings.Builder
	for !strings.Contains(rest.String(), "three") {
		rest.WriteString(<-out)
	}
	if two, three := strings.Index(rest.String(), `"two"`), strings.Index(rest.String(), `"three"`); two < 0 || two > three {
		t.Errorf("wrote %q", rest.String())
	}
	log.Info("four")
	end()
	if last := <-out; !strings.Contains(last, `"four"`) {
		t.Errorf("wrote %q at the end", last)
	}
}

func TestLog_WritesWhenMuchIsHeld(t *testing.T) {
	var out bytes.Buffer
	b := &lineBuffer{out: &out}
	line := strings.Repeat("x", 1000) + "\n"
	for range logHold / len(line) {
		if _, err := io.WriteString(b, line); err != nil {
			t.Fatal(err)
		}
	}
	if out.Len() != 0 {
		t.Error("written too early")
	}
	if _, err := io.WriteString(b, line); err != nil {
		t.Fatal(err)
	}
	if out.Len() < logHold {
		t.Errorf("%d bytes written", out.Len())
	}
}
