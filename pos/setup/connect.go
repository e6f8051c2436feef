package setup

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/pos"
	"github.com/pelletier/go-toml/v2"
)

// Names in the data directory.
const (
	settingsFile = "settings.toml"
	keyFile      = "key.age"
)

// Where the private key lies.
const (
	InKeyring = "keyring"
	InFile    = "file"
)

// format is the version of the stored settings.
const format = 1

// Options are what [Connect] and [Load] need from their surroundings.
type Options struct {
	// Keyring is the operating system's when nil.
	Keyring Keyring
	// Passphrase is asked for at most once, and only when the key lies, or
	// has to lie, in an age file. Nil: nobody can be asked.
	Passphrase func() (string, error)
	// Replace lets [Connect] take the place of another merchant's connection.
	Replace bool
	// Bound is what the journal in the data directory is tied to, nil when
	// there is no journal. Connect never ties it to anybody else.
	Bound *pos.Binding

	work int
}

func (o *Options) ring() ring {
	if o.Keyring == nil {
		return ring{osKeyring{}}
	}
	return ring{o.Keyring}
}

// Connected is what [Connect] did.
type Connected struct {
	Settings *Settings
	// Secrets are those that were stored, for the caller to try once.
	Secrets *Secrets
	// KeyStore is [InKeyring] or [InFile].
	KeyStore string
}

// Connect reads the settings file that a person wrote, checks it, stores the
// private key and the relay token, and writes the settings into dataDir. The
// private key's own file is read once and neither kept nor deleted. ctx bounds
// the wait for the keyring; a keyring that fails or does not answer in time
// gives way to an age file.
//
// Connecting the same merchant again renews its settings and key; the pepper of
// its staff's PINs stays, unless it cannot be read any more. Another
// merchant's connection is replaced only with Options.Replace, and never when
// there is a journal that belongs to somebody else.
func Connect(ctx context.Context, file, dataDir string, o Options) (*Connected, error) {
	s, secrets, err := readWritten(file)
	if err != nil {
		return nil, err
	}
	if err := checkPlace(dataDir, s.Binding(), o); err != nil {
		return nil, err
	}
	if err := PrivateDir(dataDir); err != nil {
		return nil, diskError(filepath.Base(dataDir), err)
	}
	if s.store, err = o.keep(ctx, dataDir, s, secrets); err != nil {
		return nil, err
	}
	return &Connected{Settings: s, Secrets: secrets, KeyStore: s.store}, s.write(dataDir)
}

func (s *Settings) write(dataDir string) error {
	keys, err := s.keys()
	if err != nil {
		return err
	}
	text, err := toml.Marshal(keys)
	if err != nil {
		return err
	}
	text = append([]byte("# Written by fils connect. The private key is not in this file.\n"), text...)
	if err := WriteFile(filepath.Join(dataDir, settingsFile), text); err != nil {
		return diskError(settingsFile, err)
	}
	return nil
}

// readWritten reads and checks a person's file and the files it names.
func readWritten(file string) (*Settings, *Secrets, error) {
	name := filepath.Base(file)
	data, err := readLimited(file, maxFile)
	if err != nil {
		return nil, nil, diskError(name, err)
	}
	var w written
	if err := decode(data, name, &w); err != nil {
		return nil, nil, err
	}
	s, secrets, err := w.resolve(filepath.Dir(file))
	var e *Error
	if errors.As(err, &e) && e.File == "" {
		e.File = name
	}
	return s, secrets, err
}

func (w *written) resolve(dir string) (*Settings, *Secrets, error) {
	s, err := w.settings()
	if err != nil {
		return nil, nil, err
	}
	key, err := w.privateKey(dir)
	if err != nil {
		return nil, nil, err
	}
	if s.Fingerprint, err = fingerprint(&key.PublicKey); err != nil {
		return nil, nil, keyError("private_key_file", err)
	}
	if s.Keys, err = w.gatewayKeys(dir, key); err != nil {
		return nil, nil, err
	}
	if s.Backup, err = backupFolder(dir, s.Backup); err != nil {
		return nil, nil, err
	}
	if s.Relay != nil {
		if s.Relay.Authority, err = w.Relay.authority(dir); err != nil {
			return nil, nil, err
		}
	}
	secrets := &Secrets{Signer: key}
	if secrets.Token, err = w.Relay.token(dir); err != nil {
		return nil, nil, err
	}
	return s, secrets, nil
}

func (w *written) privateKey(dir string) (*rsa.PrivateKey, error) {
	const setting = "private_key_file"
	if w.PrivateKeyFile == "" {
		return nil, wrong(setting, `this line is missing; write the name of the file with your own private key, for example "merchant.pem"`)
	}
	text, err := readBeside(dir, w.PrivateKeyFile, setting)
	if err != nil {
		return nil, err
	}
	key, err := payby.ParsePrivateKey(text)
	if err != nil {
		return nil, keyError(setting, err)
	}
	return key, nil
}

