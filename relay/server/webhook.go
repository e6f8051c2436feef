package server

import (
	"bytes"
	"context"
	"crypto/rsa"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/relay"
)

const (
	storeAttempt = 2500 * time.Millisecond // one try at the store; appending again is harmless
	storePause   = 50 * time.Millisecond   // before the second try, then doubled
	storePauseTo = time.Second

	holdFor = 3 * time.Second // before one refusal too many is answered
	// holdSteps is how many different times are waited, around holdFor.
	holdSteps = 61
)

// notify takes one notification from PayBy (protocol.md §13) for whom it names:
// merchant/till.
func (s *Server) notify(w http.ResponseWriter, r *http.Request, whom string) {
	began := s.cfg.Now()
	outcome, what := s.takeNotification(w, r, whom)
	if outcome != OutcomeUnavailable {
		judge(r, what != nil)
	}
	if outcome == outcomeOver {
		s.tooMany(w)
		outcome = OutcomeRefused
	}
	s.cfg.Meter.Notification(outcome, s.cfg.Now().Sub(began))
	if what != nil {
		acknowledge(w)
		s.log.Info("notification stored", "till", what.till.String(), "seq", what.seq, "repeated", outcome == OutcomeRepeated, "bytes", what.bytes)
	}
}

// Caller is a connection that brings notifications, to whoever owns the listener.
type Caller interface {
	// Judged tells whether the last one was good, before it is answered. What else is
	// asked for, except how the relay is, is not.
	Judged(good bool)
}

type callerKey struct{}

func judge(r *http.Request, good bool) {
	if caller, ok := r.Context().Value(callerKey{}).(Caller); ok {
		caller.Judged(good)
	}
}

// WithCaller returns the context for the requests of a connection, for
// http.Server.ConnContext.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// receipt is what there is to say about a notification that the store has.
type receipt struct {
	till  Address
	seq   uint64
	bytes int
}

// takeNotification answers what it does not return a receipt for.
func (s *Server) takeNotification(w http.ResponseWriter, r *http.Request, whom string) (Outcome, *receipt) {
	var a Address
	a.Merchant, a.Till, _ = strings.Cut(whom, "/")
	from := source{addr: peer(r, s.cfg.TrustedProxies)}
	if !relay.ValidID(a.Merchant) || !relay.ValidID(a.Till) {
		return s.refuse(w, from, http.StatusNotFound, "no such till", Address{}), nil
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return s.refuse(w, from, http.StatusMethodNotAllowed, "POST only", Address{}), nil
	}
	if !s.gate.enter() {
		return s.unavailable(w, a, "take notification", errBusy), nil
	}
	defer s.gate.leave()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), s.cfg.StoreTimeout)
	defer cancel()
	keys, lane, err := s.directory.keys(ctx, a, !s.limiter.over(from))
	if errors.Is(err, errUnknown) {
		return s.refuse(w, from, http.StatusNotFound, "no such till", Address{}), nil
	}
	if err != nil {
		return s.unavailable(w, a, "look up till", err), nil
	}
	from.merchant = a.Merchant
	arriving, ok := s.gate.read(from.addr, s.limiter.over(from), func() { stopReading(w) })
	if !ok {
		return s.unavailable(w, a, "take notification", errBusy), nil
	}
	body, status, problem := readBody(w, r)
	s.gate.readDone(arriving)
	if problem != "" {
		return s.refuse(w, from, status, problem, a), nil
	}
	genuine, looked := s.verify(ctx, from, keys, body, r.Header.Get("Sign"))
	if !looked {
		return outcomeOver, nil
	}
	if !genuine {
		return s.refuse(w, from, http.StatusUnauthorized, "signature missing or wrong", a), nil
	}
	n := Notice{Address: lane, Received: s.cfg.Now().UTC(), Sign: r.Header.Get("Sign"), Body: body}
	seq, stored, err := s.keep(ctx, n)
	if err != nil {
		return s.unavailable(w, a, "store notification", err), nil
	}
	outcome := OutcomeStored
	if !stored {
		outcome = OutcomeRepeated
	}
	return outcome, &receipt{till: a, seq: seq, bytes: len(body)}
}

// acknowledge sends the answer, and not only when the handler has returned: what
// is written to the log need not keep the sender waiting.
func acknowledge(w http.ResponseWriter) {
	w.Header().Set("Content-Type", payby.AckContentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(payby.Ack)))
	io.WriteString(w, payby.Ack)
	// A writer that cannot flush sends it all the same, a little later.
	_ = http.NewResponseController(w).Flush()
}

