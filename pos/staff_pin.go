package pos

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
)

// Pepper keys the verifiers of PINs. It lies outside the journal, so that a
// journal that was copied or stolen says nothing about a PIN, however few
// digits it has. Its methods may be called from any goroutine.
type Pepper interface {
	// MAC is HMAC-SHA256 of message under the pepper.
	MAC(message []byte) ([]byte, error)
}

// PINStore keeps the verifiers: beside the chain and never inside it, in no
// export and no diagnostics. They are written with [Batch.PINs].
type PINStore interface {
	PINs(ctx context.Context) ([]PINRecord, error)
}

// PINRecord is the verifier of one member's PIN, or of the recovery code. It
// holds no PIN, but whoever also has the pepper can guess one.
type PINRecord struct {
	Member MemberID
	// Salt and Hash are random and derived. A record without Hash takes the
	// member's verifier away when it is written.
	Salt, Hash []byte
	// Passes, MemoryKiB and Threads are argon2id's cost.
	Passes, MemoryKiB uint32
	Threads           uint8
	// Pepper names the pepper that was used, without telling it.
	Pepper []byte
	// Long says that the PIN is long enough for an approver.
	Long bool
	// Failures counts wrong PINs since the last right one. FailedMs is the
	// time of the last in gateway milliseconds, zero when that was not known.
	Failures int
	FailedMs int64
}

// Format keeps the verifier out of every text.
func (r PINRecord) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "•••") }

// LogValue keeps the verifier out of the log.
func (r PINRecord) LogValue() slog.Value { return slog.StringValue("•••") }

// recoveryRecord is the recovery code's place among the records; no member
// can have this id.
const recoveryRecord MemberID = "*recovery"

const (
	cashierDigits  = 4
	approverDigits = 6
	maxDigits      = 12

	saltBytes = 16
	hashBytes = 32

	// The pepper is what keeps a PIN: no cost that a till can pay makes a
	// million guesses expensive. argon2id slows whoever has the pepper, too.
	// 32 MiB and three passes are above OWASP's floor for passwords (19 MiB,
	// two passes), take some 50 ms on a present PC and a quarter of a second on
	// an old one, on one core, so that a sale goes on beside it.
	pinPasses    = 3
	pinMemoryKiB = 32 << 10
	pinThreads   = 1
	// What a record found in a file may cost at most.
	maxPasses    = 16
	maxMemoryKiB = 256 << 10
)

// pinDelay is how long the next try waits after so many wrong PINs. After the
// last step there are 24 tries a day.
func pinDelay(failures int) time.Duration {
	const free = 2
	steps := []time.Duration{
		30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour,
	}
	if failures <= free {
		return 0
	}
	return steps[min(failures-free, len(steps))-1]
}

// readPIN turns what was typed into ASCII digits; Arabic-Indic digits count.
func readPIN(typed string) (string, bool) {
	if len(typed) > 4*maxDigits {
		return "", false
	}
	var b strings.Builder
	for _, r := range typed {
		switch {
		case '0' <= r && r <= '9':
			b.WriteRune(r)
		case '٠' <= r && r <= '٩':
			b.WriteRune(r - '٠' + '0')
		case '۰' <= r && r <= '۹':
			b.WriteRune(r - '۰' + '0')
		default:
			return "", false
		}
	}
	pin := b.String()
	return pin, len(pin) >= cashierDigits && len(pin) <= maxDigits
}

// goodPIN refuses a new PIN that is too short for the role or among the first
// that anybody tries.
func goodPIN(pin string, r Role) bool {
	if r.Approver() && len(pin) < approverDigits {
		return false
	}
	return !trivialPIN(pin)
}

func trivialPIN(pin string) bool {
	for size := 1; size <= len(pin)/2; size++ {
		if len(pin)%size == 0 && strings.Repeat(pin[:size], len(pin)/size) == pin {
			return true // 1111, 1212, 123123
		}
	}
	if steady(pin, 1) || steady(pin, 9) { // 1234, 7890; 4321, 0987
		return true
	}
	if len(pin)%2 == 0 && doubled(pin) { // 1122, 112233
		return true
	}
	if len(pin) == 4 && (pin[:2] == "19" || pin[:2] == "20") { // a year
		return true
	}
	switch pin { // patterns on the key pad, and words that digits spell
	case "2580", "0852", "1004", "1379", "9731", "147258", "258369", "147852", "159753", "753951",
		"123654", "321654", "456123", "123321", "102030", "147896", "789456", "741852", "963852", "520131":
		return true
	}
	return false
}

// steady reports digits that each follow the one before by step, modulo ten.
func steady(pin string, step byte) bool {
	for i := 1; i < len(pin); i++ {
		if (pin[i-1]-'0'+step)%10 != pin[i]-'0' {
			return false
		}
	}
	return true
}

// doubled reports a run of pairs whose digits are the same or steady.
func doubled(pin string) bool {
	var half strings.Builder
	for i := 0; i < len(pin); i += 2 {
		if pin[i] != pin[i+1] {
			return false
		}
		half.WriteByte(pin[i])
	}
	h := half.String()
	return steady(h, 0) || steady(h, 1) || steady(h, 9)
}

var errPINRecord = errors.New("pos: a stored verifier is damaged")

// newVerifier makes the record for text, which is a PIN or a recovery code.
func (s *Staff) newVerifier(id MemberID, text string) (PINRecord, error) {
	r := PINRecord{
		Member: id, Salt: make([]byte, saltBytes),
		Passes: pinPasses, MemoryKiB: s.memoryKiB, Threads: pinThreads,
	}
	if _, err := io.ReadFull(s.till.cfg.Random, r.Salt); err != nil {
		return PINRecord{}, err
	}
	var err error
	if r.Pepper, err = pepperName(s.till.cfg.Pepper); err != nil {
		return PINRecord{}, err
	}
	r.Hash, err = r.derive(s.till.cfg.Pepper, text)
	return r, err
}

// derive binds the text to its member, so that a row copied over another
// one's opens nothing.
func (r *PINRecord) derive(p Pepper, text string) ([]byte, error) {
	if r.Passes < 1 || r.Passes > maxPasses || r.MemoryKiB < 8 || r.MemoryKiB > maxMemoryKiB || r.Threads < 1 {
		return nil, errPINRecord
	}
	mac, err := p.MAC([]byte("fils verifier\x00" + string(r.Member) + "\x00" + text))
	if err != nil {
		return nil, err
	}
	return argon2.IDKey(mac, r.Salt, r.Passes, r.MemoryKiB, r.Threads, hashBytes), nil
}

// matches does the same work for every text.
func (r *PINRecord) matches(p Pepper, text string) (bool, error) {
	got, err := r.derive(p, text)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, r.Hash) == 1, nil
}

// pepperName tells one pepper from another.
func pepperName(p Pepper) ([]byte, error) {
	mac, err := p.MAC([]byte("fils pepper name"))
	if err != nil {
		return nil, err
	}
	if len(mac) < 8 {
		return nil, errors.New("pos: the pepper gives no MAC")
	}
	return mac[:8:8], nil
}
