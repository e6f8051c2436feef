package fils

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal returns both ends of a pseudo terminal.
func terminal(t *testing.T) (keys, screen *os.File) {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keys.Close() })
	if err := unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	return keys, screen
}

// prompt tells when a question was asked.
type prompt struct {
	mu    sync.Mutex
	text  bytes.Buffer
	asked chan struct{}
}

func (p *prompt) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.text.Len()
	p.text.Write(b)
	if before == 0 {
		close(p.asked)
	}
	return len(b), nil
}

func (p *prompt) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func echoes(t *testing.T, screen *os.File) bool {
	state, err := unix.IoctlGetTermios(int(screen.Fd()), unix.TCGETS)
	if err != nil {
		t.Error(err)
		return false
	}
	return state.Lflag&unix.ECHO != 0
}

// hidden waits until the terminal shows nothing that is typed.
func hidden(t *testing.T, screen *os.File) {
	for echoes(t, screen) {
		runtime.Gosched()
	}
}

func TestPIN_IsTypedWithoutBeingShown(t *testing.T) {
	dir, _ := staffed(t)
	keys, screen := terminal(t)
	asked := &prompt{asked: make(chan struct{})}
	var out bytes.Buffer
	done := make(chan int, 1)
	go func() {
		done <- Main([]string{"shift", "x", "--data", dir, "--by", "omar"}, screen, &out, asked, []byte(testApp))
	}()
	<-asked.asked
	hidden(t, screen)
	if _, err := io.WriteString(keys, managerPIN+"\n"); err != nil {
		t.Fatal(err)
	}
	if code := <-done; code != 0 || !strings.Contains(out.String(), "42.00") {
		t.Fatalf("exit code %d, %q, %q", code, out.String(), asked.String())
	}
	if asked.String() != "PIN of omar: \n" || !echoes(t, screen) {
		t.Errorf("it said %q; echo is on again: %v", asked.String(), echoes(t, screen))
	}
	if _, err := io.WriteString(screen, "end\n"); err != nil {
		t.Fatal(err)
	}
	var shown []byte
	for !bytes.Contains(shown, []byte("end")) {
		b := make([]byte, 256)
		n, err := keys.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, b[:n]...)
	}
	if bytes.Contains(shown, []byte(managerPIN)) {
		t.Errorf("the terminal shows %q", shown)
	}
}

func TestPIN_TheTerminalEchoesAgainWhenTheQuestionIsLeft(t *testing.T) {
	_, screen := terminal(t)
	asked := &prompt{asked: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked.asked; hidden(t, screen); cancel() }()
	pin, err := typed(ctx, screen, asked, "PIN: ")
	if err == nil || pin != "" || !echoes(t, screen) {
		t.Errorf("%q, %v", pin, err)
	}
}
