// Package payby speaks the acquiring API of PayBy (now also Botim Money) for a
// merchant that shows a QR code: orders, their cancel and revoke, refunds and
// notifications.
//
// Start with [Encode], which turns a [CreateOrder] into the bytes to store and
// send, and [Client.Call], which sends them. [ReadNotification] reads what the
// gateway posts to a merchant's URL. Keys come from [ParsePrivateKey] and
// [ParsePublicKey].
//
// What the package promises:
//   - The bytes that are signed are the bytes that are sent.
//   - Nothing is parsed before it is limited in size and, where it carries a
//     signature, verified. Unsigned answers are errors, whatever they say.
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
	// [MaxBody] when not positive.
	MaxResponse int64
}

// DefaultTimeout covers one whole call when Client.HTTP is nil; the vendor's
// Java SDK waits as long (protocol.md §12).
const DefaultTimeout = 10 * time.Second

// maxRequest is far above any bizContent that the field limits allow.
const maxRequest = 256 << 10

// Call sends one request and returns the verified answer with code 0. biz is
// the exact bizContent from [Encode]; it is sent byte for byte. requestTime is
// the gateway's time as far as the caller knows it, fresh for every attempt: at
// more than 15 minutes' distance the gateway refuses the request.
//
// Create, get, cancel, revoke, update expiry, refund and refund query can be
// called. Every failure is an [*Error]; errors.Is with [ErrOutcomeUnknown]
// tells "nobody knows" from "refused". Cancelling ctx after the request has
// left leaves the outcome unknown.
func (c *Client) Call(ctx context.Context, op Operation, biz []byte, requestTime time.Time) (*Reply, error) {
	asked, err := readAsked(op, biz)
	if err != nil {
		return nil, unsent(op, err)
	}
	req, err := c.request(ctx, op, biz, requestTime)
	if err != nil {
		return nil, unsent(op, err)
	}
	a, err := c.exchange(req)
	if err != nil {
		return nil, a.fail(op, err)
	}
	return a.reply(op, asked, c.Keys)
}

func unsent(op Operation, err error) *Error {
	return &Error{Op: op, Class: ClassCallerBug, Unsent: true, Err: err}
}

// request builds the envelope once; the bytes signed are the bytes sent.
func (c *Client) request(ctx context.Context, op Operation, biz []byte, at time.Time) (*http.Request, error) {
	if err := checkBase(c.BaseURL); err != nil {
		return nil, err
	}
	if len(c.Keys) == 0 {
		return nil, fmt.Errorf("%w: no key to verify the answer with", ErrInvalid)
	}
	if !validPartner(c.PartnerID) {
		return nil, fmt.Errorf("%w: the partner id is not 1 to 12 letters or digits", ErrInvalid)
	}
	if at.UnixMilli() <= 0 {
		return nil, fmt.Errorf("%w: no request time", ErrInvalid)
	}
	body := make([]byte, 0, len(biz)+64)
	body = append(body, `{"requestTime":`...)
	body = strconv.AppendInt(body, at.UnixMilli(), 10)
	body = append(body, `,"bizContent":`...)
	body = append(body, biz...)
	body = append(body, '}')
	sign, err := Sign(c.Signer, body)
	if err != nil {
		return nil, err
	}
	address := strings.TrimRight(c.BaseURL, "/") + op.Path()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: the base URL is not an address", ErrInvalid)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Language", "en")
	req.Header.Set("Partner-Id", c.PartnerID)
	req.Header.Set("sign", sign)
	return req, nil
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

// exchange sends req and reads the answer up to the size limit. The answer is
// returned beside an error as far as it came.
func (c *Client) exchange(req *http.Request) (answer, error) {
	var hc http.Client
	if c.HTTP != nil {
		hc = *c.HTTP
	} else {
		hc.Timeout = DefaultTimeout
	}
	hc.Jar = nil
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

	var a answer
	resp, err := hc.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	a.status = resp.StatusCode
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		a.date = date.UTC()
	}
	if a.status != http.StatusOK {
		return a, ErrUnexpected
	}
	if len(resp.Header.Values("Content-Disposition")) > 0 {
		return a, fmt.Errorf("%w: a file", ErrUnexpected)
	}
	signs := resp.Header.Values("sign")
	if len(signs) > 1 {
		return a, fmt.Errorf("%w: more than one", ErrSignature)
	}
	if len(signs) == 1 {
		a.sign = signs[0]
	}
	limit := c.MaxResponse
	if limit <= 0 {
		limit = MaxBody
	}
	a.raw, err = readLimited(resp.Body, limit)
	return a, err
}
