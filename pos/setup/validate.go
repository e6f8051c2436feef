package setup

import (
	"crypto/rsa"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/filspos/fils/payby"
)

// maxText bounds names and the subject (protocol.md §6.1), in UTF-16 units, as
// PayBy and payby.Encode count: a subject that passed here must make an order.
const maxText = 64

// maxNotifyURL is the longest notifyUrl (protocol.md §6.1).
const maxNotifyURL = 200

// settings checks everything except keys and tokens, in the order of the
// documented file, so that the first complaint is the topmost one.
func (k *shared) settings() (*Settings, error) {
	s := &Settings{
		Environment: strings.TrimSpace(k.Environment), ChangePayer: k.ChangePayer,
		Partner: strings.TrimSpace(k.Partner), Store: strings.TrimSpace(k.Store),
		Terminal: strings.TrimSpace(k.Terminal), Merchant: strings.TrimSpace(k.Merchant),
		Subject: strings.TrimSpace(k.Subject), Cashier: strings.TrimSpace(k.Cashier),
		Backup: strings.TrimSpace(k.Backup),
	}
	var err error
	if s.Host, err = resolveHost(s.Environment, strings.TrimSpace(k.Host)); err != nil {
		return nil, err
	}
	if err := checkPartner(s.Partner); err != nil {
		return nil, err
	}
	if s.Relay, err = k.Relay.check(); err != nil {
		return nil, err
	}
	if err := s.names(); err != nil {
		return nil, err
	}
	if s.Window, err = window(k.Window); err != nil {
		return nil, err
	}
	if s.CutOff, err = cutOff(k.CutOff); err != nil {
		return nil, err
	}
	if s.LockAfter, err = lockAfter(k.LockAfter); err != nil {
		return nil, err
	}
	return s, nil
}

func checkPartner(id string) error {
	const key = "partner_id"
	if id == "" {
		return wrong(key, `this line is missing; write the member id (MID) from PayBy's portal, for example "200000000888"`)
	}
	if len(id) > 12 || strings.IndexFunc(id, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) >= 0 {
		return wrong(key, `a member id (MID) has at most 12 digits; write it as in PayBy's portal, for example "200000000888"`)
	}
	return nil
}

// names checks what people and PayBy read, and fills in what follows from
// something else.
func (s *Settings) names() error {
	if s.Relay != nil {
		// A terminal is called the same at the relay and in PayBy's statement.
		if s.Terminal == "" {
			s.Terminal = s.Relay.Till
		}
		if s.Terminal != s.Relay.Till {
			return wrong("terminal", "this is not the till of [relay]; write the same name in both, or leave this line out")
		}
	}
	if s.Cashier == "" {
		s.Cashier = defaultCashier
	}
	if s.Merchant == "" {
		s.Merchant = s.Store
	}
	if s.Subject == "" {
		s.Subject = s.Merchant
	}
	for _, f := range []struct{ key, value, missing string }{
		{"store", s.Store, `this line is missing; write a name for this shop, for example "Marina"`},
		{"terminal", s.Terminal, `this line is missing; write a name for this till, for example "till-1"`},
		{"merchant", s.Merchant, ""},
		{"subject", s.Subject, ""},
		{"cashier", s.Cashier, ""},
	} {
		switch {
		case f.value == "":
			return wrong(f.key, f.missing)
		case units(f.value) > maxText:
			return wrong(f.key, "this is too long; write at most 64 characters, of which a picture counts as two")
		case strings.IndexFunc(f.value, unicode.IsControl) >= 0:
			return wrong(f.key, "this has line breaks or other control characters; write one line of plain text")
		}
	}
	return nil
}

