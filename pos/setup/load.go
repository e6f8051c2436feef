package setup

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/filspos/fils/payby"
)

// Secrets are what a till must never show.
type Secrets struct {
	// Signer is the merchant's private key.
	Signer crypto.Signer
	// Token opens the relay; empty in a shop without one.
	Token Secret
	// Pepper keys the verifiers of the staff's PINs; it may be missing.
	Pepper Pepper
}

// sealed is the content of the key file.
type sealed struct {
	Key   string `json:"key"`
	Token string `json:"relay_token,omitempty"`
	// Pepper is base64.
	Pepper string `json:"pepper,omitempty"`
	// Gateway marks PayBy's keys, see [Settings.gatewayMark]; it may be missing.
	Gateway string `json:"gateway,omitempty"`
	// shared: the mark is that of the merchant's last connection, of whichever
	// data directory.
	shared bool
}

// ReadSettings gives back the settings that [Connect] stored, without the
// secrets: it asks neither the keyring nor a person.
func ReadSettings(dataDir string) (*Settings, error) {
	s, err := readStored(dataDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{Problem: ProblemMissing, File: settingsFile,
			Text: "this till is not connected yet; run fils connect", Err: err}
	}
	return s, err
}

// Load gives back what [Connect] stored. ctx bounds the wait for the keyring.
func Load(ctx context.Context, dataDir string, o Options) (*Settings, *Secrets, error) {
	s, err := ReadSettings(dataDir)
	if err != nil {
		return nil, nil, err
	}
	secrets, err := o.recall(ctx, dataDir, s)
	if err != nil {
		return nil, nil, err
	}
	if key, ok := secrets.Signer.Public().(*rsa.PublicKey); ok {
		if print, err := fingerprint(key); err != nil || print != s.Fingerprint {
			return nil, nil, &Error{Problem: ProblemKeyLost, File: settingsFile,
				Text: "the stored private key is not the one that was imported with these settings; run fils connect again"}
		}
	}
	return s, secrets, nil
}

// readStored reads settings.toml of a data directory. The error is
// fs.ErrNotExist when there is none.
func readStored(dataDir string) (*Settings, error) {
	data, err := readLimited(filepath.Join(dataDir, settingsFile), maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, diskError(settingsFile, err)
	}
	var k stored
	if err := decode(data, settingsFile, &k); err != nil {
		return nil, err
	}
	s, err := k.restore()
	var e *Error
	if errors.As(err, &e) && e.File == "" {
		e.File = settingsFile
	}
	return s, err
}

func (k *stored) restore() (*Settings, error) {
	switch {
	case k.Format > format:
		return nil, wrong("format", "a newer version of this program wrote these settings; install that version")
	case k.Format != format, k.KeyStore != InKeyring && k.KeyStore != InFile:
		return nil, wrong("format", "this file was not written by fils connect; run fils connect with it")
	}
	s, err := k.settings()
	if err != nil {
		return nil, err
	}
	s.store, s.Fingerprint = k.KeyStore, k.Fingerprint
	if s.Backup != "" && !filepath.IsAbs(s.Backup) {
		return nil, wrong("backup_folder", "this must be a whole path here; run fils connect again")
	}
	if s.Relay != nil {
		if s.Relay.Authority, err = k.Relay.authority(""); err != nil {
			return nil, err
		}
	}
	const setting = "payby_key"
	pems, err := texts(setting, k.PayByKey)
	if err != nil {
		return nil, err
	}
	if len(pems) == 0 {
		return nil, wrong(setting, "this line is missing; run fils connect again")
	}
	s.Keys, err = paybyKeys(setting, pems, nil)
	return s, err
}

// keyItem and tokenItem name what lies in the keyring.
func (s *Settings) keyItem() string {
	return "key " + s.Environment + "/" + strings.TrimPrefix(s.Host, "https://") + "/" + s.Partner
}

// sharedMark and ownMark name the mark of PayBy's keys. Older versions knew only
// the first; with it two data directories of one merchant whose keys differ
// stop each other.
func (s *Settings) sharedMark() string { return "gateway " + s.keyItem()[len("key "):] }

func (s *Settings) ownMark(dataDir string) (string, error) {
	place, err := placeOf(filepath.Join(dataDir, settingsFile)) // dataDir itself may be a link
	return s.sharedMark() + "/" + place, err
}

// gatewayMark tells PayBy's keys from others. The settings are a file like any
// other, and a key written into it would be believed: what it signs is a payment.
func (s *Settings) gatewayMark() (string, error) {
	prints, err := s.KeyPrints()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(strings.Join(prints, "")))
	return hex.EncodeToString(sum[:]), nil
}

func (s *Settings) tokenItem() string {
	return "relay " + strings.TrimPrefix(s.Relay.URL, "https://") + "/" + s.Relay.Merchant + "/" + s.Relay.Till
}

