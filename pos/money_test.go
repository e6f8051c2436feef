package pos

import (
	"errors"
	"testing"
)

func TestParseAmount(t *testing.T) {
	good := map[string]Fils{
		"12.34": 1234, "12": 1200, "12.": 1200, ".5": 50, "0.01": 1, "12.3": 1230, "007": 700,
		"999999999999.99": MaxAmount, "١٢٫٣٤": 1234, "۱۲.۳۴": 1234,
	}
	for text, want := range good {
		if got, err := ParseAmount(text); err != nil || got != want {
			t.Errorf("ParseAmount(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	bad := map[string]error{
		"": ErrAmountEmpty, ".": ErrAmountSyntax, "0": ErrAmountZero, "0.00": ErrAmountZero, "-1": ErrAmountNegative,
		"1.234": ErrAmountDecimals, "1000000000000": ErrAmountTooLarge, "999999999999.991": ErrAmountDecimals,
		"99999999999999999999999999": ErrAmountTooLarge, "1e3": ErrAmountSyntax, "1,5": ErrAmountSyntax, "12a": ErrAmountSyntax,
		"1.2.3": ErrAmountSyntax, " 1": ErrAmountSyntax, "+1": ErrAmountSyntax, "--1": ErrAmountSyntax, "NaN": ErrAmountSyntax,
	}
	for text, want := range bad {
		if got, err := ParseAmount(text); !errors.Is(err, want) || got != 0 {
			t.Errorf("ParseAmount(%q) = %d, %v; want %v", text, got, err, want)
		}
	}
}

func TestFils_Format(t *testing.T) {
	for f, want := range map[Fils][2]string{
		0: {"0.00", "0.00"}, 5: {"0.05", "0.05"}, 1234: {"12.34", "12.34"}, 123456789: {"1234567.89", "1,234,567.89"},
		-150: {"-1.50", "-1.50"}, MaxAmount: {"999999999999.99", "999,999,999,999.99"}, 100000: {"1000.00", "1,000.00"},
	} {
		if f.String() != want[0] || f.Grouped() != want[1] {
			t.Errorf("%d prints %q and %q, want %q", int64(f), f, f.Grouped(), want)
		}
	}
}

func FuzzParseAmount(f *testing.F) {
	for _, s := range []string{"12.34", "0", "١٢٫٣", "9999999999999", "1..2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseAmount(text)
		if err != nil {
			return
		}
		if got <= 0 || got > MaxAmount {
			t.Fatalf("ParseAmount(%q) = %d", text, got)
		}
		if again, err := ParseAmount(got.String()); err != nil || again != got {
			t.Fatalf("%q → %d → %q → %d, %v", text, got, got.String(), again, err)
		}
	})
}
