package main

import (
	"bufio"
	"bytes"
	"context"
	"io/fs"
	"math"
	"path"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"
)

const (
	// heapPercent is how much may be allocated before it is collected, in percent of
	// what is in use. Ten thousand connections take the collector 0.1 to 0.2 s on two
	// processors, in which a good notification takes several times as long, so that it
	// has to be rare.
	heapPercent = 300
	// heapShare is how much of the memory, in percent, is used before it is collected
	// more often.
	heapShare = 60
	// heapFloor is counted as in use, though never touched and so never in memory: a
	// small heap would otherwise be collected again every few megabytes.
	heapFloor = 16 << 20

	// tidyEvery is how often it is looked at what memory nobody needs any more. A crowd
	// that connects at once leaves much of it, and an idle relay collects too seldom.
	tidyEvery = 30 * time.Second
	// tidyQuiet is how little an idle relay allocates between two looks.
	tidyQuiet = 64 << 20
	// tidyWorth is how much must be there to be worth a collection.
	tidyWorth = 16 << 20
)

// sizeHeap has the heap collected as seldom as the memory allows, until restore is
// called. Where GOGC is given, or nobody tells how much memory there is, Go's own
// rule stays; GOMEMLIMIT stays in any case.
func sizeHeap(env func(string) (string, bool), memory int64) (restore func()) {
	if _, given := env("GOGC"); given || memory <= 0 {
		return func() {}
	}
	floor := make([]byte, heapFloor)
	percent := debug.SetGCPercent(heapPercent)
	limit := debug.SetMemoryLimit(-1)
	if _, given := env("GOMEMLIMIT"); !given {
		debug.SetMemoryLimit(memory/100*heapShare + heapFloor)
	}
	return func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
		runtime.KeepAlive(floor)
	}
}

// memoryOf returns how many bytes this process may have, by the files under root:
// what the machine has, or less if a control group says so. 0 is unknown, as
// everywhere but on Linux.
func memoryOf(root fs.FS) int64 {
	least := int64(math.MaxInt64)
	if file, err := fs.ReadFile(root, "proc/meminfo"); err == nil {
		for line := range bytes.Lines(file) {
			words := strings.Fields(string(line))
			if len(words) == 3 && words[0] == "MemTotal:" {
				if kib, err := strconv.ParseInt(words[1], 10, 64); err == nil {
					least = min(least, kib<<10)
				}
			}
		}
	}
	if file, err := fs.ReadFile(root, "proc/self/cgroup"); err == nil {
		for lines := bufio.NewScanner(bytes.NewReader(file)); lines.Scan(); {
			// The second version's only line begins so; the first one's groups are not read.
			if group, ok := strings.CutPrefix(lines.Text(), "0::"); ok {
				least = min(least, groupMemory(root, group))
			}
		}
	}
	if least == math.MaxInt64 {
		return 0
	}
	return least
}

// groupMemory returns the least that the group or one it is in may have.
func groupMemory(root fs.FS, group string) int64 {
	least := int64(math.MaxInt64)
	for ; ; group = path.Dir(group) {
		file, err := fs.ReadFile(root, path.Join("sys/fs/cgroup", group, "memory.max"))
		if err == nil {
			// It may be "max".
			if most, err := strconv.ParseInt(strings.TrimSpace(string(file)), 10, 64); err == nil {
				least = min(least, most)
			}
		}
		if group == "/" || group == "." {
			return least
		}
	}
}

// heapUse is what the runtime tells of memory.
type heapUse struct {
	allocated uint64 // bytes, since the start
	free      uint64 // bytes that hold no object and that the system could have back
}

func readHeapUse() heapUse {
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/heap/free:bytes"}}
	metrics.Read(samples)
	return heapUse{samples[0].Value.Uint64(), samples[1].Value.Uint64()}
}

// tidier decides when memory is given back. Who is busy soon needs again what was
// given back: to get it page by page, beside a collection that nothing called for,
// made good notifications wait at the very moment when a flood began.
type tidier struct {
	seen   uint64 // allocated at the last look
	tidied uint64 // allocated when memory was given back last
}

// due tells whether to give memory back now.
func (t *tidier) due(u heapUse) bool {
	quiet := u.allocated-t.seen < tidyQuiet
	t.seen = u.allocated
	if !quiet || u.free+u.allocated-t.tidied < tidyWorth {
		return false
	}
	t.tidied = u.allocated
	return true
}

// tidy gives memory back until ctx ends.
func tidy(ctx context.Context) {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for t := (&tidier{}); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if t.due(readHeapUse()) {
				debug.FreeOSMemory()
			}
		}
	}
}
