package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/skip2/go-qrcode"
	"golang.org/x/term"

	"github.com/filspos/fils/relay/server"
)

const (
	adminTimeout = 30 * time.Second
	maxAnswer    = 64 << 20 // a list of 100,000 tills fits
	maxProof     = 1 << 10
)

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// administer executes one admin command at the relay that is running.
func administer(ctx context.Context, s *settings, noun string, words []string, c console) error {
	verb := ""
	if len(words) > 0 {
		verb, words = words[0], words[1:]
	}
	wanted, ok := map[string]string{
		"merchant add": "ID", "merchant list": "", "merchant remove": "ID",
		"till add": "MERCHANT TILL", "till list": "", "till rotate": "MERCHANT TILL", "till revoke": "MERCHANT TILL",
	}[noun+" "+verb]
	switch count := len(strings.Fields(wanted)); {
	case !ok && noun == "merchant":
		return fmt.Errorf("merchant is followed by add, list or remove; %w", errUsage)
	case !ok:
		return fmt.Errorf("till is followed by add, list, rotate or revoke; %w", errUsage)
	case count == 0 && len(words) > 0:
		return fmt.Errorf("%s %s takes no %q; %w", noun, verb, words[0], errUsage)
	case count != len(words):
		return fmt.Errorf("%s %s is followed by %s and nothing else but flags; %w", noun, verb, wanted, errUsage)
	}
	a, err := newAdmin(s)
	if err != nil {
		return err
	}
	if err := a.meet(ctx); err != nil {
		return err
	}
	switch noun + " " + verb {
	case "merchant add":
		return a.addMerchant(ctx, words[0], s.key, c.out)
	case "merchant list":
		return a.listMerchants(ctx, c.out)
	case "merchant remove":
		path := "/v1/merchants/" + url.PathEscape(words[0])
		if len(s.key) > 0 {
			path += "?key=" + url.QueryEscape(s.key[0])
		}
		return a.do(ctx, http.MethodDelete, path, nil, nil)
	case "till list":
		return a.listTills(ctx, c.out)
	case "till add":
		ask := server.AddTillRequest{Merchant: words[0], Till: words[1], Succeeds: s.succeeds}
		return a.code(ctx, "/v1/tills", ask, c)
	case "till rotate":
		return a.code(ctx, "/v1/tills/"+url.PathEscape(words[0])+"/"+url.PathEscape(words[1])+"/rotate", nil, c)
	}
	return a.do(ctx, http.MethodPost, "/v1/tills/"+url.PathEscape(words[0])+"/"+url.PathEscape(words[1])+"/revoke", nil, nil)
}

// adminClient calls the admin handler of the running relay.
type adminClient struct {
	base, token string
	client      *http.Client
}

func newAdmin(s *settings) (adminClient, error) {
	file := s.tokenFile()
	if file == "" {
		return adminClient{}, fmt.Errorf("give --data or --admin-token-file, as for fils-relay serve; %w", errUsage)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return adminClient{}, fmt.Errorf("admin token: %w (the relay makes it when it first starts; you may have to be root)", err)
	}
	return adminClient{
		base: "http://" + s.adminListen, token: strings.TrimSpace(string(data)),
		// Never by a proxy: the token is for this machine.
		client: &http.Client{Timeout: adminTimeout, Transport: &http.Transport{DisableKeepAlives: true}},
	}, nil
}

// meet has the relay prove that it knows the token before it is told it.
func (a adminClient) meet(ctx context.Context) error {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	nonce := hex.EncodeToString(random[:])
	resp, err := a.send(ctx, http.MethodGet, server.AdminProofPath+"?nonce="+nonce, "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var shown server.ProofAnswer
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxProof))
	if err == nil {
		err = json.Unmarshal(data, &shown)
	}
	if err != nil || !hmac.Equal([]byte(shown.Proof), []byte(server.AdminProof(server.HashToken(a.token), nonce))) {
		return fmt.Errorf("what answers at %s does not know the admin token: another program, or a relay of another version or directory; nothing was asked of it", a.base)
	}
	return nil
}

// send sends one request, with the token unless it is "".
func (a adminClient) send(ctx context.Context, method, path, token string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, body)
	if err != nil {
		return nil, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no relay answers at %s; is it running? (%w)", a.base, err)
	}
	return resp, nil
}

// do sends one request and reads its answer into result, unless that is nil.
func (a adminClient) do(ctx context.Context, method, path string, ask, result any) error {
	var body io.Reader
	if ask != nil {
		data, err := json.Marshal(ask)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	resp, err := a.send(ctx, method, path, a.token, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		var p server.ProblemAnswer
		if json.Unmarshal(data, &p) != nil || p.Problem == "" {
			return fmt.Errorf("the relay answered with status %d", resp.StatusCode)
		}
		return fmt.Errorf("%s", p.Problem)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(data, result)
}

func (a adminClient) addMerchant(ctx context.Context, id string, files []string, out io.Writer) error {
	ask := server.AddMerchantRequest{ID: id}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("PayBy key: %w", err)
		}
		ask.Keys = append(ask.Keys, string(data))
	}
	if err := a.do(ctx, http.MethodPost, "/v1/merchants", ask, nil); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, "merchant", id)
	return err
}

func (a adminClient) listMerchants(ctx context.Context, out io.Writer) error {
	var merchants []server.MerchantInfo
	if err := a.do(ctx, http.MethodGet, "/v1/merchants", nil, &merchants); err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "MERCHANT\tPAYBY KEYS")
	for _, m := range merchants {
		fmt.Fprintf(table, "%s\t%s\n", m.ID, strings.Join(m.Keys, " "))
	}
	return table.Flush()
}

func (a adminClient) listTills(ctx context.Context, out io.Writer) error {
	var tills []server.TillInfo
	if err := a.do(ctx, http.MethodGet, "/v1/tills", nil, &tills); err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "MERCHANT\tTILL\tSTATE\tLAST SEEN HERE\tNOTIFY URL")
	for _, t := range tills {
		state := "retired"
		switch {
		case t.Paired && !t.CodeUntil.IsZero():
			state = "paired, new code until " + t.CodeUntil.Format(time.RFC3339)
		case t.Paired:
			state = "paired"
		case !t.CodeUntil.IsZero():
			state = "code until " + t.CodeUntil.Format(time.RFC3339)
		}
		if t.TookOver != "" {
			state += ", took over " + t.TookOver
		}
		seen := "-"
		if !t.LastSeen.IsZero() {
			seen = t.LastSeen.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", t.Merchant, t.Till, state, seen, t.NotifyURL)
	}
	return table.Flush()
}

// code asks for a pairing code and prints it with its QR code.
func (a adminClient) code(ctx context.Context, path string, ask any, c console) error {
	var got server.CodeAnswer
	if err := a.do(ctx, http.MethodPost, path, ask, &got); err != nil {
		return err
	}
	qr, err := qrcode.New(got.Code, qrcode.Low)
	if err != nil {
		return err
	}
	picture := qr.ToSmallString(false)
	if c.terminal { // dark on light, whatever the terminal's colours are
		var b strings.Builder
		for line := range strings.Lines(picture) {
			b.WriteString("\x1b[97;40m" + strings.TrimRight(line, "\n") + "\x1b[0m\n")
		}
		picture = b.String()
	}
	_, err = fmt.Fprintf(c.out, "%s\n%s\nGood for one till, until %s. Whoever has it can be that till. There, fils pair takes it.\n",
		picture, got.Code, got.Expires.Format(time.RFC3339))
	return err
}
