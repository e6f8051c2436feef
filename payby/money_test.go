package payby

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
)

func TestParseFils(t *testing.T) {
	good := map[string]Fils{
		"0": 0, "0.0": 0, "0.00": 0, "0.000": 0, "0e9": 0,
		"1": 100, "1.0": 100, "1.00": 100, "1.000": 100, "1.01": 101, "0.1": 10, "0.01": 1,
		"126.00": 12600, "200.00": 20000, "10": 1000,
		"1E+3": 100000, "1e3": 100000, "1.5E+1": 1500, "12600E-2": 12600, "1E-2": 1, "1000E-5": 1, "0.00001E5": 100,
		"999999999999.99": MaxAmount, "999999999999.990": MaxAmount, "99999999999999E-2": MaxAmount,
	}
	for s, want := range good {
		if got, err := ParseFils(s); err != nil || got != want {
			t.Errorf("ParseFils(%q) = %d, %v; want %d", s, got, err, want)
		}
	}
	bad := []string{
		"", " ", "-1", "-0", "+1", "01", "00", "1.", ".5", "1.001", "0.001", "1,00", "1 ", " 1", "1_0", "0x10", "NaN", "Inf",
		"1000000000000", "1000000000000.00", "999999999999.991", "1E12", "1E13", "1E-3", "1E", "E1", "1E1.0", "1e99999999999999999999",
		"1.2.3", "0.0001", "1E-4", "1E-60", "١", "1\x00", strings.Repeat("9", 65), "0." + strings.Repeat("0", 65), "1e65", "1e-65", "0e65", "0e-65", "abc", "1e+-3",
	}
	for _, s := range bad {
		got, err := ParseFils(s)
		if !errors.Is(err, ErrMalformed) || got != 0 {
			t.Errorf("ParseFils(%q) = %d, %v; want an error", s, got, err)
		}
		if err != nil && len(s) > 2 && strings.Contains(err.Error(), s) {
			t.Errorf("the error for %q repeats the text", s)
		}
	}
}

func TestFilsString(t *testing.T) {
	for f, want := range map[Fils]string{
		0: "0.00", 1: "0.01", 10: "0.10", 100: "1.00", 12600: "126.00", -5: "-0.05", -12345: "-123.45",
		MaxAmount: "999999999999.99", math.MinInt64: "-92233720368547758.08",
	} {
		if got := f.String(); got != want {
			t.Errorf("Fils(%d) = %s, want %s", int64(f), got, want)
		}
	}
}

func TestMoneyJSON(t *testing.T) {
	b, err := json.Marshal(AED(12600))
	if err != nil || string(b) != `{"amount":126.00,"currency":"AED"}` {
		t.Fatalf("wrote %s, %v", b, err)
	}
	for _, m := range []Money{AED(-1), AED(MaxAmount + 1)} {
		if _, err := json.Marshal(m); !errors.Is(err, ErrInvalid) {
			t.Errorf("writing %d: %v, want ErrInvalid", m.Amount, err)
		}
	}
	for _, in := range []string{
		`{"amount":126,"currency":"AED"}`, `{"amount":126.0,"currency":"AED"}`, `{"currency":"AED","amount":"126.00"}`,
		`{"amount":1.26E+2,"currency":"AED","scale":2}`, "{\n \"amount\" : 126.00 ,\"currency\": \"AED\" }",
	} {
		var m Money
		if err := json.Unmarshal([]byte(in), &m); err != nil || m != AED(12600) {
			t.Errorf("%s read as %v, %v", in, m, err)
		}
	}
	for _, in := range []string{
		`{}`, `{"amount":1}`, `{"currency":"AED"}`, `{"amount":null,"currency":"AED"}`, `{"amount":1.005,"currency":"AED"}`,
		`{"amount":-1,"currency":"AED"}`, `{"amount":"","currency":"AED"}`, `{"amount":true,"currency":"AED"}`,
		`{"amount":[1],"currency":"AED"}`, `126.00`, `"126.00"`, `[]`,
		`{"amount":1,"amount":2,"currency":"AED"}`, `{"Amount":1,"currency":"AED"}`, `{"amount":1,"CURRENCY":"AED"}`,
	} {
		m := AED(7)
		if err := json.Unmarshal([]byte(in), &m); !errors.Is(err, ErrMalformed) || m != AED(7) {
			t.Errorf("%s read as %v, %v; want ErrMalformed and no change", in, m, err)
		}
	}
}

func TestQuantityJSON(t *testing.T) {
	for in, want := range map[string]string{"2.0": "2", "2": "2", `"1.50"`: "1.5", "1.25": "1.25", "10": "10", "100.00": "100", "0": "0"} {
		var q Quantity
		if err := json.Unmarshal([]byte(in), &q); err != nil {
			t.Errorf("%s: %v", in, err)
		}
		if b, err := json.Marshal(q); err != nil || string(b) != want {
			t.Errorf("%s came back as %s, %v; want %s", in, b, err, want)
		}
	}
	if _, err := json.Marshal(Quantity(-1)); !errors.Is(err, ErrInvalid) {
		t.Errorf("a negative quantity was written: %v", err)
	}
}
