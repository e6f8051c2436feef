package fils

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/filspos/fils/pos/setup"
)

const (
	lockFile = "fils.lock"
	doorFile = "fils.open"
	// doorPatience bounds one conversation at the door.
	doorPatience = 2 * time.Second
	doorAnswer   = "raised\n"
)

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

// door is where a second start knocks to have the window brought forward. It
// is a loopback port, because paths of sockets are limited to about 100
// characters; who knocks must know the secret in a file of the owner's.
type door struct {
	listener net.Listener
	path     string
	secret   string
}

// doorNote is the content of the file.
type doorNote struct {
	Port   int    `json:"port"`
	Secret string `json:"secret"`
}

func openDoor(dir string) (*door, error) {
	var random [16]byte
	rand.Read(random[:])
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &door{l, filepath.Join(dir, doorFile), hex.EncodeToString(random[:])}
	note, err := json.Marshal(doorNote{l.Addr().(*net.TCPAddr).Port, d.secret})
	if err == nil {
		err = setup.WriteFile(d.path, note)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return d, nil
}

// serve calls raise for every second start until ctx ends, one at a time.
func (d *door) serve(ctx context.Context, raise func()) error {
	stop := context.AfterFunc(ctx, func() { _ = d.listener.Close() })
	defer stop()
	defer os.Remove(d.path)
	for {
		conn, err := d.listener.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		d.answer(conn, raise)
	}
}

func (d *door) answer(conn net.Conn, raise func()) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(doorPatience))
	line, err := bufio.NewReader(io.LimitReader(conn, 128)).ReadString('\n')
	if err != nil || subtle.ConstantTimeCompare([]byte(strings.TrimSuffix(line, "\n")), []byte(d.secret)) != 1 {
		return
	}
	raise()
	_, _ = io.WriteString(conn, doorAnswer)
}

// knock asks the process that has dir to bring its window forward, and tells
// whether it did.
func knock(ctx context.Context, dir string) bool {
	ctx, cancel := context.WithTimeout(ctx, doorPatience)
	defer cancel()
	text, err := os.ReadFile(filepath.Join(dir, doorFile))
	var note doorNote
	if err != nil || json.Unmarshal(text, &note) != nil {
		return false
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(note.Port)))
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(doorPatience))
	if _, err := io.WriteString(conn, note.Secret+"\n"); err != nil {
		return false
	}
	answer, err := bufio.NewReader(io.LimitReader(conn, 64)).ReadString('\n')
	return err == nil && answer == doorAnswer
}
