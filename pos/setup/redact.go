package setup

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
)

// Redact wraps a log handler so that no secret and no payer data passes: what
// goes by a secret's name, every key or signature by its looks, and every raw
// body. It is the only way to the log. The handler it returns may be used from
// many goroutines if h may.
func Redact(h slog.Handler) slog.Handler {
	return &redactor{h, newFilter()}
}

type redactor struct {
	next   slog.Handler
	filter *filter
}

func (r *redactor) Enabled(ctx context.Context, l slog.Level) bool { return r.next.Enabled(ctx, l) }

func (r *redactor) Handle(ctx context.Context, rec slog.Record) error {
	clean := slog.NewRecord(rec.Time, rec.Level, r.filter.text(rec.Message), rec.PC)
	rec.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(r.filter.attr(a))
		return true
	})
	return r.next.Handle(ctx, clean)
}

func (r *redactor) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = r.filter.attr(a)
	}
	return &redactor{r.next.WithAttrs(clean), r.filter}
}

func (r *redactor) WithGroup(name string) slog.Handler {
	return &redactor{r.next.WithGroup(name), r.filter}
}

// filter knows what a secret looks like. It is immutable.
type filter struct {
	names []string
	pem   *regexp.Regexp
	run   *regexp.Regexp
	named *regexp.Regexp
	code  *regexp.Regexp
	user  *regexp.Regexp
}

func newFilter() *filter {
	return &filter{
		names: []string{
			"key", "token", "secret", "sign", "signature", "pass", "passphrase", "password", "pin",
			"authorization", "cookie", "body", "raw", "biz", "payer", "mobile", "phone", "email", "qr",
		},
		pem: regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]+-----.*?(-----END [A-Z0-9 ]+-----|$)`),
		run: regexp.MustCompile(`[A-Za-z0-9+/_=-]{40,}`),
		// ft is the token in the text of a QR code.
		named: regexp.MustCompile(`(?i)(bearer\s+|[?&]ft=|\b(?:payerMid|sign|token|passphrase|password)=|"(?:payerMid|sign|token|passphrase|password)"\s*:\s*")[^\s"&,}]+`),
		code:  regexp.MustCompile(`(?i)fils1:[^\s"]+`),  // of a pairing
		user:  regexp.MustCompile(`(://)[^\s"/?#]*(@)`), // of a proxy
	}
}

func (f *filter) attr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	if f.secretName(a.Key) {
		return slog.String(a.Key, mask)
	}
	switch v.Kind() {
	case slog.KindGroup:
		group := v.Group()
		clean := make([]any, len(group))
		for i, member := range group {
			clean[i] = f.attr(member)
		}
		return slog.Group(a.Key, clean...)
	case slog.KindString:
		return slog.String(a.Key, f.text(v.String()))
	case slog.KindAny:
		// Whatever it is, its bytes are not logged as they are.
		switch v := v.Any().(type) {
		case []byte:
			return slog.String(a.Key, fmt.Sprintf("%d bytes", len(v)))
		case error:
			return slog.String(a.Key, f.text(v.Error()))
		default:
			return slog.String(a.Key, f.text(fmt.Sprint(v)))
		}
	}
	return slog.Attr{Key: a.Key, Value: v}
}

// secretName matches whole words: "relayToken" and "api_key" are secrets,
// "monkey" is not.
func (f *filter) secretName(name string) bool {
	for _, word := range words(name) {
		for _, secret := range f.names {
			if word == secret {
				return true
			}
		}
	}
	return false
}

// words splits an attribute's name at case changes and punctuation.
func words(name string) []string {
	var b strings.Builder
	for i, r := range name {
		upper := r >= 'A' && r <= 'Z'
		if upper && i > 0 && name[i-1] >= 'a' && name[i-1] <= 'z' {
			b.WriteByte(' ')
		}
		if r == '_' || r == '-' || r == '.' {
			r = ' '
		}
		b.WriteRune(r)
	}
	return strings.Fields(strings.ToLower(b.String()))
}

func (f *filter) text(s string) string {
	s = f.pem.ReplaceAllString(s, mask)
	s = f.named.ReplaceAllString(s, "${1}"+mask)
	s = f.code.ReplaceAllString(s, mask)
	s = f.user.ReplaceAllString(s, "${1}"+mask+"${2}")
	return f.run.ReplaceAllStringFunc(s, func(run string) string {
		if looksLikePath(run) {
			return run
		}
		return mask
	})
}

// looksLikePath tells a path or URL path from Base64, whose slashes stand 64
// characters apart on average. In doubt it is Base64.
func looksLikePath(run string) bool {
	if strings.ContainsAny(run, "+=") {
		return false
	}
	parts := strings.Split(run, "/")
	for _, part := range parts {
		if len(part) >= 32 {
			return false
		}
	}
	return len(run) < 20*len(parts)
}
