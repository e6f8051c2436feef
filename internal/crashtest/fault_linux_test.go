package crashtest

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What can fail, on which file of a journal, and how much of it is really
// done; the numbers are those of testdata/fault.c.
const (
	callSync     = 1
	callWrite    = 2
	callRead     = 4
	callTruncate = 8

	fileJournal = 1
	fileLog     = 2

	doNothing = 0 // it fails and nothing was done
	doAll     = 1 // it fails and was done all the same
	doHalf    = 2 // it fails half way
	doShort   = 3 // half of it is done, and it says so

	forever = -1
)

// faults is the hold on a process in which testdata/fault.c is loaded.
type faults struct {
	library, name string
	control       []byte
}

// newFaults compiles the library; cgo, without which there is no till, needs a
// C compiler as well.
func newFaults(t *testing.T) *faults {
	t.Helper()
	compiler := strings.Fields(os.Getenv("CC"))
	if len(compiler) == 0 {
		compiler = []string{"cc"}
	}
	dir := t.TempDir()
	f := &faults{library: filepath.Join(dir, "fault.so"), name: filepath.Join(dir, "control")}
	args := append(compiler[1:], "-shared", "-fPIC", "-O1", "-o", f.library, "testdata/fault.c", "-ldl", "-lpthread")
	out, err := exec.Command(compiler[0], args...).CombinedOutput()
	if err == nil {
		err = os.WriteFile(f.name, make([]byte, os.Getpagesize()), 0o600)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f.attach(t)
	return f
}

// attach maps the words that the library looks at.
func (f *faults) attach(t *testing.T) {
	t.Helper()
	file, err := os.OpenFile(f.name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.control, err = syscall.Mmap(int(file.Fd()), 0, os.Getpagesize(), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(f.control); err != nil {
			t.Error(err)
		}
	})
}

// env is what loads the library.
func (f *faults) env() []string { return []string{"LD_PRELOAD=" + f.library, "FILS_FAULT=" + f.name} }

func (f *faults) set(word int, v int32) {
	binary.NativeEndian.PutUint32(f.control[4*word:], uint32(v))
}

func (f *faults) get(word int) int32 {
	return int32(binary.NativeEndian.Uint32(f.control[4*word:]))
}

// fault is one trouble with a disk: of the calls on the files, so many pass and
// the next so many fail.
type fault struct {
	Calls, Files, Skip, Times, How int32
	Err                            syscall.Errno // zero is EIO
}

func (f *faults) arm(x fault) {
	f.set(3, 0)
	for word, v := range []int32{x.Calls, x.Files, x.Skip} {
		f.set(word, v)
	}
	f.set(4, x.How)
	f.set(5, int32(x.Err))
	f.set(6, 0)
	f.set(7, 0)
	f.set(3, x.Times)
}

// mend ends the trouble and tells how many calls have failed of it.
func (f *faults) mend() int32 {
	f.set(3, 0)
	f.set(0, 0)
	return f.get(7)
}

// aftermath is what a restart finds of a journal's files.
type aftermath string

const (
	// asSeen: the process died; the next one sees all that was written.
	asSeen aftermath = "after a kill"
	// asSynced: the power went; there is what was synced.
	asSynced aftermath = "after a power cut"
	// asMixed: the power went; of what was not synced any part is there.
	asMixed aftermath = "after a power cut, partly written"
)

func aftermaths() []aftermath { return []aftermath{asSeen, asSynced, asMixed} }

// leave copies what a restart would find of the journal at path to to, also
// while somebody uses it.
func (a aftermath) leave(t *testing.T, path, to string, random *rand.Rand) {
	t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		seen, synced := contents(t, path+suffix), contents(t, path+suffix+".disk")
		result := seen
		switch a {
		case asSynced:
			result = synced
		case asMixed:
			result = mixed(seen, synced, random)
		}
		if result == nil {
			continue
		}
		if err := os.WriteFile(to+suffix, result, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// contents is nil when there is no such file.
func contents(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return b
}

// mixed takes each sector from one of two states of a file.
func mixed(seen, synced []byte, random *rand.Rand) []byte {
	const sector = 512
	if seen == nil || synced == nil {
		return seen
	}
	out := make([]byte, max(len(seen), len(synced)))
	for at := 0; at < len(out); at += sector {
		from := seen
		if random.IntN(2) == 0 {
			from = synced
		}
		if at < len(from) {
			copy(out[at:min(at+sector, len(out))], from[at:])
		}
	}
	return out
}

// settled makes path, which nobody uses, all that a power cut would leave.
func settled(t *testing.T, path string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		b := contents(t, path+suffix)
		var err error
		if b == nil {
			err = os.RemoveAll(path + suffix + ".disk")
		} else {
			err = os.WriteFile(path+suffix+".disk", b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
