package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/filspos/fils/payby"
)

const (
	product      = "Basic Payment Gateway"
	refundWindow = 180 * 24 * time.Hour
	lifeDefault  = 2 * time.Hour
	lifeMost     = 48 * time.Hour
	extendMost   = 15 * 24 * time.Hour
	clockWindow  = 15 * time.Minute
)

// order is one payment order. A busy day keeps 100,000 of them, so it holds what
// answers need and nothing twice.
type order struct {
	merchant    *merchant
	no          string // merchantOrderNo
	payByNo     string // orderNo
	digest      [sha256.Size]byte
	total       money
	subject     string
	subjectAr   string
	notifyURL   string
	payee       string
	device      string
	secondary   string
	reserved    string
	accessory   json.RawMessage
	requestTime int64 // ms, of the first create
	created     int64 // ms, gateway clock
	expires     int64 // ms
	token       [16]byte
	tokenTime   int64 // ms
	status      payby.OrderStatus
	payment     *payment
	revoked     bool
	anyPayer    bool   // changePayer "false": not bound to the first phone
	oneTime     bool   // a declined attempt was the last
	boundTo     string // the phone that scanned first
	scanned     string // wallet id of whoever scanned last
	latePayer   string // wallet id of whoever will pay once the order is closed
	attempt     uint32 // forms used up; the payer page's one-time number
	declined    uint32
	refunds     []*refund
	sent        uint32 // notifications sent, repeats included
	acked       uint32
	raceCancel  bool // the next cancel finds the payment already made
	pending     []*notice
}

type payment struct {
	paid     payby.Fils
	time     int64 // ms
	payer    string
	discount bool
	settled  int64 // ms, 0 until then
}

type refund struct {
	order     *order
	no        string // refundMerchantOrderNo
	payByNo   string
	digest    [sha256.Size]byte
	amount    money
	notifyURL string
	reason    string
	reserved  string
	device    string
	secondary string
	status    payby.RefundStatus
	created   int64 // ms, gateway clock
	moved     int64 // ms, when the money left the merchant's account; 0 until then
	fail      bool  // ends in FAILURE at its first step
	own       bool  // made by the gateway for a revoke; nobody is notified
}

func (o *order) tokenHex() string { return hex.EncodeToString(o.token[:]) }

func (o *order) tokenURL(base string) string {
	return base + "?BIZ_TYPE=202&ft=" + o.tokenHex() + "&t=" + strconv.FormatInt(o.tokenTime, 10)
}

func (o *order) expired(now time.Time) bool { return now.UnixMilli() >= o.expires }

// open tells whether a payer may still try.
func (o *order) open(now time.Time) bool {
	return o.status == payby.Created && !o.expired(now) && !(o.oneTime && o.declined > 0)
}

// payableLate tells whether the drill of a late payment is possible: closed in the
// shop's eyes and never paid. A revoked order has been promised back, whatever comes.
func (o *order) payableLate(now time.Time) bool {
	return o.payment == nil && !o.revoked && (o.status == payby.Failure || o.expired(now))
}

// reserved for refunds: all that did not fail, whether finished or on the way.
func (o *order) refunding() payby.Fils {
	var sum payby.Fils
	for _, r := range o.refunds {
		if r.status != payby.RefundFailure {
			sum += r.amount.fils
		}
	}
	return sum
}

func (o *order) remaining() payby.Fils { return o.total.fils - o.refunding() }

// commission is 1 %, and vat 5 % of that, both rounded half up, as in the vendor's
// samples.
func commission(f payby.Fils) payby.Fils { return (f + 50) / 100 }

func vat(f payby.Fils) payby.Fils { return (commission(f)*5 + 50) / 100 }

func fee(f payby.Fils) payby.Fils { return commission(f) + vat(f) }

