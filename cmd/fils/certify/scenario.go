package certify

import (
	"slices"
	"time"

	"github.com/filspos/fils/pos"
)

// customer is what the person with the phone does.
type customer int

const (
	customerAbsent customer = iota
	customerPays
	customerGivesUp
)

// scenario is one acceptance case as it is played.
type scenario struct {
	id, title string
	// story says what happens, in the report and before the case.
	story    string
	password bool // needs an amount for which the wallet asks the password
	customer customer
	faults   []fault
	// hold keeps notifications back, so that queries decide.
	hold bool
	// needsRelay: there is no such case without notifications.
	needsRelay bool
	// over tells that nothing more belongs to the case.
	over func(seen) bool
	// watch goes on afterwards, to see what the till does then.
	watch time.Duration
}

// seen is where a running case stands.
type seen struct {
	sale    pos.SaleView
	queries []Call
	alerts  []pos.Alert
	notices int
	heard   bool
}

func (s seen) final() bool { return s.sale.Sale.State.Final() }

func (s seen) paid() bool { return s.sale.Sale.State == pos.SalePaid }

// confirmed is paid by a query's word, whoever brought the news first.
func (s seen) confirmed() bool {
	return s.paid() && len(s.queries) > 0 && s.queries[len(s.queries)-1].paid()
}

func (s seen) alerted(k pos.AlertKind) bool {
	return slices.ContainsFunc(s.alerts, func(a pos.Alert) bool { return a.Kind == k && a.Sale == s.sale.Sale.No })
}

// watchAfter is how long a case that gave up is watched: long enough for
// several requests, had it not.
const watchAfter = 45 * time.Second

// scenarios are the official cases (protocol.md §15). silent lets what fails
// give no answer instead of SYSTEM_ERROR.
func scenarios(silent bool) []scenario {
	failing := faultSystemError
	if silent {
		failing = faultSilence
	}
	return []scenario{
		{
			id: "001", title: "Password payment", password: true, customer: customerPays,
			story: "The customer scans the code and pays with the payment password.",
			over:  seen.confirmed,
		}, {
			id: "002", title: "Customer gives up", password: true, customer: customerGivesUp,
			story: "The customer scans the code and gives up at the password; the time to pay runs out.",
			over:  seen.final,
		}, {
			id: "003", title: "Create answered SYSTEM_ERROR",
			story:  "PayBy takes the order, but every create request is answered with 500 SYSTEM_ERROR. Nobody can pay.",
			faults: []fault{{operation: opCreate, kind: faultSystemError, delivered: true}},
			over:   seen.final,
		}, {
			id: "004", title: "Create times out",
			story:  "PayBy takes the order, but no create request is answered. Nobody can pay.",
			faults: []fault{{operation: opCreate, kind: faultSilence, delivered: true}},
			over:   seen.final,
		}, {
			id: "005", title: "Cancel succeeds late",
			story:  "Nobody pays; the first two cancel requests fail.",
			faults: []fault{{operation: opCancel, kind: failing, times: 2}},
			over:   seen.final,
		}, {
			id: "006", title: "Cancel never succeeds",
			story:  "Nobody pays; every cancel request fails.",
			faults: []fault{{operation: opCancel, kind: failing}},
			over:   func(s seen) bool { return s.alerted(pos.AlertUnknown) || s.final() },
			watch:  watchAfter,
		}, {
			id: "007", title: "Query succeeds late", customer: customerPays, hold: true,
			story:  "The customer pays; the first two queries fail, and no notification comes.",
			faults: []fault{{operation: opQuery, kind: failing, times: 2}},
			over:   seen.confirmed,
		}, {
			id: "008", title: "Query never succeeds",
			story:  "The code is on the screen; every query fails.",
			faults: []fault{{operation: opQuery, kind: failing}},
			over:   func(s seen) bool { return s.alerted(pos.AlertUnreachable) || s.final() },
			watch:  watchAfter,
		}, {
			id: "009", title: "Notification", customer: customerPays, needsRelay: true,
			story: "The customer pays, and PayBy sends its notification.",
			over:  func(s seen) bool { return s.paid() && s.notices > 0 && s.heard },
		},
	}
}

// Known reports a case that can be asked for.
func Known(id string) bool {
	return slices.ContainsFunc(scenarios(false), func(sc scenario) bool { return sc.id == id })
}
