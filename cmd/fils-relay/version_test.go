package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersion_SaysWhatIsKnown(t *testing.T) {
	checkout := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.modified", Value: "true"}}
	for name, test := range map[string]struct {
		version, commit string
		info            debug.BuildInfo
		want            build
	}{
		"nothing":        {"", "", debug.BuildInfo{}, build{"development", "unknown"}},
		"plain go build": {"", "", debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, build{"development", "unknown"}},
		"changed tree":   {"", "", debug.BuildInfo{Settings: checkout}, build{"development", "0123456789ab+"}},
		"go install":     {"", "", debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, build{"1.2.3", "unknown"}},
		"make":           {"1.2.4", "fedcba987654", debug.BuildInfo{Settings: checkout}, build{"1.2.4", "fedcba987654"}},
	} {
		if got := buildFrom(test.version, test.commit, &test.info); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

// What the Makefile tells the linker arrives.
func TestVersion_OfTheMakefile(t *testing.T) {
	rules, err := os.ReadFile(filepath.Join("..", "..", "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	flags := regexp.MustCompile(`(?m)^RELAY := (.*)$`).FindStringSubmatch(string(rules))
	if flags == nil {
		t.Fatal("the Makefile tells the linker nothing")
	}
	told := strings.NewReplacer("$(VERSION)", "9.8.7", "$(COMMIT)", "abc123").Replace(flags[1])
	file := filepath.Join(t.TempDir(), "fils-relay")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-ldflags", told, "-o", file, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command(file, "version").Output()
	if err != nil || !strings.HasPrefix(string(out), "fils-relay 9.8.7, commit abc123, go") {
		t.Errorf("%q, %v", out, err)
	}
}
