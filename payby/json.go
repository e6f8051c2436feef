package payby

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Objects from outside are read member by member with exact names, because
// encoding/json takes "Status" for "status" and lets the last of two equal
// names win: either would let a second value pass a check made on the first.

type readFunc func(json.RawMessage) error

type fields map[string]readFunc

// members splits one JSON object. A name that occurs twice makes the whole
// object unusable.
func members(raw []byte) (map[string]json.RawMessage, error) {
	notObject := fmt.Errorf("%w: not a JSON object", ErrMalformed)
	if !json.Valid(raw) { // also for what the Decoder lets pass: bytes after the value
		return nil, notObject
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, notObject
	}
	m := make(map[string]json.RawMessage)
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, notObject
		}
		if _, twice := m[name]; twice {
			return nil, fmt.Errorf("%w: a member occurs twice", ErrMalformed)
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			return nil, notObject
		}
		m[name] = v
	}
	return m, nil
}

// readObject hands the members of raw to their readers. Members without a
// reader are ignored, null counts as absent.
func readObject(raw []byte, to fields, required ...string) error {
	m, err := members(raw)
	if err != nil {
		return err
	}
	for name, read := range to {
		v, ok := m[name]
		if !ok || isNull(v) {
			continue
		}
		if err := read(v); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, name := range required {
		if v, ok := m[name]; !ok || isNull(v) {
			return fmt.Errorf("%w: %s is missing", ErrMalformed, name)
		}
	}
	return nil
}

func first(raw json.RawMessage) byte {
	if len(raw) == 0 {
		return 0
	}
	return raw[0]
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

// scalar returns the text of a string or number, and of a bool if allowed.
func scalar(raw json.RawMessage, boolToo bool) (string, error) {
	switch c := first(raw); {
	case c == '"':
		var s string
		if json.Unmarshal(raw, &s) == nil {
			return s, nil
		}
	case c == '-' || c >= '0' && c <= '9':
		return string(raw), nil
	case boolToo && (c == 't' || c == 'f'):
		return string(raw), nil
	}
	return "", fmt.Errorf("%w: wrong type", ErrMalformed)
}

func textInto(to *string) readFunc {
	return func(raw json.RawMessage) (err error) {
		*to, err = scalar(raw, false)
		return err
	}
}

// wordInto reads a text that has to say something.
func wordInto(to *string) readFunc {
	return func(raw json.RawMessage) error {
		s, err := scalar(raw, false)
		if err == nil && s == "" {
			err = fmt.Errorf("%w: empty", ErrMalformed)
		}
		*to = s
		return err
	}
}

// flagInto reads a bool that may be quoted (protocol.md §7, revoked).
func flagInto(to *bool) readFunc {
	return func(raw json.RawMessage) error {
		s, err := scalar(raw, true)
		if err != nil {
			return err
		}
		switch strings.ToLower(s) {
		case "true":
			*to = true
		case "false", "":
			*to = false
		default:
			return fmt.Errorf("%w: neither true nor false", ErrMalformed)
		}
		return nil
	}
}

func millisInto(to *int64) readFunc {
	return func(raw json.RawMessage) error {
		s, err := scalar(raw, false)
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return fmt.Errorf("%w: not a time in milliseconds", ErrMalformed)
		}
		*to = n
		return nil
	}
}

func countInto(to *int) readFunc {
	return func(raw json.RawMessage) error {
		s, err := scalar(raw, false)
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(s, 10, 32)
		if err != nil || n < 0 {
			return fmt.Errorf("%w: not a count", ErrMalformed)
		}
		*to = int(n)
		return nil
	}
}

func valueInto[T any, P interface {
	*T
	json.Unmarshaler
}](to *T) readFunc {
	return func(raw json.RawMessage) error { return P(to).UnmarshalJSON(raw) }
}

func objectInto[T any, P interface {
	*T
	json.Unmarshaler
}](to **T) readFunc {
	return func(raw json.RawMessage) error {
		v := new(T)
		if err := P(v).UnmarshalJSON(raw); err != nil {
			return err
		}
		*to = v
		return nil
	}
}

// optional reads what no decision hangs on: unreadable counts as absent, so
// that a fee with three decimals cannot hide a payment.
func optional(read readFunc) readFunc {
	return func(raw json.RawMessage) error {
		_ = read(raw)
		return nil
	}
}

func noteInto(to *string) readFunc {
	return optional(func(raw json.RawMessage) error {
		s, err := scalar(raw, true)
		if err == nil {
			*to = s
		}
		return err
	})
}

func textMapInto(to *map[string]string) readFunc {
	return func(raw json.RawMessage) error {
		m, err := members(raw)
		if err != nil {
			return err
		}
		read := make(map[string]string, len(m))
		for name, v := range m {
			if s, err := scalar(v, true); err == nil {
				read[name] = s
			}
		}
		*to = read
		return nil
	}
}

// encodeJSON marshals without HTML escapes and without a trailing newline.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func listInto[T any, P interface {
	*T
	json.Unmarshaler
}](to *[]T) readFunc {
	return func(raw json.RawMessage) error {
		var items []json.RawMessage
		if first(raw) != '[' || json.Unmarshal(raw, &items) != nil {
			return fmt.Errorf("%w: not a list", ErrMalformed)
		}
		list := make([]T, len(items))
		for i, item := range items {
			if err := P(&list[i]).UnmarshalJSON(item); err != nil {
				return err
			}
		}
		*to = list
		return nil
	}
}
