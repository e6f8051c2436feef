// Package payby speaks the acquiring API of PayBy (now also Botim Money) for a
// merchant that shows a QR code: orders, their cancel, revoke and expiry,
// refunds, page queries, statements, invoices and notifications.
//
// # Where to start
//
// A [Client] has one method for each operation: [Client.PlaceOrder],
// [Client.GetOrder], [Client.CancelOrder], [Client.RevokeOrder],
// [Client.UpdateExpiry], [Client.ScannedBy], [Client.OrderPayer],
// [Client.PlaceRefund], [Client.GetRefund], [Client.OrderPage],
// [Client.RefundPage], [Client.DownloadStatement],
// [Client.DownloadFundStatement], [Client.DownloadInvoice] and [Client.Echo].
// A program that has to survive a crash between sending and answer stores the
// bytes of [Encode] first and sends them, as often as it takes, with
// [Client.Call]: the methods are Encode and Call in one step.
//
// [ReadNotification] reads what the gateway posts to a merchant's URL, and
// [OpenStatement] the statements of a downloaded file. Keys
// come from [ParsePrivateKey] and [ParsePublicKey]. [ClockOffset] compares the
// gateway's clock with the local one.
//
// # What the package promises
//
//   - The bytes that are signed are the bytes that are sent.
//   - Nothing is parsed before it is limited in size and, where it carries a
//     signature, verified. Unsigned answers are errors, whatever they say; the
//     files of the download methods are the one exception of the protocol.
//   - Money is whole fils, read and written exactly; there is no float.
//   - A second value cannot hide behind a check: members are read by their
//     exact name, and an object that names a member twice is refused.
//   - Every failed call tells "refused" from "nobody knows", see
//     [ErrOutcomeUnknown], and error texts are safe to log.
//
// The facts are those of the protocol reference, cited as "protocol.md §n".
package payby

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Client calls the gateway for one merchant. Its fields must not change after
// the first call; calls may then run concurrently. It starts no goroutines and
// keeps no state.
//
// Every method sends one request and repeats nothing. Its requestTime is the
// gateway's time as far as the caller knows it, fresh for every attempt, and
// every failure is an [*Error], as described at [Client.Call]. An *Error with
// Unsent set is about the request and nothing left this process.
type Client struct {
	// BaseURL is the API base, such as https://api.payby.com/sgs/api. Plain
	// http is taken for this machine (loopback) only.
	BaseURL string
	// PartnerID is the merchant's member id (MID), at most 12 characters.
	PartnerID string
	// Signer is the merchant's RSA key.
	Signer crypto.Signer
	// Keys are the gateway's public keys; an answer has to verify under one.
	Keys []*rsa.PublicKey
	// HTTP sends the requests. Its redirect policy and cookie jar are not
	// used: a redirect is never followed. Nil stands for a client with
	// [DefaultTimeout].
	HTTP *http.Client
	// MaxResponse limits an answer's body in bytes after content decoding;
	// [MaxBody] when not positive. Files have MaxDownload instead.
	MaxResponse int64
	// MaxDownload limits a file in bytes after content decoding;
	// [DefaultMaxDownload] when not positive.
	MaxDownload int64
}

// Timeouts of one whole call when Client.HTTP is nil. The vendor's Java SDK
// waits as long as DefaultTimeout (protocol.md §12); files get longer.
const (
	DefaultTimeout  = 10 * time.Second
	DownloadTimeout = 5 * time.Minute
)

// maxRequest is far above any bizContent that the field limits allow.
const maxRequest = 256 << 10

// Call sends one request and returns the verified answer with code 0. biz is
// the exact bizContent from [Encode]; it is sent byte for byte. requestTime is
// the gateway's time as far as the caller knows it, fresh for every attempt: at
// more than 15 minutes' distance the gateway refuses the request.
//
// Every operation can be called but the downloads and the echo, which do not
// answer with signed JSON. Every failure is an [*Error]; errors.Is with
// [ErrOutcomeUnknown] tells "nobody knows" from "refused". Cancelling ctx after
// the request has left leaves the outcome unknown.
func (c *Client) Call(ctx context.Context, op Operation, biz []byte, requestTime time.Time) (*Reply, error) {
	asked, err := readAsked(op, biz)
	if err != nil {
		return nil, unsent(op, err)
	}
	resp, a, err := c.ask(ctx, op, biz, requestTime)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if err := a.receive(resp, c.MaxResponse); err != nil {
		return nil, a.fail(op, err)
	}
	return a.reply(op, asked, c.Keys)
}

