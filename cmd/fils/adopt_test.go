package fils

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/filspos/fils/pos"
)

func TestAdopt_TakesUpWhatAnotherTillSold(t *testing.T) {
	dir, g := account(t)
	settings := openShop(t, stationOptions{dir: dir})
	no, _ := settings.charge(4200)
	unpaid, _ := settings.charge(1300)
	if err := g.Pay("200000000888", string(no)); err != nil {
		t.Fatal(err)
	}
	if err := settings.station.close(); err != nil {
		t.Fatal(err)
	}
	// Another till of the same merchant, under another name.
	other := filepath.Join(t.TempDir(), "other")
	if err := makeDataDir(other); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "settings.toml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(other, "settings.toml"), strings.ReplaceAll(string(text), "till-1", "till-2"))

	adopt := func(number string, more ...string) ran {
		return fils(append([]string{"adopt", number, "--data", other, "--note", "the other till is broken"}, more...)...)
	}
	wantFailure(t, adopt(string(no)), 1, "no journal at") // nothing to take it into
	s := openShop(t, stationOptions{dir: other})
	s.await(func(v *pos.View) bool { return v.Hop.DriftKnown })
	if err := s.station.close(); err != nil {
		t.Fatal(err)
	}
	r := adopt(string(no))
	if r.code != 0 || r.err != "" || !strings.Contains(r.out, string(no)+" is in this journal: paid, AED 42.00") {
		t.Fatalf("%+v", r)
	}
	if again := adopt(string(no)); again.code != 0 {
		t.Errorf("again: %+v", again)
	}
	wantFailure(t, adopt(string(unpaid)), 1, "took no money")
	wantFailure(t, adopt("S00000000000000000000"), 1, "knows no order")
	if r := fils("journal", "verify", "--data", other); r.code != 0 {
		t.Errorf("%+v", r)
	}
}
