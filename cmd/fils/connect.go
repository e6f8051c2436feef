package fils

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/term"

	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
	"github.com/filspos/fils/pos/sqlite"
)

// keyringPatience is how long a person may take to unlock the keyring.
const keyringPatience = time.Minute

type connectOptions struct {
	records
	file string
	// owner is --reclaim.
	owner string
}

// connect imports a merchant's settings and key into the data directory.
func connect(ctx context.Context, o connectOptions, c console) error {
	if err := makeDataDir(o.dir); err != nil {
		return err
	}
	lock, err := claim(o.dir)
	if errors.Is(err, errAlreadyOpen) {
		return errors.New("the till is open with this data directory; close it first")
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	o.held = true
	bound, err := boundTo(ctx, o.path())
	if err != nil {
		return err
	}
	by := ""
	if bound != nil {
		if by, err = o.permitted(ctx, c); err != nil {
			return err
		}
	}
	wait, cancel := context.WithTimeout(ctx, keyringPatience)
	defer cancel()
	done, err := setup.Connect(wait, o.file, o.dir, setup.Options{
		Passphrase: passphrase(o.passphraseFile, c, true), Replace: o.replace, Bound: bound,
	})
	if err != nil {
		return err
	}
	s := done.Settings
	where := "in the keyring of this computer"
	if done.KeyStore == setup.InFile {
		where = "in " + filepath.Join(o.dir, "key.age") + ", under your passphrase"
	}
	_, err = fmt.Fprintf(c.out, "connected: Partner-Id %s at %s\nkey: %s; the file it came from is no longer needed here\n", s.Partner, s.Host, where)
	if err == nil && s.Relay != nil {
		_, err = fmt.Fprintf(c.out, "relay: %s as %s; its token lies with the key, remove the file it came from\n", s.Relay.URL, s.Relay.Till)
	}
	if err == nil {
		err = o.takeDown(ctx, c, s, bound != nil, by)
	}
	if err == nil {
		_, err = fmt.Fprintln(c.out, "PayBy:", tryKeys(ctx, newClient(s, done.Secrets), tryPatience))
	}
	if err != nil || o.owner == "" {
		return err
	}
	return o.reclaim(ctx, c)
}

// takeDown shows whose signatures the till believes, and has its journal know
// of them. A journal that cannot be written hears of them at the next start,
// but not from whom.
func (o connectOptions) takeDown(ctx context.Context, c console, s *setup.Settings, journal bool, by string) error {
	prints, err := s.KeyPrints()
	if err != nil {
		return err
	}
	for _, print := range prints {
		fmt.Fprintln(c.out, "PayBy's key:", pos.ShortKey(print))
	}
	if !journal {
		return nil
	}
	alerted, err := o.recordKeys(ctx, prints, by)
	switch {
	case err != nil:
		fmt.Fprintln(c.err, "the journal does not know yet which keys of PayBy's this till believes; its next start tells it:", err)
	case alerted:
		fmt.Fprintln(c.out, "this till has not believed all of them before: an alert on its screen waits for a manager to write why")
	}
	return nil
}

func (o connectOptions) recordKeys(ctx context.Context, prints []string, by string) (alerted bool, err error) {
	j, err := sqlite.Open(ctx, o.path(), sqlite.Options{})
	if err != nil {
		return false, err
	}
	alerted, err = pos.RecordKeys(ctx, j, time.Now(), prints, by)
	return alerted, errors.Join(err, j.Close())
}

// permitted asks for a PIN before the settings of a shop with staff change, and
// says whose it was. Where none can be checked, because the private key or what
// keys the PINs is lost, whoever has the key to import may go on.
func (o connectOptions) permitted(ctx context.Context, c console) (by string, err error) {
	staffed, err := hasStaff(ctx, o.path())
	if err != nil || !staffed {
		return "", err
	}
	able, err := o.anyApprover(ctx, c)
	if p, _ := setup.ProblemOf(err); p == setup.ProblemMissing || p == setup.ProblemKeyLost {
		return "", nil
	}
	if err != nil || !able {
		return "", err
	}
	return o.by, o.pass(ctx, c, pos.PermitSettings, "connect")
}

// anyApprover reports that somebody's PIN could be checked.
func (o connectOptions) anyApprover(ctx context.Context, c console) (bool, error) {
	j, err := sqlite.Open(ctx, o.path(), sqlite.Options{})
	if err != nil {
		return false, err
	}
	defer j.Close()
	till, err := o.idle(ctx, c, j)
	if err != nil {
		return false, err
	}
	return len(till.View().Approvers(pos.PermitSettings)) > 0, nil
}

// boundTo tells whose journal lies at path; nil when there is none or it is
// still nobody's.
func boundTo(ctx context.Context, path string) (*pos.Binding, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	j, err := sqlite.Open(ctx, path, sqlite.Options{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("the journal in this data directory cannot be read, so nobody knows whose it is: %w", err)
	}
	defer j.Close()
	loaded, err := j.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("the journal in this data directory cannot be read, so nobody knows whose it is: %w", err)
	}
	return loaded.Binding, nil
}

// passphrase returns how to get the passphrase of a key file: from a file,
// from a terminal, or nil when nobody can be asked. A new one is asked twice.
func passphrase(file string, c console, isNew bool) func() (string, error) {
	if file != "" {
		return func() (string, error) { return readPassphrase(file) }
	}
	in, ok := c.in.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return nil
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(c.err, prompt)
		text, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(c.err)
		return string(text), err
	}
	return func() (string, error) {
		if !isNew {
			return ask("Passphrase of the key file: ")
		}
		first, err := ask("New passphrase for the key file: ")
		if err != nil {
			return "", err
		}
		again, err := ask("The same once more: ")
		if err == nil && first != again {
			err = errors.New("the two passphrases differ")
		}
		return first, err
	}
}

const maxPassphrase = 4 << 10

// readPassphrase reads the first line of a file.
func readPassphrase(file string) (string, error) {
	info, err := os.Stat(file)
	if err == nil && (info.IsDir() || info.Size() > maxPassphrase) {
		return "", fmt.Errorf("--passphrase-file %s is not a file with a passphrase", file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("--passphrase-file %s cannot be read", file)
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 0 {
		return "", fmt.Errorf("--passphrase-file %s is empty", file)
	}
	return string(line), nil
}
