package fils

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/filspos/fils/payby/sandbox"
	"github.com/filspos/fils/pos"
	"github.com/filspos/fils/pos/setup"
)

// shop is a till without screens and the means to play its customer.
type shop struct {
	t *testing.T
	*station
	ctx context.Context
	dir string
}

func openShop(t *testing.T, o stationOptions) *shop {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	if o.log == nil {
		o.log = slog.New(slog.DiscardHandler)
	}
	s, err := openStation(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &shop{t, s, ctx, o.dir}
}

func (s *shop) await(want func(*pos.View) bool) *pos.View {
	s.t.Helper()
	v, err := await(s.ctx, s.till, want)
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

// charge starts a sale and waits for its QR.
func (s *shop) charge(amount pos.Fils) (pos.SaleNo, string) {
	s.t.Helper()
	no, err := s.till.Charge(s.ctx, pos.ChargeRequest{Amount: amount, Cashier: "Aisha"})
	if err != nil {
		s.t.Fatal(err)
	}
	v := s.await(func(v *pos.View) bool { return v.Front != nil && v.Front.Sale.No == no && v.Front.QR != "" })
	return no, v.Front.QR
}

func (s *shop) awaitWitness(no pos.SaleNo, source pos.Source) pos.Sale {
	s.t.Helper()
	v := s.await(func(v *pos.View) bool {
		return v.Front != nil && v.Front.Sale.No == no && v.Front.Sale.State == pos.SalePaid &&
			slices.ContainsFunc(v.Front.Sale.Witnesses, func(w pos.Witness) bool { return w.Source == source })
	})
	return v.Front.Sale
}

// control calls the sandbox's control API.
func (s *shop) control(name string, body any) []byte {
	s.t.Helper()
	method, data := http.MethodGet, []byte(nil)
	if body != nil {
		method = http.MethodPost
		data, _ = json.Marshal(body)
	}
	req, err := http.NewRequestWithContext(s.ctx, method, s.sandbox+"/_control/"+name, bytes.NewReader(data))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s %s %v", name, resp.Status, answer, err)
	}
	return answer
}

func (s *shop) pay(no pos.SaleNo) {
	s.t.Helper()
	s.control("pay", map[string]any{"merchantOrderNo": no})
}

func (s *shop) orders() []sandbox.OrderState {
	s.t.Helper()
	var list []sandbox.OrderState
	if err := json.Unmarshal(s.control("orders", nil), &list); err != nil {
		s.t.Fatal(err)
	}
	return list
}

// verify checks the journal while the till runs and returns the kinds of its
// events.
func (s *shop) verify(training bool) []string {
	s.t.Helper()
	args := []string{"--data", s.dir}
	if training {
		args = append(args, "--training")
	}
	export := fils(append([]string{"journal", "export"}, args...)...)
	if export.code != 0 || export.err != "" {
		s.t.Fatalf("export: %+v", export)
	}
	var kinds []string
	for line := range strings.Lines(export.out) {
		var e struct {
			Seq  int
			Kind string
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Seq != len(kinds)+1 {
			s.t.Fatalf("line %q: %v", line, err)
		}
		kinds = append(kinds, e.Kind)
	}
	verify := fils(append([]string{"journal", "verify"}, args...)...)
	if verify.code != 0 || verify.err != "" {
		s.t.Fatalf("verify: %+v", verify)
	}
	// Later facts may have come between the two commands.
	first, _, _ := strings.Cut(verify.out, "\n")
	if n, err := strconv.Atoi(strings.TrimSuffix(first, " events")); err != nil || n < len(kinds) {
		s.t.Errorf("verify said %q, export has %d lines", verify.out, len(kinds))
	}
	return kinds
}

func inOrder(kinds []string, want ...pos.Kind) bool {
	for _, k := range kinds {
		if len(want) > 0 && k == string(want[0]) {
			want = want[1:]
		}
	}
	return len(want) == 0
}

func TestTraining_PaidByNotificationAndRefunded(t *testing.T) {
	var log bytes.Buffer
	s := openShop(t, stationOptions{dir: t.TempDir(), training: true,
		log: slog.New(setup.Redact(slog.NewTextHandler(&log, nil)))})
	s.await(func(v *pos.View) bool { return v.Hop.Relay == pos.HopLive && v.Mode == pos.ModeTraining })
	no, qr := s.charge(1234)
	if !strings.HasPrefix(qr, s.sandbox+"?BIZ_TYPE=202&ft=") {
		t.Errorf("the QR is %q", qr)
	}
	list := s.orders()
	if len(list) != 1 || list[0].MerchantOrderNo != string(no) || list[0].TotalFils != 1234 || list[0].TokenURL != qr {
		t.Fatalf("the gateway has %+v", list)
	}
	s.pay(no)
	sale := s.awaitWitness(no, pos.SourceNotification)
	if sale.Payment == nil || sale.Payment.Paid != 1234 || sale.Refundable() != 1234 {
		t.Errorf("the sale is %+v", sale)
	}

	refund, err := s.till.Refund(s.ctx, pos.RefundRequest{Sale: no, Amount: 500, Requester: "Aisha", Approver: "Omar"})
	if err != nil {
		t.Fatal(err)
	}
	s.await(func(v *pos.View) bool { return len(v.RefundsInFlight) == 0 && v.Front.Sale.Refunded == 500 })
	if r, err := s.journal.RefundByNo(s.ctx, refund); err != nil || r.State != pos.RefundDone {
		t.Errorf("the refund is %+v, %v", r, err)
	}
	if sale, err = s.journal.Sale(s.ctx, no); err != nil || sale.Refunded != 500 || sale.Refundable() != 734 {
		t.Errorf("after the refund: %+v, %v", sale, err)
	}
	if kinds := s.verify(true); !inOrder(kinds, pos.JournalBound, pos.SaleIntended, pos.SaleAttempted, pos.SaleOffered,
		pos.SaleWasPaid, pos.RefundIntended, pos.RefundAttempted, pos.RefundArrived) {
		t.Errorf("the journal has %v", kinds)
	}
	s.station.close() // the log is read when nobody writes it
	for _, secret := range []string{qr[strings.Index(qr, "ft=")+3:], sale.Payment.Payer, "PRIVATE"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

func TestTraining_PaidByPollingWithoutNotification(t *testing.T) {
	s := openShop(t, stationOptions{dir: t.TempDir(), training: true})
	s.control("faults", []sandbox.Fault{{Operation: "notification", Kind: sandbox.FaultLost, Times: -1}})
	no, _ := s.charge(250)
	s.control("decline", map[string]any{"merchantOrderNo": no})
	s.pay(no)
	sale := s.awaitWitness(no, pos.SourceQuery)
	if len(sale.Witnesses) != 1 {
		t.Errorf("witnesses are %+v", sale.Witnesses)
	}
}

func TestTraining_KilledTillTakesItsSaleUpAgain(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], dir)
	cmd.Env = append(os.Environ(), roleEnv+"="+roleTill)
	cmd.Stderr = os.Stderr
	hold, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("%v, %v", err, cmd.Wait())
	}
	var before child
	if err := json.Unmarshal(line, &before); err != nil {
		t.Fatal(err)
	}
	if _, err := lockDir(dir); err == nil {
		t.Error("a second till could have opened the same data directory")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed: an error is what it returns

	lock, err := lockDir(dir)
	if err != nil {
		t.Fatalf("the lock outlived its process: %v", err)
	}
	defer lock.Close()
	s := openShop(t, stationOptions{dir: dir, training: true})
	if s.sandbox != before.Sandbox {
		t.Errorf("the practice gateway moved from %s to %s", before.Sandbox, s.sandbox)
	}
	var found *pos.SaleView
	s.await(func(v *pos.View) bool {
		found = v.Front
		for i := range v.Cards {
			if found == nil || found.Sale.No != before.Sale {
				found = &v.Cards[i]
			}
		}
		return found != nil && found.Sale.No == before.Sale && found.QR == before.QR
	})
	if found.Sale.Intent.Amount != childSale {
		t.Errorf("the sale came back as %+v", found.Sale)
	}
	s.till.Show(before.Sale)
	s.pay(before.Sale)
	s.await(func(v *pos.View) bool {
		return v.Front != nil && v.Front.Sale.No == before.Sale && v.Front.Sale.State == pos.SalePaid
	})
	if list := s.orders(); len(list) != 1 || !list[0].Paid {
		t.Errorf("the gateway has %+v", list)
	}
	kinds := s.verify(true)
	if n := len(slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return k != string(pos.SaleIntended) })); n != 1 {
		t.Errorf("charged %d times: %v", n, kinds)
	}
}