func (o *order) json() orderJSON {
	j := orderJSON{
		MerchantOrderNo:     o.no,
		OrderNo:             o.payByNo,
		Status:              string(o.status),
		Product:             product,
		TotalAmount:         o.total,
		PayeeMid:            o.payee,
		ExpiredTime:         o.expires,
		NotifyURL:           o.notifyURL,
		Subject:             o.subject,
		SubjectAr:           o.subjectAr,
		RequestTime:         o.requestTime,
		AccessoryContent:    o.accessory,
		PaySceneCode:        "DYNQR",
		DeviceID:            o.device,
		SecondaryMerchantID: o.secondary,
		PromotionInfoList:   o.promotions(),
		Revoked:             strconv.FormatBool(o.revoked),
		Reserved:            o.reserved,
	}
	if p := o.payment; p != nil {
		j.PaymentInfo = &paymentJSON{
			PaidAmount:       aed(p.paid),
			PaidTime:         p.time,
			PayerMid:         p.payer,
			PayeeFeeAmount:   aed(fee(o.total.fils)),
			PayerFeeAmount:   aed(0),
			PayChannel:       "BALANCE",
			SettlementAmount: aed(o.total.fils - fee(o.total.fils)),
		}
	}
	return j
}

func (o *order) promotions() []promotionJSON {
	if o.payment == nil || !o.payment.discount {
		return nil
	}
	return []promotionJSON{{AppliedRewardID: "1234", SettleFlag: "YES"}}
}

func (o *order) notifyJSON() notifyOrderJSON {
	j := notifyOrderJSON{
		Product:           product,
		OrderNo:           o.payByNo,
		PaySceneCode:      "DYNQR",
		Subject:           o.subject,
		SubjectAr:         o.subjectAr,
		AccessoryContent:  o.accessory,
		Revoked:           strconv.FormatBool(o.revoked),
		MerchantOrderNo:   o.no,
		ExpiredTime:       o.expires,
		RequestTime:       o.requestTime,
		TotalAmount:       aed(o.total.fils),
		PayeeMid:          o.payee,
		NotifyURL:         o.notifyURL,
		PromotionInfoList: o.promotions(),
		Reserved:          o.reserved,
		Status:            string(o.status),
	}
	if p := o.payment; p != nil {
		j.PaymentInfo = &notifyPayment{
			PayChannel:       "BALANCE",
			PaidTime:         p.time,
			PayeeFeeAmount:   aed(fee(o.total.fils)),
			PayerFeeAmount:   aed(0),
			PaidAmount:       aed(p.paid),
			SettlementAmount: aed(o.total.fils - fee(o.total.fils)),
			PayerMid:         p.payer,
		}
	}
	return j
}

func (r *refund) failure() (code, text string) {
	if r.status == payby.RefundFailure {
		return refundRejected.code, refundRejected.msg
	}
	return "", ""
}

func (r *refund) body() refundBody {
	j := refundJSON{
		RefundMerchantOrderNo: r.no,
		OrderNo:               r.payByNo,
		OriginMerchantOrderNo: r.order.no,
		Status:                string(r.status),
		Amount:                r.amount,
		NotifyURL:             r.notifyURL,
		Reason:                r.reason,
		Reserved:              r.reserved,
		DeviceID:              r.device,
		SecondaryMerchantID:   r.secondary,
	}
	j.FailCode, j.FailDes = r.failure()
	if r.status == payby.RefundedSettled || r.status == payby.RefundSuccess {
		back := aed(fee(r.amount.fils))
		j.FeeRefunded = &back
	}
	return refundBody{
		RefundOrder: j,
		RefundSummary: summaryJSON{
			AcquireAmount:      r.order.total,
			RemainRefundAmount: aed(r.order.remaining()),
		},
	}
}

func (r *refund) notifyJSON() notifyRefundJSON {
	j := notifyRefundJSON{
		Amount:                aed(r.amount.fils),
		NotifyURL:             r.notifyURL,
		OrderNo:               r.payByNo,
		OriginMerchantOrderNo: r.order.no,
		Reason:                r.reason,
		RefundMerchantOrderNo: r.no,
		Reserved:              r.reserved,
		Status:                string(r.status),
	}
	j.FailCode, j.FailDes = r.failure()
	return j
}