// units counts as Java does.
func units(text string) (n int) {
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

func window(text string) (time.Duration, error) {
	const key = "window"
	if text == "" {
		return DefaultWindow, nil
	}
	d, err := time.ParseDuration(strings.TrimSpace(text))
	switch {
	case err != nil:
		return 0, wrong(key, `this is not a time; write for example "110s" or "2m"`)
	case d < minWindow || d > maxWindow:
		return 0, wrong(key, `a customer gets 60 s to 15 min to pay; write for example "110s"`)
	case d%time.Second != 0:
		return 0, wrong(key, `write whole seconds, for example "110s"`)
	}
	return d, nil
}

func cutOff(text string) (time.Duration, error) {
	if text == "" {
		return DefaultCutOff, nil
	}
	t, err := time.Parse("15:04", strings.TrimSpace(text))
	if err != nil {
		return 0, wrong("business_day_cutoff", `this is not a time of day; write hours and minutes, for example "04:00"`)
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, nil
}

func lockAfter(minutes *int64) (time.Duration, error) {
	switch {
	case minutes == nil:
		return DefaultLockAfter, nil
	case *minutes < 0 || *minutes > int64(maxLockAfter/time.Minute):
		return 0, wrong("lock_after", "write whole minutes, 1 to 480, or 0 for never")
	}
	return time.Duration(*minutes) * time.Minute, nil
}

// backupFolder reads the setting of a file in dir. The folder must be there:
// a backup into a name with a typing error would be missed too late.
func backupFolder(dir, name string) (string, error) {
	const key = "backup_folder"
	if name == "" {
		return "", nil
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", wrong(key, "this is not the name of a folder; write the whole path")
	}
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return "", wrong(key, "there is no such folder: "+name+"; make it first, or write a name relative to the settings file")
	}
	return path, nil
}

// check returns nil for a shop without a relay.
func (r *relayKeys) check() (*Relay, error) {
	if r == nil {
		return nil, nil
	}
	const key = "relay.url"
	origin, ok := originOf(r.URL)
	switch {
	case r.URL == "":
		return nil, wrong(key, `this line is missing; write the relay's address, for example "https://relay.example"`)
	case !ok:
		return nil, wrong(key, `this is not an address; write scheme, host and port only, for example "https://relay.example"`)
	case strings.HasPrefix(origin, "http://") && !loopback(origin):
		return nil, wrong(key, "plain http is for this computer only; write an address that begins with https://")
	}
	for _, f := range []struct{ key, value string }{{"relay.merchant", r.Merchant}, {"relay.till", r.Till}} {
		if !validID(f.value) {
			return nil, wrong(f.key, "write the id that the relay knows: 1 to 32 letters, digits, _ or -")
		}
	}
	if len(origin)+len("/n/")+len(r.Merchant)+len("/")+len(r.Till) > maxNotifyURL {
		return nil, wrong(key, "this address is too long; PayBy takes 200 characters with both ids")
	}
	return &Relay{URL: origin, Merchant: r.Merchant, Till: r.Till}, nil
}

// validID is the relay's rule for ids (design §4).
func validID(id string) bool {
	return id != "" && len(id) <= 32 && strings.IndexFunc(id, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-'
	}) < 0
}

// paybyKeys reads the gateway's keys; own is nil when it is not at hand.
func paybyKeys(setting string, pems []string, own *rsa.PrivateKey) ([]*rsa.PublicKey, error) {
	keys := make([]*rsa.PublicKey, 0, len(pems))
	for _, text := range pems {
		key, err := payby.ParsePublicKey([]byte(text))
		if err != nil {
			return nil, keyError(setting, err)
		}
		if own != nil && payby.SamePair(own, key) {
			return nil, &Error{Problem: ProblemKey, Key: setting,
				Text: "this is your own public key; write PayBy's public key, which the portal shows beside the field for yours"}
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// keys returns the settings as they are stored, without any secret.
func (s *Settings) keys() (*stored, error) {
	pems := make([]string, 0, len(s.Keys))
	for _, key := range s.Keys {
		text, err := payby.EncodePublicKey(key)
		if err != nil {
			return nil, err
		}
		pems = append(pems, string(text))
	}
	out := &stored{Format: format, KeyStore: s.store, Fingerprint: s.Fingerprint, shared: shared{
		Environment: s.Environment, Host: s.Host, Partner: s.Partner, PayByKey: pems,
		Store: s.Store, Terminal: s.Terminal, Merchant: s.Merchant, Subject: s.Subject,
		Window: s.Window.String(), ChangePayer: s.ChangePayer, Cashier: s.Cashier,
		CutOff: time.Time{}.Add(s.CutOff).Format("15:04"), Backup: s.Backup,
	}}
	if s.LockAfter != DefaultLockAfter { // earlier versions do not know it
		minutes := int64(s.LockAfter / time.Minute)
		out.LockAfter = &minutes
	}
	if s.Relay != nil {
		out.Relay = &relayKeys{URL: s.Relay.URL, Merchant: s.Relay.Merchant, Till: s.Relay.Till, Authority: s.Relay.Authority}
	}
	return out, nil
}
