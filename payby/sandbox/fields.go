package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/filspos/fils/payby"
)

const listLimit = 1000

var errDuplicate = errors.New("a member appears twice")

// readObject splits a JSON object into its members. Names are case-sensitive, and a name
// that appears twice is refused: which of the two the real gateway would take is unknown.
func readObject(raw []byte) (map[string]json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	if tok != json.Delim('{') {
		return nil, errors.New("not an object")
	}
	m := make(map[string]json.RawMessage)
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		key, ok := name.(string)
		if !ok {
			return nil, errors.New("member name is not text")
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		if _, twice := m[key]; twice {
			return nil, fmt.Errorf("%s: %w", key, errDuplicate)
		}
		m[key] = value
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("data after the object")
	}
	return m, nil
}

// fields reads the members of one object and remembers the first that is wrong, so that
// an operation reads everything and asks once.
type fields struct {
	m      map[string]json.RawMessage
	strict bool
	bad    string // name of the first wrong member
}

func (f *fields) fail(name string) {
	if f.bad == "" {
		f.bad = name
	}
}

func (f *fields) has(name string) bool {
	raw, ok := f.m[name]
	return ok && string(raw) != "null"
}

// text reads optional text of at most limit characters.
func (f *fields) text(name string, limit int) string {
	if !f.has(name) {
		return ""
	}
	var s string
	if err := json.Unmarshal(f.m[name], &s); err != nil || javaLength(s) > limit {
		f.fail(name)
		return ""
	}
	return s
}

// length picks between two published limits: the newer in strict mode.
func (f *fields) length(strict, lenient int) int {
	if f.strict {
		return strict
	}
	return lenient
}

func (f *fields) required(name string, limit int) string {
	s := f.text(name, limit)
	if s == "" {
		f.fail(name)
	}
	return s
}

// number reads text that protocol.md limits to letters, digits, - and _.
func (f *fields) number(name string) string {
	s := f.text(name, 64)
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
		default:
			f.fail(name)
			return ""
		}
	}
	return s
}

// millis reads an epoch time in ms; 0 when absent.
func (f *fields) millis(name string) int64 {
	if !f.has(name) {
		return 0
	}
	text := string(f.m[name])
	if !f.strict {
		text, _ = plainDecimal(text)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		f.fail(name)
		return 0
	}
	return n
}

// boolean reads a member of paySceneParams: the text true or false in any case; a JSON
// boolean in lenient mode.
func (f *fields) boolean(name string, fallback bool) bool {
	if !f.has(name) {
		return fallback
	}
	raw := string(f.m[name])
	if !f.strict && (raw == "true" || raw == "false") {
		return raw == "true"
	}
	switch strings.ToLower(raw) {
	case `"true"`:
		return true
	case `"false"`:
		return false
	}
	f.fail(name)
	return fallback
}

func (f *fields) object(name string) *fields {
	child := &fields{strict: f.strict}
	if !f.has(name) {
		return child
	}
	m, err := readObject(f.m[name])
	if err != nil {
		f.fail(name)
	}
	child.m = m
	return child
}

