package sandbox

import (
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"github.com/filspos/fils/payby"
)

// The operations in this file are called with g.mu held.

func createMembers() []string {
	return []string{
		"merchantOrderNo", "subject", "subjectAr", "totalAmount", "expiredTime", "payeeMid", "paySceneCode",
		"paySceneParams", "notifyUrl", "deviceId", "secondaryMerchantId", "accessoryContent", "reserved",
		"riskInfo", "sharingParamList", "promotionInfoList", "agreementInfo", "accountFundingParameter",
		"payFacsSubMerchant",
	}
}

func scenes() []string {
	return []string{
		"DYNQR", "PAYPAGE", "INAPP", "EWALLET", "QRPAY", "JSAPI", "AUTODEBIT", "DIRECTPAY", "CASHTOPUP",
		"PAYANDSIGN", "PREAUTH", "PREAUTHVOID", "CAPTURE",
	}
}

// newOrder is what a create request asks for, read but not yet accepted.
type newOrder struct {
	order
	scene     string
	authCode  string
	badOnce   bool // oneTimePayment is not a boolean
	accessory accessoryJSON
}

func (g *Gateway) create(c *call) (any, *refusal) {
	want := readCreate(c)
	c.orderNo = want.no
	if c.biz.bad != "" {
		return nil, invalidParameter
	}
	want.digest = digest(c.biz.m, createMembers())
	if known := g.refresh(c.merchant.orders[want.no], c.now); known != nil {
		return g.createAgain(c, known, want.digest)
	}
	if no := g.acceptable(c, want); no != nil {
		return nil, no
	}
	o := g.place(c, want)
	return g.orderAnswer(c, o, true), nil
}

func readCreate(c *call) *newOrder {
	biz := c.biz
	params := biz.object("paySceneParams")
	n := &newOrder{order: order{
		no:          biz.number("merchantOrderNo"),
		subject:     biz.required("subject", 64),
		subjectAr:   biz.text("subjectAr", 200),
		total:       biz.positive("totalAmount"),
		expires:     biz.millis("expiredTime"),
		payee:       biz.text("payeeMid", 20),
		notifyURL:   biz.notifyURL(),
		device:      biz.text("deviceId", 200),
		secondary:   biz.text("secondaryMerchantId", biz.length(64, 200)),
		reserved:    biz.text("reserved", biz.length(20, 200)),
		anyPayer:    !params.boolean("changePayer", true),
		requestTime: c.requestTime,
	}}
	n.scene = biz.required("paySceneCode", 64)
	n.authCode = params.text("authCode", 200)
	params.text("email", 200)
	params.text("eid", 200)
	biz.inherit(params)
	once := &fields{m: params.m, strict: biz.strict}
	n.oneTime = once.boolean("oneTimePayment", false)
	n.badOnce = once.bad != ""
	n.accessory = accessory(biz, c.merchant.name)
	biz.riskInfo()
	biz.promotions()
	if n.no == "" {
		biz.fail("merchantOrderNo")
	}
	return n
}

// notifyURL has to be a web address in strict mode; in lenient mode a bad one only means
// that nothing is notified.
func (f *fields) notifyURL() string {
	s := f.text("notifyUrl", 200)
	if s != "" && f.strict && !deliverable(s) {
		f.fail("notifyUrl")
	}
	return s
}

