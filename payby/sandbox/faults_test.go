package sandbox

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
)

func TestFaults_EachKindOnEachOperation(t *testing.T) {
	ref := payby.OrderRef{MerchantOrderNo: "S-1"}
	ops := []struct {
		op  payby.Operation
		biz any
		// done tells whether the operation has taken effect.
		done func(b *bench) bool
	}{
		{payby.OpCreate, sale("S-2", 100), func(b *bench) bool { return len(b.g.Orders()) == 2 }},
		{payby.OpCancel, ref, func(b *bench) bool { return b.order("S-1").Status == "FAILURE" }},
		{payby.OpGet, ref, nil},
	}
	kinds := []struct {
		kind     string
		code     string // of the signed answer, "" when there is none
		executed bool
	}{
		{FaultDrop, "", true}, {FaultReset, "", false}, {FaultHTTP500, "", false}, {FaultUnsigned, "", true},
		{FaultBadSign, "", true}, {FaultSystemError, "500", false}, {FaultFailThenOK, "500", false},
		{FaultTimeout504, "504", false}, {FaultRateLimit, "402", false},
	}
	for _, k := range kinds {
		for _, o := range ops {
			t.Run(k.kind+" "+string(o.op), func(t *testing.T) {
				b := newBench(t)
				b.must(payby.OpCreate, sale("S-1", 12600))
				b.command("faults", fmt.Sprintf(`[{"operation":%q,"kind":%q,"times":1}]`, o.op, k.kind))
				_, err := b.call(o.op, o.biz)
				var e *payby.Error
				if !errors.As(err, &e) {
					t.Fatalf("the call went through: %v", err)
				}
				if e.Code != k.code || e.Signed != (k.code != "") {
					t.Errorf("code %q signed %v: %v", e.Code, e.Signed, err)
				}
				if k.code == "" && !errors.Is(err, payby.ErrOutcomeUnknown) {
					t.Errorf("outcome is not unknown: %v", err)
				}
				if o.done != nil && o.done(b) != k.executed {
					t.Errorf("executed: %v", o.done(b))
				}
				if _, err := b.call(payby.OpGet, ref); err != nil {
					t.Errorf("the next call: %v", err)
				}
			})
		}
	}
}

func TestFaults_TimesOrderAndClearing(t *testing.T) {
	b := newBench(t)
	b.must(payby.OpCreate, sale("S-1", 12600))
	get := func() string {
		_, err := b.call(payby.OpGet, payby.OrderRef{MerchantOrderNo: "S-1"})
		return code(t, err)
	}
	b.command("faults", `[{"operation":"get","kind":"fail_then_ok","times":2},{"operation":"all","kind":"timeout504"}]`)
	got := []string{get(), get(), get(), get()}
	if fmt.Sprint(got) != "[500 500 504 0]" {
		t.Errorf("answers %v", got)
	}
	b.command("faults", `{"operation":"get","kind":"rate_limit","times":-1}`)
	got = []string{get(), get(), get()}
	b.command("faults", `[]`)
	if got = append(got, get()); fmt.Sprint(got) != "[402 402 402 0]" {
		t.Errorf("answers %v", got)
	}
}

func TestFaults_ExecutedCanBeChosen(t *testing.T) {
	b := newBench(t)
	b.command("faults", `{"operation":"create","kind":"system_error","executed":true}`)
	if _, err := b.call(payby.OpCreate, sale("S-1", 100)); code(t, err) != "500" {
		t.Fatal(err)
	}
	if got := b.must(payby.OpGet, payby.OrderRef{MerchantOrderNo: "S-1"}).Order.Status; got != payby.Created {
		t.Errorf("order is %s", got)
	}
	b.command("faults", `{"operation":"create","kind":"drop","executed":false}`)
	if _, err := b.call(payby.OpCreate, sale("S-2", 100)); !errors.Is(err, payby.ErrOutcomeUnknown) {
		t.Fatal(err)
	}
	if _, err := b.call(payby.OpGet, payby.OrderRef{MerchantOrderNo: "S-2"}); code(t, err) != "62004" {
		t.Errorf("S-2: %v", err)
	}
}

