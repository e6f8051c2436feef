// Package payby speaks the acquiring API of PayBy.
package payby

import (
	"context"
	"crypto"
	"crypto/rsa"
	"errors"
	"net/http"
	"time"
)

// Client calls the gateway.
type Client struct {
	BaseURL     string           // such as https://api.payby.com/sgs/api
	PartnerID   string           // the merchant's MID
	Signer      crypto.Signer    // the merchant's RSA key
	Keys        []*rsa.PublicKey // the gateway's keys
	HTTP        *http.Client
	MaxResponse int64 // bytes, MaxBody when 0
}

// Head is the head of an answer (protocol.md §3.2).
type Head struct {
	ApplyStatus string `json:"applyStatus"`
	Code        string `json:"code"`
	Msg         string `json:"msg"`
	TraceCode   string `json:"traceCode,omitempty"`
}

// Reply is a verified answer with code 0.
type Reply struct {
	Op       Operation
	Raw      []byte // the exact body bytes
	Head     Head
	Date     time.Time // the Date header in UTC, zero if absent
	Order    *Order    // create, get, cancel, revoke, expiry
	TokenURL string    // create: the QR text, "" when there was none
	Refund   *RefundOrder
	Summary  *RefundSummary
}

// Call sends one request.
func (c *Client) Call(ctx context.Context, op Operation, biz []byte, requestTime time.Time) (*Reply, error) {
	return nil, &Error{Op: op, Class: ClassCallerBug, Unsent: true, Err: errors.New("payby: not written yet")}
}

func safeText(err error) string { return err.Error() }
