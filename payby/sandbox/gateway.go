package sandbox

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/filspos/fils/payby"
)

// Gateway is the simulated PayBy. Make it with New, serve it over HTTP, and keep Run
// running for notifications.
type Gateway struct {
	key       *rsa.PrivateKey
	publicURL string
	strict    bool
	repeat    RepeatCreate
	clock     Clock
	scale     time.Duration
	settled   time.Duration
	done      time.Duration
	settle    time.Duration
	sweep     time.Duration
	papers    StatementOptions
	// finalNotices keeps REFUNDED_SETTLED from being notified.
	finalNotices bool
	schedule     []time.Duration
	client       *http.Client
	log          *slog.Logger
	paths        map[string]payby.Operation
	page         *template.Template
	formKey      []byte
	wake         chan struct{} // tells Run that something new is due

	mu        sync.Mutex // guards everything below
	random    io.Reader
	merchants map[string]*merchant
	orders    []*order // in order of creation
	byPayByNo map[string]*order
	byToken   map[[16]byte]*order
	refunds   map[string]*refund // by PayBy's number
	steps     queue[step]
	notices   queue[*notice]
	held      []*notice // waiting for another notification to overtake them
	faults    []*Fault
	calls     callLog
	counter   uint64 // notify ids and trace codes
	state     *stateFile
	closed    map[string]bool // statement days that the control API has closed early
}

type merchant struct {
	id      string
	name    string
	joined  time.Time // month of onboarding
	keys    []*rsa.PublicKey
	devices map[string]bool
	orders  map[string]*order  // by merchantOrderNo
	refunds map[string]*refund // by refundMerchantOrderNo
}

// New builds a gateway and, when Options.StateFile names one, loads and compacts the
// state file. Close gives the file back.
func New(o Options) (*Gateway, error) {
	if o.Key == nil {
		return nil, errors.New("sandbox: the gateway needs a key of its own")
	}
	g := &Gateway{
		key:     o.Key,
		strict:  o.Mode == Strict,
		repeat:  o.RepeatCreate,
		clock:   o.Clock,
		scale:   time.Duration(max(o.ClockScale, 1)),
		settled: o.RefundSettled,
		done:    o.RefundDone,
		settle:  o.SettleAfter,
		sweep:   o.SweepDelay,
		papers:  o.Statements,

		finalNotices: o.FinalRefundNoticesOnly,
		schedule:     o.RetrySchedule,
		client:       o.Client,
		log:          o.Log,
		paths:        operationPaths(),
		wake:         make(chan struct{}, 1),
		random:       o.Random,
		merchants:    make(map[string]*merchant),
		byPayByNo:    make(map[string]*order),
		byToken:      make(map[[16]byte]*order),
		refunds:      make(map[string]*refund),
		closed:       make(map[string]bool),
	}
	if err := g.complete(o); err != nil {
		return nil, err
	}
	for _, m := range o.Merchants {
		if err := g.AddMerchant(m); err != nil {
			return nil, err
		}
	}
	if o.StateFile != "" {
		if err := g.openState(o.StateFile, cmp.Or(o.keep, keptOrders)); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// complete checks the choices and fills in what was left open.
func (g *Gateway) complete(o Options) error {
	switch o.Mode {
	case "", Lenient, Strict:
	default:
		return fmt.Errorf("sandbox: mode %q is neither strict nor lenient", o.Mode)
	}
	switch o.RepeatCreate {
	case "":
		g.repeat = RepeatError
	case RepeatError, RepeatCurrent:
	default:
		return fmt.Errorf("sandbox: repeat-create %q is neither error nor current", o.RepeatCreate)
	}
	if o.ClockScale < 0 {
		return errors.New("sandbox: the clock scale must be 1 or more")
	}
	if o.PublicURL != "" {
		u, err := url.Parse(o.PublicURL)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") ||
			strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return errors.New("sandbox: the public URL must be http://HOST:PORT without a path")
		}
		g.publicURL = u.Scheme + "://" + u.Host
	}
	if g.clock == nil {
		g.clock = SystemClock{}
	}
	if g.random == nil {
		g.random = rand.Reader
	}
	if g.settled == 0 {
		g.settled = 2 * time.Second
	}
	if g.done == 0 {
		g.done = 4 * time.Second
	}
	if g.sweep == 0 {
		g.sweep = time.Minute
	}
	if g.schedule == nil {
		g.schedule = retrySchedule()
	}
	if err := g.papers.complete(); err != nil {
		return err
	}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	if g.client == nil {
		g.client = newClient()
	}
	g.formKey = make([]byte, 32)
	if _, err := io.ReadFull(g.random, g.formKey); err != nil {
		return fmt.Errorf("sandbox: no random numbers: %w", err)
	}
	var start [2]byte
	if _, err := io.ReadFull(g.random, start[:]); err != nil {
		return fmt.Errorf("sandbox: no random numbers: %w", err)
	}
	g.counter = 100000 + uint64(binary.BigEndian.Uint16(start[:]))
	var err error
	g.page, err = parsePage()
	return err
}

// AddMerchant registers a Partner-Id, or replaces name, keys and devices of a known one.
func (g *Gateway) AddMerchant(m Merchant) error {
	if m.ID == "" || len(m.ID) > 12 {
		return errors.New("sandbox: a partner id has 1 to 12 characters")
	}
	if len(m.Keys) == 0 {
		return fmt.Errorf("sandbox: partner %s has no public key", m.ID)
	}
	if m.Name == "" {
		m.Name = "TRAINING SHOP LLC"
	}
	devices := make(map[string]bool, len(m.Devices))
	for _, d := range m.Devices {
		devices[d] = true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	known := g.merchants[m.ID]
	if known == nil {
		known = &merchant{id: m.ID, orders: make(map[string]*order), refunds: make(map[string]*refund)}
		g.merchants[m.ID] = known
	}
	known.joined = m.Onboarded
	if known.joined.IsZero() {
		known.joined = time.Date(2020, 1, 1, 0, 0, 0, 0, uae())
	}
	known.name, known.keys, known.devices = m.Name, append([]*rsa.PublicKey(nil), m.Keys...), devices
	return nil
}

// PublicKey is what a merchant verifies answers and notifications with.
func (g *Gateway) PublicKey() *rsa.PublicKey { return &g.key.PublicKey }

// Close releases the state file. Call it after the HTTP server and Run have ended.
func (g *Gateway) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state.close()
}

// ServeHTTP answers the API, the payer page and the control API.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", g.clock.Now().UTC().Format(http.TimeFormat))
	if op, ok := g.paths[r.URL.Path]; ok {
		g.serveAPI(w, r, op)
		return
	}
	if strings.HasPrefix(r.URL.Path, controlPrefix) {
		g.serveControl(w, r)
		return
	}
	g.servePage(w, r)
}

