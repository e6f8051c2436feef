package payby

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func seed(f *testing.F, prefixes ...string) {
	f.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", "samples", "*.json"))
	if err != nil || len(names) == 0 {
		f.Fatal("no samples", err)
	}
	for _, name := range names {
		for _, prefix := range prefixes {
			if strings.HasPrefix(filepath.Base(name), prefix) {
				b, err := os.ReadFile(name)
				if err != nil {
					f.Fatal(err)
				}
				f.Add(b)
			}
		}
	}
	f.Add([]byte(`{"head":{"code":0,"applyStatus":"SUCCESS"},"body":{"acquireOrder":{}}}`))
	f.Add([]byte(`{"a":1,"a":2}`))
	f.Add([]byte("{\"\xff\":null}"))
}

func FuzzReply(f *testing.F) {
	seed(f, "create_order.", "get_order.paid", "refund.", "refund_query.", "error.", "revoke_order.")
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, op := range []Operation{OpCreate, OpRefund} {
			// Unsigned, whatever it says, it must never become a reply.
			r, err := answer{status: 200, raw: raw}.reply(op, numbers{}, gatewayKeys())
			if r != nil || !errors.Is(err, ErrOutcomeUnknown) {
				t.Fatalf("unsigned: %+v, %v", r, err)
			}
			head, body, err := envelope(raw)
			if err != nil {
				if !errors.Is(err, ErrMalformed) {
					t.Fatal(err)
				}
				continue
			}
			_ = Classify(op, head.ApplyStatus, head.Code, head.Msg)
			reply := &Reply{Op: op}
			if err := reply.read(body, numbers{}); err != nil {
				if !errors.Is(err, ErrMalformed) {
					t.Fatal(err)
				}
				continue
			}
			if op == OpRefund {
				sensible(t, reply.Refund.RefundMerchantOrderNo, string(reply.Refund.Status), reply.Refund.Amount)
				continue
			}
			sensible(t, reply.Order.MerchantOrderNo, string(reply.Order.Status), reply.Order.TotalAmount)
			b, err := encodeJSON(reply.Order)
			if err != nil {
				t.Fatal(err)
			}
			var again Order
			if err := again.UnmarshalJSON(b); err != nil || again.TotalAmount != reply.Order.TotalAmount || again.Status != reply.Order.Status ||
				(again.PaymentInfo == nil) != (reply.Order.PaymentInfo == nil) || again.Revoked != reply.Order.Revoked {
				t.Fatalf("%s read back as %+v, %v", b, again, err)
			}
		}
	})
}

func sensible(t *testing.T, number, status string, m Money) {
	t.Helper()
	if number == "" || status == "" || m.Amount < 0 || m.Amount > MaxAmount {
		t.Fatalf("%q %q %v", number, status, m)
	}
}

func FuzzNotification(f *testing.F) {
	seed(f, "notify.")
	f.Fuzz(func(t *testing.T, raw []byte) {
		if n, err := ReadNotification(gatewayKeys(), "AAAA", raw); n != nil || !errors.Is(err, ErrSignature) && !errors.Is(err, ErrTooLarge) {
			t.Fatalf("unverified: %+v, %v", n, err)
		}
		n, err := readNotification(raw)
		if err != nil {
			if n != nil || !errors.Is(err, ErrMalformed) {
				t.Fatalf("%+v, %v", n, err)
			}
			return
		}
		if n.Order != nil {
			sensible(t, n.Order.MerchantOrderNo, string(n.Order.Status), n.Order.TotalAmount)
		}
		if n.Refund != nil {
			sensible(t, n.Refund.RefundMerchantOrderNo, string(n.Refund.Status), n.Refund.Amount)
		}
	})
}

func FuzzParseFils(f *testing.F) {
	for _, s := range []string{"0", "1.00", "126.0", "999999999999.99", "1E+3", "1e-2", "-1", "0.001", "00", "1.", "1e", "9e11"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseFils(s)
		if err != nil {
			if n != 0 || !errors.Is(err, ErrMalformed) {
				t.Fatalf("%q: %d, %v", s, n, err)
			}
			return
		}
		if n < 0 || n > MaxAmount {
			t.Fatalf("%q: %d", s, n)
		}
		if back, err := ParseFils(n.String()); err != nil || back != n {
			t.Fatalf("%q: %d came back as %d, %v", s, n, back, err)
		}
	})
}

func FuzzKeyImport(f *testing.F) {
	for _, name := range []string{"merchant_test_public.pem", "payby_test_public.pem"} {
		b, err := os.ReadFile(filepath.Join("testdata", "signing", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")))
	}
	private, err := EncodePrivateKey(merchantKey())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(private)
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"))
	f.Add([]byte("-----BEGIN ENCRYPTED PRIVATE KEY----------END ENCRYPTED PRIVATE KEY-----"))
	f.Add([]byte("MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"))
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := ParsePrivateKey(data)
		if (key == nil) == (err == nil) || key != nil && key.N.BitLen() < MinKeyBits {
			t.Fatalf("private: %v", err)
		}
		public, err := ParsePublicKey(data)
		if (public == nil) == (err == nil) || public != nil && public.N.BitLen() < MinKeyBits {
			t.Fatalf("public: %v", err)
		}
		var ke *KeyError
		if err != nil && !errors.As(err, &ke) {
			t.Fatalf("%T", err)
		}
	})
}
