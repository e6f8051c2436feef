package main

import (
	"net"
	"syscall"
	"testing"
)

// The kernel would probe thousands of connections in one go.
func TestListenOn_LeavesProbingToThePings(t *testing.T) {
	l, err := listenOn("listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	far, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	for conn, want := range map[net.Conn]int{near: 0, far: 1} {
		raw, err := conn.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		probed := -1
		if err := raw.Control(func(fd uintptr) {
			probed, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE)
		}); err != nil {
			t.Fatal(err)
		}
		if err != nil || probed != want {
			t.Errorf("probed: %d, %v; want %d", probed, err, want)
		}
	}
}