// ask sends biz in its envelope and returns the head of an HTTP 200. The caller
// closes the body.
func (c *Client) ask(ctx context.Context, op Operation, biz []byte, at time.Time) (*http.Response, answer, error) {
	if at.UnixMilli() <= 0 {
		return nil, answer{}, unsent(op, fmt.Errorf("%w: no request time", ErrInvalid))
	}
	return c.send(ctx, op, seal(biz, at))
}

// seal builds the envelope. It is built once for an attempt: the bytes signed
// are the bytes sent.
func seal(biz []byte, at time.Time) []byte {
	body := make([]byte, 0, len(biz)+64)
	body = append(body, `{"requestTime":`...)
	body = strconv.AppendInt(body, at.UnixMilli(), 10)
	body = append(body, `,"bizContent":`...)
	body = append(body, biz...)
	return append(body, '}')
}

func unsent(op Operation, err error) *Error {
	return &Error{Op: op, Class: ClassCallerBug, Unsent: true, Err: err}
}

func (c *Client) request(ctx context.Context, op Operation, body []byte) (*http.Request, error) {
	if err := checkBase(c.BaseURL); err != nil {
		return nil, err
	}
	if len(c.Keys) == 0 {
		return nil, fmt.Errorf("%w: no key to verify the answer with", ErrInvalid)
	}
	if !validPartner(c.PartnerID) {
		return nil, fmt.Errorf("%w: the partner id is not 1 to 12 letters or digits", ErrInvalid)
	}
	sign, err := Sign(c.Signer, body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address(c.BaseURL, op), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: the base URL is not an address", ErrInvalid)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", accepted(op))
	req.Header.Set("Content-Language", "en")
	req.Header.Set("Partner-Id", c.PartnerID)
	req.Header.Set("sign", sign)
	return req, nil
}

// address puts an operation's path below the base URL, and the echo's below
// what precedes /sgs/api in it.
func address(base string, op Operation) string {
	base = strings.TrimRight(base, "/")
	if op == OpEcho {
		base = strings.TrimSuffix(base, "/sgs/api")
	}
	return base + op.Path()
}

func checkBase(base string) error {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || strings.ContainsAny(base, "?#") {
		return fmt.Errorf("%w: the base URL is not a plain address", ErrInvalid)
	}
	switch u.Scheme {
	case "https":
		return nil
	case "http":
		ip, err := netip.ParseAddr(u.Hostname())
		if u.Hostname() == "localhost" || err == nil && ip.IsLoopback() {
			return nil
		}
	}
	return fmt.Errorf("%w: the base URL needs https", ErrInvalid)
}

func validPartner(id string) bool {
	for i := range len(id) {
		c := id[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return id != "" && len(id) <= 12
}

// send signs body, sends it and returns the head of an HTTP 200, whose body the
// caller closes. Every error is an [*Error].
func (c *Client) send(ctx context.Context, op Operation, body []byte) (*http.Response, answer, error) {
	var a answer
	req, err := c.request(ctx, op, body)
	if err != nil {
		return nil, a, unsent(op, err)
	}
	var hc http.Client
	if c.HTTP != nil {
		hc = *c.HTTP
	} else {
		hc.Timeout = timeout(op)
	}
	hc.Jar = nil
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

	resp, err := hc.Do(req)
	if err != nil {
		return nil, a, a.fail(op, err)
	}
	a.status = resp.StatusCode
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		a.date = date.UTC()
	}
	if a.status != http.StatusOK {
		_ = resp.Body.Close()
		return nil, a, a.fail(op, ErrUnexpected)
	}
	return resp, a, nil
}

func timeout(op Operation) time.Duration {
	if op.downloads() {
		return DownloadTimeout
	}
	return DefaultTimeout
}

// receive reads an answer that may not be a file, up to the size limit.
func (a *answer) receive(resp *http.Response, limit int64) error {
	if len(resp.Header.Values("Content-Disposition")) > 0 {
		return fmt.Errorf("%w: a file", ErrUnexpected)
	}
	signs := resp.Header.Values("sign")
	if len(signs) > 1 {
		return fmt.Errorf("%w: more than one", ErrSignature)
	}
	if len(signs) == 1 {
		a.sign = signs[0]
	}
	if limit <= 0 {
		limit = MaxBody
	}
	var err error
	a.raw, err = readLimited(resp.Body, limit)
	return err
}