// errBusy turns away what the gate has no place for; PayBy tries again.
var errBusy = errors.New("too many at once")

// verify checks PayBy's signature. A source that has used up its refusals is
// still heard, because a good notification may come from the same address, but
// one request at a time, so that it cannot take the processor from the others.
func (s *Server) verify(ctx context.Context, from source, keys []*rsa.PublicKey, body []byte, sign string) (genuine, looked bool) {
	if sign == "" || len(sign) > relay.MaxSign {
		return false, true
	}
	if s.limiter.over(from) {
		leave := s.penalty.enter(ctx, from.addr)
		if leave == nil {
			return false, false
		}
		defer leave()
	}
	return payby.Verify(keys, body, sign) == nil, true
}

// stopReading ends the reading of a request's body.
func stopReading(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0))
}

// readBody reads at most relay.MaxBody bytes, by the deadline of ServeHTTP.
func readBody(w http.ResponseWriter, r *http.Request) (body []byte, status int, problem string) {
	if r.ContentLength > relay.MaxBody {
		return nil, http.StatusRequestEntityTooLarge, "body over 64 KiB"
	}
	// Most bodies are small and say so; room for more is made as it arrives.
	var in bytes.Buffer
	in.Grow(int(min(max(r.ContentLength, 0), 4<<10)) + bytes.MinRead)
	_, err := in.ReadFrom(http.MaxBytesReader(w, r.Body, relay.MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, http.StatusRequestEntityTooLarge, "body over 64 KiB"
	case err != nil:
		// The deadline stays, so that net/http does not wait for the rest.
		w.Header().Set("Connection", "close")
		return nil, http.StatusBadRequest, "body incomplete"
	}
	// Left in place, the deadline would later look like the caller going away.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	return in.Bytes(), 0, ""
}

// append stores n, trying again until ctx ends: PayBy's own next try is two
// minutes away. That the caller hangs up meanwhile changes nothing.
func (s *Server) append(ctx context.Context, n Notice) (seq uint64, stored bool, err error) {
	pause := storePause
	for {
		attempt, cancel := context.WithTimeout(ctx, storeAttempt)
		began := s.cfg.Now()
		seq, stored, err = s.cfg.Store.Append(attempt, n)
		cancel()
		if err == nil {
			s.cfg.Meter.Written(s.cfg.Now().Sub(began))
			return seq, stored, nil
		}
		select {
		case <-ctx.Done():
			return 0, false, err
		case <-s.cfg.After(pause):
		}
		pause = min(2*pause, storePauseTo)
	}
}

// outcomeOver is a refusal of a source that has used up its allowance. Nothing was
// answered: tooMany does that, when the request holds nothing of value any more.
const outcomeOver Outcome = "over"

// refuse answers a request that will not be taken, counts it and logs it, or
// returns outcomeOver.
func (s *Server) refuse(w http.ResponseWriter, from source, status int, problem string, a Address) Outcome {
	s.doubted.refused(source{addr: from.addr})
	if !s.limiter.refused(from) {
		return outcomeOver
	}
	s.log.Warn("request refused", "status", status, "problem", problem, "from", from.addr.String(), "till", a.String())
	http.Error(w, problem, status)
	return OutcomeRefused
}

// turnAway is refuse for a request that holds nothing and was not judged.
func (s *Server) turnAway(w http.ResponseWriter, r *http.Request, from source, status int, problem string, a Address) {
	judge(r, false)
	if s.refuse(w, from, status, problem, a) == outcomeOver {
		s.tooMany(w)
	}
}

// tooMany turns a source away that has used up its refusals. It is kept waiting
// for a moment, so that one that sends again and again after each answer leaves
// the processor to others: a connection brings one such request in three seconds.
func (s *Server) tooMany(w http.ResponseWriter) {
	count := s.turnedAway.Add(1)
	select {
	case s.held <- struct{}{}:
		// Not all for the same time, or they would come back as one.
		<-s.cfg.After(holdFor/2 + holdFor*time.Duration(count%holdSteps)/holdSteps)
		<-s.held
	default:
	}
	w.Header().Set("Retry-After", "60")
	http.Error(w, "too many refused requests", http.StatusTooManyRequests)
}

func (s *Server) unavailable(w http.ResponseWriter, a Address, what string, err error) Outcome {
	// Who crowds a relay out does not fill its log as well.
	if now := s.cfg.Now().Unix(); !errors.Is(err, errBusy) || s.busyLogged.Swap(now) != now {
		s.log.Error(what, "till", a.String(), "err", err.Error())
	}
	http.Error(w, "not stored, try again", http.StatusServiceUnavailable)
	return OutcomeUnavailable
}
