package payby

import (
	"errors"
	"math"
	"testing"
	"time"
)

func TestParseBalance(t *testing.T) {
	for text, want := range map[string]Balance{
		"1330.9100": 13_309_100, "0": 0, "0.0001": 1, "-0.0001": -1, "100.00": 1_000_000, "100": 1_000_000, "007.5": 75_000,
		"999999999999.9999": 9_999_999_999_999_999, "-999999999999.9999": -9_999_999_999_999_999, "1.50000000": 15_000,
	} {
		got, err := ParseBalance(text)
		if err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
		if again, err := ParseBalance(got.String()); err != nil || again != got {
			t.Errorf("%q printed as %q reads %d, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"", "-", "--1", "+1", ".5", "-.5", "1.", "1.00001", "1,000.00", "1e3", "1E+3", "1000000000000", "0x1", " 1", "1 ", "١", "1.2.3", "NaN"} {
		if got, err := ParseBalance(text); got != 0 || !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

func TestBalance_PrintsAndConverts(t *testing.T) {
	for b, want := range map[Balance]string{
		0: "0.00", 1: "0.0001", -1: "-0.0001", 13_309_100: "1330.91", 13_309_105: "1330.9105", -10_050: "-1.0050", 100: "0.01",
		math.MinInt64: "-922337203685477.5808",
	} {
		if b.String() != want {
			t.Errorf("%d prints %s, want %s", int64(b), b, want)
		}
	}
	if f, whole := Balance(13_309_100).Fils(); f != 133_091 || !whole {
		t.Error(f, whole)
	}
	if _, whole := Balance(13_309_105).Fils(); whole {
		t.Error("parts of a fils were lost")
	}
	if b, err := BalanceOf(133_091); b != 13_309_100 || err != nil {
		t.Error(b, err)
	}
	if b, err := BalanceOf(math.MaxInt64 / 50); b != 0 || !errors.Is(err, ErrOverflow) {
		t.Error(b, err)
	}
}

func TestAddFils(t *testing.T) {
	for _, c := range []struct {
		a, b, sum Fils
		fits      bool
	}{
		{1, 2, 3, true}, {-5, 2, -3, true}, {0, 0, 0, true}, {1 << 61, 1 << 61, 1 << 62, true}, {-1 << 61, -1 << 61, -1 << 62, true},
		{1 << 62, 1, 0, false}, {-1 << 62, -1, 0, false},
		{math.MaxInt64, 1, 0, false}, {math.MinInt64, -1, 0, false}, {math.MinInt64, math.MinInt64, 0, false}, {math.MaxInt64, math.MaxInt64, 0, false},
	} {
		if got, err := AddFils(c.a, c.b); got != c.sum || (err == nil) != c.fits || err != nil && !errors.Is(err, ErrOverflow) {
			t.Errorf("%d + %d = %d, %v", c.a, c.b, got, err)
		}
	}
}

func TestRowTimesAreUAETime(t *testing.T) {
	want := uae(t, "2021-01-12 17:46:36")
	for _, text := range []string{"2021-01-12T17:46:36+0400", "12-01-2021 17:46:36", "2021-01-12T13:46:36+0000", "2021-01-12T17:46:36+04:00"} {
		if got, ok := parseRowTime(text); !ok || got != want {
			t.Errorf("%q: %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "2021-01-12", "2021-01-12 17:46:36", "12-13-2021 17:46:36", "30-02-2021 00:00:00", "2021-01-12T17:46:36", "1610459196000"} {
		if got, ok := parseRowTime(text); ok {
			t.Errorf("%q: %v", text, got)
		}
	}
	if got, ok := parseSummaryTime("2026-07-14 00:00"); !ok || !got.Equal(time.Date(2026, 7, 13, 20, 0, 0, 0, time.UTC)) {
		t.Error(got, ok)
	}
}

func TestDirectionWords(t *testing.T) {
	for word, want := range map[string]Direction{
		"IN": DirectionIn, "in": DirectionIn, "CREDIT": DirectionIn, "Income": DirectionIn,
		"OUT": DirectionOut, "DEBIT": DirectionOut, "Payout": DirectionOut, "PAYOUT": DirectionOut, "": "", "INOUT": "", "INCOMING": "",
	} {
		if got, ok := parseDirection(word); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v", word, got, ok)
		}
	}
}
