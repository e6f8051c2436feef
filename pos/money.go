package pos

import (
	"errors"
	"strings"
)

// Fils is an amount of money in fils: 100 fils are one dirham. It is the only
// representation of money in this program.
type Fils int64

// Currency is the only currency a till charges in.
const Currency = "AED"

// MaxAmount is the largest amount of one order (protocol.md §5).
const MaxAmount Fils = 99_999_999_999_999

// Reasons why typed text is not an amount that can be charged.
var (
	ErrAmountEmpty    = errors.New("pos: amount is empty")
	ErrAmountSyntax   = errors.New("pos: amount is not a number")
	ErrAmountDecimals = errors.New("pos: amount has more than two decimals")
	ErrAmountZero     = errors.New("pos: amount is zero")
	ErrAmountNegative = errors.New("pos: amount is negative")
	ErrAmountTooLarge = errors.New("pos: amount is above 999,999,999,999.99")
)

// ParseAmount reads an amount in dirhams as a person types it: digits with at
// most one decimal point and at most two decimals. Arabic-Indic and Persian
// digits and the Arabic decimal separator count as their Latin counterparts.
// Everything else is refused, with one of the ErrAmount errors; nothing is
// rounded or guessed.
func ParseAmount(text string) (Fils, error) {
	text = NormalizeDigits(text)
	switch {
	case text == "":
		return 0, ErrAmountEmpty
	case strings.HasPrefix(text, "-") && isDecimal(text[1:]):
		return 0, ErrAmountNegative
	case !isDecimal(text):
		return 0, ErrAmountSyntax
	}
	whole, decimals, _ := strings.Cut(text, ".")
	if len(decimals) > 2 {
		return 0, ErrAmountDecimals
	}
	decimals += "00"[len(decimals):]
	var f Fils
	for _, d := range whole + decimals {
		f = f*10 + Fils(d-'0')
		if f > MaxAmount {
			return 0, ErrAmountTooLarge
		}
	}
	if f == 0 {
		return 0, ErrAmountZero
	}
	return f, nil
}

// isDecimal reports digits with at most one point and at least one digit.
func isDecimal(s string) bool {
	digits, points := 0, 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == '.':
			points++
		default:
			return false
		}
	}
	return digits > 0 && points <= 1
}

// NormalizeDigits turns Arabic-Indic (U+0660…) and Persian (U+06F0…) digits
// and the Arabic decimal separator (U+066B) into their Latin counterparts and
// leaves every other character alone.
func NormalizeDigits(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '٠' && r <= '٩':
			return '0' + r - '٠'
		case r >= '۰' && r <= '۹':
			return '0' + r - '۰'
		case r == '٫':
			return '.'
		}
		return r
	}, text)
}

// String prints dirhams with two decimals and no grouping: "1234.50".
func (f Fils) String() string {
	return f.format("")
}

// Grouped prints dirhams with two decimals and thousands separated by commas,
// for people: "1,234.50".
func (f Fils) Grouped() string {
	return f.format(",")
}

func (f Fils) format(separator string) string {
	sign := ""
	u := uint64(f)
	if f < 0 {
		sign, u = "-", -u
	}
	digits := uitoa(u/100, separator)
	cents := u % 100
	return sign + digits + "." + string([]byte{byte('0' + cents/10), byte('0' + cents%10)})
}

func uitoa(u uint64, separator string) string {
	var parts []byte
	for n := 0; u > 0 || n == 0; n++ {
		if n > 0 && n%3 == 0 {
			for i := len(separator) - 1; i >= 0; i-- {
				parts = append(parts, separator[i])
			}
		}
		parts = append(parts, byte('0'+u%10))
		u /= 10
	}
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return string(parts)
}
