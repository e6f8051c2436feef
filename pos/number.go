package pos

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// numberBytes random bytes (104 bits) go into every number (design §2.1).
const numberBytes = 13

// crockford has no letters that are mistaken for digits when read aloud.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// newNumber returns prefix, the UTC date and 104 random bits. The date helps
// people, the random part makes the number unique.
func newNumber(prefix string, now time.Time, random io.Reader) (string, error) {
	var b [numberBytes]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("draw a number: %w", err)
	}
	return prefix + now.UTC().Format("060102") + "-" + encode(b[:]), nil
}

// ownNumber reports that s has the form of this program's numbers: prefix, a
// date and the random part.
func ownNumber(prefix, s string) bool {
	rest, ok := strings.CutPrefix(s, prefix)
	date, random, found := strings.Cut(rest, "-")
	if !ok || !found || len(date) != len("060102") || len(random) != (numberBytes*8+4)/5 {
		return false
	}
	_, err := time.Parse("060102", date)
	return err == nil && strings.Trim(random, crockford) == ""
}

// encode writes five bits a character.
func encode(b []byte) string {
	out := make([]byte, 0, (len(b)*8+4)/5)
	var acc, bits uint
	for _, v := range b {
		acc, bits = acc<<8|uint(v), bits+8
		for bits >= 5 {
			bits -= 5
			out = append(out, crockford[acc>>bits&31])
		}
	}
	if bits > 0 {
		out = append(out, crockford[acc<<(5-bits)&31])
	}
	return string(out)
}