func operationPaths() map[string]payby.Operation {
	paths := map[string]payby.Operation{"/sgs/verifySign": payby.OpEcho}
	for _, op := range []payby.Operation{
		payby.OpCreate, payby.OpGet, payby.OpCancel, payby.OpRevoke, payby.OpExpiry, payby.OpCashierURL,
		payby.OpPayer, payby.OpRefund, payby.OpRefundQuery, payby.OpOrderPage, payby.OpRefundPage,
		payby.OpStatement, payby.OpFundStatement, payby.OpInvoice,
	} {
		paths["/sgs/api"+op.Path()] = op
	}
	return paths
}

// base is where the customer's phone finds the payer page.
func (g *Gateway) base(r *http.Request) string {
	if g.publicURL != "" {
		return g.publicURL
	}
	return "http://" + r.Host
}

// The helpers below are called with g.mu held.

func (g *Gateway) read(p []byte) {
	if _, err := io.ReadFull(g.random, p); err != nil {
		// A gateway that cannot make unguessable tokens must not go on.
		panic(fmt.Sprintf("sandbox: no random numbers: %v", err))
	}
}

func (g *Gateway) traceCode() string {
	g.counter++
	return strconv.FormatUint(100000+g.counter%900000, 10)
}

// newPayByNo makes a number of 18 digits: prefix, second of creation, random digits.
func (g *Gateway) newPayByNo(prefix string, now time.Time) string {
	for {
		var b [8]byte
		g.read(b[:])
		no := fmt.Sprintf("%s%010d%06d", prefix, now.Unix(), binary.BigEndian.Uint64(b[:])%1_000_000)
		if g.byPayByNo[no] == nil && g.refunds[no] == nil {
			return no
		}
	}
}

// formToken is good for one attempt of one payer on one order.
func (g *Gateway) formToken(o *order, payer string) string {
	mac := hmac.New(sha256.New, g.formKey)
	fmt.Fprintf(mac, "%s|%s|%d", o.tokenHex(), payer, o.attempt)
	return fmt.Sprintf("%x", mac.Sum(nil))
}

// sweepTime is when an unpaid order turns FAILURE by itself.
func (g *Gateway) sweepTime(o *order) time.Time {
	return time.UnixMilli(o.expires).Add(max(g.sweep/g.scale, 0))
}

// refresh moves an order to where the clock has taken it. Nothing is written down for
// that: a restart finds the same by the same clock.
func (g *Gateway) refresh(o *order, now time.Time) *order {
	switch {
	case o == nil:
	case o.status == payby.Created && !now.Before(g.sweepTime(o)):
		o.status = payby.Failure
	case o.status == payby.PaidSuccess && g.settle > 0 &&
		now.UnixMilli() >= o.payment.time+(g.settle/g.scale).Milliseconds():
		o.status = payby.Settled
		o.payment.settled = o.payment.time + (g.settle / g.scale).Milliseconds()
	}
	return o
}
