package payby

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// Balance is a balance in ten-thousandths of a dirham; 10,000 are 1 AED, 100
// are one fils. Statements state balances with up to four decimals, which
// [Fils] would have to round (protocol.md §14.3).
type Balance int64

// ParseBalance reads a plain decimal of at most 12 digits before and 4 after
// the point, with a sign if it is negative. The error never repeats the text.
func ParseBalance(s string) (Balance, error) {
	n, ok := parseScaled([]byte(s), 4)
	if !ok {
		return 0, fmt.Errorf("%w: not a decimal number of at most 12 digits and 4 decimals", ErrMalformed)
	}
	return Balance(n), nil
}

// BalanceOf converts an amount; ErrOverflow when it does not fit.
func BalanceOf(f Fils) (Balance, error) {
	if b := f * 100; b/100 == f {
		return Balance(b), nil
	}
	return 0, ErrOverflow
}

// Fils converts b, and tells false when b is not a whole number of fils.
func (b Balance) Fils() (Fils, bool) { return Fils(b / 100), b%100 == 0 }

// String writes b as AED with two decimals, or four when it has parts of a
// fils: "1330.91", "1330.9105".
func (b Balance) String() string {
	sign, u := "", uint64(b)
	if b < 0 {
		sign, u = "-", -u
	}
	if u%100 == 0 {
		return fmt.Sprintf("%s%d.%02d", sign, u/10_000, u%10_000/100)
	}
	return fmt.Sprintf("%s%d.%04d", sign, u/10_000, u%10_000)
}

// AddFils adds two amounts; ErrOverflow when the sum does not fit.
func AddFils(a, b Fils) (Fils, error) {
	sum, ok := addExact(int64(a), int64(b))
	if !ok {
		return 0, ErrOverflow
	}
	return Fils(sum), nil
}

// addExact keeps sums within half of the range, so that the difference of two
// sums always fits.
func addExact(a, b int64) (int64, bool) {
	const most = 1 << 62
	c := a + b
	return c, (c > a) == (b > 0) && c >= -most && c <= most
}

// parseScaled reads a plain decimal as a count of units of the given number of
// decimals. Further decimals have to be zeros.
func parseScaled(s []byte, decimals int) (int64, bool) {
	s, negative := bytes.CutPrefix(s, []byte("-"))
	whole, fraction, point := bytes.Cut(s, []byte("."))
	whole = bytes.TrimLeft(whole, "0")
	if len(s) > longestDecimal || len(s) == 0 || s[0] == '.' || point && len(fraction) == 0 || len(whole) > 12 {
		return 0, false
	}
	n := int64(0)
	for _, c := range whole {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	for i := range max(decimals, len(fraction)) {
		c := byte('0')
		if i < len(fraction) {
			c = fraction[i]
		}
		if c < '0' || c > '9' || i >= decimals && c != '0' {
			return 0, false
		}
		if i < decimals {
			n = n*10 + int64(c-'0')
		}
	}
	if negative {
		n = -n
	}
	return n, true
}

// withoutCurrency cuts the prefix of summary amounts, "AED 472.70".
func withoutCurrency(s []byte) []byte {
	if len(s) > 3 && strings.EqualFold(string(s[:3]), Currency) {
		return bytes.TrimLeft(s[3:], " ")
	}
	return s
}

// Direction tells whether money came to the merchant or left.
type Direction string

// The two directions. The files have three pairs of words for them
// (protocol.md §14.3): IN and OUT, CREDIT and DEBIT, Income and Payout.
const (
	DirectionIn  Direction = "IN"
	DirectionOut Direction = "OUT"
)

func parseDirection(s string) (Direction, bool) {
	switch strings.ToUpper(s) {
	case "IN", "CREDIT", "INCOME":
		return DirectionIn, true
	case "OUT", "DEBIT", "PAYOUT":
		return DirectionOut, true
	}
	return "", false
}

// statementZone is UAE time, which has no daylight saving.
var statementZone = time.FixedZone("+0400", 4*60*60)

// parseRowTime reads both forms of protocol.md §14.3; the one without a zone is
// UAE time.
func parseRowTime(s string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02T15:04:05-0700", "02-01-2006 15:04:05", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, s, statementZone); err == nil {
			return t.In(statementZone), true
		}
	}
	return time.Time{}, false
}

func parseSummaryTime(s string) (time.Time, bool) {
	t, err := time.ParseInLocation("2006-01-02 15:04", s, statementZone)
	return t, err == nil
}