func TestTraining_Ports(t *testing.T) {
	dir := t.TempDir()
	first := openShop(t, stationOptions{dir: dir, training: true})
	was := first.sandbox
	if err := first.station.close(); err != nil {
		t.Fatal(err)
	}
	again := openShop(t, stationOptions{dir: dir, training: true})
	if again.sandbox != was {
		t.Errorf("the port changed from %s to %s", was, again.sandbox)
	}
	if err := again.station.close(); err != nil {
		t.Fatal(err)
	}

	taken, err := net.Listen("tcp", strings.TrimPrefix(was, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	moved := openShop(t, stationOptions{dir: dir, training: true})
	if moved.sandbox == was {
		t.Error("two listeners on one port")
	}
	if err := moved.station.close(); err != nil {
		t.Fatal(err)
	}

	_, err = openStation(t.Context(), stationOptions{dir: dir, training: true, listen: taken.Addr().String(), log: slog.New(slog.DiscardHandler)})
	var f *failure
	if !errors.As(err, &f) || f.code != 1 || !strings.Contains(f.text, taken.Addr().String()) {
		t.Errorf("a named port that is taken: %v", err)
	}
	named := openShop(t, stationOptions{dir: dir, training: true, listen: "127.0.0.1:0"})
	if !strings.HasPrefix(named.sandbox, "http://127.0.0.1:") || strings.HasSuffix(named.sandbox, ":0") {
		t.Errorf("the sandbox is at %s", named.sandbox)
	}
}

func TestTraining_OnAllInterfaces(t *testing.T) {
	s := openShop(t, stationOptions{dir: t.TempDir(), training: true, listen: ":0"})
	if !strings.HasPrefix(s.sandbox, "http://127.0.0.1:") {
		t.Errorf("programs are sent to %s", s.sandbox)
	}
	_, qr := s.charge(100)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.sandbox, "http://"), ":")
	if want := "http://" + net.JoinHostPort(networkAddress().String(), port) + "?"; !strings.HasPrefix(qr, want) {
		t.Errorf("the QR %q does not begin with %q", qr, want)
	}
	if list := s.orders(); len(list) != 1 {
		t.Errorf("the gateway has %+v", list)
	}
}

func TestTraining_KeysArePrivateAndKept(t *testing.T) {
	dir := t.TempDir()
	read := func() (string, string) {
		s := openShop(t, stationOptions{dir: dir, training: true})
		if err := s.station.close(); err != nil {
			t.Fatal(err)
		}
		var texts [2]string
		for i, name := range []string{"merchant.pem", "gateway.pem"} {
			path := filepath.Join(dir, trainingDir, name)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v, %v", name, info.Mode(), err)
			}
			texts[i] = string(text)
		}
		return texts[0], texts[1]
	}
	m1, g1 := read()
	m2, g2 := read()
	if m1 != m2 || g1 != g2 || m1 == g1 {
		t.Error("the keys changed between two starts")
	}
}
