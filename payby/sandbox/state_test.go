package sandbox

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
)

// restart is a second gateway on the same file and at the same instant, as after a kill:
// the first one is not closed.
func restart(t *testing.T, old *bench, change ...func(*Options)) *bench {
	t.Helper()
	return newBench(t, append([]func(*Options){func(o *Options) {
		o.Clock = old.clock
		o.StateFile = old.g.state.file.Name()
	}}, change...)...)
}

func stateBench(t *testing.T) (*bench, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gateway.jsonl")
	b := newBench(t, func(o *Options) { o.StateFile = path })
	return b, path
}

func TestState_KilledAndRestartedFindsEverything(t *testing.T) {
	b, path := stateBench(t)
	token := b.tokenOf(sale("open", 100))
	for _, no := range []string{"paid", "revoked", "settled", "refunded"} {
		b.must(payby.OpCreate, sale(no, 12600))
		b.command("pay", `{"merchantOrderNo":"`+no+`"}`)
	}
	b.must(payby.OpRevoke, payby.OrderRef{MerchantOrderNo: "revoked"})
	b.command("settle", `{"merchantOrderNo":"settled"}`)
	b.must(payby.OpRefund, refundOf("refunded", "R-1", 2600))
	b.must(payby.OpCreate, sale("cancelled", 100))
	b.must(payby.OpCancel, payby.OrderRef{MerchantOrderNo: "cancelled"})
	want := b.g.Orders()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file %v %v", info.Mode(), err)
	}

	after := restart(t, b)
	after.clock = b.clock
	got := after.g.Orders()
	if len(got) != len(want) {
		t.Fatalf("%d orders of %d", len(got), len(want))
	}
	for i := range want {
		w, g := want[i], got[i]
		if g.MerchantOrderNo != w.MerchantOrderNo || g.OrderNo != w.OrderNo || g.Status != w.Status || g.PaidFils != w.PaidFils ||
			g.PaidTime != w.PaidTime || g.Revoked != w.Revoked || g.TokenURL != w.TokenURL || g.ExpiredTime != w.ExpiredTime || len(g.Refunds) != len(w.Refunds) {
			t.Errorf("was %+v\n is %+v", w, g)
		}
	}
	again := after.must(payby.OpCreate, sale("open", 100))
	if !strings.HasSuffix(again.TokenURL, token[strings.Index(token, "?"):]) {
		t.Errorf("token %q became %q", token, again.TokenURL)
	}
	if _, err := after.call(payby.OpCreate, sale("open", 101)); code(t, err) != "62016" {
		t.Errorf("other content: %v", err)
	}
	if _, err := after.call(payby.OpRefund, refundOf("refunded", "R-1", 2601)); code(t, err) != "62017" {
		t.Errorf("other refund: %v", err)
	}
	// A refund on its way goes on by the clock.
	after.clock.Advance(4 * time.Second)
	if got := after.must(payby.OpRefundQuery, payby.RefundRef{RefundMerchantOrderNo: "R-1"}).Refund.Status; got != payby.RefundSuccess {
		t.Errorf("refund is %s", got)
	}
}

func TestState_IsWrittenBeforeTheAnswer(t *testing.T) {
	b, path := stateBench(t)
	b.must(payby.OpCreate, sale("S-1", 100))
	raw, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(raw), `"no":"S-1"`) {
		t.Errorf("%s %v", raw, err)
	}
}

func TestState_UnwritableFileIsNeverAPromise(t *testing.T) {
	b, _ := stateBench(t)
	if err := b.g.state.file.Close(); err != nil {
		t.Fatal(err)
	}
	b.g.state.file, _ = os.Open(os.DevNull) // a file that refuses writes
	if _, err := b.call(payby.OpCreate, sale("S-1", 100)); code(t, err) != "500" {
		t.Errorf("create: %v", err)
	}
	if _, err := b.call(payby.OpGet, payby.OrderRef{MerchantOrderNo: "S-1"}); code(t, err) != "500" {
		t.Errorf("get: %v", err)
	}
}

func TestState_DamageAtTheEndIsIgnoredElsewhereNamed(t *testing.T) {
	b, path := stateBench(t)
	for _, no := range []string{"S-1", "S-2"} {
		b.must(payby.OpCreate, sale(no, 100))
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	firstLine := good[:bytes.IndexByte(good, '\n')+1]
	for _, c := range []struct {
		name string
		file []byte
		left int
		err  string
	}{
		{"whole", good, 2, ""},
		{"cut in the last line", good[:len(good)-20], 1, ""},
		{"without the last line end", good[:len(good)-1], 1, ""},
		{"rubbish as last line", append(bytes.Clone(good), "rubbish\n"...), 2, ""},
		{"rubbish in between", append(append(bytes.Clone(firstLine), "rubbish\n"...), good[len(firstLine):]...), 0, "line 2"},
		{"unknown status", bytes.Replace(good, []byte("CREATED"), []byte("LOST"), 1), 0, "unknown status"},
		{"empty", nil, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "gateway.jsonl")
			if err := os.WriteFile(file, c.file, 0o600); err != nil {
				t.Fatal(err)
			}
			g, err := New(Options{Key: keys().gateway, Clock: b.clock, StateFile: file, Merchants: []Merchant{{ID: partner, Keys: b.g.merchants[partner].keys}}})
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v", err)
				}
				if now, _ := os.ReadFile(file); !bytes.Equal(now, c.file) {
					t.Error("the damaged file was changed")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = g.Close() }()
			if n := len(g.Orders()); n != c.left {
				t.Errorf("%d orders", n)
			}
		})
	}
}