func (w *written) gatewayKeys(dir string, own *rsa.PrivateKey) ([]*rsa.PublicKey, error) {
	const inline, inFile = "payby_key", "payby_key_file"
	pems, err := texts(inline, w.PayByKey)
	if err != nil {
		return nil, err
	}
	names, err := texts(inFile, w.PayByKeyFile)
	if err != nil {
		return nil, err
	}
	switch {
	case len(pems) > 0 && len(names) > 0:
		return nil, wrong(inline, "there is payby_key_file, too; write only one of the two")
	case len(pems) > 0:
		return paybyKeys(inline, pems, own)
	case len(names) == 0:
		return nil, wrong(inFile, `this line is missing; write the name of the file with PayBy's public key from the portal, for example "payby.pem"`)
	}
	for _, name := range names {
		text, err := readBeside(dir, name, inFile)
		if err != nil {
			return nil, err
		}
		pems = append(pems, string(text))
	}
	return paybyKeys(inFile, pems, own)
}

// token reads the relay's token; it is empty without a relay.
func (r *relayKeys) token(dir string) (Secret, error) {
	if r == nil {
		return "", nil
	}
	const key = "relay.token_file"
	token := r.Token
	switch {
	case token != "" && r.TokenFile != "":
		return "", wrong("relay.token", "there is token_file, too; write only one of the two")
	case r.TokenFile != "":
		text, err := readBeside(dir, r.TokenFile, key)
		if err != nil {
			return "", err
		}
		token = string(text)
	case token == "":
		return "", wrong(key, "this line is missing; write the name of the file with the token that fils pair has written for this till")
	}
	token = strings.TrimSpace(token)
	if len(token) < 20 || len(token) > 512 || strings.IndexFunc(token, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsPrint(r) || unicode.IsSpace(r)
	}) >= 0 {
		return "", wrong(key, "this is not a token; write the name of the file that fils pair has written, or its one line")
	}
	return Secret(token), nil
}

// authority reads the certificate of the relay's own authority; it is empty
// without one.
func (r *relayKeys) authority(dir string) (string, error) {
	const inline, inFile = "relay.authority", "relay.authority_file"
	text, key := r.Authority, inline
	switch {
	case text != "" && r.AuthorityFile != "":
		return "", wrong(inline, "there is authority_file, too; write only one of the two")
	case r.AuthorityFile != "":
		data, err := readBeside(dir, r.AuthorityFile, inFile)
		if err != nil {
			return "", err
		}
		text, key = string(data), inFile
	case text == "":
		return "", nil
	}
	cert, err := parseAuthority(key, text)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: cert.Raw})), nil
}

const certificateBlock = "CERTIFICATE"

// parseAuthority reads one certificate that may issue others.
func parseAuthority(key, text string) (*x509.Certificate, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != certificateBlock || len(bytes.TrimSpace(rest)) > 0 {
		return nil, wrong(key, "this is not one certificate as text (PEM); take the file that fils pair has written")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil || !cert.IsCA {
		return nil, wrong(key, "this is not the certificate of an authority; take the file that fils pair has written")
	}
	return cert, nil
}

// readBeside reads a file named in the settings, relative to their directory.
func readBeside(dir, name, setting string) ([]byte, error) {
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	data, err := readLimited(path, maxFile)
	if err != nil {
		return nil, &Error{Problem: ProblemSettings, Key: setting,
			Text: reason(err) + ": " + name + "; write a name relative to the settings file, or the whole path", Err: err}
	}
	return data, nil
}

// checkPlace refuses a data directory that belongs to another merchant.
func checkPlace(dataDir string, b pos.Binding, o Options) error {
	if o.Bound != nil && *o.Bound != b {
		return &Error{Problem: ProblemOther, Text: "this data directory holds the journal of " + describe(*o.Bound) +
			"; " + describe(b) + " needs a journal of its own: choose another directory with --data"}
	}
	before, err := readStored(dataDir)
	switch {
	case o.Replace, errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &Error{Problem: ProblemOther, Text: "this data directory has settings that cannot be read; to put new ones in their place add --replace", Err: err}
	case before.Binding() != b:
		return &Error{Problem: ProblemOther, Text: "this data directory is connected to " + describe(before.Binding()) +
			"; to connect " + describe(b) + " instead add --replace"}
	}
	return nil
}

// Exists reports whether dataDir has settings, readable or not.
func Exists(dataDir string) bool {
	_, err := os.Lstat(filepath.Join(dataDir, settingsFile))
	return err == nil
}

// fingerprint names a key without showing it.
func fingerprint(key *rsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:]), nil
}