func TestFaults_DelayHoldsTheAnswerBack(t *testing.T) {
	b := newBench(t)
	b.command("faults", `{"operation":"create","kind":"delay","delay_ms":3000}`)
	done := make(chan error, 1)
	go func() {
		raw, err := payby.Encode(sale("S-1", 100))
		if err == nil {
			_, err = b.client.Call(t.Context(), payby.OpCreate, raw, storyTime())
		}
		done <- err
	}()
	for b.clock.waiting() == 0 {
		select {
		case err := <-done:
			t.Fatalf("answered at once: %v", err)
		default:
		}
	}
	if n := len(b.g.Orders()); n != 1 {
		t.Errorf("%d orders while the answer waits", n)
	}
	b.clock.Advance(3 * time.Second)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func (c *manualClock) waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.timers)
}

func TestFaults_ResetIsAReset(t *testing.T) {
	b := newBench(t)
	b.command("faults", `{"operation":"get","kind":"reset"}`)
	_, err := b.call(payby.OpGet, payby.OrderRef{MerchantOrderNo: "S-1"})
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%v", err)
	}
}

func TestFaults_BadSignCarriesASignThatFails(t *testing.T) {
	b := newBench(t)
	b.must(payby.OpCreate, sale("S-1", 100))
	b.command("faults", `{"operation":"get","kind":"bad_sign"}`)
	body := fmt.Sprintf(`{"requestTime":%d,"bizContent":{"merchantOrderNo":"S-1"}}`, storyTime().UnixMilli())
	resp, raw := b.send("/sgs/api"+payby.OpGet.Path(), []byte(body), keys().merchant, nil)
	if got, _ := headOf(t, raw); got != "0" || resp.Header.Get("sign") == "" {
		t.Fatalf("%s %v", raw, resp.Header)
	}
	if payby.Verify([]*rsa.PublicKey{b.g.PublicKey()}, raw, resp.Header.Get("sign")) == nil {
		t.Error("it verifies")
	}
}

func TestFaults_AForgedCallUsesNoneUp(t *testing.T) {
	b := newBench(t)
	b.must(payby.OpCreate, sale("S-1", 100))
	b.command("faults", `{"operation":"get","kind":"system_error"}`)
	b.send("/sgs/api"+payby.OpGet.Path(), []byte(`{}`), keys().stranger, nil)
	if _, err := b.call(payby.OpGet, payby.OrderRef{MerchantOrderNo: "S-1"}); code(t, err) != "500" {
		t.Error(err)
	}
}

func TestFaults_BadOnesAreRefusedWithAReason(t *testing.T) {
	b := newBench(t)
	for body, reason := range map[string]string{
		`{"operation":"get","kind":"explode"}`:                    "no fault",
		`{"operation":"got","kind":"drop"}`:                       "unknown operation",
		`{"operation":"notification","kind":"drop"}`:              "no fault",
		`{"operation":"get","kind":"lost"}`:                       "no fault",
		`{"operation":"get","kind":"delay"}`:                      "needs delay_ms",
		`{"operation":"get","kind":"delay","delay_ms":-1}`:        "delay_ms",
		`{"operation":"get","kind":"drop","delay":5}`:             "unknown field",
		`[{"operation":"get","kind":"drop"},{"operation":"get"}]`: "fault 2",
		`{"operation":"get","kind":"unsigned","executed":false}`:  "no choice",
		`"drop"`: "not the JSON",
		``:       "not the JSON",
		`{"operation":"create","kind":"refund_failure"}`:               "no fault",
		`{"operation":"get","kind":"drop"} {"operation":"get"}`:        "not the JSON",
		`[{"operation":"get","kind":"drop"}] x`:                        "not the JSON",
		`{"operation":"get","kind":"delay","delay_ms":99999999999999}`: "delay_ms",
	} {
		status, answer := b.control(http.MethodPost, "/_control/faults", body)
		if status != http.StatusBadRequest || !strings.Contains(answer, reason) {
			t.Errorf("%s: %d %s", body, status, answer)
		}
	}
	if len(b.g.faults) != 0 {
		t.Errorf("faults %+v", b.g.faults)
	}
}

func TestFaults_PaymentRacesACancel(t *testing.T) {
	b := newBench(t)
	b.must(payby.OpCreate, sale("S-1", 12600))
	b.command("pay", `{"merchantOrderNo":"S-1","race":"cancel"}`)
	ref := payby.OrderRef{MerchantOrderNo: "S-1"}
	if got := b.must(payby.OpGet, ref).Order.Status; got != payby.Created {
		t.Errorf("before the cancel: %s", got)
	}
	if _, err := b.call(payby.OpCancel, ref); code(t, err) != "62001" {
		t.Errorf("cancel: %v", err)
	}
	if got := b.must(payby.OpGet, ref).Order.Status; got != payby.PaidSuccess {
		t.Errorf("after the cancel: %s", got)
	}
}
