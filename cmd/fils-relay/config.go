package main

import (
	"bytes"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/relay/server"
)

// config is the configuration file.
type config struct {
	Merchants []struct {
		ID    string   `toml:"id"`
		Keys  []string `toml:"keys"` // files, relative to the configuration
		Tills []struct {
			ID     string   `toml:"id"`
			Tokens []string `toml:"tokens"` // SHA-256 in hex
		} `toml:"till"`
	} `toml:"merchant"`
}

// readConfig reads the file strictly: a misspelt member is an error, because a
// till that is silently left out would lose its notifications.
func readConfig(file string) (config, error) {
	var c config
	data, err := os.ReadFile(file)
	if err != nil {
		return c, fmt.Errorf("configuration: %w", err)
	}
	decoder := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields()
	err = decoder.Decode(&c)
	var unknown *toml.StrictMissingError
	var syntax *toml.DecodeError
	switch {
	case errors.As(err, &unknown) && len(unknown.Errors) > 0:
		row, _ := unknown.Errors[0].Position()
		return c, fmt.Errorf("configuration %s line %d: unknown member %q", file, row, strings.Join(unknown.Errors[0].Key(), "."))
	case errors.As(err, &syntax):
		row, column := syntax.Position()
		return c, fmt.Errorf("configuration %s line %d column %d: %w", file, row, column, err)
	case err != nil:
		return c, fmt.Errorf("configuration %s: %w", file, err)
	case len(c.Merchants) == 0:
		return c, fmt.Errorf("configuration %s names no merchant", file)
	}
	return c, nil
}

// register makes everything in the configuration known to s.
func (c config) register(s *server.Server, file string) error {
	merchants := map[string]bool{}
	for _, m := range c.Merchants {
		if merchants[m.ID] {
			return fmt.Errorf("configuration: merchant %q is listed twice", m.ID)
		}
		merchants[m.ID] = true
		var keys []*rsa.PublicKey
		for _, name := range m.Keys {
			if !filepath.IsAbs(name) {
				name = filepath.Join(filepath.Dir(file), name)
			}
			data, err := os.ReadFile(name)
			if err != nil {
				return fmt.Errorf("PayBy key of merchant %s: %w", m.ID, err)
			}
			key, err := payby.ParsePublicKey(data)
			if err != nil {
				return fmt.Errorf("PayBy key of merchant %s in %s: %w", m.ID, name, err)
			}
			keys = append(keys, key)
		}
		if err := s.AddMerchant(m.ID, keys); err != nil {
			return err
		}
		tills := map[string]bool{}
		for _, t := range m.Tills {
			if tills[t.ID] {
				return fmt.Errorf("configuration: till %q of merchant %s is listed twice", t.ID, m.ID)
			}
			tills[t.ID] = true
			hashes, err := parseHashes(t.Tokens)
			if err != nil {
				return fmt.Errorf("till %s of merchant %s: %w", t.ID, m.ID, err)
			}
			if err := s.SetTill(m.ID, t.ID, hashes); err != nil {
				return err
			}
		}
	}
	return nil
}

// parseHashes reads token hashes. Its errors do not quote them: somebody may
// have pasted the token itself.
func parseHashes(texts []string) ([]server.TokenHash, error) {
	var hashes []server.TokenHash
	for _, text := range texts {
		b, err := hex.DecodeString(text)
		if err != nil || len(b) != len(server.TokenHash{}) {
			return nil, errors.New("a token must be given by its SHA-256, 64 hex digits, as fils-relay token prints it")
		}
		hashes = append(hashes, server.TokenHash(b))
	}
	return hashes, nil
}
