package sandbox

import (
	"crypto/rsa"
	"strings"
	"testing"

	"github.com/filspos/fils/payby"
)

func TestNew_RefusesWhatItCannotPlay(t *testing.T) {
	pub := []*rsa.PublicKey{&keys().merchant.PublicKey}
	for name, c := range map[string]struct {
		o      Options
		reason string
	}{
		"no key":          {Options{}, "key"},
		"mode":            {Options{Key: keys().gateway, Mode: "loose"}, "mode"},
		"repeat":          {Options{Key: keys().gateway, RepeatCreate: "maybe"}, "repeat-create"},
		"scale":           {Options{Key: keys().gateway, ClockScale: -1}, "scale"},
		"public path":     {Options{Key: keys().gateway, PublicURL: "http://h/x"}, "public URL"},
		"public no host":  {Options{Key: keys().gateway, PublicURL: "http:///"}, "public URL"},
		"public scheme":   {Options{Key: keys().gateway, PublicURL: "ftp://h"}, "public URL"},
		"no partner id":   {Options{Key: keys().gateway, Merchants: []Merchant{{Keys: pub}}}, "partner id"},
		"long partner id": {Options{Key: keys().gateway, Merchants: []Merchant{{ID: "1234567890123", Keys: pub}}}, "partner id"},
		"no public key":   {Options{Key: keys().gateway, Merchants: []Merchant{{ID: "1"}}}, "public key"},
		"state directory": {Options{Key: keys().gateway, StateFile: "/nowhere/at/all"}, "state file"},
	} {
		if g, err := New(c.o); err == nil || g != nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNew_PublicURLGoesIntoTheCode(t *testing.T) {
	b := newBench(t, func(o *Options) { o.PublicURL = "http://192.168.1.7:8080/" })
	if got := b.tokenOf(sale("S-1", 100)); !strings.HasPrefix(got, "http://192.168.1.7:8080?BIZ_TYPE=202&ft=") {
		t.Error(got)
	}
}

func TestAddMerchant_RotatesKeysAndKeepsOrders(t *testing.T) {
	b := newBench(t)
	b.must(payby.OpCreate, sale("S-1", 100))
	if err := b.g.AddMerchant(Merchant{ID: partner, Keys: []*rsa.PublicKey{&keys().stranger.PublicKey}}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.call(payby.OpGet, payby.OrderRef{MerchantOrderNo: "S-1"}); err == nil {
		t.Error("the old key still signs")
	}
	b.client.Signer = keys().stranger
	b.must(payby.OpGet, payby.OrderRef{MerchantOrderNo: "S-1"})
}
