package fils

import (
	"errors"
	"os"
	"path/filepath"
)

const lockFile = "fils.lock"

// errAlreadyOpen tells that another process has the data directory.
var errAlreadyOpen = errors.New("the till is already open with this data directory")

// dirLock makes this process the only one with a data directory. The system
// releases it when the process ends, however it ends.
type dirLock struct{ file *os.File }

func lockDir(dir string) (*dirLock, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	ok, err := tryLock(f)
	if err == nil && !ok {
		err = errAlreadyOpen
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &dirLock{f}, nil
}

// Close gives the directory free; a nil lock holds nothing.
func (l *dirLock) Close() {
	if l != nil {
		_ = l.file.Close()
	}
}
