package payby

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Fils is an amount of money in fils; 100 fils are 1 AED.
type Fils int64

// MaxAmount is the highest amount the gateway takes, AED 999,999,999,999.99
// (protocol.md §5).
const MaxAmount Fils = 99_999_999_999_999

// Currency is the only currency of the gateway (protocol.md §5).
const Currency = "AED"

// longestDecimal bounds the work spent on one number from outside.
const longestDecimal = 64

// ParseFils reads a decimal number of AED as it may stand on the wire: any
// scale ("1", "1.0", "1.00") and also the exponent form that the vendor's Java
// SDK can write ("1E+3"). The value has to be exact in fils, not negative and
// at most [MaxAmount]. The error never repeats the text.
func ParseFils(s string) (Fils, error) {
	n, err := parseHundredths(s)
	return Fils(n), err
}

// String writes f as AED with exactly two decimals and no grouping: "126.00".
func (f Fils) String() string {
	sign, u := "", uint64(f)
	if f < 0 {
		sign, u = "-", -u
	}
	return fmt.Sprintf("%s%d.%02d", sign, u/100, u%100)
}

// Money is an amount with its currency. In JSON it has the form
// {"amount":126.00,"currency":"AED"}; it is written with exactly two decimals
// and read with any scale, as a number or quoted (protocol.md §5).
type Money struct {
	Amount   Fils
	Currency string
}

// AED returns f as Money in the currency of the gateway.
func AED(f Fils) Money { return Money{Amount: f, Currency: Currency} }

// MarshalJSON refuses amounts that the gateway has no place for.
func (m Money) MarshalJSON() ([]byte, error) {
	if m.Amount < 0 || m.Amount > MaxAmount {
		return nil, fmt.Errorf("%w: amount out of range", ErrInvalid)
	}
	currency, err := json.Marshal(m.Currency)
	if err != nil {
		return nil, err
	}
	return []byte(`{"amount":` + m.Amount.String() + `,"currency":` + string(currency) + `}`), nil
}

// UnmarshalJSON needs both members and an amount that is exact in fils.
func (m *Money) UnmarshalJSON(raw []byte) error {
	var read Money
	err := readObject(raw, fields{
		"amount":   amountInto(&read.Amount),
		"currency": textInto(&read.Currency),
	}, "amount", "currency")
	if err == nil {
		*m = read
	}
	return err
}

func amountInto(to *Fils) readFunc {
	return func(raw json.RawMessage) error {
		s, err := scalar(raw, false)
		if err != nil {
			return err
		}
		*to, err = ParseFils(s)
		return err
	}
}

// Quantity is a number of goods in hundredths; 100 is one piece. The gateway
// knows two decimals (protocol.md §5).
type Quantity int64

// MarshalJSON writes the shortest decimal form: 1, 1.5, 1.25.
func (q Quantity) MarshalJSON() ([]byte, error) {
	if q < 0 || Fils(q) > MaxAmount {
		return nil, fmt.Errorf("%w: quantity out of range", ErrInvalid)
	}
	s := Fils(q).String()
	return []byte(strings.TrimSuffix(strings.TrimRight(s, "0"), ".")), nil
}

// UnmarshalJSON reads any scale: a sent 2 comes back as 2.0.
func (q *Quantity) UnmarshalJSON(raw []byte) error {
	s, err := scalar(raw, false)
	if err != nil {
		return err
	}
	n, err := parseHundredths(s)
	if err == nil {
		*q = Quantity(n)
	}
	return err
}

// parseHundredths reads a JSON number without sign as a count of hundredths.
func parseHundredths(s string) (int64, error) {
	bad := fmt.Errorf("%w: not a decimal number of at most 12 digits and 2 decimals", ErrMalformed)
	if len(s) == 0 || len(s) > longestDecimal {
		return 0, bad
	}
	mantissa, exponent := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, err := strconv.Atoi(s[i+1:])
		if err != nil || e > longestDecimal || e < -longestDecimal {
			return 0, bad
		}
		mantissa, exponent = s[:i], e
	}
	whole, fraction, point := strings.Cut(mantissa, ".")
	if whole == "" || point && fraction == "" || len(whole) > 1 && whole[0] == '0' {
		return 0, bad
	}
	digits := whole + fraction
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, bad
		}
	}
	// shift is the number of digits still missing (or too many) in hundredths.
	shift := exponent - len(fraction) + 2
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		return 0, nil
	}
	if shift < 0 {
		cut := len(digits) + shift
		if cut < 0 || strings.Trim(digits[cut:], "0") != "" {
			return 0, bad
		}
		digits = digits[:cut]
	} else {
		digits += strings.Repeat("0", shift)
	}
	if len(digits) == 0 || len(digits) > 14 {
		return 0, bad
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, bad
	}
	return n, nil
}
