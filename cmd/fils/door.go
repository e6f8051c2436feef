package fils

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
)

const (
	doorFile = "fils.open"
	// doorPatience bounds what is said at the door; actPatience what is done
	// about it: a PIN is checked, on an old PC behind another check.
	doorPatience = 2 * time.Second
	actPatience  = 10 * time.Second
	doorLine     = 1024
	// doorGuests may talk at once, so that nobody who says nothing keeps the
	// others out.
	doorGuests = 16
)

// door is where another process of the same account knocks: a second start, to
// have the window brought forward, or the command line, to have a PIN checked
// by the till that has the journal. It is a loopback port, because paths of
// sockets are limited to about 100 characters. Both sides prove that they know
// the secret in a file of the owner's, the till first: nothing is said to a
// stranger who took the port of a till that has died.
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

// doorRequest is what is asked for at the door.
type doorRequest struct {
	// Do is doRaise or doAuthorize; the rest belongs to the second.
	Do         string         `json:"do"`
	Permission pos.Permission `json:"permission,omitempty"`
	Member     pos.MemberID   `json:"member,omitempty"`
	PIN        string         `json:"pin,omitempty"`
	Purpose    string         `json:"purpose,omitempty"`
}

const (
	doRaise     = "raise"
	doAuthorize = "authorize"
)

// doorAnswer is empty when it was done.
type doorAnswer struct {
	Code pos.Code `json:"code,omitempty"`
	// WaitMs is how long a PIN has to wait.
	WaitMs int64 `json:"waitMs,omitempty"`
}

// codeDoorAway: the till at the door has not the journal that was asked about.
const codeDoorAway pos.Code = "door_away"

func openDoor(dir string) (*door, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &door{l, filepath.Join(dir, doorFile), nonce()}
	note, err := json.Marshal(doorNote{l.Addr().(*net.TCPAddr).Port, d.secret})
	if err == nil {
		err = setup.WriteFile(d.path, note)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return d, nil
}

// nonce is 128 random bits in hexadecimal.
func nonce() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	return hex.EncodeToString(random[:])
}

// serve calls do for every request until ctx ends, a few at a time. It returns
// when all of them are done.
func (d *door) serve(ctx context.Context, do func(context.Context, doorRequest) doorAnswer) error {
	stop := context.AfterFunc(ctx, func() { _ = d.listener.Close() })
	defer stop()
	defer os.Remove(d.path)
	var guests sync.WaitGroup
	defer guests.Wait()
	chairs := make(chan struct{}, doorGuests)
	for {
		conn, err := d.listener.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		select {
		case chairs <- struct{}{}:
		case <-ctx.Done():
			return conn.Close()
		}
		guests.Go(func() {
			defer func() { <-chairs }()
			leave := context.AfterFunc(ctx, func() { _ = conn.Close() })
			defer leave()
			d.answer(ctx, conn, do)
		})
	}
}

func (d *door) answer(ctx context.Context, conn net.Conn, do func(context.Context, doorRequest) doorAnswer) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(doorPatience))
	in := bufio.NewReader(io.LimitReader(conn, 2*doorLine))
	hello, err := readLine(in)
	theirs, ok := strings.CutPrefix(hello, "hello ")
	if err != nil || !ok || len(theirs) != len(nonce()) {
		return
	}
	ours := nonce()
	if _, err := io.WriteString(conn, doorProof(d.secret, "till", theirs)+" "+ours+"\n"); err != nil {
		return
	}
	line, err := readLine(in)
	proof, text, _ := strings.Cut(line, " ")
	if err != nil || !sameText(proof, doorProof(d.secret, "guest", ours+" "+text)) {
		return
	}
	var r doorRequest
	if json.Unmarshal([]byte(text), &r) != nil {
		return
	}
	_ = conn.SetDeadline(time.Now().Add(actPatience))
	ctx, cancel := context.WithTimeout(ctx, actPatience)
	defer cancel()
	reply, err := json.Marshal(do(ctx, r))
	if err != nil {
		return
	}
	_, _ = conn.Write(append(reply, '\n'))
}

// errNobodyHome: no till answers at the door.
var errNobodyHome = errors.New("no till answers")

// knock asks the process that has dir for r.
func knock(ctx context.Context, dir string, r doorRequest) (a doorAnswer, err error) {
	ctx, cancel := context.WithTimeout(ctx, doorPatience+actPatience)
	defer cancel()
	text, err := os.ReadFile(filepath.Join(dir, doorFile))
	var note doorNote
	if err != nil || json.Unmarshal(text, &note) != nil || len(note.Secret) != len(nonce()) {
		return a, errNobodyHome
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(note.Port)))
	if err != nil {
		return a, errNobodyHome
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	ours := nonce()
	if _, err := io.WriteString(conn, "hello "+ours+"\n"); err != nil {
		return a, errNobodyHome
	}
	in := bufio.NewReader(io.LimitReader(conn, 2*doorLine))
	line, err := readLine(in)
	proof, theirs, _ := strings.Cut(line, " ")
	if err != nil || !sameText(proof, doorProof(note.Secret, "till", ours)) {
		return a, errNobodyHome
	}
	body, err := json.Marshal(r)
	if err != nil || len(body) > doorLine/2 {
		return a, errNobodyHome
	}
	if _, err := io.WriteString(conn, doorProof(note.Secret, "guest", theirs+" "+string(body))+" "+string(body)+"\n"); err != nil {
		return a, errNobodyHome
	}
	line, err = readLine(in)
	if err != nil || json.Unmarshal([]byte(line), &a) != nil {
		return a, errNobodyHome
	}
	return a, nil
}

func readLine(in *bufio.Reader) (string, error) {
	line, err := in.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}

// doorProof shows who knows the secret, for this conversation and this text.
func doorProof(secret, side, text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(side + " " + text))
	return hex.EncodeToString(mac.Sum(nil))
}

func sameText(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }
