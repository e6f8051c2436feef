package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/payby"
)

func writeKeys(t *testing.T) (dir string, merchant *rsa.PrivateKey) {
	t.Helper()
	dir = t.TempDir()
	merchant, err := payby.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := payby.EncodePublicKey(&merchant.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "merchant.pub"), public, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, merchant
}

func goodFlags(dir string, more ...string) []string {
	return append([]string{
		"--listen", "127.0.0.1:0", "--partner-id", "200000000888",
		"--merchant-public-key", filepath.Join(dir, "merchant.pub"), "--key", filepath.Join(dir, "gateway.pem"),
	}, more...)
}

func TestRun_BadUseIsOneLineAndExit2(t *testing.T) {
	dir, _ := writeKeys(t)
	rubbish := filepath.Join(dir, "rubbish")
	if err := os.WriteFile(rubbish, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args   []string
		reason string
	}{
		"nothing":        {nil, "--listen is missing"},
		"unknown flag":   {goodFlags(dir, "--fast"), "fast"},
		"argument":       {goodFlags(dir, "now"), "unexpected argument"},
		"mode":           {goodFlags(dir, "--mode", "loose"), "--mode"},
		"scale 0":        {goodFlags(dir, "--clock-scale", "0"), "--clock-scale"},
		"scale text":     {goodFlags(dir, "--clock-scale", "x"), "clock-scale"},
		"repeat":         {goodFlags(dir, "--repeat-create", "maybe"), "--repeat-create"},
		"cut-off":        {goodFlags(dir, "--cut-off", "4 o'clock"), "--cut-off"},
		"cut-off 24":     {goodFlags(dir, "--cut-off", "24:00"), "--cut-off"},
		"layout":         {goodFlags(dir, "--statement-layout", "v3"), "--statement-layout"},
		"settle-after":   {goodFlags(dir, "--settle-after", "-1s"), "--settle-after"},
		"listen":         {goodFlags(dir, "--listen", "8080"), "--listen"},
		"partner":        {goodFlags(dir, "--partner-id", "1234567890123"), "--partner-id"},
		"public url":     {goodFlags(dir, "--public-url", "x"), "public URL"},
		"no key file":    {goodFlags(dir, "--merchant-public-key", filepath.Join(dir, "none")), "--merchant-public-key"},
		"no public key":  {goodFlags(dir, "--merchant-public-key", rubbish), "--merchant-public-key"},
		"no private key": {goodFlags(dir, "--key", rubbish), "--key"},
		"no key folder":  {goodFlags(dir, "--key", filepath.Join(dir, "none", "key")), "--key"},
	} {
		var out, errs bytes.Buffer
		status := run(context.Background(), c.args, &out, &errs)
		if status != 2 || out.Len() > 0 || strings.Count(errs.String(), "\n") != 1 || !strings.Contains(errs.String(), c.reason) {
			t.Errorf("%s: exit %d, %q, %q", name, status, out.String(), errs.String())
		}
	}
}

func TestRun_Help(t *testing.T) {
	var out, errs bytes.Buffer
	if status := run(context.Background(), []string{"--help"}, &out, &errs); status != 0 || !strings.Contains(out.String(), "--merchant-public-key") {
		t.Errorf("exit %d, %q, %q", status, out.String(), errs.String())
	}
}

