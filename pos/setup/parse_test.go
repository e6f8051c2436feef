package setup

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"github.com/filspos/fils/pos"
)

func ecPEM(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// certificatePEM is a certificate that signs itself.
func certificatePEM(t *testing.T, authority bool) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: authority, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestConnect_RelayAuthorityIsKept(t *testing.T) {
	s, ring := newShop(t), newMemoryRing()
	authority := certificatePEM(t, true)
	s.put("ca.pem", "a line of its own\n"+authority+"\n")
	o := Options{Keyring: ring}
	if _, err := s.connect(paired+"authority_file = \"ca.pem\"\n", o); err != nil {
		t.Fatal(err)
	}
	got, _, err := Load(t.Context(), s.data, o)
	if err != nil {
		t.Fatal(err)
	}
	if got.Relay.Authority != authority {
		t.Errorf("kept %q", got.Relay.Authority)
	}
	if roots, err := got.Relay.Roots(); err != nil || roots == nil {
		t.Errorf("roots %v, %v", roots, err)
	}
	if roots, err := (&Relay{}).Roots(); err != nil || roots != nil {
		t.Errorf("without one: %v, %v", roots, err)
	}
}

func TestConnect_EverySettingsErrorNamesItsKey(t *testing.T) {
	replace := func(from, to string) func(string) string {
		return func(s string) string { return strings.Replace(s, from, to, 1) }
	}
	add := func(line string) func(string) string {
		return func(s string) string { return line + "\n" + s }
	}
	custom := func(host string) func(string) string {
		return replace(`environment = "uat"`, "environment = \"custom\"\n"+host)
	}
	for _, c := range []struct {
		name string
		edit func(string) string
		want string // the beginning of the line behind "settings.toml"
		also string // and what to write instead
	}{
		{"unknown key", add(`partnerid = "1"`), " line 1: partnerid: ", "partner_id"},
		{"unknown key without a relative", add(`colour = "red"`), " line 1: colour: ", "take the line out"},
		{"unknown key in relay", replace(`till = `, "tills = \"x\"\ntill = "), " line 10: relay.tills: ", "relay.till"},
		{"stored key", add(`key_store = "file"`), " line 1: key_store: ", "no such setting"},
		{"no TOML", add(`= = =`), " line 1: ", "name ="},
		{"no quotes", replace(`"uat"`, `uat`), " line 1: ", "name ="},
		{"key twice", add(`environment = "uat"`), " line 2: ", "name ="},
		{"wrong type", replace(`"200000000888"`, `200000000888`), " line 2: partner_id: ", "in quotes"},
		{"wrong type of truth", add(`change_payer = "no"`), " line 1: change_payer: ", "without quotes"},
		{"relay as text", replace("[relay]", `relay = "x"`+"\n[other]"), " line 7: relay: ", "[relay]"},
		{"no text", func(string) string { return "\xff\xfe" }, ": ", "UTF-8"},
		{"nul", add("# \x00"), ": ", "UTF-8"},

		{"environment missing", replace(`environment = "uat"`, ""), ": environment: ", `"production", "uat" or "custom"`},
		{"environment unknown", replace(`"uat"`, `"sandbox"`), ": environment: ", `"custom"`},
		{"host of another", add(`host = "https://gateway.example"`), ": host: ", `environment = "custom"`},
		{"host of another in production", func(s string) string {
			return `host = "https://uat.test2pay.com"` + "\n" + strings.Replace(s, `"uat"`, `"production"`, 1)
		}, ": host: ", `environment = "custom"`},
		{"host missing", custom(""), ": host: ", `host = "https://`},
		{"host without scheme", custom(`host = "gateway.example"`), ": host: ", "https://gateway.example:8443"},
		{"host with path", custom(`host = "https://gateway.example/sgs/api"`), ": host: ", "only"},
		{"host with user", custom(`host = "https://a:b@gateway.example"`), ": host: ", "only"},
		{"host with strange characters", custom(`host = "https://gate way.example"`), ": host: ", "only"},
		{"plain host abroad", custom(`host = "http://gateway.example"`), ": host: ", "https://"},
		{"production by another name", custom(`host = "https://API.PAYBY.COM:443"`), ": host: ", `environment = "production"`},
		{"partner missing", replace(`partner_id = "200000000888"`, ""), ": partner_id: ", "200000000888"},
		{"partner too long", replace(`200000000888`, `2000000008889`), ": partner_id: ", "12"},
		{"partner with blanks", replace(`200000000888`, `2000 000 888`), ": partner_id: ", "12"},

		{"private key missing", replace(`private_key_file = "merchant.pem"`, ""), ": private_key_file: ", "merchant.pem"},
		{"private key file absent", replace(`"merchant.pem"`, `"absent.pem"`), ": private_key_file: ", "no such file: absent.pem"},
		{"private key is a directory", replace(`"merchant.pem"`, `"."`), ": private_key_file: ", "directory"},
		{"private key is public", replace(`"merchant.pem"`, `"payby.pem"`), ": private_key_file: ", "public key"},
		{"private key is short", replace(`"merchant.pem"`, `"short.pem"`), ": private_key_file: ", "2048"},
		{"private key is another kind", replace(`"merchant.pem"`, `"ec.pem"`), ": private_key_file: ", "RSA"},
		{"private key is nothing", replace(`"merchant.pem"`, `"token"`), ": private_key_file: ", ""},
		{"PayBy key missing", replace(`payby_key_file = "payby.pem"`, ""), ": payby_key_file: ", "payby.pem"},
		{"PayBy key twice", add(`payby_key = "x"`), ": payby_key: ", "only one"},
		{"PayBy key list empty", replace(`"payby.pem"`, `[]`), ": payby_key_file: ", "list"},
		{"PayBy key list of numbers", replace(`"payby.pem"`, `[1]`), ": payby_key_file: ", "list"},
		{"PayBy key a number", replace(`"payby.pem"`, `1`), ": payby_key_file: ", "list"},
		{"PayBy key is private", replace(`"payby.pem"`, `"gateway.pem"`), ": payby_key_file: ", "private key"},
		{"PayBy key is our own", replace(`"payby.pem"`, `"own.pem"`), ": payby_key_file: ", "your own public key"},
		{"PayBy key is nothing", replace(`payby_key_file = "payby.pem"`, `payby_key = "abc"`), ": payby_key: ", ""},

		{"store missing", replace(`store = "Marina"`, ""), ": store: ", "Marina"},
		{"store too long", replace(`Marina`, strings.Repeat("م", 65)), ": store: ", "64"},
		{"subject too long for PayBy", add(`subject = "` + strings.Repeat("🛒", 33) + `"`), ": subject: ", "64"},
		{"subject with line break", add(`subject = "a\nb"`), ": subject: ", "one line"},
		{"terminal is another till", replace(`terminal = "till-1"`, `terminal = "till-2"`), ": terminal: ", "same name"},
		{"window no time", add(`window = "soon"`), ": window: ", "110s"},
		{"window without unit", add(`window = "110"`), ": window: ", "110s"},
		{"window too short", add(`window = "59s"`), ": window: ", "60 s"},
		{"window too long", add(`window = "15m1s"`), ": window: ", "15 min"},
		{"window in fractions", add(`window = "61.5s"`), ": window: ", "whole seconds"},
		{"cut-off no time", add(`business_day_cutoff = "4 am"`), ": business_day_cutoff: ", "04:00"},
		{"backup folder absent", add(`backup_folder = "absent"`), ": backup_folder: ", "no such folder: absent"},
		{"backup folder a file", add(`backup_folder = "merchant.pem"`), ": backup_folder: ", "no such folder"},
		{"backup folder a number", add(`backup_folder = 1`), " line 1: backup_folder: ", "folder"},
		{"lock after a negative time", add(`lock_after = -1`), ": lock_after: ", "0 for never"},
		{"lock after too long", add(`lock_after = 481`), ": lock_after: ", "480"},
		{"lock after a text", add(`lock_after = "15m"`), " line 1: lock_after: ", "without quotes"},
		{"lock after half a minute", add(`lock_after = 0.5`), " line 1: lock_after: ", "without quotes"},
		{"cut-off after midnight", add(`business_day_cutoff = "24:00"`), ": business_day_cutoff: ", "04:00"},

		{"relay url missing", replace(`url = "https://relay.example"`, ""), ": relay.url: ", "https://relay.example"},
		{"relay url no address", replace(`https://relay.example`, `relay`), ": relay.url: ", "https://relay.example"},
		{"relay plain abroad", replace(`https://relay`, `http://relay`), ": relay.url: ", "https://"},
		{"relay url too long", replace(`https://relay`, `https://relay.`+strings.Repeat("a.", 90)), ": relay.url: ", "too long"},
		{"relay merchant", replace(`merchant = "marina"`, `merchant = "ma rina"`), ": relay.merchant: ", "1 to 32"},
		{"relay till missing", replace(`till = "till-1"`, ""), ": relay.till: ", "1 to 32"},
		{"relay token missing", replace(`token_file = "token"`, ""), ": relay.token_file: ", "token"},
		{"relay token twice", replace(`token_file = "token"`, "token_file = \"token\"\ntoken = \"x\""), ": relay.token: ", "only one"},
		{"relay token file absent", replace(`"token"`, `"tokem"`), ": relay.token_file: ", "no such file"},
		{"relay token too short", replace(`token_file = "token"`, `token = "short"`), ": relay.token_file: ", "one line"},
		{"relay token with blanks", replace(`token_file = "token"`, `token = "`+strings.Repeat("ab ", 20)+`"`), ": relay.token_file: ", "one line"},
		{"relay authority twice", replace(`[relay]`, "[relay]\nauthority = \"x\"\nauthority_file = \"x\""), ": relay.authority: ", "only one"},
		{"relay authority absent", replace(`[relay]`, "[relay]\nauthority_file = \"none\""), ": relay.authority_file: ", "no such file"},
		{"relay authority no certificate", replace(`[relay]`, "[relay]\nauthority_file = \"payby.pem\""), ": relay.authority_file: ", "certificate"},
		{"relay authority of nobody", replace(`[relay]`, "[relay]\nauthority_file = \"leaf.pem\""), ": relay.authority_file: ", "authority"},
		{"relay authority and more", replace(`[relay]`, "[relay]\nauthority_file = \"two.pem\""), ": relay.authority_file: ", "one certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, ring := newShop(t), newMemoryRing()
			s.put("own.pem", publicPEM(t, &merchantKey().PublicKey))
			s.put("gateway.pem", privatePEM(t, gatewayKey()))
			s.put("ec.pem", ecPEM(t))
			s.put("short.pem", shortPEM)
			s.put("leaf.pem", certificatePEM(t, false))
			s.put("two.pem", certificatePEM(t, true)+certificatePEM(t, true))
			_, err := s.connect(c.edit(paired), Options{Keyring: ring})
			if err == nil {
				t.Fatal("it was taken")
			}
			line := err.Error()
			if !strings.HasPrefix(line, "settings.toml"+c.want) || !strings.Contains(line, c.also) {
				t.Errorf("got %q", line)
			}
			if strings.ContainsAny(line, "\n\r") || strings.Contains(line, testToken) || strings.Contains(line, "MII") {
				t.Errorf("not one clean line: %q", line)
			}
			if Exists(s.data) || len(ring.items) > 0 {
				t.Error("something was kept")
			}
		})
	}
}

