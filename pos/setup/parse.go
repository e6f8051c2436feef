package setup

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
)

// maxFile bounds settings, key and token files.
const maxFile = 256 << 10

// shared are the keys that both a person's file and the stored file may have.
type shared struct {
	Environment string     `toml:"environment"`
	Host        string     `toml:"host,omitempty"`
	Partner     string     `toml:"partner_id"`
	PayByKey    any        `toml:"payby_key,multiline"`
	Store       string     `toml:"store"`
	Terminal    string     `toml:"terminal"`
	Merchant    string     `toml:"merchant,omitempty"`
	Subject     string     `toml:"subject,omitempty"`
	Window      string     `toml:"window,omitempty"`
	ChangePayer bool       `toml:"change_payer"`
	Cashier     string     `toml:"cashier,omitempty"`
	CutOff      string     `toml:"business_day_cutoff,omitempty"`
	Backup      string     `toml:"backup_folder,omitempty"`
	LockAfter   *int64     `toml:"lock_after,omitempty"`
	Relay       *relayKeys `toml:"relay,omitempty"`
}

type relayKeys struct {
	URL       string `toml:"url"`
	Merchant  string `toml:"merchant"`
	Till      string `toml:"till"`
	Token     string `toml:"token,omitempty"`
	TokenFile string `toml:"token_file,omitempty"`

	Authority     string `toml:"authority,omitempty,multiline"`
	AuthorityFile string `toml:"authority_file,omitempty"`
}

// written is the file that a person writes.
type written struct {
	shared
	PrivateKeyFile string `toml:"private_key_file"`
	PayByKeyFile   any    `toml:"payby_key_file"`
}

// stored is the file in the data directory.
type stored struct {
	shared
	Format      int    `toml:"format"`
	KeyStore    string `toml:"key_store"`
	Fingerprint string `toml:"key_fingerprint"`
}

// hints say what to write for a key whose value has the wrong type.
func hints() map[string]string {
	return map[string]string{
		"environment":         `"production", "uat" or "custom"`,
		"host":                `text in quotes, for example "https://gateway.example"`,
		"partner_id":          `text in quotes, for example "200000000888"`,
		"private_key_file":    `the name of a file in quotes`,
		"payby_key":           `the key as text in quotes, or a list of such texts`,
		"payby_key_file":      `the name of a file in quotes, or a list of names`,
		"store":               `text in quotes`,
		"terminal":            `text in quotes`,
		"merchant":            `text in quotes`,
		"subject":             `text in quotes`,
		"window":              `a time in quotes, for example "110s"`,
		"change_payer":        `true or false, without quotes`,
		"cashier":             `text in quotes`,
		"business_day_cutoff": `a time of day in quotes, for example "04:00"`,
		"backup_folder":       `the name of a folder in quotes`,
		"lock_after":          `a number of minutes without quotes, for example 15; 0 for never`,
		"relay":               `a line [relay] and below it url, merchant, till and token_file`,
		"relay.url":           `text in quotes, for example "https://relay.example"`,
		"relay.merchant":      `text in quotes`,
		"relay.till":          `text in quotes`,
		"relay.token":         `text in quotes`,
		"relay.token_file":    `the name of a file in quotes`,

		"relay.authority":      `the certificate as text in quotes`,
		"relay.authority_file": `the name of a file in quotes`,
	}
}

// decode reads TOML strictly into v. name is the file's base name. The
// parser's own texts are not used: they quote the document, tokens included.
func decode(data []byte, name string, v any) error {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return &Error{Problem: ProblemSettings, File: name, Text: "this is not plain text; save the file as UTF-8"}
	}
	err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(v)
	if err == nil {
		return nil
	}
	var missing *toml.StrictMissingError
	if errors.As(err, &missing) && len(missing.Errors) > 0 {
		e := &missing.Errors[0]
		row, _ := e.Position()
		key := strings.Join(e.Key(), ".")
		return &Error{Problem: ProblemSettings, File: name, Line: row, Key: key, Text: unknownKey(key)}
	}
	var bad *toml.DecodeError
	if !errors.As(err, &bad) {
		return &Error{Problem: ProblemSettings, File: name, Text: "this file cannot be read as TOML"}
	}
	row, _ := bad.Position()
	key := strings.Join(bad.Key(), ".")
	if hint, ok := hints()[key]; ok && isTOML(data) {
		return &Error{Problem: ProblemSettings, File: name, Line: row, Key: key, Text: "this is the wrong kind of value; write " + hint}
	}
	return &Error{Problem: ProblemSettings, File: name, Line: row,
		Text: `this line cannot be read; each line is written as: name = "value"`}
}

// isTOML tells a value of the wrong type from a line that is no TOML at all.
func isTOML(data []byte) bool {
	var whatever map[string]any
	return toml.Unmarshal(data, &whatever) == nil
}

func unknownKey(key string) string {
	best, distance := "", 4
	for known := range hints() {
		if d := editDistance(key, known); d < distance || d == distance && best != "" && known < best {
			best, distance = known, d
		}
	}
	if best == "" {
		return "there is no such setting; take the line out"
	}
	return fmt.Sprintf("there is no such setting; did you mean %s?", best)
}

// editDistance counts insertions, deletions and replacements.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := corner
			if a[i] != b[j] {
				cost++
			}
			corner = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// texts reads one text or a list of texts; nil is none.
func texts(key string, v any) ([]string, error) {
	bad := func() ([]string, error) {
		return nil, wrong(key, "this is the wrong kind of value; write "+hints()[key])
	}
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		return []string{v}, nil
	case []any:
		out := make([]string, 0, len(v))
		for _, item := range v {
			s, ok := item.(string)
			if !ok {
				return bad()
			}
			out = append(out, s)
		}
		if len(out) == 0 {
			return bad()
		}
		return out, nil
	}
	return bad()
}
