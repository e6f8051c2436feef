package setup

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/pos"
	"github.com/zalando/go-keyring"
)

const (
	testToken      = "tok-3f9aZQ7xkLm2vB81nRt5yCwE0"
	testPassphrase = "a horse of another colour"
	lightWork      = 4
)

var merchantKey, gatewayKey, longKey = newKey(payby.MinKeyBits), newKey(payby.MinKeyBits), newKey(4096)

func newKey(bits int) func() *rsa.PrivateKey {
	return sync.OnceValue(func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		return key
	})
}

// memoryRing is a keyring with Windows' limit.
type memoryRing struct {
	mu    sync.Mutex
	items map[string]string
	fail  error
	hang  chan struct{}
}

func newMemoryRing() *memoryRing { return &memoryRing{items: map[string]string{}} }

func (m *memoryRing) Set(service, item, secret string) error {
	if m.hang != nil {
		<-m.hang
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(secret) > 2560 {
		return keyring.ErrSetDataTooBig
	}
	if m.fail != nil {
		return m.fail
	}
	m.items[service+"|"+item] = secret
	return nil
}

func (m *memoryRing) Get(service, item string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return "", m.fail
	}
	secret, ok := m.items[service+"|"+item]
	if !ok {
		return "", ErrNotInKeyring
	}
	return secret, nil
}

func (m *memoryRing) Delete(service, item string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.items, service+"|"+item)
	return nil
}

// shop is a directory with everything that a settings file may name.
type shop struct {
	t    *testing.T
	dir  string
	data string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{t, t.TempDir(), filepath.Join(t.TempDir(), "data")}
	s.put("merchant.pem", privatePEM(t, merchantKey()))
	s.put("payby.pem", publicPEM(t, &gatewayKey().PublicKey))
	s.put("token", testToken+"\n")
	return s
}