func TestState_CompactsAndForgetsTheOldest(t *testing.T) {
	b, path := stateBench(t)
	b.must(payby.OpCreate, sale("old", 100))
	b.clock.Advance(keptFor / 2)
	b.must(payby.OpCreate, sale("young", 100))
	for range 5 {
		b.command("decline", `{"merchantOrderNo":"young"}`)
	}
	b.clock.Advance(keptFor/2 + time.Second)
	after := restart(t, b)
	if got := after.g.Orders(); len(got) != 1 || got[0].MerchantOrderNo != "young" || got[0].Declined != 5 {
		t.Errorf("orders %+v", got)
	}
	raw, err := os.ReadFile(path)
	if err != nil || bytes.Count(raw, []byte("\n")) != 1 {
		t.Errorf("file %s %v", raw, err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("files %v %v", left, err)
	}
}

func TestState_KeepsAtMostTwentyThousand(t *testing.T) {
	if keptOrders != 20_000 {
		t.Errorf("keeps %d", keptOrders)
	}
	const most = 50
	b, path := stateBench(t)
	b.must(payby.OpCreate, sale("S-1", 100))
	line, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first := b.order("S-1")
	var file bytes.Buffer
	for i := range most + 3 {
		no := strconv.Itoa(i)
		l := bytes.Replace(line, []byte(`"no":"S-1"`), []byte(`"no":"N`+no+`"`), 1)
		l = bytes.Replace(l, []byte(first.OrderNo), []byte("13"+strings.Repeat("0", 16-len(no))+no), 1)
		token := first.TokenURL[strings.Index(first.TokenURL, "ft=")+3:][:32]
		l = bytes.Replace(l, []byte(token), []byte(strings.Repeat("0", 32-len(no))+no), 1)
		file.Write(l)
	}
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	got := restart(t, b, func(o *Options) { o.keep = most }).g.Orders()
	if len(got) != most || got[0].MerchantOrderNo != "N3" {
		t.Errorf("%d orders from %s", len(got), got[0].MerchantOrderNo)
	}
}

// A notification that was on its way when the gateway was killed is delivered by the
// next one, with the same bytes and as often as it is still due.
func TestState_NotificationsSurviveAKill(t *testing.T) {
	b, _ := stateBench(t)
	url, got := b.listener(func(n int) (int, string) {
		if n == 0 {
			return 503, ""
		}
		return accepted(n)
	})
	b.placeAndPay("S-1", url)
	b.must(payby.OpRefund, refundOf("S-1", "R-1", 100))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.g.Run(ctx) }()
	first := b.next(got)
	b.settledLog(1)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if s := b.order("S-1").Notifications; s.Sent != 1 || s.Acked != 0 {
		t.Fatalf("before the kill %+v", s)
	}

	after := restart(t, b)
	after.run()
	b.clock.Advance(2 * time.Minute)
	after.must(payby.OpGet, payby.OrderRef{MerchantOrderNo: "S-1"}) // wakes Run at the new time
	var payments, refunds int
	for range 3 {
		p := after.next(got)
		switch n := after.readNotice(p); {
		case n.Order != nil:
			payments++
			if !bytes.Equal(p.body, first.body) || p.sign != first.sign {
				t.Errorf("was %s\n is %s", first.body, p.body)
			}
		case n.Refund != nil:
			refunds++
		}
	}
	after.settledLog(3)
	if s := after.order("S-1").Notifications; payments != 1 || refunds != 2 || s.Sent != 4 || s.Acked != 3 {
		t.Errorf("%d payments, %d refunds, %+v", payments, refunds, s)
	}
	if again := restart(t, after); len(again.g.notices.items) != 0 {
		t.Errorf("%d notifications are sent again", len(again.g.notices.items))
	}
}

// cutOff runs the gateway after prepare, and ends Run while the first
// notification is under way.
func (b *bench) cutOff(prepare func(url string)) {
	b.t.Helper()
	arrived, release := make(chan struct{}), make(chan struct{})
	till := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	b.t.Cleanup(till.Close)
	b.t.Cleanup(func() { close(release) })
	prepare(till.URL)
	ctx, stop := context.WithCancel(b.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.g.Run(ctx) }()
	<-arrived
	stop()
	if err := <-ended; err != nil {
		b.t.Fatal(err)
	}
}

func TestState_ShutdownCostsNoAttempt(t *testing.T) {
	b, _ := stateBench(t)
	b.cutOff(func(url string) { b.placeAndPay("S-1", url) })
	after := restart(t, b)
	at, some := after.g.notices.first()
	if !some || !at.Equal(b.clock.Now()) || after.g.notices.items[0].value.attempt != 0 {
		t.Errorf("next attempt at %v", at)
	}
}
