package setup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/filspos/fils/pos"
)

// headFile holds the head where there is no keyring.
const headFile = "journal.head"

// headPatience bounds the wait for the keyring: a till opens without a head.
const headPatience = 15 * time.Second

// Heads keeps the head of one journal's chain where the private key lies: in
// the keyring, which no copy of the data directory takes along, else in a file
// beside the settings. The file still shows a journal that was put back alone
// or lost its tail, not a whole directory that was put back. A head is tied to
// the merchant and to the journal's path; a journal that was moved has none.
// Methods may be called from any goroutine; nothing in a head is secret.
type Heads struct {
	ring ring
	item string
	file string // empty in the keyring
}

var _ pos.HeadKeeper = (*Heads)(nil)

// NewHeads returns the keeper for the journal at path of a till with settings
// s in dataDir. keys is the operating system's keyring when nil.
func NewHeads(s *Settings, dataDir, path string, keys Keyring) (*Heads, error) {
	place, err := placeOf(path)
	if err != nil {
		return nil, err
	}
	h := &Heads{
		ring: (&Options{Keyring: keys}).ring(),
		item: "head " + strings.TrimPrefix(s.keyItem(), "key ") + "/" + place,
	}
	if s.store == InFile {
		h.file = filepath.Join(dataDir, headFile)
	}
	return h, nil
}

// placeOf names a path of this computer, the same by whichever link it is reached.
func placeOf(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(dir, filepath.Base(path))
	}
	place := sha256.Sum256([]byte(path))
	return hex.EncodeToString(place[:8]), nil
}

// keptHead is the text of a head.
type keptHead struct {
	// Item tells whose head a file holds.
	Item  string `json:"item,omitempty"`
	Count int64  `json:"count"`
	Hash  string `json:"hash"`
}

// KeptHead is [pos.HeadKeeper.KeptHead]. It waits
// 15 s for the keyring at most.
func (h *Heads) KeptHead(ctx context.Context) (count int64, hash pos.Hash, ok bool, err error) {
	text, err := h.read(ctx)
	if err != nil || text == "" {
		return 0, hash, false, err
	}
	var k keptHead
	if err := json.Unmarshal([]byte(text), &k); err != nil {
		return 0, hash, false, h.damaged()
	}
	if h.file != "" && k.Item != h.item { // another journal's
		return 0, hash, false, nil
	}
	sum, err := hex.DecodeString(k.Hash)
	if err != nil || len(sum) != len(hash) || k.Count < 0 {
		return 0, hash, false, h.damaged()
	}
	return k.Count, pos.Hash(sum), true, nil
}

// KeepHead is [pos.HeadKeeper.KeepHead]. It waits
// 15 s for the keyring at most.
func (h *Heads) KeepHead(ctx context.Context, count int64, hash pos.Hash) error {
	k := keptHead{Count: count, Hash: hex.EncodeToString(hash[:])}
	if h.file != "" {
		k.Item = h.item
	}
	text, err := json.Marshal(k)
	if err != nil {
		return err
	}
	if h.file != "" {
		if err := WriteFile(h.file, append(text, '\n')); err != nil {
			return diskError(headFile, err)
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, headPatience)
	defer cancel()
	_, err = bounded(ctx, func() (struct{}, error) { return struct{}{}, h.ring.set(h.item, string(text)) })
	return h.away(err)
}

// read is empty when there is no head.
func (h *Heads) read(ctx context.Context) (string, error) {
	if h.file != "" {
		text, err := readLimited(h.file, maxFile)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return "", nil
		case err != nil:
			return "", diskError(headFile, err)
		}
		return string(text), nil
	}
	ctx, cancel := context.WithTimeout(ctx, headPatience)
	defer cancel()
	text, err := bounded(ctx, func() (string, error) { return h.ring.get(h.item) })
	switch {
	case errors.Is(err, ErrNotInKeyring):
		return "", nil
	case errors.Is(err, errDamagedItem):
		return "", h.damaged()
	}
	return text, h.away(err)
}

func (h *Heads) damaged() error {
	e := &Error{Problem: ProblemKeyring, Err: pos.ErrHeadUnreadable, Text: "the head of the journal in the keyring is damaged"}
	if h.file != "" {
		e = &Error{Problem: ProblemDisk, File: headFile, Err: pos.ErrHeadUnreadable, Text: "the head of the journal in this file is damaged"}
	}
	return e
}

func (h *Heads) away(err error) error {
	if err == nil {
		return nil
	}
	return &Error{Problem: ProblemKeyring, Err: err, Text: "the keyring of this computer does not answer"}
}
