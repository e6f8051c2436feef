package setup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/zalando/go-keyring"
)

// Keyring is the operating system's store for secrets.
type Keyring interface {
	Set(service, item, secret string) error
	// Get returns [ErrNotInKeyring] for an item that is not there.
	Get(service, item string) (string, error)
	Delete(service, item string) error
}

// ErrNotInKeyring tells of an item that the keyring does not have.
var ErrNotInKeyring = keyring.ErrNotFound

type osKeyring struct{}

func (osKeyring) Set(service, item, secret string) error   { return keyring.Set(service, item, secret) }
func (osKeyring) Get(service, item string) (string, error) { return keyring.Get(service, item) }
func (osKeyring) Delete(service, item string) error        { return keyring.Delete(service, item) }

// service is this program's name in the keyring.
const service = "app.filspos.fils"

// chunk is the longest text of one item. Windows takes 2560 bytes; macOS about
// 3000 after an encoding that adds a third. An RSA key of 2048 bit fits into
// one item, longer keys take several.
const chunk = 1800

// maxChunks bounds what a damaged item can ask for.
const maxChunks = 16

// ring stores texts of any length in a keyring. The first item names the
// number of chunks and the hash of the whole; it is written last, so that an
// interrupted write leaves the former text readable.
type ring struct{ keys Keyring }

func (r ring) set(item, text string) error {
	sum := sha256.Sum256([]byte(text))
	hash := hex.EncodeToString(sum[:])
	parts := split(text)
	for i, part := range parts[1:] {
		if err := r.keys.Set(service, partName(item, hash, i+2), part); err != nil {
			return err
		}
	}
	before, _ := r.keys.Get(service, item)
	if err := r.keys.Set(service, item, fmt.Sprintf("1:%d:%s:%s", len(parts), hash, parts[0])); err != nil {
		return err
	}
	if n, old, _, ok := readHead(before); ok && old != hash {
		r.forget(item, old, n)
	}
	got, err := r.get(item)
	if err != nil {
		return err
	}
	if got != text {
		return errors.New("setup: the keyring gives back something else")
	}
	return nil
}

func (r ring) forget(item, hash string, n int) {
	for i := 2; i <= n; i++ {
		_ = r.keys.Delete(service, partName(item, hash, i)) // a leftover part is useless and harmless
	}
}

func (r ring) get(item string) (string, error) {
	head, err := r.keys.Get(service, item)
	if err != nil {
		return "", err
	}
	n, hash, text, ok := readHead(head)
	if !ok {
		return "", errDamagedItem
	}
	var b strings.Builder
	b.WriteString(text)
	for i := 2; i <= n; i++ {
		part, err := r.keys.Get(service, partName(item, hash, i))
		if err != nil {
			return "", err
		}
		b.WriteString(part)
	}
	if sum := sha256.Sum256([]byte(b.String())); hex.EncodeToString(sum[:]) != hash {
		return "", errDamagedItem
	}
	return b.String(), nil
}

var errDamagedItem = errors.New("setup: the item in the keyring is damaged")

func readHead(head string) (n int, hash, text string, ok bool) {
	parts := strings.SplitN(head, ":", 4)
	if len(parts) != 4 || parts[0] != "1" || len(parts[2]) != hex.EncodedLen(sha256.Size) {
		return 0, "", "", false
	}
	n, err := strconv.Atoi(parts[1])
	return n, parts[2], parts[3], err == nil && n >= 1 && n <= maxChunks
}

func split(text string) []string {
	parts := []string{}
	for len(text) > chunk {
		parts, text = append(parts, text[:chunk]), text[chunk:]
	}
	return append(parts, text)
}

func partName(item, hash string, i int) string {
	return item + "#" + hash[:8] + "." + strconv.Itoa(i)
}

// bounded runs f, which may wait for a person to unlock the keyring, until ctx
// ends. Keyrings cannot be interrupted: a call that nobody answers is left
// behind and ends with the process.
func bounded[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}