func privatePEM(t *testing.T, key *rsa.PrivateKey) string {
	t.Helper()
	text, err := payby.EncodePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func publicPEM(t *testing.T, key *rsa.PublicKey) string {
	t.Helper()
	text, err := payby.EncodePublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (s *shop) put(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

const plain = `environment = "uat"
partner_id = "200000000888"
private_key_file = "merchant.pem"
payby_key_file = "payby.pem"
store = "Marina"
terminal = "till-1"
`

const paired = plain + `[relay]
url = "https://relay.example"
merchant = "marina"
till = "till-1"
token_file = "token"
`

func (s *shop) connect(settings string, o Options) (*Connected, error) {
	s.t.Helper()
	o.work = lightWork
	return Connect(context.Background(), s.put("settings.toml", settings), s.data, o)
}

func say(p string) func() (string, error) { return func() (string, error) { return p, nil } }

func TestConnect_KeyringRoundTrip(t *testing.T) {
	for name, key := range map[string]*rsa.PrivateKey{"2048 bit": merchantKey(), "4096 bit": longKey()} {
		t.Run(name, func(t *testing.T) {
			s, ring := newShop(t), newMemoryRing()
			s.put("merchant.pem", privatePEM(t, key))
			done, err := s.connect(paired, Options{Keyring: ring})
			if err != nil {
				t.Fatal(err)
			}
			if done.KeyStore != InKeyring {
				t.Errorf("the key lies in %q", done.KeyStore)
			}
			got, secrets, err := Load(context.Background(), s.data, Options{Keyring: ring})
			if err != nil {
				t.Fatal(err)
			}
			if !payby.SamePair(secrets.Signer, &key.PublicKey) {
				t.Error("another key came back")
			}
			if secrets.Token.Reveal() != testToken {
				t.Error("another token came back")
			}
			if _, err := os.Stat(filepath.Join(s.data, keyFile)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("there is a key file, too: %v", err)
			}
			want := pos.Binding{Environment: "uat", Host: "https://uat.test2pay.com", Partner: "200000000888"}
			if got.Binding() != want || got.Mode() != pos.ModeTest || got.BaseURL() != "https://uat.test2pay.com/sgs/api" {
				t.Errorf("got %v, %v, %v", got.Binding(), got.Mode(), got.BaseURL())
			}
			if len(got.Keys) != 1 || !got.Keys[0].Equal(&gatewayKey().PublicKey) {
				t.Error("PayBy's key did not come back")
			}
			if got.Window != DefaultWindow || got.CutOff != DefaultCutOff || got.ChangePayer ||
				got.Cashier != "cashier" || got.Subject != "Marina" || got.Merchant != "Marina" {
				t.Errorf("defaults are %+v", got)
			}
			if got.Relay == nil || *got.Relay != (Relay{URL: "https://relay.example", Merchant: "marina", Till: "till-1"}) {
				t.Errorf("relay is %+v", got.Relay)
			}
		})
	}
}

func TestConnect_OrdinaryKeyTakesOneItemOfTheKeyring(t *testing.T) {
	s, ring := newShop(t), newMemoryRing()
	if _, err := s.connect(plain, Options{Keyring: ring}); err != nil {
		t.Fatal(err)
	}
	if len(ring.items) != 4 { // the key, the pepper and two marks of PayBy's keys
		t.Errorf("the keyring has %d items", len(ring.items))
	}
	if _, ok := ring.items["app.filspos.fils|key uat/uat.test2pay.com/200000000888"]; !ok {
		t.Error("the item has another name")
	}
}

func TestConnect_OSKeyring(t *testing.T) {
	keyring.MockInit()
	s := newShop(t)
	if _, err := s.connect(paired, Options{}); err != nil {
		t.Fatal(err)
	}
	_, secrets, err := Load(context.Background(), s.data, Options{})
	if err != nil || secrets.Token.Reveal() != testToken {
		t.Fatalf("load: %v", err)
	}
	keyring.MockInitWithError(errors.New("no session bus"))
	_, _, err = Load(context.Background(), s.data, Options{})
	if p, _ := ProblemOf(err); p != ProblemKeyring {
		t.Errorf("a silent keyring is %v", err)
	}
}

func TestConnect_AgeFileWhereThereIsNoKeyring(t *testing.T) {
	s := newShop(t)
	ring := &memoryRing{fail: errors.New("no session bus")}
	done, err := s.connect(paired, Options{Keyring: ring, Passphrase: say(testPassphrase)})
	if err != nil {
		t.Fatal(err)
	}
	if done.KeyStore != InFile {
		t.Errorf("the key lies in %q", done.KeyStore)
	}
	_, secrets, err := Load(context.Background(), s.data, Options{Keyring: ring, Passphrase: say(testPassphrase)})
	if err != nil {
		t.Fatal(err)
	}
	if !payby.SamePair(secrets.Signer, &merchantKey().PublicKey) || secrets.Token.Reveal() != testToken {
		t.Error("other secrets came back")
	}
	for _, c := range []struct {
		name string
		ask  func() (string, error)
		want Problem
	}{
		{"wrong passphrase", say("a horse of another color"), ProblemPassphrase},
		{"empty passphrase", say(""), ProblemPassphrase},
		{"nobody to ask", nil, ProblemPassphraseNeeded},
	} {
		_, _, err := Load(context.Background(), s.data, Options{Keyring: ring, Passphrase: c.ask})
		if p, _ := ProblemOf(err); p != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestConnect_HangingKeyringGivesWay(t *testing.T) {
	s := newShop(t)
	ring := newMemoryRing()
	ring.hang = make(chan struct{})
	defer close(ring.hang)
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	done, err := Connect(ctx, s.put("settings.toml", plain), s.data,
		Options{Keyring: ring, Passphrase: say(testPassphrase), work: lightWork})
	if err != nil || done.KeyStore != InFile {
		t.Fatalf("connect: %v, %v", done, err)
	}
}

func TestConnect_NewPassphraseRules(t *testing.T) {
	s := newShop(t)
	ring := &memoryRing{fail: errors.New("no session bus")}
	_, err := s.connect(plain, Options{Keyring: ring, Passphrase: say("short")})
	if p, _ := ProblemOf(err); p != ProblemPassphrase {
		t.Errorf("a short passphrase: %v", err)
	}
	_, err = s.connect(plain, Options{Keyring: ring})
	if p, _ := ProblemOf(err); p != ProblemPassphraseNeeded || !strings.Contains(err.Error(), "--passphrase-file") {
		t.Errorf("no passphrase: %v", err)
	}
	if Exists(s.data) {
		t.Error("a failed connect left settings behind")
	}
}

func TestConnect_LeavesNoSecretOnDisk(t *testing.T) {
	s := newShop(t)
	ring := &memoryRing{fail: errors.New("no session bus")}
	if _, err := s.connect(paired, Options{Keyring: ring, Passphrase: say(testPassphrase)}); err != nil {
		t.Fatal(err)
	}
	secret := strings.Join(strings.Split(privatePEM(t, merchantKey()), "\n")[1:3], "")
	entries, err := os.ReadDir(s.data)
	if err != nil || len(entries) != 2 {
		t.Fatalf("files %v, %v", entries, err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(s.data, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		flat := strings.ReplaceAll(string(text), "\n", "")
		for _, part := range []string{secret, testToken, testPassphrase, "PRIVATE"} {
			if strings.Contains(flat, part) {
				t.Errorf("%s holds a secret", e.Name())
			}
		}
		if info, err := e.Info(); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", e.Name(), info.Mode(), err)
		}
	}
	if info, err := os.Stat(s.data); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("the data directory has mode %v, %v", info.Mode(), err)
	}
}

func TestConnect_OtherMerchant(t *testing.T) {
	s, ring := newShop(t), newMemoryRing()
	if _, err := s.connect(plain, Options{Keyring: ring}); err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(plain, "200000000888", "200000000999", 1)

	_, err := s.connect(other, Options{Keyring: ring})
	if p, _ := ProblemOf(err); p != ProblemOther || !strings.Contains(err.Error(), "200000000888") ||
		!strings.Contains(err.Error(), "200000000999") || !strings.Contains(err.Error(), "--replace") {
		t.Errorf("another merchant: %v", err)
	}
	if got, _, err := Load(context.Background(), s.data, Options{Keyring: ring}); err != nil || got.Partner != "200000000888" {
		t.Errorf("the first connection is %v, %v", got, err)
	}

	bound := pos.Binding{Environment: "uat", Host: "https://uat.test2pay.com", Partner: "200000000888"}
	_, err = s.connect(other, Options{Keyring: ring, Replace: true, Bound: &bound})
	if p, _ := ProblemOf(err); p != ProblemOther || !strings.Contains(err.Error(), "--data") {
		t.Errorf("another merchant beside a journal: %v", err)
	}

	if _, err := s.connect(other, Options{Keyring: ring, Replace: true}); err != nil {
		t.Fatal(err)
	}
	if got, _, err := Load(context.Background(), s.data, Options{Keyring: ring}); err != nil || got.Partner != "200000000999" {
		t.Errorf("after --replace: %v, %v", got, err)
	}
}

func TestConnect_SameMerchantRenewsKey(t *testing.T) {
	s, ring := newShop(t), newMemoryRing()
	s.put("merchant.pem", privatePEM(t, longKey()))
	if _, err := s.connect(plain, Options{Keyring: ring}); err != nil {
		t.Fatal(err)
	}
	s.put("merchant.pem", privatePEM(t, merchantKey()))
	if _, err := s.connect(plain, Options{Keyring: ring}); err != nil {
		t.Fatal(err)
	}
	_, secrets, err := Load(context.Background(), s.data, Options{Keyring: ring})
	if err != nil || !payby.SamePair(secrets.Signer, &merchantKey().PublicKey) {
		t.Errorf("load after renewal: %v", err)
	}
	if len(ring.items) != 4 {
		t.Errorf("parts of the former key were left: %d items", len(ring.items))
	}
}

func TestLoad_Problems(t *testing.T) {
	t.Run("never connected", func(t *testing.T) {
		_, _, err := Load(context.Background(), t.TempDir(), Options{Keyring: newMemoryRing()})
		if p, _ := ProblemOf(err); p != ProblemMissing {
			t.Errorf("got %v", err)
		}
	})
	for _, c := range []struct {
		name  string
		spoil func(s *shop, ring *memoryRing)
		want  Problem
		text  string
	}{
		{"key gone", func(_ *shop, ring *memoryRing) { clear(ring.items) }, ProblemKeyLost, "fils connect"},
		{"item cut", func(_ *shop, ring *memoryRing) {
			for k, v := range ring.items {
				ring.items[k] = v[:len(v)-8]
			}
		}, ProblemKeyLost, "no usable key"},
		{"another key", func(s *shop, ring *memoryRing) {
			o := Options{Keyring: ring}
			settings, err := ReadSettings(s.data)
			if err != nil {
				s.t.Fatal(err)
			}
			if _, err := o.keep(context.Background(), s.data, settings, &Secrets{Signer: gatewayKey()}); err != nil {
				s.t.Fatal(err)
			}
		}, ProblemKeyLost, "private key is not the one"},
		{"settings broken", func(s *shop, _ *memoryRing) { s.stored("environment = uat") }, ProblemSettings, "line 1"},
		{"settings empty", func(s *shop, _ *memoryRing) { s.stored("") }, ProblemSettings, "not written by fils connect"},
		{"settings newer", func(s *shop, _ *memoryRing) { s.stored("format = 2\nkey_store = \"keyring\"") }, ProblemSettings, "newer version"},
		{"settings unreadable", func(s *shop, _ *memoryRing) {
			path := filepath.Join(s.data, settingsFile)
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				s.t.Fatal(err)
			}
		}, ProblemDisk, "directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, ring := newShop(t), newMemoryRing()
			if _, err := s.connect(plain, Options{Keyring: ring}); err != nil {
				t.Fatal(err)
			}
			c.spoil(s, ring)
			_, _, err := Load(context.Background(), s.data, Options{Keyring: ring})
			if p, _ := ProblemOf(err); p != c.want || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func (s *shop) stored(text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.data, settingsFile), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func TestLoad_KeyFileProblems(t *testing.T) {
	ring := &memoryRing{fail: errors.New("no session bus")}
	o := Options{Keyring: ring, Passphrase: say(testPassphrase)}
	for name, spoil := range map[string]func(path string) error{
		"missing": os.Remove,
		"cut":     func(path string) error { return os.Truncate(path, 40) },
		"other":   func(path string) error { return os.WriteFile(path, []byte("hello"), 0o600) },
	} {
		s := newShop(t)
		if _, err := s.connect(plain, o); err != nil {
			t.Fatal(err)
		}
		if err := spoil(filepath.Join(s.data, keyFile)); err != nil {
			t.Fatal(err)
		}
		_, _, err := Load(context.Background(), s.data, o)
		if p, _ := ProblemOf(err); p != ProblemKeyLost {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLoad_SettingsSurviveEverySetting(t *testing.T) {
	s, ring := newShop(t), newMemoryRing()
	if err := os.Mkdir(filepath.Join(s.dir, "copies"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := s.connect(`environment = "custom"
host = "http://127.0.0.1:8080/"
partner_id = "200000000888"
private_key_file = "`+filepath.ToSlash(filepath.Join(s.dir, "merchant.pem"))+`"
payby_key = ["""`+publicPEM(t, &gatewayKey().PublicKey)+`""", """`+publicPEM(t, &longKey().PublicKey)+`"""]
store = "المارينا"
terminal = "till 2"
merchant = "Café \"Nour\""
subject = "Coffee"
window = "2m"
change_payer = true
cashier = "Aisha"
business_day_cutoff = "05:30"
backup_folder = "copies"
lock_after = 0
`, Options{Keyring: ring})
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := Load(context.Background(), s.data, Options{Keyring: ring})
	if err != nil {
		t.Fatal(err)
	}
	if got.Host != "http://127.0.0.1:8080" || got.Store != "المارينا" || got.Terminal != "till 2" ||
		got.Merchant != `Café "Nour"` || got.Subject != "Coffee" || got.Window != 2*time.Minute || !got.ChangePayer ||
		got.Cashier != "Aisha" || got.CutOff != 5*time.Hour+30*time.Minute || len(got.Keys) != 2 || got.Relay != nil ||
		got.Backup != filepath.Join(s.dir, "copies") || got.LockAfter != 0 {
		t.Errorf("got %+v", got)
	}
}
