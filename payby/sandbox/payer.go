package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/filspos/fils/payby"
)

// tokenURLLimit is no published limit; tokens have about 90 characters.
const tokenURLLimit = 1024

type scanBody struct {
	Payer *scanPayer `json:"payer,omitempty"`
}

type scanPayer struct {
	MobileNumberMask string `json:"mobileNumberMask,omitempty"`
}

type payerBody struct {
	Payer payerJSON `json:"payer"`
}

type payerJSON struct {
	PayerMid         string `json:"payerMid,omitempty"`
	MobileNumberMask string `json:"mobileNumberMask,omitempty"`
	DeviceID         string `json:"deviceId,omitempty"`
	IPAddress        string `json:"ipAddress,omitempty"`
}

// cashierURL tells who scanned. What comes before a scan is unpublished; here it is code
// 0 without a payer (protocol.md §9.3).
func (g *Gateway) cashierURL(c *call) (any, *refusal) {
	address := c.biz.required("tokenUrl", tokenURLLimit)
	if c.biz.bad != "" {
		return nil, invalidParameter
	}
	o := g.byTokenURL(address, c.now)
	if o == nil || o.merchant != c.merchant {
		return nil, tokenUnknown
	}
	c.orderNo = o.no
	if o.payment == nil && (o.status != payby.Created || o.expired(c.now)) {
		return nil, tokenUnknown
	}
	if o.scanned == "" {
		return scanBody{}, nil
	}
	return scanBody{&scanPayer{maskNumber(o.scanned, "*")}}, nil
}

// byTokenURL goes by the query: the host depends on who asked for the order.
func (g *Gateway) byTokenURL(address string, now time.Time) *order {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil
	}
	query := u.Query()
	o := g.byCode(query.Get("ft"), now)
	if o == nil || query.Get("BIZ_TYPE") != "202" || query.Get("t") != strconv.FormatInt(o.tokenTime, 10) {
		return nil
	}
	return o
}

// orderPayer tells who paid, or scanned last when nobody has paid yet; before that the
// payer has no members.
func (g *Gateway) orderPayer(c *call) (any, *refusal) {
	o, no := g.find(c)
	if no != nil {
		return nil, no
	}
	payer := o.scanned
	if o.payment != nil {
		payer = o.payment.payer
	}
	if payer == "" {
		return payerBody{}, nil
	}
	h := sha256.Sum256([]byte(payer))
	return payerBody{payerJSON{
		PayerMid: payer, MobileNumberMask: maskNumber(payer, "*******"), DeviceID: hex.EncodeToString(h[:6]),
		// A range reserved for documentation: nobody's address.
		IPAddress: fmt.Sprintf("203.0.113.%d", 1+h[6]%254),
	}}, nil
}

// maskNumber makes up the telephone of a wallet; card payers (anonymousMember) have none.
func maskNumber(payer, hidden string) string {
	n, err := strconv.ParseUint(payer, 10, 64)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("+971-5%c%s%02d", "024586"[n%6], hidden, (n+96)%100)
}

// scan is a wallet opening the code. With changePayer "true" the first one has the order
// to itself from now on (protocol.md §6.2).
func (g *Gateway) scan(o *order, phone string, now time.Time) {
	wallet := payerMid(phone)
	if !o.open(now) || !o.admits(phone) || (o.scanned == wallet && (o.anyPayer || o.boundTo == phone)) {
		return
	}
	o.scanned = wallet
	if !o.anyPayer {
		o.boundTo = phone
	}
	g.recordLocked(LogEntry{
		Time: now.UTC(), Operation: "payer", PartnerID: o.merchant.id, OrderNo: o.no, Outcome: "scan",
	})
	g.save(o)
}
