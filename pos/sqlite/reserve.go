package sqlite

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// reserve is a file that holds real blocks, to be given up when the disk is
// full, so that facts in flight can still be written.
type reserve struct {
	path string
	size int64
}

// make writes the file unless it is there already. A reserve that does not
// fit is taken away again.
func (r reserve) make() error {
	info, err := os.Stat(r.path)
	if err == nil && info.Size() == r.size {
		return nil
	}
	if err := r.write(); err != nil {
		return errors.Join(fmt.Errorf("make the reserve: %w", err), r.giveUp())
	}
	return nil
}

func (r reserve) write() (err error) {
	f, err := os.OpenFile(r.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := io.CopyN(f, &noise{1}, r.size); err != nil {
		return err
	}
	return f.Sync()
}

// giveUp frees the blocks. It is no error when there are none.
func (r reserve) giveUp() error {
	if err := os.Remove(r.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("give up the reserve: %w", err)
	}
	return nil
}

func (r reserve) exists() bool {
	_, err := os.Stat(r.path)
	return err == nil
}

// noise gives bytes that no file system can store in fewer blocks.
type noise struct{ state uint64 }

func (n *noise) Read(p []byte) (int, error) {
	for i := range p {
		n.state ^= n.state << 13
		n.state ^= n.state >> 7
		n.state ^= n.state << 17
		p[i] = byte(n.state >> 32)
	}
	return len(p), nil
}
