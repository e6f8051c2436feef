package pos

import (
	"flag"
	"testing"
)

// UsualChecks keeps the everyday run short and on the same paths; the command
// line wins.
func UsualChecks(t *testing.T, n string) {
	t.Helper()
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if given["rapid.checks"] || given["rapid.seed"] || given["rapid.failfile"] {
		return
	}
	for name, value := range map[string]string{"rapid.checks": n, "rapid.seed": "20261123"} {
		before := flag.Lookup(name).Value.String()
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := flag.Set(name, before); err != nil {
				t.Error(err)
			}
		})
	}
}