func TestConnect_SettingsFileItself(t *testing.T) {
	s := newShop(t)
	for name, want := range map[string]string{"absent.toml": "no such file", ".": "directory"} {
		_, err := Connect(t.Context(), s.dir+"/"+name, s.data, Options{})
		if p, _ := ProblemOf(err); p != ProblemDisk || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := s.connect("# "+strings.Repeat("x", maxFile), Options{})
	if p, _ := ProblemOf(err); p != ProblemDisk || !strings.Contains(err.Error(), "too large") {
		t.Errorf("a huge file: %v", err)
	}
	if _, err := s.connect("\xef\xbb\xbf"+strings.ReplaceAll(plain, "\n", "\r\n"), Options{Keyring: newMemoryRing()}); err != nil {
		t.Errorf("as a Windows editor writes it: %v", err)
	}
}

func TestResolveHost(t *testing.T) {
	for _, c := range []struct {
		environment, host, want string
		mode                    pos.Mode
	}{
		{Production, "", "https://api.payby.com", pos.ModeProduction},
		{Production, "https://api.botim.money", "https://api.botim.money", pos.ModeProduction},
		{Production, "https://API.botim.money:443/", "https://api.botim.money", pos.ModeProduction},
		{UAT, "", "https://uat.test2pay.com", pos.ModeTest},
		{UAT, "https://uat.test2pay.com/", "https://uat.test2pay.com", pos.ModeTest},
		{Custom, "https://sim.test2pay.com", "https://sim.test2pay.com", pos.ModeTest},
		{Custom, "http://localhost:9000", "http://localhost:9000", pos.ModeTest},
		{Custom, "http://[::1]:9000", "http://[::1]:9000", pos.ModeTest},
		{Custom, "http://127.0.0.1:80", "http://127.0.0.1", pos.ModeTest},
		{Custom, "https://[2001:db8::1]", "https://[2001:db8::1]", pos.ModeTest},
	} {
		got, err := resolveHost(c.environment, c.host)
		if err != nil || got != c.want || modeOf(got) != c.mode {
			t.Errorf("%s %s: %q, %v, %v", c.environment, c.host, got, modeOf(got), err)
		}
	}
	for _, host := range []string{"http://localhost.example", "http://127.0.0.1.example", "http://10.0.0.1", "ftp://localhost", "https://", "https://:443", "https://a:"} {
		if got, err := resolveHost(Custom, host); err == nil {
			t.Errorf("%s became %s", host, got)
		}
	}
}

// shortPEM is a throwaway key of 1024 bit; Go no longer makes such keys.
const shortPEM = `-----BEGIN PRIVATE KEY-----
MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAKi6dx9uEqR8Bqpl
J8ys8IHQ8sRMN8VUr6MJAMsQiHLRGN/uC9ndbTEbkjEqZ1o0kJj0wJu2YmD3EQGK
9qBICA/9Us8wI5bvdrDcZ+wwhHbEBSI9GeG2+UUEJzyByy6SxflFFgZYviiazemG
HsYAwr+Qwy1r1ePs8Ult1BuZcnBvAgMBAAECgYBzP/KwQEJxodn3t+KolpQtR+kb
FiieHEtgJH0rN17MdnD0PChSJ0I3YerItHsmDXObVsrdUYX/T6OJFz+AmdMO5CsA
RqKlm7AjZyE/ziqmnktbdt0CXOkEXvgaXK8efPhOsxVXQROcL80sau0QFOCc5sWW
e+guxgc9r9h9MCv8eQJBAOBh0EG182jQcJHisJ8j8QL0hZjDiFX7Zp3SlLyuzNsU
mchKHDtlsRkUqMhBXzPfv8rve/dKdLiw7vd82aN9k10CQQDAgQsAAKBibC06nOQ8
AraZLT3IoatnRj/Y7RNNCAzxNpffRfNmRZrYpYoCf6MH1OdVln7OoN1IfuUxaWW4
2cI7AkEAysc66RehOXkeMok2ayuVFMGctrkGzgWb8EctyfMDCX5tl/d52igFy4/D
FO8XNY8hCiox0wNDxuGHpLv9B+ZltQJAMx8RyMJh1UFdEX+wrK8bxrnY+nrUheyF
8BmlUoOczEHvOv/cj4BUiswLRnaW2PGVLYl1y3G00hfAzcprlRdfGQJAcOJqUry7
8HcqM41lL663acGnwyFEU9T5ercsU2qPFFbiWCnpinZtu9OTcGVpLfNsF8EHo4gR
wqmNO/iV/nOoDg==
-----END PRIVATE KEY-----`
