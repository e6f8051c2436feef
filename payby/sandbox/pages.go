package sandbox

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/filspos/fils/payby"
)

const (
	pageMost   = 100 // the real limit is unpublished (protocol.md §11)
	pageNumber = 1 << 30
	day        = 24 * time.Hour
)

// pageQuery is a request for a page of orders or refunds. The days are those on which
// the gateway created them, in UAE time.
type pageQuery struct {
	from, until  int64 // ms; until is the first instant after the range
	devices      []string
	states       []string
	number, size int
}

// readPage reads the query. known are the statuses that the list can be limited to;
// strict mode refuses others, lenient mode finds nothing with them.
func readPage(c *call, known ...string) (*pageQuery, bool) {
	biz := c.biz
	start, end := biz.day("startDate"), biz.day("endDate")
	sort := biz.object("sortPageParam")
	q := &pageQuery{
		from: start.UnixMilli(), until: end.Add(day).UnixMilli(),
		devices: biz.texts("deviceIdList", 200), states: biz.texts("includeStatusList", 32),
		number: sort.count("number", 0, pageNumber, 0), size: sort.count("size", 1, pageMost, 0),
	}
	if q.size == 0 || end.Before(start) {
		biz.fail("sortPageParam")
	}
	for _, s := range q.states {
		if biz.strict && !slices.Contains(known, s) {
			biz.fail("includeStatusList")
		}
	}
	biz.inherit(sort)
	return q, biz.bad == ""
}

func (q *pageQuery) wants(created int64, device, status string) bool {
	return created >= q.from && created < q.until &&
		(len(q.devices) == 0 || slices.Contains(q.devices, device)) &&
		(len(q.states) == 0 || slices.Contains(q.states, status))
}

type pageBody[T any] struct {
	TotalElements int       `json:"totalElements"`
	TotalPages    int       `json:"totalPages"`
	SortPageParam pageParam `json:"sortPageParam"`
	Items         []T       `json:"items"`
}

type pageParam struct {
	Number int `json:"number"`
	Size   int `json:"size"`
}

// cut takes the wanted page out of everything that was found, newest first.
func cut[E, T any](q *pageQuery, all []E, show func(E) T) pageBody[T] {
	body := pageBody[T]{
		TotalElements: len(all), TotalPages: (len(all) + q.size - 1) / q.size,
		SortPageParam: pageParam{q.number, q.size}, Items: []T{},
	}
	if q.number >= body.TotalPages {
		return body
	}
	for _, e := range all[q.number*q.size : min((q.number+1)*q.size, len(all))] {
		body.Items = append(body.Items, show(e))
	}
	return body
}

// pageOrderJSON is an order as pages list it: less than an answer, and deviceId and
// revoked are missing before an order was paid or closed, as in the vendor's sample.
type pageOrderJSON struct {
	MerchantOrderNo string       `json:"merchantOrderNo"`
	OrderNo         string       `json:"orderNo"`
	DeviceID        *string      `json:"deviceId,omitempty"`
	Status          string       `json:"status"`
	PaymentInfo     *paymentJSON `json:"paymentInfo,omitempty"`
	Product         string       `json:"product"`
	TotalAmount     money        `json:"totalAmount"`
	PayeeMid        string       `json:"payeeMid"`
	ExpiredTime     int64        `json:"expiredTime"`
	NotifyURL       string       `json:"notifyUrl,omitempty"`
	Subject         string       `json:"subject"`
	RequestTime     int64        `json:"requestTime"`
	PaySceneCode    string       `json:"paySceneCode"`
	Revoked         string       `json:"revoked,omitempty"`
	Reserved        string       `json:"reserved,omitempty"`
}

func (o *order) pageJSON() pageOrderJSON {
	full := o.json()
	j := pageOrderJSON{
		MerchantOrderNo: o.no, OrderNo: o.payByNo, Status: full.Status, PaymentInfo: full.PaymentInfo, Product: product,
		TotalAmount: o.total, PayeeMid: o.payee, ExpiredTime: o.expires, NotifyURL: o.notifyURL, Subject: o.subject,
		RequestTime: o.requestTime, PaySceneCode: full.PaySceneCode, Reserved: o.reserved,
	}
	if o.device != "" || o.status != payby.Created {
		j.DeviceID = &o.device
	}
	if o.status != payby.Created {
		j.Revoked = full.Revoked
	}
	if p := j.PaymentInfo; p != nil {
		before, tax := aed(commission(o.total.fils)), aed(vat(o.total.fils))
		p.SettledTime, p.PayeeFeeAmountBeforeTax, p.PayeeFeeVat = o.payment.settled, &before, &tax
	}
	return j
}

func (g *Gateway) orderPage(c *call) (any, *refusal) {
	q, ok := readPage(c, "CREATED", "PAID_SUCCESS", "SETTLED", "FAILURE")
	if !ok {
		return nil, invalidParameter
	}
	var found []*order
	for _, o := range slices.Backward(g.orders) {
		if o.merchant == c.merchant && q.wants(o.created, o.device, string(g.refresh(o, c.now).status)) {
			found = append(found, o)
		}
	}
	slices.SortStableFunc(found, func(a, b *order) int { return int(b.created - a.created) })
	return cut(q, found, (*order).pageJSON), nil
}

func (g *Gateway) refundPage(c *call) (any, *refusal) {
	q, ok := readPage(c, "CREATED", "REFUNDED_SETTLED", "SUCCESS", "FAILURE")
	if !ok {
		return nil, invalidParameter
	}
	var found []*refund
	for _, o := range slices.Backward(g.orders) {
		if o.merchant != c.merchant {
			continue
		}
		for _, r := range slices.Backward(o.refunds) {
			if q.wants(r.created, r.device, string(r.status)) {
				found = append(found, r)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b *refund) int { return int(b.created - a.created) })
	return cut(q, found, func(r *refund) refundJSON { return r.body().RefundOrder }), nil
}

// day reads a required day of UAE time: YYYY-MM-DD, or an instant of it in epoch ms, which
// is what the vendor's SDK sends.
func (f *fields) day(name string) time.Time {
	var text string
	if json.Unmarshal(f.m[name], &text) == nil && text != "" {
		at, err := time.ParseInLocation(time.DateOnly, text, uae())
		if err != nil {
			f.fail(name)
		}
		return at
	}
	ms := f.millis(name)
	if ms == 0 || ms > time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() {
		f.fail(name)
		return time.Time{}
	}
	y, m, d := time.UnixMilli(ms).In(uae()).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, uae())
}