// keep stores the secrets and says where.
func (o *Options) keep(ctx context.Context, dataDir string, s *Settings, secrets *Secrets) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(secrets.Signer)
	if err != nil {
		return "", keyError("private_key_file", err)
	}
	key := base64.StdEncoding.EncodeToString(der)
	mark, err := s.gatewayMark()
	if err != nil {
		return "", err
	}
	own, err := s.ownMark(dataDir)
	if err != nil {
		return "", err
	}
	_, ringErr := bounded(ctx, func() (struct{}, error) {
		if s.Relay != nil {
			if err := o.ring().set(s.tokenItem(), secrets.Token.Reveal()); err != nil {
				return struct{}{}, err
			}
		}
		if err := o.ring().keepPepper(s.pepperItem()); err != nil {
			return struct{}{}, err
		}
		for _, item := range []string{own, s.sharedMark()} {
			if err := o.ring().set(item, mark); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, o.ring().set(s.keyItem(), key)
	})
	if ringErr == nil {
		return InKeyring, nil
	}
	if errors.Is(ringErr, context.Canceled) {
		return "", ringErr
	}
	return InFile, o.keepInFile(dataDir, sealed{Key: key, Token: secrets.Token.Reveal(), Gateway: mark}, ringErr)
}

func (o *Options) keepInFile(dataDir string, content sealed, ringErr error) error {
	if o.Passphrase == nil {
		return &Error{Problem: ProblemPassphraseNeeded, Err: ringErr,
			Text: "this computer has no keyring that answers; give a passphrase for the key file with --passphrase-file"}
	}
	passphrase, err := o.Passphrase()
	if err != nil {
		return err
	}
	if err := checkNewPassphrase(passphrase); err != nil {
		return err
	}
	content.Pepper = pepperInFile(dataDir, passphrase)
	data, err := json.Marshal(content)
	if err != nil {
		return err
	}
	work := o.work
	if work == 0 {
		work = workFactor
	}
	data, err = seal(data, passphrase, work)
	if err != nil {
		return err
	}
	if err := WriteFile(filepath.Join(dataDir, keyFile), data); err != nil {
		return diskError(keyFile, err)
	}
	return nil
}

// recall brings the secrets back from where keep put them.
func (o *Options) recall(ctx context.Context, dataDir string, s *Settings) (*Secrets, error) {
	content, err := o.fetch(ctx, dataDir, s)
	if err != nil {
		return nil, err
	}
	key, err := payby.ParsePrivateKey([]byte(content.Key))
	if err != nil {
		return nil, &Error{Problem: ProblemKeyLost, File: settingsFile,
			Text: "the stored private key is damaged; run fils connect again", Err: err}
	}
	if mark, err := s.gatewayMark(); err != nil || content.Gateway != "" && content.Gateway != mark {
		return nil, &Error{Problem: ProblemKeyLost, File: settingsFile, Key: "payby_key", Err: err,
			Text: "PayBy's key in these settings is not the one that was imported; run fils connect again"}
	}
	if content.shared && content.Gateway != "" {
		o.markOwn(ctx, dataDir, s, content.Gateway)
	}
	return &Secrets{Signer: key, Token: Secret(content.Token), Pepper: Pepper{Secret(content.Pepper)}}, nil
}

// markOwn gives a data directory that an older version connected a mark of its
// own. Where that fails, the next start tries again.
func (o *Options) markOwn(ctx context.Context, dataDir string, s *Settings, mark string) {
	own, err := s.ownMark(dataDir)
	if err != nil {
		return
	}
	_, _ = bounded(ctx, func() (struct{}, error) { return struct{}{}, o.ring().set(own, mark) })
}

func (o *Options) fetch(ctx context.Context, dataDir string, s *Settings) (sealed, error) {
	if s.store == InFile {
		return o.fetchFromFile(dataDir)
	}
	own, err := s.ownMark(dataDir)
	if err != nil {
		return sealed{}, err
	}
	content, err := bounded(ctx, func() (sealed, error) {
		var out sealed
		var err error
		if s.Relay != nil {
			if out.Token, err = o.ring().get(s.tokenItem()); err != nil {
				return out, err
			}
		}
		if out.Pepper, err = o.ring().pepper(s.pepperItem()); err != nil {
			return out, err
		}
		if out.Gateway, err = o.ring().get(own); errors.Is(err, ErrNotInKeyring) {
			// Absent, too, where a still older version connected the till.
			out.shared = true
			out.Gateway, err = o.ring().get(s.sharedMark())
		}
		if err != nil && !errors.Is(err, ErrNotInKeyring) {
			return out, err
		}
		out.Key, err = o.ring().get(s.keyItem())
		return out, err
	})
	switch {
	case err == nil:
		return content, nil
	case errors.Is(err, ErrNotInKeyring), errors.Is(err, errDamagedItem):
		return sealed{}, &Error{Problem: ProblemKeyLost, Err: err,
			Text: "the keyring has no usable key for " + describe(s.Binding()) + "; run fils connect again"}
	}
	return sealed{}, &Error{Problem: ProblemKeyring, Err: err,
		Text: "the keyring of this computer does not answer; unlock it and start again"}
}

func (o *Options) fetchFromFile(dataDir string) (sealed, error) {
	data, err := readLimited(filepath.Join(dataDir, keyFile), maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return sealed{}, &Error{Problem: ProblemKeyLost, File: keyFile,
			Text: "the key file is missing; import the private key again with fils connect", Err: err}
	}
	if err != nil {
		return sealed{}, diskError(keyFile, err)
	}
	if o.Passphrase == nil {
		return sealed{}, &Error{Problem: ProblemPassphraseNeeded, File: keyFile, Text: "the key file needs its passphrase"}
	}
	passphrase, err := o.Passphrase()
	if err != nil {
		return sealed{}, err
	}
	data, err = open(data, passphrase)
	if err != nil {
		return sealed{}, err
	}
	var content sealed
	if err := json.Unmarshal(data, &content); err != nil {
		return sealed{}, damagedKeyFile(nil)
	}
	return content, nil
}
