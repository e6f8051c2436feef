package main

import (
	"context"
	"io/fs"
	"math"
	"path"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
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

	// guestMemory is how much memory there has to be for each connection that is no
	// till's, and guestsLeast how many there may be in any case.
	guestMemory = 128 << 10
	guestsLeast = 256

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

// memoryOf returns how many bytes this process may have: what the machine has, or
// less if a control group says so, by the files under root. 0 is unknown. The
// machine is not asked for by /proc/meminfo, which the service does not see.
func memoryOf(root fs.FS, machine int64) int64 {
	least := int64(math.MaxInt64)
	if machine > 0 {
		least = machine
	}
	if file, err := fs.ReadFile(root, "proc/self/cgroup"); err == nil {
		for line := range strings.Lines(string(file)) {
			words := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
			switch {
			case len(words) != 3:
			case words[0] == "0": // of the second version
				least = min(least, groupMemory(root, "sys/fs/cgroup", words[2], "memory.max"))
			case slices.Contains(strings.Split(words[1], ","), "memory"):
				least = min(least, groupMemory(root, "sys/fs/cgroup/memory", words[2], "memory.limit_in_bytes"))
			}
		}
	}
	if least == math.MaxInt64 {
		return 0
	}
	return least
}

// groupMemory returns the least that the group or one it is in may have. In a
// container the groups above its own are often not there.
func groupMemory(root fs.FS, hierarchy, group, limit string) int64 {
	least := int64(math.MaxInt64)
	for ; ; group = path.Dir(group) {
		file, err := fs.ReadFile(root, path.Join(hierarchy, group, limit))
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

// guestsIn returns how many connections that are no till's there is memory for:
// 30 KiB for an idle one, and two or three times that while its request is as
// large as it may be. Strangers could otherwise have the relay killed for
// taking more than there is.
func guestsIn(memory int64) int {
	if memory <= 0 {
		return math.MaxInt
	}
	return int(max(guestsLeast, memory/guestMemory))
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