func TestRun_PortTaken(t *testing.T) {
	dir, _ := writeKeys(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	var out, errs bytes.Buffer
	status := run(context.Background(), goodFlags(dir, "--listen", taken.Addr().String()), &out, &errs)
	if status != 1 || !strings.Contains(errs.String(), "cannot listen") || strings.Count(errs.String(), "\n") != 1 {
		t.Errorf("exit %d, %q", status, errs.String())
	}
}

func TestRun_ServesAndEnds(t *testing.T) {
	dir, merchant := writeKeys(t)
	for _, start := range []string{"first start makes the key", "second start finds it"} {
		t.Run(start, func(t *testing.T) {
			ctx, stop := context.WithCancel(context.Background())
			read, write := io.Pipe()
			ended := make(chan int, 1)
			go func() {
				ended <- run(ctx, goodFlags(dir, "--quiet", "--cut-off", "04:00", "--statement-layout", "v2"), write, io.Discard)
			}()
			line, err := bufio.NewReader(read).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			m := regexp.MustCompile(`^sandbox (http://127\.0\.0\.1:\d+)\n$`).FindStringSubmatch(line)
			if m == nil {
				t.Fatalf("printed %q", line)
			}
			createAndLook(t, dir, m[1], merchant)
			stop()
			if status := <-ended; status != 0 {
				t.Errorf("exit %d", status)
			}
			if _, err := http.Get(m[1]); err == nil {
				t.Error("still answers")
			}
		})
	}
	info, err := os.Stat(filepath.Join(dir, "gateway.pem"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file %v %v", info, err)
	}
}

func createAndLook(t *testing.T, dir, base string, merchant *rsa.PrivateKey) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "gateway.pem.pub"))
	if err != nil {
		t.Fatal(err)
	}
	gateway, err := payby.ParsePublicKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	client := payby.Client{BaseURL: base + "/sgs/api", PartnerID: "200000000888", Signer: merchant, Keys: []*rsa.PublicKey{gateway}}
	biz, err := payby.Encode(payby.CreateOrder{MerchantOrderNo: "S-1", Subject: "x", TotalAmount: payby.AED(100), PaySceneCode: payby.SceneDYNQR})
	if err != nil {
		t.Fatal(err)
	}
	reply, err := client.Call(t.Context(), payby.OpCreate, biz, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	closeAndDownload(t, base, &client)
	if !strings.HasPrefix(reply.TokenURL, base+"?BIZ_TYPE=202&ft=") {
		t.Errorf("tokenUrl %q", reply.TokenURL)
	}
	resp, err := http.Get(reply.TokenURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("payer page: %d", resp.StatusCode)
	}
}

// closeAndDownload pays and gets today's statement, in the layout that goodFlags ask for.
func closeAndDownload(t *testing.T, base string, client *payby.Client) {
	t.Helper()
	// With the cut-off at 04:00 the statement day is the one of four hours ago.
	today := time.Now().In(time.FixedZone("+04", 4*60*60)).Add(-4 * time.Hour).Format("20060102")
	for path, body := range map[string]string{"pay": `{"merchantOrderNo":"S-1"}`, "statement": `{"date":"` + today + `"}`} {
		resp, err := http.Post(base+"/_control/"+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d", path, resp.StatusCode)
		}
	}
	var file bytes.Buffer
	if _, err := client.DownloadStatement(t.Context(), payby.StatementQuery{StatementDate: today}, time.Now(), &file); err != nil {
		t.Fatal(err)
	}
	s, err := payby.OpenStatement(bytes.NewReader(file.Bytes()), int64(file.Len()), payby.StatementOptions{PartnerID: client.PartnerID})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := s.TransactionSummary()
	if err != nil || sum.Version != payby.StatementV2 || sum.TotalCount != 1 || sum.Start.Format("15:04") != "04:00" {
		t.Errorf("%+v %v", sum, err)
	}
}

func TestAddresses_EveryInterfaceMeansLoopbackHereAndTheNetworkForPhones(t *testing.T) {
	here, phones := addresses(&net.TCPAddr{IP: net.IPv4zero, Port: 8080})
	if here != "127.0.0.1:8080" || phones != localAddress().String()+":8080" {
		t.Errorf("%s and %s", here, phones)
	}
	if here, phones = addresses(&net.TCPAddr{IP: net.IPv6unspecified, Port: 1}); here != "127.0.0.1:1" {
		t.Errorf("%s and %s", here, phones)
	}
	here, phones = addresses(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080})
	if here != "127.0.0.1:8080" || phones != here {
		t.Errorf("%s and %s", here, phones)
	}
}
