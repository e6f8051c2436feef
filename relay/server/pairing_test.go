package server_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/filspos/fils/relay"
	"github.com/filspos/fils/relay/server"
)

// slowPairing begins a pairing request and returns when the relay waits for its
// body.
func slowPairing(t *testing.T, url string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n", relay.PairPath)
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q, %v", line, err)
	}
	return conn
}

func TestPair_OneSourceCannotTakeAllPlaces(t *testing.T) {
	s := startShop(t, server.Config{})
	pair := func() int {
		req, err := http.NewRequest(http.MethodPost, s.url+relay.PairPath, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		return do(t, req).status
	}
	var slow []net.Conn
	for range 16 {
		slow = append(slow, slowPairing(t, s.url))
	}
	if status := pair(); status != http.StatusServiceUnavailable {
		t.Fatalf("answered %d while all places of the source are taken", status)
	}
	slow[0].Close()
	until(t, "a place is free again", func() bool { return pair() == http.StatusBadRequest })
}

// Who was given a code keeps nothing by it once the till is revoked.
func TestPairing_RevokingEndsTheCode(t *testing.T) {
	s := startShop(t, server.Config{})
	s.addMerchant(t)
	code := s.addTill(t, "POS01")
	if status, text := s.ask(t, "POST", "/v1/tills/mall/POS01/revoke", nil); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	wantNoPairing(t, code)
	pairWith(t, s.code(t, "/v1/tills/mall/POS01/rotate", nil))
}
