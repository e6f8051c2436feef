package setup

import (
	"fmt"
	"io"
	"log/slog"
)

// mask is what stands in the place of a secret.
const mask = "•••"

// Secret is text that must not be shown. Every way of printing or encoding it
// yields "•••"; only [Secret.Reveal] gives the text.
type Secret string

// Reveal returns the text. The caller keeps it out of errors, logs and files.
func (s Secret) Reveal() string { return string(s) }

// String returns "•••".
func (s Secret) String() string { return mask }

// GoString returns "•••".
func (s Secret) GoString() string { return mask }

// Format writes "•••" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// MarshalText returns "•••", so that no encoder writes the secret by accident.
func (s Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// LogValue returns "•••".
func (s Secret) LogValue() slog.Value { return slog.StringValue(mask) }
