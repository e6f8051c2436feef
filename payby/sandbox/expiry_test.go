package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
)

func (b *bench) extend(no string, to time.Time) (*payby.Reply, error) {
	return b.call(payby.OpExpiry, payby.UpdateExpiry{MerchantOrderNo: no, ExpiredTime: to.UnixMilli()})
}

func TestExpiry_StateByOperation(t *testing.T) {
	const want = "62004 0/CREATED 62089 62089 62089 62089 62089 62089 62089 62089 62089 62089 62089"
	var got []string
	for _, row := range stateRows() {
		b := newBench(t)
		row.make(b, "S-1")
		r, err := b.extend("S-1", b.clock.Now().Add(time.Hour))
		got = append(got, seen(t, r, err))
		t.Logf("%-36s update expiry: %s", row.name, got[len(got)-1])
	}
	if strings.Join(got, " ") != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestExpiry_Limits(t *testing.T) {
	now := storyTime()
	for _, c := range []struct{ name, biz, want string }{
		{"no expiry", `{"merchantOrderNo":"S-1"}`, "400"},
		{"expiry as text", `{"merchantOrderNo":"S-1","expiredTime":"x"}`, "400"},
		{"expiry 0", `{"merchantOrderNo":"S-1","expiredTime":0}`, "400"},
		{"no number", fmt.Sprintf(`{"expiredTime":%d}`, now.Add(time.Hour).UnixMilli()), "400"},
		{"both numbers", fmt.Sprintf(`{"merchantOrderNo":"S-1","orderNo":"13","expiredTime":%d}`, now.Add(time.Hour).UnixMilli()), "400"},
		{"unknown orderNo", fmt.Sprintf(`{"orderNo":"13","expiredTime":%d}`, now.Add(time.Hour).UnixMilli()), "62035"},
		{"now", fmt.Sprintf(`{"merchantOrderNo":"S-1","expiredTime":%d}`, now.UnixMilli()), "62089"},
		{"next ms", fmt.Sprintf(`{"merchantOrderNo":"S-1","expiredTime":%d}`, now.UnixMilli()+1), "0"},
		{"above 48 h", fmt.Sprintf(`{"merchantOrderNo":"S-1","expiredTime":%d}`, now.Add(49*time.Hour).UnixMilli()), "0"},
		{"15 days", fmt.Sprintf(`{"merchantOrderNo":"S-1","expiredTime":%d}`, now.Add(15*24*time.Hour).UnixMilli()), "0"},
		{"above 15 days", fmt.Sprintf(`{"merchantOrderNo":"S-1","expiredTime":%d}`, now.Add(15*24*time.Hour).UnixMilli()+1), "62089"},
	} {
		b := newBench(t)
		b.must(payby.OpCreate, sale("S-1", 100))
		if got, msg := b.sendJSON(payby.OpExpiry, c.biz); got != c.want {
			t.Errorf("%s: %s %s, want %s", c.name, got, msg, c.want)
		}
	}
}

func TestExpiry_IsWhatCounts(t *testing.T) {
	b, _ := stateBench(t)
	o := sale("S-1", 100)
	o.ExpiredTime = b.clock.Now().Add(5 * time.Minute).UnixMilli()
	made := b.must(payby.OpCreate, o)
	later := b.clock.Now().Add(time.Hour)
	r, err := b.call(payby.OpExpiry, payby.UpdateExpiry{OrderNo: made.Order.OrderNo, ExpiredTime: later.UnixMilli()})
	if err != nil || r.Order.ExpiredTime != later.UnixMilli() || r.Order.Status != payby.Created {
		t.Fatalf("%+v %v", r, err)
	}
	b.clock.Advance(30 * time.Minute)
	// The create that made the order is still the same create.
	if again := b.must(payby.OpCreate, o); again.Order.ExpiredTime != later.UnixMilli() || again.TokenURL != made.TokenURL {
		t.Errorf("again %+v", again)
	}
	after := restart(t, b)
	after.clock = b.clock
	after.command("pay", `{"merchantOrderNo":"S-1"}`)
	if got := after.order("S-1"); !got.Paid || got.ExpiredTime != later.UnixMilli() {
		t.Errorf("order %+v", got)
	}
}