func deliverable(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// riskInfo is text in the vendor's table and an object in the vendor's sample.
func (f *fields) riskInfo() {
	if f.has("riskInfo") && (f.m["riskInfo"][0] != '{' || len(f.m["riskInfo"]) > 512) {
		f.text("riskInfo", 512)
	}
}

// promotions checks what is read of promotionInfoList: nothing but its limits.
func (f *fields) promotions() {
	for _, p := range f.objects("promotionInfoList") {
		p.text("appliedRewardId", 64)
		switch p.text("settleFlag", 32) {
		case "", "YES", "NO":
		default:
			p.fail("settleFlag")
		}
		f.inherit(p)
	}
}

// createAgain answers a number that is already in use (protocol.md §6.5, §9.1).
func (g *Gateway) createAgain(c *call, o *order, want [32]byte) (any, *refusal) {
	switch {
	case o.digest != want:
		return nil, orderReused
	case o.status == payby.Created, g.repeat == RepeatCurrent:
		return g.orderAnswer(c, o, o.status == payby.Created), nil
	}
	return nil, closedRefusal(o)
}

// closedRefusal words the state of an order that is no longer CREATED.
func closedRefusal(o *order) *refusal {
	switch o.status {
	case payby.PaidSuccess:
		return orderPaid
	case payby.Settled:
		return orderSettled
	}
	return orderFailure
}

func (g *Gateway) acceptable(c *call, want *newOrder) *refusal {
	switch {
	case !slices.Contains(scenes(), want.scene):
		return sceneIllegal
	case want.scene == "QRPAY" && want.authCode == "":
		return authCodeMissing
	case want.scene == "QRPAY":
		return authCodeInvalid
	case want.scene != "DYNQR":
		return productNotApplied
	case want.badOnce:
		return oneTimeInvalid
	case want.expires != 0 && want.expires <= c.requestTime:
		return expiryTooEarly
	case want.expires > c.requestTime+lifeMost.Milliseconds():
		return expiryTooLate
	case want.payee != "" && g.merchants[want.payee] == nil:
		return payeeUnknown
	case want.payee != "" && want.payee != c.merchant.id:
		return payeeNotAllowed
	case want.secondary != "" && want.device == "":
		return invalidParameter
	case want.device != "" && !c.merchant.devices[want.device]:
		return deviceUnknown
	}
	return nil
}

func (g *Gateway) place(c *call, want *newOrder) *order {
	o := new(order)
	*o = want.order
	o.merchant = c.merchant
	o.status = payby.Created
	o.created, o.tokenTime = c.now.UnixMilli(), c.now.UnixMilli()
	o.payByNo = g.newPayByNo("13", c.now)
	if o.expires == 0 {
		o.expires = c.requestTime + lifeDefault.Milliseconds()
	}
	if o.payee == "" {
		o.payee = c.merchant.id
	}
	o.accessory = mustEncode(want.accessory)
	g.read(o.token[:])
	g.adopt(o)
	g.save(o)
	return o
}

// adopt enters an order in every index.
func (g *Gateway) adopt(o *order) {
	g.orders = append(g.orders, o)
	g.byPayByNo[o.payByNo] = o
	g.byToken[o.token] = o
	o.merchant.orders[o.no] = o
	for _, r := range o.refunds {
		g.adoptRefund(r)
	}
}

func (g *Gateway) adoptRefund(r *refund) {
	g.refunds[r.payByNo] = r
	r.order.merchant.refunds[r.no] = r
}

// orderAnswer is the body for an order; the token is shown by create only.
func (g *Gateway) orderAnswer(c *call, o *order, withToken bool) orderBody {
	body := orderBody{AcquireOrder: o.json()}
	if withToken {
		body.InterActionParams = &interAction{TokenURL: o.tokenURL(c.base)}
	}
	return body
}

func mustEncode(v any) json.RawMessage {
	raw, err := encode(v)
	if err != nil {
		panic(err) // the types of wire.go always encode
	}
	return raw
}

// pay takes the payer's money. It reports false when the order cannot be paid any more.
func (g *Gateway) pay(o *order, payer string, now time.Time) bool {
	if !o.open(now) {
		return false
	}
	g.book(o, payer, now)
	return true
}

// book enters the payer's money, whatever the order's state.
func (g *Gateway) book(o *order, payer string, now time.Time) {
	p := &payment{paid: o.total.fils, time: now.UnixMilli(), payer: payer}
	if g.takeFaultLocked(notificationFaults, FaultDiscount) != nil {
		p.discount = true
		p.paid -= min((p.paid+9)/10, 500, p.paid-1)
	}
	o.payment, o.status, o.scanned, o.latePayer = p, payby.PaidSuccess, payer, ""
	o.attempt++
	g.notifyPayment(o, now)
	g.save(o)
}

func (g *Gateway) decline(o *order, now time.Time) bool {
	if !o.open(now) {
		return false
	}
	o.declined++
	o.attempt++
	g.save(o)
	return true
}
