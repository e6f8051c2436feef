package payby

import (
	"strings"
	"time"
)

// UpdateExpiry is the bizContent of an expiry update (protocol.md §9.2): one
// number and the new expiry in epoch milliseconds, at most 15 days after the
// call.
type UpdateExpiry struct {
	MerchantOrderNo string `json:"merchantOrderNo,omitempty"`
	OrderNo         string `json:"orderNo,omitempty"` // the gateway's number
	ExpiredTime     int64  `json:"expiredTime"`
}

// ScanQuery is the bizContent of a scan detection (protocol.md §9.3).
type ScanQuery struct {
	TokenURL string `json:"tokenUrl"` // as it came with the order
}

// MaxPageSize is the largest page that is asked for; the gateway's own limit is
// unpublished (protocol.md §11).
const MaxPageSize = 100

// OrderPageQuery is the bizContent of an order page (protocol.md §11).
//
// The days are days of UAE time, both inclusive, see [PageDay]. Whether they
// mean creation or payment, and how many may be asked for at once, is
// unpublished: query day by day, and with a day to spare on both sides of what
// has to be complete.
//
// Pages shift while new orders arrive, so the same order can come twice:
// de-duplicate by OrderNo and keep the later answer. With IncludeStatusList an
// order can also leave the list and pull the next one onto a page that was
// read already, so a walk that must miss nothing asks for all statuses.
type OrderPageQuery struct {
	StartDate         string        `json:"startDate"` // YYYY-MM-DD
	EndDate           string        `json:"endDate"`
	DeviceIDList      []string      `json:"deviceIdList,omitzero"`      // empty for all
	IncludeStatusList []OrderStatus `json:"includeStatusList,omitzero"` // empty for all
	SortPageParam     PageParam     `json:"sortPageParam"`
}

// RefundPageQuery is the bizContent of a refund page, with the rules of
// [OrderPageQuery].
type RefundPageQuery struct {
	StartDate         string         `json:"startDate"` // YYYY-MM-DD
	EndDate           string         `json:"endDate"`
	DeviceIDList      []string       `json:"deviceIdList,omitzero"`
	IncludeStatusList []RefundStatus `json:"includeStatusList,omitzero"`
	SortPageParam     PageParam      `json:"sortPageParam"`
}

// StatementQuery is the bizContent of a statement or fund statement download
// (protocol.md §14.1).
type StatementQuery struct {
	StatementDate string `json:"statementDate"` // YYYYMMDD, see StatementDay
}

// InvoiceQuery is the bizContent of an invoice download (protocol.md §14.7).
type InvoiceQuery struct {
	StatementDate  string `json:"statementDate"`            // YYYYMM, before the current month
	NeedEvictCache string `json:"needEvictCache,omitempty"` // "true" makes the gateway write it anew
	BusinessType   string `json:"businessType,omitempty"`   // MERCHANT, TAXI or MULTI_MERCHANT; "" as onboarded
}

func (u UpdateExpiry) check(c *checker) {
	c.either("merchantOrderNo", u.MerchantOrderNo, "orderNo", u.OrderNo)
	c.need("expiredTime", u.ExpiredTime > 0)
}

func (q ScanQuery) check(c *checker) {
	c.need("tokenUrl", strings.TrimSpace(q.TokenURL) != "")
	c.text("tokenUrl", q.TokenURL, 1024)
}

func (q OrderPageQuery) check(c *checker) {
	c.days(q.StartDate, q.EndDate)
	q.SortPageParam.check(c)
	for _, id := range q.DeviceIDList {
		c.need("deviceIdList", id != "")
		c.text("deviceIdList", id, 200)
	}
	for _, s := range q.IncludeStatusList {
		c.need("includeStatusList", s == Created || s == PaidSuccess || s == Settled || s == Failure)
	}
}

func (q RefundPageQuery) check(c *checker) {
	c.days(q.StartDate, q.EndDate)
	q.SortPageParam.check(c)
	for _, id := range q.DeviceIDList {
		c.need("deviceIdList", id != "")
		c.text("deviceIdList", id, 200)
	}
	for _, s := range q.IncludeStatusList {
		c.need("includeStatusList", s == RefundCreated || s == RefundedSettled || s == RefundSuccess || s == RefundFailure)
	}
}

func (p PageParam) check(c *checker) {
	c.need("sortPageParam.number", p.Number >= 0)
	c.need("sortPageParam.size", p.Size >= 1 && p.Size <= MaxPageSize)
}

func (q StatementQuery) check(c *checker) {
	c.date("statementDate", q.StatementDate, layoutStatement)
}

func (q InvoiceQuery) check(c *checker) {
	c.date("statementDate", q.StatementDate, layoutMonth)
	c.need("needEvictCache", q.NeedEvictCache == "" || q.NeedEvictCache == "true" || q.NeedEvictCache == "false")
	switch q.BusinessType {
	case "", "MERCHANT", "TAXI", "MULTI_MERCHANT":
	default:
		c.complain("businessType", "is not MERCHANT, TAXI or MULTI_MERCHANT")
	}
}

func (c *checker) days(start, end string) {
	c.date("startDate", start, layoutPage)
	c.date("endDate", end, layoutPage)
	c.need("endDate", start <= end)
}

func (c *checker) date(field, s, layout string) {
	if _, err := time.Parse(layout, s); err != nil {
		c.complain(field, "is not a date of the form "+strings.NewReplacer("2006", "YYYY", "01", "MM", "02", "DD").Replace(layout))
	}
}
