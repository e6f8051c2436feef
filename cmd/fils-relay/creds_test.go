package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	natsd "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

// guarded is a NATS server that lets nobody in without credentials.
type guarded struct {
	url     string
	account nkeys.KeyPair
}

func seal(t *testing.T, kind nkeys.PrefixByte) (key nkeys.KeyPair, public string) {
	t.Helper()
	key, err := nkeys.CreatePair(kind)
	if err != nil {
		t.Fatal(err)
	}
	if public, err = key.PublicKey(); err != nil {
		t.Fatal(err)
	}
	return key, public
}

func newGuarded(t *testing.T) guarded {
	t.Helper()
	operator, operatorID := seal(t, nkeys.PrefixByteOperator)
	_, systemID := seal(t, nkeys.PrefixByteAccount)
	account, accountID := seal(t, nkeys.PrefixByteAccount)
	claims := jwt.NewAccountClaims(accountID)
	claims.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: -1, DiskStorage: -1, Streams: -1, Consumer: -1, DiskMaxStreamBytes: -1, MemoryMaxStreamBytes: -1}
	resolver := &natsd.MemAccResolver{}
	for id, c := range map[string]*jwt.AccountClaims{accountID: claims, systemID: jwt.NewAccountClaims(systemID)} {
		token, err := c.Encode(operator)
		if err != nil {
			t.Fatal(err)
		}
		if err := resolver.Store(id, token); err != nil {
			t.Fatal(err)
		}
	}
	o := &natsd.Options{
		Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true,
		TrustedOperators: []*jwt.OperatorClaims{jwt.NewOperatorClaims(operatorID)}, AccountResolver: resolver, SystemAccount: systemID,
	}
	srv, err := natsd.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	if !srv.ReadyForConnections(30 * time.Second) {
		t.Fatal("the server does not start")
	}
	return guarded{url: srv.ClientURL(), account: account}
}

// creds writes a credentials file of a user who may do no more than that.
func (g guarded) creds(t *testing.T, publish, subscribe []string) string {
	t.Helper()
	user, id := seal(t, nkeys.PrefixByteUser)
	claims := jwt.NewUserClaims(id)
	claims.Permissions.Pub.Allow = publish
	claims.Permissions.Sub.Allow = subscribe
	token, err := claims.Encode(g.account)
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.FormatUserConfig(token, seed)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "relay.creds")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// With what docs/relay.md says the account needs, and nothing more, a relay does
// all its work: registry, pairing, notifications live and from a cursor.
func TestServe_NATSCredentials(t *testing.T) {
	g := newGuarded(t)
	file := g.creds(t, []string{"fils.>", "$JS.API.>", "$KV.fils_registry.>"}, []string{"fils.>", "_INBOX.>"})
	key, pem := newKey(t)
	dir := t.TempDir()
	token := filepath.Join(dir, "admin.token")
	r := startOn(t, dir, "--nats", g.url, "--nats-creds", file, "--replicas", "1", "--admin-token-file", token)
	r.do(t, "merchant", "add", "shop", "--key", pem)
	p := r.pair(t, r.do(t, "till", "add", "shop", "POS01"))
	r.post(t, key, p.NotifyURL, `{"n":1}`)
	first := receive(t, p, key, "")
	if string(first.Raw) != `{"n":1}` {
		t.Errorf("got %q", first.Raw)
	}
	r.post(t, key, p.NotifyURL, `{"n":2}`)
	if second := receive(t, p, key, first.Cursor); string(second.Raw) != `{"n":2}` {
		t.Errorf("got %q after the first", second.Raw)
	}
	log := r.stop()
	secret, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Fields(string(secret)) {
		if len(line) > 40 && strings.Contains(log, line) {
			t.Error("credentials are in the log")
		}
	}
}

func TestServe_NATSRefusals(t *testing.T) {
	g := newGuarded(t)
	everything := []string{">"}
	for name, flags := range map[string][]string{
		"no credentials":  {},
		"missing file":    {"--nats-creds", filepath.Join(t.TempDir(), "none")},
		"another account": {"--nats-creds", newGuarded(t).creds(t, everything, everything)},
	} {
		args := append([]string{"serve", "--listen", "127.0.0.1:0", "--nats", g.url, "--replicas", "1"}, flags...)
		if code, out, problem := call(t, args...); code != 1 || out != "" || !strings.Contains(problem, "connect to NATS") {
			t.Errorf("%s: exit %d, %q", name, code, problem)
		}
	}
}
