package fils

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/filspos/fils/pos"
)

func raises(n *atomic.Int32) func(context.Context, doorRequest) doorAnswer {
	return func(_ context.Context, r doorRequest) doorAnswer {
		if r.Do == doRaise {
			n.Add(1)
			return doorAnswer{}
		}
		return doorAnswer{Code: pos.CodePINWait, WaitMs: 1500}
	}
}

func TestDoor_OnlyWhoKnowsTheSecret(t *testing.T) {
	dir := t.TempDir()
	d, err := openDoor(dir)
	if err != nil {
		t.Fatal(err)
	}
	var raised atomic.Int32
	g := newGroup(context.Background())
	g.start(func(ctx context.Context) error { return d.serve(ctx, raises(&raised)) })
	for _, line := range []string{"\n", "hello\n", strings.Repeat("x", 3000) + "\n", d.secret + "\n", "hello " + d.secret[1:] + "\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"} {
		conn, err := net.Dial("tcp", d.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		if n, _ := conn.Read(make([]byte, 8)); n != 0 {
			t.Errorf("%q was answered", line)
		}
		conn.Close()
	}

	// A stranger hears a proof that is of no use, and what they then say is not
	// done: not with a wrong proof, not with one that was made for other words.
	raise, _ := json.Marshal(doorRequest{Do: doRaise})
	for _, proof := range []func(challenge string) string{
		func(string) string { return "" },
		func(challenge string) string {
			return doorProof("another secret", "guest", challenge+" "+string(raise))
		},
		func(challenge string) string { return doorProof(d.secret, "till", challenge+" "+string(raise)) },
		func(challenge string) string { return doorProof(d.secret, "guest", nonce()+" "+string(raise)) },
		func(challenge string) string { return doorProof(d.secret, "guest", challenge+" {}") },
	} {
		conn, err := net.Dial("tcp", d.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(conn)
		fmt.Fprintf(conn, "hello %s\n", nonce())
		line, err := readLine(in)
		_, challenge, _ := strings.Cut(line, " ")
		if err != nil || len(challenge) != len(nonce()) {
			t.Fatalf("%q, %v", line, err)
		}
		fmt.Fprintf(conn, "%s %s\n", proof(challenge), raise)
		if rest, _ := io.ReadAll(in); len(rest) != 0 {
			t.Errorf("answered %q", rest)
		}
		conn.Close()
	}
	if raised.Load() != 0 {
		t.Errorf("raised %d times", raised.Load())
	}

	if a, err := knock(t.Context(), dir, doorRequest{Do: doRaise}); err != nil || a != (doorAnswer{}) || raised.Load() != 1 {
		t.Errorf("the right secret: %+v, %v", a, err)
	}
	if a, err := knock(t.Context(), dir, doorRequest{Do: doAuthorize}); err != nil || a != (doorAnswer{pos.CodePINWait, 1500}) {
		t.Errorf("%+v, %v", a, err)
	}
	if err := g.stop(); err != nil {
		t.Error(err)
	}
	if _, err := knock(t.Context(), dir, doorRequest{Do: doRaise}); !errors.Is(err, errNobodyHome) {
		t.Errorf("a closed door answers: %v", err)
	}
}

// A till that died leaves its note; whoever then listens on its port hears
// nothing of a PIN.
func TestDoor_NothingIsSaidToAStranger(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	note, _ := json.Marshal(doorNote{l.Addr().(*net.TCPAddr).Port, nonce()})
	if err := os.WriteFile(filepath.Join(dir, doorFile), note, 0o600); err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			heard <- err.Error()
			return
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		hello, _ := readLine(in)
		fmt.Fprintf(conn, "%s %s\n", doorProof(nonce(), "till", strings.TrimPrefix(hello, "hello ")), nonce())
		rest, _ := io.ReadAll(in)
		heard <- string(rest)
	}()
	_, err = knock(t.Context(), dir, doorRequest{Do: doAuthorize, Member: "huda", PIN: "738291"})
	if said := <-heard; !errors.Is(err, errNobodyHome) || said != "" {
		t.Errorf("%v; the stranger heard %q", err, said)
	}
	l.Close()
}

// Who says nothing keeps nobody out, nor the till from ending.
func TestDoor_TheSilentHoldNobodyUp(t *testing.T) {
	dir := t.TempDir()
	d, err := openDoor(dir)
	if err != nil {
		t.Fatal(err)
	}
	var raised atomic.Int32
	g := newGroup(context.Background())
	g.start(func(ctx context.Context) error { return d.serve(ctx, raises(&raised)) })
	var silent []net.Conn
	for range doorGuests - 1 {
		conn, err := net.Dial("tcp", d.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		silent = append(silent, conn)
	}
	if a, err := knock(t.Context(), dir, doorRequest{Do: doRaise}); err != nil || a != (doorAnswer{}) || raised.Load() != 1 {
		t.Errorf("%+v, %v", a, err)
	}
	if err := g.stop(); err != nil {
		t.Error(err)
	}
	for _, conn := range silent {
		if n, err := conn.Read(make([]byte, 8)); n != 0 || err == nil {
			t.Errorf("%d bytes, %v", n, err)
		}
		conn.Close()
	}
}
