package server

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
)

// writes is a registry that a test fills.
type writes struct {
	*MemoryRecords
	t *testing.T
}

func (w writes) put(key string, record any) {
	w.t.Helper()
	data, err := json.Marshal(record)
	if err != nil {
		w.t.Fatal(err)
	}
	old, _ := w.Record(context.Background(), key)
	if err := w.PutRecord(context.Background(), key, data, old.Rev); err != nil {
		w.t.Fatal(err)
	}
}

func (w writes) drop(key string) {
	w.t.Helper()
	old, err := w.Record(context.Background(), key)
	if err == nil {
		err = w.DropRecord(context.Background(), key, old.Rev)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func merchantWithKey(t *testing.T) merchantRecord {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := payby.EncodePublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return merchantRecord{Keys: []string{string(pem)}}
}

func mustSync(t *testing.T, d *directory) {
	t.Helper()
	if err := d.sync(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// A node that was away hears of a revocation and of the merchant's removal at
// once.
func TestDirectory_RevokedTillOfARemovedMerchantHasNoToken(t *testing.T) {
	records := writes{NewMemoryRecords(), t}
	a, token, merchant := Address{Merchant: "shop", Till: "POS01"}, HashToken("token"), merchantWithKey(t)
	records.put(merchantKey("shop"), merchant)
	records.put(tillKey(a), tillRecord{Tokens: []TokenHash{token}})
	var ended bool
	d := newDirectory(records, slog.New(slog.DiscardHandler), func(c tillChange) { ended = len(c.tokens) == 0 })
	mustSync(t, d)
	if _, _, err := d.roster.holder(token); err != nil {
		t.Fatal(err)
	}
	records.put(tillKey(a), tillRecord{})
	records.drop(merchantKey("shop"))
	mustSync(t, d)
	if holder, _, err := d.roster.holder(token); err == nil {
		t.Errorf("the revoked token still opens %v", holder)
	}
	if !ended {
		t.Error("the connection was not told to end")
	}
	records.put(merchantKey("shop"), merchant)
	mustSync(t, d)
	if _, _, err := d.roster.holder(token); err == nil {
		t.Error("the merchant came back and the revoked token with it")
	}
}

// What was kept for the tills of a merchant is kept for them when it comes back,
// also on a node that began between.
func TestDirectory_TillsOfAMerchantThatComesBackAreKnown(t *testing.T) {
	records := writes{NewMemoryRecords(), t}
	a, merchant := Address{Merchant: "shop", Till: "POS01"}, merchantWithKey(t)
	records.put(tillKey(a), tillRecord{})
	d := newDirectory(records, slog.New(slog.DiscardHandler), func(tillChange) {})
	mustSync(t, d)
	if _, _, err := d.roster.keys(a); err == nil {
		t.Fatal("a till without a merchant is taken for")
	}
	records.put(merchantKey("shop"), merchant)
	mustSync(t, d)
	if _, _, err := d.roster.keys(a); err != nil {
		t.Errorf("the retired till's notifications are turned away: %v", err)
	}
}

// A registry that was put back lacks a till that had taken over another one.
func TestDirectory_VanishedSuccessorIsCutOff(t *testing.T) {
	records := writes{NewMemoryRecords(), t}
	a, lane := Address{Merchant: "shop", Till: "NEW"}, Address{Merchant: "shop", Till: "OLD"}
	records.put(merchantKey("shop"), merchantWithKey(t))
	records.put(tillKey(a), tillRecord{Lane: "OLD", Tokens: []TokenHash{HashToken("token")}})
	h := newHub()
	d := newDirectory(records, slog.New(slog.DiscardHandler), h.revoke)
	mustSync(t, d)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := &session{till: a, lane: lane, token: HashToken("token"), ctx: ctx, cancel: cancel}
	if code := h.enter(s); code != 0 {
		t.Fatal(code)
	}
	d.records, d.at = NewMemoryRecords(), Position{Epoch: "before"}
	mustSync(t, d)
	if ctx.Err() == nil {
		t.Error("its connection goes on")
	}
}

// once is a registry that goes away after one change.
type once struct {
	writes
	gone bool
}

func (o *once) PutRecord(ctx context.Context, key string, value []byte, rev uint64) error {
	if o.gone {
		return errors.New("no leader")
	}
	o.gone = true
	return o.writes.PutRecord(ctx, key, value, rev)
}

// Whoever is told to try again must not be left with two tills, one of them the
// one to be got rid of.
func TestRegistrar_SucceedingTillFailsBeforeOrWhole(t *testing.T) {
	records := writes{NewMemoryRecords(), t}
	old, heir := Address{Merchant: "shop", Till: "OLD"}, Address{Merchant: "shop", Till: "NEW"}
	records.put(merchantKey("shop"), merchantWithKey(t))
	records.put(tillKey(old), tillRecord{Tokens: []TokenHash{HashToken("token")}})
	tokens := func() int {
		r, err := records.Record(t.Context(), tillKey(old))
		if err != nil {
			t.Fatal(err)
		}
		till, err := readTill(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		return len(till.Tokens)
	}
	draw := func(n int) ([]byte, error) { return make([]byte, n), nil }

	full := registrar{records: &once{writes: records}, now: time.Now, draw: draw}
	if _, err := full.addTill(t.Context(), heir, "OLD"); err == nil {
		t.Fatal("it was added")
	}
	if _, err := records.Record(t.Context(), tillKey(heir)); err == nil && tokens() > 0 {
		t.Error("the heir is there and the old till still opens the relay")
	}
	again := registrar{records: records, now: time.Now, draw: draw}
	if _, err := again.addTill(t.Context(), heir, "OLD"); err != nil {
		t.Errorf("trying again: %v", err)
	}
	if tokens() > 0 {
		t.Error("the old till still opens the relay")
	}
	records.put(tillKey(old), tillRecord{Tokens: []TokenHash{HashToken("token")}})
	if _, err := again.addTill(t.Context(), heir, "OLD"); err == nil || tokens() == 0 {
		t.Errorf("a till that exists cannot succeed, and ends nobody: %v", err)
	}
}
