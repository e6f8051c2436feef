package main

import (
	"math"
	"runtime/debug"
	"testing"
	"testing/fstest"
)

func TestMemoryOf(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	const all = 1018508 << 10
	for name, c := range map[string]struct {
		files   fstest.MapFS
		machine int64
		want    int64
	}{
		"unknown":                {fstest.MapFS{}, 0, 0},
		"a machine":              {fstest.MapFS{}, all, all},
		"a group, not a machine": {fstest.MapFS{"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("536870912\n")}, 0, 512 << 20},
		"no limit": {fstest.MapFS{
			"proc/self/cgroup": file("0::/system.slice/fils-relay.service\n"),
			"sys/fs/cgroup/system.slice/fils-relay.service/memory.max": file("max\n"),
		}, all, all},
		"the service's": {fstest.MapFS{
			"proc/self/cgroup": file("1:cpu:/\n0::/system.slice/fils-relay.service\n"),
			"sys/fs/cgroup/system.slice/fils-relay.service/memory.max": file("134217728\n"),
		}, all, 128 << 20},
		"its parent's": {fstest.MapFS{
			"proc/self/cgroup": file("0::/system.slice/fils-relay.service\n"),
			"sys/fs/cgroup/system.slice/fils-relay.service/memory.max": file("max\n"),
			"sys/fs/cgroup/system.slice/memory.max":                    file("268435456\n"),
		}, all, 256 << 20},
		"the container's": {fstest.MapFS{
			"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("536870912\n"),
		}, all, 512 << 20},
		"a group beside the container's": {fstest.MapFS{
			"proc/self/cgroup": file("0::/../elsewhere\n"), "sys/fs/cgroup/memory.max": file("536870912\n"),
		}, all, 512 << 20},
		"more than there is": {fstest.MapFS{
			"proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("9223372036854771712\n"),
		}, all, all},
		"the first version's": {fstest.MapFS{
			"proc/self/cgroup": file("5:cpu,cpuacct:/x\n4:pids,memory:/x/fils-relay.service\n0::/\n"),
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes":                    file("134217728\n"),
			"sys/fs/cgroup/memory/x/fils-relay.service/memory.limit_in_bytes": file("9223372036854771712\n"),
		}, all, 128 << 20},
		"a container's of the first version": {fstest.MapFS{
			"proc/self/cgroup": file("4:memory:/docker/1a2b\n"), "sys/fs/cgroup/memory/memory.limit_in_bytes": file("67108864\n"),
		}, all, 64 << 20},
	} {
		if got := memoryOf(c.files, c.machine); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestGuestsIn(t *testing.T) {
	for memory, want := range map[int64]int{0: math.MaxInt, 1 << 20: 256, 64 << 20: 512, 1 << 30: 8192} {
		if got := guestsIn(memory); got != want {
			t.Errorf("%d bytes: %d, want %d", memory, got, want)
		}
	}
}

func TestSizeHeap(t *testing.T) {
	const memory = 1000 << 20
	percent := debug.SetGCPercent(100)
	limit := debug.SetMemoryLimit(-1)
	defer func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}()
	for name, c := range map[string]struct {
		env     map[string]string
		memory  int64
		percent int
		limit   int64
	}{
		"as the memory allows": {nil, memory, heapPercent, memory/100*heapShare + heapFloor},
		"memory unknown":       {nil, 0, 100, limit},
		"GOGC":                 {map[string]string{"GOGC": "50"}, memory, 100, limit},
		"GOMEMLIMIT":           {map[string]string{"GOMEMLIMIT": "1GiB"}, memory, heapPercent, limit},
	} {
		restore := sizeHeap(func(name string) (string, bool) { value, ok := c.env[name]; return value, ok }, c.memory)
		now := debug.SetGCPercent(77)
		debug.SetGCPercent(now)
		if now != c.percent || debug.SetMemoryLimit(-1) != c.limit {
			t.Errorf("%s: %d percent up to %d, want %d up to %d", name, now, debug.SetMemoryLimit(-1), c.percent, c.limit)
		}
		restore()
		if now := debug.SetGCPercent(100); now != 100 || debug.SetMemoryLimit(-1) != limit {
			t.Errorf("%s: %d percent up to %d were left behind", name, now, debug.SetMemoryLimit(-1))
		}
	}
}

// Looks at the memory are numbered by what was allocated until then, in MiB.
func TestTidier(t *testing.T) {
	var heap tidier
	for i, look := range []struct {
		allocated, free uint64
		due             bool
	}{
		{allocated: 1000, free: 500}, // a crowd has come
		{1010, 490, true},
		{1012, 0, false}, // nothing much since
		{1020, 9, true},  // that much by and by
		{1021, 3, false},
		{1200, 400, false}, // busy
		{1400, 300, false},
		{1401, 300, true}, // no more
	} {
		if got := heap.due(heapUse{allocated: look.allocated << 20, free: look.free << 20}); got != look.due {
			t.Errorf("look %d: due %v, want %v", i, got, look.due)
		}
	}
}

func TestHeapUse(t *testing.T) {
	before := readHeapUse()
	kept := make([]byte, 8<<20)
	after := readHeapUse()
	if after.allocated-before.allocated < uint64(len(kept)) {
		t.Errorf("%d bytes were allocated, %d told", len(kept), after.allocated-before.allocated)
	}
}