// list splits an optional JSON list.
func (f *fields) list(name string) []json.RawMessage {
	if !f.has(name) {
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(f.m[name], &list); err != nil || len(list) > listLimit {
		f.fail(name)
		return nil
	}
	return list
}

// texts reads an optional list of text.
func (f *fields) texts(name string, limit int) []string {
	var out []string
	for _, raw := range f.list(name) {
		var s *string
		if err := json.Unmarshal(raw, &s); err != nil || s == nil || javaLength(*s) > limit {
			f.fail(name)
			return nil
		}
		out = append(out, *s)
	}
	return out
}

// objects reads an optional list of objects.
func (f *fields) objects(name string) []*fields {
	var out []*fields
	for _, raw := range f.list(name) {
		m, err := readObject(raw)
		if err != nil {
			f.fail(name)
			return nil
		}
		out = append(out, &fields{m: m, strict: f.strict})
	}
	return out
}

// count reads an optional whole number.
func (f *fields) count(name string, least, most, fallback int) int {
	if !f.has(name) {
		return fallback
	}
	text := string(f.m[name])
	if !f.strict {
		text, _ = plainDecimal(text)
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		f.fail(name)
		return fallback
	}
	return n
}

// money reads an optional Money. The amount must fit 12 digits before and 2 after the
// point; exponents are understood because the vendor's own SDK can write them.
func (f *fields) money(name string) (m money, present bool) {
	if !f.has(name) {
		return money{}, false
	}
	obj := f.object(name)
	var currency string
	if json.Unmarshal(obj.m["currency"], &currency) != nil || currency != "AED" {
		f.fail(name)
		return money{}, false
	}
	text := string(obj.m["amount"])
	if len(text) > 2 && text[0] == '"' && !f.strict {
		text = text[1 : len(text)-1]
	}
	plain, ok := plainDecimal(text)
	if !ok {
		f.fail(name)
		return money{}, false
	}
	fils, err := payby.ParseFils(plain)
	if err != nil || fils < 0 {
		f.fail(name)
		return money{}, false
	}
	_, frac, _ := strings.Cut(plain, ".")
	if len(frac) > 2 {
		f.fail(name)
		return money{}, false
	}
	return money{fils, int8(len(frac))}, true
}

// positive reads a required Money above zero.
func (f *fields) positive(name string) money {
	m, ok := f.money(name)
	if !ok || m.fils <= 0 {
		f.fail(name)
	}
	return m
}

// plainDecimal rewrites a JSON number without its exponent. ok is false for anything
// that is not a number or that would become absurdly long.
func plainDecimal(s string) (plain string, ok bool) {
	if s == "" || len(s) > 64 || !json.Valid([]byte(s)) || !strings.ContainsAny(s[:1], "-0123456789") {
		return s, false
	}
	mantissa, exp, found := strings.Cut(strings.ToLower(s), "e")
	if !found {
		return s, true
	}
	shift, err := strconv.Atoi(exp)
	if err != nil || shift > 30 || shift < -30 {
		return s, false
	}
	sign := ""
	if strings.HasPrefix(mantissa, "-") {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	digits, point := whole+frac, len(whole)+shift
	if point < 1 {
		digits, point = strings.Repeat("0", 1-point)+digits, 1
	}
	if point > len(digits) {
		digits += strings.Repeat("0", point-len(digits))
	}
	whole = strings.TrimLeft(digits[:point], "0")
	if whole == "" {
		whole = "0"
	}
	if frac = strings.TrimRight(digits[point:], "0"); frac != "" {
		frac = "." + frac
	}
	return sign + whole + frac, true
}

// digest identifies the business content of a request: the named members by value,
// whatever their order, spacing or number format (protocol.md §6.5).
func digest(m map[string]json.RawMessage, names []string) [sha256.Size]byte {
	h := sha256.New()
	for _, name := range slices.Sorted(slices.Values(names)) {
		raw, ok := m[name]
		if !ok || string(raw) == "null" {
			continue
		}
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		var v any
		if err := dec.Decode(&v); err != nil {
			continue
		}
		fmt.Fprintf(h, "%q:", name)
		writeCanonical(h, v)
		_, _ = io.WriteString(h, ",")
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func writeCanonical(w io.Writer, v any) {
	switch v := v.(type) {
	case map[string]any:
		_, _ = io.WriteString(w, "{")
		for _, k := range slices.Sorted(maps.Keys(v)) {
			fmt.Fprintf(w, "%q:", k)
			writeCanonical(w, v[k])
			_, _ = io.WriteString(w, ",")
		}
		_, _ = io.WriteString(w, "}")
	case []any:
		_, _ = io.WriteString(w, "[")
		for _, e := range v {
			writeCanonical(w, e)
			_, _ = io.WriteString(w, ",")
		}
		_, _ = io.WriteString(w, "]")
	case json.Number:
		s, _ := plainDecimal(v.String())
		if strings.Contains(s, ".") {
			s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
		}
		_, _ = io.WriteString(w, s)
	case string:
		fmt.Fprintf(w, "%q", v)
	default:
		fmt.Fprint(w, v)
	}
}

// javaLength counts UTF-16 units, as the gateway does.
func javaLength(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}
